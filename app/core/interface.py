"""Flask-AppBuilder's data interface, made safe and quick: capped counts, eager relations, filters that parse.

Must stay model-agnostic: Flask-AppBuilder makes further instances of the class for related models.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_appbuilder.models.filters import BaseFilter, BaseFilterConverter, Filters
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import lazy_gettext as _l
from sqlalchemy import Boolean, Date, Enum, Integer, Numeric, String, Text, Time, func, inspect, not_, select
from sqlalchemy.orm import InstrumentedAttribute, Query, RelationshipProperty, selectinload

from app.core import clock
from app.core.types import UtcDateTime

COUNT_CAP = 1_000
LARGEST_KEY = 2**31 - 1
MOST_DIGITS = 18
NOBODY, NOBODY_WORD = 0, "none"
"""The key that no row has, and how an address asks for records that refer to nothing."""


def parse_key(text: object) -> int | None:
    """Return a primary key from an address or a form, or None if it cannot be one."""
    try:
        key = int(str(text))
    except ValueError:
        return None
    return key if 0 < key <= LARGEST_KEY else None


def parse_value(column_type: Any, text: str) -> Any:
    """Return a column's value from the text of an address; raises ValueError or OverflowError where it is none.

    Done here once so that a bad address is answered alike on both databases, before it reaches either.
    """
    text = text.strip()
    if "\x00" in text:
        message = "NUL in text"
        raise ValueError(message)
    try:
        return _parsed(column_type, text)
    except (KeyError, InvalidOperation) as error:
        raise ValueError(text) from error


def _parsed(column_type: Any, text: str) -> Any:
    match column_type:
        case UtcDateTime():
            day = datetime.fromisoformat(text)
            # Moved to UTC here: at either end of the calendar there is no such moment (OverflowError).
            return (day if day.tzinfo else day.replace(tzinfo=clock.office_zone())).astimezone(UTC)
        case Date():
            return date.fromisoformat(text)
        case Time():
            return time.fromisoformat(text)
        case Enum() if column_type.enum_class is not None:
            return column_type.enum_class[text]
        case Boolean():
            return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
        case Integer():
            number = int(text)
            if abs(number) > LARGEST_KEY:
                raise ValueError(text)
            return number
        case Numeric():
            amount = Decimal(text)
            if not amount.is_finite() or amount.adjusted() > MOST_DIGITS:
                raise ValueError(text)
            return amount
        case _:
            return text


class PortalFilter(BaseFilter):
    """A filter on one column of the listed model; ``parse`` turns the address's text into a value."""

    def parse(self, text: str) -> Any:
        """Return the value for ``apply``; raises ValueError for text that is none."""
        return parse_value(self.column.type, text)

    @property
    def column(self) -> Any:
        """The filtered attribute of the model."""
        return getattr(self.model, self.column_name)

    def clause(self, value: Any) -> Any:
        """Return the condition for a parsed value."""
        raise NotImplementedError

    def apply(self, query: Query[Any], value: Any) -> Query[Any]:
        """Add the condition to a query; text that does not parse (REST API) raises ValueError."""
        return query.filter(self.clause(self.parse(value) if isinstance(value, str) else value))


class Contains(PortalFilter):
    """The text occurs anywhere, whatever its case; % and _ are ordinary characters."""

    name = _l("contains")
    arg_name = "ct"

    def clause(self, value: Any) -> Any:
        return self.column.icontains(str(value), autoescape=True)


class Equals(PortalFilter):
    """The value is this one."""

    name = _l("is")
    arg_name = "eq"

    def clause(self, value: Any) -> Any:
        return self.column == value


class AtLeast(PortalFilter):
    """From this value or moment on."""

    name = _l("from")
    arg_name = "ge"

    def clause(self, value: Any) -> Any:
        return self.column >= value


class AtMost(PortalFilter):
    """Up to this value; for a moment given as a day, to the end of that day."""

    name = _l("to")
    arg_name = "le"

    def parse(self, text: str) -> Any:
        value = super().parse(text)
        if not isinstance(value, datetime) or len(text.strip()) != len("2026-01-31"):
            return value
        # The office's next midnight, which is not always 24 hours away.
        return super().parse(str(clock.local(value).date() + timedelta(days=1))) - timedelta(microseconds=1)

    def clause(self, value: Any) -> Any:
        return self.column <= value


class RefersTo(PortalFilter):
    """The relation points to the record with this key."""

    name = _l("is")
    arg_name = "rel_o_m"

    def parse(self, text: str) -> Any:
        if text == NOBODY_WORD:
            return NOBODY
        if (key := parse_key(text)) is None:
            raise ValueError(text)
        return key

    def clause(self, value: Any) -> Any:
        relation: RelationshipProperty[Any] = self.column.property
        if not relation.uselist and len(relation.local_columns) == 1:
            (local,) = relation.local_columns
            return local.is_(None) if value == NOBODY else local == value
        step = self.column.any if relation.uselist else self.column.has
        return step(relation.mapper.class_.id == value)


class Overdue(PortalFilter):
    """A task of the record should have been done by now; asked of whoever keeps the tasks."""

    name = _l("is")
    arg_name = "late"

    def __init__(self, datamodel: Any, condition: Callable[[type[Any]], Any]) -> None:
        super().__init__("late", datamodel)
        self.condition = condition

    def parse(self, text: str) -> Any:
        return parse_value(Boolean(), text)

    def clause(self, value: Any) -> Any:
        late = self.condition(self.model)
        return late if value else not_(late)


class PortalFilterConverter(BaseFilterConverter):
    """Which filters a column offers, by its type."""

    def convert(self, col_name: str) -> list[PortalFilter] | None:
        """Return fresh filters for a column, or None for one that cannot be filtered."""
        attribute = getattr(self.datamodel.obj, col_name, None)
        if not isinstance(attribute, InstrumentedAttribute):
            return None
        if isinstance(attribute.property, RelationshipProperty):
            kinds: tuple[type[PortalFilter], ...] = (RefersTo,)
        else:
            match attribute.type:
                case Enum() | Boolean():
                    kinds = (Equals,)
                case UtcDateTime() | Date() | Time():
                    kinds = (AtLeast, AtMost)
                case Integer() | Numeric():
                    kinds = (Equals, AtLeast, AtMost)
                case String() | Text():
                    kinds = (Contains, Equals)
                case _:
                    return None
        return [kind(col_name, self.datamodel) for kind in kinds]


class Where(BaseFilter):
    """A ready-made condition: row scope, search text."""

    name = _l("where")
    arg_name = "where"

    def apply(self, query: Query[Any], value: Any) -> Query[Any]:
        return query.filter(value)


class PortalInterface(SQLAInterface):
    """Reads a model for lists, look-ups, exports and the REST API."""

    filter_converter_class = PortalFilterConverter
    eager: tuple[str, ...] = ()

    def query_count(
        self,
        query: Query[Any],
        filters: Filters | None = None,
        select_columns: list[str] | None = None,
    ) -> int:
        """Return how many rows match, counting no further than one past ``COUNT_CAP``."""
        matching = self.apply_filters(query, filters).with_entities(self.get_pk()).order_by(None)
        return int(self.session.scalar(select(func.count()).select_from(matching.limit(COUNT_CAP + 1).subquery())))

    def apply_all(self, query: Query[Any], *args: Any, **kwargs: Any) -> Query[Any]:
        """Apply filters, order and page, and load the listed relations with one statement each."""
        kwargs.pop("select_columns", None)
        return (
            super()
            .apply_all(query, *args, **kwargs)
            .options(*(selectinload(getattr(self.obj, name)) for name in self.eager))
        )

    def get_related_fk(self, model: type[Any]) -> str | None:
        """Return the relation that leads to a model or to what it is a kind of."""
        for relation in inspect(self.obj).relationships:
            if not relation.uselist and issubclass(model, relation.mapper.class_):
                return str(relation.key)
        return None


def is_choice(column_type: Any) -> bool:
    """Tell whether a column is a closed list."""
    return isinstance(column_type, Enum) and issubclass(column_type.enum_class or object, enum.Enum)
