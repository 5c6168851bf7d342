"""The last months' appraisals (chapter 5): written, scored, agreed, and now and then appealed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.appraisal.models import Appraisal, AppraisalStatus, Cycle, CycleKind, ScoreLine
from app.appraisal.operations import period_of
from app.appraisal.views import fill_sheet, sheet_form
from app.core import clock
from app.core.db import db
from app.core.fields_rows import target_of
from app.core.views import PortalView
from app.lobby.demo.people import Cast
from app.lobby.demo.stage import Stage, Story, UnbelievableError
from app.staff.models import StaffMember

MONTHS = 3
COLLECTED_AFTER, CLOSED_AFTER = 5, 13
"""Working days from the opening."""


def cycles(stage: Stage, cast: Cast) -> Iterator[tuple[Story, datetime]]:
    """Yield the cycles of the last whole months; each opens on the first working day after its month."""
    month = stage.today.replace(day=1)
    for _n in range(MONTHS):
        first_after, month = month, (month - timedelta(days=1)).replace(day=1)
        opens = next(stage.workdays(first_after))
        yield cycle(stage, cast, month), stage.moment(opens, time(9, 30))


def cycle(stage: Stage, cast: Cast, month: date) -> Story:
    """One month's cycle: opened, collected, scored, and closed once everybody's is settled."""
    supervisor = next(one for one in cast.role("C") if one.team is None)
    first, last = period_of(CycleKind.MONTHLY, month)
    made: Cycle = stage.add(supervisor, Cycle, kind=CycleKind.MONTHLY, first_on=first, last_on=last)
    yield clock.now() + timedelta(minutes=5)
    stage.step(supervisor, made, "open")
    days = stage.workdays(clock.today())
    ahead = [next(days) for _n in range(CLOSED_AFTER + 1)]
    collected = stage.moment(ahead[COLLECTED_AFTER], time(17, 45))
    appraisals = list(db.session.scalars(select(Appraisal).where(Appraisal.cycle_id == made.id).order_by(Appraisal.id)))
    for item in appraisals:
        begins = stage.worked(clock.now(), stage.random.uniform(2, 44))
        stage.tell(appraised(stage, cast, item, collected), min(begins, collected - timedelta(minutes=30)))
    yield collected
    stage.step(supervisor, made, "collect")
    yield stage.moment(ahead[CLOSED_AFTER], time(16))
    while any(item.status is not AppraisalStatus.SETTLED for item in appraisals):
        yield stage.moment(next(stage.workdays(clock.today() + timedelta(days=1))), time(16))
    stage.step(supervisor, made, "close")


def appraised(stage: Stage, cast: Cast, item: Appraisal, collected: datetime) -> Story:
    """One person's appraisal."""
    person = item.person
    if cast.is_here(person, clock.today()) and not stage.chance(0.05):
        stage.step(
            person, item, "self_assess", strengths=stage.phrase("strengths"), weaknesses=stage.phrase("weaknesses"),
            improvement=stage.phrase("improvement"),
        )  # fmt: skip
    lead = cast.lead(person.team) if person.team is not None and person.leads is None else None
    scorer = lead or next(one for one in cast.role("C") if one.team is None)
    yield max(collected + timedelta(minutes=10), stage.worked(collected, stage.random.uniform(3, 30)))
    yield from cast.until_here(stage, scorer)
    _score(stage, scorer, item)
    stage.step(scorer, item, "score", comment=stage.phrase("appraisal_comment"))
    yield stage.worked(clock.now(), 9)
    if person.left_on is not None:
        return
    yield from cast.until_here(stage, person)
    if stage.chance(0.04):
        stage.step(person, item, "object", appeal=stage.phrase("appeal"))
        judge = [one for one in cast.role("C") if one.team is None][-1]
        yield stage.worked(clock.now(), 16)
        stage.step(judge, item, "settle", decision=stage.phrase("appeal_decision"))
    else:
        stage.step(person, item, "confirm")


def _score(stage: Stage, scorer: StaffMember, item: Appraisal) -> None:
    """Fill the score sheet: people differ, and their scores lie around their own level."""
    screen = target_of(Appraisal)
    assert isinstance(screen, PortalView)
    level = 3.6 + (item.person_id * 37 % 11) / 10
    with stage.standing(scorer):
        if not screen.may_step(screen.step_or_404("score"), item):
            raise UnbelievableError(f"{scorer} may not score {item}")
        wanted = select(ScoreLine).where(ScoreLine.appraisal_id == item.id)
        lines = list(db.session.scalars(wanted.order_by(ScoreLine.id)))
        scores = {f"score_{line.id}": _near(stage, level) for line in lines}
        form = sheet_form(lines)(formdata=MultiDict(scores), meta={"csrf": False})
        if not form.validate():
            raise UnbelievableError(f"{scorer} scores {item}: {form.errors}")
        fill_sheet(lines, form)
        db.session.flush()


def _near(stage: Stage, level: float) -> str:
    return str(min(5.0, max(2.0, round(stage.random.gauss(level, 0.4) * 2) / 2)))
