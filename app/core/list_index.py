"""The indexes behind lists: what a screen sorts by and filters by is found in order, however many rows there are.

They follow from what screens declare (order, filters, row scope), as the indexes of searches do, and are no part of the
migrations: ``portal init`` brings them to this release. An index that a table has anyway is not made twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from flask import current_app
from sqlalchemy import Boolean, Column, Connection, Enum, Index, Table, UniqueConstraint, text
from sqlalchemy import inspect as sa_inspect

from app.core.entity import key_of, kind_of
from app.core.search_index import columns_here

PREFIX = "ix_list_"
LONGEST_NAME = 63
"""PostgreSQL cuts longer names."""


def wanted() -> dict[str, tuple[Table, tuple[str, ...]]]:
    """Return the indexes that the screens' lists need, by name: table and columns."""
    made = {}
    for view in current_app.appbuilder.baseviews:  # type: ignore[attr-defined]
        for columns in _of_screen(view) if hasattr(view, "order_columns") else ():
            table, names = columns[0].table, tuple(column.name for column in columns)
            if not _has(table, names):
                made[_name(table, names)] = table, names
    return made


def prepare(connection: Connection) -> list[str]:
    """Bring the indexes to what the screens declare; return the names of those made. Does not commit."""
    asked = (
        "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema"
        if connection.dialect.name == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'index'"
    )
    held = {name for name in connection.scalars(text(asked)) if name.startswith(PREFIX)}
    here = columns_here(connection)
    needed = {
        name: (table, columns)
        for name, (table, columns) in wanted().items()
        if set(columns) <= here.get(table.name, set())
    }
    for name in held - needed.keys():
        connection.exec_driver_sql(f'DROP INDEX "{name}"')
    made = [name for name in needed if name not in held]
    for name in made:
        table, columns = needed[name]
        told = ", ".join(f'"{column}"' for column in columns)
        connection.exec_driver_sql(f'CREATE INDEX "{name}" ON "{table.name}" ({told})')
    return made


def _of_screen(view: Any) -> Iterator[tuple[Column[Any], ...]]:
    """Yield what one screen's list is sorted by, and what it is filtered by and then stands in its first order.

    The first order brings the columns of row scope along: pages far down are found in the index alone.
    """
    mapper = sa_inspect(view.model)
    table, scoped = key_of(view.model).table, [path for paths in view.scopes.values() for path in paths]
    for name in view.order_columns:
        if (column := _plain(mapper, name)) is not None:
            yield column, column.table.c.id
    first = _plain(mapper, view.base_order[0]) if view.base_order else table.c.id
    if first is None:
        return
    compared = [_compared(mapper, name) for name in dict.fromkeys([*view.search_columns, *scoped])]
    for column in compared:
        if column is not None and column is not first:
            yield (column, first, table.c.id) if column.table is first.table else (column, column.table.c.id)
    if first.table is table and first.name != "id":
        kind = kind_of(view.model)
        reach = [column for name in scoped if (column := _compared(mapper, name)) is not None and column.table is table]
        yield tuple(dict.fromkeys([*([] if kind is None else [kind]), first, table.c.id, *reach]))


def _plain(mapper: Any, name: str) -> Column[Any] | None:
    found = mapper.column_attrs.get(name)
    return found.columns[0] if found is not None and isinstance(found.columns[0], Column) else None


def _compared(mapper: Any, name: str) -> Column[Any] | None:
    """Return the column that a filter compares with a value, if it is one of the model's own."""
    relation = mapper.relationships.get(name)
    if relation is not None:
        return next(iter(relation.local_columns)) if not relation.uselist and len(relation.local_columns) == 1 else None
    column = _plain(mapper, name)
    return column if column is not None and (column.foreign_keys or isinstance(column.type, Enum | Boolean)) else None


def _has(table: Table, names: tuple[str, ...]) -> bool:
    """Tell whether a table's own indexes serve: one that begins with these columns, or one of a unique column."""
    if names[0] == "id":
        return True
    names = names[:-1] if names[-1] == "id" else names
    own = [tuple(column.name for column in index.columns) for index in table.indexes if isinstance(index, Index)]
    unique = [
        tuple(column.name for column in one.columns) for one in table.constraints if isinstance(one, UniqueConstraint)
    ]
    return any(one[: len(names)] == names for one in own) or any(one == names[: len(one)] for one in unique)


def _name(table: Table, names: tuple[str, ...]) -> str:
    name = f"{PREFIX}{table.name}_{'_'.join(name for name in names if name != 'id')}"
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 9]}_{sha256(name.encode()).hexdigest()[:8]}"
