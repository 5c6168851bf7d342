"""Light or dark: a person's own choice, or that of the device."""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, g, redirect, request
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import gettext as _
from flask_login import current_user

from app.core.accounts import setting_of
from app.core.db import db

AUTO = "auto"
THEMES = ("light", "dark")


def theme() -> str:
    """Return the theme of this page: ``light``, ``dark``, or ``auto`` for what the device says."""
    kept = g.portal_setting.theme if current_user.is_authenticated and g.get("portal_setting") else None
    return kept if kept in THEMES else AUTO


def themes() -> list[tuple[str, str]]:
    """Return what the switch offers: name and word."""
    return [("light", _("Light")), ("dark", _("Dark")), (AUTO, _("As the device"))]


def switch_theme(name: str) -> Any:
    """Keep a person's choice of theme and stay on the page it was made on."""
    if not current_user.is_authenticated:
        abort(401)
    if name not in {*THEMES, AUTO}:
        abort(404)
    setting_of(current_user.id).theme = None if name == AUTO else name
    db.session.commit()
    return redirect(get_safe_redirect(request.form.get("next", "")))


def init_app(app: Flask) -> None:
    """Let pages ask for their theme, and people choose it."""
    app.add_url_rule("/theme/<name>", "theme", switch_theme, methods=["POST"])
    app.context_processor(lambda: {"theme": theme, "themes": themes})
