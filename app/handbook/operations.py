"""By when a promise is due: the row in force, the office's calendar, and nothing but arithmetic between them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any

from flask import g, has_app_context
from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock
from app.core.catalogs import kept_rows
from app.core.db import db
from app.core.entity import reader_name
from app.core.errors import RuleError
from app.handbook import calendar
from app.handbook.models import CalendarException, Promise, ServiceHours, Weekday


def office_calendar(jurisdiction: calendar.Jurisdiction = calendar.Jurisdiction.TW) -> calendar.WorkCalendar:
    """Return the office's calendar as the handbook has it: weekly hours, public holidays, exceptions.

    Read once per request. Without any hours (an empty database) the office counts as open all week round.
    """
    kept: dict[calendar.Jurisdiction, calendar.WorkCalendar] | None = None
    if has_app_context():
        kept = g.setdefault("portal_calendars", {})
        if jurisdiction in kept:
            return kept[jurisdiction]
    weekly: list[list[calendar.Interval]] = [[] for _day in Weekday]
    for row in sorted(kept_rows(ServiceHours), key=lambda row: row.opens_at):
        weekly[list(Weekday).index(row.weekday)].append(calendar.Interval(row.opens_at, row.closes_at))
    if not any(weekly):
        weekly = [[calendar.Interval(time(0), time(0))] for _day in Weekday]
    year = clock.today().year
    base = calendar.national_calendar(
        jurisdiction, clock.office_zone(), tuple(tuple(hours) for hours in weekly), range(year - 2, year + 3)
    )
    exceptions: dict[date, calendar.Hours] = {}
    for found in kept_rows(CalendarException):
        open_ = found.opens_at is not None and found.closes_at is not None
        exceptions[found.day] = (calendar.Interval(found.opens_at, found.closes_at),) if open_ else ()
    made = calendar.WorkCalendar(base.zone, base.weekly, base.closed_days, base.makeup_days, exceptions)
    if kept is not None:
        kept[jurisdiction] = made
    return made


def check_hours(row: ServiceHours) -> None:
    """Raise RuleError for opening hours that overlap others of their weekday."""
    others = select(ServiceHours).where(
        ServiceHours.weekday == row.weekday,
        ServiceHours.id.is_distinct_from(row.id),
        ServiceHours.opens_at < row.closes_at,
        ServiceHours.closes_at > row.opens_at,
    )
    if (other := db.session.scalars(others).first()) is not None:
        raise RuleError(_("These hours overlap %(other)s.", other=str(other)), field="opens_at")


def promise_for(code: str, item: Any, on: date) -> Promise | None:
    """Return the promise in force for a record: the one whose condition names most of its facts, or None.

    A condition reads ``impact=STOPS_WORK`` or ``urgency=HIGH complexity=HIGH``; an empty one fits every record.
    """
    fitting = [
        row
        for row in kept_rows(Promise)
        if row.code == code
        and row.in_force_from <= on
        and (row.in_force_to is None or row.in_force_to >= on)
        and _fits(row.condition, item)
    ]
    return max(fitting, key=lambda row: (len(row.condition.split()), row.in_force_from), default=None)


def _fits(condition: str, item: Any) -> bool:
    for term in condition.split():
        name, _sign, wanted = term.partition("=")
        value = getattr(item, name, None)
        if (value.name if isinstance(value, Enum) else str(value)) != wanted:
            return False
    return True


def promise_name(code: str) -> str:
    """Return what a promise is called in the reader's language, in its latest words."""
    named = [row for row in kept_rows(Promise) if row.code == code]
    row = max(named, key=lambda row: row.in_force_from, default=None)
    return reader_name(row) if row is not None else code


def due_at(promise: Promise, start: datetime, paused: timedelta = timedelta(0)) -> datetime:
    """Return when a promise that began at ``start`` is due; ``paused`` is added, in the promise's own kind of time."""
    return calendar.due(office_calendar(), start, promise.length, paused)
