"""Loading by the million: COPY on PostgreSQL, one prepared statement on SQLite, indexes made afterwards.

Whatever indexes, constraints and triggers a table has are read from the database, taken away before the rows come and
put back, as they were, behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Engine

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
    held = engine.raw_connection()
    connection: Any = held.driver_connection
    try:
        with (_postgresql if engine.dialect.name == "postgresql" else _sqlite)(connection, tell) as loader:
            yield loader
    finally:
        # Its settings are those of a load: it serves nobody else.
        held.invalidate()
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


KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype::text
FROM pg_constraint WHERE contype IN ('f', 'u', 'p') AND connamespace = current_schema()::regnamespace
AND conrelid::regclass::text <> 'alembic_version' ORDER BY contype = 'f', contype <> 'p', conname
"""
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1
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
def _postgresql(connection: Any, tell: Tell) -> Iterator[Loader]:
    """Load in one transaction, without keys and indexes until all rows are in."""
    for setting in (
        "synchronous_commit = off",
        "maintenance_work_mem = '512MB'",
        "work_mem = '256MB'",
        "timezone = 'UTC'",
    ):
        connection.execute(f"SET LOCAL {setting}")
    keys = connection.execute(KEYS).fetchall()
    indexes = connection.execute(INDEXES).fetchall()
    for table, name, _definition, _kind in reversed(keys):
        connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _definition in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield _Copy(connection)
    tell("keys and indexes")
    for table, name, definition, kind in keys:
        if kind != "f":
            connection.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    for _name, definition in indexes:
        connection.execute(definition)
    tell("foreign keys")
    for table, wanted in _by_table(keys):
        connection.execute(f"ALTER TABLE {table} {', '.join(wanted)}")
    for (command,) in connection.execute(SEQUENCES).fetchall():
        connection.execute(command)
    tell("statistics")
    connection.execute("ANALYZE")
    connection.commit()


def _by_table(keys: Iterable[tuple[str, str, str, str]]) -> Iterable[tuple[str, list[str]]]:
    """Return the foreign keys of each table, to be added and checked together."""
    found: dict[str, list[str]] = {}
    for table, name, definition, kind in keys:
        if kind == "f":
            found.setdefault(table, []).append(f'ADD CONSTRAINT "{name}" {definition}')
    return found.items()


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
def _sqlite(connection: Any, tell: Tell) -> Iterator[Loader]:
    """Load in one transaction, without indexes and triggers until all rows are in.

    A rolled-back load leaves the file as it was; one that is killed leaves a broken file, to be made anew.
    """
    for setting in (
        # Both cost as much as the writing itself. The keys are right by construction, the checks are made by PostgreSQL
        # for the same rows; the tests ask SQLite for either.
        "foreign_keys=OFF",
        "ignore_check_constraints=ON",
        "journal_mode=MEMORY",
        "synchronous=OFF",
        "locking_mode=EXCLUSIVE",
        "cache_size=-200000",
        "threads=2",
    ):
        connection.execute(f"PRAGMA {setting}")
    kept = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    connection.execute("BEGIN EXCLUSIVE")
    try:
        taken = connection.execute(kept).fetchall()
        for kind, name, _definition in taken:
            connection.execute(f'DROP {kind} "{name}"')
        yield _Insert(connection)
        tell("indexes")
        for _kind, _name, definition in taken:
            connection.execute(definition)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    tell("statistics")
    connection.execute("PRAGMA analysis_limit=10000")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA locking_mode=NORMAL")
    connection.execute("PRAGMA journal_mode=WAL")
