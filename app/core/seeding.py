"""Seeds: rows that a release brings along, put in once and never over what people changed since."""

from __future__ import annotations

import csv
from datetime import date, time
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Date, Enum, Integer, Numeric, Time, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import RelationshipProperty

from app.core.db import db
from app.core.interface import is_choice


def seed(model: type[Any], path: Path, keys: tuple[str, ...]) -> int:
    """Add the rows of a CSV file that are not there yet, judged by their key columns; return how many.

    A relation is given by the other row's code or number. The caller commits.
    """
    known = {tuple(getattr(row, key) for key in keys) for row in db.session.scalars(select(model))}
    made = 0
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            values = {name: _value(model, name, text) for name, text in cells.items() if text}
            for key in keys:
                values.setdefault(key, _default(model, key))
            if tuple(values[key] for key in keys) not in known:
                db.session.add(model(**values))
                made += 1
    db.session.flush()
    return made


def _default(model: type[Any], name: str) -> Any:
    default = sa_inspect(model).columns[name].default
    return default.arg if default is not None else None


def _value(model: type[Any], name: str, text: str) -> Any:
    prop = sa_inspect(model).attrs[name]
    if isinstance(prop, RelationshipProperty):
        target = prop.mapper.class_
        by = target.code if hasattr(target, "code") else target.number
        return db.session.scalars(select(target).where(by == text)).one()
    kind = prop.columns[0].type
    match kind:
        case Enum() if is_choice(kind):
            return kind.enum_class[text]  # type: ignore[index]
        case Boolean():
            return text.lower() in {"yes", "1", "true"}
        case Date():
            return date.fromisoformat(text)
        case Time():
            return time.fromisoformat(text)
        case Integer() | Numeric():
            return kind.python_type(text)
        case _:
            return text
