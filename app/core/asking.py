"""What a piece of code reads of a record: it is run on one that holds samples and notes what it is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty

from app.core.interface import is_choice

FARTHEST = 4
"""How many records away from the first one is followed."""
SAMPLES: dict[type[Any], Any] = {
    str: "x", int: 1, Decimal: Decimal(1), date: date(2000, 1, 1), time: time(9),
    datetime: datetime(2000, 1, 1, tzinfo=UTC),
}  # fmt: skip


@dataclass
class Asked:
    """What was asked of a record: columns, and related records with what was asked of them."""

    columns: dict[str, None] = field(default_factory=dict)
    related: dict[str, Asked] = field(default_factory=dict)
    is_more: bool = False
    """Whether it was asked for something else, too: a collection, or a record too far away."""

    @property
    def is_all(self) -> bool:
        """Whether columns are all that was asked for, of the record and of those related to it."""
        return not self.is_more and all(beneath.is_all for beneath in self.related.values())


def asked_of(model: type[Any], use: Callable[[Any], object]) -> Asked:
    """Return what ``use`` reads of a record of a model, as far as it shows with one that is filled, empty, or alone.

    A branch that only certain values take stays unseen: whoever relies on the answer must be ready for more.
    """
    asked = Asked()
    for is_filled, is_alone in ((True, False), (False, False), (False, True)):
        # Samples need not make sense to the code that reads them; what it asked for until then is known.
        with contextlib.suppress(Exception):
            use(bare(model, _Notes(sa_inspect(model), asked, is_filled=is_filled, is_alone=is_alone)))
    return asked


def bare(model: type[Any], held: dict[str, Any]) -> Any:
    """Return an object of a model's class that holds only these values, and belongs to no session.

    Its methods and properties work; asking for a column that it does not hold raises InvalidRequestError.
    """
    record: Any = object.__new__(model)
    record.__dict__ = held
    return record


def is_to_one(attribute: Any) -> bool:
    """Tell whether a mapped attribute leads to the one record that a foreign key names."""
    return (
        isinstance(attribute, RelationshipProperty)
        and attribute.direction is RelationshipDirection.MANYTOONE
        and not attribute.viewonly
        and len(attribute.local_columns) == 1
        and attribute.remote_side == set(attribute.mapper.primary_key)
    )


class _Notes(dict[str, Any]):
    """The values of a record, where SQLAlchemy's attributes look for them: made up, and noted when asked for."""

    def __init__(
        self, mapper: Mapper[Any], asked: Asked, distance: int = 0, *, is_filled: bool, is_alone: bool
    ) -> None:
        self._mapper, self._asked, self._distance = mapper, asked, distance
        self._is_filled, self._is_alone = is_filled, is_alone

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        if name in self._mapper.column_attrs:
            self._asked.columns[name] = None
            return _sample(self._mapper.column_attrs[name].columns[0], is_filled=self._is_filled)
        relation = self._mapper.relationships[name]
        if not is_to_one(relation) or self._distance == FARTHEST:
            self._asked.is_more = True
            return [] if relation.uselist else None
        beneath = self._asked.related.setdefault(name, Asked())
        if self._is_alone:
            return None
        notes = _Notes(relation.mapper, beneath, self._distance + 1, is_filled=self._is_filled, is_alone=self._is_alone)
        return bare(relation.mapper.class_, notes)


def _sample(column: Any, *, is_filled: bool) -> Any:
    if not is_filled and getattr(column, "nullable", True):
        return None
    if isinstance(column.type, Boolean):
        return is_filled
    return next(iter(column.type.enum_class)) if is_choice(column.type) else SAMPLES.get(column.type.python_type)
