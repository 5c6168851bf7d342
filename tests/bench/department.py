"""The departments that are measured: a copy of each database, and the facts that the questions are made of."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from opencc import OpenCC
from sqlalchemy.engine import URL

from app.core.search_index import register_functions
from tests.big import COMMON_WORD, PASSWORD, RARE_WORD, Size

from .floor_sql import PAGE, Database, Values, by_status, counted, listing, lookup

EXPORTED = 100_000
NOTES = 20
DEEP = 1000
WORDS = {"common": COMMON_WORD, "rare": RARE_WORD}


_SIMPLER, _FULLER = OpenCC("t2s"), OpenCC("s2t")


def spellings(text: str) -> str:
    """Return a search text as it may stand in the rows, in either script: ``|`` stands between the two."""
    return "|".join(list(dict.fromkeys([text, _SIMPLER.convert(text), _FULLER.convert(text)]))[:2])


@dataclass(frozen=True)
class Department:
    """One database with the keys that belong to it, and who signs in."""

    engine: str
    size: int
    url: str
    data_dir: Path
    password: str

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{'PostgreSQL' if self.engine == 'postgresql' else 'SQLite'} {self.size:,}"

    @contextmanager
    def copied(self) -> Iterator[Department]:
        """Yield a copy that may be written to, gone after the block."""
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            home = Path(folder)
            for key in self.data_dir.glob("*_key"):
                shutil.copy(key, home)
            if self.engine == "sqlite":
                file = home / "portal.db"
                with sqlite3.connect(self.url.removeprefix("sqlite:///")) as source:
                    source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                shutil.copy(self.url.removeprefix("sqlite:///"), file)
                yield replace(self, url=f"sqlite:///{file}", data_dir=home)
                return
            server, _slash, source = self.url.rpartition("/")
            name = f"bench_copy_{self.size}"
            with psycopg.connect(f"{server}/postgres", autocommit=True) as line:
                line.execute(f'DROP DATABASE IF EXISTS "{name}"')
                try:
                    line.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY file_copy')
                except psycopg.errors.ObjectInUse as error:
                    sys.exit(f"{source} cannot be copied while somebody works with it: {error}")
                line.execute("CHECKPOINT")
                try:
                    yield replace(self, url=f"{server}/{name}", data_dir=home)
                finally:
                    line.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def departments(data: Path, server: URL, sizes: Sequence[int], engines: Sequence[str]) -> list[Department]:
    """Return the departments that ``make big`` has made, smallest first."""
    found = []
    with suppress(psycopg.OperationalError):
        with psycopg.connect(_address(server), autocommit=True, connect_timeout=5) as line:
            names = {row[0] for row in line.execute("SELECT datname FROM pg_database")}
        found += [
            _department("postgresql", size, _address(server.set(database=name)), data)
            for size in sizes
            if "postgresql" in engines and (name := f"portal_big{_suffix(size)}") in names
        ]
    found += [
        _department("sqlite", size, f"sqlite:///{file.absolute()}", data)
        for size in sizes
        if "sqlite" in engines and (file := data / f"portal{_suffix(size)}.db").exists()
    ]
    return sorted(found, key=lambda one: one.size)


def _suffix(size: int) -> str:
    return "" if size == Size().tickets else f"_{size}"


def _address(server: URL) -> str:
    return server.set(drivername="postgresql").render_as_string(hide_password=False)


def _department(engine: str, size: int, url: str, data: Path) -> Department:
    password = os.environ.get("PORTAL_DEMO_PASSWORD", "").strip() or PASSWORD
    return Department(engine, size, url, data, password)


@dataclass
class Facts:
    """What a department's questions are made of, and what their right answers are."""

    database: Database
    user: int
    me: int
    team: int
    owned_status: str
    record: int
    record_number: str
    newest_note: str
    customer: int
    channel: int
    topic: int
    person: str
    named: tuple[str, str, str]
    """A customer, a channel and a topic as a file for an import names them."""
    since: str
    pages: dict[str, int]
    tickets: dict[str, int]
    answers: dict[tuple[str, tuple[Any, ...]], list[Any]] = field(default_factory=dict, repr=False)
    """What was asked before: while the race reads, nothing changes."""

    def _answer(self, sql: str, values: Values) -> list[Any]:
        question = (sql, tuple(values.items()))
        if question not in self.answers:
            self.answers[question] = self.database.ask(sql, values).fetchall()
        return self.answers[question]

    def asked(self, who: str, **more: Any) -> dict[str, Any]:
        """Return what the plain SQL is told of who asks, and of what."""
        if "q" in more:
            more["q"] = spellings(more["q"])
        return {**({"me": self.me, "team": self.team} if who == "agent" else {}), **more}

    def numbers(self, who: str, asked: dict[str, Any]) -> list[str]:
        """Return the ticket numbers that a page of the list must show, in order."""
        return [row[1] for row in self._answer(*listing(self.asked(who, **asked)))]

    def exported(self) -> int:
        """Return how many rows an export holds now."""
        return int(self._answer(*counted({"since": self.since}))[0][0])

    def meant(self, text: str, keys: set[str]) -> set[str]:
        """Return the keys that are of customers whom a text finds."""
        return {str(row[0]) for row in self._answer(*lookup(spellings(text), map(int, keys)))}

    def most(self, who: str) -> int:
        """Return how many tickets the most frequent state has."""
        return max(row[1] for row in self._answer(*by_status(self.asked(who))))


def _one(database: Database, sql: str, **values: Any) -> Any:
    found = database.ask(sql, values).fetchone()
    if found is None:
        raise LookupError(sql)
    return found


def facts_of(department: Department) -> Facts:
    """Return the facts of a department; its record gets notes until it has twenty."""
    database = Database(department.url)
    user, me, team = _one(
        database,
        "SELECT u.id, s.id, s.team_id FROM staff_member s JOIN ab_user u ON u.id = s.user_id WHERE u.username = :login",
        login="agent",
    )
    (status,) = _one(
        database, "SELECT status FROM ticket WHERE owner_id = :me GROUP BY status ORDER BY count(*) DESC LIMIT 1", me=me
    )
    record, number = _one(
        database,
        "SELECT id, number FROM ticket WHERE kind = 'CONSULTATION' AND team_id = :team AND customer_id IS NOT NULL"
        " ORDER BY (status = 'CLOSED'), opened_at DESC, id DESC LIMIT 1",
        team=team,
    )
    scopes = {"agent": {"me": me, "team": team}, "supervisor": {}}
    tickets = {who: int(database.ask(*counted(asked)).fetchone()[0]) for who, asked in scopes.items()}
    (since,) = _one(
        database,
        "SELECT opened_at FROM ticket ORDER BY opened_at DESC LIMIT 1 OFFSET :rows",
        rows=min(EXPORTED, tickets["supervisor"]) - 1,
    )
    return Facts(
        database=database,
        user=user,
        me=me,
        team=team,
        owned_status=status,
        record=record,
        record_number=number,
        newest_note=_filled(database, record, me),
        customer=_one(database, "SELECT max(id) FROM customer")[0],
        channel=_one(database, "SELECT min(id) FROM channel WHERE retired_on IS NULL")[0],
        topic=_one(database, "SELECT max(id) FROM topic WHERE retired_on IS NULL")[0],
        person=_one(database, "SELECT number FROM customer ORDER BY id DESC LIMIT 1")[0],
        named=_one(
            database,
            "SELECT (SELECT max(number) FROM customer), (SELECT min(code) FROM channel WHERE retired_on IS NULL),"
            " (SELECT min(code) FROM topic WHERE retired_on IS NULL)",
        ),
        since=str(since),
        pages={who: max(1, min(DEEP, count // PAGE)) for who, count in tickets.items()},
        tickets=tickets,
    )


def _filled(database: Database, record: int, author: int) -> str:
    """Give a record notes until it has twenty; return the newest one's text."""
    if not database.is_postgresql:
        register_functions(database.connection)  # the portal's triggers call them
    (held,) = _one(database, "SELECT count(*) FROM note WHERE ticket_id = :id", id=record)
    for number in range(held, NOTES):
        database.ask(
            "INSERT INTO note (ticket_id, text, is_told, is_internal, author_id, created_at, changed_at, version)"
            " SELECT id, :text, false, false, :author, opened_at, opened_at, 1 FROM ticket WHERE id = :id",
            {"id": record, "author": author, "text": f"已與客戶確認理賠文件，第{number + 1}次聯繫，等待補件後續辦。"},
        )
    return str(_one(database, "SELECT text FROM note WHERE ticket_id = :id ORDER BY id DESC LIMIT 1", id=record)[0])
