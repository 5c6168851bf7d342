"""The plain SQL that the main pages need, written by hand: OFFSET, LIKE, no technique.

The floor runs it, and the benchmark asks it what the right answer is.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

PAGE = 25
COLUMNS = ("id", "number", "kind", "subject", "customer", "name", "status", "owner", "opened_at")
ORDERS = {"": "t.opened_at DESC, t.id DESC", "number": "t.number, t.id", "subject": "t.subject, t.id"}
KINDS = "('consultation', 'complaint', 'business_request')"

_SELECT = "SELECT t.id, t.number, t.kind, t.subject, c.number, c.name, t.status, s.name, t.opened_at"
_FROM = " FROM ticket t LEFT JOIN customer c ON c.id = t.customer_id LEFT JOIN staff_member s ON s.id = t.owner_id"
_DUE = (
    " LEFT JOIN (SELECT entity, record_id, min(due_at) AS due_at FROM task WHERE status = 'OPEN'"
    f" AND entity IN {KINDS} GROUP BY entity, record_id) d ON d.record_id = t.id AND d.entity = lower(t.kind)"
)

Values = dict[str, Any]


class Database:
    """One connection a thread, and nothing between the page and the driver."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_postgresql = url.startswith("postgresql")
        self._local = threading.local()

    @property
    def connection(self) -> Any:
        """The connection of the thread that asks, which commits by itself."""
        if not hasattr(self._local, "connection"):
            self._local.connection = self.connected()
        return self._local.connection

    def connected(self) -> Any:
        """Return a new connection; SQLite's settings are those of the portal."""
        if self.is_postgresql:
            # Parallel workers are chosen where 25 rows are found at once, and then take most of the time.
            options = "-c max_parallel_workers_per_gather=0"
            return psycopg.connect(self.url, autocommit=True, options=options)
        connection = sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None, timeout=10)
        for setting in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {setting}")
        return connection

    def drop_triggers(self) -> None:
        """Take away what only the portal's own connections can run: SQLite's triggers that keep its search index."""
        if not self.is_postgresql:
            for (name,) in self.ask("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                self.ask(f'DROP TRIGGER "{name}"')

    def ask(self, sql: str, values: Mapping[str, Any] | None = None) -> Any:
        """Run a statement and return its cursor; values stand in it as ``:name``."""
        return self.connection.execute(self.worded(sql), values or {})

    def worded(self, sql: str) -> str:
        """Return a statement as the driver wants its values named."""
        return re.sub(r":(\w+)", r"%(\1)s", sql) if self.is_postgresql else sql

    @contextmanager
    def stream(self, sql: str, values: Mapping[str, Any]) -> Iterator[Any]:
        """Yield a cursor over many rows that holds few of them in memory."""
        if not self.is_postgresql:
            yield self.ask(sql, values)
            return
        with self.connection.transaction(), self.connection.cursor("rows") as cursor:
            cursor.itersize = 2000
            yield cursor.execute(self.worded(sql), values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep what the block writes, or none of it."""
        if self.is_postgresql:
            with self.connection.transaction():
                yield
            return
        self.ask("BEGIN IMMEDIATE")
        with self.connection:
            yield


def contains(columns: tuple[str, ...], text: str) -> tuple[str, Values]:
    """Return the condition that one of the columns holds a text, and its values; ``|`` stands between its spellings.

    Numbers are looked through only for what may stand in one.
    """
    values = {f"q{place}": f"%{word.lower()}%" for place, word in enumerate(text.split("|"))}
    held = [column for column in columns if not column.endswith("number") or text.isascii()]
    parts = [f"lower({column}) LIKE :{name}" for column in held for name in values]
    return f"({' OR '.join(parts)})", values


def _where(asked: Mapping[str, Any]) -> tuple[str, Values]:
    conditions, values = [], {}
    for name, condition in {
        "team": "(t.owner_id = :me OR t.team_id = :team)",
        "status": "t.status = :status",
        "owner": "t.owner_id = :owner",
        "since": "t.opened_at >= :since",
        "until": "t.opened_at < :until",
    }.items():
        if asked.get(name):
            conditions.append(condition)
            values[name] = asked[name]
    if "team" in values:
        values["me"] = asked["me"]
    if asked.get("q"):
        condition, words = contains(("t.number", "t.subject", "c.number"), asked["q"])
        conditions.append(condition)
        values |= words
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values


def listing(asked: Mapping[str, Any]) -> tuple[str, Values]:
    """Return one page of the list of tickets: ``team`` and ``me``, filters, ``q``, ``order``, ``page``."""
    where, values = _where(asked)
    values |= {"rows": PAGE, "before": (int(asked.get("page") or 1) - 1) * PAGE}
    order = ORDERS[asked.get("order") or ""]
    return f"{_SELECT}{_FROM}{where} ORDER BY {order} LIMIT :rows OFFSET :before", values


def everything(asked: Mapping[str, Any]) -> tuple[str, Values]:
    """Return every row that the list would show, with when the next thing is due."""
    where, values = _where(asked)
    return f"{_SELECT}, d.due_at{_FROM}{_DUE}{where} ORDER BY {ORDERS['']}", values


def counted(asked: Mapping[str, Any]) -> tuple[str, Values]:
    """Return how many rows the list has; the floor's pages do not ask this."""
    where, values = _where(asked)
    return f"SELECT count(*){_FROM}{where}", values


def by_status(asked: Mapping[str, Any]) -> tuple[str, Values]:
    """Return how many tickets there are of each state."""
    where, values = _where(asked)
    return f"SELECT t.status, count(*) FROM ticket t{where} GROUP BY t.status ORDER BY t.status", values


def due(keys: list[int]) -> tuple[str, Values]:
    """Return when the next thing is due, for the tickets of a page."""
    values = {f"k{place}": key for place, key in enumerate(keys)}
    names = ", ".join(f":{name}" for name in values) or "NULL"
    return (
        f"SELECT record_id, min(due_at) FROM task WHERE entity IN {KINDS} AND record_id IN ({names})"
        " AND status = 'OPEN' GROUP BY record_id"
    ), values


INBOX = (
    "SELECT id, subject, promise, status, due_at FROM task WHERE owner_id = :me AND status IN ('OPEN', 'PAUSED')"
    " ORDER BY due_at, id LIMIT 50"
)
RECORD = (
    "SELECT t.id, t.number, t.subject, t.story, t.status, t.next_action, t.contact_at, t.opened_at, t.answered_at,"
    " t.closed_at, t.version, t.customer_id, t.channel_id, t.product_line_id, t.topic_id, c.number AS customer,"
    " h.name_zh_hant AS channel, p.name_zh_hant AS product_line, o.name_zh_hant AS topic, s.name AS owner,"
    " m.name_zh_hant AS team, k.answer, k.has_asked_further, k.is_thanked"
    f"{_FROM} JOIN consultation k ON k.id = t.id JOIN channel h ON h.id = t.channel_id"
    " LEFT JOIN product_line p ON p.id = t.product_line_id LEFT JOIN topic o ON o.id = t.topic_id"
    " LEFT JOIN team m ON m.id = t.team_id WHERE t.id = :id"
)
NOTES = (
    "SELECT n.created_at, n.text, s.name, n.is_told, n.is_internal FROM note n"
    " LEFT JOIN staff_member s ON s.id = n.author_id WHERE n.ticket_id = :id ORDER BY n.id DESC LIMIT 20"
)
CHANNELS = "SELECT id, name_zh_hant FROM channel ORDER BY position, id"
PRODUCT_LINES = "SELECT id, name_zh_hant FROM product_line ORDER BY position, id"
ADD = (
    "INSERT INTO ticket (number, kind, channel_id, customer_id, product_line_id, subject, story, contact_at,"
    " opened_at, owner_id, team_id, status, next_action, created_at, changed_at, version) VALUES (:number,"
    " 'CONSULTATION', :channel, :customer, :product_line, :subject, :story, :now, :now, :me, :team, 'LOGGED',"
    " :next_action, :now, :now, 1) RETURNING id"
)
ADD_CONSULTATION = "INSERT INTO consultation (id, has_asked_further, is_thanked) VALUES (:id, false, false)"
CHANGE = (
    "UPDATE ticket SET channel_id = :channel, customer_id = :customer, product_line_id = :product_line,"
    " subject = :subject, story = :story, next_action = :next_action, changed_at = :now, version = version + 1"
    " WHERE id = :id AND version = :version"
)
NOTE_CHANGE = (
    "INSERT INTO audit_entry (at, user_id, entity, record_id, record_version, change, before, after) VALUES"
    " (:now, NULL, 'consultation', :id, :version, :change, :before, :after)"
)
LOGIN = "SELECT id, password FROM ab_user WHERE username = :username"


def lookup(text: str, among: Iterable[int] = ()) -> tuple[str, Values]:
    """Return the customers that a type-ahead offers, or those of them that are among some."""
    condition, values = contains(("number", "name"), text)
    keys = ", ".join(str(int(key)) for key in among)
    condition += f" AND id IN ({keys})" if keys else ""
    return f"SELECT id, number, name FROM customer WHERE {condition} ORDER BY id DESC LIMIT 20", values


def search(asked: Mapping[str, Any]) -> tuple[str, Values]:
    """Return the first hits among tickets of each kind, customers and policies."""
    where, values = _where(asked)
    tickets = [
        f"SELECT t.kind, t.number, t.subject{_FROM}{where} AND t.kind = '{kind}' ORDER BY {ORDERS['']} LIMIT 6"
        for kind in ("CONSULTATION", "COMPLAINT", "BUSINESS_REQUEST")
    ]
    people, _values = contains(("c.number", "c.name"), asked["q"])
    policies, _values = contains(("p.number", "p.product", "c.number"), asked["q"])
    customers = f"SELECT 'CUSTOMER', c.number, c.name FROM customer c WHERE {people} ORDER BY c.id DESC LIMIT 6"
    policies = (
        "SELECT 'POLICY', p.number, p.product FROM policy p JOIN customer c ON c.id = p.holder_id"
        f" WHERE {policies} ORDER BY p.id DESC LIMIT 6"
    )
    arms = [*tickets, customers, policies]
    return " UNION ALL ".join(f"SELECT * FROM ({arm}) a{place}" for place, arm in enumerate(arms)), values
