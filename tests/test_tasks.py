"""The list of tasks: it begins with what is still owed, says what must be done, and leads to the record."""

from __future__ import annotations

from datetime import timedelta

from bs4 import BeautifulSoup
from conftest import SignIn, member
from flask import Flask
from samples import sample

from app.core import clock
from app.core.db import db
from app.staff.models import Task, TaskStatus
from app.workplace.models import Repair


def owe(repair: Repair, status: TaskStatus, *, days: int, promise: str = "repair_return") -> Task:
    """Make a task of Mei's that is due in so many days."""
    now = clock.now()
    made = Task(
        promise=promise, entity="repair", record_id=repair.id, subject=f"{repair.number} {status.name}", status=status,
        owner=member("mei"), opened_at=now, due_at=now + timedelta(days=days), paused_at=now, done_at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.commit()
    return made


def cells(page: BeautifulSoup, label: str) -> list[str]:
    """Return what stands in a column."""
    return [cell.get_text(strip=True) for cell in page.select(f"td[data-label='{label}']")]


def test_the_list_begins_with_what_is_still_owed_soonest_first(app: Flask, sign_in: SignIn) -> None:
    repair = sample(Repair, member("mei"))
    later, done = owe(repair, TaskStatus.OPEN, days=9), owe(repair, TaskStatus.KEPT, days=-400)
    waits, late = owe(repair, TaskStatus.PAUSED, days=3), owe(repair, TaskStatus.OPEN, days=-2)
    mei = sign_in("mei", "en")
    page = mei.page("/task/list/")
    assert cells(page, "Record") == [task.subject for task in (late, waits, later)]
    assert not page.select_one(".filters details").has_attr("open")
    # The default is a filter like any other: it is told, kept by the other links, and can be taken away.
    chip = page.select_one(".chips a")
    assert "Status" in chip.text
    everything = mei.page(chip["href"])
    assert cells(everything, "Record") == [task.subject for task in (done, late, waits, later)]
    assert everything.select_one(".chips") is None
    assert len(cells(mei.page(page.select_one(".chips .plain")["href"]), "Record")) == 4
    ordered = mei.page(page.select_one("th a[href*='order=due_at']")["href"])
    assert cells(ordered, "Record") == [task.subject for task in (later, waits, late)]
    assert cells(mei.page("/task/list/?status=KEPT"), "Record") == [done.subject]
    assert cells(mei.page(f"/task/list/?q={repair.number}"), "Record")[0] == done.subject
    chosen = page.select("input[name=status][type=checkbox][checked]")
    assert [option["value"] for option in chosen] == ["OPEN", "PAUSED"]


def test_a_task_says_what_must_be_done_and_leads_to_the_record(app: Flask, sign_in: SignIn) -> None:
    repair = sample(Repair, member("mei"))
    task = owe(repair, TaskStatus.OPEN, days=-2)
    mei = sign_in("mei")
    for url in ("/task/list/", f"/task/show/{task.id}"):
        page = mei.page(url)
        assert "恢復使用" in page.main.text
        assert page.select_one(f"main a[href='/repair/show/{repair.id}']").text == task.subject
        due = page.select_one(".tone-late[title]")
        assert due["title"].startswith(f"{clock.local(task.due_at):%Y-%m-%d}")
    # Who may not open such records reads what it is about.
    task.entity, task.owner = "customer", member("du")
    db.session.commit()
    page = sign_in("du").page("/task/list/")
    assert task.subject in page.main.text
    assert not page.select("main a[href^='/customer/show']")


def test_who_sees_the_tasks_of_others_finds_what_is_late_with_them_on_the_first_page(
    app: Flask, sign_in: SignIn
) -> None:
    """The team lead sees the team's, an agent nobody's, and one's own stay where they were."""
    late = owe(sample(Repair, member("mei")), TaskStatus.OPEN, days=-2)
    owe(sample(Repair, member("mei")), TaskStatus.OPEN, days=2)
    owe(sample(Repair, member("mei")), TaskStatus.KEPT, days=-3)
    waits = owe(sample(Repair, member("mei")), TaskStatus.OPEN, days=-1)
    waits.owner, waits.role = None, "facility"
    db.session.commit()
    pages = {login: sign_in(login, "en").page("/") for login in ("liang", "kai", "mei", "su")}
    told = {
        login: [
            cell.get_text(strip=True)
            for row in page.select("section ~ section tbody tr")
            for cell in row.select("td")[:3]
        ]
        for login, page in pages.items()
    }
    assert told["liang"] == [late.subject, "Back in service", "周美"]
    # What nobody has taken up yet is late with everybody whose it could be.
    assert told["su"] == [*told["liang"], waits.subject, "Back in service", "—"]
    assert told["kai"] == told["mei"] == []
    assert late.subject in pages["mei"].select_one("section").text


def test_the_first_page_begins_what_one_may_begin(app: Flask, sign_in: SignIn) -> None:
    doors = {
        login: [str(link["href"]) for link in sign_in(login).page("/").select(".doors a")] for login in ("mei", "ao")
    }
    assert doors["mei"][:3] == ["/consultation/add", "/complaint/add", "/business-request/add"]
    assert "/repair/add" in doors["mei"]
    assert doors["ao"] == []
