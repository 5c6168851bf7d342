"""The index behind every search box: which columns are searched is declared by the screens, the database keeps it.

PostgreSQL has one GIN index over the keys of each table's searched columns; SQLite has one FTS5 table beside each,
which triggers fill. Either way it changes in the transaction that changes the text, whoever writes. It is derived from
the declarations and no part of the migrations: ``portal init`` brings it to this release, ``portal reindex`` makes it
anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy import inspect as sa_inspect

from app.core.search_words import fold, grams

VERSION = 1
"""To be raised when keys are made otherwise: every index is then made anew."""
BATCH = 5_000
PROGRESS_SECONDS = 0.5

POSTGRESQL_FUNCTIONS = (
    """
    CREATE OR REPLACE FUNCTION search_fold(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 20
    AS $$ SELECT lower(normalize(value, NFKC) COLLATE "und-x-icu") $$
    """,
    """
    CREATE OR REPLACE FUNCTION search_grams(value text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500
    AS $$
    -- Calls nothing of ours: while a dump is restored only PostgreSQL's own functions are found by name.
    DECLARE letters text[] := string_to_array(lower(normalize(value, NFKC) COLLATE "und-x-icu"), NULL);
    BEGIN
        RETURN array_remove(letters, ' ')
            || ARRAY(SELECT a || b FROM unnest(letters, letters[2:]) AS pair(a, b) WHERE a <> ' ' AND b <> ' ');
    END $$
    """,
)


@dataclass(frozen=True)
class Searched:
    """The columns of one table that screens search."""

    table: Table
    columns: tuple[str, ...]

    @property
    def index(self) -> str:
        """The index on PostgreSQL; its name tells what it is made of."""
        mark = sha256(f"{VERSION}: {', '.join(self.columns)}".encode()).hexdigest()[:8]
        return f"ix_search_{self.table.name}_{mark}"

    @property
    def fts(self) -> str:
        """The FTS5 table on SQLite."""
        return f"search_{self.table.name}"


def searched_tables() -> list[Searched]:
    """Return what the screens search, through relations too, table by table."""
    found: dict[str, tuple[Table, dict[str, None]]] = {}
    for view in current_app.appbuilder.baseviews:  # type: ignore[attr-defined]
        for path in getattr(view, "searched", ()):
            column = column_at(view.model, path)
            found.setdefault(column.table.name, (column.table, {}))[1][column.name] = None
    return [Searched(table, tuple(sorted(names))) for _name, (table, names) in sorted(found.items())]


def column_at(model: Any, path: str) -> Any:
    """Return the column of a table that a dotted path of a model leads to."""
    head, _dot, rest = path.partition(".")
    mapper = sa_inspect(model)
    if rest:
        return column_at(mapper.relationships[head].mapper.class_, rest)
    return mapper.column_attrs[head].columns[0]


def columns_here(connection: Connection) -> dict[str, set[str]]:
    """Return the columns that each table of the database has: a model may be ahead of its migration."""
    found = sa_inspect(connection).get_multi_columns()
    return {name: {column["name"] for column in columns} for (_schema, name), columns in found.items()}


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection to SQLite the functions that triggers and searches call."""
    connection.create_function("search_fold", 1, _fold, deterministic=True)
    connection.create_function("search_tokens", 1, _tokens, deterministic=True)


def _fold(value: str | None) -> str | None:
    return None if value is None else fold(str(value))


def _tokens(value: str | None) -> str:
    """Return the keys of a text as FTS5 stores them."""
    return " ".join(map(token, grams(str(value)))) if value else ""


@lru_cache(maxsize=65_536)
def token(key: str) -> str:
    """Return a key as a word that no tokenizer changes: its code points. A language has few keys, its texts many."""
    return "_".join(f"{ord(letter):x}" for letter in key)


# -- prepare and rebuild -------------------------------------------------------------------------


def prepare(connection: Connection) -> list[str]:
    """Bring the indexes to what the screens declare; return the tables whose index was made anew. Does not commit."""
    wanted = _wanted(connection)
    made = [one for one in wanted if not _stands(connection, one)]
    for name in _kept(connection) - {_name(connection, one) for one in wanted}:
        _drop(connection, name)
    for one in made:
        _drop(connection, _name(connection, one))
        _make(connection, one)
        if connection.dialect.name == "sqlite":
            for _done in _fill(connection, one):
                pass
    return [one.table.name for one in made]


def rebuild(connection: Connection) -> Iterator[tuple[str, int, int]]:
    """Make every index anew; yield table, rows done and rows in all as it goes.

    On PostgreSQL people read and write meanwhile. On SQLite each table is one transaction, for which writers wait.
    """
    for one in _wanted(connection):
        total = connection.scalar(select(func.count()).select_from(one.table)) or 0
        connection.commit()
        for done in (_rebuilt if connection.dialect.name == "postgresql" else _refilled)(connection, one, total):
            yield one.table.name, max(min(done, total - 1), 0), total
        yield one.table.name, total, total


def _refilled(connection: Connection, one: Searched, _total: int) -> Iterator[int]:
    _drop(connection, one.fts)
    _make(connection, one)
    yield from _fill(connection, one)
    connection.commit()


def _rebuilt(connection: Connection, one: Searched, total: int) -> Iterator[int]:
    """Rebuild an index of PostgreSQL beside the old one; yield what the server tells of it twice a second."""

    def work() -> None:
        with connection.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
            own.exec_driver_sql("SET maintenance_work_mem = '512MB'")
            if _stands(own, one):
                own.exec_driver_sql(f'REINDEX INDEX CONCURRENTLY "{one.index}"')
            else:
                _make(own, one)
            own.invalidate()

    told = text(
        "SELECT sum(blocks_done)::float / nullif(sum(blocks_total), 0) FROM pg_stat_progress_create_index"
        " WHERE relid = to_regclass(:name)"
    )
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        while wait([working], timeout=PROGRESS_SECONDS).not_done:
            yield int((connection.scalar(told, {"name": one.table.name}) or 0) * total)
            connection.commit()
        working.result()


def drop_all(connection: Connection) -> None:
    """Take every index away, as before rows are loaded in bulk; does not commit."""
    for name in _kept(connection):
        _drop(connection, name)


def _wanted(connection: Connection) -> list[Searched]:
    """Return what is to be indexed of the columns that are there."""
    here = columns_here(connection)
    return [one for one in searched_tables() if set(one.columns) <= here.get(one.table.name, set())]


def _name(connection: Connection, one: Searched) -> str:
    return one.index if connection.dialect.name == "postgresql" else one.fts


def _kept(connection: Connection) -> set[str]:
    """Return the names of the indexes that are there."""
    if connection.dialect.name == "postgresql":
        asked = r"SELECT indexname FROM pg_indexes WHERE schemaname = current_schema AND indexname LIKE 'ix\_search\_%'"
    else:
        asked = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE search_%'"
    return set(connection.scalars(text(asked)))


def _stands(connection: Connection, one: Searched) -> bool:
    """Tell whether the index is there as it is wanted."""
    if connection.dialect.name == "postgresql":
        return connection.scalar(text("SELECT to_regclass(:name)"), {"name": one.index}) is not None
    statements = [*_sqlite_statements(one)]
    names = [one.fts, *(f"{one.fts}_{when}" for when in ("insert", "update", "delete"))]
    asked = text("SELECT name, sql FROM sqlite_master WHERE name = :fts OR tbl_name = :table")
    rows = connection.execute(asked, {"fts": one.fts, "table": one.table.name})
    held = {row.name: row.sql for row in rows}
    return [held.get(name) for name in names] == statements


def _drop(connection: Connection, name: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f'DROP INDEX IF EXISTS "{name}"')
        return
    for when in ("insert", "update", "delete"):
        connection.exec_driver_sql(f'DROP TRIGGER IF EXISTS "{name}_{when}"')
    connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{name}"')


def _make(connection: Connection, one: Searched) -> None:
    if connection.dialect.name == "sqlite":
        for statement in _sqlite_statements(one):
            connection.exec_driver_sql(statement)
        return
    for statement in POSTGRESQL_FUNCTIONS:
        connection.exec_driver_sql(statement)
    # What is sorted in memory is not merged into the index again and again.
    connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
    keys = ", ".join(f'search_grams("{column}")' for column in one.columns)
    # Without fastupdate: a list of what is not sorted in yet would have to be read by every search.
    connection.exec_driver_sql(
        f'CREATE INDEX "{one.index}" ON "{one.table.name}" USING gin ({keys}) WITH (fastupdate = off)'
    )
    # Which words are common the planner knows from the keys' statistics.
    connection.exec_driver_sql(f'ANALYZE "{one.table.name}"')


def _sqlite_statements(one: Searched) -> Iterator[str]:
    """Yield how the FTS5 table and its triggers are made.

    It keeps no text (content=''), so what a row had is told to it again when the row goes.
    """
    table, fts = one.table.name, one.fts
    names = _quoted(one)

    def told(row: str) -> str:
        return ", ".join(f'search_tokens({row}."{column}")' for column in one.columns)

    mark = f"/* {VERSION} */"
    gone = f"INSERT INTO {fts}({fts}, rowid, {names}) VALUES ('delete', old.id, {told('old')});"  # noqa: S608 - names of our own
    come = f"INSERT INTO {fts}(rowid, {names}) VALUES (new.id, {told('new')});"  # noqa: S608
    options = "content='', columnsize=0, detail=column, tokenize=\"ascii tokenchars '_'\""
    yield f"CREATE VIRTUAL TABLE {fts} USING fts5({names}, {options})"
    yield f"CREATE TRIGGER {fts}_insert AFTER INSERT ON {table} BEGIN {mark} {come} END"
    yield f"CREATE TRIGGER {fts}_update AFTER UPDATE OF id, {names} ON {table} BEGIN {mark} {gone} {come} END"
    yield f"CREATE TRIGGER {fts}_delete AFTER DELETE ON {table} BEGIN {mark} {gone} END"


def _quoted(one: Searched) -> str:
    return ", ".join(f'"{column}"' for column in one.columns)


def _fill(connection: Connection, one: Searched) -> Iterator[int]:
    """Fill an empty FTS5 table from the rows, some thousand at a time; yield how many are done."""
    names = _quoted(one)
    told = ", ".join(f'search_tokens("{column}")' for column in one.columns)
    last, done = -1, 0
    insert = text(
        f"INSERT INTO {one.fts}(rowid, {names}) SELECT id, {told} FROM {one.table.name}"  # noqa: S608 - names of our own
        " WHERE id > :after AND id <= :upto"
    )
    bound = text(
        f"SELECT max(id), count(*) FROM (SELECT id FROM {one.table.name} WHERE id > :after ORDER BY id LIMIT {BATCH})"  # noqa: S608
    )
    while True:
        upto, count = connection.execute(bound, {"after": last}).one()
        if not count:
            return
        connection.execute(insert, {"after": last, "upto": upto})
        last, done = upto, done + count
        yield done
