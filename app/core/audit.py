"""The audit trail: who changed what, when, before and after, in the transaction of the change.

One listener on the session's flush sees every change whichever way it came: a form, a step, an import,
the REST API, a job. Sensitive columns are written as a mask: the trail must not become a second register
of personal data (clauses 6.3.3 and 7.1.2).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, cast

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, Index, Integer, String, Table, event, func, insert, inspect, select
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from app.core import actor, clock
from app.core.db import Model, db
from app.core.entity import Recorded
from app.core.types import Choice, Key, Moment, choice_column

MASK = "•••"
UNTOLD = frozenset({"id", "version", "created_at", "changed_at", "created_by_id", "changed_by_id"})


class Change(Choice):
    """What happened to the record."""

    ADDED = _l("added"), "done"
    CHANGED = _l("changed"), "progress"
    DELETED = _l("deleted"), "late"
    STEPPED = _l("moved on"), "progress"


class AuditEntry(Model):
    """One change of one record by one person (稽核記錄, clause 7.1.2)."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_record", "entity", "record_id", "id"),)

    id: Mapped[Key]
    at: Mapped[Moment]
    user_id: Mapped[int | None] = mapped_column(Integer, index=True)
    entity: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int] = mapped_column(Integer)
    record_version: Mapped[int | None] = mapped_column(Integer)
    change: Mapped[Change] = choice_column(Change)
    step: Mapped[str | None] = mapped_column(String(64))
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def plain(value: object) -> object:
    """Return a column's value as JSON keeps it."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case enum.Enum():
            return value.name
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return MASK


_watched: dict[type[Any], tuple[frozenset[str], frozenset[str]]] = {}


def watch(model: type[Any], told: Iterable[str], sensitive: Iterable[str] = ()) -> None:
    """Let the trail tell these columns of a table that is not ours, such as Flask-AppBuilder's users."""
    _watched[model] = frozenset(told), frozenset(sensitive)


def _is_told(item: object) -> bool:
    return isinstance(item, Recorded) or type(item) in _watched


def _values(item: Any, *, before: bool) -> dict[str, Any]:
    """Return the told columns of an item, as they were or as they are."""
    return {key: pair[0 if before else 1] for key, pair in _pairs(item, changed_only=False)}


def _pairs(item: Any, *, changed_only: bool) -> Iterator[tuple[str, tuple[object, object]]]:
    state = inspect(item)
    keys = frozenset(state.mapper.columns.keys())
    told, sensitive = _watched.get(type(item)) or (keys - UNTOLD, item.sensitive)
    for key in state.mapper.columns.keys():  # noqa: SIM118 - a column collection iterates columns
        if key not in told:
            continue
        history = state.attrs[key].history
        if changed_only and not history.has_changes():
            continue
        value = history.added[0] if history.added else (history.unchanged[0] if history.unchanged else None)
        old = history.deleted[0] if history.deleted else (value if not history.added else None)
        if changed_only and old == value:
            continue
        if key in sensitive:
            yield key, (MASK if old else None, MASK if value else None)
        else:
            yield key, (plain(old), plain(value))


def _row(item: Any, change: Change, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": clock.now(),
        "user_id": actor.user_id(),
        "entity": item.__tablename__,
        "record_id": item.id,
        "record_version": getattr(item, "version", None),
        "change": change,
        "step": None,
        "before": before,
        "after": after,
    }


@event.listens_for(Session, "after_flush")
def _write(session: Session, _context: UOWTransaction) -> None:
    """Write one entry per record touched by this flush; its history is still readable here."""
    rows = [
        _row(item, Change.ADDED, {}, {k: v for k, v in _values(item, before=False).items() if v is not None})
        for item in session.new
        if _is_told(item)
    ]
    for item in session.dirty:
        if _is_told(item) and (pairs := dict(_pairs(item, changed_only=True))):
            before = {key: old for key, (old, _) in pairs.items()}
            after = {key: new for key, (_, new) in pairs.items()}
            rows.append(_row(item, Change.CHANGED, before, after))
    rows.extend(
        _row(item, Change.DELETED, _values(item, before=True), {}) for item in session.deleted if _is_told(item)
    )
    if rows:
        session.execute(insert(cast("Table", AuditEntry.__table__)), rows)


def note_step(item: Recorded, step: str) -> None:
    """Write that a step was taken; the columns it changed have an entry of their own."""
    row = _row(item, Change.STEPPED, {}, {})
    db.session.execute(insert(AuditEntry), [row | {"step": step}])


def note(
    entity: str,
    record_id: int,
    before: dict[str, Any],
    after: dict[str, Any],
    change: Change = Change.CHANGED,
    step: str | None = None,
) -> None:
    """Write a change of something that is no ``Recorded`` row, such as a role's rights, or that a list was exported."""
    row = {
        "at": clock.now(),
        "user_id": actor.user_id(),
        "entity": entity,
        "record_id": record_id,
        "record_version": None,
        "change": change,
        "step": step,
        "before": before,
        "after": after,
    }
    db.session.execute(insert(AuditEntry), [row])


def last_entry(entity: str, record_id: int) -> int:
    """Return the id of a record's newest entry, 0 if it has none: the version of what has no column for one."""
    newest = select(func.max(AuditEntry.id)).where(AuditEntry.entity == entity, AuditEntry.record_id == record_id)
    return db.session.scalar(newest) or 0


def entries_about(entity: str, record_id: int, *, since: int = 0, limit: int = 50) -> list[AuditEntry]:
    """Return the entries of a record that is no ``Recorded`` row, newest first, after the entry ``since``."""
    query = select(AuditEntry).where(
        AuditEntry.entity == entity, AuditEntry.record_id == record_id, AuditEntry.id > since
    )
    return list(db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)))


def entries_of(item: Recorded, *, since_version: int | None = None, limit: int = 50) -> list[AuditEntry]:
    """Return a record's entries, newest first; with ``since_version`` only what was saved after that version."""
    query = select(AuditEntry).where(
        AuditEntry.entity == item.__tablename__,
        AuditEntry.record_id == item.id,
    )
    if since_version is not None:
        query = query.where(AuditEntry.record_version > since_version)
    return list(db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)))
