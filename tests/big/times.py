"""Days, moments and working time as plain numbers: seconds since 1970 in UTC, written out when a row needs them.

The office is that of the portal's default zone, Asia/Taipei, eight hours ahead of UTC all year.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random

from app.handbook.operations import office_calendar

DAY = 86_400
HOUR = 3_600
AHEAD = 8 * HOUR
YEARS = 10
EPOCH = date(1970, 1, 1).toordinal()
# The product's own calendar is asked for days off; its hours are those of seed/service_hours.csv.
OPENS, LUNCH, AFTER_LUNCH, CLOSES = 9 * HOUR, 12 * HOUR, 13 * HOUR, 18 * HOUR
WORKDAY = CLOSES - OPENS - (AFTER_LUNCH - LUNCH)
LAST_SECOND = DAY - 1
WEEKDAY_LOAD = (1.35, 1.1, 1.0, 0.95, 0.9, 0.25, 0.1)
"""Monday is the busiest day."""
HOUR_LOAD = (0.2, 0.1, 0, 0, 0, 0.1, 0.3, 1, 4, 10, 16, 15, 6, 9, 13, 14, 13, 10, 4, 3, 2, 2, 1, 0.5)
GROWTH = 1.0
"""By how much of its first day's the load has risen on the last."""


class Times:
    """Ten years that end as a day begins."""

    def __init__(self, until: date) -> None:
        self.until_day = until.toordinal() - EPOCH
        self.until = self.until_day * DAY - AHEAD
        self.first_day = self.until_day - round(YEARS * 365.25)
        self.start = self.first_day * DAY - AHEAD
        self._clock = [f" {s // HOUR:02d}:{s // 60 % 60:02d}:{s % 60:02d}.000000" for s in range(DAY)]
        # Policies end long after the last day; nothing but a birth is before 1970.
        self._days = [self.date(day).isoformat() for day in range(self.until_day + 25 * 366)]
        calendar = office_calendar()
        works = [calendar.is_workday(self.date(day)) for day in range(self.first_day - 10, self.until_day + 800)]
        self._before = [0, *accumulate(works)]
        self._workdays = [self.first_day - 10 + place for place, open_ in enumerate(works) if open_]

    @staticmethod
    def date(day: int) -> date:
        """Return a day as a date."""
        return date.fromordinal(day + EPOCH)

    def day(self, day: int) -> str:
        """Return a day as rows hold it."""
        return self._days[day]

    def moment(self, at: int) -> str:
        """Return a moment as rows hold it."""
        return self._days[at // DAY] + self._clock[at % DAY]

    def iso(self, at: int) -> str:
        """Return a moment as the audit trail tells it."""
        text = self.moment(at)
        return f"{text[:10]}T{text[11:19]}+00:00"

    def day_of(self, at: int) -> int:
        """Return the office's day of a moment."""
        return (at + AHEAD) // DAY

    def year_of(self, at: int) -> int:
        """Return the office's year of a moment: that of its number."""
        return int(self.day((at + AHEAD) // DAY)[:4])

    def at(self, day: int, second: int) -> int:
        """Return the moment of an office day and second."""
        return day * DAY + second - AHEAD

    def worked(self, start: int, seconds: int) -> int:
        """Return the earliest moment by which so much opening time has passed since ``start``."""
        day, second = divmod(start + AHEAD, DAY)
        place = day - self.first_day + 10
        passed = self._before[place] * WORKDAY + seconds
        if self._before[place + 1] > self._before[place]:
            passed += min(max(second - OPENS, 0), LUNCH - OPENS) + min(
                max(second - AFTER_LUNCH, 0), CLOSES - AFTER_LUNCH
            )
        nth, rest = divmod(passed - 1, WORKDAY)
        rest += 1
        return self.at(self._workdays[nth], OPENS + rest + (0 if rest <= LUNCH - OPENS else AFTER_LUNCH - LUNCH))

    def closing(self, start: int, days: int) -> int:
        """Return the close of business of the n-th working day after the day of ``start``."""
        place = self._before[self.day_of(start) - self.first_day + 11] + days - 1
        return self.at(self._workdays[place], CLOSES)

    def end_of(self, start: int, days: int) -> int:
        """Return the last second of the n-th day after the day of ``start``."""
        return self.at(self.day_of(start) + days, LAST_SECOND)

    def workday_before(self, day: int, back: int = 0) -> int:
        """Return the last working day up to a day, or the one so many working days before it."""
        return self._workdays[bisect_right(self._workdays, day) - 1 - back]

    def loads(self, first: int = 0) -> Iterator[tuple[int, float]]:
        """Yield each day of the ten years, from the n-th on, with how much comes in on it."""
        length = self.until_day - self.first_day
        for nth in range(first, length):
            day = self.first_day + nth
            yield day, WEEKDAY_LOAD[(day + 3) % 7] * (1 + GROWTH * nth / length)

    def spread(self, rng: Random, count: int) -> Iterator[int]:
        """Yield so many moments of the ten years in their order, as people get in touch: by day and by hour."""
        days, loads = zip(*self.loads(), strict=True)
        picked = rng.choices(days, loads, k=count)
        picked.sort()
        place = 0
        hours = list(accumulate(HOUR_LOAD))
        while place < count:
            end = bisect_right(picked, picked[place], place)
            found = rng.choices(range(24), cum_weights=hours, k=end - place)
            yield from sorted(self.at(picked[place], hour * HOUR + int(rng.random() * HOUR)) for hour in found)
            place = end


class Series:
    """Gives numbers as the portal does: one series without gaps for each kind and year."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self.last: dict[tuple[str, int], int] = {}

    def number(self, prefix: str, at: int) -> str:
        """Return the next number of the year that a moment is in."""
        year = self.times.year_of(at)
        last = self.last[prefix, year] = self.last.get((prefix, year), 0) + 1
        return f"{prefix}-{year}-{last:05d}"


def this_monday(now: datetime) -> date:
    """Return the Monday of the office's week that a moment is in."""
    today = (now.astimezone(UTC) + timedelta(seconds=AHEAD)).date()
    return today - timedelta(days=today.weekday())
