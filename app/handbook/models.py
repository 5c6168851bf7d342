"""Chapter 1: the policy's clauses, the promises made from them, and the office's calendar (總則)."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model
from app.core.entity import Recorded, reader_name
from app.core.types import Choice, Code, Day, Flag, Line, Name, Prose, TimeOfDay, Whole, choice_column
from app.handbook import calendar


class Clause(Recorded, Model):
    """One clause of the management policy, word for word (制度條文)."""

    __tablename__ = "clause"

    number: Mapped[str] = mapped_column(String(16), unique=True)
    chapter: Mapped[Whole]
    text: Mapped[Prose]
    in_force_from: Mapped[Day | None]
    in_force_to: Mapped[Day | None]

    def __str__(self) -> str:
        return self.number


class LengthUnit(Choice):
    """What a promise is counted in."""

    WORKING_MINUTES = _l("working minutes"), "calm"
    WORKING_HOURS = _l("working hours"), "calm"
    WORKING_DAYS = _l("working days"), "calm"
    CALENDAR_HOURS = _l("hours"), "calm"
    CALENDAR_DAYS = _l("calendar days"), "calm"
    CALENDAR_MONTHS = _l("months"), "calm"

    @property
    def unit(self) -> calendar.Unit:
        """The unit the arithmetic knows."""
        return calendar.Unit[self.name]


class Promise(Recorded, Model):
    """How long one thing may take, under which condition, by which clause or article (服務承諾)."""

    __tablename__ = "promise"
    stays_in_memory: ClassVar[bool] = True
    __table_args__ = (
        CheckConstraint("length_number BETWEEN 0 AND 3660", name="length_within_bounds"),
        UniqueConstraint("code", "condition", "in_force_from"),
    )

    code: Mapped[Code] = mapped_column(index=True)
    name_zh_hant: Mapped[Name]
    name_zh_hans: Mapped[Name]
    name_en: Mapped[Name]
    clause_id: Mapped[int | None] = mapped_column(ForeignKey("clause.id", ondelete="RESTRICT"), index=True)
    clause: Mapped[Clause | None] = relationship()
    article: Mapped[Line | None]
    condition: Mapped[str] = mapped_column(String(120), default="")
    length_number: Mapped[Whole]
    length_unit: Mapped[LengthUnit] = choice_column(LengthUnit)
    is_statutory: Mapped[Flag]
    in_force_from: Mapped[Day] = mapped_column(default=date(2026, 1, 1))
    in_force_to: Mapped[Day | None]

    @property
    def length(self) -> calendar.Length:
        """The length as the arithmetic takes it."""
        return calendar.Length(self.length_number, self.length_unit.unit)

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return reader_name(self)

    def __str__(self) -> str:
        return self.name


class Weekday(Choice):
    """A day of the week, Monday first."""

    MONDAY = _l("Monday"), "calm"
    TUESDAY = _l("Tuesday"), "calm"
    WEDNESDAY = _l("Wednesday"), "calm"
    THURSDAY = _l("Thursday"), "calm"
    FRIDAY = _l("Friday"), "calm"
    SATURDAY = _l("Saturday"), "calm"
    SUNDAY = _l("Sunday"), "calm"


class ServiceHours(Recorded, Model):
    """One stretch of the office's opening hours on one weekday; lunch lies between two (服務時間)."""

    __tablename__ = "service_hours"
    stays_in_memory: ClassVar[bool] = True
    __table_args__ = (
        UniqueConstraint("weekday", "opens_at"),
        CheckConstraint("closes_at > opens_at", name="closes_after_opening"),
    )

    weekday: Mapped[Weekday] = choice_column(Weekday)
    opens_at: Mapped[TimeOfDay]
    closes_at: Mapped[TimeOfDay]

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens_at:%H:%M}-{self.closes_at:%H:%M}"


class CalendarException(Recorded, Model):
    """One day that differs from the week and the public holidays: a typhoon day, an early close (行事曆例外)."""

    __tablename__ = "calendar_exception"
    stays_in_memory: ClassVar[bool] = True
    __table_args__ = (
        CheckConstraint("(opens_at IS NULL) = (closes_at IS NULL)", name="both_hours_or_none"),
        CheckConstraint("closes_at IS NULL OR closes_at > opens_at", name="closes_after_opening"),
    )

    day: Mapped[Day] = mapped_column(unique=True)
    reason: Mapped[Line]
    opens_at: Mapped[TimeOfDay | None]
    closes_at: Mapped[TimeOfDay | None]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.reason}"
