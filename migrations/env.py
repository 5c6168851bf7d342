"""Alembic's entry: one metadata holds our tables and Flask-AppBuilder's."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy.schema import SchemaItem

from app.core.db import Model, db
from app.core.sealed import Sealed
from app.core.types import UtcDateTime


def include(_item: SchemaItem, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:  # noqa: FBT001
    """Leave out the indexes that follow from the screens; everything else in the database must be a model's."""
    derived = ("ix_list_", "ix_search_") if kind == "index" else ("search_",)
    return not (kind in {"table", "index"} and reflected and (name or "").startswith(derived))


def render(kind: str, item: Any, _context: Any) -> str | bool:
    """Write our own column types as what they are in the database: a migration outlives the code of its day."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Sealed):
        return f"sa.String(length={item.impl.length})"
    return False


def run() -> None:
    """Run migrations on the application's own database, in one transaction where the engine allows it."""
    configured = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            include_object=include,
            render_item=render,
            **configured,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


if context.is_offline_mode():
    message = "migrations run against a database only"
    raise SystemExit(message)
run()
