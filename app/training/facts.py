"""Measures of training: a plan in force, sessions held, notice given in time (clauses 4.1.1, 4.1.3 and 4.2.1)."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from app.core.measures import Count, Period, Share, Unit, measure
from app.training.models import PlanStatus, SessionStatus, TrainingPlan, TrainingSession

NOTICE_DAYS = 3


def _held(period: Period) -> Select[Any]:
    return select(TrainingSession).where(
        TrainingSession.status == SessionStatus.HELD, TrainingSession.starts_at.between(*period.bounds)
    )


def _held_in(period: Period) -> dict[str, str]:
    return {
        "status": "HELD",
        "starts_at__ge": period.first.isoformat(),
        "starts_at__le": period.last.isoformat(),
    }


@measure(
    "plans_in_force",
    _l("Training plans in force for the year"),
    clause="4.1.1",
    unit=Unit.COUNT,
    view="TrainingPlanView",
    filters=lambda period: {"status": "APPROVED", "year": str(period.first.year)},
)
def plans_in_force(period: Period) -> Count:
    """Approved training plans of the period's year: one, or the clause does not hold."""
    return Count(
        of=select(TrainingPlan).where(
            TrainingPlan.year == period.first.year, TrainingPlan.status == PlanStatus.APPROVED
        )
    )


@measure(
    "sessions_held",
    _l("Training sessions held"),
    clause="4.1.3",
    unit=Unit.COUNT,
    view="TrainingSessionView",
    filters=_held_in,
)
def sessions_held(period: Period) -> Count:
    """Sessions that began in the period and were held."""
    return Count(of=_held(period))


@measure(
    "sessions_noticed",
    _l("Sessions notified at least 3 days ahead"),
    clause="4.2.1",
    unit=Unit.PERCENT,
    view="TrainingSessionView",
    filters=_held_in,
)
def sessions_noticed(period: Period) -> Share:
    """Sessions held in the period: those whose participants were told at least three days before, of all."""
    held = _held(period)
    return Share(of=held, holding=held.where(TrainingSession.notice_days >= NOTICE_DAYS))
