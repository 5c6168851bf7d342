"""Measures of appraisals: what is missing and what waits (clauses 5.2.1 to 5.2.3)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.appraisal.models import Appraisal, AppraisalStatus, Cycle, CycleKind, CycleStatus
from app.core.measures import Count, Period, Unit, measure


@measure(
    "self_assessments_missing",
    _l("Self-assessments missing now"),
    clause="5.2.3",
    unit=Unit.COUNT,
    view="AppraisalView",
    filters=lambda _period: {"status": "SELF_ASSESSMENT"},
    is_standing=True,
)
def self_assessments_missing(_period: Period) -> Count:
    """Appraisals whose person has not written the self-assessment, at this moment whatever the period."""
    return Count(of=select(Appraisal).where(Appraisal.status == AppraisalStatus.SELF_ASSESSMENT))


@measure(
    "appraisals_to_score",
    _l("Appraisals waiting for a score"),
    clause="5.2.1",
    unit=Unit.COUNT,
    view="AppraisalView",
    filters=lambda _period: {"status": "SCORING"},
    is_standing=True,
)
def appraisals_to_score(_period: Period) -> Count:
    """Appraisals with a self-assessment and without a score, at this moment whatever the period."""
    return Count(of=select(Appraisal).where(Appraisal.status == AppraisalStatus.SCORING))


@measure(
    "special_appraisals_open",
    _l("Special appraisals open now"),
    clause="5.2.2",
    unit=Unit.COUNT,
    view="CycleView",
    filters=lambda _period: {"kind": "SPECIAL", "status": "OPEN"},
    is_standing=True,
)
def special_appraisals_open(_period: Period) -> Count:
    """Special cycles open for self-assessment, at this moment whatever the period."""
    return Count(of=select(Cycle).where(Cycle.kind == CycleKind.SPECIAL, Cycle.status == CycleStatus.OPEN))
