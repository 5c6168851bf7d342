"""Working calendar and promise arithmetic (chapter 1, 總則): by when something is due.

Values and pure functions only: no database, no clock, no request. Moments taken are aware, moments
returned are aware UTC, and the same arguments always give the same answer, so a due time can be
worked out again after any change.

Days and months are counted as both civil codes count them: the day of the start is not counted and
the last day counts whole (TW 民法 120 and 121, CN 民法典 201 to 203). A last day that is a day off
does not move to the next workday, though 民法 122 and 民法典 203 may allow it: earlier is safe.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import islice, pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

Amount = TypeVar("Amount", int, timedelta)
NO_TIME = timedelta()
ONE_DAY = timedelta(days=1)
MIDNIGHT = time()
LAST_SECOND = time(23, 59, 59)
LONGEST_CLOSURE = timedelta(days=366)  # the search for an opening must end somewhere


@dataclass(frozen=True, slots=True)
class Interval:
    """One stretch of opening hours of a day, by the wall clock; an end of 00:00 ends the day.

    Round the clock is `Interval(time(0), time(0))`; a night shift is two intervals on two days.
    Raises ValueError if it is empty, runs backwards or carries a zone.
    """

    start: time
    end: time

    def __post_init__(self) -> None:
        zoned = self.start.tzinfo or self.end.tzinfo
        if zoned or (self.end != MIDNIGHT and self.end <= self.start):
            raise ValueError(f"no opening hours of one day: {self.start} to {self.end}")


Hours = tuple[Interval, ...]  # of one day, in order and without overlap; empty is closed


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """When one office is open (工作行事曆): for each date, the first of these that speaks.

    `exceptions`: date to hours (typhoon day, early close). `makeup_days` (補班, 調休): date to the
    weekday, Monday 0, whose hours it borrows. `closed_days`: holidays. `weekly`: from Monday.
    Raises ValueError for a week without seven days and for hours out of order or overlapping.
    """

    zone: ZoneInfo
    weekly: tuple[Hours, ...]
    closed_days: frozenset[date] = frozenset()
    makeup_days: Mapping[date, int] = field(default_factory=dict, hash=False)
    exceptions: Mapping[date, Hours] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        week = range(7)
        if len(self.weekly) != len(week) or not set(week).issuperset(self.makeup_days.values()):
            raise ValueError("a week has seven days, Monday 0 to Sunday 6")
        for hours in (*self.weekly, *self.exceptions.values()):
            if any(a.end == MIDNIGHT or a.end > b.start for a, b in pairwise(hours)):
                raise ValueError("the opening hours of a day are out of order or overlap")

    def intervals_on(self, day: date) -> Hours:
        """Return the opening hours of that date in the office's zone; empty when closed."""
        if day in self.exceptions:
            return self.exceptions[day]
        if day in self.makeup_days:
            return self.weekly[self.makeup_days[day]]
        return () if day in self.closed_days else self.weekly[day.weekday()]

    def is_workday(self, day: date) -> bool:
        """Say whether the office opens at all on that date."""
        return bool(self.intervals_on(day))


def add_working(calendar: WorkCalendar, start: datetime, length: timedelta) -> datetime:
    """Return the earliest moment by which `length` of opening time has passed since `start`.

    A length that fits exactly is due at closing time, not at the next opening; a length of zero is
    due at `start` itself. Raises ValueError if `start` is naive, `length` is negative or the
    calendar does not open within a year.
    """
    moment, left = _utc(start), _not_negative(length)
    if left:
        for opens, closes in _openings(calendar, moment):
            moment = min(closes, opens + left)
            left -= moment - opens
            if not left:
                break
    return moment


def working_between(calendar: WorkCalendar, a: datetime, b: datetime) -> timedelta:
    """Return the opening time from `a` to `b`, negative if `b` is earlier; ValueError if naive."""
    a, b = _utc(a), _utc(b)
    if b < a:
        return -working_between(calendar, b, a)
    return sum((closes - opens for opens, closes in _openings(calendar, a, b)), NO_TIME)


def next_open(calendar: WorkCalendar, moment: datetime) -> datetime:
    """Return `moment` if the office is open then, else its next opening: no notice at midnight.

    Raises ValueError if `moment` is naive or the calendar does not open within a year.
    """
    opens, _ = next(_openings(calendar, _utc(moment)))
    return opens


def add_working_days(calendar: WorkCalendar, start: datetime, days: int) -> datetime:
    """Return the close of business of the n-th workday after the day of `start`.

    The day of `start` is not counted, at whatever hour and whether workday or not; the next workday
    is day 1, however short. Zero means the same day: the first close of business from `start` on.
    Raises ValueError if `start` is naive, `days` is negative or the calendar does not open within
    a year.
    """
    moment, nth = _utc(start), max(_not_negative(days), 1)
    today = moment.astimezone(calendar.zone).date()
    workdays = _workdays(calendar, today + ONE_DAY if days else today)
    closings = (_bounds(calendar, day, calendar.intervals_on(day)[-1])[1] for day in workdays)
    return next(islice((closing for closing in closings if closing >= moment), nth - 1, None))


def add_calendar_days(zone: ZoneInfo, start: datetime, days: int) -> datetime:
    """Return 23:59:59 of the n-th day after the day of `start`, both in the office's zone.

    The day after `start` is day 1, zero is the end of the same day, holidays count like any day.
    The last second stands for the law's 24:00, so that the date shown is the last day allowed;
    民法典 203 lets the day end at the close of business, so nobody should plan for the last hours.
    Raises ValueError if `start` is naive or `days` is negative.
    """
    return _end_of(zone, _utc(start).astimezone(zone).date() + ONE_DAY * _not_negative(days))


def add_calendar_months(zone: ZoneInfo, start: datetime, months: int) -> datetime:
    """Return 23:59:59 of the same day n months later, or of that month's end if it has no such day.

    As CN 民法典 202; TW 民法 121 gives up to three days more from the end of a short month, else
    the same (保險法 119 pays within one month). Raises ValueError as `add_calendar_days` does.
    """
    day = _utc(start).astimezone(zone).date()
    year, month = divmod(day.year * 12 + day.month - 1 + _not_negative(months), 12)
    return _end_of(zone, date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])))


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which a promise did not run (waiting for the customer); no `until` while it lasts.

    Raises ValueError if a moment is naive or the pause ends before it begins.
    """

    since: datetime
    until: datetime | None = None

    def __post_init__(self) -> None:
        if _utc(self.since) > _utc(self.until or self.since):
            raise ValueError("the pause ends before it begins")


def paused_working(calendar: WorkCalendar, pauses: Iterable[Pause], upto: datetime) -> timedelta:
    """Return the opening time paused before `upto`: what `due` adds to lengths in working time.

    Order does not matter, time in two pauses counts once, a pause that lasts counts up to `upto`.
    Raises ValueError if `upto` is naive.
    """
    return sum((working_between(calendar, a, b) for a, b in _merged(pauses, upto)), NO_TIME)


def paused_elapsed(pauses: Iterable[Pause], upto: datetime) -> timedelta:
    """Return the time paused before `upto`, night and day: what `due` adds to calendar lengths."""
    return sum((b - a for a, b in _merged(pauses, upto)), NO_TIME)


class Unit(StrEnum):
    """What a promise is counted in: the office's opening time, or everyone's calendar."""

    WORKING_MINUTES = "working_minutes"
    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"
    CALENDAR_HOURS = "calendar_hours"
    CALENDAR_DAYS = "calendar_days"
    CALENDAR_MONTHS = "calendar_months"


@dataclass(frozen=True, slots=True)
class Length:
    """How long a promise allows: a number of one unit."""

    number: int
    unit: Unit


def due(calendar: WorkCalendar, start: datetime, length: Length, paused: timedelta = NO_TIME) -> datetime:
    """Return when a promise that began at `start` is due, with the whole of `paused` added.

    Working units take `paused` in opening time (`paused_working`), calendar units in elapsed time
    (`paused_elapsed`). A statutory promise does not pause unless its article says so: pass nothing.
    A due time never holds pauses, so a changed length or calendar cannot lose them.
    Calendar hours run from the very moment (民法 120). Raises ValueError as the `add_` functions.
    """
    number, extra = _not_negative(length.number), _not_negative(paused)
    match length.unit:
        case Unit.WORKING_MINUTES:
            return add_working(calendar, start, timedelta(minutes=number) + extra)
        case Unit.WORKING_HOURS:
            return add_working(calendar, start, timedelta(hours=number) + extra)
        case Unit.WORKING_DAYS:
            return add_working(calendar, add_working_days(calendar, start, number), extra)
        case Unit.CALENDAR_HOURS:
            return _utc(start) + timedelta(hours=number) + extra
        case Unit.CALENDAR_DAYS:
            return add_calendar_days(calendar.zone, start, number) + extra
        case Unit.CALENDAR_MONTHS:
            return add_calendar_months(calendar.zone, start, number) + extra


class Jurisdiction(StrEnum):
    """Whose law and holidays apply."""

    TW = "TW"
    CN = "CN"


def national_calendar(
    jurisdiction: Jurisdiction, zone: ZoneInfo, weekly: tuple[Hours, ...], years: Iterable[int]
) -> WorkCalendar:
    """Return the week with the holidays and make-up days of `years`; other years have neither.

    Make-up days borrow the hours of the first open weekday. CN announces them late in the year
    before; until then a year has its statutory days alone. Weekend days inside a long holiday are
    not listed: an office open on weekends closes them by exception. TW's 1 May is a day off for
    workers before 2026 too (勞基法 37). Raises ValueError as `WorkCalendar` does.
    """
    closed, made_up = _national_days(jurisdiction, frozenset(years))
    borrowed = next((weekday for weekday, hours in enumerate(weekly) if hours), 0)
    return WorkCalendar(zone, weekly, closed, dict.fromkeys(made_up, borrowed))


@lru_cache(maxsize=32)
def _national_days(jurisdiction: Jurisdiction, years: frozenset[int]) -> tuple[frozenset[date], tuple[date, ...]]:
    """Return holidays and make-up days; kept, for the moon has to be reckoned for them and every saving asks."""
    import holidays  # noqa: PLC0415 - heavy, and few workers ever need it

    listed = holidays.country_holidays(jurisdiction, years=set(years), expand=False)
    closed = set(listed)
    if jurisdiction is Jurisdiction.TW:
        closed |= {date(year, 5, 1) for year in years}
    # The library adds the December days of other years that make up for a January.
    return frozenset(closed), tuple(day for day in listed.weekend_workdays if day.year in years)


def _not_negative(amount: Amount) -> Amount:
    if amount < type(amount)():
        raise ValueError(f"a length below zero: {amount}")
    return amount


def _utc(moment: datetime) -> datetime:
    # Python compares and subtracts moments of one zone by the wall clock; in UTC they are exact.
    if moment.utcoffset() is None:
        raise ValueError(f"a naive moment: {moment}")
    return moment.astimezone(UTC)


def _end_of(zone: ZoneInfo, day: date) -> datetime:
    # fold=1: the later 23:59:59 if there are two, and still inside the day if there is none.
    return datetime.combine(day, LAST_SECOND, zone).replace(fold=1).astimezone(UTC)


def _bounds(calendar: WorkCalendar, day: date, hours: Interval) -> tuple[datetime, datetime]:
    last = day + ONE_DAY if hours.end == MIDNIGHT else day
    opens = datetime.combine(day, hours.start, calendar.zone)
    return opens.astimezone(UTC), datetime.combine(last, hours.end, calendar.zone).astimezone(UTC)


def _workdays(calendar: WorkCalendar, day: date, last: date | None = None) -> Iterator[date]:
    """Yield the workdays from `day` to `last`; without `last`, endlessly until nothing opens."""
    opened = day
    while last is None or day <= last:
        if calendar.is_workday(day):
            opened = day
            yield day
        elif last is None and day - opened > LONGEST_CLOSURE:
            raise ValueError(f"the calendar does not open in the year after {opened}")
        day += ONE_DAY


def _openings(
    calendar: WorkCalendar, since: datetime, until: datetime | None = None
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the open stretches from `since` to `until` (both UTC), in order.

    Clocks put forward or back about midnight carry hours into the next day or the day before, hence
    a day more at both ends. A wall time that the clocks skip is read as that much later; cutting
    each stretch at the end of the one before keeps it from counting twice.
    """
    first = since.astimezone(calendar.zone).date() - ONE_DAY
    last = until.astimezone(calendar.zone).date() + ONE_DAY if until else None
    for day in _workdays(calendar, first, last):
        for interval in calendar.intervals_on(day):
            opens, closes = _bounds(calendar, day, interval)
            opens, closes = max(opens, since), min(closes, until or closes)
            if opens < closes:
                yield opens, closes
                since = closes


def _merged(pauses: Iterable[Pause], upto: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the time before `upto` that any pause covers, in UTC, in order, none of it twice."""
    end, covered = _utc(upto), datetime.min.replace(tzinfo=UTC)
    for since, until in sorted((_utc(pause.since), _utc(pause.until or end)) for pause in pauses):
        begin, stop = max(since, covered), min(until, end)
        if begin < stop:
            yield begin, stop
            covered = stop
