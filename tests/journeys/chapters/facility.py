"""The chapter of facility staff, followed."""

from __future__ import annotations

from pathlib import Path

from conftest import member
from playwright.sync_api import expect
from sqlalchemy import select

from app.workplace.models import Equipment, EquipmentStatus, Repair, RepairStatus
from journeys.conftest import Browse, rows
from journeys.manual import Reader
from journeys.test_lists import repairs

from .rows import newest

LOGIN = "fan"


def follow(manual: Reader, browse: Browse, folder: Path) -> None:
    """Facility staff at work: register, labels, repairs, a part that is missing, what is scrapped (clause 8.2)."""
    register_equipment(manual)
    mend_equipment(manual)
    manual.task()
    manual.menu("Measures")
    manual.see("Repairs returned inside target")
    manual.see("Mean time to repair")
    manual.open("/repair/list/")
    manual.click("Chart")
    expect(manual.page.locator("[data-bars] tbody tr")).not_to_have_count(0)


def register_equipment(manual: Reader) -> None:
    """Register a piece of equipment, and print its label."""
    manual.task()
    manual.menu("Equipment")
    manual.see("Import")
    manual.see("Filter")
    manual.click("Add")
    manual.set("Asset tag", "PH-0301")
    manual.set("Name", "話機")
    manual.set("Kind")
    manual.set("Area")
    manual.set("Keeper", "周美")
    manual.set("Warranty until", "2031-03-03")
    manual.click("Save")
    manual.stands("In service")
    with rows():
        assert (newest(Equipment).tag, newest(Equipment).keeper) == ("PH-0301", member("mei"))
    manual.task()
    manual.page.goto("/equipment/list/")
    manual.click("QR labels")
    manual.see("Print")
    expect(manual.page.locator(".labels li")).to_have_count(1)


def mend_equipment(manual: Reader) -> None:
    """Mend one, let the other wait for a part and scrap it at last (clause 8.2.2)."""
    manual.task()
    page = manual.page
    first, second = repairs(2)
    manual.menu("Repairs")
    manual.click("Reported")
    page.get_by_role("link", name=first, exact=True).click()
    manual.click("Accept")
    manual.stands("In repair")
    manual.click("Report as fixed")
    manual.set("Remedy", "更換聽筒")
    manual.set("Cost", "350")
    manual.send()
    manual.stands("Fixed")
    with rows() as session:
        found = session.scalars(select(Repair).where(Repair.number == first)).one()
        assert (found.owner, found.cost) == (member("fan"), 350)
        mended = found.equipment_id
        other = session.scalars(select(Repair).where(Repair.number == second)).one()
        other.status, other.owner = RepairStatus.IN_REPAIR, member("fan")
        key, item = other.id, other.equipment_id
    manual.open(f"/equipment/show/{mended}")
    manual.see("In service")
    manual.task()
    manual.open(f"/repair/show/{key}")
    manual.click("Put on hold for a part")
    manual.set("Part", "聽筒")
    manual.set("Expected on", "2031-03-03")
    manual.send()
    manual.stands("Waiting for a part")
    manual.click("Continue, the part is here")
    manual.stands("In repair")
    manual.task()
    manual.click("Scrap")
    manual.set("Reason", "主機板燒毀")
    manual.send()
    manual.stands("Scrapped")
    page.goto(f"/equipment/show/{item}")
    manual.see("Scrapped")
    manual.click("Repairs", "main")
    with rows() as session:
        assert session.get_one(Equipment, item).status is EquipmentStatus.SCRAPPED
