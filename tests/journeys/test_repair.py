"""Facility staff log and close a repair (clause 8.2.2): reported from a phone by its label, mended, confirmed."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
import segno
from conftest import member
from flask import Flask
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import select
from test_repairs import equipment

from app.core.files import Attachment
from app.staff.models import Task, TaskStatus
from app.workplace.models import EquipmentStatus, Repair, RepairStatus

from .browser import PHONE
from .conftest import Browse, Say, rows

pytestmark = pytest.mark.browser
QUIET_ZONE = 2


def test_a_fault_reported_from_a_phone_is_mended_and_confirmed(
    app: Flask, browse: Browse, say: Say, tmp_path: Path
) -> None:
    item = equipment("PH-0231").id
    photo = tmp_path / "話機 照片.jpg"
    Image.new("RGB", (1200, 900), "navy").save(photo)

    mei = browse("mei", size=PHONE)
    key = report(mei, item, photo, say)
    with rows() as session:
        repair = session.get_one(Repair, key)
        number = repair.number
        assert (repair.status, repair.reporter, repair.equipment_id) == (RepairStatus.REPORTED, member("mei"), item)
        assert repair.equipment.status is EquipmentStatus.OUT_OF_ORDER
        assert session.scalars(select(Attachment.name)).one() == photo.name

    fan = browse("fan")
    task = fan.locator("main tr", has_text=number)
    expect(task).to_contain_text(say("%(span)s left", span="").strip())
    task.get_by_role("link").click()
    wait_for_a_part(fan, say)
    with rows() as session:
        due = session.scalars(select(Task).where(Task.promise == "repair_return")).one()
        assert (due.status, due.owner) == (TaskStatus.PAUSED, member("fan"))
    mend(fan, say)

    mei.reload()
    mei.get_by_role("button", name=say("Confirm the repair"), exact=True).tap()
    expect(mei.locator(".path [aria-current]")).to_have_text(say("Closed"))
    expect(mei.locator(".history")).to_contain_text("更換聽筒")
    with rows() as session:
        repair = session.get_one(Repair, key)
        assert (repair.status, str(repair.cost)) == (RepairStatus.CLOSED, "350.50")
        assert repair.equipment.status is EquipmentStatus.IN_SERVICE
        assert {task.status for task in session.scalars(select(Task))} == {TaskStatus.KEPT}

    fan.goto(f"/equipment/show/{item}")
    fan.locator("tr", has_text=number).get_by_text(say("Closed")).click()
    fan.wait_for_url(f"**/repair/show/{key}")


def report(mei: Page, item: int, photo: Path, say: Say) -> int:
    """Report a fault by the label's address, with one thumb; return the repair's key."""
    mei.goto(f"/repair/add?equipment={item}")
    expect(mei.locator(".ts-control")).to_contain_text("PH-0231 話機")
    mei.locator("#fault_kind .pills span").first.tap()
    mei.locator(".pills span", has_text=say("Cannot work")).tap()
    mei.locator("#fault").fill("按鍵沒有反應")
    mei.set_input_files("#attachments", photo)
    mei.locator(".form-end .btn-primary").tap()
    mei.wait_for_url("**/repair/show/*")
    expect(mei.locator(".note-success")).to_be_visible()
    expect(mei.locator("main")).to_contain_text("按鍵沒有反應")
    expect(mei.locator(".files a[download]")).to_have_text(photo.name)
    picture = mei.locator(".files img")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") > 0
    return int(mei.url.rpartition("/")[2])


def wait_for_a_part(fan: Page, say: Say) -> None:
    """Accept the repair whose page is open, and say what it waits for until when."""
    fan.get_by_role("button", name=say("Accept"), exact=True).click()
    expect(fan.locator(".path [aria-current]")).to_have_text(say("In repair"))
    fan.get_by_role("link", name=say("Put on hold for a part"), exact=True).click()
    fan.fill("#part", "聽筒")
    fan.fill("#expected_on", "2026-12-01")
    fan.locator(".form-end .btn-primary").click()
    fan.wait_for_url("**/repair/show/*")
    expect(fan.locator(".record")).to_contain_text("2026-12-01")


def mend(fan: Page, say: Say) -> None:
    """Go on when the part is here, and say what was done and what it cost."""
    fan.get_by_role("button", name=say("Continue, the part is here"), exact=True).click()
    fan.get_by_role("link", name=say("Report as fixed"), exact=True).click()
    fan.fill("#remedy", "更換聽筒")
    fan.fill("#cost", "350.5")
    fan.locator(".form-end .btn-primary").click()
    expect(fan.locator(".path [aria-current]")).to_have_text(say("Fixed"))
    expect(fan.locator(".record")).to_contain_text("350.5")


def test_a_label_on_the_sheet_leads_a_phone_to_the_report_of_its_piece(app: Flask, browse: Browse) -> None:
    """What stands on the screen is read module by module, as a camera would."""
    item = equipment("PH-0007").id
    fan = browse("fan")
    fan.goto("/equipment/list/")
    fan.locator("main a[href*=labels]").click()
    fan.wait_for_url("**/equipment/labels*")
    label = fan.locator(".labels li", has_text="PH-0007")
    address = fan.url.partition("/equipment/")[0] + f"/repair/add?equipment={item}"
    assert modules(label.locator("svg").screenshot()) == [
        list(map(bool, row)) for row in segno.make(address, error="m").matrix_iter(border=QUIET_ZONE)
    ]
    mei = browse("mei", size=PHONE)
    mei.goto(address)
    expect(mei.locator(".ts-control")).to_contain_text("PH-0007 話機")


def modules(picture: bytes) -> list[list[bool]]:
    """Return which modules of a pictured QR code are dark; its timing line tells how many there are."""
    image = Image.open(BytesIO(picture)).convert("1", dither=Image.Dither.NONE)
    for version in range(1, 41):
        size = 17 + 4 * version + 2 * QUIET_ZONE
        centres = [int((number + 0.5) * image.width / size) for number in range(size)]
        read = [[image.getpixel((x, y)) == 0 for x in centres] for y in centres]
        timing = read[QUIET_ZONE + 6][QUIET_ZONE + 7 : size - QUIET_ZONE - 7]
        if timing == [number % 2 == 1 for number in range(len(timing))] and read[QUIET_ZONE][QUIET_ZONE]:
            return read
    return []
