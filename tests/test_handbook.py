"""Promises and the office's calendar as rows: which promise fits, by when it is due, what hours are refused."""

from __future__ import annotations

from datetime import date, datetime, time
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from conftest import SignIn
from flask import Flask, g
from sqlalchemy import select

from app.core.db import db
from app.handbook.models import CalendarException, Clause, Promise, ServiceHours, Weekday
from app.handbook.operations import due_at, promise_for
from app.workplace.models import Impact

TAIPEI = ZoneInfo("Asia/Taipei")


def response(impact: Impact) -> Promise:
    found = promise_for("repair_response", SimpleNamespace(impact=impact), date(2026, 11, 20))
    assert found is not None
    return found


def test_the_promise_that_names_most_of_the_facts_holds(app: Flask) -> None:
    assert (response(Impact.STOPS_WORK).length_number, response(Impact.HINDERS).length_number) == (2, 8)
    assert promise_for("repair_response", SimpleNamespace(impact=Impact.NONE), date(2020, 1, 1)) is None
    assert promise_for("no_such_promise", SimpleNamespace(), date(2026, 11, 20)) is None


def test_working_hours_skip_lunch_nights_weekends_and_typhoon_days(app: Flask) -> None:
    friday = datetime(2026, 11, 20, 17, 0, tzinfo=TAIPEI)
    assert due_at(response(Impact.STOPS_WORK), friday).astimezone(TAIPEI) == datetime(
        2026, 11, 23, 10, 0, tzinfo=TAIPEI
    )
    noon = datetime(2026, 11, 20, 11, 30, tzinfo=TAIPEI)
    assert due_at(response(Impact.STOPS_WORK), noon).astimezone(TAIPEI) == datetime(2026, 11, 20, 14, 30, tzinfo=TAIPEI)
    db.session.add(CalendarException(day=date(2026, 11, 23), reason="颱風"))
    db.session.commit()
    g.pop("portal_calendars")
    assert due_at(response(Impact.STOPS_WORK), friday).astimezone(TAIPEI) == datetime(
        2026, 11, 24, 10, 0, tzinfo=TAIPEI
    )


def test_the_policy_is_there_clause_by_clause(app: Flask) -> None:
    clauses = {row.number: row.text for row in db.session.scalars(select(Clause))}
    assert len(clauses) == 84
    assert "設備" in clauses["8.2.2"]


def test_hours_that_overlap_are_refused_at_their_field(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    answer = an.submit("/service-hours/add", weekday="MONDAY", opens_at="11:00", closes_at="14:00")
    assert answer.status_code == 422
    assert an.read(answer.text, "add").select_one("#opens_at-error") is not None
    backwards = an.submit("/service-hours/add", weekday="SUNDAY", opens_at="14:00", closes_at="11:00")
    assert an.read(backwards.text, "add").select_one("#closes_at-error") is not None
    assert an.submit("/service-hours/add", weekday="SUNDAY", opens_at="10:00", closes_at="12:00").status_code == 200
    made = db.session.scalars(select(ServiceHours).where(ServiceHours.weekday == Weekday.SUNDAY)).one()
    assert (made.opens_at, made.closes_at) == (time(10), time(12))


def test_a_condition_is_told_in_words_and_typed_as_a_code(app: Flask, sign_in: SignIn) -> None:
    su, an = sign_in("su"), sign_in("an")
    page = su.page("/promise/list/")
    assert {cell.text for cell in page.select("td[data-label=適用條件]")} >= {
        "優先順序：高", "對工作的影響：無法工作", "類別：申訴", "法令適用地：臺灣"
    }  # fmt: skip
    assert page.select("code") == []
    row = db.session.scalars(select(Promise).where(Promise.condition == "priority=HIGH")).one()
    assert row.code in su.page(f"/promise/show/{row.id}").main.text
    assert an.page(f"/promise/edit/{row.id}").select_one("#condition")["value"] == "priority=HIGH"
    row.condition = "priority=HIGH impact=UNHEARD_OF"
    db.session.commit()
    page = sign_in("su", "zh_Hans_CN").page(f"/promise/show/{row.id}")
    assert "优先级：高、impact = UNHEARD_OF" in page.main.text
