"""What changes more than one record of an appraisal: opening a cycle, scoring, settling (clause 5.2)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import func, or_, select

from app.appraisal.models import (
    Appraisal,
    AppraisalStatus,
    Cycle,
    CycleKind,
    CycleStatus,
    Indicator,
    ScoreLine,
    total_of,
)
from app.core import actor, clock
from app.core.db import db
from app.core.errors import RuleError
from app.core.workflow import begin, task_keeper
from app.staff.models import StaffMember
from app.staff.operations import person_of

MONTHS = {CycleKind.MONTHLY: 1, CycleKind.QUARTERLY: 3}


# -- cycles ----------------------------------------------------------------------------------


def check_cycle(cycle: Cycle) -> None:
    """Raise RuleError for a special cycle without a subject, or a regular one that is no whole month or quarter."""
    if cycle.kind is CycleKind.SPECIAL:
        if cycle.subject is None:
            raise RuleError(_("A special appraisal has a subject."), field="subject")
        if cycle.last_on < cycle.first_on:
            raise RuleError(_("The last day is before the first."), field="last_on")
        return
    first, last = period_of(cycle.kind, cycle.first_on)
    if (cycle.first_on, cycle.last_on) != (first, last):
        raise RuleError(_("This cycle runs from %(first)s to %(last)s.", first=first, last=last), field="last_on")


def period_of(kind: CycleKind, day: date) -> tuple[date, date]:
    """Return the first and last day of the month or quarter that holds a day."""
    months = MONTHS[kind]
    month = (day.month - 1) // months * months + 1
    last = month + months - 1
    return date(day.year, month, 1), date(day.year, last, monthrange(day.year, last)[1])


def open_cycle(cycle: Cycle, now: datetime) -> None:
    """Make the appraisals of a regular cycle in one step, for everyone who belongs to a team in its period.

    A special cycle begins empty: its people are chosen one by one.
    """
    if cycle.kind is CycleKind.SPECIAL:
        return
    here = select(StaffMember).where(
        StaffMember.team_id.is_not(None),
        StaffMember.hired_on <= cycle.last_on,
        or_(StaffMember.left_on.is_(None), StaffMember.left_on >= cycle.first_on),
    )
    made = [Appraisal(cycle=cycle, person=person) for person in db.session.scalars(here.order_by(StaffMember.id))]
    db.session.add_all(made)
    db.session.flush()
    for appraisal in made:
        begin_appraisal(appraisal, now)


def begin_appraisal(appraisal: Appraisal, now: datetime) -> None:
    """Give an appraisal a line for every indicator in use, and let the person's time for the self-assessment run."""
    today = clock.local(now).date()
    used = select(Indicator).where(or_(Indicator.retired_on.is_(None), Indicator.retired_on > today))
    for indicator in db.session.scalars(used.order_by(Indicator.position, Indicator.id)):
        db.session.add(ScoreLine(appraisal=appraisal, indicator=indicator, weight=indicator.weight))
    db.session.flush()
    begin(appraisal, ["self_assessment"], now)


def must_be_open(appraisal: Appraisal) -> None:
    """Raise RuleError for a cycle that does not take people or self-assessments (any more)."""
    if appraisal.cycle.status is not CycleStatus.OPEN:
        raise RuleError(_("This cycle is not open for self-assessment."), field="cycle")


def collect(cycle: Cycle, now: datetime) -> None:
    """Close the time for self-assessments; who wrote none is scored without."""
    missing = select(Appraisal).where(
        Appraisal.cycle_id == cycle.id, Appraisal.status == AppraisalStatus.SELF_ASSESSMENT
    )
    for appraisal in db.session.scalars(missing):
        task_keeper().cancel(appraisal, now)
        begin(appraisal, ["appraisal_score"], now)


def close_cycle(cycle: Cycle, now: datetime) -> None:
    """Raise RuleError while an appraisal is not settled: closed figures never change afterwards."""
    del now
    waiting = select(func.count()).where(Appraisal.cycle_id == cycle.id, Appraisal.status != AppraisalStatus.SETTLED)
    if count := db.session.scalar(waiting):
        raise RuleError(_("%(count)s appraisals are not settled yet.", count=count))


# -- appraisals ------------------------------------------------------------------------------


def assess_self(appraisal: Appraisal, now: datetime) -> None:
    """Write when the person assessed themselves; raises RuleError once the cycle was collected."""
    appraisal.self_assessed_at = now
    must_be_open(appraisal)


def may_be_scored(appraisal: Appraisal) -> bool:
    """Tell whether scores can be written now: after the self-assessment, without one once the cycle was collected."""
    if appraisal.cycle.status is CycleStatus.CLOSED:
        return False
    if appraisal.status is AppraisalStatus.SELF_ASSESSMENT:
        return appraisal.cycle.status is CycleStatus.COLLECTED
    return appraisal.status in {AppraisalStatus.SCORING, AppraisalStatus.APPEALED}


def score(appraisal: Appraisal, now: datetime) -> None:
    """Write the total and who scored; raises RuleError without a score, or before the person had their say."""
    with db.session.no_autoflush:
        if appraisal.self_assessed_at is None and appraisal.cycle.status is not CycleStatus.COLLECTED:
            raise RuleError(_("The self-assessment is not written yet. Collect the cycle to score without it."))
        _write_total(appraisal)
        appraisal.scorer, appraisal.scored_at = person_of(actor.user_id()), now


def _write_total(appraisal: Appraisal) -> None:
    total = total_of(appraisal.lines)
    if total is None:
        raise RuleError(_("No indicator has a score yet. Fill in the score sheet first."))
    appraisal.total = total


def confirm(appraisal: Appraisal, now: datetime) -> None:
    """Write when the person agreed."""
    appraisal.settled_at = now


def settle(appraisal: Appraisal, now: datetime) -> None:
    """End an appeal: the total is worked out anew from the lines as they stand."""
    with db.session.no_autoflush:
        _write_total(appraisal)
        appraisal.settled_at = now
