"""The year's training plan, its courses, and the sessions held and planned (chapter 4)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.lobby.demo.people import Cast
from app.lobby.demo.stage import OPENS, Stage, Story, by_code, texts
from app.staff.models import StaffMember
from app.training.models import (
    Course,
    CourseLevel,
    Enrolment,
    EnrolmentStatus,
    Method,
    PlanItem,
    Quarter,
    TopicArea,
    TrainingPlan,
    TrainingSession,
)

PLANNED_FROM, PLANNED_TO = 21, 35
"""Days before a session when its lead plans it."""
NOTICE = 9
BUDGET = 480_000


def plan_begins(stage: Stage) -> date:
    """Return the day on which a supervisor begins this year's plan: in December, as far as the demo reaches back."""
    return next(stage.workdays(max(stage.first + timedelta(days=1), date(stage.today.year - 1, 12, 7))))


def plan(stage: Stage, cast: Cast) -> Story:
    """One supervisor writes the plan, the other approves it; then the leads plan sessions for its items."""
    author, approver = (one for one in cast.role("C") if one.team is None)
    areas = by_code(TopicArea)
    made: TrainingPlan = stage.add(
        author, TrainingPlan, year=stage.today.year, budget=BUDGET, goals=stage.phrase("training_goals")
    )
    items: list[tuple[dict[str, str], PlanItem, Course]] = []
    for row in texts("training"):
        item = stage.add(
            author, PlanItem, plan=made, quarter=Quarter[row["quarter"]], topic_area=areas[row["area"]],
            title=row["title"], method=Method[row["method"]], audience=row["audience"], hours=row["hours"],
        )  # fmt: skip
        course = stage.add(
            author, Course, code=row["code"], title=row["title"], topic_area=areas[row["area"]],
            level=CourseLevel[row["level"]], hours=row["hours"], summary=row["summary"],
        )  # fmt: skip
        items.append((row, item, course))
    yield clock.now() + timedelta(hours=2)
    stage.step(author, made, "submit")
    yield stage.worked(clock.now(), 14)
    stage.step(approver, made, "approve")
    for row, item, course in items:
        stage.tell_all(sessions(stage, cast, row, item, course))


def sessions(
    stage: Stage, cast: Cast, row: dict[str, str], item: PlanItem, course: Course
) -> Iterator[tuple[Story, datetime]]:
    """Yield an item's sessions, one for each of its teams, some weeks before they are held."""
    first_month = list(Quarter).index(Quarter[row["quarter"]]) * 3 + 1
    for team in row["teams"].split(";"):
        wished = date(stage.today.year, first_month, 8) + timedelta(days=stage.random.randrange(70))
        day = next(stage.workdays(wished))
        planned = day - timedelta(days=stage.random.randint(PLANNED_FROM, PLANNED_TO))
        begins = max(clock.now() + timedelta(hours=1), stage.moment(planned, time(15)))
        if begins < stage.moment(day, OPENS):
            yield session(stage, cast, team, day, item=item, course=course), begins


def session(stage: Stage, cast: Cast, code: str, day: date, *, item: PlanItem, course: Course) -> Story:
    """One session of one team: planned by its lead, made known, held, and who came is marked."""
    team = cast.teams[code]
    lead = cast.lead(team)
    starts = stage.moment(day, time(stage.random.choice((10, 14, 15))))
    made: TrainingSession = stage.add(
        lead, TrainingSession, course=course, plan_item=item, team=team, method=item.method, trainer=lead,
        starts_at=starts, ends_at=starts + timedelta(hours=math.ceil(item.hours * 2) / 2), capacity=20,
        place=stage.phrase("training_place"), agenda=course.summary,
    )  # fmt: skip
    yield max(clock.now() + timedelta(minutes=10), stage.moment(day - timedelta(days=NOTICE), time(11)))
    stage.step(lead, made, "notify")
    places = list(db.session.scalars(select(Enrolment).where(Enrolment.session_id == made.id).order_by(Enrolment.id)))
    for place in places:
        if stage.chance(0.93):
            stage.tell(receipt(stage, cast, place), stage.worked(clock.now(), 5 if stage.chance(0.85) else 20))
    yield made.ends_at + timedelta(minutes=20)
    stage.step(lead, made, "hold")
    for place in places:
        came = (place.person_id, day) in cast.duty and not stage.chance(0.03)
        stage.step(lead, place, "attend" if came else "miss")


def receipt(stage: Stage, cast: Cast, place: Enrolment) -> Story:
    """A participant reads the notice, unless the session was faster."""
    person: StaffMember = place.person
    yield from cast.until_here(stage, person)
    left: Any = person.left_on
    if place.status is EnrolmentStatus.NOTIFIED and (left is None or left >= clock.today()):
        stage.step(person, place, "read")
