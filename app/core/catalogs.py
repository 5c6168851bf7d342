"""Catalogs read once per request: short lists that filters, forms and rows of one page share."""

from __future__ import annotations

from typing import Any

from flask import g, has_app_context
from sqlalchemy import event, select
from sqlalchemy.orm import Session, SessionTransaction

from app.core.db import db
from app.core.entity import Catalog


def catalog_rows(model: type[Any]) -> list[Any]:
    """Return a catalog's rows in their order, read once per request.

    While they are held, a record's relation to the catalog is found in the session without a statement.
    """
    kept: dict[type[Any], list[Catalog]] = g.setdefault("portal_catalogs", {})
    if model not in kept:
        kept[model] = list(db.session.scalars(select(model).order_by(model.position, model.id)))
    return kept[model]


@event.listens_for(Session, "after_commit")
def _forget(session: Session) -> None:
    """Rows expire with their transaction (not with a savepoint); held on to, each would be read again by itself."""
    if has_app_context() and session.get_nested_transaction() is None:
        g.pop("portal_catalogs", None)


@event.listens_for(Session, "after_soft_rollback")
def _forget_undone(session: Session, undone: SessionTransaction) -> None:
    """The same for a transaction that was undone."""
    if not undone.nested:
        _forget(session)
