"""The demo department: made by people through the portal's own forms, on an empty database and on no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from conftest import Databases
from flask import Flask
from flask.testing import FlaskCliRunner
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app import create_app
from app.casework.models import Ticket
from app.core import clock
from app.core.audit import AuditEntry
from app.core.db import db
from app.lobby.commands import SEEDS
from app.lobby.demo import stage
from app.lobby.demo.play import is_empty, play
from app.roster.models import Shift
from app.staff.models import StaffMember, Task, Team
from app.workplace.models import Repair
from config import Settings

pytestmark = pytest.mark.slow
PASSWORD = "a word for the demo"
LOGINS = ("agent", "team_lead", "supervisor", "facility", "department", "auditor", "administrator")
# Three weeks go through the same stories as the year that `make run` plays.
WEEKS = 3


@pytest.fixture
def prepared(databases: Databases, tmp_path: Path) -> Iterator[Flask]:
    """A portal that was prepared as a release prepares it."""
    kept = {
        "PORTAL_DATA_DIR": str(tmp_path),
        "PORTAL_DATABASE_URL": databases.fresh("demo"),
        "PORTAL_DEMO_PASSWORD": PASSWORD,
    }
    made = create_app(Settings.from_env(kept), RATELIMIT_ENABLED=False)
    assert FlaskCliRunner(made).invoke(args=["portal", "init"]).exit_code == 0
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def counted() -> dict[str, int]:
    """Return how many there are of what the demo makes."""
    return {
        model.__tablename__: db.session.scalar(select(func.count()).select_from(model)) or 0
        for model in (User, StaffMember, Team, Ticket, Repair, Shift, AuditEntry)
    }


def test_the_demo_plays_once_and_only_where_nobody_works(prepared: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "WEEKS", 0)
    run = FlaskCliRunner(prepared)
    seeded = [model for _name, model, _keys in SEEDS]
    with prepared.app_context():
        # One that breaks off leaves nothing behind, and can be played again.
        play(clock.now(), PASSWORD)
        assert counted()["staff_member"] >= 40
        db.session.rollback()
        db.session.remove()
        assert is_empty(seeded)
    monkeypatch.setattr(stage, "WEEKS", WEEKS)
    first = run.invoke(args=["portal", "demo", "--if-empty"])
    assert first.exit_code == 0, first.output
    assert all(f"\n  {login} " in first.output for login in LOGINS)
    assert f"Password of every demo login: {PASSWORD}" in first.output
    with prepared.app_context():
        made = counted()
        assert made["staff_member"] >= 40
        assert made["team"] == 4
        assert min(made.values()) > 0
        assert not is_empty(seeded)
        # People did it, each under their own name.
        acted = select(func.count(AuditEntry.user_id.distinct()))
        assert (db.session.scalar(acted) or 0) > 20
        # What was not due yet is still open, and what was due has been marked.
        late = select(func.count()).where(Task.late_at.is_not(None))
        assert 0 < (db.session.scalar(late) or 0) < (db.session.scalar(select(func.count(Task.id))) or 0)
    again = run.invoke(args=["portal", "demo"])
    assert again.exit_code == 1
    assert "This database holds records of people." in again.output
    silent = run.invoke(args=["portal", "demo", "--if-empty"])
    assert (silent.exit_code, silent.output) == (0, "")
    with prepared.app_context():
        assert counted() == made
    for login in LOGINS:
        client = prepared.test_client()
        page = BeautifulSoup(client.get("/login/").text, "html.parser")
        token = page.select_one("input[name=csrf_token]")["value"]
        answer = client.post("/login/", data={"csrf_token": token, "username": login, "password": PASSWORD})
        assert answer.headers["Location"] == "/", login
        assert client.get("/").status_code == 200, login
