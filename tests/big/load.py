"""Loading by the million: COPY on PostgreSQL, one prepared statement on SQLite, indexes made afterwards.

Whatever indexes and constraints a table has are read from the database, taken away before the rows come, and put back
as they were behind them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Engine

from app.core import search_index

from .sheets import Row, Sheet, columns_of

Tell = Callable[[str], None]
# No text of the generator holds one of these, so that nothing has to be escaped: a line is put together in one step.
NULL, QUOTE = "None", "\x01"


class Loader(Protocol):
    """Takes rows in."""

    def write(self, sheet: Sheet, rows: list[Row]) -> None:
        """Append rows to a table."""


@contextmanager
def loading(engine: Engine, tell: Tell) -> Iterator[Loader]:
    """Yield a loader; afterwards the database has its indexes and statistics, or is as it was if loading failed.

    Nobody else may use the database meanwhile.
    """
    engine.dispose()
    with (_postgresql if engine.dialect.name == "postgresql" else _sqlite)(engine, tell) as loader:
        yield loader
    # Settings are those of a load: the connections serve nobody else.
    engine.dispose()


class _Copy:
    """Rows by COPY; a table that is emptied in the same transaction takes them frozen, so no vacuum follows."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.commands: dict[Sheet, tuple[str, str]] = {}
        self.emptied: set[str] = set()

    def write(self, sheet: Sheet, rows: list[Row]) -> None:
        if sheet not in self.commands:
            self._begin(sheet)
        command, line = self.commands[sheet]
        with self.connection.cursor().copy(command) as copy:
            copy.write("".join([line % row for row in sheet.sealed(rows)]))

    def _begin(self, sheet: Sheet) -> None:
        sheet.read()
        if sheet.table not in self.emptied:
            # What `portal init` has written (the trail has it) goes in again.
            self.connection.execute(f'CREATE TEMPORARY TABLE kept ON COMMIT DROP AS TABLE "{sheet.table}"')
            self.connection.execute(f'TRUNCATE "{sheet.table}"')
            self.connection.execute(f'INSERT INTO "{sheet.table}" TABLE kept')
            self.connection.execute("DROP TABLE kept")
            self.emptied.add(sheet.table)
        names = ", ".join(f'"{name}"' for name in columns_of(sheet))
        options = f"FREEZE, FORMAT csv, DELIMITER E'\\t', QUOTE E'{QUOTE}', NULL '{NULL}'"
        command = f'COPY "{sheet.table}" ({names}) FROM STDIN WITH ({options})'
        cells = ["%s" for _column in sheet.columns] + [str(value).replace("%", "%%") for value in sheet.same.values()]
        self.commands[sheet] = command, "\t".join(cells) + "\n"


WORKERS = min(os.cpu_count() or 1, 4)
SETTINGS = ("synchronous_commit = off", "maintenance_work_mem = '512MB'", "work_mem = '256MB'", "timezone = 'UTC'")
KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype = 'f'
FROM pg_constraint WHERE contype IN ('f', 'u', 'p') AND connamespace = current_schema()::regnamespace
AND conrelid::regclass::text <> 'alembic_version' ORDER BY contype = 'f', contype <> 'p', conname
"""
INDEXES = """
SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 2
"""
SEQUENCES = """
SELECT format('SELECT setval(%L, greatest((SELECT max(id) FROM %I), 1))',
  coalesce(pg_get_serial_sequence(quote_ident(tables.table_name), 'id'), sequence_name), tables.table_name)
FROM information_schema.tables
JOIN information_schema.columns USING (table_schema, table_name)
LEFT JOIN information_schema.sequences
  ON sequence_schema = table_schema AND sequence_name = tables.table_name || '_id_seq'
WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND column_name = 'id'
AND coalesce(pg_get_serial_sequence(quote_ident(tables.table_name), 'id'), sequence_name) IS NOT NULL
"""


@contextmanager
def _postgresql(engine: Engine, tell: Tell) -> Iterator[Loader]:
    """Load in one transaction, without keys and indexes; these are made afterwards, several tables at once.

    The indexes of lists and searches are made again as any other: on PostgreSQL they are indexes and no more.
    """
    with _settled(engine) as raw:
        keys, indexes = raw.execute(KEYS).fetchall(), raw.execute(INDEXES).fetchall()
        for table, name, _definition, _refers in reversed(keys):
            raw.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for _table, name, _definition in indexes:
            raw.execute(f"DROP INDEX {name}")
        yield _Copy(raw)
    tell("keys, indexes and statistics")
    own: dict[str, list[str]] = {}
    foreign: dict[str, list[str]] = {}
    for table, name, definition, refers in keys:
        (foreign if refers else own).setdefault(table, []).append(f'ADD CONSTRAINT "{name}" {definition}')
    made = {table: [f"ALTER TABLE {table} {', '.join(wanted)}"] for table, wanted in own.items()}
    for table, _name, definition in indexes:
        made.setdefault(table, []).append(definition)
    with _settled(engine) as raw:
        size = {table: raw.execute("SELECT pg_table_size(%s::regclass)", (table,)).fetchone()[0] for table in made}

    def index(table: str) -> None:
        with _settled(engine) as raw:
            for statement in (*made[table], f"ANALYZE {table}"):
                raw.execute(statement)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(index, sorted(made, key=size.__getitem__, reverse=True)))
    tell("foreign keys")
    with _settled(engine) as raw:
        # Those of a table are checked together.
        for table, wanted in foreign.items():
            raw.execute(f"ALTER TABLE {table} {', '.join(wanted)}")
        for (command,) in raw.execute(SEQUENCES).fetchall():
            raw.execute(command)


@contextmanager
def _settled(engine: Engine) -> Iterator[Any]:
    """Yield a psycopg connection that is set for loading, in a transaction that is committed behind the block."""
    with engine.begin() as connection:
        raw: Any = connection.connection.driver_connection
        for setting in SETTINGS:
            raw.execute(f"SET LOCAL {setting}")
        yield raw


class _Insert:
    """Rows by a prepared INSERT for each sheet."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.commands: dict[Sheet, str] = {}

    def write(self, sheet: Sheet, rows: list[Row]) -> None:
        if sheet not in self.commands:
            self._begin(sheet)
        self.connection.executemany(self.commands[sheet], sheet.sealed(rows))

    def _begin(self, sheet: Sheet) -> None:
        sheet.read()
        names = ", ".join(f'"{name}"' for name in columns_of(sheet))
        cells = ["?" for _column in sheet.columns] + [_literal(value) for value in sheet.same.values()]
        self.commands[sheet] = f'INSERT INTO "{sheet.table}" ({names}) VALUES ({", ".join(cells)})'  # noqa: S608 - our own


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int) else "NULL" if value is None else "'" + value.replace("'", "''") + "'"


@contextmanager
def _sqlite(engine: Engine, tell: Tell) -> Iterator[Loader]:
    """Load in one transaction, without indexes until all rows are in.

    A rolled-back load leaves the file as it was; one that is killed leaves a broken file, to be made anew.
    """
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        for setting in (
            # Both cost as much as the writing itself. The keys are right by construction, the checks are made by
            # PostgreSQL for the same rows; the tests ask SQLite for either.
            "foreign_keys=OFF",
            "ignore_check_constraints=ON",
            "journal_mode=MEMORY",
            "synchronous=OFF",
            "locking_mode=EXCLUSIVE",
            "cache_size=-200000",
            "threads=2",
        ):
            raw.execute(f"PRAGMA {setting}")
        try:
            with connection.begin():
                # Searches have tables of their own here, which triggers would fill row by row.
                search_index.drop_all(connection)
                kept = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
                indexes = raw.execute(kept).fetchall()
                for name, _definition in indexes:
                    raw.execute(f'DROP INDEX "{name}"')
                yield _Insert(raw)
                tell("indexes")
                for _name, definition in indexes:
                    raw.execute(definition)
                tell("searches")
                search_index.prepare(connection)
            tell("statistics")
            raw.execute("PRAGMA analysis_limit=10000")
            raw.execute("ANALYZE")
        finally:
            raw.execute("PRAGMA locking_mode=NORMAL")
            raw.execute("PRAGMA journal_mode=WAL")
            connection.invalidate()
