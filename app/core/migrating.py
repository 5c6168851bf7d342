"""Alembic's migrations, attached only where they are run: a worker that serves pages saves nine megabytes."""

from __future__ import annotations

import logging

from flask import Flask, current_app

from app.core.db import db
from config import ROOT


def attach(app: Flask) -> None:
    """Give an application Flask-Migrate's commands (``flask db``)."""
    # What it tells while it is imported, before every command, is of no use to whoever runs one.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    from flask_migrate import Migrate  # noqa: PLC0415 - see above

    Migrate(render_as_batch=True, compare_type=True).init_app(app, db, directory=str(ROOT / "migrations"))


def upgrade() -> None:
    """Bring the tables of the current application to the last migration."""
    if "migrate" not in current_app.extensions:
        attach(current_app)
    from flask_migrate import upgrade  # noqa: PLC0415 - see above

    upgrade()
