"""The stage of the demo: a clock that runs through the year, and people who fill the portal's own forms.

A story is a generator: it does something, yields the moment at which it goes on, and is woken at that moment with the
clock held there. What a story would do after today does not happen, so some records are open, and some are late.
"""

from __future__ import annotations

import csv
import heapq
import itertools
import random
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from flask import g
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.entity import Catalog
from app.core.fields_rows import target_of
from app.core.forms import PortalForm
from app.core.inputs import filled, problems
from app.core.rights import grants
from app.core.scope import viewer
from app.core.standin import standing_in
from app.core.types import Choice
from app.core.views import PortalView
from app.handbook import calendar
from app.handbook.operations import office_calendar
from app.staff.models import StaffMember
from config import ROOT

TEXTS = ROOT / "seed" / "demo"
RANDOM_SEED = 20_260_101
WEEKS = 52
OPENS = time(9)

Story = Generator[datetime]


class UnbelievableError(Exception):
    """A story does what the portal does not let people do: a mistake in the demo."""


def texts(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the demo's CSV files."""
    with (TEXTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_code(model: type[Any]) -> dict[str, Any]:
    """Return a catalog by code."""
    return {row.code: row for row in db.session.scalars(select(model))}


class Stage:
    """A year that ends at ``now``, the stories waiting in it, and whoever acts at the moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.random = random.Random(RANDOM_SEED)  # noqa: S311 - believable, not secret
        monday = clock.local(now).date() - timedelta(days=clock.local(now).weekday())
        self.first = monday - timedelta(weeks=WEEKS)
        self.phrases: dict[str, list[str]] = {}
        for row in texts("phrases"):
            self.phrases.setdefault(row["key"], []).append(row["text"])
        self._waiting: list[tuple[datetime, int, Story]] = []
        self._order = itertools.count()
        self._rights: dict[int, dict[str, Any]] = {}
        self._steps: dict[tuple[PortalView, str], type[PortalForm]] = {}

    # -- time --------------------------------------------------------------------------------

    @cached_property
    def calendar(self) -> calendar.WorkCalendar:
        """The office's working calendar."""
        return office_calendar()

    @property
    def today(self) -> date:
        """The last day of the demo."""
        return clock.local(self.now).date()

    def workdays(self, day: date) -> Iterator[date]:
        """Yield the office's working days from a day on, without end."""
        while True:
            if self.calendar.is_workday(day):
                yield day
            day += timedelta(days=1)

    def days(self, first: date | None = None, last: date | None = None) -> Iterator[date]:
        """Yield the working days of the demo, or of a part of it."""
        return itertools.takewhile(lambda day: day <= (last or self.today), self.workdays(first or self.first))

    def moment(self, day: date, at: time) -> datetime:
        """Return a moment of a day by the office's clock."""
        return datetime.combine(day, at, clock.office_zone()).astimezone(UTC)

    def during(self, day: date, opens: int = 9, closes: int = 18) -> datetime:
        """Return some moment of a day between two hours."""
        return self.moment(day, time(opens)) + timedelta(seconds=self.random.randrange((closes - opens) * 3600))

    def worked(self, start: datetime, hours: float) -> datetime:
        """Return the moment when so many opening hours have passed, give or take a quarter."""
        length = timedelta(hours=hours * self.random.uniform(0.75, 1.25))
        return calendar.add_working(self.calendar, start, timedelta(seconds=length // timedelta(seconds=1)))

    def workday_after(self, least: int, most: int) -> date:
        """Return the first working day at least some days from now."""
        wished = clock.today() + timedelta(days=self.random.randint(least, most))
        return next(self.workdays(wished))

    def phrase(self, key: str) -> str:
        """Return what somebody might say here."""
        return self.random.choice(self.phrases[key])

    def some(self, days: list[date], most: int) -> list[date]:
        """Return so many of some days, or as many as there are."""
        return self.random.sample(days, min(most, len(days)))

    def chance(self, share: float) -> bool:
        """Return yes with a probability."""
        return self.random.random() < share

    # -- stories -----------------------------------------------------------------------------

    def tell(self, story: Story, at: datetime) -> None:
        """Let a story begin at a moment."""
        heapq.heappush(self._waiting, (at, next(self._order), story))

    def tell_all(self, stories: Iterable[tuple[Story, datetime]]) -> None:
        """Let stories begin, each at its moment; what would begin before the first day is left out."""
        for story, at in stories:
            if clock.local(at).date() >= self.first:
                self.tell(story, at)

    def run(self) -> None:
        """Tell every story, all of them in the order of time, up to now."""
        while self._waiting and self._waiting[0][0] <= self.now:
            at, _order, story = heapq.heappop(self._waiting)
            with clock.frozen(at):
                onward = next(story, None)
            if onward is not None:
                self.tell(story, max(onward, at))

    # -- people ------------------------------------------------------------------------------

    @contextmanager
    def standing(self, who: StaffMember | int) -> Iterator[None]:
        """Act as somebody (or a login), with their rights; they are read once, since nobody's change in the demo."""
        user_id = _user(who)
        with standing_in(user_id):
            if user_id not in self._rights:
                grants()
                viewer()
                self._rights[user_id] = {name: g.get(name) for name in ("portal_grants", "portal_viewer")}
            for name, value in self._rights[user_id].items():
                setattr(g, name, value)
            yield

    def add(self, who: StaffMember | int, model: type[Any], **given: Any) -> Any:
        """Let a person fill the form for a new record and save it; return the record."""
        view = _view_of(model)
        with self.standing(who):
            if not view.may("add"):
                raise UnbelievableError(f"{who} may not add {model.__name__}")
            form, unread = filled(view.add_form, _cells(given))
            _refuse(problems(form, unread), f"{who} adds {model.__name__}")
            item = model()
            view.create(item, form)
        if issubclass(model, Catalog):
            g.pop("portal_catalogs", None)
        return item

    def change(self, who: StaffMember | int, item: Any, **given: Any) -> None:
        """Let a person change a record in its form."""
        view = _view_of(type(item))
        with self.standing(who):
            if not view.may("edit") or view.find_or_none(item.id, "edit") is None:
                raise UnbelievableError(f"{who} may not change {item}")
            form, unread = filled(view.edit_form, _cells(given), item)
            _refuse(problems(form, unread), f"{who} changes {item}")
            view.change(item, form)

    def step(self, who: StaffMember | int, item: Any, name: str, **given: Any) -> None:
        """Let a person take a step of a record, filling its small form."""
        view = _view_of(type(item))
        step = view.step_or_404(name)
        with self.standing(who):
            if not view.may_step(step, item):
                raise UnbelievableError(f"{who} may not {name} {item}")
            kind = self._steps.setdefault((view, name), view.step_form(step))
            form, unread = filled(kind, _cells(given), item)
            _refuse(problems(form, unread), f"{who}: {name} {item}")
            view.take(item, step, form)
            db.session.flush()


def _view_of(model: type[Any]) -> PortalView:
    view = target_of(model)
    assert isinstance(view, PortalView)
    return view


def _user(who: StaffMember | int) -> int:
    """Return the login of a person, or the login itself."""
    if isinstance(who, int):
        return who
    assert who.user_id is not None
    return who.user_id


def _cells(given: dict[str, Any]) -> dict[str, Any]:
    return {name: _cell(value) for name, value in given.items()}


def _cell(value: Any) -> Any:
    """Return a value as a cell of an imported table would hold it; a record goes by its key."""
    match value:
        case Choice():
            return value.name
        case datetime():
            return clock.local(value).replace(tzinfo=None)
        case list():
            return [_cell(one) for one in value]
        case None | str() | int() | float() | date() | time():
            return str(value) if isinstance(value, float | time) else value
        case _:
            return getattr(value, "id", value)


def _refuse(errors: dict[str, list[str]], what: str) -> None:
    if errors:
        raise UnbelievableError(f"{what}: {errors}")
