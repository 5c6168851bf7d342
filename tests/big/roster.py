"""Rosters: who worked when, week by week, with leave, swaps, attendance and what each team needs.

Nobody has two shifts on one day. Three million shifts of fewer than five hundred people, six in a week, therefore reach
back about twenty years, further than the tickets.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from .catalogs import Catalogs, endless, phrases
from .people import WEEKDAYS_A_WEEK, Person, Staff
from .sheets import Batch, Row, Sheet
from .size import Size
from .tasks import Owed, Tasks
from .times import HOUR, Series, Times
from .trail import Trail

AT_ONCE = 10_000
WEEK = 7
WEEKS_AHEAD = 2
SHIFTS = {"EARLY": 60, "MIDDLE": 30, "LATE": 10}
HOURS = {"EARLY": (8, 17), "MIDDLE": (12, 21), "LATE": (15, 24)}
LEAVE_KINDS = {"ANNUAL": 11, "SICK": 4, "PERSONAL": 3, "FAMILY": 2, "COMP": 4}
MONDAY, SATURDAY = 0, 5
PUBLISHED_BEFORE = 10
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")

COVERAGE = Sheet("coverage_rule", "id created_at changed_at version team_id weekday shift_type_id least best")
ROSTER_WEEK = Sheet(
    "roster_week", "id created_at changed_at version created_by_id team_id monday status published_at notice_days"
)
SHIFT = Sheet(
    "shift", "id created_at changed_at version created_by_id person_id day monday shift_type_id team_id", seat=None
)
LEAVE = Sheet(
    "leave_request",
    "id created_at changed_at version created_by_id number person_id kind_id first_on last_on hours reason status"
    " decided_by_id decided_at",
)
SWAP = Sheet(
    "shift_swap",
    "id created_at changed_at version created_by_id number asker_id shift_id day colleague_id other_day reason status"
    " decided_by_id decided_at",
)
ATTENDANCE = Sheet(
    "attendance_day",
    "id created_at changed_at version created_by_id person_id day shift_type_id planned_from planned_to clocked_in_at"
    " clocked_out_at late_minutes reason status",
)


class Roster:
    """The rosters of all teams."""

    def __init__(self, rng: Random, times: Times, series: Series, catalogs: Catalogs, staff: Staff, tasks: Tasks,
                 trail: Trail, size: Size) -> None:  # fmt: skip
        self.rng, self.times, self.series, self.staff = rng, times, series, staff
        self.tasks, self.trail, self.size = tasks, trail, size
        self.types, self.kinds = catalogs.ids["shift_type"], catalogs.ids["leave_kind"]
        self.type = endless(rng, [self.types[code] for code in SHIFTS], list(SHIFTS.values()))
        self.phrases = phrases()
        self._here_in: dict[int, list[Person]] = {}
        self.everybody = [one for one in staff.rostered if one.left is None]
        self.last = times.until_day - (times.until_day + 3) % WEEK + WEEKS_AHEAD * WEEK
        """The last Monday that is planned."""

    def batches(self) -> Iterator[Batch]:
        """Yield everything of the roster; the trail's remaining entries tell of the latest shifts."""
        yield COVERAGE, list(self._coverage())
        yield from self._shifts()
        for sheet, make, count in (
            (LEAVE, self._leave, self.size.leaves),
            (SWAP, self._swap, self.size.swaps),
            (ATTENDANCE, self._attended, self.size.attendance),
        ):
            yield sheet, [make(number) for number in range(1, count + 1)]
        yield from self.tasks.batches()

    def _coverage(self) -> Iterator[Row]:
        begun = self.times.moment(self.times.start)
        number = 0
        for team in range(1, self.staff.teams + 1):
            for weekday in WEEKDAYS[: SATURDAY + 1]:
                for code, least in (("EARLY", 3), ("MIDDLE", 2)) if weekday != "SATURDAY" else (("EARLY", 1),):
                    number += 1
                    yield number, begun, begun, 1, team, weekday, self.types[code], least, least + 3

    def _here(self, monday: int) -> list[Person]:
        """Return who works in a week, team by team."""
        year = int((monday - self.times.first_day) // 365.25)
        if year not in self._here_in:
            here = [one for one in self.staff.rostered if one.left is None or one.left > year]
            self._here_in[year] = sorted(here, key=lambda one: (one.team or 0, one.id))
        return self._here_in[year]

    def _weeks(self) -> tuple[list[int], int]:
        """Return the Mondays of the weeks that hold all shifts, oldest first, and how many they hold too many."""
        mondays: list[int] = []
        missing, monday = self.size.shifts, self.last
        while missing > 0:
            mondays.append(monday)
            missing -= WEEKDAYS_A_WEEK * len(self._here(monday))
            monday -= WEEK
        return mondays[::-1], -missing

    def _shifts(self) -> Iterator[Batch]:
        mondays, surplus = self._weeks()
        self.shifts, self.weeks = -surplus, 0
        told_from = self.size.shifts - self.trail.left
        heads: list[Row] = []
        rows: list[Row] = []
        for monday in mondays:
            self._week(monday, heads, rows, told_from)
            if len(rows) > AT_ONCE or monday == self.last:
                yield ROSTER_WEEK, heads
                yield SHIFT, rows
                yield from self.trail.batches()
                heads, rows = [], []

    def _week(self, monday: int, heads: list[Row], rows: list[Row], told_from: int) -> None:
        """Add one week of all teams; the trail tells of the shifts after a number."""
        times = self.times
        planned = times.at(monday - PUBLISHED_BEFORE - WEEK, 14 * HOUR)
        published = times.at(monday - PUBLISHED_BEFORE, 16 * HOUR)
        made, first = times.moment(planned), times.day(monday)
        days = [times.day(monday + place) for place in range(WEEK)]
        state = (
            ("DRAFT", None, None)
            if published >= times.until
            else ("PUBLISHED", times.moment(published), PUBLISHED_BEFORE)
        )
        team = lead = 0
        for one in self._here(monday):
            if one.team != team and one.team is not None:
                team, lead = one.team, self.staff.leads[one.team].id
                self.weeks += 1
                heads.append((self.weeks, made, made, 1, lead, team, first, *state))
            # The day off moves on by one each week.
            off = (one.id + monday // WEEK) % WEEK
            for place, day in enumerate(days):
                if place == off:
                    continue
                self.shifts += 1
                if self.shifts <= 0:
                    continue
                kind = next(self.type)
                rows.append((self.shifts, made, made, 1, lead, one.id, day, first, kind, team))
                if self.shifts > told_from:
                    after = f'{{"person_id": {one.id}, "day": "{day}", "monday": "{first}", "shift_type_id": {kind}}}'
                    self.trail.added(planned, lead, "shift", self.shifts, after)

    def _asked(self, nth: int, count: int) -> tuple[int, Person]:
        """Return when the n-th of many requests was made, and by whom: spread over the ten years."""
        day = self.times.first_day + nth * (self.times.until_day - self.times.first_day - 1) // (count + 1)
        at = self.times.at(day, int((9 + self.rng.random() * 8) * HOUR))
        return at, self.rng.choice(self._here(day))

    def _leave(self, number: int) -> Row:
        rng, times = self.rng, self.times
        asked, person = self._asked(number, self.size.leaves)
        code = rng.choices(list(LEAVE_KINDS), list(LEAVE_KINDS.values()))[0]
        first = times.day_of(asked) + rng.randrange(4, 25)
        length = rng.choice((1, 1, 1, 2, 3, 5)) if code == "ANNUAL" else 1
        status = rng.choices(("APPROVED", "REFUSED", "WITHDRAWN"), (90, 7, 3))[0]
        decided = times.worked(asked, int(rng.random() * 9 * HOUR) + 60)
        if decided >= times.until:
            status = "ASKED"
        is_decided = status in {"APPROVED", "REFUSED"}
        called, moment = self.series.number("LV", asked), times.moment(asked)
        lead = self.staff.leads[person.team].id if not person.leads else self.staff.role("supervisor")[0].id
        done = decided if status != "ASKED" else None
        owed = Owed("leave_answer", "", asked, done, is_cancelled=status == "WITHDRAWN")
        self.tasks.add(owed, "leave_request", number, called, lead, "supervisor")
        return (
            number, moment, times.moment(decided) if is_decided else moment, 2 if is_decided else 1, person.id, called,
            person.id, self.kinds[code], times.day(first), times.day(first + length - 1),
            "4" if length == 1 and rng.random() < 0.2 else None, rng.choice(self.phrases[f"leave_{code}"]), status,
            lead if is_decided else None, times.moment(decided) if is_decided else None,
        )  # fmt: skip

    def _swap(self, number: int) -> Row:
        rng, times = self.rng, self.times
        asked, person = self._asked(number, self.size.swaps)
        colleague = rng.choice([one for one in self.staff.rostered if one.team == person.team and one is not person])
        status = rng.choices(("APPROVED", "REFUSED", "WITHDRAWN"), (80, 16, 4))[0]
        decided = times.worked(asked, int(rng.random() * 9 * HOUR) + 60)
        if decided >= times.until:
            status = "ASKED"
        is_decided = status in {"APPROVED", "REFUSED"}
        moment, day = times.moment(asked), times.day(times.day_of(asked) + rng.randrange(2, 7))
        called = self.series.number("SW", asked)
        if status == "ASKED":
            self.tasks.add(
                Owed("swap_agreement", "", asked, None), "shift_swap", number, called, colleague.id, "supervisor"
            )
        return (
            number, moment, moment, 2 if is_decided else 1, person.id, called, person.id, None, day, colleague.id, day,
            rng.choice(self.phrases["swap_reason"]), status,
            self.staff.leads[person.team].id if is_decided else None, times.moment(decided) if is_decided else None,
        )  # fmt: skip

    def _attended(self, number: int) -> Row:
        """Return one day of one person, the latest days first: every person has each day once."""
        rng, times = self.rng, self.times
        back, nth = divmod(number - 1, len(self.everybody))
        person = self.everybody[nth]
        day = times.workday_before(times.until_day - 1, back)
        code = rng.choices(list(SHIFTS), list(SHIFTS.values()))[0]
        begins, ends = (times.at(day, hour * HOUR) for hour in HOURS[code])
        late = rng.randrange(3, 26) if rng.random() < 0.06 else 0
        came = begins + late * 60 if late else begins - rng.randrange(60, 1080)
        entered = times.moment(min(times.at(day + 1, 9 * HOUR), times.until))
        lead = self.staff.leads[person.team].id
        return (
            number, entered, entered, 1 if back == 0 else 2, lead, person.id, times.day(day), self.types[code],
            times.moment(begins), times.moment(ends), times.moment(came), times.moment(ends + rng.randrange(1500)),
            late, rng.choice(self.phrases["late_reason"]) if late else None, "OPEN" if back == 0 else "CLOSED",
        )  # fmt: skip

    @property
    def _everybody(self) -> list[Person]:
        return [one for one in self.staff.rostered if one.left is None]
