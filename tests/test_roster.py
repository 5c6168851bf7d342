"""The roster (clauses 2.2.1 and 6.3.1): a week on the board, leave, swaps, attendance; who may, and who may not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from conftest import Person, SignIn, inputs, member
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from test_laws import statements

from app.core import actor, clock
from app.core.db import db
from app.core.measures import MEASURES, Period
from app.handbook.models import Weekday
from app.roster.models import (
    AttendanceDay,
    AttendanceStatus,
    CoverageRule,
    LeaveKind,
    LeaveRequest,
    LeaveStatus,
    RosterWeek,
    Shift,
    ShiftSwap,
    ShiftType,
    SwapStatus,
    WeekStatus,
)
from app.staff.models import Task, TaskStatus, Team

MONDAY = date(2031, 3, 3)
DAY = timedelta(days=1)
STATEMENTS_OF_BOARD = 10


def kind(code: str) -> ShiftType:
    return db.session.scalars(select(ShiftType).where(ShiftType.code == code)).one()


def team(code: str = "T1") -> Team:
    return db.session.scalars(select(Team).where(Team.code == code)).one()


def board_url(code: str = "T1", monday: date = MONDAY) -> str:
    return f"/roster/board?team={team(code).id}&week={monday}"


def cell(login: str, day: date = MONDAY) -> str:
    return f"shift-{member(login).id}-{day}"


def shift(login: str, day: date = MONDAY, code: str = "EARLY", *, published: bool = False) -> Shift:
    """Put a shift on the roster, in a week that is begun, and published if asked."""
    person = member(login)
    made = Shift(person=person, day=day, shift_type=kind(code), team=person.team)
    db.session.add(made)
    week = db.session.scalar(select(RosterWeek).where(RosterWeek.team == person.team, RosterWeek.monday == made.monday))
    week = week or RosterWeek(team=person.team, monday=made.monday)
    if published:
        week.status, week.published_at = WeekStatus.PUBLISHED, datetime(2031, 1, 1, tzinfo=UTC)
    db.session.add(week)
    db.session.commit()
    return made


def fill(person: Person, url: str, cells: dict[str, str], *, do: str = "save", form: Any = None) -> Any:
    """Open the board, choose shifts in some cells, and press a button."""
    if form is None:
        form = inputs(person.page(url).select_one("form#board"))
    return person.post(url, data={**form, **cells, "do": do})


def shifts() -> dict[tuple[str, date], str]:
    db.session.expire_all()
    return {(row.person.name, row.day): row.shift_type.code for row in db.session.scalars(select(Shift))}


def test_a_lead_puts_a_week_in_and_publishes_it(app: Flask, sign_in: SignIn) -> None:
    liang, early = sign_in("liang"), str(kind("EARLY").id)
    week = {cell("mei", MONDAY + DAY * number): early for number in range(5)}
    answer = fill(liang, board_url(), week)
    assert (answer.status_code, answer.headers["Location"]) == (302, board_url())
    assert shifts() == {("周美", MONDAY + DAY * number): "EARLY" for number in range(5)}
    made = db.session.scalars(select(RosterWeek)).one()
    assert (made.team, made.monday, made.status) == (team(), MONDAY, WeekStatus.DRAFT)
    page = liang.page(board_url())
    assert page.select_one(f"[data-live=hours-{member('mei').id}]").text.startswith("40")
    # A second save of the same form writes nothing, and one button saves and publishes.
    assert fill(liang, board_url(), {cell("tao"): str(kind("LATE").id)}, do="publish").status_code == 302
    db.session.expire_all()
    assert (made.status, made.notice_days) == (WeekStatus.PUBLISHED, (MONDAY - clock.today()).days)
    page = liang.page(board_url())
    assert page.select("form#board select") == []
    assert "王濤" in page.select_one("form#board").text
    # A published week is changed by nobody until it is reopened; the answer says so.
    closed = liang.send(board_url(), {cell("mei"): "", f"was-{cell('mei')}": early, "do": "save"})
    assert closed.status_code == 422
    assert liang.read(closed.text, "board").select_one(".note-danger") is not None
    assert liang.send(board_url(), {"do": "reopen"}).status_code == 302
    assert fill(liang, board_url(), {cell("mei"): ""}).status_code == 302
    assert ("周美", MONDAY) not in shifts()


def test_an_empty_week_is_not_published(app: Flask, sign_in: SignIn) -> None:
    answer = fill(sign_in("liang"), board_url(), {}, do="publish")
    assert answer.status_code == 422
    assert db.session.scalars(select(RosterWeek)).first() is None


def test_two_leads_on_one_board_lose_nothing(app: Flask, sign_in: SignIn) -> None:
    """The second is told of the cell the first changed, keeps what was chosen, and may save it knowingly."""
    liang, su = sign_in("liang"), sign_in("su")
    old = inputs(liang.page(board_url()).select_one("form#board"))
    fill(su, board_url(), {cell("mei"): str(kind("LATE").id), cell("tao"): str(kind("LATE").id)})
    mine = {cell("mei"): str(kind("EARLY").id), cell("liang"): str(kind("EARLY").id)}
    answer = fill(liang, board_url(), mine, form=old)
    assert answer.status_code == 422
    assert shifts() == {("周美", MONDAY): "LATE", ("王濤", MONDAY): "LATE"}
    page = liang.read(answer.text, "board")
    told = page.select(".note-danger li")
    assert len(told) == 1
    assert "周美 03-03" in told[0].text
    assert told[0].a["href"] == f"#{cell('mei')}"
    kept = inputs(page.select_one("form#board"))
    assert {name: kept[name] for name in mine} == mine
    # Tao's cell, which this form never touched, shows what the other saved and is not undone by the next save.
    assert kept[cell("tao")] == str(kind("LATE").id)
    assert fill(liang, board_url(), {}, form=kept).status_code == 302
    assert shifts() == {("周美", MONDAY): "EARLY", ("王濤", MONDAY): "LATE", ("陳亮", MONDAY): "EARLY"}


def test_the_same_choice_twice_is_no_conflict(app: Flask, sign_in: SignIn) -> None:
    liang = sign_in("liang")
    old = inputs(liang.page(board_url()).select_one("form#board"))
    early = {cell("mei"): str(kind("EARLY").id)}
    fill(sign_in("su"), board_url(), early)
    assert fill(liang, board_url(), early, form=old).status_code == 302
    assert shifts() == {("周美", MONDAY): "EARLY"}


@pytest.mark.parametrize("wrong", ["abc", "-1", "4242", "99999999999999999999", "1;drop"])
def test_a_forged_shift_is_told_and_the_rest_kept(app: Flask, sign_in: SignIn, wrong: str) -> None:
    liang = sign_in("liang")
    answer = fill(liang, board_url(), {cell("mei"): wrong, cell("tao"): str(kind("LATE").id)})
    assert answer.status_code == 422
    page = liang.read(answer.text, "board")
    assert page.select_one(f"#{cell('mei')}")["aria-invalid"] == "true"
    assert inputs(page.select_one("form#board"))[cell("tao")] == str(kind("LATE").id)
    assert shifts() == {}


def test_a_lead_fills_only_the_own_teams_board(app: Flask, sign_in: SignIn) -> None:
    """Another team's board does not exist for a lead, and its people cannot be slipped into the own form."""
    liang = sign_in("liang")
    assert liang.get(board_url("T2")).status_code == 404
    early = str(kind("EARLY").id)
    assert liang.send(board_url("T2"), {cell("kai"): early, f"was-{cell('kai')}": ""}).status_code == 404
    answer = fill(liang, board_url(), {cell("kai"): early, f"was-{cell('kai')}": "", cell("mei"): early})
    assert answer.status_code == 422
    assert shifts() == {}
    for forged in ("0", "abc", "99999999999999999999", ""):
        assert liang.get(f"/roster/board?team={forged}&week={MONDAY}").status_code == 404
    assert (
        liang.send(
            "/shift/add",
            {
                "person": str(member("kai").id),
                "day": str(MONDAY),
                "shift_type": early,
            },
        ).status_code
        == 422
    )
    assert shifts() == {}


@pytest.mark.parametrize(
    ("login", "opens", "fills"),
    [
        ("liang", 200, 302),
        ("su", 200, 302),
        ("ao", 200, 403),
        ("an", 200, 403),
        ("mei", 403, 403),
        ("fan", 403, 403),
        ("du", 403, 403),
    ],
)
def test_who_opens_and_who_fills_a_board(app: Flask, sign_in: SignIn, login: str, opens: int, fills: int) -> None:
    person = sign_in(login)
    answer = person.get(board_url())
    assert answer.status_code == opens
    if opens == 200:
        page = person.read(answer.text, "board")
        assert bool(page.select("form#board select")) is (fills == 302)
    sent = person.send(board_url(), {cell("mei"): str(kind("EARLY").id), f"was-{cell('mei')}": "", "do": "save"})
    assert sent.status_code == fills
    assert bool(shifts()) is (fills == 302)


@pytest.mark.parametrize("week", ["abc", "2026-99-99", "0001-01-01", "9999-12-31", "%00", ""])
def test_a_bad_week_is_this_week(app: Flask, sign_in: SignIn, week: str) -> None:
    page = sign_in("liang").page(f"/roster/board?week={week}")
    monday = clock.today() - DAY * clock.today().weekday()
    assert str(monday) in page.select_one("[data-live=state]").text


def test_the_week_before_is_copied_into_empty_cells_and_not_saved(app: Flask, sign_in: SignIn) -> None:
    for login, code in (("mei", "EARLY"), ("tao", "LATE")):
        shift(login, MONDAY - 7 * DAY, code)
    liang = sign_in("liang")
    night = {cell("tao"): str(kind("NIGHT").id)}
    answer = fill(liang, board_url(), night, do="copy")
    assert answer.status_code == 200
    page = liang.read(answer.text, "board")
    kept = inputs(page.select_one("form#board"))
    assert (kept[cell("mei")], kept[cell("tao")]) == (str(kind("EARLY").id), str(kind("NIGHT").id))
    assert len(shifts()) == 2
    assert fill(liang, board_url(), {}, form=kept).status_code == 302
    assert shifts()["周美", MONDAY] == "EARLY"


def test_gaps_and_short_rests_are_told_with_their_article(app: Flask, sign_in: SignIn) -> None:
    db.session.add(CoverageRule(team=team(), weekday=Weekday.MONDAY, shift_type=kind("EARLY"), least=2))
    shift("mei", MONDAY, "EARLY")
    shift("mei", MONDAY - DAY, "LATE")
    shift("tao", MONDAY + 6 * DAY, "NIGHT")
    shift("tao", MONDAY + 7 * DAY, "EARLY")
    liang = sign_in("liang", "en")
    page = liang.page(board_url())
    foot = page.select("tfoot td")
    assert "1 missing" in foot[0].text
    assert "Early 1/2" in foot[0].text
    assert foot[1].text.strip() == "—"
    rests = [line.text for line in page.select(".rests li")]
    assert [line.split(", less")[0] for line in rests] == [
        "周美: 8 hours of rest between Late on 03-02 and Early on 03-03",
        "王濤: 1 hours of rest between Night on 03-09 and Early on 03-10",
    ]
    assert all(line.endswith("less than 11 (Labor Standards Act, article 34).") for line in rests)
    assert "is-wrong" in page.select_one(f"#{cell('mei')}")["class"]
    # What the page asks while cells are changed writes nothing, and tells the board as it would be.
    form = inputs(page.select_one("form#board"))
    answer = fill(liang, board_url(), {cell("tao"): str(kind("EARLY").id)}, do="check", form=form)
    assert liang.read(answer.text, "check").select("tfoot td")[0].text.strip() == "enough"
    assert len(shifts()) == 4


def test_a_week_with_gaps_and_short_rests_is_published_only_knowingly(app: Flask, sign_in: SignIn) -> None:
    """What speaks against it is listed first, whether it is published from the board, its record or a list."""
    db.session.add(CoverageRule(team=team(), weekday=Weekday.MONDAY, shift_type=kind("EARLY"), least=2))
    shift("mei", MONDAY + DAY, "LATE")
    week = db.session.scalars(select(RosterWeek)).one()
    liang = sign_in("liang")
    early = {cell("mei", MONDAY): str(kind("EARLY").id), cell("mei", MONDAY + 2 * DAY): str(kind("EARLY").id)}

    def doubts(text: str) -> list[str]:
        page = liang.read(text, "board")
        assert page.select_one("input[type=checkbox][name=anyway][form=board]") is not None
        return [line.text for line in page.select(".note-warning li")]

    asked = fill(liang, board_url(), early, do="publish")
    assert asked.status_code == 422
    told = doubts(asked.text)
    assert told[0] == "03-03 早班：1 人，至少需要 2 人。"
    assert len(told) == 2
    assert "第34條" in told[1].replace(" ", "")
    assert shifts() == {("周美", MONDAY + DAY): "LATE"}, "asking writes nothing"
    assert week.status is WeekStatus.DRAFT
    # The record and the list do not publish it unseen either; the record leads to the board.
    answer = liang.send(f"/roster/step/{week.id}/publish", follow_redirects=True)
    assert len(doubts(answer.text)) == 1
    answer = liang.send("/roster/steps/publish", {"rowid": str(week.id)}, follow_redirects=True)
    assert "排班表" in liang.read(answer.text, "list").select_one(".note-warning").text
    db.session.refresh(week)
    assert week.status is WeekStatus.DRAFT
    kept = inputs(liang.read(asked.text, "board").select_one("form#board"))
    assert fill(liang, board_url(), {"anyway": "1"}, do="publish", form=kept).status_code == 302
    db.session.refresh(week)
    assert (week.status, len(shifts())) == (WeekStatus.PUBLISHED, 3)
    assert liang.page(f"{board_url()}&ask=1").select(".note-warning") == []


def test_the_list_of_shifts_begins_today(app: Flask, sign_in: SignIn) -> None:
    days = [clock.today() + number * DAY for number in (9, -1, 0, 1)]
    for day in days:
        shift("mei", day, published=True)
    mei = sign_in("mei")
    listed = [row.select_one("td a").text for row in mei.page("/shift/list/").select("tbody tr")]
    assert listed == [str(day) for day in sorted(days)[1:]]
    everything = mei.page("/shift/list/").select_one(".chips a")["href"]
    assert len(mei.page(everything).select("tbody tr")) == 4


@pytest.mark.slow
def test_a_board_needs_few_statements_however_large_the_team_is(app: Flask, sign_in: SignIn) -> None:
    from samples import sample  # noqa: PLC0415 - only here

    people = [sample(type(member("mei"))) for _n in range(30)]
    for number, person in enumerate(people):
        person.team, person.name = team(), f"同仁{number}"
        for day in range(7):
            db.session.add(Shift(person=person, day=MONDAY + DAY * day, shift_type=kind("EARLY"), team=team()))
    db.session.commit()
    for login in ("liang", "su", "ao"):
        reader = sign_in(login)
        with statements() as found:
            answer = reader.get(board_url())
        assert answer.text.count("同仁") >= 30
        assert len(found) <= STATEMENTS_OF_BOARD, "\n".join(found)


def test_the_database_keeps_one_shift_a_day_and_one_week_a_team(app: Flask) -> None:
    shift("mei")
    db.session.add(Shift(person=member("mei"), day=MONDAY, shift_type=kind("LATE"), team=team("T2")))
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()
    # Any day of the week stands for its Monday.
    db.session.add(RosterWeek(team=team(), monday=MONDAY + 3 * DAY))
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()


def test_a_person_lent_to_another_team_keeps_the_cell_there(app: Flask, sign_in: SignIn) -> None:
    made = shift("mei")
    made.team = team("T2")
    db.session.commit()
    page = sign_in("liang").page(board_url())
    assert page.select_one(f"#{cell('mei')}") is None
    assert "周美" in sign_in("su").page(board_url("T2")).select_one("table.board").text


def test_people_see_their_own_shifts_once_the_week_was_published(app: Flask, sign_in: SignIn) -> None:
    made, draft = shift("mei", published=True), shift("mei", MONDAY + 7 * DAY)
    other = shift("tao", published=True)
    mei = sign_in("mei")
    text = mei.page("/shift/list/").main.text
    assert "2031-03-03" in text
    assert "2031-03-10" not in text
    assert "王濤" not in text
    assert [mei.get(f"/shift/show/{row.id}").status_code for row in (made, draft, other)] == [200, 404, 404]
    found = {row["value"] for row in mei.get("/shift/lookup").json["rows"]}
    assert found == {str(made.id), str(other.id)}
    liang = sign_in("liang")
    assert liang.get(f"/shift/show/{draft.id}").status_code == 200
    # A published shift is not edited behind the team's back: the page says so and the save is refused.
    assert liang.page(f"/shift/edit/{made.id}").select_one(".note-danger") is not None
    assert liang.send(f"/shift/edit/{made.id}", {"shift_type": str(kind("LATE").id), "version": "1"}).status_code == 422
    assert liang.submit(f"/shift/edit/{draft.id}", seat="B12").status_code == 200
    assert db.session.get(Shift, draft.id).seat == "B12"
    assert liang.send(f"/shift/delete/{made.id}", follow_redirects=True).status_code == 200
    assert db.session.get(Shift, made.id) is not None


# -- leave -----------------------------------------------------------------------------------


def annual() -> str:
    return str(db.session.scalars(select(LeaveKind).where(LeaveKind.code == "ANNUAL")).one().id)


def ask_leave(who: Person, first: date = MONDAY, last: date = MONDAY, **more: str) -> Any:
    return who.submit(
        "/leave-request/add", kind=annual(), first_on=str(first), last_on=str(last), reason="返鄉", **more
    )


def leave() -> LeaveRequest:
    db.session.expire_all()
    return db.session.scalars(select(LeaveRequest).order_by(LeaveRequest.id.desc())).first()


def test_leave_is_asked_for_and_approved_by_the_lead(app: Flask, sign_in: SignIn) -> None:
    shift("mei", MONDAY, published=True)
    shift("mei", MONDAY + 2 * DAY, published=True)
    assert ask_leave(sign_in("mei"), MONDAY, MONDAY + DAY).status_code == 200
    made = leave()
    assert (made.person, made.status, made.number[:3]) == (member("mei"), LeaveStatus.ASKED, "LV-")
    task = db.session.scalars(select(Task)).one()
    assert (task.owner, task.promise, task.clause.number) == (member("liang"), "leave_answer", "2.2.1")
    liang = sign_in("liang")
    assert f"{made.number} 周美 03-03" in liang.page("/").main.text
    assert liang.send(f"/leave-request/step/{made.id}/approve").status_code == 302
    assert (leave().status, leave().decided_by) == (LeaveStatus.APPROVED, member("liang"))
    assert db.session.get(Task, task.id).status is TaskStatus.KEPT
    # The approved days are off the roster, shown on the board, and cannot be filled.
    assert shifts() == {("周美", MONDAY + 2 * DAY): "EARLY"}
    liang.send(board_url(), {"do": "reopen"})
    page = liang.page(board_url())
    assert page.select_one(f"#{cell('mei')} option[value='']").text == "特別休假"
    answer = fill(liang, board_url(), {cell("mei"): str(kind("LATE").id)})
    assert answer.status_code == 422
    assert "特別休假" in liang.read(answer.text, "board").select_one(".note-danger").text
    assert (
        liang.send(
            "/shift/add",
            {
                "person": str(member("mei").id),
                "day": str(MONDAY),
                "shift_type": str(kind("LATE").id),
            },
        ).status_code
        == 422
    )


def test_nobody_approves_their_own_leave(app: Flask, sign_in: SignIn) -> None:
    """A lead's own request waits for a supervisor; the button is hidden, the step refused on every path."""
    liang = sign_in("liang")
    ask_leave(liang)
    made = leave()
    task = db.session.scalars(select(Task)).one()
    assert (made.person, task.owner, task.role) == (member("liang"), None, "supervisor")
    url = f"/leave-request/step/{made.id}/approve"
    page = liang.page(f"/leave-request/show/{made.id}")
    assert url not in str(page)
    assert liang.send(url).status_code == 403
    assert liang.send(f"/leave-request/step/{made.id}/refuse", {"answer": "x"}).status_code == 403
    liang.send("/leave-request/steps/approve", {"rowid": str(made.id)})
    assert (
        liang.post(
            f"/api/v1/leave-request/{made.id}/step/approve", json={}, headers={"X-CSRFToken": liang.token()}
        ).status_code
        == 403
    )
    assert leave().status is LeaveStatus.ASKED
    from app.core.errors import RuleError  # noqa: PLC0415 - only here
    from app.roster.workflow import LEAVE  # noqa: PLC0415 - only here

    with actor.acting_as(member("liang").user_id), pytest.raises(RuleError):
        LEAVE.take(made, LEAVE.steps["approve"], clock.now())
    db.session.rollback()
    assert sign_in("su").send(url).status_code == 302
    assert leave().decided_by == member("su")


def test_leave_of_another_team_is_out_of_reach(app: Flask, sign_in: SignIn) -> None:
    ask_leave(sign_in("kai"))
    made = leave()
    for login in ("liang", "mei"):
        person = sign_in(login)
        assert person.get(f"/leave-request/show/{made.id}").status_code == 404
        assert person.send(f"/leave-request/step/{made.id}/approve").status_code in {403, 404}
    # A forged person in the form does not put a request into a foreign file.
    answer = ask_leave(sign_in("mei"), person=str(member("kai").id), first=MONDAY + 9 * DAY, last=MONDAY + 9 * DAY)
    assert answer.status_code == 422
    assert db.session.query(LeaveRequest).count() == 1
    # A lead writes a call-in down for a member of the team.
    assert ask_leave(sign_in("liang"), person=str(member("tao").id)).status_code == 200
    assert leave().person == member("tao")


@pytest.mark.parametrize(
    ("first", "last", "hours", "field"),
    [
        (MONDAY, MONDAY - DAY, "", "last_on"),
        (MONDAY, MONDAY + DAY, "4", "hours"),
        (MONDAY, MONDAY, "-1", "hours"),
    ],
)
def test_wrong_days_are_told_at_their_field(
    app: Flask, sign_in: SignIn, first: date, last: date, hours: str, field: str
) -> None:
    mei = sign_in("mei")
    answer = ask_leave(mei, first, last, hours=hours)
    assert answer.status_code == 422
    page = mei.read(answer.text, "add")
    assert page.select_one(f"#{field}-error") is not None
    assert page.select_one("[name=reason]")["value"] == "返鄉"
    assert db.session.query(LeaveRequest).count() == 0


def test_the_same_days_are_asked_for_once_and_an_answer_stands(app: Flask, sign_in: SignIn) -> None:
    mei, liang = sign_in("mei"), sign_in("liang")
    ask_leave(mei, MONDAY, MONDAY + 2 * DAY)
    assert ask_leave(mei, MONDAY + DAY, MONDAY + DAY).status_code == 422
    first = leave()
    liang.submit(f"/leave-request/step/{first.id}/refuse", answer="人力不足")
    assert (leave().status, leave().answer) == (LeaveStatus.REFUSED, "人力不足")
    assert mei.send(f"/leave-request/edit/{first.id}", {"version": str(first.version)}).status_code == 422
    assert ask_leave(mei, MONDAY + DAY, MONDAY + DAY).status_code == 200
    assert mei.send(f"/leave-request/step/{leave().id}/withdraw").status_code == 302
    assert leave().status is LeaveStatus.WITHDRAWN
    assert sign_in("tao").send(f"/leave-request/step/{leave().id}/withdraw").status_code == 404


# -- swaps -----------------------------------------------------------------------------------


def swap() -> ShiftSwap:
    db.session.expire_all()
    return db.session.scalars(select(ShiftSwap).order_by(ShiftSwap.id.desc())).first()


def ask_swap(person: Person, mine: Shift, colleague: str, theirs: Shift | None) -> Any:
    return person.submit(
        "/shift-swap/add",
        shift=str(mine.id),
        colleague=str(member(colleague).id),
        other_shift=str(theirs.id) if theirs else "",
    )


@pytest.mark.parametrize("later", [0, 1])
def test_a_swap_goes_through_colleague_and_lead(app: Flask, sign_in: SignIn, later: int) -> None:
    """On one day the two exchange hours, on two days the two exchange days."""
    other_day = MONDAY + later * DAY
    mine, theirs = shift("mei", published=True), shift("tao", other_day, "LATE", published=True)
    mei, tao, liang = sign_in("mei"), sign_in("tao"), sign_in("liang")
    assert ask_swap(mei, mine, "tao", theirs).status_code == 200
    url = f"/shift-swap/step/{swap().id}"
    assert [task.owner for task in db.session.scalars(select(Task))] == [member("tao")]
    # Neither the asker nor the lead can agree for the colleague, nor the lead approve before.
    assert mei.send(f"{url}/agree").status_code == 403
    assert liang.refused(f"{url}/approve")
    assert tao.send(f"{url}/agree").status_code == 302
    assert tao.send(f"{url}/approve").status_code == 403
    assert liang.send(f"{url}/approve").status_code == 302
    assert (swap().status, swap().decided_by) == (SwapStatus.APPROVED, member("liang"))
    wanted = (
        {("周美", MONDAY): "LATE", ("王濤", MONDAY): "EARLY"}
        if later == 0
        else {("王濤", MONDAY): "EARLY", ("周美", other_day): "LATE"}
    )
    assert shifts() == wanted
    assert {task.status for task in db.session.scalars(select(Task))} == {TaskStatus.KEPT}


def test_a_lead_does_not_approve_a_swap_of_the_own_shift(app: Flask, sign_in: SignIn) -> None:
    mine = shift("mei", published=True)
    ask_swap(sign_in("mei"), mine, "liang", None)
    liang = sign_in("liang")
    assert liang.send(f"/shift-swap/step/{swap().id}/agree").status_code == 302
    assert liang.send(f"/shift-swap/step/{swap().id}/approve").status_code == 403
    assert sign_in("su").send(f"/shift-swap/step/{swap().id}/approve").status_code == 302
    assert shifts() == {("陳亮", MONDAY): "EARLY"}


def test_a_swap_that_no_longer_fits_is_refused_with_a_sentence(app: Flask, sign_in: SignIn) -> None:
    mine = shift("mei", published=True)
    ask_swap(sign_in("mei"), mine, "tao", None)
    sign_in("tao").send(f"/shift-swap/step/{swap().id}/agree")
    shift("tao", MONDAY, "LATE", published=True)
    liang = sign_in("liang")
    assert "王濤" in liang.refused(f"/shift-swap/step/{swap().id}/approve")
    assert swap().status is SwapStatus.AGREED
    assert shifts() == {("周美", MONDAY): "EARLY", ("王濤", MONDAY): "LATE"}


def test_only_own_shifts_are_given_away(app: Flask, sign_in: SignIn) -> None:
    mine, theirs, foreign = (
        shift("mei", published=True),
        shift("tao", published=True),
        shift("kai", published=True),
    )
    mei = sign_in("mei")
    assert ask_swap(mei, theirs, "tao", None).status_code == 422
    assert ask_swap(mei, mine, "mei", None).status_code == 422
    assert ask_swap(mei, mine, "kai", None).status_code == 422
    assert ask_swap(mei, mine, "tao", foreign).status_code == 422
    assert ask_swap(mei, mine, "tao", mine).status_code == 422
    assert db.session.query(ShiftSwap).count() == 0


# -- attendance ------------------------------------------------------------------------------


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), clock.office_zone())


def attendance() -> AttendanceDay:
    db.session.expire_all()
    return db.session.scalars(select(AttendanceDay)).one()


def test_attendance_is_worked_out_to_the_minute_and_closed(app: Flask, sign_in: SignIn) -> None:
    day = date(2025, 3, 3)
    shift("mei", day, published=True)
    liang, mei = sign_in("liang"), sign_in("mei")
    liang.submit(
        "/attendance-day/add",
        person=str(member("mei").id),
        day=str(day),
        clocked_in_at="2025-03-03T08:12",
        clocked_out_at="2025-03-03T16:30",
    )
    made = attendance()
    assert (made.planned_from, made.planned_to) == (at(day, 8), at(day, 17))
    assert (made.late_minutes, made.early_minutes, made.shift_type.code) == (12, 30, "EARLY")
    # People read the office's time.
    assert "08:12" in mei.page(f"/attendance-day/show/{made.id}").main.text
    assert liang.send(f"/attendance-day/step/{made.id}/close").status_code == 302
    assert attendance().status is AttendanceStatus.CLOSED
    assert liang.send(f"/attendance-day/edit/{made.id}", {"version": "2"}).status_code == 422
    assert liang.send(f"/attendance-day/delete/{made.id}").status_code == 403
    mei.submit(f"/attendance-day/step/{made.id}/ask_correction", correction="忘記刷卡")
    task = db.session.scalars(select(Task)).one()
    assert (task.owner, task.promise) == (member("liang"), "attendance_correction")
    liang.submit(f"/attendance-day/step/{made.id}/correct", clocked_out_at="2025-03-03T17:02", reason="門禁紀錄")
    made = attendance()
    assert (made.status, made.late_minutes, made.early_minutes) == (AttendanceStatus.CLOSED, 12, 0)


def test_nobody_settles_their_own_attendance(app: Flask, sign_in: SignIn) -> None:
    db.session.add(AttendanceDay(person=member("liang"), day=date(2025, 3, 3)))
    db.session.commit()
    made = attendance()
    assert sign_in("liang").send(f"/attendance-day/step/{made.id}/close").status_code == 403
    assert sign_in("su").send(f"/attendance-day/step/{made.id}/close").status_code == 302


def test_absence_is_a_plan_without_a_clock_in_or_leave(app: Flask, sign_in: SignIn) -> None:
    day = date(2025, 3, 3)
    early = kind("EARLY")
    for login in ("mei", "tao"):
        db.session.add(AttendanceDay(person=member(login), day=day, shift_type=early))
    db.session.add(
        LeaveRequest(
            number="LV-1",
            person=member("tao"),
            kind_id=int(annual()),
            first_on=day,
            last_on=day,
            status=LeaveStatus.APPROVED,
            decided_at=clock.now(),
        )
    )
    db.session.commit()
    liang = sign_in("liang")
    ids = [str(key) for key in db.session.scalars(select(AttendanceDay.id))]
    liang.send("/attendance-day/steps/close", {"rowid": ids})
    absent = {row.person.name: row.is_absent for row in db.session.scalars(select(AttendanceDay))}
    assert absent == {"周美": True, "王濤": False}


def test_the_measures_of_the_roster(app: Flask) -> None:
    for code, days in (("T1", 8), ("T2", 3)):
        db.session.add(
            RosterWeek(
                team=team(code),
                monday=MONDAY,
                status=WeekStatus.PUBLISHED,
                notice_days=days,
                published_at=datetime(2031, 2, 1, tzinfo=UTC),
            )
        )
    for number, (late, status) in enumerate([(0, "CLOSED"), (5, "CLOSED"), (0, "OPEN")]):
        db.session.add(
            AttendanceDay(
                person=member("mei"),
                day=MONDAY + DAY * number,
                late_minutes=late,
                status=AttendanceStatus[status],
            )
        )
    db.session.commit()
    march = Period.month_of(MONDAY)
    figures = {name: MEASURES[name].figure(march) for name in ("roster_notice", "attendance_open", "attendance_kept")}
    assert [(one.part, one.whole) for one in figures.values()] == [(1, 2), (1, 1), (1, 2)]
    assert figures["roster_notice"].value == 50
