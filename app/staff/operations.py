"""Who is behind a login, and the tasks that promises make: opened, paused, kept or broken."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask_appbuilder.security.sqla.models import Role, assoc_user_role
from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, exists, inspect, literal, or_, select, true
from sqlalchemy.orm import joinedload, load_only

from app.core import clock, present
from app.core.db import counted_to, db
from app.core.entity import Recorded, key_of
from app.core.estimates import tally
from app.core.jobs import job
from app.core.present import Tally
from app.core.scope import Viewer
from app.core.workflow import TaskLine
from app.handbook import calendar
from app.handbook.models import Clause, Promise
from app.handbook.operations import due_at, office_calendar, promise_for
from app.staff.models import StaffMember, Task, TaskStatus

RUNNING = (TaskStatus.OPEN, TaskStatus.PAUSED)
VIEWERS = select(
    StaffMember.user_id, StaffMember.id, StaffMember.department_id, StaffMember.team_id, StaffMember.leads_id
)
"""Who is behind each login: person, department, own team and the team led (see ``core.scope.set_viewers``)."""


def person_of(user_id: int | None) -> StaffMember | None:
    """Return the staff member behind a login, or None for the system and for logins without one."""
    return db.session.scalar(select(StaffMember).where(StaffMember.user_id == user_id)) if user_id else None


class Tasks:
    """Opens and closes the tasks that a workflow's promises make (see ``core.workflow.TaskKeeper``)."""

    def start(self, item: Recorded, promise: str, now: datetime) -> None:
        """Open the task a promise makes for this record; without a promise in force nobody owes anything."""
        row = promise_for(promise, item, clock.local(now).date())
        if row is None or self._running(item, promise) is not None:
            return
        # Who owes it is the record's owner, unless the record says that this promise is somebody else's to keep.
        owner = getattr(item, getattr(item, "owed_by", {}).get(promise, "owner"), None)
        db.session.add(
            Task(
                promise=promise,
                entity=item.__tablename__,
                record_id=item.id,
                subject=str(item)[:255],
                clause_id=row.clause_id,
                owner=owner,
                role=getattr(item, "queue_role", None),
                opened_at=now,
                due_at=due_at(row, now),
            )
        )
        db.session.flush()

    def keep(self, item: Recorded, promise: str, now: datetime) -> None:
        """Mark the open task done, in time or late; a paused one first runs on."""
        task = self._running(item, promise)
        if task is None:
            return
        self._run_on(task, item, now)
        task.done_at = now
        task.status = TaskStatus.KEPT if now <= task.due_at else TaskStatus.BROKEN
        db.session.flush()

    def pause(self, item: Recorded, promise: str, now: datetime) -> None:
        """Stop the clock of the open task."""
        task = self._running(item, promise)
        if task is not None and task.status is TaskStatus.OPEN:
            task.status, task.paused_at = TaskStatus.PAUSED, now
            db.session.flush()

    def resume(self, item: Recorded, promise: str, now: datetime) -> None:
        """Let the clock run on; the pause is added to the due time."""
        task = self._running(item, promise)
        if task is not None:
            self._run_on(task, item, now)
            db.session.flush()

    def cancel(self, item: Recorded, now: datetime) -> None:
        """Close what is still open for this record without judging it."""
        for task in db.session.scalars(select(Task).where(*_about(item), Task.status.in_(RUNNING))):
            task.status, task.done_at = TaskStatus.CANCELLED, now
        db.session.flush()

    def lines(self, item: Recorded) -> list[TaskLine]:
        """Return the record's tasks as its page shows them, running ones first, then by due time."""
        rows = db.session.scalars(
            select(Task).options(joinedload(Task.clause)).where(*_about(item)).order_by(Task.due_at)
        )
        return [task_line(task) for task in sorted(rows, key=lambda task: task.status not in RUNNING)]

    def late(self, model: type[Any], now: datetime) -> ColumnElement[bool]:
        """Return, for a query over records of a model and its kinds, that an open task of theirs is late."""
        # By the few late tasks, not by asking each record for its own.
        kinds = [kind.class_.__tablename__ for kind in inspect(model).self_and_descendants]
        late = select(Task.record_id).where(Task.status == TaskStatus.OPEN, Task.due_at < now, Task.entity.in_(kinds))
        return key_of(model).in_(late)  # type: ignore[no-any-return]

    def _running(self, item: Recorded, promise: str) -> Task | None:
        wanted = select(Task).where(*_about(item), Task.promise == promise, Task.status.in_(RUNNING))
        return db.session.scalars(wanted.order_by(Task.id.desc())).first()

    def _run_on(self, task: Task, item: Recorded, now: datetime) -> None:
        """End a pause: count it in the promise's own kind of time and work the due time out anew from the start."""
        if task.paused_at is None or task.status is not TaskStatus.PAUSED:
            return
        row = promise_for(task.promise, item, clock.local(task.opened_at).date())
        task.paused_seconds += int(_pause(row, task.paused_at, now).total_seconds())
        if row is not None:
            task.due_at = due_at(row, task.opened_at, timedelta(seconds=task.paused_seconds))
        task.status, task.paused_at = TaskStatus.OPEN, None


def _pause(promise: Promise | None, since: datetime, until: datetime) -> timedelta:
    pauses = [calendar.Pause(since, until)]
    if promise is not None and promise.length_unit.name.startswith("WORKING"):
        return calendar.paused_working(office_calendar(), pauses, until)
    return calendar.paused_elapsed(pauses, until)


def _about(item: Recorded) -> tuple[ColumnElement[bool], ...]:
    return Task.entity == item.__tablename__, Task.record_id == item.id


def kept(model: type[Any], promise: str) -> ColumnElement[bool]:
    """Return, for a query over records of a model and its kinds, that this promise was kept for them."""
    return exists().where(
        Task.entity.in_(kind.class_.__tablename__ for kind in inspect(model).self_and_descendants),
        Task.record_id == model.id,
        Task.promise == promise,
        Task.status == TaskStatus.KEPT,
    )


def hand_tasks_to(item: Recorded, owner: StaffMember | None) -> None:
    """Give what is still owed for a record to another person; the clocks run on."""
    for task in db.session.scalars(select(Task).where(*_about(item), Task.status.in_(RUNNING))):
        task.owner = owner
    db.session.flush()


def task_line(task: Task) -> TaskLine:
    """Return a task as pages show it: what is owed, and how it stands with the clock."""
    words, tone = str(task.status), task.status.tone
    if task.status is TaskStatus.OPEN:
        words, tone = present.due_words(task.due_at)
    clause = task.clause.number if task.clause is not None else None
    return TaskLine(task.what, clause, words, tone, present.words(task.due_at))


def owed_by(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition for what a person owes: tasks of their own, and unowned ones of their roles."""
    return _owed(literal(viewer.user_id), literal(viewer.person_id, Integer))


def _owed(user_id: ColumnElement[int], person_id: ColumnElement[Any]) -> ColumnElement[bool]:
    roles = select(Role.name).join(assoc_user_role, assoc_user_role.c.role_id == Role.id)
    of_role = Task.role.in_(roles.where(assoc_user_role.c.user_id == user_id))
    return or_(and_(Task.owner_id.is_(None), of_role), Task.owner_id == person_id)


@cache
def _inbox(limit: int) -> Select[Task]:
    """Return the statement for what a person owes; it is kept, since every first page asks it."""
    mine = _owed(bindparam("user_id"), bindparam("person_id", type_=Integer))
    shown = (Task.promise, Task.entity, Task.record_id, Task.subject, Task.status, Task.due_at)
    wanted = select(Task).options(load_only(*shown), joinedload(Task.clause).load_only(Clause.number))
    return wanted.where(mine, Task.status.in_(RUNNING)).order_by(Task.due_at, Task.id).limit(limit)


def inbox(viewer: Viewer, limit: int = 50) -> list[Task]:
    """Return what a person owes now, most urgent first; the clocks of some may stand still."""
    asked = {"user_id": viewer.user_id, "person_id": viewer.person_id}
    return list(db.session.scalars(_inbox(limit), asked))


def pressing(viewer: Viewer, now: datetime, limit: int, cap: int) -> tuple[list[Task], int]:
    """Return the most urgent of what a person owes that is late or due soon, and how many there are, up to a cap."""
    soon = select(Task).where(owed_by(viewer), Task.status == TaskStatus.OPEN, Task.due_at < now + present.SOON)
    rows = soon.options(joinedload(Task.clause)).order_by(Task.due_at, Task.id).limit(limit)
    tasks = list(db.session.scalars(rows))
    if len(tasks) < limit:
        return tasks, len(tasks)
    return tasks, db.session.scalar(select(counted_to(soon.with_only_columns(Task.id), cap))) or 0


def late_with_others(
    viewer: Viewer, within: ColumnElement[bool], now: datetime, limit: int
) -> tuple[list[Task], Tally]:
    """Return the latest of what others owe ``within`` a person's reach and is late, and how many there are."""
    late = select(Task).where(within, owed_by(viewer).is_not(true()), Task.status == TaskStatus.OPEN, Task.due_at < now)
    rows = late.options(joinedload(Task.clause), joinedload(Task.owner)).order_by(Task.due_at, Task.id).limit(limit)
    tasks = list(db.session.scalars(rows))
    return tasks, Tally(len(tasks)) if len(tasks) < limit else tally(late, Task.id)


@job("late_tasks")
def mark_late(now: datetime) -> int:
    """Mark running tasks whose due time has passed; return how many were marked.

    Each is claimed by its version, so that two sweeps at once mark it once.
    """
    late = select(Task).where(Task.status == TaskStatus.OPEN, Task.due_at < now, Task.late_at.is_(None))
    tasks = list(db.session.scalars(late.limit(1000)))
    for task in tasks:
        task.late_at = now
    db.session.flush()
    return len(tasks)
