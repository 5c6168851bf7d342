"""The agents' chapter, followed."""

from __future__ import annotations

from pathlib import Path

from conftest import member
from playwright.sync_api import expect
from samples import sample
from sqlalchemy import select
from test_pulse import complaint
from test_repairs import equipment
from test_roster import DAY, MONDAY, shift
from test_search import customer

from app.casework.models import BusinessRequest, Complaint, Consultation, Note
from app.core.db import db
from app.core.numbers import give_number
from app.customers.models import Policy, Reveal
from app.roster.models import (
    LeaveRequest,
    LeaveStatus,
    ShiftSwap,
    SwapStatus,
)
from app.staff.models import TaskStatus
from app.workplace.models import Impact, Repair, RepairStatus
from journeys.browser import PHONE
from journeys.conftest import Browse, rows
from journeys.manual import Reader

from .rows import STORY, S, mended, newest, owed, promises

LOGIN = "mei"


def follow(manual: Reader, browse: Browse, folder: Path) -> None:
    """An agent's day: three tickets, a note, a look behind the mask, shifts, a fault."""
    known = customer()
    sample(Policy).holder = known
    item = equipment("PH-0231").id
    shift("mei", MONDAY, published=True)
    shift("tao", MONDAY, "LATE", published=True)
    shift("tao", MONDAY + DAY, published=True)
    key = known.id
    db.session.commit()
    answer_a_question(manual)
    settle_a_complaint(manual)
    guide_a_request(manual)
    write_a_note(manual)
    look_behind_the_mask(manual, key)
    plan_ones_days(manual)
    manual.page.set_viewport_size(PHONE)
    report_a_fault(manual, item, folder)


def answer_a_question(manual: Reader) -> None:
    """Log a consultation, answer it, close it with the closing check (clause 3.1.4)."""
    manual.task()
    manual.menu("Consultations")
    manual.click("Log a consultation")
    manual.set("Customer")
    manual.set("Channel")
    manual.set("Topic")
    manual.set("Subject", "理賠要備哪些文件")
    manual.set("What the customer says", STORY)
    manual.click("Save")
    manual.stands("Logged")
    manual.click("Answer", "main")
    manual.set("Answer", "請備齊診斷書正本。")
    manual.send()
    manual.stands("Answered")
    manual.click("Close", "main")
    manual.set("Asked whether there are further questions")
    manual.set("Thanked the customer")
    manual.send()
    manual.stands("Closed")
    with rows():
        found = newest(Consultation)
        assert (found.status, found.owner, found.is_thanked) == (S.CLOSED, member("mei"), True)
        assert (found.customer.name, found.topic is not None) == ("林小美", True)
        assert promises() == {"first_response": TaskStatus.KEPT}


def settle_a_complaint(manual: Reader) -> None:
    """Log a complaint with its facts and settle it, step by step (clause 3.2)."""
    manual.task()
    manual.menu("Complaints")
    manual.click("Log a complaint")
    manual.enter("channel")
    manual.enter("subject", "住院理賠金額不符")
    manual.set("When it happened", "2026-03-02")
    manual.set("Product line")
    manual.set("What the customer says", STORY)
    manual.set("Apologised to the customer")
    manual.click("Save")
    manual.see("Due")
    manual.click("Triage")
    manual.set("Urgency", "URGENT")
    manual.set("Complexity", "NORMAL")
    manual.see("Assignee")
    manual.send()
    manual.stands("Assigned")
    manual.click("Start")
    manual.set("Next action", "調閱收據")
    manual.send()
    manual.stands("In progress")
    manual.click("Ask the customer")
    manual.set("Next action", "等客戶補收據")
    manual.send()
    manual.stands("Waiting for the customer")
    manual.click("Note the customer's answer")
    manual.stands("In progress")
    manual.click("Resolve")
    manual.set("Remedy", "補付差額。")
    manual.set("Root cause")
    manual.set("Finding")
    manual.set("Conclusion")
    manual.send()
    manual.stands("Resolved")
    manual.click("Close", "main")
    manual.stands("Closed")
    with rows():
        found = newest(Complaint)
        assert (found.status, found.is_apologised, found.remedy) == (S.CLOSED, True, "補付差額。")
        assert {promises()[name] for name in ("complaint_triage", "complaint_resolution")} == {TaskStatus.KEPT}


def guide_a_request(manual: Reader) -> None:
    """Take a business request from guide to notice (clause 3.3)."""
    manual.task()
    manual.menu("Business requests")
    manual.click("Log a business request")
    manual.set("Customer")
    manual.enter("channel")
    manual.set("Request", "CLAIM")
    manual.set("Policy")
    manual.enter("subject", "申請住院理賠")
    manual.send()
    for step, state in (
        ("Explain the procedure", "Guide given"),
        ("Take in the documents", "Documents received"),
        ("Pass the first review", "Reviewed"),
    ):
        manual.click(step)
        manual.stands(state)
    manual.click("Submit to the department")
    manual.set("Department")
    manual.send()
    manual.stands("With the department")
    for step, state in (("Complete", "Completed"), ("Notify the customer", "Customer notified"), ("Close", "Closed")):
        manual.click(step, "main")
        manual.stands(state)
    with rows():
        found = newest(BusinessRequest)
        assert (found.status, found.policy is not None, found.notified_at is not None) == (S.CLOSED, True, True)


def write_a_note(manual: Reader) -> None:
    """Note what was done; telling the customer is a response."""
    manual.task()
    key = owed(complaint("mei", S.IN_PROGRESS)).id
    db.session.commit()
    manual.open(f"/complaint/show/{key}")
    manual.click("Notes")
    manual.set("What happened", "已告知客戶三日內回覆。")
    manual.set("The customer was told")
    manual.click("Save")
    expect(manual.page.locator("#noteview")).to_contain_text("已告知客戶三日內回覆。")
    with rows():
        found = newest(Note)
        assert (found.ticket_id, found.author, found.is_told) == (key, member("mei"), True)
        assert promises()["first_response"] is TaskStatus.KEPT


def look_behind_the_mask(manual: Reader, key: int) -> None:
    """See a name for a reason, which is kept (clause 7.3.3)."""
    manual.task()
    manual.menu("Customers")
    manual.page.locator("table.list tbody a").first.click()
    manual.click("See personal data")
    with rows() as session:
        case = session.scalars(select(Consultation.number)).one()
    manual.set("What you need to see", "name")
    manual.set("Case number", case)
    manual.set("Reason", "核對身分")
    manual.click("See personal data", "form")
    expect(manual.page.locator("dl.facts")).to_contain_text("林小美")
    manual.click("Hide it now")
    manual.click("Reveal log")
    expect(manual.page.locator("table.list")).to_contain_text("核對身分")
    with rows():
        found = newest(Reveal)
        assert (found.customer_id, found.person, found.case_number) == (key, member("mei"), case)


def plan_ones_days(manual: Reader) -> None:
    """See one's shifts, ask for leave and take it back, ask to swap, agree to a swap."""
    manual.task()
    manual.menu("Shifts")
    expect(manual.page.locator("table.list tbody tr")).to_have_count(1)
    manual.menu("Leave")
    manual.click("Ask for leave")
    manual.set("Kind of leave")
    manual.set("First day", f"{MONDAY + 7 * DAY}")
    manual.set("Last day", f"{MONDAY + 8 * DAY}")
    manual.see("Hours")
    manual.send()
    manual.stands("Asked for")
    manual.click("Withdraw")
    manual.stands("Withdrawn")
    manual.menu("Shift swaps")
    manual.click("Ask to swap")
    manual.set("Shift to give away", "周美")
    manual.set("Colleague", "王濤")
    manual.set("Shift to take", "王濤")
    manual.send()
    manual.stands("Waiting for the colleague")
    with rows() as session:
        assert newest(LeaveRequest).status is LeaveStatus.WITHDRAWN
        assert (newest(ShiftSwap).asker, newest(ShiftSwap).colleague) == (member("mei"), member("tao"))
        theirs = shift("tao", MONDAY + 2 * DAY, published=True)
        swap = ShiftSwap(asker=member("tao"), colleague=member("mei"), shift=theirs, day=theirs.day)
        give_number(swap)
        session.add(swap)
        session.flush()
        key = swap.id
    manual.open(f"/shift-swap/show/{key}")
    manual.click("Agree")
    manual.stands("Colleague agreed")
    with rows() as session:
        assert session.get_one(ShiftSwap, key).status is SwapStatus.AGREED


def report_a_fault(manual: Reader, item: int, folder: Path) -> None:
    """Report a fault by the label's address, and confirm that it is mended (clause 8.2.2)."""
    manual.task()
    photo = folder / "話機.txt"
    photo.write_text("按鍵", encoding="utf-8")
    manual.open(f"/repair/add?equipment={item}")
    manual.set("What is wrong")
    manual.set("Effect on work", "STOPS_WORK")
    manual.set("Description", "按鍵沒有反應")
    manual.see("Photos and files")
    manual.page.set_input_files("#attachments", photo)
    manual.click("Send the report")
    manual.stands("Reported")
    with rows():
        repair = newest(Repair)
        assert (repair.reporter, repair.equipment_id, repair.impact) == (member("mei"), item, Impact.STOPS_WORK)
    mended("mei")
    manual.page.reload()
    manual.see("Send back, still broken")
    manual.click("Confirm the repair")
    manual.stands("Closed")
    with rows():
        assert newest(Repair).status is RepairStatus.CLOSED
