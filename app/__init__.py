"""Kefu Portal (保險客服管理平台): a customer-service department run by its own management policy."""

from __future__ import annotations

import logging
from importlib import import_module

from flask import Flask
from flask_appbuilder import AppBuilder

from app.core import compressed, i18n, security, themes, web
from app.core.db import Model, db
from app.core.routing import LateRule
from config import Settings, flask_config

ROOMS = (
    "handbook",
    "staff",
    "roster",
    "customers",
    "casework",
    "training",
    "workplace",
    "appraisal",
    "lobby",
)
"""From the ground floor up; see docs/architecture.md."""


def create_app(settings: Settings, **overrides: object) -> Flask:
    """Return the portal: database, security, then the rooms from the ground floor up.

    Runs no SQL: tables, rights and catalogs are prepared once by ``portal init``.
    """
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # Flask-AppBuilder's security log tells people's names at INFO.
    logging.getLogger("flask_appbuilder").setLevel(logging.ERROR)
    app = Flask(__name__)
    app.url_rule_class = LateRule
    app.config.from_mapping(flask_config(settings))
    app.config.update(overrides)
    db.init_app(app)
    security.protect_mutations(app)
    compressed.init_app(app)
    web.init_app(app)
    with app.app_context():
        builder = AppBuilder(
            base_template="portal/layout.html",
            security_manager_class=security.PortalSecurityManager,
            indexview=lobby_home(),
        )
        builder.init_app(app, db.session)
        i18n.init_app(app)
        themes.init_app(app)
        register_rooms(builder)
        import_module("app.lobby.commands").init_app(app)
    return app


def lobby_home() -> type:
    """Return the home page; imported late, since a room's modules need the models of the rooms below."""
    from app.lobby.views import HomeView  # noqa: PLC0415

    return HomeView


def register_rooms(builder: AppBuilder) -> None:
    """Let every room register its screens, from the ground floor up."""
    import_module("app.lobby.pictures").hang()
    for room in ROOMS:
        import_module(f"app.{room}.views").register(builder)


__all__ = ["Model", "create_app", "db"]
