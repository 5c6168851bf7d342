"""What ``portal init`` has put in: catalogs by code, promises with their conditions; and the demo's texts."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.db import Model
from config import ROOT

T = TypeVar("T")
DRAWN = 4096
CODES = (
    "department", "position", "topic", "channel", "product_line", "disposition", "conclusion", "root_cause", "area",
    "supplier", "equipment_kind", "fault_kind", "shift_type", "leave_kind", "topic_area", "indicator"
)  # fmt: skip


class Catalogs:
    """Ids of the rows that are there before the load, by table and code."""

    def __init__(self, session: Session) -> None:
        tables = Model.metadata.tables
        self.ids = {name: _pairs(session, tables[name].c.code, tables[name].c.id) for name in CODES}
        self.roles = _pairs(session, tables["ab_role"].c.name, tables["ab_role"].c.id)
        promise = tables["promise"]
        rows = session.execute(select(promise.c.code, promise.c.condition, promise.c.clause_id,
                                         promise.c.length_number, promise.c.length_unit))  # fmt: skip
        self.promises = {(row.code, row.condition): row for row in rows}
        rule = tables["priority_rule"]
        rules = session.execute(select(rule.c.urgency, rule.c.complexity, rule.c.priority))
        self.priorities = {(row.urgency.name, row.complexity.name): row.priority.name for row in rules}
        audit = tables["audit_entry"]
        self.audited = session.scalar(select(func.max(audit.c.id))) or 0
        """The last entry of the trail: that of what `portal init` has put in."""
        indicator = tables["indicator"]
        self.weights = [
            (row.id, str(row.weight)) for row in session.execute(select(indicator).order_by(indicator.c.id))
        ]


def _pairs(session: Session, key: Any, value: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in session.execute(select(key, value))}


def rows_of(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the demo's CSV files."""
    return _read(ROOT / "seed" / "demo" / f"{name}.csv")


def phrases() -> dict[str, list[str]]:
    """Return what the demo's people say, by occasion."""
    found: dict[str, list[str]] = {}
    for row in rows_of("phrases"):
        found.setdefault(row["key"], []).append(row["text"])
    return found


def own_rows() -> list[dict[str, str]]:
    """Return the rows of the generator's own texts."""
    return _read(Path(__file__).parent / "texts.csv")


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def endless(rng: Random, items: Sequence[T], weights: Sequence[float] | None = None) -> Iterator[T]:
    """Yield items by their weights without end; drawn many at a time, which costs a fifth of drawing one by one."""
    if not items:
        raise ValueError("nothing to draw from")
    summed = None if weights is None else list(accumulate(weights))
    while True:
        yield from rng.choices(items, cum_weights=summed, k=DRAWN)


def zipf(count: int, exponent: float) -> list[float]:
    """Return weights by rank: the second is drawn half as often as the first where the exponent is 1."""
    return [1 / rank**exponent for rank in range(1, count + 1)]
