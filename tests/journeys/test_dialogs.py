"""Small forms over the page: a step, a record that a look-up lacks; what is wrong is told there, nothing is lost."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select
from test_repairs import equipment, first

from app.casework.models import Channel, Complaint, ProductLine
from app.core.db import db
from app.customers.models import Customer
from app.workplace.models import Equipment, FaultKind, Repair, RepairStatus

from .conftest import ONE_DATABASE, Browse, Say, rows

pytestmark = [pytest.mark.browser, ONE_DATABASE]


def repair_in_work(fan: Page, say: Say) -> str:
    """Report a fault, accept it, and return the address of its page."""
    item, kind = equipment().id, str(first(FaultKind))
    db.session.commit()
    fan.goto(f"/repair/add?equipment={item}")
    fan.locator("label", has_text=kind).click()
    fan.fill("#fault", "沒有聲音")
    fan.locator("label", has_text=say("Can work around it")).click()
    fan.locator(".form-end .btn-primary").click()
    fan.wait_for_url("**/repair/show/*")
    fan.get_by_role("button", name=say("Accept"), exact=True).click()
    expect(fan.locator(".path [aria-current]")).to_have_text(say("In repair"))
    return fan.url


def test_a_step_is_taken_in_a_small_form_over_the_page(app: Flask, browse: Browse, say: Say) -> None:
    fan = browse("fan")
    place = repair_in_work(fan, say)
    button = fan.get_by_role("link", name=say("Report as fixed"), exact=True)
    button.click()
    sheet = fan.get_by_role("dialog")
    expect(sheet.locator("#remedy")).to_be_focused()
    browse.expected.add(422)
    sheet.locator(".form-end .btn-primary").click()
    expect(sheet.locator(".note-danger")).to_be_visible()
    expect(sheet.locator("#remedy")).to_be_focused()
    with rows() as session:
        assert session.scalars(select(Repair.status)).one() is RepairStatus.IN_REPAIR
    fan.keyboard.type("更換聽筒")
    sheet.locator(".form-end .btn-primary").click()
    expect(fan.locator(".path [aria-current]")).to_have_text(say("Fixed"))
    expect(fan.locator(".note-success")).to_be_visible()
    assert fan.url == place
    with rows() as session:
        repair = session.scalars(select(Repair)).one()
        assert (repair.status, repair.remedy) == (RepairStatus.FIXED, "更換聽筒")


def test_a_small_form_asks_before_it_throws_away_what_was_typed(app: Flask, browse: Browse, say: Say) -> None:
    fan = browse("fan")
    repair_in_work(fan, say)
    button = fan.get_by_role("link", name=say("Report as fixed"), exact=True)
    button.click()
    sheet = fan.get_by_role("dialog")
    expect(sheet.locator("#remedy")).to_be_focused()
    fan.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(button).to_be_focused()
    button.click()
    sheet.locator("#remedy").press_sequentially("更換")
    asked: list[str] = []
    fan.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    fan.keyboard.press("Escape")
    expect(sheet.locator("#remedy")).to_have_value("更換")
    assert asked == [say("What you typed here is not saved. Leave it?")]
    # What came back with an error is as unsaved as before.
    browse.expected.add(422)
    sheet.locator("#remedy").fill(" ")
    sheet.locator(".form-end .btn-primary").click()
    expect(sheet.locator(".note-danger")).to_be_visible()
    fan.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    fan.keyboard.press("Escape")
    expect(sheet.locator(".note-danger")).to_be_visible()
    assert len(asked) == 2
    fan.once("dialog", lambda dialog: dialog.accept())
    sheet.locator("[data-close]").first.click()
    expect(sheet).to_have_count(0)


def test_a_customer_that_is_not_there_yet_is_added_without_leaving_the_complaint(
    app: Flask, browse: Browse, say: Say
) -> None:
    mei = browse("mei")
    mei.goto("/complaint/add")
    mei.fill("#story", "理賠金額與說明不符，客戶要求覆核。")
    mei.fill("#subject", "理賠金額不符")
    mei.locator("a[data-fills=customer]").click()
    sheet = mei.get_by_role("dialog")
    browse.expected.add(422)
    sheet.locator(".form-end .btn-primary").click()
    expect(sheet.locator(".note-danger")).to_be_visible()
    sheet.locator("#name").fill("王大明")
    sheet.locator(".form-end .btn-primary").click()
    expect(sheet).to_have_count(0)
    with rows() as session:
        made = session.scalars(select(Customer)).one()
        key, told = made.id, str(made)
    expect(mei.locator("#customer + .ts-wrapper .item")).to_have_text(told)
    expect(mei.locator("#story")).to_have_value("理賠金額與說明不符，客戶要求覆核。")
    channel, line = str(first(Channel).id), str(first(ProductLine).id)
    db.session.commit()
    mei.select_option("#channel", channel)
    mei.select_option("#product_line", line)
    mei.fill("#event_on", "2026-03-02")
    mei.locator("main > form .form-end .btn-primary").click()
    mei.wait_for_url("**/complaint/show/*")
    with rows() as session:
        assert session.scalars(select(Complaint.customer_id)).one() == key


def test_without_scripts_a_step_is_a_page_of_its_own(app: Flask, browse: Browse, say: Say) -> None:
    fan = browse("fan")
    place = repair_in_work(fan, say)
    plain = browse.plain("fan")
    plain.goto(place)
    plain.get_by_role("link", name=say("Report as fixed"), exact=True).click()
    plain.fill("#remedy", "更換聽筒")
    plain.locator(".form-end .btn-primary").click()
    expect(plain.locator(".path [aria-current]")).to_have_text(say("Fixed"))


def test_what_is_wrong_is_told_when_a_field_is_left(app: Flask, browse: Browse) -> None:
    item = equipment().id
    fan = browse("fan")
    fan.goto(f"/equipment/edit/{item}")
    fan.fill("#cost", "-5")
    fan.press("#cost", "Tab")
    line = fan.locator("#cost-error")
    expect(line).to_be_visible()
    expect(fan.locator("#cost")).to_have_attribute("aria-invalid", "true")
    assert "cost-error" in str(fan.locator("#cost").get_attribute("aria-describedby"))
    expect(fan.locator(".field.is-wrong")).to_have_count(1)
    fan.fill("#cost", "5")
    fan.press("#cost", "Tab")
    expect(line).to_have_count(0)
    expect(fan.locator("#cost")).not_to_have_attribute("aria-invalid", "true")
    with rows() as session:
        assert session.get_one(Equipment, item).cost is None
    db.session.commit()
    fan.locator(".form-end .btn-primary").click()
    fan.wait_for_url("**/equipment/show/*")
