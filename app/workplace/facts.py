"""Measures of the workplace: how quickly equipment comes back, and what is out of order (clauses 8.2.2 and 8.3.1)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.core.db import db
from app.core.measures import Count, Mean, Period, Share, Unit, measure
from app.staff.operations import kept
from app.workplace.models import Equipment, EquipmentStatus, Repair, RepairStatus

UNFINISHED = [status for status in RepairStatus if status not in {RepairStatus.CLOSED, RepairStatus.SCRAPPED}]


def _returned_in(period: Period) -> dict[str, str]:
    return {"returned_at__ge": period.first.isoformat(), "returned_at__le": period.last.isoformat()}


@measure(
    "repairs_in_time",
    _l("Repairs returned inside target"),
    clause="8.2.2",
    unit=Unit.PERCENT,
    view="RepairView",
    filters=_returned_in,
)
def repairs_in_time(period: Period) -> Share:
    """Repairs returned to service in the period: those inside their promise, of all."""
    returned = select(Repair).where(Repair.returned_at.between(*period.bounds))
    return Share(of=returned, holding=returned.where(kept(Repair, "repair_return")))


@measure(
    "repair_hours", _l("Mean time to repair"), clause="8.2.2", unit=Unit.HOURS, view="RepairView", filters=_returned_in
)
def repair_hours(period: Period) -> Mean:
    """Hours from report to return to service, on the clock of the wall, over repairs returned in the period."""
    returned = select(Repair).where(Repair.returned_at.between(*period.bounds))
    if db.engine.dialect.name == "postgresql":
        hours = func.extract("epoch", Repair.returned_at - Repair.reported_at) / 3600
    else:
        hours = (func.julianday(Repair.returned_at) - func.julianday(Repair.reported_at)) * 24
    return Mean(of=returned, value=hours)


@measure(
    "open_repairs",
    _l("Faults open now"),
    clause="8.2.2",
    unit=Unit.COUNT,
    view="RepairView",
    filters=lambda _period: {"status": [status.name for status in UNFINISHED]},
    is_standing=True,
)
def open_repairs(_period: Period) -> Count:
    """Faults that are neither closed nor ended by scrapping, at this moment whatever the period."""
    return Count(of=select(Repair).where(Repair.status.in_(UNFINISHED)))


@measure(
    "equipment_out_of_order",
    _l("Equipment out of order now"),
    clause="8.3.1",
    unit=Unit.PIECES,
    view="EquipmentView",
    filters=lambda _period: {"status": "OUT_OF_ORDER"},
    is_standing=True,
)
def equipment_out_of_order(_period: Period) -> Count:
    """Equipment nobody can work with, at this moment whatever the period."""
    return Count(of=select(Equipment).where(Equipment.status == EquipmentStatus.OUT_OF_ORDER))
