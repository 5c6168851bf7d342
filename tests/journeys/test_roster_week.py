"""A lead puts a week of shifts in by mouse and by keyboard and publishes it (clause 2.2.1); agents then see theirs."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from conftest import member
from flask import Flask
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from app.handbook.models import Weekday
from app.roster.models import CoverageRule, RosterWeek, Shift, ShiftType, WeekStatus
from app.staff.models import Team

from .conftest import Browse, Say, rows

pytestmark = pytest.mark.browser
MONDAY = date(2031, 3, 3)
WEEKDAYS = [MONDAY + timedelta(days=number) for number in range(5)]


class Board:
    """The roster board as a lead has it open."""

    def __init__(self, page: Page) -> None:
        self.page = page
        with rows() as session:
            self.team = session.scalars(select(Team.id).where(Team.code == "T1")).one()
            self.types = {one.code: one.id for one in session.scalars(select(ShiftType))}
            self.people = {login: member(login).id for login in ("mei", "tao", "liang")}

    def open(self, monday: date = MONDAY) -> None:
        """Open a week."""
        self.page.goto(f"/roster/board?team={self.team}&week={monday}")

    def cell(self, login: str, day: date) -> Locator:
        """Return somebody's day."""
        return self.page.locator(f"#shift-{self.people[login]}-{day}")

    def brush(self, code: str) -> Locator:
        """Return the button that holds a shift."""
        return self.page.locator(f"[data-brush='{self.types[code]}']")

    def button(self, do: str) -> Locator:
        """Return what saves, copies or publishes."""
        return self.page.locator(f"button[form=board][value={do}]")

    def expect_cells(self, login: str, code: str) -> None:
        """The five weekdays show a shift."""
        for day in WEEKDAYS:
            expect(self.cell(login, day)).to_have_value(str(self.types[code]))


def planned(session: object) -> dict[tuple[str, date], str]:
    """Return who works when, as the database has it."""
    found = session.scalars(select(Shift))  # type: ignore[attr-defined]
    return {(one.person.user.username, one.day): one.shift_type.code for one in found}


def test_a_lead_fills_a_week_by_mouse_and_by_keyboard_and_publishes_it(app: Flask, browse: Browse, say: Say) -> None:
    with rows() as session:
        team = session.scalars(select(Team).where(Team.code == "T1")).one()
        early = session.scalars(select(ShiftType).where(ShiftType.code == "EARLY")).one()
        session.add(CoverageRule(team=team, weekday=Weekday.MONDAY, shift_type=early, least=2))
    mei = browse("mei")
    mei.goto("/shift/list/")
    expect(mei.locator(".empty")).to_be_visible()

    liang = browse("liang")
    board = Board(liang)
    board.open()
    missing = liang.locator("tfoot td").first
    expect(missing).to_contain_text(say("%(count)s missing", count=2))

    # By mouse: take a shift in hand, then click days.
    board.brush("EARLY").click()
    expect(board.brush("EARLY")).to_have_attribute("aria-pressed", "true")
    for day in WEEKDAYS:
        board.cell("mei", day).click()
    board.expect_cells("mei", "EARLY")
    expect(missing).to_contain_text(say("%(count)s missing", count=1))
    board.brush("EARLY").click()

    # By keyboard: arrows move, a number sets the shift, 0 takes it away.
    board.cell("tao", MONDAY).focus()
    for _day in WEEKDAYS:
        liang.keyboard.press("2")
        liang.keyboard.press("ArrowRight")
    expect(board.cell("tao", MONDAY + timedelta(days=5))).to_be_focused()
    board.expect_cells("tao", "MIDDLE")
    liang.keyboard.press("1")
    liang.keyboard.press("0")
    expect(board.cell("tao", MONDAY + timedelta(days=5))).to_have_value("")
    board.cell("tao", MONDAY).focus()
    liang.keyboard.press("ArrowUp")
    expect(board.cell("mei", MONDAY)).to_be_focused()
    with rows() as session:
        assert planned(session) == {}

    board.button("save").click()
    expect(liang.locator(".note-success")).to_be_visible()
    wanted = {("mei", day): "EARLY" for day in WEEKDAYS} | {("tao", day): "MIDDLE" for day in WEEKDAYS}
    with rows() as session:
        assert planned(session) == wanted
        assert session.scalars(select(RosterWeek.status)).one() is WeekStatus.DRAFT
    mei.reload()
    expect(mei.locator(".empty")).to_be_visible()

    board.cell("liang", MONDAY).select_option(str(board.types["EARLY"]))
    expect(missing).to_contain_text(say("enough"))
    board.button("publish").click()
    expect(board.button("reopen")).to_be_visible()
    with rows() as session:
        assert planned(session) == wanted | {("liang", MONDAY): "EARLY"}
        assert session.scalars(select(RosterWeek.status)).one() is WeekStatus.PUBLISHED

    mei.reload()
    expect(mei.locator("table.list tbody tr")).to_have_count(len(WEEKDAYS))
    expect(mei.locator("table.list")).to_contain_text(MONDAY.isoformat())
    expect(mei.locator("table.list")).not_to_contain_text(member_name("tao"))


def member_name(login: str) -> str:
    """Return what one of the cast is called."""
    with rows():
        return member(login).name


def test_last_week_is_copied_and_a_short_rest_is_told_at_once(app: Flask, browse: Browse) -> None:
    with rows() as session:
        types = {one.code: one for one in session.scalars(select(ShiftType))}
        for day in WEEKDAYS:
            session.add(Shift(person=member("mei"), team=member("mei").team, day=day, shift_type=types["LATE"]))
    liang = browse("liang")
    board = Board(liang)
    following = MONDAY + timedelta(days=7)
    board.open(following)
    board.button("copy").click()
    expect(liang.locator(".note-info")).to_be_visible()
    expect(board.cell("mei", following)).to_have_value(str(board.types["LATE"]))
    with rows() as session:
        assert len(planned(session)) == len(WEEKDAYS)

    # Late on Monday ends at midnight; early on Tuesday begins at eight.
    tuesday = board.cell("mei", following + timedelta(days=1))
    tuesday.select_option(str(board.types["EARLY"]))
    expect(liang.locator(".rests li")).to_have_count(1)
    expect(liang.locator(".rests li")).to_contain_text(member_name("mei"))
    tuesday.select_option(str(board.types["LATE"]))
    expect(liang.locator(".rests li")).to_have_count(0)
    board.button("save").click()
    expect(liang.locator(".note-success")).to_be_visible()
    with rows() as session:
        assert len(planned(session)) == 2 * len(WEEKDAYS)


def test_two_leads_at_one_board_do_not_undo_each_other(app: Flask, browse: Browse) -> None:
    """What a second person chose in a cell that somebody filled meanwhile is told, and kept on the page."""
    liang, su = browse("liang"), browse("su")
    one, other = Board(liang), Board(su)
    for board in (one, other):
        board.open()
    one.cell("mei", MONDAY).select_option(str(one.types["EARLY"]))
    one.button("save").click()
    expect(liang.locator(".note-success")).to_be_visible()

    browse.expected.add(422)
    other.cell("mei", MONDAY).select_option(str(one.types["LATE"]))
    other.cell("tao", MONDAY).select_option(str(one.types["MIDDLE"]))
    other.button("save").click()
    expect(su.locator(".note-danger")).to_contain_text(member_name("mei"))
    expect(other.cell("mei", MONDAY)).to_have_value(str(one.types["LATE"]))
    expect(other.cell("tao", MONDAY)).to_have_value(str(one.types["MIDDLE"]))
    with rows() as session:
        assert planned(session) == {("mei", MONDAY): "EARLY"}
    other.button("save").click()
    expect(su.locator(".note-success")).to_be_visible()
    with rows() as session:
        assert planned(session) == {("mei", MONDAY): "LATE", ("tao", MONDAY): "MIDDLE"}
