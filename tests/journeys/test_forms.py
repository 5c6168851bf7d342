"""Nothing typed is lost: two people at one record, a form that is left, an error that comes back."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Dialog, Page, Route, expect
from test_repairs import equipment

from app.workplace.models import Equipment

from .conftest import Browse, Say, rows

pytestmark = pytest.mark.browser


def test_the_second_of_two_editors_sees_the_first_ones_change_and_loses_nothing(app: Flask, browse: Browse) -> None:
    item = equipment().id
    fan, other = browse("fan"), browse("fan")
    for page in (fan, other):
        page.goto(f"/equipment/edit/{item}")
    other.fill("#name", "新話機")
    other.fill("#seat", "B12")
    other.locator(".form-end .btn-primary").click()
    other.wait_for_url(f"**/equipment/show/{item}")

    browse.expected.add(422)
    fan.fill("#name", "我的名字")
    fan.fill("#cost", "1200")
    fan.locator(".form-end .btn-primary").click()
    told = fan.locator(".note-warning[role=alert]")
    for words in ("許帆", "新話機", "B12"):
        expect(told).to_contain_text(words)
    expect(fan.locator("#name")).to_have_value("我的名字")
    expect(fan.locator("#cost")).to_have_value("1200")
    with rows() as session:
        held = session.get_one(Equipment, item)
        assert (held.name, held.seat, held.cost) == ("新話機", "B12", None)
    fan.locator(".form-end .btn-primary").click()
    fan.wait_for_url(f"**/equipment/show/{item}")
    expect(fan.locator(".history")).to_contain_text("由「新話機」改為「我的名字」")
    with rows() as session:
        held = session.get_one(Equipment, item)
        assert (held.name, held.cost) == ("我的名字", 1200)


def test_leaving_a_form_asks_first_only_while_it_holds_something_unsaved(app: Flask, browse: Browse, say: Say) -> None:
    item = equipment().id
    fan = browse("fan")
    asked: list[str] = []
    stay = True

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        if stay:
            dialog.dismiss()
        else:
            dialog.accept()

    fan.on("dialog", answer)
    fan.goto(f"/equipment/edit/{item}")
    leave(fan)
    expect(fan.locator("h1")).to_contain_text(say("Hello, %(name)s", name="許帆"))
    assert asked == []

    fan.goto(f"/equipment/edit/{item}")
    type_more(fan)
    leave(fan)
    expect(fan.locator("#name")).to_have_value("話機二")
    assert asked == ["beforeunload"]

    fan.locator(".form-end .btn-primary").click()
    fan.wait_for_url(f"**/equipment/show/{item}")
    assert asked == ["beforeunload"]

    fan.goto(f"/equipment/edit/{item}")
    type_more(fan)
    stay = False
    leave(fan)
    expect(fan.locator("h1")).to_contain_text(say("Hello, %(name)s", name="許帆"))
    assert asked == ["beforeunload"] * 2
    with rows() as session:
        assert session.get_one(Equipment, item).name == "話機二"


def test_leaving_asks_after_a_refused_save_too(app: Flask, browse: Browse, say: Say) -> None:
    """What came back with an error is not saved: it is still guarded, and the first wrong field has the focus."""
    item = equipment().id
    fan = browse("fan")
    asked: list[str] = []
    fan.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    fan.goto(f"/equipment/edit/{item}")
    type_more(fan)
    fan.fill("#cost", "-5")
    browse.expected.add(422)
    fan.locator(".form-end .btn-primary").click()
    expect(fan.locator(".note-danger")).to_be_visible()
    expect(fan.locator("#name")).to_have_value("話機二")
    expect(fan.locator("#cost")).to_have_value("-5")
    assert asked == []
    fan.locator("#name").click()
    leave(fan)
    expect(fan.locator("h1")).to_contain_text(say("Hello, %(name)s", name="許帆"))
    assert asked == ["beforeunload"]


def test_a_delete_asks_first(app: Flask, browse: Browse) -> None:
    item = equipment().id
    fan = browse("fan")
    fan.goto(f"/equipment/show/{item}")
    fan.once("dialog", lambda dialog: dialog.dismiss())
    fan.locator("form[action*=delete] button").click()
    with rows() as session:
        assert session.get(Equipment, item) is not None
    fan.once("dialog", lambda dialog: dialog.accept())
    fan.locator("form[action*=delete] button").click()
    fan.wait_for_url("**/equipment/list/")
    with rows() as session:
        assert session.get(Equipment, item) is None


def type_more(page: Page) -> None:
    """Type into the form as a person does: browsers guard nothing that nobody touched."""
    page.locator("#name").click()
    page.keyboard.press("End")
    page.keyboard.type("二")


def leave(page: Page) -> None:
    """Follow a link away; whether the page goes is another matter."""
    page.locator("nav.side .brand").click(no_wait_after=True)


def test_an_empty_form_leads_to_what_is_missing(app: Flask, browse: Browse) -> None:
    """The first wrong field has the focus, be it a look-up; each line above the form leads to a field that is seen."""
    fan = browse("fan")
    fan.goto("/repair/add")
    browse.expected.add(422)
    fan.locator(".form-end .btn-primary").click()
    expect(fan.locator("#equipment-ts-control")).to_be_focused()
    expect(fan.locator("#equipment-ts-control")).to_have_attribute("aria-invalid", "true")
    lines = fan.locator(".note-danger a")
    assert lines.count() == fan.locator(".field.is-wrong").count() >= 3
    for number in range(lines.count()):
        lines.nth(number).click()
        field = fan.locator(".field.is-wrong").nth(number)
        expect(field.locator(":focus")).to_be_in_viewport()


def test_a_button_cannot_be_pressed_again_while_its_form_is_on_its_way(app: Flask, browse: Browse) -> None:
    """Also one that stands outside of its form, as on the roster board."""
    liang = browse("liang")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            waiting.append(route)
        else:
            route.continue_()

    liang.route("**/roster/board*", hold)
    liang.goto("/roster/board?week=2031-03-03")
    place = liang.locator("button[form=board][value=save]").bounding_box()
    assert place is not None
    for _time in range(2):
        liang.mouse.click(place["x"] + 10, place["y"] + 10)
        liang.wait_for_timeout(200)
    assert len(waiting) == 1
    waiting[0].continue_()
    expect(liang.locator(".note-success")).to_be_visible()


def test_files_that_are_too_heavy_are_told_before_anything_is_sent(app: Flask, browse: Browse, say: Say) -> None:
    """A server that refuses a form for its size has not read it: what was typed would be gone."""
    fan = browse("fan")
    fan.goto("/repair/add")
    fan.fill("#fault", "風扇很吵")
    heavy = {"name": "很大的照片.jpg", "mimeType": "image/jpeg", "buffer": b"0" * (13 * 2**20)}
    fan.set_input_files("#attachments", [heavy, {**heavy, "name": "另一張.jpg"}])
    sent: list[str] = []
    fan.on("request", lambda request: sent.append(request.method) if "x-check" not in request.headers else None)
    fan.locator(".form-end .btn-primary").click()
    told = fan.locator("#attachments").evaluate("(field) => field.validationMessage")
    assert told == say("Photos and files may have %(limit)s MB together at most.", limit=24)
    assert sent == []
    expect(fan.locator("#fault")).to_have_value("風扇很吵")
    fan.set_input_files("#attachments", [])
    browse.expected.add(422)
    fan.locator(".form-end .btn-primary").click()
    expect(fan.locator(".note-danger")).to_be_visible()
    assert sent[0] == "POST"
