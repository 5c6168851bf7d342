"""How many rows there are, about: asked of PostgreSQL's planner, and of SQLite by looking at some.

An exact count of a million rows costs more than the page it stands on.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, ClassVar

from flask import current_app
from sqlalchemy import ClauseElement, Executable, Select, Table, func, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

from app.core.db import counted_to, db
from app.core.interface import COUNT_CAP
from app.core.present import Tally

LASTS_SECONDS = 60.0
"""How long what was estimated stays what is told, unasked: an estimate knows two digits at best."""
MOST_KEPT = 2_000
SAMPLE = 300
"""Rows SQLite looks at to tell about how many match: a tenth of a list is then told to within a fifth."""
STREWN = 2_654_435_761


class Explain(Executable, ClauseElement):
    """How PostgreSQL would run a statement, as JSON."""

    inherit_cache = True
    _traverse_internals = [("statement", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 - SQLAlchemy's own way

    _all_selected_columns: ClassVar[list[Any]] = []
    """What is told has no columns of the statement's; a kept compilation asks."""

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(Explain, "postgresql")
def _explain(element: Explain, compiler: SQLCompiler, **kwargs: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + compiler.process(element.statement, **kwargs)


class KeptEstimates:
    """What this process estimated a moment ago, by what it was asked for."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, Any]] = {}

    @classmethod
    def here(cls) -> KeptEstimates:
        """Return those of this application."""
        made: KeptEstimates = current_app.extensions.setdefault("portal_estimates", cls())
        return made

    def get(self, key: Hashable) -> Any | None:
        """Return what was told of a key, if that was a moment ago."""
        since, told = self._kept.get(key, (0.0, None))
        return told if monotonic() - since < LASTS_SECONDS else None

    def put(self, key: Hashable, told: Any) -> None:
        """Keep what was told of a key."""
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (monotonic(), told)


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
