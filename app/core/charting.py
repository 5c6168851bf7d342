"""What the rows of a list come to: counted, added up or averaged by one column, by the database.

A chart is made of a listing, so the list's filters and the person's row scope hold in it, and of one statement that
groups; no record is loaded. What a list can be filtered by is what it may be grouped by: each group opens its records.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import Boolean, Date, Enum, Integer, Numeric, func, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import RelationshipProperty

from app.core.catalogs import kept_rows
from app.core.charting_months import following, month_of, months_between
from app.core.db import db
from app.core.entity import Catalog, is_short
from app.core.fields_rows import target_of
from app.core.interface import NOBODY_WORD, Equals, PortalFilter, RefersTo, is_choice
from app.core.present import about, words
from app.core.sealed import Sealed, beside
from app.core.types import UtcDateTime

if TYPE_CHECKING:
    from app.core.listing import Listing
    from app.core.views import PortalView

MOST_GROUPS = 20
MOST_MONTHS = 24
LONGEST_AXIS = 36
"""Months that a chart draws at most, those without a record included."""
CENTS = Decimal("0.01")


@dataclass(frozen=True)
class Dimension:
    """A column by which a list may be grouped."""

    name: str
    label: str
    filter: PortalFilter
    is_month: bool = False
    is_long: bool = False
    """Whether it leads to records of a large table, such as customers: rarely what a person looks for first."""


@dataclass(frozen=True)
class Amount:
    """What is worked out for each group: the number of records, or the sum or average of a column."""

    name: str
    label: str
    column: str | None = None
    is_mean: bool = False


@dataclass(frozen=True)
class Tally:
    """Records of a group, how many of them hold the amount, and the amount's sum."""

    count: int
    held: int
    total: Decimal | None

    def of(self, amount: Amount) -> Decimal | None:
        """Return what a chart shows of it; None where there is nothing to add up."""
        if amount.column is None:
            return Decimal(self.count)
        if not self.held or self.total is None:
            return None
        return (self.total / self.held).quantize(CENTS) if amount.is_mean else self.total

    def without(self, others: Iterable[Tally]) -> Tally:
        """Return what is left when others are taken out."""
        others = list(others)
        total = (self.total or Decimal(0)) - sum((one.total or Decimal(0) for one in others), Decimal(0))
        return Tally(self.count - sum(one.count for one in others), self.held - sum(one.held for one in others), total)


@dataclass(frozen=True)
class Bar:
    """One group as a chart draws it; ``filters`` lead from the list to its records, None where no filter says it."""

    label: str
    value: Decimal | None
    count: int
    filters: dict[str, str] | None
    tone: str = "accent"
    width: float = 0.0
    """Its length in percent of the longest."""

    @property
    def words(self) -> str:
        """The value as people read it."""
        return words(self.value)


def dimensions(view: PortalView) -> list[Dimension]:
    """Return the columns by which this person may group a screen's list, in the order of its filters."""
    seen, found = view.seen_columns(), []
    for name, filter_ in view.filters_by_name().items():
        column = filter_.column_name
        if column in getattr(view.model, "sensitive", ()):
            continue
        label = str(view.label_columns[column])
        if isinstance(filter_, RefersTo):
            relation: RelationshipProperty[Any] = filter_.column.property
            target = relation.mapper.class_
            is_one = not relation.uselist and len(relation.local_columns) == 1
            # A record's name may be read where the list or the record's page shows it anyway.
            if is_one and (column in seen or issubclass(target, Catalog)):
                found.append(Dimension(name, label, filter_, is_long=not is_short(target)))
        elif isinstance(filter_, Equals):
            kind = filter_.column.type
            is_name = isinstance(kind, Integer) and column in view.no_amounts
            if is_choice(kind) or isinstance(kind, Boolean) or is_name:
                found.append(Dimension(name, label, filter_))
        elif filter_.arg_name == "ge" and isinstance(filter_.column.type, Date | UtcDateTime):
            found.append(Dimension(column, label, filter_, is_month=True))
    return found


def amounts(view: PortalView) -> list[Amount]:
    """Return what may be worked out for this person: the count, and sums and averages of numbers they see."""
    found = [Amount("count", _("Number of records"))]
    columns, kept_back = sa_inspect(view.model).column_attrs, getattr(view.model, "sensitive", ())
    for name in view.seen_columns():
        column = columns[name].columns[0] if name in columns else None
        if column is None or name in kept_back or name in view.no_amounts or isinstance(column.type, Sealed):
            continue
        if isinstance(column.type, Integer | Numeric) and not column.primary_key and not column.foreign_keys:
            label = str(view.label_columns[name])
            found.append(Amount(f"sum:{name}", about(_("Sum"), label), name))
            found.append(Amount(f"avg:{name}", about(_("Average"), label), name, is_mean=True))
    return found


class Chart:
    """The groups of one listing as an address asks for them."""

    def __init__(self, listing: Listing, by: str, of: str) -> None:
        self.listing, self.view = listing, listing.view
        self.dimensions, self.amounts = dimensions(self.view), amounts(self.view)
        usual = next((one for one in self.dimensions if not one.is_long), self.dimensions[0])
        self.by = next((one for one in self.dimensions if one.name == by), usual)
        self.of = next((one for one in self.amounts if one.name == of), self.amounts[0])
        self.is_refused = bool(by and by != self.by.name) or bool(of and of != self.of.name)

    def link(self, **changes: Any) -> str:
        """Return the address of this chart with some of the list's arguments changed; None takes one away."""
        return self.view.chart_url(by=self.by.name, of=self.of.name, **self.listing.arguments(**changes))

    def unfiltered(self) -> str:
        """Return the address of the chart of the whole list."""
        bare = dict.fromkeys(self.view.default_filters(), "")
        return self.view.chart_url(by=self.by.name, of=self.of.name, **bare)

    @property
    def title(self) -> str:
        """What the chart tells."""
        return _("%(amount)s by %(column)s", amount=self.of.label, column=self.by.label)

    @property
    def total(self) -> int:
        """How many records the list holds, counted to the last."""
        return self._tallies[1].count

    @cached_property
    def bars(self) -> list[Bar]:
        """The groups in the order in which a person reads them, the longest with the width 100."""
        bars = self._months() if self.by.is_month else self._groups()
        longest = max((bar.value for bar in bars if bar.value is not None), default=None)
        if not longest or longest < 0:
            return bars
        return [replace(bar, width=_percent(bar.value, longest)) for bar in bars]

    # -- the database ------------------------------------------------------------------------

    @cached_property
    def _tallies(self) -> tuple[dict[Any, Tally], Tally]:
        """What each group comes to, and all together; of many groups those that come to most."""
        model = self.view.model
        amount = getattr(model, self.of.column or "id")
        # The key of the rows keeps the tables of an entity together whose columns stand in two.
        rows = self.listing.matching().with_only_columns(model.id, self._key().label("key"), amount.label("amount"))
        row = rows.order_by(None).subquery().c
        figures = (func.count(), func.count(row.amount), func.sum(row.amount))
        whole = tuple(func.sum(figure).over() for figure in figures)
        query = select(row.key, *figures, *whole).group_by(row.key)
        if not self.by.is_month:
            value = figures[0] if self.of.column is None else func.avg(row.amount) if self.of.is_mean else figures[2]
            query = query.order_by(row.key.is_(None).desc(), value.desc().nulls_last(), row.key)
            query = query.limit(MOST_GROUPS + 1)
        found = db.session.execute(query).all()
        kept = found if self.by.is_month or (found and found[0][0] is None) else found[:MOST_GROUPS]
        tallies = {line[0]: _tally(*line[1:4]) for line in kept}
        return tallies, _tally(*found[0][4:]) if found else Tally(0, 0, None)

    def _key(self) -> Any:
        attribute = self.by.filter.column
        if self.by.is_month:
            return month_of(attribute)
        if isinstance(self.by.filter, RefersTo):
            (local,) = attribute.property.local_columns
            return getattr(self.view.model, sa_inspect(self.view.model).get_property_by_column(local).key)
        return attribute

    def _names(self, keys: Iterable[Any]) -> dict[Any, str]:
        """Return what groups are called; records are read with one statement, a short catalog once per request."""
        keys = [key for key in keys if key is not None]
        if self._kind is not None:
            # A year or a chapter is no amount: it has no thousands separator.
            return {key: str(key) if isinstance(self._kind, Integer) else words(key) for key in keys}
        target = self.by.filter.column.property.mapper.class_
        if is_short(target):
            return {row.id: str(row) for row in kept_rows(target)}
        eager = [beside(target, name) for name in target_of(target).eager]
        return {
            row.id: str(row) for row in db.session.scalars(select(target).where(target.id.in_(keys)).options(*eager))
        }

    # -- the bars ----------------------------------------------------------------------------

    def _groups(self) -> list[Bar]:
        tallies, whole = self._tallies
        names = self._names(tallies)
        bars = [self._bar(names.get(key, f"#{key}"), tallies[key], key) for key in self._ordered(tallies)]
        if None in tallies:
            bars.append(self._empty(tallies[None]))
        others = whole.without(tallies.values())
        return [*bars, self._bar(_("All others"), others)] if others.count else bars

    def _ordered(self, keys: Iterable[Any]) -> list[Any]:
        """Return the groups' keys: states and numbers in their own order, records by what they come to."""
        keys = [key for key in keys if key is not None]
        match self._kind:
            case Enum() as closed:
                return sorted(keys, key=list(closed.enum_class or ()).index)
            case Boolean():
                return sorted(keys, reverse=True)
            case Integer():
                return sorted(keys)
            case _:
                return keys

    @property
    def _kind(self) -> Any:
        """The type of the grouped column; None for a relation."""
        return None if isinstance(self.by.filter, RefersTo) else self.by.filter.column.type

    def _bar(self, label: str, tally: Tally, key: Any = None) -> Bar:
        filters = None if key is None else {self.by.name: _text(key)}
        return Bar(label, tally.of(self.of), tally.count, filters, self._tone(key))

    def _empty(self, tally: Tally) -> Bar:
        label = str(self.view.empty_words.get(self.by.filter.column_name) or _("Not filled in"))
        filters = {self.by.name: NOBODY_WORD} if isinstance(self.by.filter, RefersTo) else None
        return replace(self._bar(label, tally), filters=filters)

    def _tone(self, key: Any) -> str:
        """States keep the colour of their badge where a list of states has colours."""
        if key is None:
            return "calm"
        has_tones = is_choice(self._kind) and any(member.tone != "calm" for member in self._kind.enum_class)
        return str(key.tone) if has_tones else "accent"

    def _months(self) -> list[Bar]:
        tallies, whole = self._tallies
        known = sorted(key for key in tallies if key is not None)[-MOST_MONTHS:]
        bars = []
        if known:
            early = whole.without(tally for key, tally in tallies.items() if key is None or key >= known[0])
            day = date.fromisoformat(f"{known[0]}-01") - timedelta(days=1)
            if early.count:
                until = {f"{self.by.name}__le": self._bound("le", day)}
                bars.append(Bar(_("Earlier"), early.of(self.of), early.count, until, "calm"))
            axis = months_between(known[0], known[-1])
            for month in axis if len(axis) <= LONGEST_AXIS else known:
                tally = tallies.get(month, Tally(0, 0, None))
                bars.append(Bar(month, tally.of(self.of), tally.count, self._bounds(month)))
        if None in tallies:
            bars.append(self._empty(tallies[None]))
        return bars

    def _bounds(self, month: str) -> dict[str, str]:
        first = date.fromisoformat(f"{month}-01")
        last = following(first) - timedelta(days=1)
        return {f"{self.by.name}__ge": self._bound("ge", first), f"{self.by.name}__le": self._bound("le", last)}

    def _bound(self, side: str, day: date) -> str:
        """Return a month's bound, or the list's own where that is narrower: the group lies within both."""
        name = f"{self.by.name}__{side}"
        held = self.listing.read.get(name, {})
        if not held:
            return str(day)
        # Of several values of one filter any may hold, so the widest counts.
        widest, narrowest = (min, max) if side == "ge" else (max, min)
        own = widest(held, key=lambda text: held[text])
        bound = self.view.filters_by_name()[name].parse(str(day))
        return own if narrowest(held[own], bound) == held[own] else str(day)


def _tally(count: Any, held: Any, total: Any) -> Tally:
    # A driver may give a sum of whole numbers as int, Decimal or float.
    return Tally(int(count), int(held), None if total is None else Decimal(str(total)))


def _text(key: Any) -> str:
    """Return a group's key as the list's address says it."""
    return {True: "1", False: "0"}[key] if isinstance(key, bool) else str(getattr(key, "name", key))


def _percent(value: Decimal | None, longest: Decimal) -> float:
    return round(float(max(value or Decimal(0), Decimal(0)) / longest * 100), 1)
