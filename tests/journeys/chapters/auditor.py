"""The auditors' chapter, followed."""

from __future__ import annotations

from pathlib import Path

from conftest import member
from playwright.sync_api import expect
from test_pulse import complaint
from test_search import customer

from app.casework.models import Complaint
from app.core.db import db
from app.customers.models import PersonalData, Reveal
from journeys.conftest import Browse, rows
from journeys.manual import Reader

from .rows import owed

LOGIN = "ao"


def follow(manual: Reader, browse: Browse, folder: Path) -> None:
    """What an auditor reads: all but personal data, and changes nothing."""
    page = manual.page
    known = customer()
    made = owed(complaint("mei"))
    db.session.add(Reveal(customer=known, person=member("mei"), what=PersonalData.NAME, reason="核對身分"))
    key = made.id
    db.session.commit()
    see_what_may_be_read(manual)
    follow_a_clause(manual)
    manual.task()
    manual.open(f"/complaint/show/{key}")
    manual.click("History")
    expect(page.locator(".history li")).not_to_have_count(0)
    expect(page.locator("main .page-head .btn")).to_have_count(0)
    manual.task()
    manual.menu("Reveal log")
    expect(page.locator("table.list tbody")).to_contain_text("核對身分")
    for heading in ("Who", "Customer", "What was seen", "Case number", "Reason"):
        manual.see(heading)
    manual.click("Filter")
    export_and_draw(manual)
    with rows() as session:
        assert session.get_one(Complaint, key).version == 2


def see_what_may_be_read(manual: Reader) -> None:
    """Read masked customers, and what others may do."""
    page = manual.page
    manual.task()
    manual.menu("Customers")
    expect(page.locator("table.list tbody")).to_contain_text("林○美")
    expect(page.locator("main [data-new]")).to_have_count(0)
    manual.menu("Logins")
    page.get_by_role("link", name="mei", exact=True).click()
    manual.click("What this person may do")
    expect(page.locator(".access")).not_to_have_count(0)
    manual.menu("Roles")


def follow_a_clause(manual: Reader) -> None:
    """Go from a clause to promises, measures and tasks."""
    page = manual.page
    manual.task()
    manual.menu("Policy clauses")
    page.fill("#q", "3.2.3")
    page.press("#q", "Enter")
    expect(page.locator("table.list tbody tr")).to_have_count(1)
    manual.menu("Service promises")
    manual.see("Set by law")
    manual.menu("Measures")
    manual.set("Month", "2026-10")
    manual.click("Show", "main")
    expect(page.locator("main td a")).not_to_have_count(0)
    manual.menu("Tasks")


def export_and_draw(manual: Reader) -> None:
    """Export a list, and draw its chart."""
    page = manual.page
    manual.task()
    manual.open("/complaint/list/?priority=LOW")
    manual.see("+ Keep this filter")
    manual.click("Export")
    manual.see("Excel (XLSX)")
    with page.expect_download() as download:
        manual.click("CSV")
    assert download.value.suggested_filename.endswith(".csv")
    manual.open("/complaint/list/")
    manual.click("Chart")
    manual.set("What", "count")
    manual.set("By", "status")
    manual.click("Show", "main")
