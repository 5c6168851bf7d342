"""Measures: named figures over many rows, worked out by one query in the room that owns the records.

A room's ``facts.py`` declares them; boards, appraisals and reports ask for them by name and nobody else queries
another room's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from app.core import clock
from app.core.db import db
from app.core.types import Choice


class Unit(Choice):
    """What the figure counts."""

    PERCENT = _l("%"), "calm"
    COUNT = _l("records"), "calm"
    PIECES = _l("pieces"), "calm"
    HOURS = _l("hours"), "calm"


@dataclass(frozen=True)
class Period:
    """From the first moment of one day to the last of another, in the office's zone."""

    first: date
    last: date

    @classmethod
    def month_of(cls, day: date) -> Period:
        """Return the calendar month that holds a day."""
        first = day.replace(day=1)
        return cls(first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1))

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The first moment and the last, for ``between``."""
        zone = clock.office_zone()
        after = datetime.combine(self.last + timedelta(days=1), time(), zone)
        return datetime.combine(self.first, time(), zone), after - timedelta(microseconds=1)


@dataclass(frozen=True)
class Figure:
    """A measure's value: None where there was nothing to measure; ``part`` and ``whole`` count records."""

    value: Decimal | None
    part: int
    whole: int


@dataclass(frozen=True)
class Share:
    """How many of these rows hold, in percent."""

    of: Select[Any]
    holding: Select[Any]

    def figure(self) -> Figure:
        """Count both with one statement each."""
        whole, part = _count(self.of), _count(self.holding)
        return Figure(Decimal(100 * part) / whole if whole else None, part, whole)


@dataclass(frozen=True)
class Count:
    """How many rows."""

    of: Select[Any]

    def figure(self) -> Figure:
        """Count them."""
        whole = _count(self.of)
        return Figure(Decimal(whole), whole, whole)


@dataclass(frozen=True)
class Mean:
    """The mean of a column or expression over rows; ``value`` is its SQL expression."""

    of: Select[Any]
    value: Any

    def figure(self) -> Figure:
        """Work out the mean with one statement."""
        rows = self.of.with_only_columns(func.avg(self.value), func.count(self.value)).order_by(None)
        mean, count = db.session.execute(rows).one()
        return Figure(Decimal(str(mean)) if mean is not None else None, count, count)


def seconds_between(start: Any, end: Any) -> Any:
    """Return the seconds from one moment of a row to another, as an SQL expression of either engine."""
    if db.engine.dialect.name == "postgresql":
        return func.extract("epoch", end - start)
    return func.strftime("%s", end) - func.strftime("%s", start)


def _count(rows: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(rows.order_by(None).subquery())) or 0


@dataclass(frozen=True)
class Measure:
    """A named figure: what it is called, which clause it shows, where its records are."""

    name: str
    label: LazyString
    clause: str
    unit: Unit
    view: str
    work: Callable[[Period], Share | Count | Mean]
    filters: Callable[[Period], dict[str, Any]] | None = None
    is_standing: bool = False
    """Whether it tells how things stand at this moment, whatever the period."""

    def figure(self, period: Period) -> Figure:
        """Work the figure out for a period."""
        return self.work(period).figure()


MEASURES: dict[str, Measure] = {}


def measure(
    name: str,
    label: LazyString,
    *,
    clause: str,
    unit: Unit,
    view: str,
    filters: Callable[[Period], dict[str, Any]] | None = None,
    is_standing: bool = False,
) -> Callable[[Callable[[Period], Share | Count | Mean]], Callable[[Period], Share | Count | Mean]]:
    """Declare a measure; ``view`` and ``filters`` lead to exactly the records it counts as its whole."""

    def keep(work: Callable[[Period], Share | Count | Mean]) -> Callable[[Period], Share | Count | Mean]:
        MEASURES[name] = Measure(name, label, clause, unit, view, work, filters, is_standing)
        return work

    return keep
