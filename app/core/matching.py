"""Matching: which column of a file fills which field of an entity, guessed, chosen, kept, or shipped with a release."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, cast

from flask_babel import gettext as _
from sqlalchemy import Table, UniqueConstraint, inspect
from wtforms import Field

from app.core.errors import RuleError
from app.core.fields import in_all_languages, text_of
from app.core.tabular import Cell, column_letter

if TYPE_CHECKING:
    from app.core.views import PortalView

# What people and templates put around a heading that says nothing about it.
_TRIMMINGS = re.compile(r"[\s_*:()\[\]./-]+")


@dataclass(frozen=True)
class Source:
    """Where a field's value comes from.

    ``constant`` is for every row, or where the column's cell is empty; ``values`` translates what a cell says.
    Where one number stands on several rows and each is a record of its own, ``repeats`` tells them apart in the
    order of the file: with "-" the second 7045635 becomes 7045635-2.
    """

    column: str = ""
    constant: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    repeats: str = ""

    def value(self, cell: Cell) -> Cell:
        """Return the field's cell for the column's cell."""
        if self.values and (said := text_of(cell)) in self.values:
            cell = self.values[said] or None
        return self.constant or None if cell is None else cell


@dataclass(frozen=True)
class Matching:
    """Which source fills which field, and by which fields a record is known again (none: as its screen says)."""

    sources: Mapping[str, Source]
    key: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Any) -> Self:
        """Return a matching as JSON keeps it; raises RuleError if it is none."""
        try:
            sources = {
                str(name): Source(
                    str(one.get("column", "")),
                    str(one.get("constant", "")),
                    {str(said): str(meant) for said, meant in one.get("values", {}).items()},
                    str(one.get("repeats", "")),
                )
                for name, one in data["fields"].items()
            }
            return cls(sources, tuple(str(name) for name in data.get("key", ())))
        except (AttributeError, KeyError, TypeError) as error:
            raise RuleError(_("This matching cannot be read.")) from error

    def as_json(self) -> dict[str, Any]:
        """Return the matching as JSON keeps it."""
        kept = {
            name: {part: value for part, value in vars(source).items() if value}
            for name, source in self.sources.items()
        }
        return {"fields": kept, "key": list(self.key)}

    def check(self, view: PortalView, columns: list[str]) -> None:
        """Raise RuleError for fields that cannot be imported here, and for columns that the file does not have."""
        known = importable(view)
        if alien := [name for name in (*self.sources, *self.key) if name not in known]:
            raise RuleError(_("These fields cannot be imported: %(names)s.", names=_(", ").join(alien)))
        if lost := [one.column for one in self.sources.values() if one.column and one.column not in columns]:
            raise RuleError(_("The file does not have these columns: %(names)s.", names=_(", ").join(lost)))
        if not any(one.column for one in self.sources.values()):
            raise RuleError(_("Choose a column of the file for at least one field."))
        blank = view.import_form(settable(view))(formdata=None, meta={"csrf": False})
        for name, source in self.sources.items():
            if source.constant and name in blank:
                _check_constant(blank[name], source.constant)


def _check_constant(entry: Field, constant: str) -> None:
    try:
        entry.from_cell(constant)
    except ValueError as error:
        raise RuleError(str(error), field=entry.name) from error


def settable(view: PortalView) -> list[str]:
    """Return the columns that an import may fill in a new record."""
    return view.add_columns if view.import_columns is None else view.import_columns


def changeable(view: PortalView) -> list[str]:
    """Return the columns that an import may change in a record that is there."""
    return view.edit_columns if view.import_columns is None else view.import_columns


def importable(view: PortalView) -> list[str]:
    """Return what a column of a file may stand for: what may be filled, and what a record is known by."""
    return list(dict.fromkeys([*known_by(view), *settable(view)]))


def known_by(view: PortalView) -> tuple[str, ...]:
    """Return the columns by which an import knows a record again; empty if it never does.

    By default what people name a record by if it is one record's only, else what the table keeps unique together.
    """
    if view.import_key:
        return view.import_key
    tables = [cast("Table", table) for table in inspect(view.model).tables]
    single = {column.name for table in tables for column in table.columns if column.unique and not column.nullable}
    for name in view.exact or view.searched:
        if name in single:
            return (name,)
    relations = {
        column.name: relation.key for relation in inspect(view.model).relationships for column in relation.local_columns
    }
    for constraint in sorted((one for table in tables for one in table.constraints), key=lambda one: str(one.name)):
        if isinstance(constraint, UniqueConstraint) and not any(column.nullable for column in constraint.columns):
            names = tuple(relations.get(column.name, column.name) for column in constraint.columns)
            if set(names) <= set(settable(view)):
                return names
    return ()


def column_names(header: list[str]) -> list[str]:
    """Return the headings, told apart by the column's letter where one is missing or stands twice."""
    return [
        heading if heading and header.count(heading) == 1 else f"{heading} ({column_letter(number)})".strip()
        for number, heading in enumerate(header, start=1)
    ]


def guess(view: PortalView, columns: list[str], known: Iterable[Matching]) -> Matching:
    """Return a matching by what the headings say: labels in any language, names of columns, matchings kept before."""
    by_heading: dict[str, str] = {}
    for column in columns:
        by_heading.setdefault(_plain(column), column)
    sources: dict[str, Source] = {}
    for name in importable(view):
        for text in (name, *in_all_languages(view.label_columns[name])):
            if _plain(text) in by_heading:
                sources[name] = Source(by_heading.pop(_plain(text)))
                break
    for matching in known:
        for name, source in matching.sources.items():
            if name not in sources and source.column and _plain(source.column) in by_heading:
                sources[name] = replace(source, column=by_heading.pop(_plain(source.column)))
    return Matching(sources)


def _plain(heading: str) -> str:
    return _TRIMMINGS.sub("", unicodedata.normalize("NFKC", heading).casefold())
