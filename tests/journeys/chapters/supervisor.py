"""The supervisors' chapter, followed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from conftest import member
from playwright.sync_api import expect
from sqlalchemy import select
from test_pulse import complaint
from test_roster import DAY
from test_training import course

from app.appraisal.models import Appraisal, AppraisalStatus, Cycle, CycleStatus
from app.casework.models import Complaint, Priority
from app.core import clock
from app.core.db import db
from app.training.models import (
    Enrolment,
    EnrolmentStatus,
    PlanStatus,
    SessionStatus,
    TrainingPlan,
    TrainingSession,
)
from journeys.conftest import Browse, rows
from journeys.manual import Reader

from .rows import S, newest, owed

LOGIN = "su"


def follow(manual: Reader, browse: Browse, folder: Path) -> None:
    """A supervisor's year: plan, sessions, appraisals, major complaints, measures."""
    write_a_plan(manual)
    hold_a_session(manual)
    appraise_a_month(manual)
    close_a_complaint(manual)
    look_at_measures(manual)


def write_a_plan(manual: Reader) -> None:
    """Write and submit a plan, approve somebody else's, revise it (clause 4.1.1)."""
    manual.task()
    page = manual.page
    manual.menu("Training plans")
    manual.click("Add")
    manual.set("Year", "2031")
    manual.set("Goals", "新進人員三個月內獨立接聽")
    manual.set("Budget", "120000")
    manual.send()
    manual.click("Edit the rows")
    manual.click("Add a row")
    row = page.locator("tr[data-row]").last
    for name, value in (("title", "保險法修正重點"), ("audience", "全體客服"), ("hours", "6")):
        row.locator(f"[name$='-{name}']").fill(value)
    for name in ("topic_area", "method", "quarter"):
        row.locator(f"[name$='-{name}']").select_option(index=1)
    for heading in ("What is taught", "Topic area", "Method", "Quarter", "For whom", "Hours"):
        manual.see(heading)
    manual.click("Save all rows")
    manual.see("Topic areas without an item")
    manual.click("Submit")
    manual.stands("Waiting for approval")
    with rows() as session:
        made = newest(TrainingPlan)
        assert [item.title for item in made.items] == ["保險法修正重點"]
        assert (made.status, made.author) == (PlanStatus.SUBMITTED, member("su"))
        other = TrainingPlan(year=2032, goals="理賠", author=member("liang"), status=PlanStatus.SUBMITTED)
        session.add(other)
        session.flush()
        key = other.id
    manual.open(f"/training-plan/show/{key}")
    manual.click("Send back")
    manual.peek("Answer")
    manual.click("Approve")
    manual.stands("In force")
    manual.click("Revise")
    expect(page.locator(".note-success")).to_be_visible()
    with rows() as session:
        assert session.get_one(TrainingPlan, key).approver == member("su")
        assert (newest(TrainingPlan).edition, newest(TrainingPlan).status) == (2, PlanStatus.DRAFT)


def hold_a_session(manual: Reader) -> None:
    """Plan a session for a team, tell its people, say who came (clause 4.2.1)."""
    manual.task()
    page = manual.page
    course()
    db.session.commit()
    manual.menu("Training sessions")
    manual.click("Plan a session")
    manual.set("Course")
    manual.set("Starts at", "2031-03-03T09:00")
    manual.set("Ends at", "2031-03-03T11:00")
    manual.set("Place", "4F 訓練教室")
    manual.enter("method", "CASE")
    manual.enter("outside_trainer", "李老師")
    manual.set("For the team")
    manual.send()
    manual.click("Notify participants")
    manual.stands("Participants notified")
    manual.see("Change time or place")
    manual.see("Call off")
    with rows() as session:
        held = newest(TrainingSession)
        assert {place.status for place in held.enrolments} == {EnrolmentStatus.NOTIFIED}
        held.starts_at, held.ends_at = clock.now() - 2 * DAY, clock.now() - DAY
        key, place = held.id, session.scalars(select(Enrolment.id).order_by(Enrolment.id)).first()
    manual.open(f"/enrolment/show/{place}")
    manual.see("Mark as absent")
    manual.click("Mark as attended")
    manual.stands("Attended")
    page.goto(f"/training-session/show/{key}")
    manual.click("Confirm it was held")
    manual.stands("Held")
    with rows() as session:
        assert session.get_one(TrainingSession, key).status is SessionStatus.HELD
        assert session.get_one(Enrolment, place).status is EnrolmentStatus.ATTENDED


def appraise_a_month(manual: Reader) -> None:
    """Open a cycle, score somebody, close the cycle (clause 5.2.1)."""
    manual.task()
    page = manual.page
    manual.menu("Appraisal cycles")
    manual.click("Add")
    manual.set("Kind", "MONTHLY")
    manual.set("First day", "2026-10-01")
    manual.set("Last day", "2026-10-31")
    manual.send()
    manual.click("Open", "main", "cycle")
    manual.stands("Open for self-assessment")
    manual.click("End self-assessment")
    manual.stands("Being scored")
    cycle = page.url
    with rows() as session:
        key = session.scalars(select(Appraisal.id).where(Appraisal.person == member("mei"))).one()
    manual.open(f"/appraisal/show/{key}")
    manual.see("Appraisals")
    manual.click("Score sheet")
    manual.see("Score")
    page.locator("[name^=score_]").first.fill("4")
    manual.send()
    manual.click("Finish scoring")
    manual.set("Comment of the scorer", "繼續保持")
    manual.send()
    manual.stands("Waiting for confirmation")
    with rows() as session:
        found = session.get_one(Appraisal, key)
        assert (found.status, found.scorer, str(found.total)) == (AppraisalStatus.CONFIRMING, member("su"), "4.00")
        for one in session.scalars(select(Appraisal)):
            one.status, one.settled_at, one.total = AppraisalStatus.SETTLED, clock.now(), Decimal(4)
    page.goto(cycle)
    manual.click("Close", "main", "cycle")
    manual.stands("Closed", "cycle")
    with rows():
        assert newest(Cycle).status is CycleStatus.CLOSED


def close_a_complaint(manual: Reader) -> None:
    """Assign, settle and close a complaint (clauses 2.3.6 and 3.2.5)."""
    manual.task()
    made = owed(complaint("mei"))
    key = made.id
    db.session.commit()
    manual.menu("Complaints")
    manual.see("Overdue")
    manual.open(f"/complaint/show/{key}")
    manual.click("Triage")
    manual.enter("urgency", "CRITICAL")
    manual.enter("complexity", "COMPLEX")
    manual.set("Assignee", "王濤")
    manual.send()
    manual.stands("Assigned")
    manual.see("Hand over")
    with rows() as session:
        found = session.get_one(Complaint, key)
        assert (found.owner, found.priority) == (member("tao"), Priority.HIGH)
        found.status = S.IN_PROGRESS
    manual.page.reload()
    manual.click("Resolve")
    manual.enter("remedy", "補付差額。")
    manual.enter("root_cause")
    manual.set("Finding")
    manual.set("Conclusion")
    manual.set("Amount recovered", "1200")
    manual.set("Currency", "TWD")
    manual.send()
    manual.stands("Resolved")
    manual.see("Reopen")
    manual.click("Close", "main")
    manual.stands("Closed")
    with rows() as session:
        found = session.get_one(Complaint, key)
        assert (found.status, found.recovery_amount) == (S.CLOSED, 1200)


def look_at_measures(manual: Reader) -> None:
    """Look at a month, at the records behind a measure, and at a chart (clause 2.3.3)."""
    manual.task()
    manual.menu("Measures")
    manual.set("Month", "2026-10")
    manual.click("Show", "main")
    manual.page.locator("main td a").first.click()
    expect(manual.page.locator(".tools")).to_be_visible()
    manual.open("/complaint/list/")
    manual.click("Chart")
    manual.set("What", "count")
    manual.set("By", "status")
    manual.click("Show", "main")
    expect(manual.page.locator("[data-bars] tbody a")).to_have_count(1)
