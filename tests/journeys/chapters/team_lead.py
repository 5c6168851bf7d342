"""The team leaders' chapter, followed."""

from __future__ import annotations

from pathlib import Path

from conftest import member
from playwright.sync_api import expect
from sqlalchemy import select
from test_pulse import complaint
from test_roster import DAY, MONDAY, kind, shift, shifts, team

from app.casework.models import Complaint
from app.core.db import db
from app.core.numbers import give_number
from app.handbook.models import Weekday
from app.roster.models import (
    AttendanceDay,
    AttendanceStatus,
    CoverageRule,
    LeaveKind,
    LeaveRequest,
    LeaveStatus,
    RosterWeek,
    Shift,
    ShiftSwap,
    SwapStatus,
    WeekStatus,
)
from journeys.conftest import Browse, rows
from journeys.manual import Reader

from .rows import any_of, newest, owed

LOGIN = "liang"


def follow(manual: Reader, browse: Browse, folder: Path) -> None:
    """A leader's week: the board, coverage, leave and swaps, attendance, the team's complaints."""
    shift("mei", MONDAY - 7 * DAY, "LATE")
    db.session.add(CoverageRule(team=team(), weekday=Weekday.MONDAY, shift_type=kind("EARLY"), least=2))
    db.session.commit()
    browse.expected.add(422)
    fill_a_week(manual)
    set_the_coverage(manual)
    answer_leave_and_swaps(manual)
    settle_attendance(manual)
    watch_the_teams_tickets(manual)


def fill_a_week(manual: Reader) -> None:
    """Paint, copy, save, publish although somebody is missing, reopen (clause 2.2.1)."""
    manual.task()
    page = manual.page
    early, tao = kind("EARLY").id, member("tao").id
    db.session.commit()
    manual.menu("Roster")
    manual.click("Next week")
    manual.see("Previous week")
    manual.open(f"/roster/board?week={MONDAY}")
    page.locator(f"[data-brush='{early}']").click()
    page.locator(f"#shift-{tao}-{MONDAY}").click()
    manual.see("Coverage")
    manual.see("Off")
    manual.click("Copy last week")
    expect(page.locator(".note-info")).to_be_visible()
    manual.click("Save", "main")
    expect(page.locator(".note-success")).to_be_visible()
    with rows():
        assert shifts() == {("周美", MONDAY - 7 * DAY): "LATE", ("周美", MONDAY): "LATE", ("王濤", MONDAY): "EARLY"}
    manual.click("Publish", "main")
    manual.see("Publish it all the same")
    page.check("[name=anyway]")
    manual.click("Publish", "main")
    manual.click("Reopen", "main")
    expect(page.locator("button[value=publish]")).to_be_visible()
    with rows() as session:
        week = session.scalars(select(RosterWeek).where(RosterWeek.monday == MONDAY)).one()
        assert (week.status, week.published_at is not None) == (WeekStatus.DRAFT, True)


def set_the_coverage(manual: Reader) -> None:
    """Edit a team's rules in place."""
    manual.task()
    page = manual.page
    manual.click("Coverage rules", "main")
    page.wait_for_url("**/team/show/*")
    manual.click("Coverage rules", "main")
    manual.click("Edit the rows")
    page.locator("[name$='-least']").first.fill("1")
    manual.click("Add a row")
    row = page.locator("tr[data-row]").last
    row.locator("[name$='-weekday']").select_option("TUESDAY")
    row.locator("[name$='-shift_type']").select_option(index=1)
    row.locator("[name$='-least']").fill("3")
    for heading in ("Weekday", "Shift", "Least number of people", "Delete"):
        manual.see(heading)
    manual.click("Save all rows")
    expect(page.locator(".note-success")).to_be_visible()
    with rows() as session:
        found = session.scalars(select(CoverageRule).order_by(CoverageRule.id))
        assert [(rule.weekday.name, rule.least) for rule in found] == [("MONDAY", 1), ("TUESDAY", 3)]


def answer_leave_and_swaps(manual: Reader) -> None:
    """Approve what others ask for."""
    manual.task()
    asked = LeaveRequest(
        person=member("mei"), kind=any_of(LeaveKind), first_on=MONDAY + 7 * DAY, last_on=MONDAY + 7 * DAY
    )
    given = shift("mei", MONDAY + 14 * DAY, published=True)
    swap = ShiftSwap(asker=member("mei"), colleague=member("tao"), shift=given, day=given.day, status=SwapStatus.AGREED)
    for one in (asked, swap):
        give_number(one)
        db.session.add(one)
    db.session.commit()
    manual.menu("Leave")
    manual.page.locator("table.list tbody a").first.click()
    manual.click("Refuse")
    manual.peek("Answer")
    manual.click("Approve")
    manual.stands("Approved")
    manual.menu("Shift swaps")
    manual.see("Colleague agreed")
    manual.page.locator("table.list tbody a").first.click()
    manual.click("Approve")
    manual.stands("Approved")
    with rows():
        assert (newest(LeaveRequest).status, newest(ShiftSwap).status) == (LeaveStatus.APPROVED, SwapStatus.APPROVED)
        assert newest(Shift).person == member("tao")


def settle_attendance(manual: Reader) -> None:
    """Put a day in, settle it, and correct it (clause 6.3.1)."""
    manual.task()
    manual.menu("Attendance")
    manual.see("Import")
    manual.click("Add")
    manual.set("Person", "周美")
    manual.set("Day", "2026-03-02")
    manual.set("Clocked in at", "2026-03-02T08:12")
    manual.set("Clocked out at", "2026-03-02T17:00")
    manual.send()
    manual.click("Close", "main", "attendance")
    manual.stands("Closed", "attendance")
    with rows():
        newest(AttendanceDay).status = AttendanceStatus.DISPUTED
    manual.page.reload()
    manual.see("Refuse the correction")
    manual.click("Correct")
    manual.enter("clocked_in_at", "2026-03-02T08:00")
    manual.enter("reason", "門禁紀錄")
    manual.send()
    manual.stands("Closed", "attendance")
    with rows():
        found = newest(AttendanceDay)
        assert (found.status, f"{found.clocked_in_at:%M}") == (AttendanceStatus.CLOSED, "00")


def watch_the_teams_tickets(manual: Reader) -> None:
    """Triage what nobody has, hand it over, look at the chart and the measures."""
    manual.task()
    owed(complaint("mei"))
    manual.menu("Complaints")
    manual.see("Unassigned")
    manual.see("Overdue")
    manual.page.locator("table.list tbody a").first.click()
    manual.click("Triage")
    manual.set("Urgency", "URGENT")
    manual.set("Complexity", "NORMAL")
    manual.set("Assignee", "王濤")
    manual.send()
    manual.stands("Assigned")
    manual.click("Hand over")
    manual.set("Assignee", "陳亮")
    manual.set("Next action", "王濤休假，由組長處理")
    manual.send()
    manual.stands("Assigned")
    expect(manual.page.locator(".record")).to_contain_text("由組長處理")
    with rows():
        assert newest(Complaint).owner == member("liang")
    manual.open("/complaint/list/")
    manual.click("Chart")
    expect(manual.page.locator("[data-bars] tbody tr")).not_to_have_count(0)
    manual.menu("Measures")
