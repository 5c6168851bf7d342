"""How one person likes a list: which columns stand in it, and filters kept under a name."""

from __future__ import annotations

from flask import g
from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model, db

LONGEST_QUERY = 2000
LONGEST_NAME = 40
MOST_FILTERS = 20


class ListSetting(Model):
    """One person's columns and kept filters of one list (個人清單設定)."""

    __tablename__ = "list_setting"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    screen: Mapped[str] = mapped_column(String(80), primary_key=True)
    columns: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Names of columns in their order; none means as the screen declares them."""
    filters: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """Name of each kept filter, and the query of the address it stands for."""


def remember(user_id: int, screen: str, found: ListSetting | None) -> None:
    """Let this request know a person's settings of a list that were read with the person."""
    g.portal_list_settings = {(user_id, screen): found or _none(user_id, screen)}


def setting_of(user_id: int, screen: str) -> ListSetting:
    """Return a person's settings of a list, read once for a request.

    Those of one who never chose any are not saved unless they are added.
    """
    known: dict[tuple[int, str], ListSetting] = g.setdefault("portal_list_settings", {})
    if (user_id, screen) not in known:
        known[user_id, screen] = db.session.get(ListSetting, (user_id, screen)) or _none(user_id, screen)
    return known[user_id, screen]


def _none(user_id: int, screen: str) -> ListSetting:
    return ListSetting(user_id=user_id, screen=screen, columns=[], filters={})
