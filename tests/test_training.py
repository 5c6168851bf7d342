"""Training (chapter 4): a plan from draft to approval and its next edition, sessions, notices, receipts; who may."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from conftest import Person, SignIn, inputs, member
from flask import Flask
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select
from test_laws import statements

from app.core import clock
from app.core.db import db
from app.core.measures import MEASURES, Period
from app.staff.models import StaffMember, Task, TaskStatus, Team
from app.training.models import (
    Course,
    Enrolment,
    EnrolmentStatus,
    Method,
    PlanItem,
    PlanStatus,
    Quarter,
    SessionStatus,
    TopicArea,
    TrainingPlan,
    TrainingSession,
)


def area(code: str = "PRODUCTS") -> TopicArea:
    return db.session.scalars(select(TopicArea).where(TopicArea.code == code)).one()


def second_supervisor() -> str:
    """Make a second supervisor, since nobody approves their own plan; return the login."""
    user = User(username="bai", last_name="白", first_name="露", email="bai@example.com", active=True, password="x")
    user.roles = [db.session.scalars(select(Role).where(Role.name == "supervisor")).one()]
    db.session.add(user)
    db.session.flush()
    db.session.add(
        StaffMember(
            number="E0900", name="白露", user_id=user.id, department=member("su").department, hired_on=date(2020, 1, 2)
        )
    )
    db.session.commit()
    return "bai"


def latest(model: type[Any]) -> Any:
    db.session.expire_all()
    return db.session.scalars(select(model).order_by(model.id.desc())).first()


def write_plan(person: Person, year: int = 2031) -> TrainingPlan:
    assert person.submit("/training-plan/add", year=str(year), goals="熟悉新產品", budget="200000").status_code == 200
    return latest(TrainingPlan)


def add_item(person: Person, plan: TrainingPlan, **more: str) -> Any:
    return person.submit(
        f"/plan-item/add?plan={plan.id}",
        **{
            "title": "長照險條款",
            "topic_area": str(area().id),
            "method": "CASE",
            "quarter": "Q2",
            "audience": "全體客服專員",
            "hours": "3",
            **more,
        },
    )


def approved_plan(sign_in: SignIn) -> TrainingPlan:
    su, other = sign_in("su"), sign_in(second_supervisor())
    plan = write_plan(su)
    add_item(su, plan)
    su.send(f"/training-plan/step/{plan.id}/submit")
    assert other.send(f"/training-plan/step/{plan.id}/approve").status_code == 302
    return latest(TrainingPlan)


@pytest.mark.slow
def test_a_supervisor_edits_a_plan_and_a_colleague_approves_it(app: Flask, sign_in: SignIn) -> None:
    su, other = sign_in("su"), sign_in(second_supervisor())
    plan = write_plan(su)
    assert (plan.author, plan.edition, plan.status) == (member("su"), 1, PlanStatus.DRAFT)
    page = su.page(f"/training-plan/show/{plan.id}")
    # The page of a draft offers the next item, and tells which of the five areas have none yet.
    link = page.select_one(f"a[href='/plan-item/add?plan={plan.id}']")
    assert link is not None
    assert "溝通技巧" in page.main.text
    assert add_item(su, plan).status_code == 200
    # Several items in a row: the form comes back empty, in the same plan and quarter.
    form = inputs(su.page(link["href"]).select_one("form.form"))
    again = su.post(
        link["href"],
        data={
            **form,
            "title": "同理心表達",
            "topic_area": str(area("COMMUNICATION").id),
            "method": "SIMULATION",
            "quarter": "Q3",
            "audience": "新進同仁",
            "hours": "1.5",
            "again": "1",
        },
    )
    assert again.headers["Location"] == f"/plan-item/add?plan={plan.id}&quarter=Q3"
    kept = inputs(su.page(again.headers["Location"]).select_one("form.form"))
    assert (kept["plan"], kept["quarter"], kept["title"]) == (str(plan.id), "Q3", "")
    item = latest(PlanItem)
    assert su.submit(f"/plan-item/edit/{item.id}", hours="2").status_code == 200
    page = su.page(f"/training-plan/show/{plan.id}")
    assert {"長照險條款", "同理心表達"} <= {row.text for row in page.select("td a")} | {
        row.text for row in page.select("td")
    }
    assert plan.hours == 5
    assert area("COMMUNICATION") not in plan.uncovered

    assert su.send(f"/training-plan/step/{plan.id}/submit").status_code == 302
    task = db.session.scalars(select(Task)).one()
    assert (task.promise, task.role, task.clause.number) == ("plan_approval", "supervisor", "4.1.1")
    # Waiting for approval nothing changes; sent back it does.
    assert add_item(su, plan).status_code == 422
    other.submit(f"/training-plan/step/{plan.id}/send_back", answer="請補第四季")
    assert latest(TrainingPlan).status is PlanStatus.DRAFT
    assert add_item(su, plan, title="年度複習", quarter="Q4").status_code == 200
    su.send(f"/training-plan/step/{plan.id}/submit")
    assert other.send(f"/training-plan/step/{plan.id}/approve").status_code == 302
    plan = latest(TrainingPlan)
    assert (plan.status, plan.approver.name, plan.approved_at is not None) == (PlanStatus.APPROVED, "白露", True)
    assert {row.status for row in db.session.scalars(select(Task))} == {TaskStatus.KEPT}


def test_nobody_approves_their_own_plan(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    plan = write_plan(su)
    add_item(su, plan)
    su.send(f"/training-plan/step/{plan.id}/submit")
    url = f"/training-plan/step/{plan.id}/approve"
    assert url not in str(su.page(f"/training-plan/show/{plan.id}"))
    assert su.send(url).status_code == 403
    su.send("/training-plan/steps/approve", {"rowid": str(plan.id)})
    assert latest(TrainingPlan).status is PlanStatus.SUBMITTED


def test_an_empty_plan_is_not_submitted_and_a_year_has_one_draft(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    plan = write_plan(su)
    assert "還沒有" in su.refused(f"/training-plan/step/{plan.id}/submit")
    assert latest(TrainingPlan).status is PlanStatus.DRAFT
    answer = su.submit("/training-plan/add", year="2031", goals="另一份", budget="")
    assert answer.status_code == 422
    page = su.read(answer.text, "add")
    assert page.select_one("#year-error") is not None
    assert page.select_one("[name=goals]").text.strip() == "另一份"
    for year in ("1999", "abc", "20311", "-1"):
        assert su.submit("/training-plan/add", year=year, goals="目標").status_code == 422


@pytest.mark.slow
def test_a_plan_in_force_changes_by_its_next_edition_only(app: Flask, sign_in: SignIn) -> None:
    plan = approved_plan(sign_in)
    su, other = sign_in("su"), sign_in("bai")
    item = latest(PlanItem)
    made = a_session(plan_item=item)
    assert su.send(f"/plan-item/edit/{item.id}", {"version": str(item.version), "hours": "9"}).status_code == 422
    assert su.page(f"/plan-item/edit/{item.id}").select_one(".note-danger") is not None
    assert f"/plan-item/add?plan={plan.id}" not in str(su.page(f"/training-plan/show/{plan.id}"))
    assert su.send(f"/training-plan/delete/{plan.id}", follow_redirects=True).status_code == 200
    assert su.send(f"/training-plan/step/{plan.id}/revise").status_code == 302
    copy = latest(TrainingPlan)
    assert (copy.year, copy.edition, copy.status, [one.title for one in copy.items]) == (
        2031,
        2,
        PlanStatus.DRAFT,
        ["長照險條款"],
    )
    assert su.refused(f"/training-plan/step/{plan.id}/revise")
    add_item(su, copy, title="理賠新制")
    su.send(f"/training-plan/step/{copy.id}/submit")
    other.send(f"/training-plan/step/{copy.id}/approve")
    db.session.expire_all()
    states = {row.edition: row.status for row in db.session.scalars(select(TrainingPlan))}
    assert states == {1: PlanStatus.REPLACED, 2: PlanStatus.APPROVED}
    # What was planned for the old item counts for its copy.
    assert db.session.get(TrainingSession, made.id).plan_item in copy.items


# -- sessions --------------------------------------------------------------------------------


def course() -> Course:
    found = db.session.scalars(select(Course)).first()
    if found is None:
        found = Course(code="C-01", title="長照險入門", topic_area=area())
        db.session.add(found)
        db.session.commit()
    return found


def a_session(**more: Any) -> TrainingSession:
    starts = more.pop("starts_at", datetime(2031, 3, 3, 1, 0, tzinfo=UTC))
    made = TrainingSession(
        **{
            "course": course(),
            "starts_at": starts,
            "ends_at": starts + timedelta(hours=2),
            "place": "4F 訓練教室",
            "method": Method.CASE,
            "outside_trainer": "李老師",
            **more,
        }
    )
    db.session.add(made)
    db.session.commit()
    return made


def plan_session(person: Person, **more: str) -> Any:
    return person.submit(
        "/training-session/add",
        **{
            "course": str(course().id),
            "starts_at": "2031-03-03T09:00",
            "ends_at": "2031-03-03T11:00",
            "place": "4F 訓練教室",
            "method": "CASE",
            "outside_trainer": "李老師",
            "agenda": "條款與案例",
            **more,
        },
    )


def team(code: str = "T1") -> Team:
    return db.session.scalars(select(Team).where(Team.code == code)).one()


@pytest.mark.slow
def test_a_session_is_planned_notified_read_and_held(app: Flask, sign_in: SignIn) -> None:
    liang, mei = sign_in("liang"), sign_in("mei")
    assert plan_session(liang, team=str(team().id)).status_code == 200
    made = latest(TrainingSession)
    # Typed and shown in the office's zone, kept in UTC.
    assert made.starts_at == datetime(2031, 3, 3, 1, 0, tzinfo=UTC)
    assert "2031-03-03 09:00" in liang.page(f"/training-session/show/{made.id}").main.text
    places = {row.person.name: row for row in db.session.scalars(select(Enrolment))}
    assert set(places) == {"周美", "王濤", "陳亮"}
    mine = places["周美"]
    assert mei.refused(f"/enrolment/step/{mine.id}/read")
    assert liang.send(f"/training-session/step/{made.id}/notify").status_code == 302
    made = latest(TrainingSession)
    assert made.notice_days == (date(2031, 3, 3) - clock.today()).days
    tasks = {row.owner.name: row for row in db.session.scalars(select(Task))}
    assert set(tasks) == set(places)
    assert (tasks["周美"].promise, tasks["周美"].clause.number) == ("training_receipt", "4.2.1")
    assert "條款與案例" in mei.page(f"/enrolment/show/{mine.id}").main.text
    assert mei.send(f"/enrolment/step/{mine.id}/read").status_code == 302
    db.session.expire_all()
    assert (mine.status, mine.read_at is not None) == (EnrolmentStatus.READ, True)
    assert tasks["周美"].status is TaskStatus.KEPT
    # Nobody came yet, and what was announced changes only with a new notice.
    assert liang.refused(f"/training-session/step/{made.id}/hold")
    assert liang.refused(f"/enrolment/step/{mine.id}/attend")
    assert liang.send(f"/training-session/edit/{made.id}", {"version": str(made.version)}).status_code == 422
    assert liang.send(f"/training-session/step/{made.id}/change").status_code == 302
    db.session.expire_all()
    assert (made.status, mine.status, mine.read_at) == (SessionStatus.PLANNED, EnrolmentStatus.ENROLLED, None)
    yesterday = clock.local(clock.now()) - timedelta(days=1)
    moved = {"starts_at": f"{yesterday:%Y-%m-%dT09:00}", "ends_at": f"{yesterday:%Y-%m-%dT11:00}"}
    assert liang.submit(f"/training-session/edit/{made.id}", **moved).status_code == 200
    liang.send(f"/training-session/step/{made.id}/notify")
    answer = liang.send("/enrolment/steps/attend", {"rowid": [str(mine.id), str(places["王濤"].id)]})
    assert answer.status_code == 302
    assert liang.send(f"/training-session/step/{made.id}/hold").status_code == 302
    db.session.expire_all()
    assert [mine.status, places["王濤"].status] == [EnrolmentStatus.ATTENDED] * 2
    assert latest(TrainingSession).status is SessionStatus.HELD
    assert liang.send(f"/enrolment/delete/{mine.id}", follow_redirects=True).status_code == 200
    assert db.session.query(Enrolment).count() == 3


def test_a_session_needs_times_a_trainer_a_room_and_people(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    for wrong, field in (
        ({"ends_at": "2031-03-03T09:00"}, "ends_at"),
        ({"outside_trainer": ""}, "trainer"),
        ({"team": str(team().id), "capacity": "2"}, "capacity"),
        ({"capacity": "0"}, "capacity"),
    ):
        answer = plan_session(su, **wrong)
        assert answer.status_code == 422, wrong
        page = su.read(answer.text, "add")
        assert page.select_one(f"#{field}-error") is not None, wrong
        assert page.select_one("[name=place]")["value"] == "4F 訓練教室"
    assert db.session.query(TrainingSession).count() == 0
    made = a_session(capacity=1)
    assert su.refused(f"/training-session/step/{made.id}/notify")
    for login, status in (("mei", 200), ("mei", 422), ("tao", 422)):
        answer = su.submit(f"/enrolment/add?session={made.id}", person=str(member(login).id))
        assert answer.status_code == status, login
    su.submit(f"/training-session/step/{made.id}/cancel", reason="講師請假")
    assert latest(TrainingSession).status is SessionStatus.CANCELLED


def test_a_latecomer_is_told_at_once(app: Flask, sign_in: SignIn) -> None:
    made = a_session()
    su = sign_in("su")
    su.submit(f"/enrolment/add?session={made.id}", person=str(member("mei").id))
    su.send(f"/training-session/step/{made.id}/notify")
    su.submit(f"/enrolment/add?session={made.id}", person=str(member("kai").id))
    assert latest(Enrolment).status is EnrolmentStatus.NOTIFIED
    assert len(list(db.session.scalars(select(Task).where(Task.owner == member("kai"))))) == 1


def test_a_lead_runs_the_own_teams_sessions_only(app: Flask, sign_in: SignIn) -> None:
    """To take part in a session is not to run it; forged ids of another team change nothing."""
    liang = sign_in("liang")
    theirs, open_to_all = a_session(team=team("T2")), a_session()
    db.session.add(Enrolment(session=open_to_all, person=member("liang")))
    foreign = Enrolment(session=theirs, person=member("kai"))
    db.session.add(foreign)
    db.session.commit()
    assert liang.get(f"/training-session/show/{theirs.id}").status_code == 404
    assert liang.get(f"/training-session/show/{open_to_all.id}").status_code == 200
    for made in (theirs, open_to_all):
        for url in (f"/training-session/edit/{made.id}", f"/training-session/step/{made.id}/notify"):
            assert liang.send(url, {"version": "1"}).status_code == 404
    assert liang.send(f"/enrolment/delete/{foreign.id}").status_code == 404
    assert plan_session(liang).status_code == 422
    assert plan_session(liang, team=str(team("T2").id)).status_code == 422
    assert liang.submit(f"/enrolment/add?session={open_to_all.id}", person=str(member("kai").id)).status_code == 422
    assert liang.submit(f"/enrolment/add?session={open_to_all.id}", person=str(member("tao").id)).status_code == 200
    assert db.session.query(TrainingSession).count() == 2


@pytest.mark.parametrize(
    ("login", "plans", "edits", "courses"),
    [
        ("su", 200, 200, 200),
        ("liang", 200, 403, 200),
        ("mei", 403, 403, 200),
        ("ao", 200, 403, 200),
        ("an", 200, 403, 200),
        ("fan", 403, 403, 403),
        ("du", 403, 403, 403),
    ],
)
def test_who_reads_and_who_writes_plans(
    app: Flask, sign_in: SignIn, login: str, plans: int, edits: int, courses: int
) -> None:
    person = sign_in(login)
    assert person.get("/training-plan/list/").status_code == plans
    assert person.get("/training-plan/add").status_code == edits
    assert person.get("/course/list/").status_code == courses


def test_an_agent_reads_the_own_notice_and_nobody_elses(app: Flask, sign_in: SignIn) -> None:
    made = a_session()
    places = {login: Enrolment(session=made, person=member(login)) for login in ("mei", "kai")}
    db.session.add_all(places.values())
    db.session.commit()
    sign_in("su").send(f"/training-session/step/{made.id}/notify")
    mei = sign_in("mei")
    assert mei.get(f"/training-session/show/{made.id}").status_code == 200
    assert mei.get(f"/enrolment/show/{places['kai'].id}").status_code == 404
    assert mei.send(f"/enrolment/step/{places['kai'].id}/read").status_code == 404
    assert mei.send(f"/enrolment/step/{places['mei'].id}/attend").status_code == 403
    # A lead does not acknowledge for the team.
    assert sign_in("liang").send(f"/enrolment/step/{places['mei'].id}/read").status_code == 404


def test_lists_need_few_statements_however_many_rows(app: Flask, sign_in: SignIn) -> None:
    for number in range(30):
        made = a_session(course=Course(code=f"X{number}", title=f"課程{number}", topic_area=area()), team=team())
        db.session.add(Enrolment(session=made, person=member("mei")))
    plan = TrainingPlan(year=2031, goals="目標")
    db.session.add_all(
        PlanItem(
            plan=plan,
            quarter=Quarter.Q1,
            topic_area=area(),
            title=f"項{n}",
            method=Method.CASE,
            audience="全體",
            hours=1,
        )
        for n in range(30)
    )
    db.session.commit()
    su = sign_in("su")
    for url, most in (
        ("/training-session/list/", 10),
        ("/enrolment/list/", 10),
        ("/plan-item/list/", 10),
        (f"/training-plan/show/{plan.id}", 20),
    ):
        with statements() as found:
            assert su.get(url).status_code == 200
        assert len(found) <= most, url + "\n" + "\n".join(found)


def test_the_measures_of_training(app: Flask) -> None:
    for days in (5, 2):
        a_session(status=SessionStatus.HELD, notice_days=days)
    a_session(status=SessionStatus.CANCELLED)
    db.session.add(TrainingPlan(year=2031, goals="目標", status=PlanStatus.APPROVED, approved_at=clock.now()))
    db.session.commit()
    march = Period.month_of(date(2031, 3, 1))
    names = ("plans_in_force", "sessions_held", "sessions_noticed")
    assert [(MEASURES[name].figure(march).part, MEASURES[name].figure(march).whole) for name in names] == [
        (1, 1),
        (2, 2),
        (1, 2),
    ]
