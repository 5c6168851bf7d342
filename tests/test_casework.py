"""Tickets of three kinds: their steps, clocks, rights, history over two tables, and real complaints (chapter 3)."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Person, SignIn, inputs, member
from flask import Flask
from samples import sample
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from test_laws import statements

from app.casework import facts, operations
from app.casework.models import (
    BusinessRequest,
    Complaint,
    Consultation,
    Note,
    Priority,
    Ticket,
    TicketKind,
    TicketStatus,
    Topic,
)
from app.core import clock
from app.core.audit import AuditEntry, Change
from app.core.db import db
from app.core.fields_rows import target_of
from app.core.importing import Importer, Judged, Mode, Outcome
from app.core.matching import Matching
from app.core.measures import MEASURES, Period
from app.core.standin import standing_in
from app.core.tabular_read import read_table
from app.core.views import PortalView
from app.customers.models import Channel, Customer, Jurisdiction, ProductLine
from app.lobby.commands import SEED
from app.staff.models import Department, Task, TaskStatus

SHARED = Path(os.environ.get("PORTAL_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
COMPLAINTS = SHARED / "ct_complaints.csv"
S = TicketStatus


def coded(model: type[Any], code: str) -> Any:
    """Return a catalog's row by its code."""
    return db.session.scalars(select(model).where(model.code == code)).one()


def common(**more: object) -> dict[str, str]:
    """Return what the forms of all three kinds ask for."""
    given = {
        "channel": coded(Channel, "PHONE").id,
        "subject": "住院理賠金額不符",
        "story": "客戶來電表示金額少了三成。",
    }
    return {name: str(value) for name, value in {**given, **more}.items()}


def log(person: Person, model: type[Any], **more: object) -> Any:
    """Log a ticket as a person would, and return it."""
    route = model.__tablename__.replace("_", "-")
    answer = person.submit(f"/{route}/add", **common(**more))
    assert answer.status_code == 200, answer.text
    return db.session.scalars(select(model).order_by(model.id.desc())).first()


def complain(person: Person, **more: object) -> Complaint:
    """Log a complaint with all it needs."""
    given = {"event_on": "2026-10-01", "product_line": coded(ProductLine, "HEALTH").id, "is_apologised": "y"}
    return log(person, Complaint, **{**given, **more})


def tasks(ticket: Ticket) -> dict[str, Task]:
    """Return a ticket's tasks by promise; of several the newest."""
    rows = select(Task).where(Task.entity == ticket.__tablename__, Task.record_id == ticket.id).order_by(Task.id)
    db.session.expire_all()
    return {task.promise: task for task in db.session.scalars(rows)}


def step(person: Person, ticket: Ticket, name: str, **asked: object) -> int:
    """Take a step as a person would; return the status of the answer."""
    url = f"/{ticket.__tablename__.replace('_', '-')}/step/{ticket.id}/{name}"
    if asked:
        return person.submit(url, **{key: str(value) for key, value in asked.items()}).status_code
    return person.send(url).status_code


def test_a_consultation_is_answered_and_closed_with_the_closing_check(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    found = log(mei, Consultation, topic=coded(Topic, "CLAIM_STEPS").id)
    assert (found.kind, found.status, found.owner, found.team) == (
        TicketKind.CONSULTATION, S.LOGGED, member("mei"), member("mei").team,
    )  # fmt: skip
    assert found.number.startswith("CS-")
    assert timedelta(0) <= found.opened_at - found.contact_at < timedelta(minutes=2)
    assert tasks(found)["first_response"].status is TaskStatus.OPEN
    assert found.number in mei.page("/").main.text
    assert step(mei, found, "answer", answer="請備齊診斷書正本。") == 200
    assert (found.status, found.answered_at is not None) == (S.ANSWERED, True)
    assert tasks(found)["first_response"].status is TaskStatus.KEPT
    assert step(mei, found, "close", has_asked_further="y", is_thanked="y") == 200
    assert (found.status, found.is_thanked, found.closed_at is not None) == (S.CLOSED, True, True)
    assert step(mei, found, "reopen", next_action="補寄條款") == 200
    assert (found.status, found.closed_at, found.answered_at) == (S.LOGGED, None, None)
    assert tasks(found)["first_response"].status is TaskStatus.OPEN
    page = mei.page(f"/consultation/show/{found.id}")
    assert "請備齊診斷書正本。" in page.main.text


def test_a_complaint_goes_from_entry_to_close_with_its_clocks(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    found = complain(mei)
    assert found.number.startswith("CP-")
    owed = tasks(found)
    assert set(owed) == {"first_response", "complaint_triage", "complaint_statutory"}
    assert owed["complaint_statutory"].due_at.date() >= (found.contact_at + timedelta(days=30)).date()
    assert step(mei, found, "triage", urgency="URGENT", complexity="COMPLEX") == 200
    assert (found.status, found.priority) == (S.ASSIGNED, Priority.HIGH)
    assert tasks(found)["complaint_triage"].status is TaskStatus.KEPT
    assert tasks(found)["complaint_resolution"].clause.number == "3.2.4"
    assert step(mei, found, "start", next_action="調閱保單") == 200
    assert step(mei, found, "ask_customer", next_action="請客戶補診斷書") == 200
    owed = tasks(found)
    assert (owed["complaint_resolution"].status, owed["complaint_statutory"].status) == (
        TaskStatus.PAUSED, TaskStatus.OPEN,
    )  # fmt: skip
    assert step(mei, found, "customer_answered") == 302
    assert step(mei, found, "resolve", remedy="補付差額並說明", recovery_amount="1200", recovery_currency="TWD") == 200
    assert {name: task.status for name, task in tasks(found).items()} == dict.fromkeys(owed, TaskStatus.KEPT)
    assert step(mei, found, "close") == 302
    assert (found.status, found.closed_at is not None) == (S.CLOSED, True)
    history = mei.page(f"/complaint/show/{found.id}").select_one("ol.history").text
    assert "補付差額並說明" in history


def test_the_law_counts_from_the_contact_and_by_the_customers_law(app: Flask, sign_in: SignIn) -> None:
    """Thirty days in Taiwan, fifteen on the mainland, whenever it was typed in; nobody's wait stops it."""
    mei = sign_in("mei")
    customer = sample(Customer)
    customer.jurisdiction = Jurisdiction.CN
    db.session.commit()
    contact = clock.local(clock.now() - timedelta(days=2))
    here = complain(mei, contact_at=contact.strftime("%Y-%m-%dT%H:%M"))
    there = complain(mei, contact_at=contact.strftime("%Y-%m-%dT%H:%M"), customer=customer.id)
    for ticket, days in ((here, 30), (there, 15)):
        due = clock.local(tasks(ticket)["complaint_statutory"].due_at).date()
        assert due == contact.date() + timedelta(days=days)
    answer = mei.submit("/complaint/add", **common(event_on="2026-10-01", contact_at="2999-01-01T10:00",
                                                   product_line=coded(ProductLine, "LIFE").id))  # fmt: skip
    assert answer.status_code == 422
    assert mei.read(answer.text, "add").select_one("#contact_at-error").text.strip()


def test_a_complaint_needs_problem_time_and_product(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    answer = mei.submit("/complaint/add", channel=str(coded(Channel, "PHONE").id), subject="不滿意")
    assert answer.status_code == 422
    soup = mei.read(answer.text, "add")
    for name in ("story", "event_on", "product_line"):
        assert soup.select_one(f"#{name}-error"), (name, soup.select_one(".note-danger").text)
    assert db.session.query(Ticket).count() == 0


def test_a_ticket_handed_over_goes_with_its_tasks(app: Flask, sign_in: SignIn) -> None:
    mei, kai = sign_in("mei"), sign_in("kai")
    found = log(mei, Consultation)
    assert kai.get(f"/consultation/show/{found.id}").status_code == 404
    assert step(mei, found, "hand_over", owner=member("kai").id) == 200
    assert (found.owner, found.team) == (member("kai"), member("kai").team)
    assert tasks(found)["first_response"].owner == member("kai")
    assert kai.get(f"/consultation/show/{found.id}").status_code == 200
    assert mei.get(f"/consultation/show/{found.id}").status_code == 404
    assert found.number in kai.page("/").main.text
    gone = member("tao")
    gone.left_on = date(2026, 1, 1)
    db.session.commit()
    assert step(kai, found, "hand_over", owner=gone.id) == 422


def test_nobody_handles_a_complaint_about_themselves_or_those_they_lead(app: Flask, sign_in: SignIn) -> None:
    mei, su = sign_in("mei"), sign_in("su")
    wrong = common(event_on="2026-10-01", product_line=coded(ProductLine, "LIFE").id, about=member("mei").id)
    assert mei.submit("/complaint/add", **wrong).status_code == 422
    found = complain(su, about=member("mei").id)
    step(su, found, "triage", urgency="CRITICAL", complexity="SIMPLE")
    assert step(su, found, "hand_over", owner=member("mei").id) == 422
    assert step(su, found, "hand_over", owner=member("liang").id) == 422
    assert step(su, found, "hand_over", owner=member("kai").id) == 200
    db.session.refresh(found)
    assert (found.owner, found.status) == (member("kai"), S.ASSIGNED)


def test_a_business_request_goes_to_the_department_and_back(app: Flask, sign_in: SignIn) -> None:
    mei, du = sign_in("mei"), sign_in("du")
    found = log(mei, BusinessRequest, request_kind="CLAIM", customer=sample_customer().id)
    assert found.number.startswith("BR-")
    for name in ("guide", "receive", "review"):
        assert step(mei, found, name) == 302
    assert {name: task.status for name, task in tasks(found).items()} == dict.fromkeys(
        ("first_response", "request_review"), TaskStatus.KEPT
    )
    assert du.get(f"/business-request/show/{found.id}").status_code == 404
    claims = coded(Department, "CLAIMS")
    assert step(mei, found, "submit", department=claims.id) == 200
    assert (found.status, found.submitted_at is not None) == (S.SUBMITTED, True)
    assert du.page(f"/business-request/show/{found.id}") is not None
    assert step(du, found, "notify") == 403
    assert step(du, found, "complete") == 302
    assert step(mei, found, "notify") == 302
    assert step(mei, found, "close") == 302
    db.session.refresh(found)
    assert (found.status, found.notified_at is not None) == (S.CLOSED, True)


def sample_customer() -> Customer:
    """Return a saved customer."""
    made = sample(Customer)
    db.session.commit()
    return made


def test_a_note_is_added_on_the_tickets_page_and_telling_the_customer_is_a_response(
    app: Flask, sign_in: SignIn
) -> None:
    mei = sign_in("mei")
    found = complain(mei)
    page = mei.page(f"/complaint/show/{found.id}")
    assert page.select_one(f"form.box[action='/note/add?ticket={found.id}'] textarea[name=text]") is not None
    answer = mei.submit(f"/note/add?ticket={found.id}", text="已電話說明核算方式。", is_told="y")
    assert "已電話說明核算方式。" in answer.text
    page = mei.read(answer.text, "ticket")
    assert page.select_one(".note-success").text == f"已儲存 {found.number} 告知客戶的記錄。"
    assert found.number in page.h1.text, "back on the ticket's page"
    note = db.session.scalars(select(Note)).one()
    assert (note.author, note.ticket, type(note.ticket)) == (member("mei"), found, Complaint)
    assert tasks(found)["first_response"].status is TaskStatus.KEPT
    assert mei.submit(f"/note/add?ticket={found.id}", text="x", is_told="y", is_internal="y").status_code == 422
    foreign = sample(Complaint, member("kai"))
    db.session.commit()
    assert mei.submit(f"/note/add?ticket={foreign.id}", text="看不到的案件").status_code == 422
    assert db.session.query(Note).count() == 1


def test_internal_notes_stay_inside(app: Flask, sign_in: SignIn) -> None:
    mei, du = sign_in("mei"), sign_in("du")
    found = log(mei, BusinessRequest, request_kind="CLAIM", customer=sample_customer().id)
    mei.submit(f"/note/add?ticket={found.id}", text="客戶情緒激動", is_internal="y")
    mei.submit(f"/note/add?ticket={found.id}", text="文件已齊")
    found.department = coded(Department, "CLAIMS")
    db.session.commit()
    seen = du.page(f"/business-request/show/{found.id}").main.text
    assert "文件已齊" in seen
    assert "客戶情緒激動" not in seen
    assert "客戶情緒激動" in mei.page(f"/business-request/show/{found.id}").main.text
    assert du.get("/api/v1/note/?q=激動").json["count"] == 0


def test_a_change_in_the_kinds_own_table_is_seen_as_one_record(app: Flask, sign_in: SignIn) -> None:
    """Version, trail and the guard against overwriting hold over both tables of a ticket."""
    mei = sign_in("mei")
    found = complain(mei)
    version, changed = found.version, found.changed_at
    mei.submit(f"/complaint/edit/{found.id}", product="實支實付醫療險")
    assert (found.product, found.version) == ("實支實付醫療險", version + 1)
    assert found.changed_at > changed
    trail = db.session.scalars(
        select(AuditEntry).where(AuditEntry.entity == "complaint", AuditEntry.record_id == found.id)
        .order_by(AuditEntry.id)
    ).all()  # fmt: skip
    assert [entry.change for entry in trail] == [Change.ADDED, Change.CHANGED]
    assert trail[0].after["subject"] == "住院理賠金額不符"
    assert trail[1].after == {"product": "實支實付醫療險"}
    stale = mei.put(f"/api/v1/complaint/{found.id}", headers={"X-CSRFToken": mei.token()},
                    json={"version": version, "product": "z"})  # fmt: skip
    assert stale.status_code == 409
    assert found.version < 99
    db.session.execute(Ticket.__table__.update().values(version=99))
    found.company = "甲公司"
    with pytest.raises(StaleDataError):
        db.session.flush()
    db.session.rollback()


def test_a_ticket_is_deleted_whole_and_owes_nothing_more(app: Flask, sign_in: SignIn) -> None:
    mei, su = sign_in("mei"), sign_in("su")
    found, kept = complain(mei), complain(mei)
    mei.submit(f"/note/add?ticket={kept.id}", text="有紀錄")
    assert mei.send(f"/complaint/delete/{found.id}").status_code == 403
    key = found.id
    owed = list(tasks(found).values())
    su.send(f"/complaint/delete/{found.id}")
    su.send(f"/complaint/delete/{kept.id}")
    db.session.expire_all()
    assert [row.id for row in db.session.scalars(select(Ticket))] == [kept.id]
    assert db.session.scalar(select(func.count()).select_from(Complaint.__table__)) == 1
    assert {task.status for task in owed} == {TaskStatus.CANCELLED}
    deleted = db.session.scalars(select(AuditEntry).where(AuditEntry.change == Change.DELETED)).one()
    assert (deleted.entity, deleted.record_id) == ("complaint", key)


@pytest.mark.parametrize("broken", [
    {"status": S.CLOSED}, {"closed_at": datetime(2026, 3, 3, tzinfo=UTC)}, {"status": S.RESOLVED},
    {"status": S.ANSWERED}, {"contact_at": datetime(2999, 1, 1, tzinfo=UTC)},
    {"status": S.CLOSED, "closed_at": datetime(2026, 3, 1, tzinfo=UTC)}, {"recovery_amount": 5},
    {"recovery_amount": -1, "recovery_currency": "USD"},
])  # fmt: skip
def test_the_database_refuses_what_cannot_be(app: Flask, broken: dict[str, Any]) -> None:
    found = sample(Complaint, member("mei"))
    db.session.commit()
    for name, value in broken.items():
        setattr(found, name, value)
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_lists_filter_and_sort_by_columns_of_both_tables(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    made = [sample(Complaint, member(login)) for login in ("mei", "kai", "tao")]
    for number, (row, subject) in enumerate(zip(made, ("丙", "甲", "乙"), strict=True)):
        row.subject, row.external_number, row.company = subject, f"F-{number}", "甲公司"
        row.priority = list(Priority)[number]
    sample(Consultation, member("mei"))
    db.session.commit()

    def numbers(query: str, entity: str = "complaint") -> list[int]:
        answer = su.get(f"/api/v1/{entity}/?{query}")
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json["result"]]

    assert numbers("priority=HIGH") == [made[0].id]
    assert numbers(f"owner={member('kai').id}") == [made[1].id]
    assert numbers(f"owner={member('kai').id}&priority=HIGH") == []
    assert numbers("external_number=F-2&status=LOGGED") == [made[2].id]
    assert numbers("q=F-1") == [made[1].id]
    assert numbers("order=priority&dir=asc") == [made[0].id, made[2].id, made[1].id]
    assert numbers("order=number&dir=asc") == sorted(
        (row.id for row in made), key=lambda key: db.session.get(Ticket, key).number
    )
    assert len(numbers("", "ticket")) == 4
    assert numbers("kind=COMPLAINT&order=opened_at", "ticket") == [row.id for row in made]
    table = su.page("/ticket/list/").select("table.list tbody tr")
    assert {str(row["data-href"]).split("/")[1] for row in table} == {"complaint", "consultation"}
    choices = [str(box["value"]) for box in su.page("/consultation/list/").select("input[name=status][type=checkbox]")]
    assert choices == ["LOGGED", "ANSWERED", "CLOSED"]


def imported(content: bytes) -> list[Judged]:
    """Import complaints with the shipped mapping, as the portal itself does."""
    judged: list[Judged] = []
    view = target_of(Complaint)
    assert isinstance(view, PortalView)
    matching = Matching.read(json.loads((SEED / "mappings" / "ct_complaints.json").read_text(encoding="utf-8")))
    with standing_in(None):
        table = read_table(io.BytesIO(content), "complaints.csv")
        Importer(view, table, table.header, matching, Mode.GOOD_ROWS).run(judged.append)
        db.session.commit()
    return judged


HEAD = "file_no,opened,closed,company,coverage,subcoverage,reason,subreason,disposition,conclusion,recovery,status"


def test_a_foreign_complaint_file_becomes_closed_complaints(app: Flask) -> None:
    """Lines of one file are told apart, a line that cannot be read comes back, and twice changes nothing."""
    lines = [
        "7,2024-03-01,2024-03-31,Acme,A & H,Dental,Claim Handling,Claim Delay,Claim Settled,Claim Paid,12.5,Closed",
        "7,2024-03-01,2024-03-31,Acme,A & H,Dental,Claim Handling,Claim Denial,Claim Settled,Claim Paid,12.5,Closed",
        "8,2024-03-01,2024-04-01,,,,,,,,0.0,Closed",
        "9,2024-03-01,2024-02-01,Acme,,,,,,,0.0,Closed",
        "10,2024-03-01,2024-03-02,Acme,Moon,,Claim Handling,No Such Reason,,,x,Closed",
    ]
    content = "\n".join([HEAD, *lines]).encode()
    first, second = imported(content), imported(content)
    new, same, wrong = Outcome.NEW, Outcome.UNCHANGED, Outcome.WRONG
    assert [one.outcome for one in first] == [new, new, new, wrong, wrong]
    assert [one.outcome for one in second] == [same, same, same, wrong, wrong]
    assert sorted(first[4].errors) == ["product_line", "recovery_amount", "topic"]
    rows = list(db.session.scalars(select(Complaint).order_by(Complaint.id)))
    assert [row.external_number for row in rows] == ["7", "7-2", "8"]
    one, _two, bare = rows
    assert (one.status, one.channel.code, one.product_line.code, one.product) == (
        S.CLOSED, "REGULATOR", "HEALTH", "Dental",
    )  # fmt: skip
    assert (one.topic.name_en, one.topic.parent.name_en) == ("Claim Delay", "Claim Handling")
    assert (one.disposition.name_en, one.conclusion.name_en) == ("Claim Settled", "Claim Paid")
    assert (clock.local(one.contact_at).date(), clock.local(one.closed_at).date()) == (
        date(2024, 3, 1),
        date(2024, 3, 31),
    )
    assert (one.recovery_currency.name, float(one.recovery_amount), one.owner) == ("USD", 12.5, None)
    assert (bare.topic, bare.product_line, bool(bare.subject)) == (None, None, True)
    assert db.session.query(Task).count() == 0, "what ended long ago owes nothing"
    march = Period(date(2024, 3, 1), date(2024, 4, 30))
    figure = facts.complaints_closed_in_30_days(march).figure()
    assert (figure.part, figure.whole) == (2, 3)


@pytest.mark.slow
def test_the_real_complaints_lose_nothing(app: Flask) -> None:
    """Counts by reason and year are those of the file; every line is a complaint, once."""
    if not COMPLAINTS.is_file():
        pytest.skip(f"{COMPLAINTS} is not on this machine")
    with COMPLAINTS.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    judged = imported(COMPLAINTS.read_bytes())
    assert Counter(one.outcome for one in judged) == {Outcome.NEW: len(rows)}
    wanted = Counter((row["reason"], row["opened"][:4]) for row in rows)
    parents = {row.id: row.name_en for row in db.session.scalars(select(Topic))}
    topics = {row.id: parents[row.parent_id] for row in db.session.scalars(select(Topic)) if row.parent_id}
    found = Counter(
        (topics.get(topic, ""), str(clock.local(contact).year))
        for topic, contact in db.session.execute(select(Complaint.topic_id, Complaint.contact_at))
    )
    assert found == wanted
    quick = [(date.fromisoformat(row["closed"]) - date.fromisoformat(row["opened"])).days <= 30 for row in rows]
    figure = facts.complaints_closed_in_30_days(Period(date(2015, 1, 1), date(2026, 12, 31))).figure()
    assert (figure.part, figure.whole) == (sum(quick), len(rows))
    money = db.session.scalar(select(func.sum(Complaint.recovery_amount)))
    assert round(float(money), 2) == round(sum(float(row["recovery"]) for row in rows), 2)


def test_measures_count_what_they_say(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    answered = log(mei, Consultation, topic=coded(Topic, "TERMS").id)
    log(mei, Consultation)
    step(mei, answered, "answer", answer="如條款第三條。")
    step(mei, answered, "close", has_asked_further="y", is_thanked="y")
    complain(mei)
    month = Period.month_of(clock.today())

    def figure(name: str) -> tuple[int, int]:
        found = MEASURES[name].figure(month)
        return found.part, found.whole

    assert figure("consultations_logged") == (2, 2)
    assert figure("consultations_with_topic") == (1, 2)
    assert figure("closing_checks") == (1, 1)
    assert figure("first_responses_in_time") == (1, 1)
    assert figure("complaints_logged") == (1, 1)
    assert figure("complaints_with_facts") == (1, 1)
    assert figure("complaints_closed_in_30_days") == (0, 0)
    su = sign_in("su")
    assert su.page("/measures/list/") is not None
    for name in ("consultations_logged", "closing_checks", "first_responses_in_time", "complaints_logged"):
        one = MEASURES[name]
        screen = next(view for view in app.appbuilder.baseviews if type(view).__name__ == one.view)  # type: ignore[attr-defined]
        query = "&".join(f"{key}={value}" for key, value in one.filters(month).items())
        assert su.get(f"/api/v1{screen.route_base}/?{query}").json["count"] == one.figure(month).whole, name


def test_a_ticket_logged_before_has_a_response_measured_from_the_contact(app: Flask, sign_in: SignIn) -> None:
    """A contact typed in late is judged by when the customer reached us."""
    mei = sign_in("mei")
    contact = clock.local(clock.now() - timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
    found = log(mei, Consultation, contact_at=contact)
    step(mei, found, "answer", answer="晚了")
    assert tasks(found)["first_response"].status is TaskStatus.BROKEN


def test_a_matrix_with_a_hole_is_told(app: Flask, sign_in: SignIn) -> None:
    mei, su = sign_in("mei"), sign_in("su")
    found = complain(mei)
    rule = db.session.scalars(select(operations.PriorityRule)).first()
    su.submit(f"/priority-rule/edit/{rule.id}", priority="LOW")
    db.session.refresh(rule)
    assert rule.priority is Priority.LOW
    urgency, complexity = rule.urgency.name, rule.complexity.name
    db.session.delete(rule)
    db.session.commit()
    assert step(mei, found, "triage", urgency=urgency, complexity=complexity) == 422
    db.session.refresh(found)
    assert (found.status, found.priority) == (S.LOGGED, None)


def test_every_list_of_tickets_tells_what_is_due_next(app: Flask, sign_in: SignIn) -> None:
    """As people say it, with the exact moment on hover, and with no statement more for further tickets."""
    mei = sign_in("mei")
    contact = clock.local(clock.now() - timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
    late = complain(mei, contact_at=contact)
    log(mei, Consultation)
    log(mei, BusinessRequest, request_kind="CLAIM", customer=sample_customer().id)
    soonest = min(task.due_at for task in tasks(late).values())
    for route, count in (("complaint", 1), ("consultation", 1), ("business-request", 1), ("ticket", 3)):
        page = mei.page(f"/{route}/list/")
        assert len(page.select("td[data-label=最近期限] .tone[title]")) == count, route
    row = mei.page("/complaint/list/").select_one("tbody tr")
    due = row.select_one("td[data-label=最近期限] .tone-late")
    assert "逾" in due.text
    assert due["title"] == f"{clock.local(soonest):%Y-%m-%d %H:%M}"
    assert row.select_one("td .text-nowrap").text == late.number
    with statements() as few:
        mei.get("/ticket/list/")
    for _number in range(3):
        complain(mei)
    with statements() as many:
        mei.get("/ticket/list/")
    assert len(many) == len(few)
    # What stands still is not counted down.
    step(mei, late, "triage", urgency="URGENT", complexity="SIMPLE")
    for task in tasks(late).values():
        task.status, task.paused_at = TaskStatus.PAUSED, clock.now()
    db.session.commit()
    assert late.due_at is None


def test_triage_asks_whom_to_assign_and_may_leave_it_to_the_leads(app: Flask, sign_in: SignIn) -> None:
    mei, liang = sign_in("mei"), sign_in("liang")
    rated = {"urgency": "URGENT", "complexity": "SIMPLE"}
    found = complain(mei)
    page = mei.page(f"/complaint/step/{found.id}/triage")
    assert inputs(page.select_one("form[data-guard]"))["owner"] == str(member("mei").id), "whoever has it keeps it"
    assert step(mei, found, "triage", **rated, owner=member("tao").id) == 200
    owed = [task.owner for task in tasks(found).values() if task.status is TaskStatus.OPEN]
    assert (found.owner, set(owed)) == (member("tao"), {member("tao")})
    left = complain(mei)
    assert step(mei, left, "triage", **rated, owner="") == 200
    db.session.refresh(left)
    assert (left.owner, left.team, left.status) == (None, member("mei").team, S.ASSIGNED)
    assert tasks(left)["complaint_resolution"].role == "team_lead"
    assert left.number in liang.page("/").main.text
    about = complain(sign_in("su"), about=member("mei").id)
    assert step(sign_in("su"), about, "triage", **rated, owner=member("mei").id) == 422
