"""How many rows there are, about: asked of PostgreSQL's planner, and of SQLite by looking at some.

An exact count of a million rows costs more than the page it stands on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Executable, Select, Table, func, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from app.core.db import counted_to, db
from app.core.interface import COUNT_CAP
from app.core.present import Tally

SAMPLE = 300
"""Rows SQLite looks at to tell about how many match: a tenth of a list is then told to within a fifth."""
STREWN = 2_654_435_761


class Explain(Executable, ClauseElement):
    """How PostgreSQL would run a statement, as JSON."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(Explain, "postgresql")
def _explain(element: Explain, compiler: SQLCompiler, **kwargs: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + compiler.process(element.statement, **kwargs)


@dataclass(frozen=True)
class Rows:
    """How many rows each statement finds, and how many each table holds, about."""

    matching: list[int]
    in_all: dict[Table, int]


def estimated_rows(matching: Sequence[Select[Any]], tables: Sequence[Table], cap: int) -> Rows:
    """Return about how many rows each statement for keys finds and each table holds, by one statement.

    SQLite counts those that are found, no further than the cap, and takes the highest key for the number of rows.
    """
    if db.engine.dialect.name == "postgresql":
        asked = [select(table.c.id).where(true()) for table in tables]
        # OFFSET 0 keeps each count a part of its own in the plan.
        counts = [
            select(func.count()).select_from(keys.offset(0).subquery()).scalar_subquery()
            for keys in [*matching, *asked]
        ]
        plan = _plan(select(*counts))
        rows = [int(part["Plans"][0]["Plan Rows"]) for part in plan["Plans"]]
    else:
        capped = [counted_to(keys, cap) for keys in matching]
        most = [select(func.max(table.c.id)).scalar_subquery() for table in tables]
        rows = [int(count or 0) for count in db.session.execute(select(*capped, *most)).one()]
    found, in_all = rows[: len(matching)], rows[len(matching) :]
    return Rows(found, dict(zip(tables, in_all, strict=True)))


def estimate(matching: Select[Any], key: Any) -> int:
    """Return about how many rows a statement finds; ``key`` is the primary key of the rows it finds."""
    if db.engine.dialect.name == "postgresql":
        return int(_plan(matching)["Plan Rows"])
    last = db.session.scalar(select(func.max(key))) or 0
    # Strewn by a multiplier without a period, and the same every time: a count must not change while nothing does.
    looked_at = sorted({number * STREWN % last + 1 for number in range(min(SAMPLE, last))})
    hits = db.session.scalar(select(func.count()).select_from(matching.where(key.in_(looked_at)).subquery())) or 0
    return hits * last // max(len(looked_at), 1)


def tally(matching: Select[Any], key: Any) -> Tally:
    """Return how many rows a statement finds: exactly up to the cap, about above it."""
    count = db.session.scalar(select(counted_to(matching.with_only_columns(key), COUNT_CAP + 1))) or 0
    return Tally(count) if count <= COUNT_CAP else Tally(max(estimate(matching, key), count), is_about=True)


def _plan(statement: Select[Any]) -> dict[str, Any]:
    told = db.session.scalar(Explain(statement))
    plan: dict[str, Any] = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return plan
