"""Chapter 2: shift types, coverage, rosters, leave, swaps and attendance (排班與考勤)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, UniqueConstraint, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, validates

from app.core.db import Model
from app.core.entity import Catalog, Numbered, Recorded
from app.core.types import Choice, Day, Flag, Line, Moment, Prose, TimeOfDay, Whole, choice_column
from app.handbook.models import Weekday
from app.staff.models import StaffMember, Team, lead_over

DAYS_OF_WEEK = 7


def monday_of(day: date) -> date:
    """Return the Monday of the week that holds a day."""
    return day - timedelta(days=day.weekday())


class ShiftColor(Choice):
    """How a shift type is coloured on the board; its name always stands beside the colour."""

    BLUE = _l("Blue"), "calm"
    AMBER = _l("Amber"), "calm"
    VIOLET = _l("Violet"), "calm"
    SLATE = _l("Slate"), "calm"
    TEAL = _l("Teal"), "calm"


class ShiftType(Catalog, Model):
    """A kind of shift with its hours, such as the early shift (班別, clause 2.2.1)."""

    __tablename__ = "shift_type"
    __table_args__ = (
        CheckConstraint("starts_at != ends_at", name="has_length"),
        CheckConstraint("break_minutes >= 0", name="break_not_negative"),
    )

    starts_at: Mapped[TimeOfDay]
    ends_at: Mapped[TimeOfDay]
    break_minutes: Mapped[Whole] = mapped_column(default=0)
    color: Mapped[ShiftColor] = choice_column(ShiftColor, default=ShiftColor.BLUE)

    @property
    def is_over_midnight(self) -> bool:
        """Whether the shift ends on the day after it began; one that ends at midnight does, too."""
        return self.ends_at <= self.starts_at

    @property
    def hours(self) -> str:
        """From when to when, as short as the board shows it: 08–17, 22:30–07."""
        return f"{_short(self.starts_at)}–{_short(self.ends_at) if self.ends_at != time() else '24'}"

    @property
    def work(self) -> timedelta:
        """Time worked: from start to end without the break."""
        day = date(2026, 1, 1)
        start, end = (datetime.combine(day, clock) for clock in (self.starts_at, self.ends_at))
        return end - start + timedelta(days=self.is_over_midnight) - timedelta(minutes=self.break_minutes)

    def span(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the moments (UTC) between which the shift of a day lies; its hours are those of the office's zone."""
        last = day + timedelta(days=self.is_over_midnight)
        start, end = datetime.combine(day, self.starts_at, zone), datetime.combine(last, self.ends_at, zone)
        return start.astimezone(UTC), end.astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.name} {self.hours}"


def _short(clock: time) -> str:
    return f"{clock:%H:%M}" if clock.minute else f"{clock:%H}"


class CoverageRule(Recorded, Model):
    """How many people a team needs on one shift of one weekday (人力需求, clause 2.2.1)."""

    __tablename__ = "coverage_rule"
    __table_args__ = (
        UniqueConstraint("team_id", "weekday", "shift_type_id"),
        CheckConstraint("least >= 0", name="least_not_negative"),
        CheckConstraint("best IS NULL OR best >= least", name="best_not_below_least"),
    )

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    team: Mapped[Team] = relationship()
    weekday: Mapped[Weekday] = choice_column(Weekday)
    shift_type_id: Mapped[int] = mapped_column(ForeignKey("shift_type.id", ondelete="RESTRICT"), index=True)
    shift_type: Mapped[ShiftType] = relationship()
    least: Mapped[Whole]
    best: Mapped[Whole | None]

    def __str__(self) -> str:
        return f"{self.team} {self.weekday} {self.shift_type}"


class WeekStatus(Choice):
    """Whether the people of the team may count on the roster."""

    DRAFT = _l("Draft"), "soon"
    PUBLISHED = _l("Published"), "done"


class RosterWeek(Recorded, Model):
    """One team's roster of one week, Monday to Sunday (班表, clause 2.2.1)."""

    __tablename__ = "roster_week"
    __table_args__ = (
        UniqueConstraint("team_id", "monday"),
        CheckConstraint("status != 'PUBLISHED' OR published_at IS NOT NULL", name="published_has_moment"),
    )

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    team: Mapped[Team] = relationship()
    monday: Mapped[Day] = mapped_column(index=True)
    status: Mapped[WeekStatus] = choice_column(WeekStatus, default=WeekStatus.DRAFT)
    published_at: Mapped[Moment | None]
    """When it was first published: from then on people see it, also while it is open again."""
    notice_days: Mapped[Whole | None]
    """Whole days from first publication to the Monday; negative for a week published late."""
    is_waived = False
    """Whether whoever publishes it now has seen what speaks against it; said with the step, never stored."""

    @validates("monday")
    def _snap(self, _key: str, day: date) -> date:
        return monday_of(day)

    def __str__(self) -> str:
        return f"{self.team} {self.monday:%Y-%m-%d}"


class Shift(Recorded, Model):
    """One person's shift of one day (班次, clause 2.2.1); nobody has two on a day."""

    __tablename__ = "shift"
    __table_args__ = (UniqueConstraint("person_id", "day"), Index("ix_shift_week", "team_id", "monday"))

    person_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id", ondelete="RESTRICT"), index=True)
    person: Mapped[StaffMember] = relationship()
    day: Mapped[Day] = mapped_column(index=True)
    monday: Mapped[Day]
    """The week it belongs to, always that of ``day``: what joins it to its team's roster of the week."""
    shift_type_id: Mapped[int] = mapped_column(ForeignKey("shift_type.id", ondelete="RESTRICT"), index=True)
    shift_type: Mapped[ShiftType] = relationship()
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    team: Mapped[Team] = relationship()
    week: Mapped[RosterWeek | None] = relationship(
        viewonly=True,
        primaryjoin=lambda: and_(
            foreign(Shift.team_id) == RosterWeek.team_id, foreign(Shift.monday) == RosterWeek.monday
        ),
    )
    seat: Mapped[str | None] = mapped_column(String(40))

    @validates("day")
    def _place(self, _key: str, day: date) -> date:
        self.monday = monday_of(day)
        return day

    def __str__(self) -> str:
        return f"{self.person} {self.day:%Y-%m-%d} {self.shift_type}"


class LeaveKind(Catalog, Model):
    """A kind of leave: annual, sick, personal (假別)."""

    __tablename__ = "leave_kind"

    is_paid: Mapped[Flag]


class LeaveStatus(Choice):
    """Where a request for leave stands."""

    ASKED = _l("Asked for"), "soon"
    APPROVED = _l("Approved"), "done"
    REFUSED = _l("Refused"), "late"
    WITHDRAWN = _l("Withdrawn"), "calm"


class LeaveRequest(Numbered, Recorded, Model):
    """One person's request to be away on some days, or for some hours of one day (請假申請, clause 2.2.1)."""

    __tablename__ = "leave_request"
    __table_args__ = (
        CheckConstraint("last_on >= first_on", name="last_not_before_first"),
        CheckConstraint("hours IS NULL OR (hours > 0 AND last_on = first_on)", name="hours_of_one_day"),
        CheckConstraint("status NOT IN ('APPROVED', 'REFUSED') OR decided_at IS NOT NULL", name="decided_has_moment"),
        Index("ix_leave_request_days", "person_id", "first_on"),
    )
    number_prefix: ClassVar[str] = "LV"
    queue_role: ClassVar[str] = "supervisor"

    person_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id", ondelete="RESTRICT"), index=True)
    person: Mapped[StaffMember] = relationship(foreign_keys=person_id)
    kind_id: Mapped[int] = mapped_column(ForeignKey("leave_kind.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[LeaveKind] = relationship()
    first_on: Mapped[Day] = mapped_column(index=True)
    last_on: Mapped[Day]
    hours: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    """Hours off on the one day; empty means whole days."""
    reason: Mapped[Line | None]
    status: Mapped[LeaveStatus] = choice_column(LeaveStatus, default=LeaveStatus.ASKED, index=True)
    answer: Mapped[Line | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    decided_by: Mapped[StaffMember | None] = relationship(foreign_keys=decided_by_id)
    decided_at: Mapped[Moment | None]

    @property
    def owner(self) -> StaffMember | None:
        """Who owes the answer; a lead's own request waits for a supervisor."""
        return lead_over(self.person)

    def __str__(self) -> str:
        return f"{self.number} {self.person} {self.first_on:%m-%d}"


class SwapStatus(Choice):
    """Where a swap of shifts stands."""

    ASKED = _l("Waiting for the colleague"), "soon"
    AGREED = _l("Colleague agreed"), "progress"
    APPROVED = _l("Approved"), "done"
    REFUSED = _l("Refused"), "late"
    WITHDRAWN = _l("Withdrawn"), "calm"


class ShiftSwap(Numbered, Recorded, Model):
    """One person's wish that a colleague takes a shift, for one of the colleague's or for none (換班申請)."""

    __tablename__ = "shift_swap"
    number_prefix: ClassVar[str] = "SW"
    queue_role: ClassVar[str] = "supervisor"

    asker_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id", ondelete="RESTRICT"), index=True)
    asker: Mapped[StaffMember] = relationship(foreign_keys=asker_id)
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("shift.id", ondelete="SET NULL"), index=True)
    shift: Mapped[Shift | None] = relationship(foreign_keys=shift_id)
    day: Mapped[Day]
    """The day of the asker's shift; it stays when the shift itself was taken off the roster."""
    colleague_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id", ondelete="RESTRICT"), index=True)
    colleague: Mapped[StaffMember] = relationship(foreign_keys=colleague_id)
    other_shift_id: Mapped[int | None] = mapped_column(ForeignKey("shift.id", ondelete="SET NULL"), index=True)
    other_shift: Mapped[Shift | None] = relationship(foreign_keys=other_shift_id)
    other_day: Mapped[Day | None]
    reason: Mapped[Line | None]
    status: Mapped[SwapStatus] = choice_column(SwapStatus, default=SwapStatus.ASKED, index=True)
    answer: Mapped[Line | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    decided_by: Mapped[StaffMember | None] = relationship(foreign_keys=decided_by_id)
    decided_at: Mapped[Moment | None]

    @property
    def owner(self) -> StaffMember | None:
        """Who owes the next answer: the colleague, then the lead unless it is the lead's own swap."""
        if self.status is SwapStatus.ASKED:
            return self.colleague
        return lead_over(self.asker, self.colleague)

    def __str__(self) -> str:
        return f"{self.number} {self.asker} {self.day:%m-%d}"


class AttendanceStatus(Choice):
    """Whether a day's attendance is settled."""

    OPEN = _l("Open"), "soon"
    DISPUTED = _l("Correction asked for"), "progress"
    CLOSED = lazy_pgettext("attendance", "Closed"), "done"


class AttendanceDay(Recorded, Model):
    """One person's attendance of one day, to the minute (出勤記錄, clause 6.3.1). Kept five years, so never deleted."""

    __tablename__ = "attendance_day"
    __table_args__ = (
        UniqueConstraint("person_id", "day"),
        CheckConstraint("late_minutes >= 0 AND early_minutes >= 0", name="minutes_not_negative"),
        CheckConstraint(
            "clocked_in_at IS NULL OR clocked_out_at IS NULL OR clocked_out_at >= clocked_in_at", name="out_after_in"
        ),
    )
    queue_role: ClassVar[str] = "supervisor"

    person_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id", ondelete="RESTRICT"), index=True)
    person: Mapped[StaffMember] = relationship(foreign_keys=person_id)
    day: Mapped[Day] = mapped_column(index=True)
    shift_type_id: Mapped[int | None] = mapped_column(ForeignKey("shift_type.id", ondelete="RESTRICT"), index=True)
    shift_type: Mapped[ShiftType | None] = relationship()
    planned_from: Mapped[Moment | None]
    planned_to: Mapped[Moment | None]
    clocked_in_at: Mapped[Moment | None]
    clocked_out_at: Mapped[Moment | None]
    late_minutes: Mapped[Whole] = mapped_column(default=0)
    early_minutes: Mapped[Whole] = mapped_column(default=0)
    is_absent: Mapped[Flag]
    reason: Mapped[Line | None]
    status: Mapped[AttendanceStatus] = choice_column(AttendanceStatus, default=AttendanceStatus.OPEN, index=True)
    correction: Mapped[Prose | None]
    answer: Mapped[Line | None]

    @property
    def owner(self) -> StaffMember | None:
        """Who owes the answer to a correction; for a lead's own day a supervisor."""
        return lead_over(self.person)

    def __str__(self) -> str:
        return f"{self.person} {self.day:%Y-%m-%d}"
