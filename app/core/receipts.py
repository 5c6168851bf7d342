"""Receipts: a form that arrives twice (a double click, a reload, a second «send») has one effect.

Each form carries a token of its own. What it did is kept with the token in the same transaction, so that the
second arrival, even one that comes while the first is still at work, is led to what the first one made.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Any, cast

from flask import g, request
from sqlalchemy import CursorResult, ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Model, db
from app.core.jobs import job
from app.core.types import Moment

FIELD = "once"
TOKEN = re.compile(r"[\w-]{16,43}")
KEPT_FOR = timedelta(days=1)
"""A form's own token runs out after hours; nobody sends it again later."""


class Receipt(Model):
    """One form that was taken, and where its sender was led (已受理的表單)."""

    __tablename__ = "receipt"

    token: Mapped[str] = mapped_column(String(43), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    led_to: Mapped[str] = mapped_column(String(500))
    at: Mapped[Moment] = mapped_column(index=True)


def token() -> str:
    """Return the token for a form of this page: the one it came with, if it came back, else a new one."""
    return _asked() or secrets.token_urlsafe(16)


def led_to() -> str | None:
    """Return where this request's form led its sender when it came before, or None if it did not."""
    asked = _asked()
    if asked is None:
        return None
    return db.session.scalar(select(Receipt.led_to).where(Receipt.token == asked, Receipt.user_id == g.user.id))


def keep(location: str) -> None:
    """Note in the running transaction that this request's form is taken, and where it leads; does not commit."""
    asked = _asked()
    if asked is not None:
        db.session.add(Receipt(token=asked, user_id=g.user.id, led_to=location[:500], at=clock.now()))


def _asked() -> str | None:
    found = request.form.get(FIELD, "") if request.method == "POST" else ""
    return found if TOKEN.fullmatch(found) else None


@job("receipts")
def forget(now: datetime) -> int:
    """Forget receipts that nobody can ask for any more; return how many."""
    gone = delete(Receipt).where(Receipt.at < now - KEPT_FOR)
    return cast("CursorResult[Any]", db.session.execute(gone)).rowcount
