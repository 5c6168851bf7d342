"""The year's rosters, leave, swaps and attendance (clauses 2.2.1 and 6.3.1)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.fields_rows import target_of
from app.handbook.models import Weekday
from app.lobby.demo.people import Cast
from app.lobby.demo.stage import Stage, Story, UnbelievableError, by_code
from app.roster import board
from app.roster.models import (
    AttendanceDay,
    CoverageRule,
    LeaveKind,
    LeaveRequest,
    LeaveStatus,
    RosterWeek,
    Shift,
    ShiftSwap,
    ShiftType,
    SwapStatus,
)
from app.roster.operations import begin_week, week_of
from app.roster.views_board import RosterWeekView
from app.staff.models import StaffMember, Team

WEEK = timedelta(weeks=1)
WEEKS_AHEAD = 2
FILLED_BEFORE, PUBLISHED_BEFORE, PUBLISHED_LATE_BEFORE = timedelta(days=17), timedelta(days=10), timedelta(days=3)
MONDAY, SATURDAY, SUNDAY = 0, 5, 6
SATURDAY_DUTY = 3
LEAVES_A_YEAR = 6
SWAPS = 26
TEAMS = ("T1", "T2", "T3", "T4")
LEAVE_KINDS = {"ANNUAL": 11, "SICK": 4, "PERSONAL": 3, "FAMILY": 2, "COMP": 4}
ATTENDED_WEEKS = 2


class Planner:
    """How the leads plan: everyone rotates through early, middle and Saturday duty, one team through late, too."""

    def __init__(self, stage: Stage, cast: Cast) -> None:
        self.stage, self.cast = stage, cast
        self.types: dict[str, ShiftType] = by_code(ShiftType)
        self.kinds: dict[str, LeaveKind] = by_code(LeaveKind)
        self.booked: set[tuple[int, date]] = set()
        """Days for which somebody has asked for leave."""

    def on(self, person: StaffMember, day: date) -> str | None:
        """Return the code of the shift the plan gives a person on a day."""
        if person.hired_on > day or (person.left_on is not None and person.left_on < day):
            return None
        works = self.stage.calendar.is_workday(day)
        if person.leads is not None:
            return "EARLY" if works else None
        team = person.team
        assert team is not None
        members = self.cast.members[team.code]
        turn = (members.index(person) + day.toordinal() // 7) % len(members)
        if turn == SATURDAY_DUTY:
            return "EARLY" if day.weekday() not in {MONDAY, SUNDAY} else None
        if not works:
            return None
        if turn == 0 and team.code == "T3":
            return "LATE"
        return "MIDDLE" if turn in {1, 2} else "EARLY"


def coverage(planner: Planner, code: str) -> Story:
    """The lead says how many people each shift needs."""
    team = planner.cast.teams[code]
    lead = planner.cast.lead(team)
    for weekday in list(Weekday)[:SATURDAY]:
        for shift, least, best in (("EARLY", 3, 6), ("MIDDLE", 2, 3)):
            planner.stage.add(
                lead, CoverageRule, team=team, weekday=weekday, shift_type=planner.types[shift], least=least, best=best
            )
    planner.stage.add(
        lead, CoverageRule, team=team, weekday=Weekday.SATURDAY, shift_type=planner.types["EARLY"], least=1, best=None
    )
    yield from ()


def weeks(planner: Planner, opening: datetime, code: str) -> Iterator[tuple[Story, datetime]]:
    """Yield the stories of a team's weeks and when they begin."""
    stage = planner.stage
    monday = stage.first
    while monday <= stage.today + WEEKS_AHEAD * WEEK - timedelta(days=stage.today.weekday()):
        is_last = monday + WEEK > stage.today + WEEKS_AHEAD * WEEK - timedelta(days=stage.today.weekday())
        is_draft = is_last and code == "T1"
        begins = max(opening, stage.moment(monday - FILLED_BEFORE, time(14)))
        yield week(planner, code, monday, is_draft=is_draft), begins
        monday += WEEK


def week(planner: Planner, code: str, monday: date, *, is_draft: bool) -> Story:
    """One week of one team: filled on the board, and published about ten days before it begins."""
    stage, team = planner.stage, planner.cast.teams[code]
    lead = planner.cast.lead(team)
    fill(planner, team, monday)
    if is_draft:
        return
    before = PUBLISHED_LATE_BEFORE if stage.chance(0.06) else PUBLISHED_BEFORE
    yield max(clock.now() + timedelta(hours=1), stage.moment(monday - before, time(16, 30)))
    made = begin_week(team.id, monday)
    made.is_waived = True
    stage.step(lead, made, "publish")


def fill(planner: Planner, team: Team, monday: date) -> None:
    """The lead fills the team's week on the board and saves it."""
    stage, cast = planner.stage, planner.cast
    screen = target_of(RosterWeek)
    assert isinstance(screen, RosterWeekView)
    with stage.standing(cast.lead(team)):
        if not screen.may("fill"):
            raise UnbelievableError(f"nobody fills the board of {team}")
        made = board.read_board(team, monday, week_of(team.id, monday))
        for cell in made.cells():
            wanted = planner.on(cell.person, cell.day) if cell.leave is None else None
            cell.chosen = planner.types[wanted].id if wanted else None
            if wanted:
                cast.duty.add((cell.person.id, cell.day))
        made.check()
        if told := [cell.problem for cell in made.cells() if cell.problem] + made.short_rests():
            raise UnbelievableError("; ".join(told))
        board.save(made)


# -- leave -----------------------------------------------------------------------------------


def leaves(planner: Planner, row: dict[str, str]) -> Iterator[tuple[Story, datetime]]:
    """Yield a person's wishes for leave over the year and into the next weeks, and when they ask."""
    stage = planner.stage
    days = list(stage.days(stage.first + WEEK, stage.today + 4 * WEEK))
    for first in stage.some(days, LEAVES_A_YEAR):
        kind = stage.random.choices(list(LEAVE_KINDS), list(LEAVE_KINDS.values()))[0]
        length = stage.random.choices((1, 2, 3, 5), (60, 22, 12, 6))[0] if kind == "ANNUAL" else 1
        if kind == "SICK":
            asked = stage.moment(first, time(8, stage.random.randrange(5, 55)))
        else:
            asked = stage.during(first - timedelta(days=stage.random.randint(4, 24)))
        yield leave(planner, row["number"], kind, first, length), asked


def leave(planner: Planner, number: str, kind: str, first: date, length: int) -> Story:
    """One request for leave: asked for, answered by the lead, by a supervisor where the lead asks."""
    stage, cast = planner.stage, planner.cast
    person = cast.people.get(number)
    last = list(itertools.islice(stage.workdays(first), length))[-1]
    wished = {(person.id, first + timedelta(days=n)) for n in range((last - first).days + 1)} if person else set()
    if person is None or not cast.stays(person, first) or wished & planner.booked:
        return
    planner.booked |= wished
    hours = 4 if length == 1 and stage.chance(0.2) else None
    item: LeaveRequest = stage.add(
        person, LeaveRequest, kind=planner.kinds[kind], first_on=first, last_on=last, hours=hours,
        reason=stage.phrase(f"leave_{kind}"),
    )  # fmt: skip
    if stage.chance(0.03):
        yield stage.worked(clock.now(), 2)
        stage.step(person, item, "withdraw")
        return
    yield stage.worked(clock.now(), 5 if not stage.chance(0.1) else 26)
    judge = item.owner or stage.random.choice(cast.role("C0")[:2])
    yield from cast.until_here(stage, judge)
    if stage.chance(0.07) and kind != "SICK":
        stage.step(judge, item, "refuse", answer=stage.phrase("leave_refused"))
        return
    stage.step(judge, item, "approve")
    if hours is None and item.status is LeaveStatus.APPROVED:
        cast.duty -= wished


# -- swaps -----------------------------------------------------------------------------------


def swaps(planner: Planner) -> Iterator[tuple[Story, datetime]]:
    """Yield the year's swaps and when they are asked for; some in the last days, so that answers are owed."""
    stage = planner.stage
    days = list(stage.days(stage.first + WEEK))
    for day in [*stage.some(days, SWAPS), *days[-2:], *days[-2:]]:
        yield swap(planner, stage.random.choice(TEAMS)), stage.during(day)


def swap(planner: Planner, code: str) -> Story:
    """Somebody on an early shift asks a colleague on a middle shift of the same day to change."""
    stage, cast = planner.stage, planner.cast
    pair = _pair(planner, cast.teams[code])
    if pair is None:
        return
    mine, theirs = pair
    item: ShiftSwap = stage.add(
        mine.person, ShiftSwap, shift=mine, colleague=theirs.person, other_shift=theirs,
        reason=stage.phrase("swap_reason"),
    )  # fmt: skip
    yield stage.worked(clock.now(), 3)
    yield from cast.until_here(stage, theirs.person)
    if stage.chance(0.12):
        stage.step(theirs.person, item, "decline", answer=stage.phrase("swap_declined"))
        return
    stage.step(theirs.person, item, "agree")
    lead = cast.lead(cast.teams[code])
    yield stage.worked(clock.now(), 4)
    yield from cast.until_here(stage, lead)
    gone = item.shift is None or item.other_shift is None
    if gone or clock.today() > item.day or stage.chance(0.08):
        stage.step(lead, item, "refuse", answer=stage.phrase("swap_refused"))
    else:
        stage.step(lead, item, "approve")


def _pair(planner: Planner, team: Team) -> tuple[Shift, Shift] | None:
    """Return two published shifts of one coming day, early and middle, whose people have no swap running."""
    stage = planner.stage
    day = stage.random.choice(list(stage.days(clock.today() + timedelta(days=2), clock.today() + timedelta(days=6))))
    running = select(ShiftSwap.asker_id).where(ShiftSwap.status.in_((SwapStatus.ASKED, SwapStatus.AGREED)))
    shifts = db.session.scalars(
        select(Shift)
        .where(Shift.team_id == team.id, Shift.day == day, Shift.person_id.not_in(running))
        .where(Shift.week.has(RosterWeek.published_at.is_not(None)))
        .order_by(Shift.person_id)
    )
    by_type: dict[str, list[Shift]] = {}
    for shift in shifts:
        if planner.cast.is_here(shift.person, day) and shift.person.leads is None:
            by_type.setdefault(shift.shift_type.code, []).append(shift)
    if not by_type.get("EARLY") or not by_type.get("MIDDLE"):
        return None
    return stage.random.choice(by_type["EARLY"]), stage.random.choice(by_type["MIDDLE"])


# -- attendance ------------------------------------------------------------------------------


def attendance(planner: Planner, code: str) -> Iterator[tuple[Story, datetime]]:
    """Yield the last weeks' days of one team; the lead enters and closes them on the next working day."""
    stage = planner.stage
    days = list(stage.days(stage.today - ATTENDED_WEEKS * WEEK))
    for day, next_day in pairwise(days):
        yield attended(planner, code, day), stage.moment(next_day, time(9, 20))


def attended(planner: Planner, code: str, day: date) -> Story:
    """One day of a team: entered as the clock at the door has it, closed, and sometimes disputed."""
    stage, cast = planner.stage, planner.cast
    team = cast.teams[code]
    entered: list[AttendanceDay] = []
    for person in [*cast.agents(team, day), cast.lead(team)]:
        clerk = cast.lead(team) if person.leads is None else cast.role("C0")[0]
        shift = db.session.scalar(select(Shift).where(Shift.person_id == person.id, Shift.day == day))
        if shift is None:
            continue
        begins, ends = shift.shift_type.span(day, clock.office_zone())
        is_late = stage.chance(0.06)
        came = begins + timedelta(minutes=stage.random.randint(3, 25) if is_late else -stage.random.randint(1, 18))
        left = ends + timedelta(minutes=stage.random.randint(0, 25))
        entered.append(
            stage.add(
                clerk,
                AttendanceDay,
                person=person,
                day=day,
                clocked_in_at=came,
                clocked_out_at=left,
                reason=stage.phrase("late_reason") if is_late else None,
            )
        )
    if day == list(stage.days(stage.today - WEEK))[-2]:
        return
    yield clock.now() + timedelta(minutes=25)
    for item in entered:
        stage.step(cast.lead(team) if item.person.leads is None else cast.role("C0")[0], item, "close")
    unsure = [item for item in entered if item.late_minutes and item.person.leads is None]
    if unsure:
        item = unsure[0]
        yield from cast.until_here(stage, item.person)
        stage.step(item.person, item, "ask_correction", correction=stage.phrase("correction"))
        yield stage.worked(clock.now(), 30)
        checked = item.planned_from - timedelta(minutes=2) if item.planned_from else None
        stage.step(
            cast.lead(team), item, "correct", clocked_in_at=checked, clocked_out_at=item.clocked_out_at,
            reason=stage.phrase("correction_checked"),
        )  # fmt: skip
