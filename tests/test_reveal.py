"""Behind the mask: only for a reason, only for a minute, and never without a line in the log (clause 7.3.3)."""

from __future__ import annotations

import pytest
from conftest import SignIn, member
from flask import Flask
from page import check_page
from samples import sample
from sqlalchemy import select
from test_customers import SECRETS, add_lin

from app.casework.models import Complaint
from app.core.audit import AuditEntry
from app.core.db import db
from app.customers.models import Customer, PersonalData, Policy, Reveal

WHY = {"reason": "客戶來電詢問理賠進度"}


def looks() -> list[Reveal]:
    db.session.rollback()
    return list(db.session.scalars(select(Reveal).order_by(Reveal.id)))


def test_who_needs_a_number_says_why_and_sees_it(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    lin = add_lin(mei)
    url = f"/customer/reveal/{lin.id}"
    page = mei.page(f"/customer/show/{lin.id}")
    assert page.select_one(f"a[href='{url}']").text == "查閱個資"
    form = mei.page(url)
    offered = {box["value"] for box in form.select("input[name=columns]")}
    assert offered == {"name", "id_number", "birth_date", "mobile", "phone", "email", "address"}
    assert offered | {"beneficiaries"} == {one.name.lower() for one in PersonalData}
    answer = mei.send(url, {"columns": ["mobile", "name"], **WHY})
    shown = check_page(answer.text, url)
    assert [part.text for part in shown.select("dd")] == ["0912-345-678", "林小美"]
    assert "A123456789" not in answer.text
    assert shown.select_one("meta[http-equiv=refresh]")["content"] == f"60;url=/customer/show/{lin.id}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert [(look.what, look.person.name, look.reason, look.case_number) for look in looks()] == [
        (PersonalData.MOBILE, "周美", WHY["reason"], None),
        (PersonalData.NAME, "周美", WHY["reason"], None),
    ]
    assert "0912-345-678" not in mei.get(f"/customer/show/{lin.id}").text
    trail = " ".join(str((entry.before, entry.after)) for entry in db.session.scalars(select(AuditEntry)))
    assert not any(secret in trail for secret in SECRETS)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"columns": "mobile"}, "此欄位為必填。"),
        ({"columns": "mobile", "reason": "要"}, "原因"),
        (WHY, "此欄位為必填。"),
        ({"columns": "id_number_hash", **WHY}, "需要查閱的項目"),
        ({"columns": "mobile", "case_number": "CP-2026-99999", **WHY}, "這位客戶沒有這個案件。"),
    ],
)
def test_without_a_reason_nothing_is_shown_or_written(
    app: Flask, sign_in: SignIn, sent: dict[str, str], told: str
) -> None:
    mei = sign_in("mei")
    lin = add_lin(mei)
    answer = mei.send(f"/customer/reveal/{lin.id}", sent)
    assert answer.status_code == 422
    assert told in check_page(answer.text, "/customer/reveal").select_one(".note-danger").text
    assert not any(secret in answer.text for secret in SECRETS)
    assert looks() == []


def test_a_reason_is_tied_to_a_case_of_this_customer(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    lin = add_lin(mei)
    theirs, other = sample(Complaint, member("mei")), sample(Complaint, member("mei"))
    theirs.customer, other.customer = lin, sample(Customer)
    db.session.commit()
    numbers = theirs.number, other.number
    url = f"/customer/reveal/{lin.id}"
    assert mei.send(url, {"columns": "phone", "case_number": numbers[1], **WHY}).status_code == 422
    assert mei.send(url, {"columns": "phone", "case_number": numbers[0], **WHY}).status_code == 200
    assert [look.case_number for look in looks()] == [numbers[0]]


def test_a_policys_beneficiaries_are_its_holders_affair(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    policy = sample(Policy)
    policy.holder, policy.beneficiaries = add_lin(mei), "陳大文 100%"
    db.session.commit()
    answer = mei.send(f"/policy/reveal/{policy.id}", {"columns": "beneficiaries", **WHY})
    assert "陳大文 100%" in answer.text
    assert looks()[0].customer.number == policy.holder.number
    assert "受益人" in sign_in("su").page("/reveal/list/").select_one("tbody").text


@pytest.mark.parametrize("login", ["fan", "du", "ao", "an"])
def test_nobody_else_looks_behind_the_mask(app: Flask, sign_in: SignIn, login: str) -> None:
    lin = add_lin(sign_in("mei"))
    other = sign_in(login)
    assert other.get(f"/customer/reveal/{lin.id}").status_code == 403
    assert other.send(f"/customer/reveal/{lin.id}", {"columns": "mobile", **WHY}).status_code == 403
    assert looks() == []


def test_the_log_is_read_by_those_who_watch_and_changed_by_nobody(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    lin = add_lin(mei)
    mei.send(f"/customer/reveal/{lin.id}", {"columns": "mobile", **WHY})
    look = looks()[0].id
    for login, seen in {"mei": 1, "tao": 0, "liang": 1, "kai": 0, "su": 1, "ao": 1, "an": 1}.items():
        person = sign_in(login)
        rows = person.page("/reveal/list/").select("tbody tr")
        assert len(rows) == seen, login
        for row in rows:
            assert "手機" in row.text
            assert "林○美" in row.text
            assert "0912" not in row.text
        for verb in ("edit", "delete"):
            assert person.send(f"/reveal/{verb}/{look}").status_code in {403, 404, 405}
        assert person.delete(f"/api/v1/reveal/{look}", headers={"X-CSRFToken": person.token()}).status_code == 403
    assert sign_in("fan").get("/reveal/list/").status_code == 403
    refused = sign_in("su").send(f"/customer/delete/{lin.id}", follow_redirects=True)
    assert check_page(refused.text, "/customer/show").select_one(".note-danger") is not None
    assert len(looks()) == 1
