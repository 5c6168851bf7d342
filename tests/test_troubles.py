"""When something outside a form is wrong (database, key, an old page): a clear sentence, and nothing typed is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from bs4 import BeautifulSoup
from conftest import DATABASE, POSTGRES, Databases, Person, SignIn, inputs
from flask import Flask
from flask.testing import FlaskCliRunner
from page import check_page
from samples import sample
from sqlalchemy import create_engine, select, text
from test_repairs import photo
from werkzeug.test import TestResponse

from app import create_app
from app.core import db as database
from app.core.db import Model, db
from app.core.sealed import keep_check
from app.workplace.models import Equipment, FaultKind, Impact, Repair
from config import Settings

HERE = {"Origin": "http://localhost"}
FAULT = "打不開，只聽到三聲嗶嗶聲"


def fault() -> dict[str, str]:
    """Return what Mei types about a fault."""
    kind = db.session.scalars(select(FaultKind)).first()
    assert kind is not None
    db.session.commit()
    return {
        "equipment": str(sample(Equipment).id),
        "fault_kind": str(kind.id),
        "fault": FAULT,
        "impact": Impact.STOPS_WORK.name,
    }


def kept(answer: TestResponse, url: str) -> dict[str, str]:
    """Return what the form on an error page would send once more."""
    form = check_page(answer.text, url).select_one("form.again")
    assert form is not None, answer.text
    assert form["action"] == f"{url}?"
    return inputs(form)


def repairs() -> list[str]:
    db.session.rollback()
    return [row.fault for row in db.session.scalars(select(Repair))]


@pytest.fixture
def typing(app: Flask, sign_in: SignIn) -> tuple[Person, dict[str, str]]:
    typed = fault()
    db.session.commit()
    return sign_in("mei"), typed


def test_a_page_open_too_long_is_sent_once_more(typing: tuple[Person, dict[str, str]]) -> None:
    mei, typed = typing
    answer = mei.post("/repair/add", data={**typed, "csrf_token": "of yesterday"}, headers=HERE)
    assert answer.status_code == 400
    assert "您輸入的內容都保留在本頁" in answer.text
    again = kept(answer, "/repair/add")
    assert again.items() >= typed.items()
    assert mei.post("/repair/add", data=again).status_code == 302
    assert repairs() == [FAULT]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://evil.example"}, {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}],
)
def test_no_other_site_is_lent_a_token(typing: tuple[Person, dict[str, str]], headers: dict[str, str]) -> None:
    mei, typed = typing
    answer = mei.post("/repair/add", data=typed, headers=headers)
    assert answer.status_code == 400
    assert FAULT not in answer.text
    assert not check_page(answer.text, "/repair/add").select("form.again")


def test_who_was_signed_out_meanwhile_signs_in_and_loses_nothing(typing: tuple[Person, dict[str, str]]) -> None:
    mei, typed = typing
    token = mei.token()
    mei.send("/logout/")
    answer = mei.post("/repair/add", data={**typed, "csrf_token": token}, headers=HERE)
    assert answer.status_code == 401
    assert kept(answer, "/repair/add").items() >= typed.items()
    assert repairs() == []


def test_a_password_is_not_written_into_a_page(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    answer = mei.post("/account/", data={"old": "secret one", "new": "secret two"}, headers=HERE)
    assert answer.status_code == 400
    assert "secret" not in answer.text


@pytest.mark.skipif(DATABASE != "sqlite", reason="PostgreSQL has many writers")
def test_a_form_waits_while_others_write(
    typing: tuple[Person, dict[str, str]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei, typed = typing
    typed["csrf_token"] = mei.token()
    db.session.commit()
    monkeypatch.setattr(database, "BUSY_MILLISECONDS", 100)
    db.engine.dispose()
    other = sqlite3.connect(settings.database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        answer = mei.post("/repair/add", data=typed, headers=HERE)
        assert mei.get("/repair/list/").status_code == 200
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert answer.status_code == 503
    assert "系統忙碌中" in answer.text
    assert "周美" in check_page(answer.text, "/repair/add").text
    assert mei.post("/repair/add", data=kept(answer, "/repair/add")).status_code == 302
    assert repairs() == [FAULT]


@pytest.mark.skipif(DATABASE != "sqlite", reason="PostgreSQL has many writers")
def test_an_export_waits_for_whoever_writes(app: Flask, sign_in: SignIn, settings: Settings) -> None:
    """It reads first and then writes into the trail: SQLite would refuse that at once while others write."""
    fan = sign_in("fan")
    db.session.commit()
    other = sqlite3.connect(settings.database_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers: list[int] = []
    asking = Thread(target=lambda: answers.append(fan.get("/repair/export/csv").status_code))
    asking.start()
    asking.join(timeout=0.5)
    assert answers == [], "it did not wait"
    other.execute("ROLLBACK")
    asking.join(timeout=20)
    other.close()
    assert answers == [200]


@pytest.fixture
def elsewhere(databases: Databases, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """A portal on an empty database."""
    url = databases.fresh(f"trouble{abs(hash(request.node.name)) % 10_000}")
    made = create_app(Settings.from_env({"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DATABASE_URL": url}))
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize(
    ("asked", "told"), [("zh-TW", "資料庫沒有回應或尚未完成準備"), ("zh-CN", "数据库没有响应或尚未准备好")]
)
def test_a_database_that_is_not_prepared_is_told(elsewhere: Flask, asked: str, told: str) -> None:
    answer = elsewhere.test_client().get("/login/", headers={"Accept-Language": asked})
    assert answer.status_code == 503
    assert told in check_page(answer.text, "/login/").main.text
    with elsewhere.test_client().get("/static/portal.css") as sheet:
        assert sheet.status_code == 200


@pytest.mark.parametrize("command", ["jobs", "demo"])
def test_commands_say_what_is_wrong_with_the_database(elsewhere: Flask, command: str) -> None:
    answer = FlaskCliRunner(elsewhere).invoke(args=["portal", command])
    assert answer.exit_code == 1
    assert answer.output.startswith("Error: The database does not answer, is none, or is not prepared")


def test_another_key_than_the_datas_is_told_before_it_does_harm(elsewhere: Flask, tmp_path: Path) -> None:
    with elsewhere.app_context():
        Model.metadata.create_all(db.engine)
        keep_check()
        db.session.commit()
    assert elsewhere.test_client().get("/login/").status_code == 200
    (tmp_path / "field_key").unlink()
    url = elsewhere.config["PORTAL_SETTINGS"].database_url
    other = create_app(Settings.from_env({"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DATABASE_URL": url}))
    answer = other.test_client().get("/login/", headers={"Accept-Language": "zh-TW"})
    assert answer.status_code == 503
    assert "系統未取得資料的金鑰" in answer.text
    told = FlaskCliRunner(other).invoke(args=["portal", "jobs"])
    assert told.exit_code == 1
    assert "PORTAL_FIELD_KEY" in told.output
    with other.app_context():
        db.session.remove()
        db.engine.dispose()


def test_a_photo_survives_an_error_and_is_nobody_elses(app: Flask, sign_in: SignIn) -> None:
    typed, mei = fault(), sign_in("mei")
    picture, name = photo()
    content = picture.getvalue()
    wrong = {**typed, "impact": "", "csrf_token": mei.token(), "attachments": (picture, name)}
    answer = mei.post("/repair/add", data=wrong, content_type="multipart/form-data")
    assert answer.status_code == 422
    box = check_page(answer.text, "/repair/add").select_one("input[name=attachments-kept][checked]")
    assert box is not None
    assert box.parent.text.strip() == name
    stolen = sign_in("tao").send("/repair/add", {**typed, "attachments-kept": box["value"]}, follow_redirects=True)
    assert stolen.status_code == 200
    assert name not in stolen.text
    saved = mei.send("/repair/add", {**typed, "attachments-kept": box["value"]}, follow_redirects=True)
    page = check_page(saved.text, "/repair/show")
    assert page.select_one(".files a[download]").text == name
    link = BeautifulSoup(saved.text, "html.parser").select_one(".files a[download]")["href"]
    assert mei.get(str(link)).data == content
    assert "照片與檔案：1" in page.select_one(".history").text


@pytest.mark.skipif(DATABASE != "postgresql", reason="a file does not go away")
def test_a_connection_that_the_server_has_ended_meanwhile_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, other = create_engine(POSTGRES, pool_size=1, max_overflow=0), create_engine(POSTGRES)
    with engine.connect() as line:
        first = line.scalar(text("SELECT pg_backend_pid()"))
    with other.connect() as line:
        assert line.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
    # Whatever has lain for longer than this is asked.
    monkeypatch.setattr(database, "IDLE_SECONDS", 0.0)
    with engine.connect() as line:
        assert line.scalar(text("SELECT pg_backend_pid()")) != first
    engine.dispose()
    other.dispose()
