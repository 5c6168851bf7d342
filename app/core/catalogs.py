"""Short lists that every page reads and hardly anybody changes: kept by each process while the version stands.

The version is that of the rights (``core.rights``), which every request reads anyway: triggers of the database, made
by ``portal init`` for each kept table, change it in the transaction that changes a row, whoever writes. A process shows
a new name from the next request on, and asks for a list once for each version.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, has_app_context
from sqlalchemy import Connection, Select, event, select, true
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import Session, SessionTransaction, UOWTransaction, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from app.core.asking import bare
from app.core.db import Model, db
from app.core.entity import in_memory
from app.core.rights import RightsVersion, grants

TRIGGER = "kept_changed"


def init_app(app: Flask) -> None:
    """Give an application its kept lists: for each model the version they were read under, and the rows."""
    app.extensions["portal_kept"] = {}


def kept_rows(model: type[Any]) -> list[Any]:
    """Return the rows of a kept list in their order, as objects of no session: shared, and only to be read."""
    held: dict[type[Any], list[Any]] = g.setdefault("portal_kept", {})
    if model not in held:
        held[model] = _known(model)
    return held[model]


def kept_by_id(model: type[Any]) -> dict[int, Any]:
    """Return the rows of a kept list by their keys."""
    held: dict[type[Any], dict[int, Any]] = g.setdefault("portal_kept_by_id", {})
    if model not in held:
        held[model] = {row.id: row for row in kept_rows(model)}
    return held[model]


def catalog_rows(model: type[Any]) -> list[Any]:
    """Return the rows of a kept list in their order as records of this session.

    While they are held, a record's relation to the catalog is found in the session without a statement.
    """
    return [catalog_row(model, row.id) for row in kept_rows(model)]


def catalog_row(model: type[Any], key: int | None) -> Any | None:
    """Return the row of a kept list with this key as a record of this session, or None."""
    held: dict[tuple[type[Any], int | None], Any] = g.setdefault("portal_catalogs", {})
    if (model, key) not in held:
        row = kept_by_id(model).get(key) if key is not None else None
        held[model, key] = _record(model, row) if row is not None else None
    return held[model, key]


def _known(model: type[Any]) -> list[Any]:
    version = None if g.get("portal_kept_changed") else grants().version
    store: dict[type[Any], tuple[str, list[Any]]] = current_app.extensions["portal_kept"]
    since, rows = store.get(model, (None, []))
    if version is not None and since == version:
        return rows
    # Version and rows come from one statement, and so from one state of the database.
    found = db.session.execute(_statement(model)).all()
    names = [column.key for column in sa_inspect(model).column_attrs]
    held = (dict(zip(names, values, strict=True)) for _version, *values in found)
    # An empty list comes as one row of nothing, beside the version.
    rows = [bare(model, values) for values in held if values["id"] is not None]
    if version is not None and found:
        store[model] = found[0][0], rows
    return rows


def _statement(model: type[Any]) -> Select[Any]:
    columns = [getattr(model, column.key) for column in sa_inspect(model).column_attrs]
    order = (model.position, model.id) if hasattr(model, "position") else (model.id,)
    return select(RightsVersion.version, *columns).outerjoin_from(RightsVersion, model, true()).order_by(*order)


def _record(model: type[Any], row: Any) -> Any:
    """Return a row as a record of this session, without a statement."""
    record: Any = db.session.identity_map.get(identity_key(model, row.id))
    if record is None:
        record = model()
        record.__dict__.update(row.__dict__)
        make_transient_to_detached(record)
        db.session.add(record)
    for name in sa_inspect(record).expired_attributes & row.__dict__.keys():
        set_committed_value(record, name, row.__dict__[name])
    return record


@event.listens_for(Session, "after_flush")
def _changed(session: Session, _context: UOWTransaction) -> None:
    """Whoever changes a kept list reads it anew for the rest of the request: its version was read at the start."""
    if has_app_context() and any(in_memory(type(row)) for row in {*session.new, *session.dirty, *session.deleted}):
        g.portal_kept_changed = True
        g.pop("portal_kept", None)
        g.pop("portal_kept_by_id", None)


@event.listens_for(Session, "after_commit")
def _forget(session: Session) -> None:
    """Rows expire with their transaction (not with a savepoint); held on to, each would be read again by itself."""
    if has_app_context() and session.get_nested_transaction() is None:
        for name in ("portal_catalogs", "portal_kept", "portal_kept_by_id"):
            g.pop(name, None)


@event.listens_for(Session, "after_soft_rollback")
def _forget_undone(session: Session, undone: SessionTransaction) -> None:
    """The same for a transaction that was undone."""
    if not undone.nested:
        _forget(session)


# -- triggers --------------------------------------------------------------------------------


def prepare(connection: Connection) -> None:
    """Let every kept table tell when it changes; does not commit."""
    here = set(sa_inspect(connection).get_table_names())
    for mapper in Model.registry.mappers:
        if in_memory(mapper.class_) and mapper.local_table.name in here:  # type: ignore[attr-defined]
            _tell(connection, mapper.local_table.name)  # type: ignore[attr-defined]


def _tell(connection: Connection, table: str) -> None:
    if connection.dialect.name == "postgresql":
        # Before the statement, as for rights: each state that others see has a version of its own.
        connection.exec_driver_sql(
            f'CREATE OR REPLACE TRIGGER {TRIGGER} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "{table}"'
            " FOR EACH STATEMENT EXECUTE FUNCTION rights_changed()"
        )
        return
    change = "UPDATE rights_version SET version = lower(hex(randomblob(16)))"
    for when in ("INSERT", "UPDATE", "DELETE"):
        name = f"{TRIGGER}_{table}_{when.lower()}"
        connection.exec_driver_sql(f'CREATE TRIGGER IF NOT EXISTS {name} AFTER {when} ON "{table}" BEGIN {change}; END')
