"""A form that arrives twice has one effect, however it came to be sent again."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from conftest import Person, SignIn, inputs, member
from flask import Flask
from samples import sample
from sqlalchemy import func, select
from test_repairs import equipment, first, photo, report

from app.core import clock, receipts
from app.core.db import db
from app.core.files import Attachment
from app.core.receipts import Receipt
from app.staff.models import Task
from app.training.models import PlanItem, TopicArea, TrainingPlan
from app.workplace.models import Equipment, FaultKind, Repair, RepairStatus


def filled(person: Person, item: Equipment) -> dict[str, Any]:
    """Return a fault report as a browser sends it."""
    form = person.page(f"/repair/add?equipment={item.id}").select_one("main form[data-guard]")
    return {**inputs(form), "fault_kind": str(first(FaultKind).id), "impact": "HINDERS", "fault": "沒有聲音"}


def count(model: type[Any]) -> int:
    """Return how many rows there are."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_new_record_sent_twice_is_made_once_and_shown_twice(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei", "en")
    data = filled(mei, equipment())
    one, two = (mei.post("/repair/add", data=data) for _time in range(2))
    assert (one.status_code, two.status_code) == (302, 302)
    assert one.headers["Location"] == two.headers["Location"]
    assert (count(Repair), count(Task)) == (1, 1)
    assert "nothing was done twice" in mei.page(two.headers["Location"]).select_one(".note-info").text


def test_a_new_record_sent_twice_at_the_same_time_is_made_once(app: Flask, sign_in: SignIn) -> None:
    people = [sign_in("mei") for _window in range(2)]
    data = filled(people[0], equipment())
    data["csrf_token"] = people[0].token()
    for other in people[1:]:
        with people[0].session_transaction() as session:
            cookie = dict(session)
        with other.session_transaction() as session:
            session.update(cookie)
    db.session.commit()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda person: person.post("/repair/add", data=data), people))
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert count(Repair) == 1


def test_a_refused_form_keeps_its_token_and_is_taken_once_mended(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    data = filled(mei, equipment())
    wrong = mei.post("/repair/add", data={**data, "fault_kind": ""})
    assert wrong.status_code == 422
    again = inputs(mei.read(wrong.text, "form").select_one("main form[data-guard]"))
    assert again["once"] == data["once"]
    assert mei.post("/repair/add", data={**again, "fault_kind": data["fault_kind"]}).status_code == 302
    assert count(Repair) == 1


def test_a_change_sent_twice_is_no_conflict(app: Flask, sign_in: SignIn) -> None:
    item = equipment()
    fan = sign_in("fan", "en")
    data = {**inputs(fan.page(f"/equipment/edit/{item.id}").select_one("main form[data-guard]")), "seat": "B12"}
    answers = [fan.post(f"/equipment/edit/{item.id}", data=data) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    db.session.rollback()
    assert (item.seat, item.version) == ("B12", 2)


@pytest.mark.parametrize("step", ["accept", "fix"])
def test_a_step_sent_twice_is_taken_once(app: Flask, sign_in: SignIn, step: str) -> None:
    mei, fan = sign_in("mei"), sign_in("fan", "en")
    repair = report(mei, equipment())
    if step == "fix":
        fan.send(f"/repair/step/{repair.id}/accept")
    page = fan.page(f"/repair/show/{repair.id}")
    url = f"/repair/step/{repair.id}/{step}"
    form = page.select_one(f"form[action='{url}']") or fan.page(url).select_one("main form[data-guard]")
    data = {**inputs(form), "remedy": "更換聽筒"}
    answers = [fan.post(url, data=data) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    told = fan.page(answers[1].headers["Location"])
    assert "nothing was done twice" in told.select_one(".note-info").text
    assert told.select_one(".note-danger") is None
    db.session.rollback()
    assert repair.status is (RepairStatus.IN_REPAIR if step == "accept" else RepairStatus.FIXED)


def test_a_token_is_of_use_to_its_person_only(app: Flask, sign_in: SignIn) -> None:
    """Somebody else's token tells nothing of where it led, and a forged one is none."""
    mei, kai, item = sign_in("mei"), sign_in("kai"), equipment(keeper=None)
    data = filled(mei, item)
    led = mei.post("/repair/add", data=data).headers["Location"]
    answer = kai.post("/repair/add", data={**filled(kai, item), "once": data["once"]})
    assert answer.headers.get("Location") != led
    assert mei.post("/repair/add", data={**filled(mei, item), "once": "' OR 1=1"}).status_code == 302
    held = db.session.scalars(select(Receipt)).all()
    assert {row.user_id for row in held} == {member("mei").user_id}


def test_receipts_are_forgotten_after_a_day(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    mei.post("/repair/add", data=filled(mei, equipment()))
    assert receipts.forget(clock.now()) == 0
    assert receipts.forget(clock.now() + timedelta(days=1, seconds=1)) == 1
    assert count(Receipt) == 1
    db.session.commit()


def test_every_form_of_a_page_has_a_token_of_its_own(app: Flask, sign_in: SignIn) -> None:
    mei, fan = sign_in("mei"), sign_in("fan")
    repair = report(mei, equipment())
    page = fan.page(f"/repair/show/{repair.id}")
    tokens = [str(field["value"]) for field in page.select("input[name=once]")]
    assert len(tokens) == len(set(tokens)) >= 1
    assert all(re.fullmatch(r"[\w-]{22}", token) for token in tokens)


def test_files_sent_twice_are_kept_once(app: Flask, sign_in: SignIn) -> None:
    mei, fan = sign_in("mei"), sign_in("fan")
    repair = report(mei, equipment())
    data = inputs(fan.page(f"/repair/show/{repair.id}").select_one("form.upload"))
    for _time in range(2):
        sent = {**data, "attachments": photo()}
        assert fan.post(f"/repair/attach/{repair.id}", data=sent, content_type="multipart/form-data").status_code == 302
    assert count(Attachment) == 1


def test_a_grid_sent_twice_adds_its_rows_once(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su", "en")
    plan = sample(TrainingPlan, member("su"))
    db.session.commit()
    url = f"/plan-item/rows/plan/{plan.id}"
    form = su.page(url).select_one("form[data-rows-form]")
    data = {**inputs(form), "n0-title": "保險法修正重點", "n0-topic_area": str(first(TopicArea).id), "n0-quarter": "Q1"}
    data |= {"n0-method": "LECTURE", "n0-audience": "全體客服", "n0-hours": "2"}
    answers = [su.post(url, data=data) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302], answers[0].text
    assert count(PlanItem) == 1
