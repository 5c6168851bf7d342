"""Rows of a record edited in place: a plan's items, a team's coverage rules, people who are enrolled."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from conftest import member
from flask import Flask
from playwright.sync_api import Dialog, Page, Route, expect
from samples import sample
from sqlalchemy import select

from app.core.db import db
from app.roster.models import CoverageRule, ShiftType, Weekday
from app.staff.models import Team
from app.training.models import Enrolment, Method, PlanItem, Quarter, TopicArea, TrainingPlan, TrainingSession

from .browser import PHONE
from .conftest import Browse, Say, rows

pytestmark = pytest.mark.browser


def plan_with(*titles: str) -> int:
    """Make a draft of a plan with items; return its key."""
    with rows() as session:
        plan = TrainingPlan(year=2031, edition=1, author=member("su"), goals="熟悉新產品")
        area = session.scalars(select(TopicArea).order_by(TopicArea.id)).first()
        session.add(plan)
        for title in titles:
            session.add(
                PlanItem(
                    plan=plan,
                    title=title,
                    topic_area=area,
                    method=Method.CASE,
                    quarter=Quarter.Q1,
                    audience="全體",
                    hours=3,
                )
            )
        session.flush()
        return plan.id


def open_grid(page: Page, url: str) -> None:
    """Open a record's page and the rows in it."""
    page.goto(url)
    page.locator("a[data-rows]").click()
    expect(page.locator("form.rows")).to_be_visible()


def cell(page: Page, row: int, name: str) -> str:
    """Return where a cell of a row is, counted from 0."""
    key = page.locator("tr[data-row]").nth(row).get_attribute("data-row")
    return f"#{key}-{name}"


def type_item(page: Page, title: str) -> None:
    """Type a whole item beginning in the cell that has the focus, by the keyboard alone."""
    page.keyboard.type(title)
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press("Tab")
        page.keyboard.press(key)
    page.keyboard.press("Tab")
    page.keyboard.type("新進同仁")
    page.keyboard.press("Tab")
    page.keyboard.type("2")


def test_a_supervisor_writes_a_plan_s_items_in_one_grid_by_keyboard(app: Flask, browse: Browse, say: Say) -> None:
    plan = plan_with("長照險條款", "申訴案例")
    su = browse("su")
    open_grid(su, f"/training-plan/show/{plan}")
    expect(su).to_have_url(re.compile(f"/training-plan/show/{plan}$"))
    expect(su.get_by_role("button", name=say("Add a row"))).to_be_visible()
    su.fill(cell(su, 0, "hours"), "6")
    su.locator("tr[data-row] .row-go input").nth(1).check()
    su.focus(cell(su, 2, "title"))
    type_item(su, "同理心表達")
    # Enter in the last cell is a new row, and never sends the form.
    su.keyboard.press("Enter")
    expect(su.locator("tr[data-row]")).to_have_count(4)
    expect(su.locator(cell(su, 3, "title"))).to_be_focused()
    type_item(su, "客訴演練")
    su.fill(cell(su, 3, "hours"), "-2")
    su.get_by_role("button", name=say("Add a row")).click()
    browse.expected.add(422)
    su.get_by_role("button", name=say("Save all rows")).click()

    # Wrong at its cell, in place, with all that was typed; the line above leads there.
    told = su.locator("form.rows [aria-invalid=true]")
    expect(told).to_have_count(1)
    expect(told).to_have_value("-2")
    expect(su.locator(cell(su, 0, "hours"))).to_have_value("6")
    su.locator(".note-danger a").click()
    expect(told).to_be_focused()
    with rows() as session:
        assert [item.title for item in session.scalars(select(PlanItem).order_by(PlanItem.id))] == [
            "長照險條款",
            "申訴案例",
        ]
    su.keyboard.press("ControlOrMeta+a")
    su.keyboard.type("2")
    su.get_by_role("button", name=say("Save all rows")).click()
    expect(su.locator(".note-success")).to_be_visible()
    expect(su.locator("form.rows")).to_have_count(0)
    with rows() as session:
        found = [(item.title, item.hours) for item in session.scalars(select(PlanItem).order_by(PlanItem.id))]
        assert found == [("長照險條款", Decimal(6)), ("同理心表達", Decimal(2)), ("客訴演練", Decimal(2))]


def test_two_people_at_the_same_rows_and_a_line_that_is_down(app: Flask, browse: Browse, say: Say) -> None:
    plan = plan_with("長照險條款", "申訴案例")
    su, other = browse("su"), browse("su")
    for page in (su, other):
        open_grid(page, f"/training-plan/show/{plan}")
    other.fill(cell(other, 0, "audience"), "新對象")
    other.get_by_role("button", name=say("Save all rows")).click()
    expect(other.locator(".note-success")).to_be_visible()

    browse.expected.add(422)
    su.fill(cell(su, 0, "title"), "我的標題")
    su.get_by_role("button", name=say("Save all rows")).click()
    expect(su.locator(".row-told")).to_contain_text("新對象")
    expect(su.locator(cell(su, 0, "title"))).to_have_value("我的標題")

    # Leaving asks first, be it by a link; nothing is sent while the server cannot be reached.
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    su.on("dialog", stay)
    su.get_by_role("link", name=say("Cancel"), exact=True).click()
    expect(su.locator(cell(su, 0, "title"))).to_have_value("我的標題")
    assert asked == ["beforeunload"]

    def down(route: Route) -> None:
        route.abort()

    su.route("**/plan-item/rows/**", down)
    su.get_by_role("button", name=say("Save all rows")).click()
    expect(su.locator(".note-danger")).to_have_text(
        say("The portal does not answer. Nothing was saved; what you typed is still here.")
    )
    su.unroute("**/plan-item/rows/**", down)
    su.get_by_role("button", name=say("Save all rows")).click()
    expect(su.locator(".note-success")).to_be_visible()
    with rows() as session:
        first = session.scalars(select(PlanItem).order_by(PlanItem.id)).first()
        assert first is not None
        assert first.title == "我的標題"
    # Whoever was signed out meanwhile finds what they typed on the page that says so.
    open_grid(su, f"/training-plan/show/{plan}")
    su.fill(cell(su, 1, "title"), "登出前打的字")
    su.context.clear_cookies()
    browse.expected.update({400, 401})
    su.get_by_role("button", name=say("Save all rows")).click()
    expect(su.locator("input[value='登出前打的字']")).to_have_count(1)
    browse.wrong = [line for line in browse.wrong if "net::ERR_FAILED" not in line]


def test_a_lead_sets_the_coverage_of_the_own_team_on_a_phone(app: Flask, browse: Browse, say: Say) -> None:
    with rows() as session:
        team = session.scalars(select(Team).where(Team.code == "T1")).one()
        kind = session.scalars(select(ShiftType).order_by(ShiftType.position, ShiftType.id)).first()
        session.add(CoverageRule(team=team, weekday=Weekday.MONDAY, shift_type=kind, least=2))
        key = team.id
    liang = browse("liang", size=PHONE)
    open_grid(liang, f"/team/show/{key}")
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert liang.evaluate(wide)
    # Each row is a card, and its labels can be read.
    for name in ("Weekday", "Shift", "Least number of people"):
        expect(liang.locator("tr[data-row]").nth(0).get_by_text(say(name), exact=True)).to_be_visible()
    liang.get_by_label(say("Least number of people")).nth(0).fill("4")
    liang.select_option(cell(liang, 1, "weekday"), "TUESDAY")
    liang.select_option(cell(liang, 1, "shift_type"), index=1)
    liang.fill(cell(liang, 1, "least"), "3")
    liang.get_by_role("button", name=say("Save all rows")).click()
    expect(liang.locator(".note-success")).to_be_visible()
    with rows() as session:
        found = session.scalars(select(CoverageRule).order_by(CoverageRule.id)).all()
        assert [(one.team_id, one.weekday, one.least) for one in found] == [
            (key, Weekday.MONDAY, 4),
            (key, Weekday.TUESDAY, 3),
        ]


def test_look_ups_of_a_grid_are_found_by_typing(app: Flask, browse: Browse, say: Say) -> None:
    key = sample(TrainingSession).id
    db.session.commit()
    su = browse("su")
    open_grid(su, f"/training-session/show/{key}")
    expect(su.locator(".ts-dropdown .option")).to_have_count(0)
    su.keyboard.press("Tab")
    for number, name in enumerate(("周美", "王濤")):
        box = su.locator("tr[data-row]").nth(number).locator(".ts-control input")
        expect(box).to_be_focused()
        box.press_sequentially(name)
        su.locator(".ts-dropdown .option", has_text=name).wait_for()
        su.keyboard.press("Enter")
        expect(su.locator("tr[data-row]").nth(number).locator(".ts-control .item")).to_have_text(re.compile(name))
        su.keyboard.press("Enter")
    expect(su.locator("tr[data-row]")).to_have_count(3)
    # The list of the row that Enter has added lies over the button.
    su.locator("tr[data-row]").nth(2).locator(".ts-dropdown .option").first.wait_for()
    su.keyboard.press("Escape")
    su.get_by_role("button", name=say("Save all rows")).click()
    expect(su.locator(".note-success")).to_be_visible()
    with rows() as session:
        assert [one.person.name for one in session.scalars(select(Enrolment).order_by(Enrolment.id))] == [
            "周美",
            "王濤",
        ]


def test_the_grid_is_a_page_of_its_own_without_scripts(app: Flask, browse: Browse, say: Say) -> None:
    plan = plan_with("長照險條款")
    page = browse.plain("su")
    page.goto(f"/training-plan/show/{plan}")
    page.locator("a[data-rows]").click()
    expect(page).to_have_url(re.compile(f"/plan-item/rows/plan/{plan}$"))
    expect(page.locator("tr[data-row]")).to_have_count(4)
    expect(page.get_by_role("button", name=say("Add a row"))).to_have_count(0)
    browse.expected.add(422)
    page.fill("#n1-title", "同理心表達")
    page.click(".form-end .btn-primary")
    expect(page.locator("#n1-title")).to_have_value("同理心表達")
    page.select_option("#n1-topic_area", index=1)
    page.select_option("#n1-method", "CASE")
    page.select_option("#n1-quarter", "Q4")
    page.fill("#n1-audience", "新進同仁")
    page.fill("#n1-hours", "1.5")
    page.click(".form-end .btn-primary")
    page.wait_for_url(f"**/training-plan/show/{plan}")
    expect(page.locator("main")).to_contain_text("同理心表達")
