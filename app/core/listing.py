"""One list as one request asked for it: filters, search, order and page, all from the address.

Nothing of it lives in the shared view object, so no other person's filters can be seen. What the address
says wrongly is left out and told, alike on both databases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask_babel import gettext as _
from sqlalchemy import Boolean, Select, and_, case, func, literal, or_, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import InstrumentedAttribute, RelationshipProperty, defer
from sqlalchemy.sql import operators
from werkzeug.datastructures import MultiDict

from app.core.catalogs import catalog_rows
from app.core.db import db
from app.core.entity import is_short, key_of
from app.core.estimates import estimate
from app.core.fields_rows import target_of
from app.core.interface import (
    COUNT_CAP,
    NOBODY,
    NOBODY_WORD,
    Equals,
    Overdue,
    PortalFilter,
    RefersTo,
    is_choice,
    parse_key,
)
from app.core.present import Tally, about, words
from app.core.sealed import beside, sealed_columns
from app.core.searching import Found
from app.core.types import Choice

if TYPE_CHECKING:
    from app.core.views import PortalView

PAGE_SIZES = (25, 50, 100)
LAST_PAGE = 40_000
BEYOND_DOUBT = 5
"""How many times more than are counted an estimate must tell, for nothing to be counted."""
LONGEST_SEARCH = 100


def search_text(args: Mapping[str, str]) -> str:
    """Return what an address searches for, as every search box reads it."""
    return args.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]


@dataclass
class Control:
    """One filter as the page shows it: a text, a choice, a look-up, or a range."""

    name: str
    label: str
    kind: str
    values: list[str]
    choices: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""


def _kind(model: type[Any]) -> list[Any]:
    """Return that rows are of a kind which shares its table with others: an index by kind then serves the list."""
    mapper = sa_inspect(model)
    if mapper.inherits is None or mapper.polymorphic_on is None:
        return []
    return [mapper.polymorphic_on == mapper.polymorphic_identity]


class Listing:
    """The rows of one screen that an address asks for, within the person's rights for a verb."""

    def __init__(self, view: PortalView, args: MultiDict[str, str] | Mapping[str, str], verb: str = "list") -> None:
        self.view = view
        self.args: MultiDict[str, str] = args if isinstance(args, MultiDict) else MultiDict(args)
        self.ignored: list[str] = []
        self.read: dict[str, dict[str, Any]] = {}
        """What each filter of the address holds: the values by their texts."""
        self.conditions: list[Any] = _kind(view.model)
        self.alternatives: list[Any] = []
        """Conditions of several ways to be met, each of which may have an index of its own."""
        self._narrow(view.scope_condition(verb))
        self.text = search_text(self.args)
        self.found = view.found(self.text) if self.text and view.searched else Found()
        self.columns: list[str] = view.list_columns
        self.counted: int | None = None
        """How many rows match, no further than one past the cap; None where nobody has counted yet."""
        self._page: list[Any] | None = None
        self._used: list[tuple[str, PortalFilter, list[Any]]] = []
        self._filter()
        self.order, self.direction = self._order()
        self.page_size = self._size()
        self.page = min(max(parse_key(self.args.get("page")) or 1, 1), LAST_PAGE)

    def _filter(self) -> None:
        for name, found in self.view.filters_by_name().items():
            texts = [text for text in self.args.getlist(name) if text.strip()]
            read = {}
            for text in texts[:20]:
                try:
                    read[text] = found.parse(text)
                except (ValueError, OverflowError):
                    self.ignored.append(str(self.view.label_columns[found.column_name]))
            if read:
                self.read[name], values = read, list(read.values())
                self._narrow(or_(*(found.clause(value) for value in values)))
                self._used.append((name, found, values))

    def _narrow(self, condition: Any) -> None:
        has_ways = getattr(condition, "operator", None) is operators.or_
        (self.alternatives if has_ways else self.conditions).append(condition)

    @cached_property
    def chips(self) -> list[tuple[str, str]]:
        """The filters in use: their name in the address, and what they say."""
        made = []
        for name, found, values in self._used:
            told = _(", ").join(self._value_words(found, value) for value in values)
            label = self.view.label_columns[found.column_name]
            # «Status: open», but «Opened from 2026-11-01».
            is_same = str(found.name) == str(Equals.name)
            made.append((name, about(label, told) if is_same else f"{label} {found.name} {told}"))
        return made

    def _value_words(self, found: PortalFilter, value: Any) -> str:
        if isinstance(found, RefersTo):
            if value == NOBODY:
                return _("none yet")
            target = found.column.property.mapper.class_
            row = db.session.get(target, value) if is_short(target) else target_of(target).lookup_get(value)
            return str(row) if row is not None else f"#{value}"
        return words(value)

    def _order(self) -> tuple[str, str]:
        """Sort only by what the screen lists for it: a hidden column must not show through its order."""
        column, direction = self.args.get("order", ""), self.args.get("dir", "")
        if column in self.view.order_columns and column in self.view.seen_columns():
            return column, direction if direction in {"asc", "desc"} else "asc"
        return self.view.base_order or ("id", "desc")

    def _size(self) -> int:
        size = parse_key(self.args.get("size"))
        return size if size in PAGE_SIZES else PAGE_SIZES[0]

    def matching(self) -> Select[Any]:
        """Return the statement for every matching row, unordered."""
        return select(self.view.model).where(*self.conditions, *self.alternatives, self.found.condition)

    def keys(self, *conditions: Any) -> Select[Any]:
        """Return the statement for the keys of rows; a kind's own table is read only where a condition asks for it."""
        query = select(key_of(self.view.model)).where(*conditions)
        if len(query.get_final_froms()) == 1:
            return query
        return query.select_from(sa_inspect(self.view.model).selectable)

    def _walked(self) -> list[Any]:
        """Return what a page of it is asked with, with what must not mislead the database put out of its sight.

        Of a list of many rows, SQLite would gather all by the indexes of each alternative and sort them, where it
        should read along the order. Where rare words narrow the list, PostgreSQL would look up every row of a team,
        too.
        """
        if not self.alternatives or not self._is_misled():
            return [*self.conditions, *self.alternatives, self.found.condition]
        unseen = [case((one, 1), else_=0) == 1 for one in self.alternatives]
        return [*self.conditions, *unseen, self.found.condition]

    def _is_misled(self) -> bool:
        if db.engine.dialect.name == "sqlite":
            return self._is_broad()
        return bool(self.text) and not self.found.is_common

    def statement(self) -> Select[Any]:
        """Return the statement for every matching row, in order, with the listed relations."""
        return self.ordered().options(*self._loading())

    def ordered(self) -> Select[Any]:
        """Return the statement for every matching row, in order, with nothing loaded beside it."""
        return self._sorted(self.matching())

    def _sorted(self, query: Select[Any]) -> Select[Any]:
        query, attribute = self._ordered_by(query)
        return self._in_order(query, attribute, down=self.direction == "desc")

    def _ordered_by(self, query: Select[Any]) -> tuple[Select[Any], InstrumentedAttribute[Any]]:
        """Return a statement that reaches the column of the order, and that column."""
        head, _dot, rest = self.order.partition(".")
        attribute: InstrumentedAttribute[Any] = getattr(self.view.datamodel.obj, head)
        if isinstance(attribute.property, RelationshipProperty):
            target, (local,) = attribute.property.mapper.class_, attribute.property.local_columns
            query = query.outerjoin(target, target.id == local)
            attribute = getattr(target, rest)
        return query, attribute

    def _in_order(self, query: Select[Any], attribute: InstrumentedAttribute[Any], *, down: bool) -> Select[Any]:
        key = key_of(self.view.model)
        return query.order_by(*((attribute.desc(), key.desc()) if down else (attribute.asc(), key.asc())))

    def beside(self, item: Any) -> tuple[Any | None, Any | None]:
        """Return the records before and after one in this order, each by one statement that reads one row.

        A record without a value in the column of the order has none beside it: databases place these differently.
        """
        query, attribute = self._ordered_by(self.matching())
        mine = select(attribute).where(self.view.datamodel.obj.id == item.id)
        mine = self._ordered_by(mine)[0] if "." in self.order else mine
        held = db.session.scalar(mine)
        if held is None:
            return None, None
        # Bound like any value: of yes and no, too, one is the greater.
        value = literal(held, attribute.type)
        query = query.where(self.view.scope_condition("show"))
        key, found = self.view.datamodel.obj.id, []
        for down in (self.direction != "desc", self.direction == "desc"):
            further = attribute < value if down else attribute > value
            same = and_(attribute == value, key < item.id if down else key > item.id)
            found.append(
                db.session.scalars(
                    self._in_order(query.where(or_(further, same)), attribute, down=down).limit(1)
                ).first()
            )
        return found[0], found[1]

    @property
    def is_default(self) -> bool:
        """Whether the list stands as it begins: with no filter but its own first ones."""
        asked = {name: self.args.getlist(name) for name in self.view.filters_by_name() if any(self.args.getlist(name))}
        first = {
            name: value if isinstance(value, list) else [value] for name, value in self.view.default_filters().items()
        }
        return asked == first and not self.text

    @property
    def trail(self) -> str:
        """What an address of a record says of the list it was opened from."""
        args = {name: self.args.getlist(name) for name in self.args if name in self.view.known_arguments() - {"page"}}
        return "?" + urlencode({"in": urlencode(args, doseq=True), "of": self.view.endpoint})

    @cached_property
    def _eager(self) -> list[str]:
        """The relations that the shown columns read."""
        if self.columns == self.view.list_columns:
            return list(self.view.eager)
        mapper = sa_inspect(self.view.datamodel.obj)
        heads = (name.partition(".")[0] for name in self.columns)
        return list(dict.fromkeys([*self.view.eager, *(name for name in heads if name in mapper.relationships)]))

    def _loading(self) -> Iterator[Any]:
        """Load listed relations with the rows; catalogs, which filters read anyway, from the session."""
        shown = {name for name in self.columns if "." not in name}
        yield from (defer(held) for held in sealed_columns(self.view.model) if held.key not in shown)
        for name in self._eager:
            attribute = getattr(self.view.model, name)
            if is_short(attribute.property.mapper.class_):
                catalog_rows(attribute.property.mapper.class_)
            else:
                yield beside(self.view.model, name)

    @property
    def offset(self) -> int:
        """How many rows stand on the pages before this one."""
        return (self.page - 1) * self.page_size

    def rows(self) -> list[Any]:
        """Return this page's rows, read once."""
        return self._read()[: self.page_size]

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one."""
        return len(self._read()) > self.page_size

    def _read(self) -> list[Any]:
        """Read this page's rows, and one more to tell whether that is all.

        Deep in a list the keys are found first, in an index, and only the page's own rows are fetched.
        """
        if self._page is None:
            model, walked, size = self.view.model, self._walked(), self.page_size + 1
            if self.offset:
                keys = self._sorted(self.keys(*walked)).limit(size).offset(self.offset).subquery()
                query = self._sorted(select(model).join(keys, keys.c.id == key_of(model)))
            else:
                query = self._sorted(select(model).where(*walked)).limit(size)
            self._page = list(db.session.scalars(query.options(*self._loading())))
        return self._page

    def counting(self, cap: int = COUNT_CAP) -> Any:
        """Return the part of a statement that counts the matching rows, no further than one past a cap."""
        keys = self.keys(*self.conditions, *self.alternatives, self.found.condition).limit(cap + 1)
        return select(func.count()).select_from(keys.subquery()).scalar_subquery()

    def count(self) -> Tally:
        """Return how many rows match: exactly up to the cap, about above it."""
        seen = self.offset + len(self._read())
        if not self.has_more and (self._read() or self.page == 1):
            return Tally(seen)
        if self._is_broad():
            return Tally(max(self._estimate, COUNT_CAP, seen), is_about=True)
        return Tally(self.counted or 0)

    @cached_property
    def _estimate(self) -> int:
        """About how many rows match: PostgreSQL knows how many have a key, SQLite looks at some."""
        words = self.found.by_keys if db.engine.dialect.name == "postgresql" else self.found.condition
        return estimate(self.keys(*self.conditions, *self.alternatives, words), key_of(self.view.model))

    def _is_broad(self) -> bool:
        """Tell whether more rows match than anybody counts: by an estimate that leaves no doubt, or by counting."""
        if self.found.is_common:
            return True
        if db.engine.dialect.name == "postgresql" and self._estimate > COUNT_CAP * BEYOND_DOUBT:
            return True
        if self.counted is None:
            self.counted = db.session.scalar(select(self.counting())) or 0
        return self.counted > COUNT_CAP

    def link(self, **changes: Any) -> str:
        """Return the address of this list with some arguments changed; None takes one away."""
        return self.view.list_url(**self.arguments(**changes))

    def arguments(self, **changes: Any) -> dict[str, list[str]]:
        """Return what the address of this list says, with some of it changed; None takes an argument away."""
        args = {name: self.args.getlist(name) for name in self.args if name in self.view.known_arguments()}
        for name, value in changes.items():
            args.pop(name, None)
            if value is not None:
                args[name] = [str(value)]
            elif name in self.view.default_filters():
                # An address without it would ask for the default again.
                args[name] = [""]
        if "page" not in changes:
            args.pop("page", None)
        return args

    def unfiltered(self) -> str:
        """Return the address of the whole list, without the filters it begins with."""
        return self.view.list_url(**dict.fromkeys(self.view.default_filters(), ""))

    def controls(self) -> list[Control]:
        """Return the filters as form controls, with what the address holds."""
        made = []
        for name, found in self.view.filters_by_name().items():
            label = str(self.view.label_columns[found.column_name])
            control = Control(name, label, "text", self.args.getlist(name))
            if isinstance(found, Overdue):
                control.kind, control.choices = "choice", [("1", _("Yes"))]
                made.append(control)
                continue
            column = found.column
            if isinstance(found, RefersTo):
                self._fill_relation(control, column.property.mapper.class_)
            elif is_choice(column.type):
                control.kind = "choice"
                control.choices = [(member.name, str(member.label)) for member in self._members(found)]
            elif isinstance(column.type, Boolean):
                control.kind, control.choices = "choice", [("1", _("Yes")), ("0", _("No"))]
            elif found.arg_name in {"ge", "le"}:
                control.kind = "date" if hasattr(column.type.python_type, "isoformat") else "number"
                control.label = f"{label} {found.name}"
            made.append(control)
        return made

    def _members(self, found: PortalFilter) -> list[Choice]:
        """Return the members of a closed list that occur here: of states those the workflow knows."""
        workflow = self.view.workflow
        if workflow is not None and workflow.column == found.column_name:
            return workflow.states
        return list(found.column.type.enum_class)

    def _fill_relation(self, control: Control, target: type[Any]) -> None:
        control.kind = "choice"
        if NOBODY_WORD in control.values:
            control.choices.append((NOBODY_WORD, _("none yet")))
        if is_short(target):
            control.choices += [(str(row.id), str(row)) for row in catalog_rows(target)]
            return
        screen = target_of(target)
        control.kind, control.url = "lookup", screen.lookup_url()
        for text in control.values:
            row = screen.lookup_get(parse_key(text) or 0)
            if row is not None:
                control.choices.append((text, str(row)))
