"""Chapter 8: areas, equipment and repairs (環境與設施)."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model
from app.core.entity import Catalog, Numbered, Recorded
from app.core.types import Choice, Day, Line, Moment, Money, Name, Prose, choice_column
from app.staff.models import StaffMember


class Area(Catalog, Model):
    """One part of the workplace that is kept and inspected as a whole (區域)."""

    __tablename__ = "area"

    floor: Mapped[str | None] = mapped_column(String(20))


class Supplier(Catalog, Model):
    """A company that sells or repairs equipment (供應商)."""

    __tablename__ = "supplier"

    phone: Mapped[str | None] = mapped_column(String(40))


class EquipmentKind(Catalog, Model):
    """A kind of equipment with its care guide (設備類別, clauses 8.2.1 and 8.2.3)."""

    __tablename__ = "equipment_kind"

    care_guide: Mapped[Prose | None]


class FaultKind(Catalog, Model):
    """What people say is wrong: no dial tone, noise, no power (故障情形)."""

    __tablename__ = "fault_kind"


class EquipmentStatus(Choice):
    """Whether a piece of equipment can be worked with."""

    IN_SERVICE = _l("In service"), "done"
    OUT_OF_ORDER = _l("Out of order"), "late"
    SCRAPPED = _l("Scrapped"), "calm"


class Equipment(Recorded, Model):
    """One piece of equipment with its tag (設備, clause 8.3.1)."""

    __tablename__ = "equipment"
    __table_args__ = (CheckConstraint("cost IS NULL OR cost >= 0", name="cost_not_negative"),)

    tag: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[Name]
    kind_id: Mapped[int] = mapped_column(ForeignKey("equipment_kind.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[EquipmentKind] = relationship()
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="RESTRICT"), index=True)
    area: Mapped[Area] = relationship()
    seat: Mapped[str | None] = mapped_column(String(40))
    keeper_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    keeper: Mapped[StaffMember | None] = relationship()
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id", ondelete="RESTRICT"), index=True)
    supplier: Mapped[Supplier | None] = relationship()
    model_name: Mapped[Name | None]
    serial_number: Mapped[str | None] = mapped_column(String(80))
    bought_on: Mapped[Day | None]
    warranty_until: Mapped[Day | None]
    cost: Mapped[Money | None]
    status: Mapped[EquipmentStatus] = choice_column(EquipmentStatus, default=EquipmentStatus.IN_SERVICE)

    def __str__(self) -> str:
        return f"{self.tag} {self.name}"


class Impact(Choice):
    """What a fault means for the person at that seat."""

    STOPS_WORK = _l("Cannot work"), "late"
    HINDERS = _l("Can work around it"), "soon"
    NONE = _l("No effect on work"), "calm"


class RepairStatus(Choice):
    """Where a repair stands."""

    REPORTED = _l("Reported"), "soon"
    IN_REPAIR = _l("In repair"), "progress"
    WAITING = _l("Waiting for a part"), "calm"
    FIXED = _l("Fixed"), "done"
    CLOSED = _l("Closed"), "calm"
    SCRAPPED = _l("Scrapped"), "calm"


class Repair(Numbered, Recorded, Model):
    """One fault of one piece of equipment, from report to return to service (設備維修記錄, clause 8.2.2)."""

    __tablename__ = "repair"
    __table_args__ = (
        CheckConstraint("status NOT IN ('FIXED', 'CLOSED') OR returned_at IS NOT NULL", name="fixed_has_return"),
        CheckConstraint("returned_at IS NULL OR returned_at >= reported_at", name="returned_after_report"),
        CheckConstraint("cost IS NULL OR cost >= 0", name="cost_not_negative"),
    )
    number_prefix: ClassVar[str] = "RP"
    queue_role: ClassVar[str] = "facility"
    owed_by: ClassVar[dict[str, str]] = {"repair_confirmation": "reporter"}

    equipment_id: Mapped[int] = mapped_column(ForeignKey("equipment.id", ondelete="RESTRICT"), index=True)
    equipment: Mapped[Equipment] = relationship()
    fault_kind_id: Mapped[int] = mapped_column(ForeignKey("fault_kind.id", ondelete="RESTRICT"), index=True)
    fault_kind: Mapped[FaultKind] = relationship()
    fault: Mapped[Prose | None]
    impact: Mapped[Impact] = choice_column(Impact)
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    reporter: Mapped[StaffMember | None] = relationship(foreign_keys=reporter_id)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    owner: Mapped[StaffMember | None] = relationship(foreign_keys=owner_id)
    status: Mapped[RepairStatus] = choice_column(RepairStatus, default=RepairStatus.REPORTED, index=True)
    reported_at: Mapped[Moment] = mapped_column(index=True)
    part: Mapped[Line | None]
    expected_on: Mapped[Day | None]
    remedy: Mapped[Prose | None]
    cost: Mapped[Money | None]
    returned_at: Mapped[Moment | None]
    reason: Mapped[Line | None]

    @property
    def downtime(self) -> timedelta | None:
        """How long the equipment was out of service; None while it still is, or if it never was."""
        return self.returned_at - self.reported_at if self.returned_at is not None else None

    def __str__(self) -> str:
        return f"{self.number} {self.equipment}"
