"""How one person likes a list: which columns stand in it, and filters kept under a name."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model, db
from app.core.types import Key

LONGEST_QUERY = 2000
MOST_FILTERS = 20


class ListColumns(Model):
    """The columns one person chose for one list, in their order (個人欄位設定)."""

    __tablename__ = "list_columns"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    screen: Mapped[str] = mapped_column(String(80), primary_key=True)
    names: Mapped[list[str]] = mapped_column(JSON)


class SavedFilter(Model):
    """One address of a list, kept by a person under a name of their own (已儲存的篩選)."""

    __tablename__ = "saved_filter"
    __table_args__ = (UniqueConstraint("user_id", "screen", "name"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    screen: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(40))
    query: Mapped[str] = mapped_column(String(LONGEST_QUERY))


def columns_of(user_id: int, screen: str) -> list[str]:
    """Return the columns a person chose for a list; none if the list stands as it is declared."""
    kept = db.session.get(ListColumns, (user_id, screen))
    return list(kept.names) if kept is not None else []


def saved_filters(user_id: int, screen: str) -> list[SavedFilter]:
    """Return the filters a person kept for a list, the oldest first."""
    mine = select(SavedFilter).where(SavedFilter.user_id == user_id, SavedFilter.screen == screen)
    return list(db.session.scalars(mine.order_by(SavedFilter.id).limit(MOST_FILTERS)))
