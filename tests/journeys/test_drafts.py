"""What was typed stays: a draft in this browser, another language, another theme."""

from __future__ import annotations

import pytest
from conftest import SignIn, member
from flask import Flask
from playwright.sync_api import Page, expect
from test_casework import complain
from test_repairs import equipment, first

from app.casework.models import Channel
from app.core.accounts import UserSetting
from app.core.db import db

from .conftest import ONE_DATABASE, Browse, Say, rows

pytestmark = [pytest.mark.browser, ONE_DATABASE]
STORY = "客戶表示三週內來電五次，每次都要重新說明一遍。"
DRAFTS = "() => Object.keys(localStorage).filter((name) => name.startsWith('draft:'))"


def leave(page: Page, url: str) -> None:
    """Go to another page and throw away what was typed."""
    page.once("dialog", lambda dialog: dialog.accept())
    page.goto(url)


def test_a_long_text_is_offered_again_after_the_page_was_left(app: Flask, browse: Browse, say: Say) -> None:
    mei = browse("mei")
    mei.goto("/consultation/add")
    mei.locator("#story").press_sequentially(STORY)
    leave(mei, "/account/")
    mei.goto("/consultation/add")
    offer = mei.locator(".draft")
    expect(offer).to_contain_text(say("A draft of yours was kept here."))
    expect(mei.locator("#story")).to_have_value("")
    offer.get_by_role("button", name=say("Use the draft")).click()
    expect(mei.locator("#story")).to_have_value(STORY)
    channel = str(first(Channel).id)
    db.session.commit()
    mei.select_option("#channel", channel)
    mei.fill("#subject", "重複說明")
    mei.locator(".form-end .btn-primary").click()
    mei.wait_for_url("**/consultation/show/*")
    # What was saved needs no draft.
    assert mei.evaluate(DRAFTS) == []
    mei.goto("/consultation/add")
    expect(mei.locator(".draft")).to_have_count(0)


def test_a_draft_outlives_a_refused_save_and_can_be_thrown_away(app: Flask, browse: Browse, say: Say) -> None:
    mei = browse("mei")
    mei.goto("/consultation/add")
    mei.locator("#story").press_sequentially(STORY)
    browse.expected.add(422)
    mei.locator(".form-end .btn-primary").click()
    expect(mei.locator(".note-danger")).to_be_visible()
    assert len(mei.evaluate(DRAFTS)) == 1
    leave(mei, "/consultation/add")
    mei.locator(".draft").get_by_role("button", name=say("Discard it")).click()
    assert mei.evaluate(DRAFTS) == []


def test_signing_out_takes_drafts_along_and_nobody_sees_anothers(app: Flask, browse: Browse) -> None:
    mei = browse("mei")
    mei.goto("/consultation/add")
    mei.locator("#story").press_sequentially(STORY)
    key = str(member("mei").user_id)
    db.session.commit()
    assert [name.split(":")[1] for name in mei.evaluate(DRAFTS)] == [key]
    leave(mei, "/account/")
    mei.locator(".me").click()
    mei.locator("[data-leaves] button").click()
    mei.wait_for_url("**/login/**")
    assert mei.evaluate(DRAFTS) == []


def test_no_draft_is_kept_of_personal_data(app: Flask, browse: Browse) -> None:
    liang = browse("liang")
    liang.goto("/policy/add")
    field = liang.locator("[name=beneficiaries]")
    field.press_sequentially("王小明 配偶 50%")
    assert liang.evaluate(DRAFTS) == []
    assert "王小明" not in liang.evaluate("() => JSON.stringify({...localStorage, ...sessionStorage})")
    leave(liang, "/account/")


def test_another_language_keeps_the_page_and_everything_typed(app: Flask, browse: Browse, say: Say) -> None:
    item = equipment()
    key = item.id
    fan = browse("fan")
    fan.goto("/repair/add")
    fan.locator("#equipment-ts-control").focus()
    fan.keyboard.type("0231")
    fan.locator(".ts-dropdown [role=option]").first.click()
    fan.fill("#fault", "按鍵沒有反應")
    fan.locator("label", has_text=say("Cannot work")).click()
    for locale, lang in (("zh_Hans_CN", "zh-Hans-CN"), ("en", "en")):
        fan.locator(f".languages [lang={lang}]").click()
        expect(fan.locator("html")).to_have_attribute("lang", lang)
        assert fan.url.endswith("/repair/add")
        expect(fan.locator("#fault")).to_have_value("按鍵沒有反應")
        assert fan.locator("#equipment").input_value() == str(key)
        expect(fan.locator("label", has_text=say("Cannot work", locale)).locator("input")).to_be_checked()
    # It is as unsaved as it was.
    asked: list[str] = []
    fan.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    fan.locator("nav.side a").first.click(no_wait_after=True)
    expect(fan.locator("#fault")).to_have_value("按鍵沒有反應")
    assert asked == ["beforeunload"]
    assert fan.evaluate("() => sessionStorage.getItem('typed')") is None


def test_the_theme_changes_at_once_and_stays_with_the_person(app: Flask, browse: Browse, say: Say) -> None:
    fan = browse("fan")
    page = fan.locator("html")
    expect(page).to_have_attribute("data-bs-theme", "light")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = fan.evaluate(ground)
    fan.goto("/repair/add")
    fan.fill("#fault", "螢幕太亮")
    fan.locator(".me").click()
    with fan.expect_response("**/theme/dark"):
        fan.get_by_role("button", name=say("Dark"), exact=True).click()
    expect(page).to_have_attribute("data-bs-theme", "dark")
    expect(fan.locator("#fault")).to_have_value("螢幕太亮")
    assert fan.evaluate(ground) != light
    with rows() as session:
        assert session.get_one(UserSetting, member("fan").user_id).theme == "dark"
    elsewhere = browse("fan")
    expect(elsewhere.locator("html")).to_have_attribute("data-bs-theme", "dark")
    elsewhere.emulate_media(color_scheme="dark")
    elsewhere.locator(".me").click()
    with elsewhere.expect_response("**/theme/auto"):
        elsewhere.get_by_role("button", name=say("As the device"), exact=True).click()
    expect(elsewhere.locator("html")).to_have_attribute("data-bs-theme", "dark")
    elsewhere.emulate_media(color_scheme="light")
    expect(elsewhere.locator("html")).to_have_attribute("data-bs-theme", "light")
    leave(fan, "/account/")


def test_another_language_does_not_hide_that_somebody_saved_meanwhile(app: Flask, browse: Browse, say: Say) -> None:
    item = equipment().id
    fan, other = browse("fan"), browse("fan")
    fan.goto(f"/equipment/edit/{item}")
    fan.fill("#cost", "1200")
    other.goto(f"/equipment/edit/{item}")
    other.fill("#seat", "B12")
    other.locator(".form-end .btn-primary").click()
    other.wait_for_url(f"**/equipment/show/{item}")
    fan.locator(".languages [lang=zh-Hans-CN]").click()
    expect(fan.locator("html")).to_have_attribute("lang", "zh-Hans-CN")
    expect(fan.locator("#cost")).to_have_value("1200")
    browse.expected.add(422)
    fan.locator(".form-end .btn-primary").click()
    expect(fan.locator(".note-warning[role=alert]")).to_contain_text("B12")


def test_a_note_that_was_begun_is_offered_on_its_own_ticket_only(app: Flask, browse: Browse, sign_in: SignIn) -> None:
    person = sign_in("mei")
    one, two = complain(person).id, complain(person).id
    db.session.commit()
    mei = browse("mei")
    mei.goto(f"/complaint/show/{one}")
    mei.locator("form.box textarea").press_sequentially(STORY)
    leave(mei, f"/complaint/show/{two}")
    expect(mei.locator(".draft")).to_have_count(0)
    mei.goto(f"/complaint/show/{one}")
    expect(mei.locator(".draft")).to_have_count(1)
