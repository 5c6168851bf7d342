"""Database: one metadata for our tables and Flask-AppBuilder's, safe settings for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session
from sqlalchemy_utils.aggregates import manager as aggregates

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


@event.listens_for(Engine, "connect")
def _sqlite_settings(connection: Any, _record: object) -> None:
    """SQLite checks no foreign key and locks out readers unless told; PostgreSQL needs nothing."""
    if not type(connection).__module__.startswith("sqlite3"):
        return
    # The driver's own transaction handling breaks savepoints; _begin says BEGIN instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    """Take SQLite's write lock at the start of what will write.

    A read that turns into a write under a busy neighbour fails at once instead of waiting its turn.
    """
    if connection.dialect.name == "sqlite":
        reads = has_request_context() and request.method in {"GET", "HEAD", "OPTIONS"}
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


__all__ = ["Model", "db"]
