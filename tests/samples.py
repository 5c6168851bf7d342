"""One row of any entity, made from its columns, so that a law can be tried on every screen there is."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, Column, Date, Enum, Integer, Numeric, Time, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import RelationshipProperty

from app.core.db import db
from app.core.types import UtcDateTime
from app.staff.models import StaffMember

_numbers = itertools.count(1)


def sample(model: type[Any], person: StaffMember | None = None, *, full: bool = False, related: bool = False) -> Any:
    """Return a new row with every required column filled; whoever it belongs to is ``person``.

    ``full`` fills optional columns, too, ``related`` those that refer to a row as others may. Flushed, not committed.
    """
    mapper = sa_inspect(model)
    if mapper.polymorphic_map and mapper.polymorphic_identity is None:
        # A table that several entities share: a row of it is always one of them.
        return sample(
            next(one for one in mapper.self_and_descendants if one is not mapper).class_,
            person,
            full=full,
            related=related,
        )
    kind = mapper.polymorphic_on
    relations = {
        mapper.get_property_by_column(local).key: relation
        for relation in mapper.relationships
        if not relation.uselist and not relation.viewonly
        for local in relation.local_columns
        if local.foreign_keys
    }
    values: dict[str, Any] = {}
    for name, column in mapper.columns.items():
        if name in {"id", "version"} or column.primary_key or column.server_default is not None or column is kind:
            continue
        relation = relations.get(name)
        if relation is not None:
            wanted = full or (related and not column.unique)
            if column.nullable and not wanted and not (person and relation.mapper.class_ is StaffMember):
                continue
            values[relation.key] = _related(relation, person, model)
        elif column.foreign_keys or (column.nullable and not full) or column.default is not None:
            continue
        else:
            values[name] = _value(column, model)
    row = model(**values)
    try:
        with db.session.begin_nested():
            db.session.add(row)
            db.session.flush()
    except IntegrityError:
        # A matrix whose every field is taken has room for no further row.
        row = db.session.scalars(select(model).order_by(model.id)).first()
        if row is None:
            raise
    return row


def _related(relation: RelationshipProperty[Any], person: StaffMember | None, model: type[Any]) -> Any:
    target = relation.mapper.class_
    if target is StaffMember and person is not None:
        return person
    if person is not None and target.__tablename__ == "team":
        return person.team
    unique = any(column.unique for column in relation.local_columns)
    found = None if unique else db.session.scalars(select(target).order_by(target.id)).first()
    if target is model:
        return found
    return found if found is not None else sample(target, person)


def _value(column: Column[Any], model: type[Any]) -> Any:
    number = next(_numbers)
    match column.type:
        case UtcDateTime():
            return datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
        case Enum():
            return next(iter(column.type.enum_class))  # type: ignore[arg-type]
        case Boolean():
            return False
        case Date():
            return date(2026, 3, 2)
        case Time():
            return time(number // 60 % 24, number % 60)
        case Integer():
            return number % 12 + 1
        case Numeric():
            return Decimal(number % 12 + 1)
        case _:
            length = getattr(column.type, "length", None) or 40
            return f"{model.__tablename__[:6]}{number}"[-length:]
