"""Months of the office, as the database tells them: a moment's month is that of the office's zone, not of UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func

from app.core import clock
from app.core.db import db
from app.core.types import UtcDateTime

FIRST_YEAR, YEARS_AHEAD = 2000, 10
"""Between these a zone's changes of offset are followed exactly; before and after, the nearest offset is taken."""


def month_of(column: Any) -> ColumnElement[Any]:
    """Return the SQL expression of the month (``2026-03``) of a day, or of a moment in the office's zone."""
    is_moment = isinstance(column.type, UtcDateTime)
    if db.engine.dialect.name == "postgresql":
        return func.to_char(func.timezone(clock.office_zone().key, column) if is_moment else column, "YYYY-MM")
    if not is_moment:
        return func.strftime("%Y-%m", column)
    (_since, first), *later = _offsets(clock.office_zone(), clock.today().year + YEARS_AHEAD)
    shifted = [(column >= since, _month(column, offset)) for since, offset in reversed(later)]
    return case(*shifted, else_=_month(column, first)) if shifted else _month(column, first)


def _month(column: Any, offset: timedelta) -> Any:
    # Without its fraction: SQLite would round the last microsecond of a month up into the next.
    return func.strftime("%Y-%m", func.substr(column, 1, 19), f"{offset.total_seconds():+.0f} seconds")


@lru_cache(maxsize=4)
def _offsets(zone: ZoneInfo, last_year: int) -> list[tuple[datetime, timedelta]]:
    """Return from which moment on which offset puts the office's moments into the right month.

    Only where a month begins does it matter, so each month's first moment is asked, and the offset is taken to change
    in the middle of a month.
    """
    firsts = [date(year, month, 1) for year in range(FIRST_YEAR, last_year + 1) for month in range(1, 13)]
    starts = [datetime.combine(first, time(), zone) for first in firsts]
    runs = [next(run) for _offset, run in groupby(starts, key=lambda start: start.utcoffset())]
    return [(start.astimezone(UTC) - timedelta(days=15), start.utcoffset() or timedelta()) for start in runs]


def following(first: date) -> date:
    """Return the first day of the next month."""
    return (first + timedelta(days=32)).replace(day=1)


def months_between(first: str, last: str) -> list[str]:
    """Return every month from one to another, both included."""
    (year, month), (last_year, last_month) = (map(int, one.split("-")) for one in (first, last))
    numbers = range(year * 12 + month - 1, last_year * 12 + last_month)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]
