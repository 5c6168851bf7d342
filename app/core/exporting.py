"""Export: what a list shows, as it is read from the database, with a line in the audit trail before anything leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from app.core import audit, clock, present
from app.core.audit import Change
from app.core.db import db, transactions

if TYPE_CHECKING:
    from app.core.listing import Listing
    from app.core.views import PortalView


def cell(value: Any) -> Any:
    """Return a value as a cell: numbers and dates stay what they are, all else is words."""
    match value:
        case bool() | None:
            return present.words(value) if value is not None else ""
        case datetime():
            return clock.local(value).replace(tzinfo=None, microsecond=0)
        case int() | Decimal() | date():
            return value
        case _:
            return present.words(value)


def rows(view: PortalView, listing: Listing) -> Iterator[list[Any]]:
    """Yield a row of cells per record, with what the list shows."""
    for item in listing.stream():
        yield [cell(view.value(item, column)) for column in listing.columns]


def note(view: PortalView, listing: Listing, kind: str) -> None:
    """Write into the audit trail who takes how many rows of which list along; commits.

    The filters are told by name alone: what was searched for may be personal data.
    """
    matching = listing.matching().with_only_columns(view.model.id)
    count = db.session.scalar(select(func.count()).select_from(matching.subquery()))
    used = sorted(name for name in listing.args if name in view.known_arguments() and listing.args[name])
    # A transaction of its own: SQLite refuses one that has read before to write while others do.
    db.session.rollback()
    told = {"rows": count, "kind": kind, "filters": ", ".join(used)}
    with transactions(read=False):
        audit.note(view.model.__tablename__, 0, {}, told, Change.STEPPED, step="export")
        db.session.commit()
