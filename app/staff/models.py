"""Chapter 2: departments, teams, positions, staff and their tasks (崗位職責)."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model
from app.core.entity import Catalog, Recorded
from app.core.types import Choice, Day, Line, Moment, Name, Whole, choice_column
from app.handbook.models import Clause
from app.handbook.operations import promise_name


class Department(Catalog, Model):
    """A department of the company, ours or one we hand work to (部門)."""

    __tablename__ = "department"


class Team(Catalog, Model):
    """A team of a department, led by one person (小組)."""

    __tablename__ = "team"

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id", ondelete="RESTRICT"), index=True)
    department: Mapped[Department] = relationship()
    leader: Mapped[StaffMember | None] = relationship(
        viewonly=True, uselist=False, primaryjoin="Team.id == foreign(StaffMember.leads_id)"
    )


class Position(Catalog, Model):
    """A position on the career ladder (職位, clause 4.3.1)."""

    __tablename__ = "position"

    level: Mapped[Whole] = mapped_column(default=1)


class StaffMember(Recorded, Model):
    """One person who works or worked in the department (員工, clause 1.2)."""

    __tablename__ = "staff_member"
    __table_args__ = (CheckConstraint("left_on IS NULL OR left_on >= hired_on", name="left_after_hired"),)

    number: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[Name] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), unique=True)
    user: Mapped[User | None] = relationship(foreign_keys=user_id)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id", ondelete="RESTRICT"), index=True)
    department: Mapped[Department] = relationship()
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    team: Mapped[Team | None] = relationship(foreign_keys=team_id)
    leads_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"), unique=True)
    leads: Mapped[Team | None] = relationship(foreign_keys=leads_id)
    position_id: Mapped[int | None] = mapped_column(ForeignKey("position.id", ondelete="RESTRICT"), index=True)
    position: Mapped[Position | None] = relationship()
    extension: Mapped[str | None] = mapped_column(String(20))
    languages: Mapped[Line | None]
    hired_on: Mapped[Day]
    left_on: Mapped[Day | None]

    def __str__(self) -> str:
        return self.name


def lead_over(*people: StaffMember) -> StaffMember | None:
    """Return the lead of the first person's team, or None if there is none or it is one of the people themselves."""
    team = people[0].team
    leader = team.leader if team is not None else None
    return leader if leader not in people else None


class TaskStatus(Choice):
    """Where a task stands; that it is late follows from the clock."""

    OPEN = _l("Open"), "progress"
    PAUSED = _l("Paused"), "calm"
    KEPT = _l("Done in time"), "done"
    BROKEN = _l("Done late"), "late"
    CANCELLED = _l("Cancelled"), "calm"


class Task(Recorded, Model):
    """What somebody owes by when, for which record, under which clause (待辦事項)."""

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint("status NOT IN ('KEPT', 'BROKEN') OR done_at IS NOT NULL", name="done_has_moment"),
        CheckConstraint("status != 'PAUSED' OR paused_at IS NOT NULL", name="paused_has_moment"),
        Index("ix_task_record", "entity", "record_id"),
        Index("ix_task_inbox", "status", "owner_id", "due_at"),
    )

    promise: Mapped[str] = mapped_column(String(40), index=True)
    entity: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int] = mapped_column(Integer)
    subject: Mapped[Line]
    clause_id: Mapped[int | None] = mapped_column(ForeignKey("clause.id", ondelete="RESTRICT"), index=True)
    clause: Mapped[Clause | None] = relationship()
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    owner: Mapped[StaffMember | None] = relationship()
    role: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[TaskStatus] = choice_column(TaskStatus, default=TaskStatus.OPEN)
    opened_at: Mapped[Moment]
    due_at: Mapped[Moment] = mapped_column(index=True)
    paused_at: Mapped[Moment | None]
    paused_seconds: Mapped[Whole] = mapped_column(default=0)
    done_at: Mapped[Moment | None]
    late_at: Mapped[Moment | None]

    @property
    def what(self) -> str:
        """What must be done: the promise in the reader's words."""
        return promise_name(self.promise)

    def __str__(self) -> str:
        return self.subject
