"""The top bar and the navigation: hits while one types, by keyboard alone, counts, what is due; and without scripts."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from conftest import member
from flask import Flask
from playwright.sync_api import Page, expect
from samples import sample

from app.casework.models import Complaint
from app.core import clock
from app.core.db import db
from app.customers.models import Customer
from app.staff.models import Task

from .browser import DESK, PHONE
from .conftest import ONE_DATABASE, Browse, Say

pytestmark = [pytest.mark.browser, ONE_DATABASE]


def complaints(*subjects: str) -> list[Complaint]:
    """Make complaints of Mei's."""
    made = [sample(Complaint, member("mei")) for _subject in subjects]
    for one, subject in zip(made, subjects, strict=True):
        one.subject = subject
    db.session.commit()
    return made


def owe(item: Complaint, hours: float) -> None:
    """Make a task of Mei's about a complaint."""
    now = clock.now()
    db.session.add(
        Task(promise="complaint_resolution", entity="complaint", record_id=item.id, subject=str(item),
             owner=member("mei"), opened_at=now - timedelta(days=3), due_at=now + timedelta(hours=hours))
    )  # fmt: skip
    db.session.commit()


def options(page: Page) -> list[str]:
    """Return where the hits under the box lead, top down."""
    return [str(one.get_attribute("href")) for one in page.locator("#top-hits [role=option]").all()]


def test_hits_appear_while_one_types_and_are_opened_by_keyboard(app: Flask, browse: Browse, say: Say) -> None:
    first, second = complaints("賠太慢", "賠太少")
    lin = sample(Customer)
    lin.name, lin.mobile = "賠太明", "0912-345-678"
    db.session.commit()
    mei = browse("mei")
    mei.goto("/account/")
    box = mei.locator("#top-q")
    mei.keyboard.press("/")
    expect(box).to_be_focused()
    expect(box).to_have_value("")
    expect(box).to_have_attribute("aria-expanded", "false")
    mei.keyboard.type("賠太")
    hits = mei.locator("#top-hits [role=option]")
    expect(hits).to_have_count(3)
    expect(box).to_have_attribute("aria-expanded", "true")
    assert options(mei) == [f"/customer/show/{lin.id}", *(f"/complaint/show/{one.id}" for one in (second, first))]
    expect(mei.locator("#top-hits")).to_contain_text("賠○明")
    expect(mei.locator("#top-hits")).not_to_contain_text("賠太明")
    expect(mei.locator("#top-search [role=status]")).to_have_text(say("%(num)s hit", num=3))
    groups = mei.get_by_role("group", name=say("Complaints"), exact=True)
    expect(groups.get_by_role("option")).to_have_count(2)

    for place in (0, 1, 2, 0, 2):
        mei.keyboard.press(
            "ArrowUp" if place == 2 and hits.nth(0).get_attribute("aria-selected") == "true" else "ArrowDown"
        )
        expect(hits.nth(place)).to_have_attribute("aria-selected", "true")
        expect(mei.locator("#top-hits [aria-selected=true]")).to_have_count(1)
        expect(box).to_have_attribute("aria-activedescendant", str(hits.nth(place).get_attribute("id")))
    expect(box).to_be_focused()
    mei.keyboard.press("Escape")
    expect(mei.locator("#top-hits")).to_be_hidden()
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("賠太")

    mei.keyboard.type("少")
    expect(hits).to_have_count(1)
    mei.keyboard.press("ArrowDown")
    mei.keyboard.press("Enter")
    mei.wait_for_url(f"**/complaint/show/{second.id}")


def test_enter_without_a_choice_leads_to_the_page_of_hits_or_straight_to_a_number(app: Flask, browse: Browse) -> None:
    first, _second = complaints("賠太慢", "賠太少")
    mei = browse("mei")
    mei.keyboard.press("/")
    mei.keyboard.type("賠太")
    mei.keyboard.press("Enter")
    mei.wait_for_url("**/search/?q=*")
    expect(mei.locator(".hits a")).to_have_count(2)
    expect(mei.locator("#top-q")).to_have_value("賠太")
    mei.fill("#top-q", first.number)
    mei.press("#top-q", "Enter")
    mei.wait_for_url(f"**/complaint/show/{first.id}")


def test_nothing_found_is_said_and_a_click_beside_closes(app: Flask, browse: Browse, say: Say) -> None:
    mei = browse("mei")
    mei.keyboard.press("/")
    mei.keyboard.type("沒有這個")
    expect(mei.locator("#top-search [role=status]")).to_have_text(say("Nothing found"))
    expect(mei.locator("#top-hits")).to_be_hidden()
    expect(mei.locator("#top-q")).to_have_attribute("aria-expanded", "false")
    mei.locator("main").click()
    expect(mei.locator("#top-search [role=status]")).to_be_hidden()


def test_a_slash_that_is_typed_into_a_field_stays_there(app: Flask, browse: Browse) -> None:
    mei = browse("mei")
    mei.goto("/complaint/list/")
    mei.locator("#q").focus()
    mei.keyboard.type("a/b")
    expect(mei.locator("#q")).to_have_value("a/b")
    mei.keyboard.press("Escape")
    mei.locator("h1").click()
    mei.keyboard.press("/")
    expect(mei.locator("#top-q")).to_be_focused()


def test_counts_and_what_is_due_appear_and_stay_from_page_to_page(app: Flask, browse: Browse, say: Say) -> None:
    first, second, _third = complaints("賠太慢", "賠太少", "沒回電")
    owe(first, -2.2)
    owe(second, 2.6)
    mei = browse("mei")
    nav = mei.locator("nav.side a", has=mei.locator("[data-queue=ComplaintView]"))
    expect(nav.locator(".count")).to_be_visible()
    expect(nav.locator("[aria-hidden]")).to_have_text("3")
    expect(nav).to_have_accessible_name(f"{say('Complaints')} {say('%(num)s open', num=3)}")
    expect(mei.locator("[data-queue=RepairView]")).to_be_hidden()

    bell = mei.locator(".top-due summary")
    expect(bell.locator("[aria-hidden=true]").last).to_have_text("2")
    bell.click()
    lines = mei.locator("[data-due-list] li")
    expect(lines).to_have_count(2)
    expect(lines.first.locator("strong")).to_have_text(str(first))
    expect(lines.first.locator(".tone-late")).to_have_text("逾 2 時 12 分")
    expect(lines.last.locator(".tone-soon")).to_have_text(re.compile("^剩 2 時"))
    mei.keyboard.press("Escape")
    expect(lines.first).to_be_hidden()
    expect(bell).to_be_focused()
    mei.keyboard.press("Enter")
    lines.first.locator("a").click()
    mei.wait_for_url(f"**/complaint/show/{first.id}")

    # The next page shows the last answer at once, also while the server is slow to answer.
    mei.route("**/pulse", lambda _route: None)
    mei.goto("/account/")
    expect(mei.locator("[data-queue=ComplaintView] [aria-hidden]")).to_have_text("3")


def test_what_one_person_was_told_is_not_shown_to_the_next(app: Flask, browse: Browse) -> None:
    (first,) = complaints("賠太慢")
    owe(first, -1)
    mei = browse("mei")
    expect(mei.locator("[data-queue=ComplaintView]")).to_be_visible()
    assert "賠太慢" in mei.evaluate("sessionStorage.getItem('pulse')")
    mei.locator(".me").click()
    mei.locator(".top form[action*=logout] button").click()
    mei.wait_for_url("**/login/**")
    assert mei.evaluate("sessionStorage.getItem('pulse')") is None


def test_on_a_phone_the_box_opens_over_the_bar(app: Flask, browse: Browse, say: Say) -> None:
    (first,) = complaints("賠太慢")
    mei = browse("mei", size=PHONE)
    box, opener = mei.locator("#top-q"), mei.locator("[data-open-search]")
    expect(box).to_be_hidden()
    opener.tap()
    expect(box).to_be_focused()
    mei.keyboard.type("賠太")
    expect(mei.locator("#top-hits [role=option]")).to_have_count(1)
    assert mei.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    mei.get_by_role("button", name=say("Close the search")).tap()
    expect(box).to_be_hidden()
    expect(opener).to_be_focused()
    opener.tap()
    mei.keyboard.press("Escape")
    expect(box).to_be_hidden()
    opener.tap()
    box.fill("賠太慢")
    mei.locator("#top-hits [role=option]").tap()
    mei.wait_for_url(f"**/complaint/show/{first.id}")


def test_without_scripts_the_search_is_a_form_and_the_notifications_lead_home(app: Flask, browse: Browse) -> None:
    address = f"/complaint/show/{complaints('賠太慢')[0].id}"
    for size in (DESK, PHONE):
        mei = browse.plain("mei", size=size)
        if size == PHONE:
            mei.locator("[data-open-search]").click()
            mei.fill("main input[type=search]", "賠太")
            mei.press("main input[type=search]", "Enter")
        else:
            mei.fill("#top-q", "賠太")
            mei.press("#top-q", "Enter")
        mei.wait_for_url("**/search/?q=*")
        expect(mei.locator(".hits a")).to_have_attribute("href", address)
        mei.locator(".top-due summary").click()
        mei.locator(".top-due a[href='/']").click()
        mei.wait_for_url(f"{browse.served.address}/")
        mei.context.close()
