"""What reporting and repairing a fault changes beyond the repair itself (clause 8.2.2)."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l

from app.core import actor, clock
from app.core.errors import RuleError
from app.core.workflow import begin
from app.staff.operations import person_of
from app.workplace.models import EquipmentStatus, Impact, Repair

SCRAPPED = _l("This equipment was scrapped; it cannot be repaired.")


def report(repair: Repair) -> None:
    """Fill in who reports a fault and when; raises RuleError for equipment that was scrapped."""
    if repair.equipment.status is EquipmentStatus.SCRAPPED:
        raise RuleError(SCRAPPED, field="equipment")
    repair.reporter = repair.reporter or person_of(actor.user_id())
    repair.reported_at = repair.reported_at or clock.now()


def take_out_of_service(repair: Repair) -> None:
    """Open the promise to respond; equipment nobody can work with is out of order from here on."""
    if repair.impact is Impact.STOPS_WORK:
        repair.equipment.status = EquipmentStatus.OUT_OF_ORDER
    begin(repair, ["repair_response"], repair.reported_at)


def accept(repair: Repair, now: datetime) -> None:
    """Make whoever accepts the repair its owner."""
    del now
    repair.owner = person_of(actor.user_id())


def return_to_service(repair: Repair, now: datetime) -> None:
    """Put the equipment back into service; the downtime ends now."""
    repair.returned_at = now
    repair.equipment.status = EquipmentStatus.IN_SERVICE


def reopen(repair: Repair, now: datetime) -> None:
    """Take the equipment out again: the fault is still there."""
    del now
    repair.returned_at = None
    if repair.impact is Impact.STOPS_WORK:
        repair.equipment.status = EquipmentStatus.OUT_OF_ORDER


def scrap(repair: Repair, now: datetime) -> None:
    """Take the equipment out of the register's working stock."""
    del now
    repair.equipment.status = EquipmentStatus.SCRAPPED
