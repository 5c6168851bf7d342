"""One search over everything: each screen's own rules, the straight way to a number, nothing told that is not shown."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from conftest import Person, SignIn, member
from flask import Flask
from samples import sample
from test_laws import screens, statements

from app.casework.models import BusinessRequest, Complaint, Consultation, Ticket
from app.core.db import db
from app.customers.models import Customer, Policy
from app.handbook.models import Clause
from app.lobby.views_search import HITS
from app.roster.models import LeaveRequest, ShiftSwap
from app.training.models import Course, TrainingPlan
from app.workplace.models import Equipment, Repair

BUDGET = 20
FRAGMENT = {"X-Fragment": "1"}


def page(person: Person, text: str) -> BeautifulSoup:
    """Return the page of hits for a text."""
    return person.page(f"/search/?q={quote(text)}")


def hits(found: BeautifulSoup) -> list[str]:
    """Return where the hits lead."""
    return [str(link["href"]) for link in found.select(".hits a")]


def complaint(login: str, subject: str = "賠太慢") -> Complaint:
    """Make a complaint of one of the cast and their team."""
    made: Complaint = sample(Complaint, member(login))
    made.subject = subject
    db.session.commit()
    return made


def customer(**more: Any) -> Customer:
    """Make a customer."""
    made: Customer = sample(Customer)
    made.name, made.mobile = "林小美", "0912-345-678"
    for name, value in more.items():
        setattr(made, name, value)
    db.session.commit()
    return made


def test_without_words_the_page_says_what_can_be_found(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    with statements() as found:
        empty = page(fan, "  ")
    assert [link["href"] for link in empty.select(".empty a")] == ["/repair/list/", "/equipment/list/", "/clause/list/"]
    assert len(found) <= 2
    assert not hits(empty)


def test_hits_stand_by_screen_and_lead_to_the_record_and_to_the_whole_list(app: Flask, sign_in: SignIn) -> None:
    made = [complaint("mei") for _number in range(HITS + 2)]
    request = sample(BusinessRequest, member("mei"))
    request.subject = "賠太久"
    db.session.commit()
    mei = sign_in("mei", "en")
    found = page(mei, "賠太")
    assert [head.text for head in found.select(".found h2")] == ["Complaints", "Business requests"]
    links = hits(found)
    assert len([link for link in links if link.startswith("/complaint/")]) == HITS
    assert links[-1] == f"/business-request/show/{request.id}"
    assert "6 hits shown, there are more" in found.main.text
    row = found.select_one(".hits li")
    assert row.select_one("a").text in {one.number for one in made}
    assert row.select_one(".tone").text == "Logged"
    assert "賠太慢" in row.text
    everything = mei.page(found.select_one(".found-head a")["href"])
    assert len(everything.select("table.list tbody tr")) == len(made)
    assert "1 hit" in page(mei, "賠太久").main.text


def test_what_is_outside_the_row_scope_is_not_found(app: Flask, sign_in: SignIn) -> None:
    mine, theirs = complaint("mei"), complaint("kai")
    assert hits(page(sign_in("mei"), "賠太慢")) == [f"/complaint/show/{mine.id}"]
    assert set(hits(page(sign_in("su"), "賠太慢"))) == {f"/complaint/show/{one.id}" for one in (mine, theirs)}
    for number in (theirs.number, theirs.number.lower()):
        answer = sign_in("mei").get(f"/search/?q={number}")
        assert answer.status_code == 200
        assert not hits(sign_in("mei").read(answer.text, number))


def test_a_screen_that_may_not_be_listed_is_not_asked(app: Flask, sign_in: SignIn) -> None:
    lin = customer()
    number, fan = lin.number, sign_in("fan")
    with statements() as found:
        for text in (number, "林", "5678"):
            assert not hits(page(fan, text))
    asked = " ".join(found)
    assert "FROM repair" in asked
    for table in ("customer", "policy", "ticket", "leave_request", "training_plan"):
        assert f"FROM {table}" not in asked, table
    # Equipment is looked up by agents but listed by others.
    piece = sample(Equipment, member("tao"))
    db.session.commit()
    assert sign_in("mei").get(f"/search/?q={piece.tag}").status_code == 200
    assert sign_in("fan").get(f"/search/?q={piece.tag}").headers["Location"] == f"/equipment/show/{piece.id}"


@pytest.mark.parametrize("text", ["5678", "0912345678", "林小", "POL-77"])
def test_a_customer_is_found_by_what_callers_say_and_stays_masked(app: Flask, sign_in: SignIn, text: str) -> None:
    lin = customer()
    policy = sample(Policy)
    policy.number, policy.holder = "POL-770", lin
    customer(name="王大明", mobile="0933-444-555")
    db.session.commit()
    mei = sign_in("mei")
    whole = page(mei, text)
    part = mei.get(f"/search/?q={quote(text)}", headers=FRAGMENT).text
    address = f"/policy/show/{policy.id}" if text.startswith("POL") else f"/customer/show/{lin.id}"
    assert address in hits(whole)
    assert f'href="{address}"' in part
    for shown in (whole.text.replace(text, ""), part):
        assert "林○美" in shown
        for secret in ("林小美", "0912-345-678", "0912345678", "345-678"):
            assert secret not in shown
    assert f"/customer/show/{lin.id}" in hits(page(mei, "5678"))
    assert not hits(page(mei, "345678"))


def test_a_whole_number_leads_straight_to_its_record(app: Flask, sign_in: SignIn) -> None:
    made, lin = complaint("mei"), customer()
    mei = sign_in("mei")
    for number in (made.number, f" {made.number.lower()} "):
        assert mei.get(f"/search/?q={number}").headers["Location"] == f"/complaint/show/{made.id}"
    assert mei.get(f"/search/?q={lin.number}").headers["Location"] == f"/customer/show/{lin.id}"
    staff = sign_in("su").get("/search/?q=e0001")
    assert staff.headers["Location"] == f"/staff-member/show/{member('mei').id}"
    assert sign_in("su").get(f"/search/?q={made.number[:-1]}").status_code == 200
    # While somebody types, hits are shown and nobody is sent away.
    assert mei.get(f"/search/?q={made.number}", headers=FRAGMENT).status_code == 200
    # A name is no number, whoever has it alone.
    assert sign_in("su").get("/search/?q=周美").status_code == 200


def test_a_number_that_two_records_have_leads_to_neither(app: Flask, sign_in: SignIn) -> None:
    policy, piece = sample(Policy), sample(Equipment)
    policy.number = piece.tag = "AB-77"
    db.session.commit()
    links = set(hits(page(sign_in("su"), "AB-77")))
    assert links > {f"/policy/show/{policy.id}", f"/equipment/show/{piece.id}"}
    # A policy number also finds who holds the policy.
    assert f"/customer/show/{policy.holder_id}" in links
    # Of a person who sees one of the two, it is the only one.
    assert sign_in("mei").get("/search/?q=AB-77").headers["Location"] == f"/policy/show/{policy.id}"


def test_hits_from_every_screen_cost_no_more_statements_than_allowed(app: Flask, sign_in: SignIn) -> None:
    mei = member("mei")
    mei.name = "同字"
    named: dict[type[Any], str] = {
        Customer: "name", Policy: "product", Consultation: "subject", Complaint: "subject", BusinessRequest: "subject",
        TrainingPlan: "goals", Course: "title", Repair: "fault", Equipment: "name", Clause: "text",
        LeaveRequest: "reason", ShiftSwap: "reason",
    }  # fmt: skip
    for model, column in named.items():
        for _number in range(2):
            made = sample(model, mei)
            setattr(made, column, "同字")
            if isinstance(made, Ticket):
                made.customer = sample(Customer)
    db.session.commit()
    su = sign_in("su")
    with statements() as found:
        answer = su.get("/search/?q=同字")
    assert len(found) <= BUDGET, "\n".join(found)
    heads = su.read(answer.text, "search").select(".found h2")
    assert len(heads) == len([view for view in screens(app) if view.found_globally]) == len(named) + 1


def test_a_fragment_holds_options_for_the_box_and_no_frame(app: Flask, sign_in: SignIn) -> None:
    made = complaint("mei")
    text = sign_in("mei").get("/search/?q=賠太慢", headers=FRAGMENT).text
    assert "<html" not in text
    part = BeautifulSoup(text, "html.parser")
    group = part.select_one("[role=group]")
    assert part.select_one(f"#{group['aria-labelledby']}").text == "申訴"
    assert [one["href"] for one in group.select("[role=option]")] == [f"/complaint/show/{made.id}"]
    assert part.select_one("[data-words]")["data-words"] == "找到 1 筆"
    none = sign_in("mei").get("/search/?q=沒有這個", headers=FRAGMENT).text
    assert not BeautifulSoup(none, "html.parser").select("[role=option]")
    assert "查無結果" in none


@pytest.mark.parametrize("text", ["%", "_", "100%_", "\x00", "x" * 500, "<b>", "'; --"])
def test_odd_words_are_words(app: Flask, sign_in: SignIn, text: str) -> None:
    complaint("mei")
    found = page(sign_in("mei"), text)
    assert not hits(found)
    assert found.select_one(".empty") is not None


def test_strangers_are_sent_to_sign_in(app: Flask) -> None:
    answer = app.test_client().get("/search/?q=E0001")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login/")


def test_what_is_searched_is_in_no_log(app: Flask, sign_in: SignIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made, mei = customer(name="司馬青雲"), sign_in("mei")
    for text in ("司馬青雲", "0912345678", "5678", made.number):
        mei.get(f"/search/?q={text}", follow_redirects=True)
        mei.get(f"/search/?q={text}", headers=FRAGMENT)
    # Nor where the database cannot answer.
    db.session.execute(db.text("ALTER TABLE policy RENAME TO policy_gone"))
    db.session.commit()
    assert mei.get("/search/?q=司馬青雲").status_code >= 500
    db.session.execute(db.text("ALTER TABLE policy_gone RENAME TO policy"))
    db.session.commit()
    assert caplog.records, "even a database that cannot answer was not told"
    for word in ("司馬青雲", "0912345678", "5678", quote("司馬青雲")):
        assert word not in caplog.text


def test_every_screen_that_is_searched_can_show_its_hits(app: Flask) -> None:
    for view in screens(app):
        if view.found_globally:
            assert view.searched, type(view).__name__
            for column in view.found_columns:
                assert view.label_columns.get(column), f"{type(view).__name__}.{column}"
            number = view.number_column
            assert number is None or number not in getattr(view.model, "sensitive", ()), type(view).__name__
