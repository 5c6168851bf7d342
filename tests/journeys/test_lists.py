"""Lists: search, filter, sort, tick, page; by mouse, and the main things by keyboard alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from conftest import member
from flask import Flask
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select
from test_repairs import equipment, first

from app.core.db import db
from app.core.numbers import give_number
from app.workplace.models import Area, Equipment, EquipmentKind, FaultKind, Impact, Repair, RepairStatus
from app.workplace.operations import take_out_of_service

from .browser import PHONE
from .conftest import Browse, Say, rows

pytestmark = pytest.mark.browser
FIRST_DAY = datetime(2026, 3, 1, 2, tzinfo=UTC)
FIRST_PAGE = 25
MOST_TABS = 60
SETTLES_MS = 300


def repairs(count: int) -> list[str]:
    """Make reported faults, one a day, each of a piece of its own; return their numbers, oldest first."""
    kind, area, fault = first(EquipmentKind), first(Area), first(FaultKind)
    numbers = []
    for day in range(count):
        item = Equipment(tag=f"PC-{day:04d}", name="電腦", kind=kind, area=area)
        repair = Repair(
            equipment=item,
            fault_kind=fault,
            fault=f"第{day}號故障",
            impact=Impact.HINDERS,
            reporter=member("mei"),
            reported_at=FIRST_DAY + timedelta(days=day),
        )
        give_number(repair)
        db.session.add(repair)
        db.session.flush()
        take_out_of_service(repair)
        numbers.append(repair.number)
    db.session.commit()
    return numbers


def shown(page: Page) -> list[str]:
    """Return the numbers in the list, top down."""
    return page.locator("table.list tbody td:nth-child(2) a").all_inner_texts()


def test_a_list_is_searched_filtered_sorted_and_turned(app: Flask, browse: Browse, say: Say) -> None:
    numbers = repairs(30)
    fan = browse("fan")
    fan.locator("nav.side a", has_text=say("Repairs")).click()
    fan.wait_for_url("**/repair/list/")
    assert shown(fan) == numbers[: -FIRST_PAGE - 1 : -1]
    fan.locator("a[rel=next]").click()
    expect(fan.locator("a[rel=prev]")).to_be_visible()
    assert shown(fan) == numbers[4::-1]

    fan.locator("th a", has_text=say("Number")).click()
    expect(fan.locator("th[aria-sort=ascending]")).to_have_text(say("Number") + " ▲")
    assert shown(fan) == numbers[:FIRST_PAGE]
    fan.locator("th a", has_text=say("Number")).click()
    expect(fan.locator("th[aria-sort=descending]")).to_be_visible()
    assert shown(fan) == numbers[: -FIRST_PAGE - 1 : -1]

    fan.fill("#q", "第7號")
    fan.press("#q", "Enter")
    expect(fan.locator("table.list tbody tr")).to_have_count(1)
    assert shown(fan) == [numbers[7]]
    fan.locator(".chips a").first.click()

    fan.locator(".panel > summary").click()
    fan.keyboard.press("Escape")
    expect(fan.locator("#f-reported_at__ge")).not_to_be_visible()
    fan.keyboard.press("Enter")
    fan.fill("#f-reported_at__ge", "2026-03-05")
    fan.fill("#f-reported_at__le", "2026-03-07")
    fan.get_by_role("button", name=say("Apply the filters")).click()
    expect(fan.locator(".chips li")).to_have_count(3)
    assert set(shown(fan)) == set(numbers[4:7])
    expect(fan.locator("#f-reported_at__ge")).to_have_value("2026-03-05")

    fan.locator(".panel > summary").click()
    picker = fan.locator(".ts-wrapper", has=fan.locator("#f-equipment-ts-control"))
    picker.click()
    fan.keyboard.type("PC-0005")
    picker.locator("[role=option]", has_text="PC-0005").click()
    fan.get_by_role("button", name=say("Apply the filters")).click()
    expect(fan.locator("table.list tbody tr")).to_have_count(1)
    assert shown(fan) == [numbers[5]]
    expect(fan.locator(".chips")).to_contain_text("PC-0005 電腦")
    fan.locator(".chips .plain").click()
    expect(fan.locator("table.list tbody tr")).to_have_count(FIRST_PAGE)


def test_ticked_rows_take_a_step_together(app: Flask, browse: Browse, say: Say) -> None:
    numbers = repairs(3)
    fan = browse("fan")
    fan.goto("/repair/list/")
    expect(fan.locator("#bulk")).to_be_hidden()
    for number in numbers[:2]:
        fan.locator("tr", has_text=number).locator("input[type=checkbox]").check()
    expect(fan.locator("#bulk")).to_contain_text("2")
    fan.locator("#bulk").get_by_role("button", name=say("Accept"), exact=True).click()
    expect(fan.locator(".note-success")).to_contain_text("2")
    with rows() as session:
        found = {repair.number: repair.status for repair in session.scalars(select(Repair))}
        assert [found[number] for number in numbers] == [
            RepairStatus.IN_REPAIR,
            RepairStatus.IN_REPAIR,
            RepairStatus.REPORTED,
        ]
    fan.locator("[data-all]").check()
    expect(fan.locator("#bulk")).to_contain_text("3")
    fan.locator("tr", has_text=numbers[0]).locator("input[type=checkbox]").uncheck()
    expect(fan.locator("[data-all]")).not_to_be_checked()
    fan.locator("[data-all]").check()
    fan.locator("[data-all]").uncheck()
    expect(fan.locator("#bulk")).to_be_hidden()
    fan.locator("tr", has_text=numbers[2]).locator("td").last.click()
    fan.wait_for_url("**/repair/show/*")
    expect(fan.locator("h1")).to_contain_text(numbers[2])


def test_the_main_things_are_reached_by_keyboard(app: Flask, browse: Browse, say: Say) -> None:
    """Tab comes first to the skip link, then to navigation, search and the primary action; focus is always seen."""
    repairs(1)
    fan = browse("fan")
    fan.goto("/repair/list/")
    fan.keyboard.press("Tab")
    expect(fan.locator(".skip")).to_be_focused()
    expect(fan.locator(".skip")).to_be_in_viewport()
    wanted = {
        "navigation": "nav.side li a[aria-current]",
        "search over everything": "#top-q",
        "languages": ".languages button",
        "notifications": ".top-due summary",
        "account": ".me",
        "primary action": ".page-head .btn-primary",
        "search": "#q",
        "filter": ".panel > summary",
        "all rows": "[data-all]",
        "record": "table.list tbody a",
    }
    reached = []
    for _number in range(MOST_TABS):
        fan.keyboard.press("Tab")
        here = fan.locator(":focus")
        if here.count() == 0:
            break
        reached += [name for name, selector in wanted.items() if name not in reached and matches(here, selector)]
        assert here.evaluate(
            "(e) => getComputedStyle(e).outlineStyle !== 'none' || getComputedStyle(e).boxShadow !== 'none'"
        )
    assert reached == list(wanted)

    fan.goto("/repair/list/")
    fan.keyboard.press("Tab")
    fan.keyboard.press("Enter")
    expect(fan.locator("main")).to_be_focused()
    fan.locator("table.list tbody a").first.focus()
    fan.keyboard.press("Enter")
    fan.wait_for_url("**/repair/show/*")
    fan.get_by_role("button", name=say("Accept"), exact=True).focus()
    fan.keyboard.press("Enter")
    expect(fan.locator(".path [aria-current]")).to_have_text(say("In repair"))
    with rows() as session:
        assert session.scalars(select(Repair.status)).one() is RepairStatus.IN_REPAIR


def matches(element: object, selector: str) -> bool:
    """Tell whether an element is what a selector means."""
    return bool(element.evaluate("(e, selector) => e.matches(selector)", selector))  # type: ignore[attr-defined]


def test_a_look_up_is_filled_by_keyboard(app: Flask, browse: Browse) -> None:
    """Type some digits, choose with the arrow, keep with Enter: the form gets the row's key."""
    key = equipment("PH-0231").id
    equipment("PH-9999", keeper=None)
    fan = browse("fan")
    fan.goto("/repair/add")
    fan.locator("#equipment-ts-control").focus()
    fan.keyboard.type("0231")
    expect(fan.locator(".ts-dropdown [role=option]")).to_have_count(1)
    fan.keyboard.press("ArrowDown")
    fan.keyboard.press("Enter")
    expect(fan.locator(".ts-control .item")).to_contain_text("PH-0231 話機")
    assert fan.locator("#equipment").input_value() == str(key)


def test_a_late_answer_to_what_was_typed_before_is_not_offered(app: Flask, browse: Browse) -> None:
    """The answer to the empty box comes after the one to the digits: only what fits the digits may be chosen."""
    equipment("PH-0231")
    equipment("PH-9999", keeper=None)
    fan = browse("fan")
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    fan.route(re.compile(r"/lookup\?q=$"), hold)
    fan.goto("/repair/add")
    fan.locator("#equipment-ts-control").focus()
    fan.keyboard.type("0231")
    offered = fan.locator(".ts-dropdown [role=option]")
    expect(offered).to_have_count(1)
    assert late, "the empty box asked nothing"
    with fan.expect_event("requestfinished"):
        late[0].continue_()
    fan.wait_for_timeout(SETTLES_MS)
    expect(offered).to_have_text(["PH-0231 話機"])


def test_the_drawer_of_a_phone_opens_and_closes(app: Flask, browse: Browse, say: Say) -> None:
    mei = browse("mei", size=PHONE)
    side = mei.locator("nav.side")
    expect(side).not_to_be_visible()
    mei.locator("[data-drawer]").tap()
    expect(side).to_be_visible()
    expect(mei.locator("[data-drawer]")).to_have_attribute("aria-expanded", "true")
    mei.touchscreen.tap(380, 600)
    expect(side).not_to_be_visible()
    mei.locator("[data-drawer]").tap()
    side.get_by_role("link", name=say("Repairs"), exact=True).tap()
    mei.wait_for_url("**/repair/list/")


def test_the_drawer_opens_and_closes_by_keyboard(app: Flask, browse: Browse) -> None:
    mei = browse("mei", size=PHONE)
    opener = mei.locator("[data-drawer]")
    opener.focus()
    mei.keyboard.press("Enter")
    expect(mei.locator("nav.side :focus")).to_be_visible()
    mei.keyboard.press("Escape")
    expect(mei.locator("nav.side")).not_to_be_visible()
    expect(opener).to_be_focused()
