"""Alembic's migrations, attached only where they are run: a worker that serves pages saves nine megabytes."""

from __future__ import annotations

from flask import Flask, current_app

from app.core.db import db
from config import ROOT


def attach(app: Flask) -> None:
    """Give an application Flask-Migrate's commands (``flask db``)."""
    from flask_migrate import Migrate  # noqa: PLC0415 - see above

    Migrate(render_as_batch=True, compare_type=True).init_app(app, db, directory=str(ROOT / "migrations"))


def upgrade() -> None:
    """Bring the tables of the current application to the last migration."""
    from flask_migrate import upgrade  # noqa: PLC0415 - see above

    if "migrate" not in current_app.extensions:
        attach(current_app)
    upgrade()
