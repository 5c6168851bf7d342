"""The pulse: what waits for a person by screen, what is late or due soon, asked by open pages and by nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from conftest import Person, SignIn, member
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from samples import sample
from sqlalchemy import select
from test_laws import ROLES, one_of_each, statements

from app.casework.models import Complaint, Consultation, TicketStatus
from app.core import clock
from app.core.accounts import setting_of
from app.core.db import db
from app.lobby.views_pulse import CAP, TASKS
from app.roster.models import LeaveRequest, LeaveStatus
from app.staff.models import StaffMember, Task, TaskStatus
from app.training.models import Enrolment, EnrolmentStatus, PlanStatus, TrainingPlan
from app.workplace.models import Repair, RepairStatus

STATEMENTS = 6


def pulse(person: Person) -> dict[str, Any]:
    """Return what an open page of this person is told."""
    answer = person.get("/pulse")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json
    return found


def waiting(person: Person) -> dict[str, int]:
    """Return the counts that are not nothing."""
    return {name: one["count"] for name, one in pulse(person)["queues"].items() if one["count"]}


def complaint(login: str, status: TicketStatus = TicketStatus.LOGGED, kind: type[Any] = Complaint) -> Any:
    """Make a ticket of one of the cast."""
    made = sample(kind, member(login))
    made.status = status
    if status is TicketStatus.CLOSED:
        made.closed_at = made.opened_at
    if status is TicketStatus.RESOLVED:
        made.resolved_at = made.opened_at
    db.session.commit()
    return made


def task(owner: str | None, hours: float, **more: Any) -> Task:
    """Make an open task that is due in so many hours."""
    repair = sample(Repair, member("mei"))
    now = clock.now()
    made = Task(**{
        "promise": "repair_return", "entity": "repair", "record_id": repair.id, "subject": f"{repair.number} {hours}",
        "owner": member(owner) if owner else None, "opened_at": now - timedelta(days=9),
        "due_at": now + timedelta(hours=hours), **more,
    })  # fmt: skip
    db.session.add(made)
    db.session.commit()
    return made


def test_a_persons_own_rows_wait_up_to_the_end_of_the_workflow(app: Flask, sign_in: SignIn) -> None:
    for status in (TicketStatus.LOGGED, TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED, TicketStatus.CLOSED):
        complaint("mei", status)
    complaint("tao")
    complaint("kai")
    complaint("mei", kind=Consultation)
    assert waiting(sign_in("mei")) == {"ComplaintView": 3, "ConsultationView": 1}
    assert waiting(sign_in("tao")) == {"ComplaintView": 1}
    # Their lead sees all of them in the list; none waits for him.
    assert waiting(sign_in("liang")) == {}
    told = pulse(sign_in("mei", "en"))["queues"]
    assert told["ComplaintView"] == {"count": 3, "shown": "3", "told": "3 open"}
    assert told["ConsultationView"]["told"] == "1 open"
    assert pulse(sign_in("mei"))["queues"]["ComplaintView"]["told"] == "3 件待處理"
    assert pulse(sign_in("mei", "zh_Hans_CN"))["queues"]["ComplaintView"]["told"] == "3 件待处理"


def test_what_is_handed_on_waits_for_the_next_person(app: Flask, sign_in: SignIn) -> None:
    made = complaint("mei")
    made.owner, made.team = member("kai"), member("kai").team
    db.session.commit()
    assert waiting(sign_in("mei")) == {}
    assert waiting(sign_in("kai")) == {"ComplaintView": 1}


def test_a_repair_waits_for_whoever_has_the_next_word(app: Flask, sign_in: SignIn) -> None:
    made = sample(Repair, member("mei"))
    made.owner = None
    db.session.commit()
    mei, fan = sign_in("mei"), sign_in("fan")
    assert waiting(mei) == {}
    assert waiting(fan) == {"RepairView": 1}
    made.status, made.owner = RepairStatus.IN_REPAIR, member("fan")
    db.session.commit()
    assert waiting(fan) == {"RepairView": 1}
    made.status, made.returned_at = RepairStatus.FIXED, made.reported_at
    db.session.commit()
    assert waiting(fan) == {}
    assert waiting(mei) == {"RepairView": 1}
    # Whoever may stand in for the reporter is not the one who is waited for.
    assert waiting(sign_in("su")) == {}


def test_requests_wait_for_those_who_may_decide_and_never_for_who_asks(app: Flask, sign_in: SignIn) -> None:
    leave = {login: sample(LeaveRequest, member(login)) for login in ("mei", "liang", "kai")}
    db.session.commit()
    assert waiting(sign_in("mei")) == {}
    assert waiting(sign_in("liang")) == {"LeaveRequestView": 1}
    assert waiting(sign_in("su")) == {"LeaveRequestView": 3}
    leave["mei"].status, leave["mei"].decided_at = LeaveStatus.APPROVED, clock.now()
    plan = sample(TrainingPlan, member("liang"))
    plan.status = PlanStatus.SUBMITTED
    place = sample(Enrolment, member("mei"))
    place.status, place.notified_at = EnrolmentStatus.NOTIFIED, clock.now()
    db.session.commit()
    assert waiting(sign_in("liang")) == {}
    assert waiting(sign_in("su")) == {"LeaveRequestView": 2, "TrainingPlanView": 1}
    assert waiting(sign_in("mei")) == {"EnrolmentView": 1}


def test_counts_end_at_ninety_nine(app: Flask, sign_in: SignIn) -> None:
    first = task("mei", 90)
    db.session.add_all(
        Task(promise=first.promise, entity=first.entity, record_id=first.record_id, subject=first.subject,
             owner=first.owner, opened_at=first.opened_at, due_at=first.due_at)
        for _number in range(CAP + 5)
    )  # fmt: skip
    db.session.commit()
    found = pulse(sign_in("mei", "en"))["queues"]["TaskView"]
    assert found == {"count": CAP, "shown": "99+", "told": "more than 99 open"}


def test_late_and_soon_tasks_are_told_most_urgent_first(app: Flask, sign_in: SignIn) -> None:
    soon, late = task("mei", 3.9), task("mei", -2.2)
    task("mei", 5)
    task("tao", -1)
    task("mei", -9, status=TaskStatus.PAUSED, paused_at=clock.now())
    task("mei", -9, status=TaskStatus.KEPT, done_at=clock.now())
    due = pulse(sign_in("mei"))["due"]
    assert [one["record"] for one in due["tasks"]] == [late.subject, soon.subject]
    assert (due["count"], due["shown"]) == (2, "2")
    first, second = due["tasks"]
    assert first["words"] == "逾 2 時 12 分"
    assert (first["tone"], second["tone"]) == ("late", "soon")
    assert first["url"] == f"/repair/show/{late.record_id}"
    assert "恢復使用" in first["what"]
    assert first["exact"] == f"{clock.local(late.due_at):%Y-%m-%d %H:%M}"
    # Owed by a role, and by nobody in it yet.
    unowned = task(None, -1, role="facility")
    assert [one["record"] for one in pulse(sign_in("fan"))["due"]["tasks"]] == [unowned.subject]
    assert pulse(sign_in("ao"))["due"]["count"] == 0
    # Only who may open such records is led to them.
    task("du", -1, entity="customer", subject="CU-1")
    assert [(one["record"], one["url"]) for one in pulse(sign_in("du"))["due"]["tasks"]] == [("CU-1", None)]


def test_eight_tasks_are_shown_and_all_are_counted(app: Flask, sign_in: SignIn) -> None:
    made = [task("mei", -number - 1) for number in range(TASKS + 3)]
    due = pulse(sign_in("mei"))["due"]
    assert due["count"] == len(made)
    assert [one["record"] for one in due["tasks"]] == [one.subject for one in reversed(made)][:TASKS]


def test_all_counts_are_one_statement_and_all_tasks_another(app: Flask, sign_in: SignIn) -> None:
    one_of_each(app, "mei")
    task("mei", -1)
    for login in ROLES.values():
        person = sign_in(login)
        with statements() as found:
            answer = person.get("/pulse")
        assert answer.status_code == 200, login
        assert len(found) <= STATEMENTS, login + "\n".join(found)
        counted = [text for text in found if "count(*)" in text and "FROM repair" in text]
        assert len(counted) == 1, login
        assert len([text for text in found if "FROM task" in text and text not in counted]) == 1, login


def test_a_screen_that_may_not_be_listed_is_not_counted(app: Flask, sign_in: SignIn) -> None:
    one_of_each(app, "mei")
    assert set(pulse(sign_in("fan"))["queues"]) == {"RepairView", "TaskView"}


def test_the_navigation_has_a_place_for_each_count(app: Flask, sign_in: SignIn) -> None:
    for login in ROLES.values():
        person = sign_in(login)
        page = person.page("/account/")
        places = {str(place["data-queue"]) for place in page.select("nav.side a .count[hidden]")}
        assert set(pulse(person)["queues"]) <= places, login
        assert page.select_one(".top-due a")["href"] == "/"


def test_strangers_and_lent_passwords_are_refused_and_find_no_message_later(app: Flask, sign_in: SignIn) -> None:
    stranger = app.test_client()
    answer = stranger.get("/pulse")
    assert (answer.status_code, answer.data) == (401, b"")
    assert "Set-Cookie" not in answer.headers
    setting_of(db.session.scalar(select(User.id).where(User.username == "mei"))).must_change_password = True
    db.session.commit()
    mei = sign_in("mei")
    for _time in range(3):
        assert mei.get("/pulse").status_code == 401
    notes = [note.text for note in mei.page("/account/").select(".note")]
    assert len(notes) == len(set(notes)) <= 1
    assert not any("登入" in note for note in notes)


def test_asking_keeps_no_session_alive_and_nothing_is_kept(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    with mei.session_transaction() as session:
        session.permanent = True
    assert "Set-Cookie" in mei.get("/account/").headers
    answer = mei.get("/pulse")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "application/json"


@pytest.mark.parametrize("login", ["mei", "su"])
def test_a_login_without_a_staff_record_is_told_what_is_there(app: Flask, sign_in: SignIn, login: str) -> None:
    complaint("mei")
    person = sign_in(login)
    db.session.get_one(StaffMember, member(login).id).user_id = None
    db.session.commit()
    assert waiting(person) == {}
    assert pulse(person)["due"]["count"] == 0
