"""Measures of the roster: notice people get, attendance that is not settled, lateness (clauses 2.2.1 and 6.3.1)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from app.core.measures import Count, Period, Share, Unit, measure
from app.roster.models import AttendanceDay, AttendanceStatus, RosterWeek

NOTICE_DAYS = 7


def _weeks_of(period: Period) -> dict[str, str]:
    return {"monday__ge": period.first.isoformat(), "monday__le": period.last.isoformat()}


@measure(
    "roster_notice",
    _l("Rosters published 7 days ahead"),
    clause="2.2.1",
    unit=Unit.PERCENT,
    view="RosterWeekView",
    filters=_weeks_of,
)
def roster_notice(period: Period) -> Share:
    """Roster weeks that begin in the period: those first published at least seven days before, of all."""
    weeks = select(RosterWeek).where(RosterWeek.monday.between(period.first, period.last))
    return Share(of=weeks, holding=weeks.where(RosterWeek.notice_days >= NOTICE_DAYS))


@measure(
    "attendance_open",
    _l("Attendance days not closed"),
    clause="2.2.1",
    unit=Unit.COUNT,
    view="AttendanceDayView",
    filters=lambda _period: {"status": "OPEN"},
    is_standing=True,
)
def attendance_open(_period: Period) -> Count:
    """Attendance days nobody has closed, at this moment whatever the period."""
    return Count(of=select(AttendanceDay).where(AttendanceDay.status == AttendanceStatus.OPEN))


@measure(
    "attendance_kept",
    _l("Days worked on time"),
    clause="6.3.1",
    unit=Unit.PERCENT,
    view="AttendanceDayView",
    filters=lambda period: {
        "status": "CLOSED",
        "day__ge": period.first.isoformat(),
        "day__le": period.last.isoformat(),
    },
)
def attendance_kept(period: Period) -> Share:
    """Closed attendance days of the period: those neither late nor early nor absent, of all."""
    closed = select(AttendanceDay).where(
        AttendanceDay.status == AttendanceStatus.CLOSED, AttendanceDay.day.between(period.first, period.last)
    )
    broken = or_(AttendanceDay.late_minutes > 0, AttendanceDay.early_minutes > 0, AttendanceDay.is_absent)
    return Share(of=closed, holding=closed.where(~broken))
