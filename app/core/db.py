"""Database: one metadata for our tables and Flask-AppBuilder's, safe settings for SQLite and PostgreSQL."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from flask import g, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, ScalarSelect, Select, event, func, select
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection
from sqlalchemy_utils.aggregates import manager as aggregates

from app.core.search_index import register_functions

if TYPE_CHECKING:
    # Flask-AppBuilder makes its base in a way a type checker cannot read.
    from sqlalchemy.orm import DeclarativeBase

    class Model(DeclarativeBase):
        """The base of every table, Flask-AppBuilder's included."""
else:
    from flask_appbuilder.models.sqla import Model

# Named constraints are what lets Alembic alter tables on SQLite, and what lets a violated
# constraint be told to a person by the name of its field. Set before any table is declared.
Model.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

db = SQLAlchemy(model_class=Model)

# Flask-AppBuilder brings this listener along. At every flush it walks over every row the session holds, for a
# feature that nobody here uses: in a long import that costs more than the saving.
event.remove(Session, "after_flush", aggregates.construct_aggregate_queries)

BUSY_MILLISECONDS = 10_000
IDLE_SECONDS = 5.0
"""How long a connection may lie unused before it is asked whether it is still there."""


@event.listens_for(Engine, "connect")
def _sqlite_settings(connection: Any, _record: object) -> None:
    """SQLite checks no foreign key and locks out readers unless told; PostgreSQL plans by the values asked for."""
    if not type(connection).__module__.startswith("sqlite3"):
        # A plan for any word, or for any owner, suits neither the common nor the rare.
        connection.execute("SET plan_cache_mode = force_custom_plan")
        # A list that stops after a page looks dear to the planner; compiling it takes longer than running it.
        connection.execute("SET jit = off")
        connection.commit()
        return
    register_functions(connection)
    # The driver's own transaction handling breaks savepoints; _begin says BEGIN instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.close()


@event.listens_for(Pool, "checkin")
def _laid_down(connection: Any, record: ConnectionPoolEntry) -> None:
    """Note when a connection was last in use."""
    del connection
    record.info["used"] = monotonic()


@event.listens_for(Pool, "checkout")
def _taken_up(connection: Any, record: ConnectionPoolEntry, fairy: PoolProxiedConnection) -> None:
    """Ask a connection that lay unused whether the server has gone meanwhile: the pool then opens another.

    SQLAlchemy's own ``pool_pre_ping`` asks every time, a round trip more for each page.
    """
    del fairy
    if monotonic() - record.info.get("used", monotonic()) < IDLE_SECONDS or type(connection).__module__ == "sqlite3":
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except Exception as error:  # whatever a driver raises, the connection is of no use
        raise DisconnectionError from error


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    """Take SQLite's write lock at the start of what will write.

    A read that turns into a write under a busy neighbour fails at once instead of waiting its turn.
    """
    if connection.dialect.name == "sqlite":
        reads = has_request_context() and g.get("portal_reads", request.method in {"GET", "HEAD", "OPTIONS"})
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def transactions(*, read: bool) -> Iterator[None]:
    """Say whether the transactions that begin inside the block only read, whatever the request's method says."""
    before = g.get("portal_reads")
    g.portal_reads = read
    try:
        yield
    finally:
        g.portal_reads = before
        if before is None:
            g.pop("portal_reads")


def counted_to(keys: Select[Any], most: int) -> ScalarSelect[int]:
    """Return the part of a statement that counts rows, no further than ``most``; ``keys`` selects their keys."""
    return select(func.count()).select_from(keys.limit(most).subquery()).scalar_subquery()


class Trouble(enum.Enum):
    """What is wrong with the database itself, and not with a statement."""

    BUSY = enum.auto()
    """Others are writing; the same try goes through later."""
    AWAY = enum.auto()
    """It does not answer, or was never prepared."""


_BUSY = {"DeadlockDetected", "LockNotAvailable", "SerializationFailure"}
_AWAY = {"AdminShutdown", "CannotConnectNow", "InvalidCatalogName", "TooManyConnections", "UndefinedTable"}
_SQLITE_AWAY = ("no such table", "unable to open", "not a database")


def trouble_of(error: BaseException) -> Trouble | None:
    """Return what is wrong with the database if that is what an error tells, else None."""
    if not isinstance(error, DBAPIError):
        return None
    kind, said = type(error.orig).__name__, str(error.orig).lower()
    if kind in _BUSY or "database is locked" in said:
        return Trouble.BUSY
    # psycopg tells a failed connection by its plain class, SQLite everything by one class and its words.
    no_answer = kind == "OperationalError" and type(error.orig).__module__.startswith("psycopg")
    if no_answer or error.connection_invalidated or kind in _AWAY or any(words in said for words in _SQLITE_AWAY):
        return Trouble.AWAY
    return None


__all__ = ["Model", "Trouble", "counted_to", "db", "transactions", "trouble_of"]
