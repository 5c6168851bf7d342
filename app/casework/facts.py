"""Measures of casework: what was logged, answered and settled, and how quickly (chapters 1 to 3)."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.casework.models import Complaint, Consultation
from app.core.measures import Count, Mean, Period, Share, Unit, measure, seconds_between
from app.staff.operations import kept

REPLY_PERIOD = timedelta(days=30)
"""Within which the law wants a complaint settled and answered (金融消費者保護法 article 13)."""


def _opened_in(period: Period) -> dict[str, str]:
    return {"opened_at__ge": period.first.isoformat(), "opened_at__le": period.last.isoformat()}


def _answered_in(period: Period) -> dict[str, str]:
    return {"answered_at__ge": period.first.isoformat(), "answered_at__le": period.last.isoformat()}


def _closed_in(period: Period) -> dict[str, str]:
    return {"closed_at__ge": period.first.isoformat(), "closed_at__le": period.last.isoformat()}


@measure("consultations_logged", _l("Consultations logged"), clause="2.1.1", unit=Unit.COUNT,
         view="ConsultationView", filters=_opened_in)  # fmt: skip
def consultations_logged(period: Period) -> Count:
    """Consultations entered in the period."""
    return Count(of=select(Consultation).where(Consultation.opened_at.between(*period.bounds)))


@measure("consultations_with_topic", _l("Consultations with a topic"), clause="2.1.1", unit=Unit.PERCENT,
         view="ConsultationView", filters=_opened_in)  # fmt: skip
def consultations_with_topic(period: Period) -> Share:
    """Consultations entered in the period: those with a topic, of all."""
    logged = select(Consultation).where(Consultation.opened_at.between(*period.bounds))
    return Share(of=logged, holding=logged.where(Consultation.topic_id.is_not(None)))


@measure("closing_checks", _l("Consultations closed with the closing check"), clause="3.1.4", unit=Unit.PERCENT,
         view="ConsultationView", filters=_closed_in)  # fmt: skip
def closing_checks(period: Period) -> Share:
    """Consultations closed in the period: those where more questions were asked for and the customer was thanked."""
    closed = select(Consultation).where(Consultation.closed_at.between(*period.bounds))
    return Share(of=closed, holding=closed.where(Consultation.has_asked_further, Consultation.is_thanked))


@measure("first_responses_in_time", _l("Consultations answered inside target"), clause="1.3.3", unit=Unit.PERCENT,
         view="ConsultationView", filters=_answered_in)  # fmt: skip
def first_responses_in_time(period: Period) -> Share:
    """Consultations answered in the period: those inside their promise, of all."""
    answered = select(Consultation).where(Consultation.answered_at.between(*period.bounds))
    return Share(of=answered, holding=answered.where(kept(Consultation, "first_response")))


@measure("complaints_logged", _l("Complaints logged"), clause="3.2.3", unit=Unit.COUNT, view="ComplaintView",
         filters=_opened_in)  # fmt: skip
def complaints_logged(period: Period) -> Count:
    """Complaints entered in the period."""
    return Count(of=select(Complaint).where(Complaint.opened_at.between(*period.bounds)))


@measure("complaints_with_facts", _l("Complaints with all facts and the apology"), clause="3.2.2", unit=Unit.PERCENT,
         view="ComplaintView", filters=_opened_in)  # fmt: skip
def complaints_with_facts(period: Period) -> Share:
    """Complaints entered in the period: those with problem, time, product and apology, of all."""
    logged = select(Complaint).where(Complaint.opened_at.between(*period.bounds))
    whole = logged.where(
        Complaint.story.is_not(None),
        Complaint.event_on.is_not(None),
        Complaint.product_line_id.is_not(None),
        Complaint.is_apologised,
    )
    return Share(of=logged, holding=whole)


@measure("complaints_closed_in_30_days", _l("Complaints closed within 30 days"), clause="3.2.4", unit=Unit.PERCENT,
         view="ComplaintView", filters=_closed_in)  # fmt: skip
def complaints_closed_in_30_days(period: Period) -> Share:
    """Complaints closed in the period: those closed within thirty days of the contact, of all."""
    closed = select(Complaint).where(Complaint.closed_at.between(*period.bounds))
    quick = seconds_between(Complaint.contact_at, Complaint.closed_at) <= REPLY_PERIOD.total_seconds()
    return Share(of=closed, holding=closed.where(quick))


@measure("complaint_hours", _l("Mean time to close a complaint"), clause="3.2.4", unit=Unit.HOURS, view="ComplaintView",
         filters=_closed_in)  # fmt: skip
def complaint_hours(period: Period) -> Mean:
    """Hours from contact to close, on the clock of the wall, over complaints closed in the period."""
    closed = select(Complaint).where(Complaint.closed_at.between(*period.bounds))
    return Mean(of=closed, value=seconds_between(Complaint.contact_at, Complaint.closed_at) / 3600)
