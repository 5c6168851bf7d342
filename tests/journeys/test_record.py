"""The page of a record: tabs, files shown over the page, the way back to the list and to the record next door."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from conftest import SignIn, member
from flask import Flask
from playwright.sync_api import expect
from samples import sample
from test_casework import complain
from test_repairs import equipment, photo, report

from app.core import clock
from app.core.db import db
from app.workplace.models import Repair

from .conftest import ONE_DATABASE, Browse, Say

pytestmark = [pytest.mark.browser, ONE_DATABASE]
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


def test_what_belongs_to_a_record_stands_under_tabs(app: Flask, browse: Browse, sign_in: SignIn, say: Say) -> None:
    found = complain(sign_in("mei")).id
    db.session.commit()
    mei = browse("mei")
    mei.goto(f"/complaint/show/{found}")
    tabs = mei.get_by_role("tab")
    expect(tabs.first).to_have_attribute("aria-selected", "true")
    expect(mei.locator("form.box textarea")).to_be_visible()
    expect(mei.locator("ol.history")).to_be_hidden()
    tabs.first.focus()
    mei.keyboard.press("ArrowRight")
    expect(mei.get_by_role("tab", name=say("History"))).to_be_focused()
    expect(mei.locator("ol.history")).to_be_visible()
    expect(mei.locator("form.box")).to_be_hidden()
    mei.reload()
    expect(mei.locator("ol.history")).to_be_visible()
    tabs.first.click()
    mei.locator("form.box textarea").fill("已回電，客戶希望書面說明。")
    mei.locator("form.box button").click()
    expect(mei.locator(".note-success")).to_be_visible()
    expect(mei.locator("[role=tabpanel] table")).to_contain_text("已回電，客戶希望書面說明。")
    expect(tabs.first.locator(".amount")).to_have_text("1")
    # What was saved is not offered again as a draft.
    expect(mei.locator(".draft")).to_have_count(0)
    plain = browse.plain("mei")
    plain.goto(f"/complaint/show/{found}")
    for part in ("form.box textarea", "ol.history"):
        expect(plain.locator(part)).to_be_visible()


def test_pictures_and_documents_are_looked_at_over_the_page(
    app: Flask, browse: Browse, sign_in: SignIn, say: Say
) -> None:
    mei = sign_in("mei")
    repair = report(
        mei,
        equipment(),
        attachments=[photo(), (io.BytesIO(PDF), "保固書.pdf"), (io.BytesIO("第一行".encode()), "說明.txt")],
    ).id
    db.session.commit()
    page = browse("mei")
    page.goto(f"/repair/show/{repair}")
    page.locator("a[data-preview]").first.click()
    sheet = page.get_by_role("dialog")
    expect(sheet.locator("img")).to_be_visible()
    assert sheet.locator("img").evaluate("(picture) => picture.decode().then(() => picture.naturalWidth)") == 8
    sheet.get_by_role("button", name=say("Next")).click()
    expect(sheet).to_have_attribute("aria-label", "保固書.pdf")
    expect(sheet.locator("iframe")).to_be_visible()
    sheet.get_by_role("button", name=say("Next")).click()
    expect(sheet.frame_locator("iframe").locator("body")).to_contain_text("第一行")
    expect(sheet.get_by_role("button", name=say("Next"))).to_have_count(0)
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_a_list_is_walked_by_keyboard_and_from_record_to_record(app: Flask, browse: Browse, say: Say) -> None:
    made = [sample(Repair, member("mei")) for _number in range(3)]
    for day, repair in enumerate(made):
        repair.reported_at = clock.now() - timedelta(days=day)
    db.session.commit()
    numbers = [repair.number for repair in made]
    fan = browse("fan")
    fan.goto("/repair/list/")
    for key in "jjk":
        fan.keyboard.press(key)
    expect(fan.locator("table.list tbody tr").nth(0).locator("a")).to_be_focused()
    fan.keyboard.press("x")
    expect(fan.locator("#bulk [data-picked]")).to_have_text("1")
    fan.keyboard.press("j")
    fan.keyboard.press("Enter")
    fan.wait_for_url("**/repair/show/*")
    expect(fan.locator("h1")).to_contain_text(numbers[1])
    fan.locator(".ways [rel=next]").click()
    expect(fan.locator("h1")).to_contain_text(numbers[2])
    expect(fan.locator(".ways [rel=next]")).to_have_count(0)
    fan.locator(".ways [rel=up]").click()
    fan.wait_for_url("**/repair/list/**")
    # Letters typed into a field are letters.
    fan.locator("#q").focus()
    fan.keyboard.type("njk")
    expect(fan.locator("#q")).to_have_value("njk")
    fan.locator("#q").fill("")
    fan.locator("h1").click()
    fan.keyboard.press("n")
    fan.wait_for_url("**/repair/add")


def test_the_head_of_a_long_list_stays_in_sight(app: Flask, browse: Browse) -> None:
    for _number in range(25):
        sample(Repair, member("mei"))
    db.session.commit()
    fan = browse("fan")
    fan.goto("/repair/list/")
    fan.locator("table.list tbody tr").last.scroll_into_view_if_needed()
    expect(fan.locator("table.list thead th").nth(1)).to_be_in_viewport()
    expect(fan.locator("nav.side .brand")).to_be_in_viewport()


def test_columns_are_chosen_and_moved(app: Flask, browse: Browse, say: Say) -> None:
    sample(Repair, member("mei"))
    db.session.commit()
    fan = browse("fan")
    fan.goto("/repair/list/")
    fan.locator("summary", has_text=say("Columns")).click()
    panel = fan.locator(".columns-panel")
    line = panel.locator("li", has_text=say("Reported by"))
    line.locator("input").check()
    for _time in range(30):
        line.locator("[data-move=up]").click()
    panel.get_by_role("button", name=say("Apply the columns")).click()
    expect(fan.locator("table.list th[scope]").first).to_have_text(say("Reported by"))
