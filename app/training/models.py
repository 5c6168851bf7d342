"""Chapter 4: topic areas, yearly plans, courses, sessions and enrolments (培訓計劃與實施)."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Integer, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.catalogs import catalog_rows
from app.core.db import Model
from app.core.entity import Catalog, Recorded
from app.core.types import Choice, Day, Line, Moment, Money, Name, Prose, Whole, choice_column
from app.staff.models import StaffMember, Team


class TopicArea(Catalog, Model):
    """An area that training covers; the policy names five (培訓主題, clause 4.1.2)."""

    __tablename__ = "topic_area"


class Method(Choice):
    """How something is taught (clause 4.2.2)."""

    LECTURE = _l("Lecture"), "calm"
    CASE = _l("Case study"), "calm"
    SIMULATION = _l("Simulation"), "calm"
    DISCUSSION = _l("Group discussion"), "calm"
    SELF_STUDY = _l("Self-study"), "calm"
    EXCHANGE = _l("Team exchange"), "calm"


class Quarter(Choice):
    """A quarter of the plan's year."""

    Q1 = _l("1st quarter"), "calm"
    Q2 = _l("2nd quarter"), "calm"
    Q3 = _l("3rd quarter"), "calm"
    Q4 = _l("4th quarter"), "calm"


class PlanStatus(Choice):
    """Where a training plan stands."""

    DRAFT = _l("Draft"), "soon"
    SUBMITTED = _l("Waiting for approval"), "progress"
    APPROVED = _l("In force"), "done"
    REPLACED = _l("Replaced"), "calm"


class TrainingPlan(Recorded, Model):
    """One edition of a year's training plan: goals, budget and, as items, the schedule (年度培訓計劃, clause 4.1.1)."""

    __tablename__ = "training_plan"
    __table_args__ = (
        UniqueConstraint("year", "edition"),
        CheckConstraint("budget IS NULL OR budget >= 0", name="budget_not_negative"),
        CheckConstraint(
            "status NOT IN ('APPROVED', 'REPLACED') OR approved_at IS NOT NULL", name="approved_has_moment"
        ),
    )
    queue_role: ClassVar[str] = "supervisor"

    year: Mapped[Whole] = mapped_column(index=True)
    edition: Mapped[Whole] = mapped_column(default=1)
    goals: Mapped[Prose]
    budget: Mapped[Money | None]
    status: Mapped[PlanStatus] = choice_column(PlanStatus, default=PlanStatus.DRAFT, index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    author: Mapped[StaffMember | None] = relationship(foreign_keys=author_id)
    approver_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    approver: Mapped[StaffMember | None] = relationship(foreign_keys=approver_id)
    approved_at: Mapped[Moment | None]
    answer: Mapped[Prose | None]
    items: Mapped[list[PlanItem]] = relationship(viewonly=True)

    @property
    def hours(self) -> Decimal:
        """Hours of all items."""
        return sum((item.hours for item in self.items), Decimal())

    @property
    def uncovered(self) -> list[TopicArea]:
        """Topic areas of clause 4.1.2 for which the plan has no item yet."""
        covered = {item.topic_area_id for item in self.items}
        return [area for area in catalog_rows(TopicArea) if area.id not in covered and area.retired_on is None]

    def __str__(self) -> str:
        return f"{self.year} v{self.edition}"


class PlanItem(Recorded, Model):
    """One thing a plan means to teach: what, how, to whom, when (培訓計劃項目, clause 4.1.1)."""

    __tablename__ = "plan_item"
    __table_args__ = (CheckConstraint("hours > 0", name="hours_positive"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("training_plan.id", ondelete="CASCADE"), index=True)
    plan: Mapped[TrainingPlan] = relationship()
    quarter: Mapped[Quarter] = choice_column(Quarter)
    topic_area_id: Mapped[int] = mapped_column(ForeignKey("topic_area.id", ondelete="RESTRICT"), index=True)
    topic_area: Mapped[TopicArea] = relationship()
    title: Mapped[Name]
    method: Mapped[Method] = choice_column(Method)
    audience: Mapped[Line]
    hours: Mapped[Decimal] = mapped_column(Numeric(5, 1))
    copied_from_id: Mapped[int | None] = mapped_column(ForeignKey("plan_item.id", ondelete="SET NULL"), index=True)
    """The item of the edition before; its sessions count for this one when the new edition is approved."""

    def __str__(self) -> str:
        return self.title


class CourseLevel(Choice):
    """For whom a course is meant."""

    BASIC = _l("Basic"), "calm"
    ADVANCED = _l("Advanced"), "calm"
    EXPERT = _l("Expert"), "calm"


class Course(Recorded, Model):
    """One course that can be held again and again (課程, clause 4.1.3)."""

    __tablename__ = "course"
    __table_args__ = (CheckConstraint("hours IS NULL OR hours > 0", name="hours_positive"),)

    code: Mapped[str] = mapped_column(String(32), unique=True)
    title: Mapped[Name]
    topic_area_id: Mapped[int] = mapped_column(ForeignKey("topic_area.id", ondelete="RESTRICT"), index=True)
    topic_area: Mapped[TopicArea] = relationship()
    level: Mapped[CourseLevel] = choice_column(CourseLevel, default=CourseLevel.BASIC)
    hours: Mapped[Decimal | None] = mapped_column(Numeric(5, 1))
    summary: Mapped[Prose | None]
    retired_on: Mapped[Day | None]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class SessionStatus(Choice):
    """Where a session stands."""

    PLANNED = _l("Planned"), "soon"
    NOTIFIED = _l("Participants notified"), "progress"
    HELD = _l("Held"), "done"
    CANCELLED = _l("Cancelled"), "calm"


class TrainingSession(Recorded, Model):
    """One course held once: when, where, how, by whom (培訓場次, clauses 4.1.3 and 4.2.1)."""

    __tablename__ = "training_session"
    __table_args__ = (
        CheckConstraint("ends_at >= starts_at", name="ends_after_start"),
        CheckConstraint("capacity IS NULL OR capacity > 0", name="capacity_positive"),
        CheckConstraint("status != 'NOTIFIED' OR notified_at IS NOT NULL", name="notified_has_moment"),
    )

    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="RESTRICT"), index=True)
    course: Mapped[Course] = relationship(lazy="joined", innerjoin=True)
    plan_item_id: Mapped[int | None] = mapped_column(ForeignKey("plan_item.id", ondelete="SET NULL"), index=True)
    plan_item: Mapped[PlanItem | None] = relationship()
    starts_at: Mapped[Moment] = mapped_column(index=True)
    ends_at: Mapped[Moment]
    place: Mapped[Line]
    method: Mapped[Method] = choice_column(Method)
    agenda: Mapped[Prose | None]
    trainer_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    trainer: Mapped[StaffMember | None] = relationship(foreign_keys=trainer_id)
    outside_trainer: Mapped[Name | None]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    team: Mapped[Team | None] = relationship()
    capacity: Mapped[int | None] = mapped_column(Integer)
    status: Mapped[SessionStatus] = choice_column(SessionStatus, default=SessionStatus.PLANNED, index=True)
    notified_at: Mapped[Moment | None]
    notice_days: Mapped[Whole | None]
    """Whole days from the notice to the day of the session."""
    reason: Mapped[Line | None]
    enrolments: Mapped[list[Enrolment]] = relationship(viewonly=True)

    def __str__(self) -> str:
        return f"{self.course} {self.day}"

    @property
    def day(self) -> str:
        """The day it is held, in the office's zone."""
        return f"{clock.local(self.starts_at):%Y-%m-%d}"


class EnrolmentStatus(Choice):
    """How far a participant is: told, has read it, came."""

    ENROLLED = _l("Enrolled"), "soon"
    NOTIFIED = _l("Notified"), "progress"
    READ = _l("Has read the notice"), "progress"
    ATTENDED = _l("Attended"), "done"
    ABSENT = _l("Did not come"), "late"


class Enrolment(Recorded, Model):
    """One person's place in one session, with notice, receipt and attendance (參訓名單, clause 4.2.1)."""

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("session_id", "person_id"),
        CheckConstraint("status != 'READ' OR read_at IS NOT NULL", name="read_has_moment"),
    )

    session_id: Mapped[int] = mapped_column(ForeignKey("training_session.id", ondelete="CASCADE"), index=True)
    session: Mapped[TrainingSession] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id", ondelete="RESTRICT"), index=True)
    person: Mapped[StaffMember] = relationship()
    status: Mapped[EnrolmentStatus] = choice_column(EnrolmentStatus, default=EnrolmentStatus.ENROLLED, index=True)
    notified_at: Mapped[Moment | None]
    read_at: Mapped[Moment | None]

    @property
    def owner(self) -> StaffMember:
        """Who owes the receipt."""
        return self.person

    def __str__(self) -> str:
        return f"{self.person} · {self.session}"
