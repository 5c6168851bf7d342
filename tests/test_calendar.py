"""Promises fall due when the calendar says: properties over random calendars, then known days."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.handbook.calendar import (
    Hours,
    Interval,
    Jurisdiction,
    Length,
    Pause,
    Unit,
    WorkCalendar,
    add_calendar_days,
    add_working,
    add_working_days,
    due,
    national_calendar,
    next_open,
    paused_elapsed,
    paused_working,
    working_between,
)

TAIPEI = ZoneInfo("Asia/Taipei")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
# Soon after these days clocks go forward (New York by night, Santiago at midnight, Nuuk in the hour
# before it) or back (Sao Paulo at midnight, St John's a minute later).
ODD_DAYS = {
    TAIPEI: date(2026, 2, 10),
    NEW_YORK: date(2026, 3, 5),
    ZoneInfo("America/Santiago"): date(2018, 8, 9),
    ZoneInfo("America/Nuuk"): date(2024, 3, 27),
    ZoneInfo("America/Sao_Paulo"): date(2018, 2, 14),
    ZoneInfo("America/St_Johns"): date(2010, 11, 4),
}
Scene = tuple[WorkCalendar, list[datetime]]
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
NO_TIME = timedelta()
STEADY = (4 * 60, 22 * 60)  # minutes of the day between which none of these clocks jumps


def hours(*spans: str) -> Hours:
    """Read "09:00-12:00" spans; "24:00" ends the day."""
    return tuple(Interval(*(time.fromisoformat(t.replace("24:", "00:")) for t in span.split("-"))) for span in spans)


OFFICE = hours("09:00-12:00", "13:00-18:00")
WEEK: tuple[Hours, ...] = (*[OFFICE] * 5, (), ())
PLAIN = WorkCalendar(TAIPEI, WEEK)


def taipei(text: str) -> datetime:
    """Read a wall-clock moment of the office."""
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI)


# Random calendars


def _clock(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


def day_hours(*, least: int = 0, steady: bool = False) -> st.SearchStrategy[Hours]:
    """Up to three intervals; steady ones begin and end only where no zone's clock jumps."""
    minute = st.integers(*STEADY if steady else (0, 24 * 60))
    return st.lists(minute, min_size=2 * least, max_size=6, unique=True).map(
        lambda points: tuple(
            Interval(_clock(a), _clock(b))
            for a, b in list(pairwise(sorted(points)))[:: 1 if sum(points) % 3 == 0 else 2]
        )
    )


@st.composite
def calendars(draw: st.DrawFn, *, steady: bool = False) -> WorkCalendar:
    """A week open on at least one day, with odd days around a change of its zone's clocks."""
    zone = draw(st.sampled_from(list(ODD_DAYS)))
    near = st.integers(-3, 12).map(lambda n: ODD_DAYS[zone] + timedelta(days=n))
    week = draw(st.lists(day_hours(steady=steady), min_size=6, max_size=6))
    week.insert(draw(st.integers(0, 6)), draw(day_hours(least=1, steady=steady)))
    return WorkCalendar(
        zone,
        tuple(week),
        draw(st.frozensets(near, max_size=4)),
        draw(st.dictionaries(near, st.integers(0, 6), max_size=3)),
        draw(st.dictionaries(near, day_hours(steady=steady), max_size=3)),
    )


@st.composite
def scenes(draw: st.DrawFn, moments: int, *, steady: bool = False) -> Scene:
    """A calendar and whole-minute moments near its odd days, given in any zone."""
    calendar = draw(calendars(steady=steady))
    midnight = datetime.combine(ODD_DAYS[calendar.zone], time(), UTC)
    offsets = st.integers(-2 * 1440, 9 * 1440)
    zones = st.sampled_from([UTC, calendar.zone])
    return calendar, [(midnight + draw(offsets) * MINUTE).astimezone(draw(zones)) for _ in range(moments)]


lengths = st.timedeltas(NO_TIME, timedelta(hours=60))
working_lengths = st.builds(
    Length,
    st.integers(0, 40),
    st.sampled_from([Unit.WORKING_MINUTES, Unit.WORKING_HOURS, Unit.WORKING_DAYS]),
)
calendar_lengths = st.builds(
    Length,
    st.integers(0, 40),
    st.sampled_from([Unit.CALENDAR_HOURS, Unit.CALENDAR_DAYS, Unit.CALENDAR_MONTHS]),
)


def is_open(calendar: WorkCalendar, moment: datetime) -> bool:
    """The slow definition: the wall clock shows a time inside one of the day's intervals."""
    local = moment.astimezone(calendar.zone)
    return any(
        i.start <= local.time() and (local.time() < i.end or i.end == time())
        for i in calendar.intervals_on(local.date())
    )


def step(calendar: WorkCalendar, start: datetime, length: int, pauses: list[Pause]) -> datetime:
    """The slow answer: walk minute by minute and count the open ones that are not paused."""
    moment = start.astimezone(UTC)
    while length:
        paused = any(p.since <= moment < (p.until or moment) for p in pauses)
        length -= is_open(calendar, moment) and not paused
        moment += MINUTE
    return moment


# Properties


@pytest.mark.slow
@settings(deadline=None)
@given(scenes(1), lengths)
def test_what_was_added_lies_between(scene: Scene, length: timedelta) -> None:
    calendar, [start] = scene
    end = add_working(calendar, start, length)
    assert end.tzinfo is UTC
    assert working_between(calendar, start, end) == length
    if length:  # and it is the earliest such moment
        assert working_between(calendar, start, end - MINUTE / 60) < length


@pytest.mark.slow
@settings(deadline=None)
@given(scenes(1), lengths, lengths)
def test_lengths_add_up(scene: Scene, one: timedelta, other: timedelta) -> None:
    calendar, [start] = scene
    in_two_steps = add_working(calendar, add_working(calendar, start, one), other)
    assert in_two_steps == add_working(calendar, start, one + other)


@pytest.mark.slow
@settings(deadline=None)
@given(scenes(3))
def test_times_between_add_up(scene: Scene) -> None:
    calendar, [a, b, c] = scene
    whole = working_between(calendar, a, c)
    assert working_between(calendar, a, b) + working_between(calendar, b, c) == whole
    assert working_between(calendar, c, a) == -whole


@pytest.mark.slow
@settings(deadline=None)
@given(scenes(2), working_lengths | calendar_lengths, st.integers(0, 9))
def test_later_and_longer_is_never_sooner(scene: Scene, short: Length, more: int) -> None:
    calendar, starts = scene
    early, late = sorted(starts, key=lambda moment: moment.astimezone(UTC))
    long = Length(short.number + more, short.unit)
    assert due(calendar, early, short) <= due(calendar, late, short)
    assert due(calendar, early, short) <= due(calendar, early, long)


@pytest.mark.slow
@settings(deadline=None)
@given(scenes(1, steady=True), working_lengths, st.timedeltas(MINUTE, timedelta(hours=30)))
def test_never_due_outside_hours(scene: Scene, length: Length, paused: timedelta) -> None:
    calendar, [start] = scene
    for end in (due(calendar, start, length, paused), next_open(calendar, start) + MINUTE / 60):
        assert is_open(calendar, end - timedelta(microseconds=1))


@pytest.mark.slow
@settings(deadline=None)
@given(scenes(1), st.integers(1, 20))
def test_working_days_end_at_the_nth_closing(scene: Scene, days: int) -> None:
    calendar, [start] = scene
    day, left = start.astimezone(calendar.zone).date(), days
    while left:
        day += DAY
        left -= calendar.is_workday(day)
    following = day if calendar.intervals_on(day)[-1].end != time() else day + DAY
    closes = datetime.combine(following, calendar.intervals_on(day)[-1].end, calendar.zone)
    assert add_working_days(calendar, start, days) == closes.astimezone(UTC)


@pytest.mark.slow
@settings(deadline=None)
@given(scenes(1), st.integers(0, 9))
def test_calendar_days_end_with_the_nth(scene: Scene, days: int) -> None:
    calendar, [start] = scene
    day = start.astimezone(calendar.zone).date() + timedelta(days=days)
    end = add_calendar_days(calendar.zone, start, days)
    assert end.astimezone(calendar.zone).date() == day
    assert (end + timedelta(seconds=1)).astimezone(calendar.zone).date() > day


@pytest.mark.slow
@settings(deadline=None)
@given(scenes(7), st.permutations(range(3)))
def test_pauses_count_once_in_any_order(scene: Scene, order: list[int]) -> None:
    calendar, [upto, *ends] = scene
    edges = sorted(ends, key=lambda moment: moment.astimezone(UTC))
    pauses = [Pause(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    shuffled = [pauses[index] for index in order]
    total = paused_working(calendar, pauses, upto)
    assert total == paused_working(calendar, shuffled, upto)
    assert total == sum((paused_working(calendar, [pause], upto) for pause in pauses), NO_TIME)
    assert total == paused_working(calendar, [*pauses, *shuffled], upto)
    one_long = Pause(edges[0], edges[-1])
    assert paused_working(calendar, [*pauses, one_long], edges[-1]) == working_between(calendar, edges[0], edges[-1])
    assert paused_elapsed([one_long, *shuffled], edges[-1]) == (edges[-1].astimezone(UTC) - edges[0].astimezone(UTC))


@pytest.mark.slow
@settings(deadline=None)
@given(scenes(1), working_lengths, calendar_lengths, lengths)
def test_the_whole_pause_is_added(scene: Scene, working: Length, statutory: Length, paused: timedelta) -> None:
    calendar, [start] = scene
    ends = due(calendar, start, working), due(calendar, start, working, paused)
    assert working_between(calendar, *ends) == paused
    assert due(calendar, start, statutory, paused) - due(calendar, start, statutory) == paused


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(scenes(5, steady=True), st.integers(1, 60))
def test_agrees_with_counting_minutes(scene: Scene, minutes: int) -> None:
    calendar, [start, *ends] = scene
    edges = sorted(ends, key=lambda moment: moment.astimezone(UTC))
    pauses = [Pause(edges[0], edges[1]), Pause(edges[2], edges[3])]
    slow = step(calendar, start, minutes, pauses)
    # A pause counts from the start of the promise, and none begins after it was due.
    running = [
        Pause(max(pause.since.astimezone(UTC), start.astimezone(UTC)), pause.until)
        for pause in pauses
        if pause.until and start.astimezone(UTC) < pause.until and pause.since < slow
    ]
    paused = paused_working(calendar, running, slow)
    length = Length(minutes, Unit.WORKING_MINUTES)
    assert due(calendar, start, length, paused) == slow
    assert working_between(calendar, start, slow) == minutes * MINUTE + paused


# Known days


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [
        # Friday 17:00 and two hours: one before closing, one on Monday.
        ("2026-03-06T17:00", Length(2, Unit.WORKING_HOURS), "2026-03-09T10:00"),
        # Lunch does not count, whether the start is before it or inside it.
        ("2026-03-06T11:30", Length(60, Unit.WORKING_MINUTES), "2026-03-06T13:30"),
        ("2026-03-06T12:30", Length(60, Unit.WORKING_MINUTES), "2026-03-06T14:00"),
        # What fits exactly is due at closing time, not at the next opening.
        ("2026-03-06T17:00", Length(1, Unit.WORKING_HOURS), "2026-03-06T18:00"),
        ("2026-03-06T20:00", Length(0, Unit.WORKING_HOURS), "2026-03-06T20:00"),
        # The day of the start is not counted, even from its first minute.
        ("2026-03-06T09:00", Length(1, Unit.WORKING_DAYS), "2026-03-09T18:00"),
        ("2026-03-07T15:00", Length(1, Unit.WORKING_DAYS), "2026-03-09T18:00"),
        ("2026-03-06T09:00", Length(0, Unit.WORKING_DAYS), "2026-03-06T18:00"),
        ("2026-03-06T19:00", Length(0, Unit.WORKING_DAYS), "2026-03-09T18:00"),
        ("2026-03-06T09:00", Length(30, Unit.CALENDAR_DAYS), "2026-04-05T23:59:59"),
        ("2026-03-06T09:00", Length(0, Unit.CALENDAR_DAYS), "2026-03-06T23:59:59"),
        ("2026-03-06T09:00", Length(72, Unit.CALENDAR_HOURS), "2026-03-09T09:00"),
        ("2026-01-15T09:00", Length(1, Unit.CALENDAR_MONTHS), "2026-02-15T23:59:59"),
        ("2026-01-31T09:00", Length(1, Unit.CALENDAR_MONTHS), "2026-02-28T23:59:59"),
        ("2027-12-31T09:00", Length(2, Unit.CALENDAR_MONTHS), "2028-02-29T23:59:59"),
        ("2026-03-06T09:00", Length(24, Unit.CALENDAR_MONTHS), "2028-03-06T23:59:59"),
    ],
)
def test_counting_rules(start: str, length: Length, end: str) -> None:
    assert due(PLAIN, taipei(start), length) == taipei(end)
    assert due(PLAIN, taipei(start), length).tzinfo is UTC


def test_the_day_is_the_office_s_day() -> None:
    late_in_utc = datetime(2026, 3, 6, 17, tzinfo=UTC)  # already 7 March in Taipei
    assert add_calendar_days(TAIPEI, late_in_utc, 1) == taipei("2026-03-08T23:59:59")


def test_what_speaks_first_about_a_day() -> None:
    saturday, monday = date(2026, 3, 7), date(2026, 3, 9)
    closed = replace(PLAIN, closed_days=frozenset({saturday, monday}))
    assert not closed.is_workday(monday)
    made_up = replace(closed, makeup_days={saturday: 4})
    assert made_up.intervals_on(saturday) == OFFICE
    early_close = replace(made_up, exceptions={saturday: hours("09:00-11:00"), monday: OFFICE})
    assert early_close.intervals_on(saturday) == hours("09:00-11:00")
    assert early_close.is_workday(monday)
    typhoon = replace(early_close, exceptions={saturday: ()})
    assert not typhoon.is_workday(saturday)


def test_a_typhoon_day_moves_what_is_due_by_its_hours() -> None:
    start, length = taipei("2026-07-09T16:00"), Length(4, Unit.WORKING_HOURS)
    typhoon = replace(PLAIN, exceptions={date(2026, 7, 10): ()})
    early_close = replace(PLAIN, exceptions={date(2026, 7, 10): hours("09:00-10:00")})
    assert due(PLAIN, start, length) == taipei("2026-07-10T11:00")
    assert due(typhoon, start, length) == taipei("2026-07-13T11:00")
    assert due(early_close, start, length) == taipei("2026-07-13T10:00")


def test_a_new_priority_keeps_the_time_paused() -> None:
    start, now = taipei("2026-03-09T09:00"), taipei("2026-03-10T10:00")
    waiting = [Pause(taipei("2026-03-09T11:00"), taipei("2026-03-09T14:00"))]  # two hours and lunch
    paused = paused_working(PLAIN, waiting, now)
    assert paused == timedelta(hours=2)
    assert due(PLAIN, start, Length(8, Unit.WORKING_HOURS), paused) == taipei("2026-03-10T11:00")
    assert due(PLAIN, start, Length(4, Unit.WORKING_HOURS), paused) == taipei("2026-03-09T16:00")


def test_a_pause_that_lasts_counts_until_now() -> None:
    pause = [Pause(taipei("2026-03-09T11:00"))]
    assert paused_working(PLAIN, pause, taipei("2026-03-09T10:00")) == NO_TIME
    assert paused_working(PLAIN, pause, taipei("2026-03-09T15:00")) == timedelta(hours=3)
    assert paused_elapsed(pause, taipei("2026-03-10T11:00")) == DAY
    ended = [Pause(taipei("2026-03-09T11:00"), taipei("2026-03-09T18:00"))]  # asked about earlier
    assert paused_working(PLAIN, ended, taipei("2026-03-09T15:00")) == timedelta(hours=3)


def test_nobody_is_told_at_midnight() -> None:
    assert next_open(PLAIN, taipei("2026-03-07T00:00")) == taipei("2026-03-09T09:00")
    assert next_open(PLAIN, taipei("2026-03-09T18:00")) == taipei("2026-03-10T09:00")
    assert next_open(PLAIN, taipei("2026-03-09T09:30")) == taipei("2026-03-09T09:30")


def test_hours_across_a_change_of_clocks() -> None:
    night = WorkCalendar(NEW_YORK, (hours("01:00-02:30", "02:30-03:00", "03:00-04:00"),) * 7)
    for midnight, length in ((datetime(2026, 3, 8), 2), (datetime(2026, 11, 1), 4)):  # noqa: DTZ001
        ends = (midnight.replace(tzinfo=NEW_YORK), (midnight + DAY).replace(tzinfo=NEW_YORK))
        assert working_between(night, *ends) == timedelta(hours=length)
    twice = datetime(2026, 11, 1, 1, 15, tzinfo=NEW_YORK)  # the clock shows it again an hour later
    assert working_between(night, twice, twice.replace(fold=1)) == timedelta(hours=1)


def test_hours_skipped_before_midnight_are_kept_after_it() -> None:
    nuuk = ZoneInfo("America/Nuuk")  # on 30 March 2024 there was no 23:15
    late = WorkCalendar(nuuk, ((), (), (), (), (), hours("23:15-23:45"), ()))
    sunday = datetime(2024, 3, 31, 0, 20, tzinfo=nuuk)
    assert working_between(late, sunday, sunday + DAY) == timedelta(minutes=25)


@pytest.mark.parametrize("zone", ODD_DAYS, ids=str)
def test_round_the_clock_is_all_the_time_there_is(zone: ZoneInfo) -> None:
    always = WorkCalendar(zone, (hours("00:00-24:00"),) * 7)
    first = datetime.combine(ODD_DAYS[zone], time(), UTC)
    for later in range(0, 7 * 1440, 30):
        moment = first + later * MINUTE
        assert working_between(always, first, moment) == moment - first
        assert working_between(always, moment, first + 7 * DAY) == first + 7 * DAY - moment


# Refused

NAIVE = datetime(2026, 3, 6, 9)  # noqa: DTZ001 - the mistake under test
START = taipei("2026-03-06T09:00")


def test_moments_without_a_zone_are_refused() -> None:
    for length in Unit:
        with pytest.raises(ValueError, match="naive"):
            due(PLAIN, NAIVE, Length(1, length))
    for a, b in ((NAIVE, START), (START, NAIVE)):
        with pytest.raises(ValueError, match="naive"):
            working_between(PLAIN, a, b)
        with pytest.raises(ValueError, match="naive"):
            Pause(a, b)
    with pytest.raises(ValueError, match="naive"):
        paused_working(PLAIN, [], NAIVE)
    with pytest.raises(ValueError, match="naive"):
        next_open(PLAIN, NAIVE)


def test_lengths_below_zero_are_refused() -> None:
    for unit in Unit:
        with pytest.raises(ValueError, match="below zero"):
            due(PLAIN, START, Length(-1, unit))
        with pytest.raises(ValueError, match="below zero"):
            due(PLAIN, START, Length(1, unit), -MINUTE)
    with pytest.raises(ValueError, match="below zero"):
        add_working(PLAIN, START, -MINUTE)
    with pytest.raises(ValueError, match="before it begins"):
        Pause(START, START - MINUTE)


def test_a_calendar_that_never_opens_is_refused() -> None:
    shut = WorkCalendar(TAIPEI, ((),) * 7)
    for unit in (Unit.WORKING_MINUTES, Unit.WORKING_HOURS, Unit.WORKING_DAYS):
        with pytest.raises(ValueError, match="does not open"):
            due(shut, START, Length(1, unit))
    with pytest.raises(ValueError, match="does not open"):
        next_open(shut, START)
    assert working_between(shut, START, START + timedelta(days=999)) == NO_TIME


def test_hours_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="no opening hours"):
        hours("12:00-09:00")
    with pytest.raises(ValueError, match="no opening hours"):
        hours("09:00-09:00")
    with pytest.raises(ValueError, match="no opening hours"):
        Interval(time(9, tzinfo=UTC), time(12))
    for wrong in (("13:00-18:00", "09:00-12:00"), ("09:00-13:00", "12:00-18:00")):
        with pytest.raises(ValueError, match="overlap"):
            WorkCalendar(TAIPEI, (hours(*wrong), *WEEK[1:]))
        with pytest.raises(ValueError, match="overlap"):
            replace(PLAIN, exceptions={date(2026, 3, 6): hours(*wrong)})
    with pytest.raises(ValueError, match="seven days"):
        WorkCalendar(TAIPEI, WEEK[1:])
    with pytest.raises(ValueError, match="seven days"):
        replace(PLAIN, makeup_days={date(2026, 3, 7): 7})


# Two countries

TW = national_calendar(Jurisdiction.TW, TAIPEI, WEEK, range(2023, 2027))
CN = national_calendar(Jurisdiction.CN, SHANGHAI, WEEK, range(2023, 2027))


@pytest.mark.parametrize(
    ("calendar", "year", "expected"),
    [
        (TW, 2023, "01-07 02-04 02-18 03-25 06-17 09-23"),
        (TW, 2024, "02-17"),
        (TW, 2025, "02-08"),
        (TW, 2026, ""),
        (CN, 2024, "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12"),
        (CN, 2025, "01-26 02-08 04-27 09-28 10-11"),
        (CN, 2026, "01-04 02-14 02-28 05-09 09-20 10-10"),
    ],
)
def test_make_up_workdays(calendar: WorkCalendar, year: int, expected: str) -> None:
    weekend = {day for day in calendar.makeup_days if day.year == year}
    assert {f"{day:%m-%d}" for day in weekend} == set(expected.split())
    assert all(day.weekday() >= 5 and calendar.intervals_on(day) == OFFICE for day in weekend)


@pytest.mark.parametrize(
    ("calendar", "first", "last"),
    [
        (TW, "2025-01-25", "2025-02-02"),  # Lunar New Year, 27 January made up for on 8 February
        (TW, "2026-02-14", "2026-02-22"),
        (TW, "2025-05-01", "2025-05-01"),  # a worker's day off, and everyone's from 2026
        (TW, "2026-05-01", "2026-05-03"),
        (TW, "2025-09-27", "2025-09-29"),
        (CN, "2025-01-28", "2025-02-04"),
        (CN, "2025-10-01", "2025-10-08"),  # National Day and Mid-Autumn
        (CN, "2026-02-15", "2026-02-23"),  # Spring Festival
        (CN, "2026-10-01", "2026-10-07"),
    ],
)
def test_holidays_and_their_neighbours(calendar: WorkCalendar, first: str, last: str) -> None:
    opens, day = date.fromisoformat(first) - DAY, date.fromisoformat(last)
    assert calendar.is_workday(opens)
    assert calendar.is_workday(day + DAY)
    while day > opens:
        assert not calendar.is_workday(day)
        day -= DAY


def test_a_december_workday_for_a_january_holiday() -> None:
    calendar = national_calendar(Jurisdiction.CN, SHANGHAI, WEEK, [2006])
    assert calendar.is_workday(date(2006, 12, 30))  # a Saturday, for 2 January 2007
    assert {day.year for day in (*calendar.closed_days, *calendar.makeup_days)} == {2006}


def test_a_promise_over_the_spring_festival() -> None:
    start = datetime(2026, 2, 13, 17, tzinfo=SHANGHAI)
    hours_later, days_later = (due(CN, start, Length(2, u)) for u in (Unit.WORKING_HOURS, Unit.WORKING_DAYS))
    assert hours_later == datetime(2026, 2, 14, 10, tzinfo=SHANGHAI)
    assert days_later == datetime(2026, 2, 24, 18, tzinfo=SHANGHAI)
