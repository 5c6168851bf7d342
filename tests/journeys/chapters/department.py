"""The chapter of other departments, followed."""

from __future__ import annotations

from pathlib import Path

from conftest import member
from playwright.sync_api import expect
from test_pulse import complaint
from test_repairs import equipment

from app.casework.models import BusinessRequest, Complaint, Note
from app.core.db import db
from app.workplace.models import Repair, RepairStatus
from journeys.conftest import Browse, rows
from journeys.manual import Reader

from .rows import S, mended, newest, owed

LOGIN = "du"


def follow(manual: Reader, browse: Browse, folder: Path) -> None:
    """What a department does with what was handed to it."""
    request, asked = owed(complaint("mei", S.SUBMITTED, BusinessRequest)), owed(complaint("mei", S.ASSIGNED))
    for ticket in (request, asked, owed(complaint("tao"))):
        ticket.department = member("du").department if ticket.owner == member("mei") else ticket.department
    item = equipment("PH-0231")
    known, tag = asked.id, item.tag
    db.session.commit()
    page = manual.page
    manual.task()
    manual.menu("All tickets")
    expect(page.locator("table.list tbody tr")).to_have_count(2)
    manual.see("Business requests")
    manual.menu("Complaints")
    manual.see("Overdue")
    manual.task()
    manual.menu("Business requests")
    manual.click("With the department")
    page.locator("table.list tbody a").first.click()
    manual.see("Photos and files")
    manual.see("Notes")
    manual.click("Complete")
    manual.stands("Completed")
    with rows():
        assert newest(BusinessRequest).completed_at is not None
    answer_a_handed_over_complaint(manual, known)
    manual.task()
    manual.click("Notes")
    manual.set("What happened", "已補付差額")
    manual.click("Save")
    expect(page.locator("#noteview")).to_contain_text("已補付差額")
    with rows():
        assert (newest(Note).author, newest(Note).ticket_id) == (member("du"), known)
    manual.task()
    manual.menu("Repairs")
    manual.click("Report a fault")
    manual.set("Equipment", tag)
    manual.set("What is wrong")
    manual.set("Effect on work", "HINDERS")
    manual.enter("fault", "沒有聲音")
    manual.click("Send the report")
    manual.stands("Reported")
    mended("du")
    page.reload()
    manual.see("Send back, still broken")
    manual.click("Confirm the repair")
    manual.stands("Closed")
    with rows():
        assert newest(Repair).status is RepairStatus.CLOSED


def answer_a_handed_over_complaint(manual: Reader, key: int) -> None:
    """Settle a complaint as the department it was handed to."""
    manual.task()
    manual.menu("Complaints")
    manual.page.locator("table.list tbody a").first.click()
    manual.see("Due")
    manual.click("Start")
    manual.set("Next action", "調閱理賠卷")
    manual.send()
    manual.stands("In progress")
    manual.click("Ask the customer")
    manual.set("Next action", "請客戶補收據")
    manual.send()
    manual.stands("Waiting for the customer")
    manual.click("Note the customer's answer")
    manual.stands("In progress")
    manual.click("Hand over")
    manual.peek("Assignee")
    manual.click("Resolve")
    manual.set("Remedy", "補付差額。")
    manual.set("Root cause")
    manual.set("Finding")
    manual.set("Conclusion")
    manual.send()
    manual.stands("Resolved")
    with rows() as session:
        assert session.get_one(Complaint, key).remedy == "補付差額。"
