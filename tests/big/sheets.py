"""Sheets: a table as the generator writes it, found in the portal's own metadata.

A row holds what the generator gives; every other column gets the model's default. Values are written as both databases
read them: numbers, texts, ``2026-01-31`` for a day, ``2026-01-31 08:15:00.000000`` for a moment in UTC, the name of a
choice, 1 and 0 for yes and no.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects import sqlite

from app.core.db import Model
from app.core.sealed import Sealed

Value = str | int | None
Row = tuple[Value, ...]
Batch = tuple["Sheet", list[Row]]
# How a sealed text is kept is the same on both databases.
DIALECT = sqlite.dialect()


class SheetError(Exception):
    """The generator does not fit the tables: the message names the column to look after."""


class Sheet:
    """The columns of one table that a row gives, in their order, and what stands in the others."""

    def __init__(self, table: str, columns: str, **same: Value) -> None:
        self.table = table
        self.columns = columns.split()
        self.same = same
        self._sealed: list[tuple[int, Sealed]] | None = None

    def read(self) -> None:
        """Look the columns up in the metadata; raises SheetError for one that is not there or has no value."""
        found = Model.metadata.tables.get(self.table)
        if found is None:
            raise SheetError(f"tests/big writes the table {self.table}, which no longer exists.")
        if gone := [name for name in (*self.columns, *self.same) if name not in found.columns]:
            raise SheetError(f"tests/big writes {self.table}.{gone[0]}, which no longer exists.")
        for column in found.columns:
            if column.name not in self.columns and column.name not in self.same:
                default = _default(column)
                if default is not None:
                    self.same[column.name] = default
        self._sealed = [
            (place, found.columns[name].type)
            for place, name in enumerate(self.columns)
            if isinstance(found.columns[name].type, Sealed)
        ]

    def sealed(self, rows: list[Row]) -> list[Row]:
        """Return the rows with personal data as the portal keeps it."""
        if not self._sealed:
            return rows
        made: list[Row] = []
        for row in rows:
            cells = list(row)
            for place, kind in self._sealed:
                cells[place] = kind.process_bind_param(cells[place], DIALECT)
            made.append(tuple(cells))
        return made


def _default(column: Column[Any]) -> Value:
    """Return what the model puts into a column that nobody fills in; None leaves it to the database."""
    if column.default is not None and (column.default.is_scalar or column.default.is_callable):
        value = column.default.arg
        if column.default.is_callable:
            # Who did it and when, and the empty lists of a JSON column, are the generator's to say.
            if column.nullable:
                return None
            raise SheetError(f"{column} has a default that is worked out: tests/big must give it a value.")
        return plain(value)
    if column.nullable or column.server_default is not None:
        return None
    raise SheetError(f"{column} has neither a default nor may it be empty: tests/big must give it a value.")


def plain(value: Any) -> Value:
    """Return a default as rows hold it."""
    match value:
        case bool():
            return int(value)
        case enum.Enum():
            return value.name
        case None | int() | str():
            return value
        case Decimal():
            return str(value)
    raise SheetError(f"tests/big cannot write {value!r}.")


def columns_of(sheet: Sheet) -> Iterable[str]:
    """Return the columns of a row as it is written: those given, then those that are the same in every row."""
    return (*sheet.columns, *sheet.same)
