"""Export: what a list shows, as it is read from the database, with a line in the audit trail before anything leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.core import actor, audit, clock, present
from app.core.audit import Change
from app.core.db import Model, db, transactions
from app.core.reading import Reader, Telling

if TYPE_CHECKING:
    from app.core.listing import Listing
    from app.core.views import PortalView

FETCHED = 1000
"""How many rows are fetched from the database at a time."""
BLOCK = 100
"""How many of them are turned into cells at a time."""


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


class Cells(Telling):
    """How an export tells the columns of a screen: as cells."""

    def of_value(self, column: str, kind: type[Any]) -> Callable[[Any], Any]:
        """Return what makes cells of the values of one type."""
        del column
        return cells_of(kind)

    def of_record(self, record: Any, column: str) -> Any:
        """Return a column of a record as a cell."""
        return cell(self._view.value(record, column))


def cells_of(kind: type[Any]) -> Callable[[Any], Any]:
    """Return what ``cell`` does with the values of one type, chosen once where there are many."""
    if issubclass(kind, datetime):
        return _moments()
    if issubclass(kind, str):
        return lambda text: "" if text is None else text or present.NOTHING
    if issubclass(kind, int | Decimal | date) and kind is not bool:
        return lambda value: "" if value is None else value
    if issubclass(kind, Model):
        return lambda record: "" if record is None else str(record)
    return cell


def _moments() -> Callable[[datetime | None], datetime | str]:
    zone = clock.office_zone()
    # The difference of two moments of one zone is that of their clocks: a third of what taking the zone away costs.
    since, clock_since = datetime(2000, 1, 1, tzinfo=zone), datetime(2000, 1, 1)  # noqa: DTZ001 - a cell has no zone

    def told(moment: datetime | None) -> datetime | str:
        if moment is None:
            return ""
        shown = clock_since + (moment.astimezone(zone) - since)
        return shown.replace(microsecond=0) if shown.microsecond else shown

    return told


def rows(view: PortalView, listing: Listing) -> Iterator[tuple[Any, ...]]:
    """Yield a row of cells per record, with what the list shows; few of them are in memory at a time."""
    for cells, _count in _blocks(view, listing):
        yield from cells


def recorded(view: PortalView, listing: Listing, kind: str) -> Iterator[tuple[Any, ...]]:
    """Write into the audit trail that somebody takes a list along, commit, and return its rows.

    The filters are told by name alone: what was searched for may be personal data. When the rows end, or are broken
    off, a second line tells how many were handed out; before, nobody knows.
    """
    used = sorted(name for name in listing.args if name in view.known_arguments() and listing.args[name])
    who = actor.user_id()
    _note(view, "export", {"kind": kind, "filters": ", ".join(used)})
    return _counted(view, listing, kind, who)


def _counted(view: PortalView, listing: Listing, kind: str, who: int | None) -> Iterator[tuple[Any, ...]]:
    count = 0
    try:
        for cells, length in _blocks(view, listing):
            count += length
            yield from cells
    finally:
        # The answer outlasts its request, and with it whoever is known to have asked.
        with actor.acting_as(who):
            _note(view, "exported", {"kind": kind, "rows": count})


def _blocks(view: PortalView, listing: Listing) -> Iterator[tuple[Iterator[tuple[Any, ...]], int]]:
    reader = Reader(view, listing.columns, Cells(view))
    streamed = {"stream_results": True, "max_row_buffer": FETCHED}
    found = db.session.connection().execute(reader.statement(listing.ordered()), execution_options=streamed)
    # Closed also when the download is broken off: PostgreSQL keeps a cursor for it.
    with closing(found):
        for part in found.partitions(BLOCK):
            yield reader.read(part), len(part)


def _note(view: PortalView, step: str, told: dict[str, Any]) -> None:
    # A transaction of its own: SQLite refuses one that has read before to write while others do.
    db.session.rollback()
    with transactions(read=False):
        audit.note(view.model.__tablename__, 0, {}, told, Change.STEPPED, step=step)
        db.session.commit()
