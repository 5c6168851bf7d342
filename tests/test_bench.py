"""The floor that the portal is measured beside shows and saves the same rows as the portal (``tests/bench``)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from conftest import Databases, SignIn, Wrote, member
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import func, select
from test_casework import log

from app.casework.models import Consultation
from app.core.audit import AuditEntry
from app.core.db import db
from tests.bench import floor
from tests.bench.floor_sql import Database


@pytest.fixture
def bare(app: Flask, databases: Databases) -> Iterator[FlaskClient]:
    database = Database(databases.url.replace("+psycopg", ""))
    database.drop_triggers()
    Wrote.shape = True
    yield floor.create(database).test_client()
    database.connection.close()


def test_the_floor_shows_and_saves_what_the_portal_does(app: Flask, bare: FlaskClient, sign_in: SignIn) -> None:
    mei, me = sign_in("mei"), member("mei")
    first, second = log(mei, Consultation, subject="詢問理賠進度"), log(mei, Consultation, subject="詢問住院理賠")
    mine = {"me": me.id, "team": me.team_id}
    ours = [link.text for link in mei.page("/ticket/list/").select("table.list tbody td:first-child a")]
    assert [one.strip() for one in ours] == [second.number, first.number]
    page = BeautifulSoup(bare.get("/list", query_string=mine).text, "lxml")
    assert [cell.text for cell in page.select("tbody td:first-child")] == [second.number, first.number]
    rows = bare.get("/api", query_string={**mine, "q": "住院|住院", "order": "subject"}).json["result"]
    assert [(row["number"], row["due_at"] is not None) for row in rows] == [(second.number, True)]
    assert "詢問理賠進度" in bare.get(f"/record/{first.id}").text
    assert "<td>LOGGED</td><td>2</td>" in bare.get("/chart", query_string=mine).text
    assert first.number in bare.get("/search", query_string={**mine, "q": "理賠"}).text
    assert bare.get("/lookup", query_string={"q": "CU-9999"}).json == {"rows": []}
    assert bare.get("/", query_string=mine).text.count("<tr>") > 1
    assert bare.post("/login", data={"username": "mei", "password": "not this one"}).status_code == 401

    told = {"channel": first.channel_id, "subject": "詢問保單", "story": "住院後多久可以領理賠金？"}
    # The test's own transaction would keep SQLite's only write lock, and show rows as they were.
    db.session.commit()
    key = int(bare.post("/add", query_string=mine, data=told).headers["Location"].removeprefix("/record/"))
    added = db.session.get_one(Consultation, key)
    assert (added.subject, added.owner, added.version) == ("詢問保單", member("mei"), 1)
    db.session.commit()
    assert 'value="詢問保單"' in bare.get(f"/edit/{key}").text
    assert bare.post(f"/edit/{key}", data={**told, "subject": "詢問理賠金", "version": 1}).status_code == 302
    assert bare.post(f"/edit/{key}", data={**told, "version": 1}).status_code == 409
    assert (added.subject, added.version) == ("詢問理賠金", 2)
    entries = select(func.count()).where(AuditEntry.entity == "consultation", AuditEntry.record_id == key)
    assert db.session.scalar(entries) == 2

    lines = list(csv.reader(io.StringIO(bare.get("/csv").text)))
    assert [line[0] for line in lines] == ["number", added.number, second.number, first.number]
    sheet = load_workbook(io.BytesIO(bare.get("/xlsx", buffered=True).data)).active
    assert [row[0].value for row in sheet.iter_rows()] == [line[0] for line in lines]
