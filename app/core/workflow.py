"""Workflow: one table of steps beside the model; the status column is moved by steps and by nothing else.

    Step("accept", _l("Accept"), from_=S.REPORTED, to=S.IN_REPAIR, keeps="repair_response", starts="repair_return")

From the table come the buttons, the small form that asks for what is missing, the permission ``can_<step>``, the
guard, the line of history, and the tasks that open and close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from flask import current_app
from flask_babel import LazyString
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, or_

from app.core import audit, clock
from app.core.db import db
from app.core.entity import Recorded
from app.core.errors import RuleError
from app.core.scope import acting_viewer, path_in, viewer
from app.core.types import Choice


@dataclass(frozen=True)
class TaskLine:
    """One task of a record as its page shows it."""

    label: str
    clause: str | None
    words: str
    tone: str
    exact: str


class TaskKeeper(Protocol):
    """What a workflow asks of the room that keeps promises and tasks."""

    def start(self, item: Recorded, promise: str, now: datetime) -> None:
        """Open the task a promise makes for this record."""

    def keep(self, item: Recorded, promise: str, now: datetime) -> None:
        """Mark the open task done, in time or late."""

    def pause(self, item: Recorded, promise: str, now: datetime) -> None:
        """Stop the clock of the open task."""

    def resume(self, item: Recorded, promise: str, now: datetime) -> None:
        """Let the clock run on; the pause is added to the due time."""

    def cancel(self, item: Recorded, now: datetime) -> None:
        """Close what is still open for this record without judging it."""

    def lines(self, item: Recorded) -> list[TaskLine]:
        """Return the record's tasks as its page shows them."""

    def late(self, model: type[Any], now: datetime) -> ColumnElement[bool]:
        """Return the condition, for a query over a model, that something owed for the record is late."""


def task_keeper() -> TaskKeeper:
    """Return whoever keeps tasks in this application."""
    keeper: TaskKeeper = current_app.extensions["portal_task_keeper"]
    return keeper


def set_task_keeper(keeper: TaskKeeper) -> None:
    """Let the room that keeps tasks answer for them in this application."""
    current_app.extensions["portal_task_keeper"] = keeper


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@dataclass(frozen=True)
class Step:
    """One move of one record.

    ``asks`` names columns the small form asks for, ``wants`` those of them that may stay empty. ``by`` is a dotted
    path to the person who alone may take the step (holders of the step at scope *all* may stand in); ``never`` are
    paths to people who may not take it whatever their scope: nobody decides about their own. ``keeps``,
    ``starts``, ``pauses``, ``resumes`` name promises; ``ends`` cancels every open task. ``does`` is the operation
    that changes more than this row; it may raise RuleError.
    """

    name: str
    label: LazyString
    from_: Choice | frozenset[Choice] | set[Choice]
    to: Choice
    asks: Sequence[str] = ()
    wants: Sequence[str] = ()
    by: str | None = None
    never: Sequence[str] = ()
    keeps: str | Sequence[str] = ()
    starts: str | Sequence[str] = ()
    pauses: str | Sequence[str] = ()
    resumes: str | Sequence[str] = ()
    ends: bool = False
    does: Callable[..., None] | None = None
    tone: str = "calm"
    confirm: LazyString | None = None

    @property
    def is_main(self) -> bool:
        """Whether this is the usual way on: its button stands last, where the page's one main button stands."""
        return self.tone == "main"

    @property
    def sources(self) -> frozenset[Choice]:
        """The states the step starts from."""
        return frozenset({self.from_}) if isinstance(self.from_, Choice) else frozenset(self.from_)


@dataclass(frozen=True, init=False)
class Workflow:
    """The steps of one model; ``path`` is the usual way through its states, drawn as a bar."""

    model: type[Any]
    steps: dict[str, Step]
    column: str = "status"
    path: tuple[Choice, ...] = field(default=())

    def __init__(self, model: type[Any], *steps: Step, path: Sequence[Choice] = (), column: str = "status") -> None:
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "steps", {step.name: step for step in steps})
        object.__setattr__(self, "column", column)
        object.__setattr__(self, "path", tuple(path))

    @property
    def states(self) -> list[Choice]:
        """The states the steps lead from and to, in the order of their list."""
        known = {state for step in self.steps.values() for state in (*step.sources, step.to)}
        return [state for state in type(next(iter(known))) if state in known]

    @property
    def open_states(self) -> list[Choice]:
        """The states that steps lead on from, but for the last of the usual way: a record is reopened from there."""
        last = self.path[-1:]
        leading = {state for step in self.steps.values() for state in step.sources}
        return [state for state in self.states if state in leading and state not in last]

    @property
    def has_promises(self) -> bool:
        """Whether any step opens or closes a task."""
        return any(step.keeps or step.starts for step in self.steps.values())

    def stages(self, item: Any) -> list[tuple[Choice, str]]:
        """Return the usual way with a record's place on it: each state is «past», «here» or «ahead».

        A state beside the way stands after the one it was reached from; where no step leads on, nothing is ahead.
        """
        status = self.status(item)
        if status in self.path:
            place = self.path.index(status)
            past, ahead = self.path[:place], self.path[place + 1 :]
        else:
            into = [step for step in self.steps.values() if step.to is status]
            from_ = [self.path.index(state) for step in into for state in step.sources if state in self.path]
            place = max(from_, default=-1) + 1
            past, ahead = self.path[:place], self.path[place:] if self.open_steps(item) else ()
        ways = ((past, "past"), ((status,), "here"), (ahead, "ahead"))
        return [(state, where) for states, where in ways for state in states]

    def status(self, item: Any) -> Choice:
        """Return the record's state."""
        state: Choice = getattr(item, self.column)
        return state

    def open_steps(self, item: Any) -> list[Step]:
        """Return the steps that start from the record's state, in the table's order."""
        return [step for step in self.steps.values() if self.status(item) in step.sources]

    def is_for(self, step: Step, item: Any) -> bool:
        """Tell whether the step is this viewer's to take, as far as the step names a person."""
        if step.by is None:
            return True
        person = viewer().person_id
        if person is None:
            return False
        clause = path_in(self.model, step.by, frozenset({person}))
        key = self.model.id == item.id
        return bool(db.session.scalar(db.select(db.exists().where(key, clause))))

    def bars(self, step: Step, item: Any) -> bool:
        """Tell whether the step is closed to whoever acts, since the record is about them or asked by them."""
        if not step.never:
            return False
        who = acting_viewer()
        if who is None or who.person_id is None:
            return False
        clauses = (path_in(self.model, path, frozenset({who.person_id})) for path in step.never)
        return bool(db.session.scalar(db.select(db.exists().where(self.model.id == item.id, or_(*clauses)))))

    def check(self, item: Any, step: Step) -> None:
        """Raise RuleError when the record is not where the step starts: another person was quicker."""
        if self.status(item) not in step.sources:
            raise RuleError(
                _("This record is already “%(state)s”; the step is no longer possible.", state=str(self.status(item)))
            )

    def take(self, item: Any, step: Step, now: datetime) -> None:
        """Move the record, write history, open and close tasks; does not commit.

        What the step asks for is on the record already. Raises RuleError when the step does not start from the
        record's state or is barred to whoever acts; of two simultaneous moves the record's version lets one through.
        """
        self.check(item, step)
        if self.bars(step, item):
            raise RuleError(_("Nobody decides about their own request or their own work."))
        setattr(item, self.column, step.to)
        if step.does is not None:
            step.does(item, now)
        db.session.flush()
        audit.note_step(item, step.name)
        self._move_tasks(item, step, now)

    def _move_tasks(self, item: Any, step: Step, now: datetime) -> None:
        keeper = task_keeper()
        for name in _names(step.keeps):
            keeper.keep(item, name, now)
        for name in _names(step.pauses):
            keeper.pause(item, name, now)
        for name in _names(step.resumes):
            keeper.resume(item, name, now)
        for name in _names(step.starts):
            keeper.start(item, name, now)
        if step.ends:
            keeper.cancel(item, now)


def begin(item: Recorded, promises: Sequence[str], now: datetime | None = None) -> None:
    """Open the tasks that a new record owes from its first moment."""
    for promise in promises:
        task_keeper().start(item, promise, now or clock.now())
