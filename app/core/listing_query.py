"""What the address of a list says: filters, search, order and page.

What it says wrongly is left out and told, alike on both databases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask_babel import gettext as _
from sqlalchemy import Boolean, or_
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.sql import operators
from werkzeug.datastructures import MultiDict

from app.core.catalogs import kept_by_id, kept_rows
from app.core.entity import is_short, kind_of
from app.core.fields_rows import target_of
from app.core.interface import NOBODY, NOBODY_WORD, Equals, Overdue, PortalFilter, RefersTo, is_choice, parse_key
from app.core.present import about, words
from app.core.searching import Found
from app.core.types import Choice

if TYPE_CHECKING:
    from app.core.views import PortalView

PAGE_SIZES = (25, 50, 100)
LAST_PAGE = 40_000
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


class ListQuery:
    """What an address asks of a screen's list, within the person's rights for a verb."""

    def __init__(self, view: PortalView, args: MultiDict[str, str] | Mapping[str, str], verb: str = "list") -> None:
        self.view, self.verb = view, verb
        self.args: MultiDict[str, str] = args if isinstance(args, MultiDict) else MultiDict(args)
        self.ignored: list[str] = []
        self.read: dict[str, dict[str, Any]] = {}
        """What each filter of the address holds: the values by their texts."""
        kind = kind_of(view.model)
        # An index by kind serves the list, which the kind's own table would not tell the database.
        self.conditions: list[Any] = [] if kind is None else [kind == sa_inspect(view.model).polymorphic_identity]
        self.alternatives: list[Any] = []
        """Conditions of several ways to be met, each of which may have an index of its own."""
        self._narrow(view.scope_condition(verb))
        self.text = search_text(self.args)
        self.found = view.found(self.text) if self.text and view.searched else Found()
        self.columns: list[str] = view.list_columns
        self._rows: dict[tuple[type[Any], int], Any | None] = {}
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
            row = kept_by_id(target).get(value) if is_short(target) else self._picked(target, value)
            return str(row) if row is not None else f"#{value}"
        return words(value)

    def _picked(self, target: type[Any], key: int) -> Any | None:
        """Return a row of a large table that a filter names, asked for once: its chip and its control both tell it."""
        if (target, key) not in self._rows:
            self._rows[target, key] = target_of(target).lookup_get(key)
        return self._rows[target, key]

    def _order(self) -> tuple[str, str]:
        """Sort only by what the screen lists for it: a hidden column must not show through its order."""
        column, direction = self.args.get("order", ""), self.args.get("dir", "")
        if column in self.view.order_columns and column in self.view.seen_columns():
            return column, direction if direction in {"asc", "desc"} else "asc"
        return self.view.base_order or ("id", "desc")

    def _size(self) -> int:
        size = parse_key(self.args.get("size"))
        return size if size in PAGE_SIZES else PAGE_SIZES[0]

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

    @property
    def offset(self) -> int:
        """How many rows stand on the pages before this one."""
        return (self.page - 1) * self.page_size

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
            control.choices += [(str(row.id), str(row)) for row in kept_rows(target)]
            return
        screen = target_of(target)
        control.kind, control.url = "lookup", screen.lookup_url()
        for text in control.values:
            row = self._picked(target, parse_key(text) or 0)
            if row is not None:
                control.choices.append((text, str(row)))
