"""The first chapter, followed: signing in, the top bar, a list, a record, a form."""

from __future__ import annotations

from pathlib import Path

from conftest import PASSWORD
from playwright.sync_api import expect
from sqlalchemy import select
from test_pulse import complaint
from test_roster import DAY, MONDAY
from werkzeug.security import check_password_hash

from app.casework.models import Complaint
from app.core.accounts import UserSetting
from app.core.db import db
from app.core.files import Attachment
from app.core.preferences import ListSetting
from app.customers.models import Customer, ProductLine
from app.lobby.accounts import lend
from journeys.conftest import Browse, rows
from journeys.manual import Chapter, Reader

from .rows import STORY, any_of, newest, owed, user

LOGIN = None


def follow(manual: Reader, browse: Browse, folder: Path) -> None:
    """A first day: a password of one's own, the top bar, a list, a record, a form."""
    first, second = (owed(complaint("mei")) for _number in range(2))
    for one in (first, second):
        one.subject, one.story, one.event_on, one.product_line = (
            "賠太慢",
            STORY,
            MONDAY - 5000 * DAY,
            any_of(ProductLine),
        )
    number, key = first.number, first.id
    lend(user("liang"))
    db.session.commit()
    # The page one leaves asks for its counts with a session that ends with the old password.
    browse.expected.add(401)
    sign_in_with_a_new_password(manual)
    use_the_top_bar(manual, number)
    work_with_a_list(manual)
    look_at_a_record(manual, folder)
    browse.expected.add(422)
    fill_in_a_form(manual, key)


def sign_in_with_a_new_password(manual: Reader) -> None:
    """Sign in with a password that was given, and choose another."""
    manual.task()
    manual.open("/login/")
    manual.set("Username", "liang")
    manual.set("Password", PASSWORD)
    manual.click("Sign in")
    manual.set("Present password", PASSWORD)
    manual.set("New password", "一句好記的話，十個字")
    manual.set("New password again", "一句好記的話，十個字")
    manual.see("My account")
    manual.click("Change the password")
    expect(manual.page.locator(".note-success")).to_be_visible()
    with rows() as session:
        liang = user("liang")
        assert check_password_hash(liang.password, "一句好記的話，十個字")
        assert session.get_one(UserSetting, liang.id).must_change_password is False


def use_the_top_bar(manual: Reader, number: str) -> None:
    """Search, see what is late, open the manual, change language and theme."""
    manual.task()
    page = manual.page
    manual.open("/")
    manual.press("/")
    page.keyboard.type("賠太慢")
    page.keyboard.press("Enter")
    manual.see("Show all")
    manual.press("/")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.wait_for_url("**/complaint/show/*")
    manual.click("Notifications")
    manual.see("Late or due soon")
    manual.click("All my tasks")
    # Whether there are pictures is for whoever takes them.
    page.route("**/help/pictures/*", lambda route: route.abort("aborted"))
    manual.click("Help")
    expect(page.locator("article h1")).to_have_text(Chapter(manual.chapter.script, "team_lead").text.split("\n")[0][2:])
    page.goto("/account/")
    page.unroute("**/help/pictures/*")
    for language in ("EN", "简", "繁"):
        manual.click(language)
        expect(page.locator(".languages [aria-current]")).to_have_text(language)
    page.locator(".languages button", has_text="繁" if manual.chapter.script == "zh-Hant" else "简").click()
    expect(page.locator("html")).to_have_attribute("lang", f"{manual.chapter.script}-{manual.locale[-2:]}")
    page.locator("summary.me").click()
    with page.expect_response("**/theme/dark"):
        manual.click("Dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    with rows() as session:
        assert session.get_one(UserSetting, user("liang").id).theme == "dark"
    if not page.locator(".menu-panel .themes").is_visible():
        page.locator("summary.me").click()
    manual.see("As the device")


def work_with_a_list(manual: Reader) -> None:
    """Filter, keep a filter, choose columns, use keys, draw a chart, export."""
    manual.task()
    page = manual.page
    manual.open("/complaint/list/")
    manual.see("Complaints")
    manual.click("Mine")
    expect(page.locator(".quick-bar [aria-current]")).to_contain_text(manual.say("Mine"))
    manual.click("Filter")
    page.locator(".filter-panel label:has([name=priority][value=HIGH])").click()
    manual.click("Apply the filters")
    expect(page.locator(".chips")).to_contain_text(manual.say("High"))
    manual.click("+ Keep this filter")
    manual.set("Name of the filter", "急件")
    manual.click("Keep")
    expect(page.locator(".kept-filter")).to_contain_text("急件")
    manual.click("Clear all")
    expect(page.locator("table.list tbody tr")).to_have_count(2)
    manual.click("Columns")
    page.locator(".columns-panel input[value=priority]").uncheck()
    manual.click("Apply the columns")
    expect(page.locator("th", has_text=manual.say("Priority"))).to_have_count(0)
    with rows() as session:
        setting = session.get_one(ListSetting, (user("liang").id, "ComplaintView"))
        assert (list(setting.filters), "priority" in setting.columns) == (["急件"], False)
    manual.click("Columns")
    manual.click("As it was")
    expect(page.locator("th", has_text=manual.say("Priority"))).to_have_count(1)
    manual.press("j", "Enter")
    page.wait_for_url("**/complaint/show/*")
    page.go_back()
    manual.press("n")
    page.wait_for_url("**/complaint/add")
    manual.open("/complaint/list/")
    manual.click("Chart")
    manual.set("What", "count")
    manual.set("By", "status")
    manual.click("Show")
    expect(page.locator("[data-bars] tbody a")).to_have_count(1)
    page.locator("[data-bars] tbody a").click()
    page.wait_for_url("**/complaint/list/?*")
    manual.click("Export")
    manual.see("Excel (XLSX)")
    with page.expect_download() as download:
        manual.click("CSV")
    assert download.value.suggested_filename.endswith(".csv")


def look_at_a_record(manual: Reader, folder: Path) -> None:
    """Open one from the list: its steps, its tabs, its files, its neighbours."""
    manual.task()
    page = manual.page
    manual.open("/complaint/list/")
    page.locator("table.list tbody a").first.click()
    manual.click("Triage")
    manual.click("Cancel")
    manual.see("Due")
    manual.click("Notes")
    manual.click("History")
    manual.click("Next record")
    manual.click("Previous record")
    photo = folder / "收據.txt"
    photo.write_text("一百元", encoding="utf-8")
    page.wait_for_url("**/complaint/show/*")
    manual.see("Photos and files")
    manual.see("Add photos or files")
    page.set_input_files("#attachments", photo)
    manual.click("Upload")
    expect(page.locator(".files")).to_contain_text("收據.txt")
    with rows() as session:
        assert session.scalars(select(Attachment.name)).all() == ["收據.txt"]


def fill_in_a_form(manual: Reader, key: int) -> None:
    """Add what a look-up lacks, take a draft up again, and meet somebody else at one record."""
    manual.task()
    page = manual.page
    manual.open("/consultation/add")
    manual.click("+ %(noun)s", noun=manual.say("Customer"))
    manual.page.locator("dialog #name").fill("王大明")
    manual.click("Save")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#customer + .ts-wrapper .item")).to_be_visible()
    assert newest(Customer).name == "王大明"
    db.session.commit()
    page.locator("#story").press_sequentially("三週")
    page.goto("/consultation/add")
    manual.click("Use the draft")
    expect(page.locator("#story")).to_have_value("三週")
    page.goto(f"/complaint/edit/{key}")
    with rows() as session:
        session.get_one(Complaint, key).next_action = "請財務覆核"
    page.fill("#subject", "理賠太慢")
    manual.click("Save")
    expect(page.locator("main .note-warning")).to_contain_text("請財務覆核")
    with rows() as session:
        assert session.get_one(Complaint, key).subject == "賠太慢"
    manual.click("Save")
    page.wait_for_url("**/complaint/show/*")
    with rows() as session:
        assert session.get_one(Complaint, key).subject == "理賠太慢"
