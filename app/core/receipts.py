"""Receipts: a form that arrives twice (a double click, a reload, a second «send») has one effect.

Each form carries a token of its own. What it did is kept with the token in the same transaction, so that the
second arrival, even one that comes while the first is still at work, is led to what the first one made.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model
from app.core.types import Moment


class Receipt(Model):
    """One form that was taken, and where its sender was led (已受理的表單)."""

    __tablename__ = "receipt"

    token: Mapped[str] = mapped_column(String(43), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    led_to: Mapped[str] = mapped_column(String(500))
    at: Mapped[Moment] = mapped_column(index=True)
