"""What pages ask of forms behind the scenes: what is wrong as one types, a part without its frame, a new record."""

from __future__ import annotations

from conftest import SignIn, inputs, member
from flask import Flask
from sqlalchemy import func, select
from test_casework import complain
from test_repairs import equipment, first, report

from app.casework.models import Note
from app.core.audit import AuditEntry
from app.core.db import db
from app.customers.models import Customer
from app.workplace.models import Area, Equipment, EquipmentKind

CHECK, FRAGMENT = {"X-Check": "1"}, {"X-Fragment": "1"}


def test_a_form_is_looked_over_while_it_is_filled_in_and_nothing_is_saved(app: Flask, sign_in: SignIn) -> None:
    item = equipment()
    fan = sign_in("fan", "en")
    data = {**inputs(fan.page(f"/equipment/edit/{item.id}").select_one("main form[data-guard]")), "cost": "-5"}
    trail = db.session.scalar(select(func.count(AuditEntry.id)))
    wrong = fan.post(f"/equipment/edit/{item.id}", data={**data, "name": "別的"}, headers=CHECK)
    assert wrong.status_code == 200
    assert list(wrong.json) == ["cost"]
    assert "0" in wrong.json["cost"][0]
    assert fan.post(f"/equipment/edit/{item.id}", data={**data, "cost": "5"}, headers=CHECK).json == {}
    db.session.rollback()
    assert (item.name, item.cost, item.version) == ("話機", None, 1)
    assert db.session.scalar(select(func.count(AuditEntry.id))) == trail


def test_looking_over_asks_for_the_same_rights_as_saving(app: Flask, sign_in: SignIn) -> None:
    item = equipment()
    kai = sign_in("kai")
    token = kai.token()
    assert kai.post(f"/equipment/edit/{item.id}", data={"csrf_token": token}, headers=CHECK).status_code == 403


def test_a_step_can_be_asked_for_without_its_frame_and_tells_where_it_leads(app: Flask, sign_in: SignIn) -> None:
    mei, fan = sign_in("mei"), sign_in("fan")
    repair = report(mei, equipment())
    fan.send(f"/repair/step/{repair.id}/accept")
    url = f"/repair/step/{repair.id}/fix"
    part = fan.get(url, headers=FRAGMENT).text
    assert "<html" not in part
    assert 'name="remedy"' in part
    data = {"csrf_token": fan.token(), "remedy": ""}
    assert fan.post(url, data=data, headers=FRAGMENT).status_code == 422
    done = fan.post(url, data={**data, "remedy": "更換聽筒"}, headers=FRAGMENT)
    assert (done.status_code, done.headers["X-Location"]) == (204, f"/repair/show/{repair.id}")
    # What was done is told on the page one is led to.
    assert fan.page(f"/repair/show/{repair.id}").select_one(".note-success") is not None


def test_a_look_up_offers_a_new_record_to_those_who_may_make_one(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei", "en")
    offered = mei.page("/complaint/add").select_one("a[data-fills=customer]")
    assert str(offered["href"]) == "/customer/add"
    data = inputs(mei.page("/customer/add").select_one("main form[data-guard]"))
    made = mei.post("/customer/add", data={**data, "name": "王大明"}, headers={**FRAGMENT, "X-Record": "1"})
    found = db.session.scalars(select(Customer)).one()
    assert made.status_code == 201
    # The mask holds for the one who typed the name, too.
    assert made.json == {"value": str(found.id), "text": str(found)}
    assert "王大明" not in made.text
    data = inputs(mei.page("/customer/add").select_one("main form[data-guard]"))
    wrong = mei.post("/customer/add", data={**data, "name": ""}, headers={**FRAGMENT, "X-Record": "1"})
    assert wrong.status_code == 422
    fan = sign_in("fan", "en")
    assert fan.page("/repair/add").select_one("a[data-fills=equipment]") is not None
    assert mei.page("/repair/add").select_one("a[data-fills=equipment]") is None


def test_a_note_is_written_on_the_page_of_its_ticket(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei", "en")
    found = complain(mei)
    page = mei.page(f"/complaint/show/{found.id}")
    box = page.select_one("form.box")
    assert [field.get("name") for field in box.select("textarea, input[type=checkbox]")] == [
        "text",
        "is_told",
        "is_internal",
    ]
    mei.post(str(box["action"]), data={**inputs(box), "text": "已回電說明", "is_told": "y"})
    note = db.session.scalars(select(Note)).one()
    assert (note.ticket_id, note.text, note.is_told, note.author) == (found.id, "已回電說明", True, member("mei"))


def test_long_texts_keep_a_draft_but_personal_data_never_do(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    assert mei.page("/complaint/add").select_one("textarea[name=story]").has_attr("data-draft")
    for url, sealed in (("/policy/add", "beneficiaries"), ("/customer/add", "address")):
        field = sign_in("liang").page(url).select_one(f"[name={sealed}]")
        assert field is not None, url
        assert not field.has_attr("data-draft"), url


def test_a_long_form_has_sections_and_every_column_once(app: Flask, sign_in: SignIn) -> None:
    page = sign_in("fan", "en").page("/equipment/add")
    assert [legend.text for legend in page.select("fieldset.section > legend")] == [
        "Where it stands",
        "Purchase and warranty",
    ]
    fields = page.select("main form[data-guard] [name]:not([type=hidden])")
    names = [str(field["name"]) for field in fields if field.get("type") != "radio"]
    assert len(names) == len(set(names))
    assert {"tag", "seat", "keeper", "cost", "attachments"} <= set(names)
    assert names[-1] == "attachments"


def test_history_is_told_in_sentences(app: Flask, sign_in: SignIn) -> None:
    item = Equipment(tag="PC-1", name="電腦", kind=first(EquipmentKind), area=first(Area), seat="A1", cost=300)
    db.session.add(item)
    db.session.commit()
    fan = sign_in("fan", "en")
    fan.submit(f"/equipment/edit/{item.id}", seat="B2", cost="", serial_number="S-9")
    told = fan.page(f"/equipment/show/{item.id}").select_one(".history").text
    for sentence in ("Seat: from “A1” to “B2”", "removed (it was “300.00”)", "Serial number: S-9"):
        assert sentence in told
