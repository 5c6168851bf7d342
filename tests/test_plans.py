"""A law: no list reads a large table through, whatever it is sorted, filtered or searched by, on both databases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import Databases, Person
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import Boolean, Engine, event, func, select
from test_laws import screens
from test_security import enter

from app import create_app
from app.core.db import Model, db
from app.core.interface import AtLeast, AtMost, Equals, Overdue, RefersTo
from app.core.views import PortalView
from config import Settings
from tests.big import COMMON_WORD, PASSWORD, RARE_WORD, Size, fill

pytestmark = pytest.mark.slow
SIZE = Size(tickets=100_000, shifts=20_000, audit=1_000, notes=20_000, staff=60)
LARGE = 20_000
"""Rows from which on a table may not be read through."""
AS = ("agent", "administrator")
ALLOWED: dict[tuple[str, str], str] = {}
"""Screen and question that may read a large table through, and why."""


@pytest.fixture(scope="module")
def department(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A portal with a hundred thousand tickets."""
    told = {
        "PORTAL_DATA_DIR": str(tmp_path_factory.mktemp("plans")),
        "PORTAL_DATABASE_URL": databases.fresh("plans"),
    }
    made = create_app(Settings.from_env(told), TESTING=True, RATELIMIT_ENABLED=False)
    assert FlaskCliRunner(made).invoke(args=["portal", "init"]).exit_code == 0
    made.test_client_class = Person
    with made.app_context():
        fill(db.engine, SIZE)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Collect the questions that are asked inside the block, with their values."""
    found: list[tuple[str, Any]] = []

    def note(_c: Any, _u: Any, statement: str, values: Any, *_rest: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            found.append((statement, values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def read_through(statement: str, values: Any, large: set[str]) -> set[str]:
    """Return the large tables that the database would read through for a statement."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        told = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
        plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
        return set(_scanned(plan, large))
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    details = [row[-1] for row in rows]
    # What is read in the order of its key or of an index ends with the page; what is sorted first does not.
    is_ended = "LIMIT" in statement and not any("TEMP B-TREE FOR ORDER BY" in detail for detail in details)
    scanned = {name for detail in details for name in large if re.fullmatch(rf"SCAN {name}( USING .*)?", detail)}
    return set() if is_ended else scanned


def _scanned(plan: dict[str, Any], large: set[str]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in large:
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from _scanned(part, large)


def questions(view: PortalView) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what a person may ask of a list: as it begins, each filter, each order, a common and a rare word."""
    yield "as it begins", {}
    for name, found in view.filters_by_name().items():
        if (value := _value(view, found)) is not None:
            yield f"filter {name}", {name: value}
    for name in view.order_columns:
        yield f"order {name}", {"order": name, "dir": "desc"}
    if view.searched:
        yield "common word", {"q": next(iter(COMMON_WORD.values()))}
        yield "rare word", {"q": next(iter(RARE_WORD.values()))}


def _value(view: PortalView, found: Any) -> Any:
    """Return a value by which a list may be filtered, from a row in the middle of its table."""
    if isinstance(found, Overdue):
        return "1"
    if not isinstance(found, RefersTo | Equals | AtLeast | AtMost):
        return None
    held = found.column
    if isinstance(found, RefersTo):
        (local,) = held.property.local_columns
        return db.session.scalar(select(local).where(local.is_not(None)).offset(100).limit(1))
    value = db.session.scalar(select(held).where(held.is_not(None)).offset(100).limit(1))
    if isinstance(held.type, Boolean):
        return "1"
    return getattr(value, "name", None) or (value.isoformat()[:10] if hasattr(value, "isoformat") else value)


def test_no_list_reads_a_large_table_through(department: Flask) -> None:
    with department.app_context():
        counts = {
            name: db.session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Model.metadata.tables.items()
        }
        large = {name for name, count in counts.items() if count >= LARGE}
        assert {"ticket", "consultation", "task", "customer", "note", "shift"} <= large
        lists = [view for view in screens(department) if view.model.__tablename__ in large | {"complaint"}]
        found = []
        for login in AS:
            person: Any = department.test_client()
            assert enter(person, login, PASSWORD).status_code == 302
            for view in lists:
                for question, args in questions(view):
                    found += look(person, login, view, question, args, large)
    assert not found, "\n".join(map(str, found))


def look(
    person: Any, login: str, view: PortalView, question: str, args: dict[str, Any], large: set[str]
) -> list[tuple[str, ...]]:
    """Return which large tables a list reads through for a question, and with which statement."""
    with asked() as statements:
        answer = person.get(f"{view.route_base}/list/", query_string=args)
    if answer.status_code != 200:
        return []
    allowed = (type(view).__name__, question) in ALLOWED
    return [
        (login, type(view).__name__, question, name, statement[:300])
        for statement, values in statements
        for name in read_through(statement, values, large)
        if not allowed
    ]


def test_the_law_sees_what_has_no_index(department: Flask) -> None:
    with department.app_context():
        assert read_through("SELECT id FROM ticket ORDER BY next_action LIMIT 5", (), {"ticket"}) == {"ticket"}
        assert read_through("SELECT count(*) FROM ticket WHERE story = 'x'", (), {"ticket"}) == {"ticket"}
        assert read_through("SELECT id FROM ticket ORDER BY subject, id LIMIT 5", (), {"ticket"}) == set()
