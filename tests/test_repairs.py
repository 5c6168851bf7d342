"""A repair from report to return to service (clause 8.2.2): rows, tasks, rights, history, and what people see."""

from __future__ import annotations

import io

from conftest import Person, SignIn, member
from flask import Flask
from PIL import Image
from sqlalchemy import select

from app.core.db import db
from app.core.files import Attachment
from app.staff.models import Task, TaskStatus
from app.workplace.models import Area, Equipment, EquipmentKind, EquipmentStatus, FaultKind, Repair, RepairStatus


def first(model: type) -> object:
    return db.session.scalars(select(model).order_by(model.id)).first()


def equipment(tag: str = "PH-0231", keeper: str | None = "mei") -> Equipment:
    made = Equipment(tag=tag, name="話機", kind=first(EquipmentKind), area=first(Area))
    if keeper:
        made.keeper = member(keeper)
    db.session.add(made)
    db.session.commit()
    return made


def photo() -> tuple[io.BytesIO, str]:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "JPEG")
    picture.seek(0)
    return picture, "話機 照片.jpg"


def report(person: Person, item: Equipment, **more: object) -> Repair:
    kind = first(FaultKind)
    answer = person.submit(
        f"/repair/add?equipment={item.id}",
        fault_kind=str(kind.id),
        impact="STOPS_WORK",
        fault="按鍵沒有反應",
        **more,  # type: ignore[attr-defined]
    )
    assert answer.status_code == 200, answer.text
    return db.session.scalars(select(Repair).order_by(Repair.id.desc())).first()


def test_a_repair_goes_from_report_to_confirmation(app: Flask, sign_in: SignIn) -> None:
    item = equipment()
    mei, fan = sign_in("mei"), sign_in("fan")
    repair = report(mei, item, attachments=photo())
    assert (repair.status, repair.reporter, repair.equipment_id) == (RepairStatus.REPORTED, member("mei"), item.id)
    assert repair.number.startswith("RP-")
    assert db.session.scalars(select(Attachment)).one().name == "話機 照片.jpg"
    assert item.status is EquipmentStatus.OUT_OF_ORDER
    task = db.session.scalars(select(Task)).one()
    assert (task.promise, task.status, task.role, task.clause.number) == (
        "repair_response",
        TaskStatus.OPEN,
        "facility",
        "8.2.2",
    )
    assert repair.number in fan.page("/").main.text

    assert fan.send(f"/repair/step/{repair.id}/accept").status_code == 302
    assert (repair.status, repair.owner) == (RepairStatus.IN_REPAIR, member("fan"))
    by_promise = {row.promise: row for row in db.session.scalars(select(Task))}
    assert by_promise["repair_response"].status is TaskStatus.KEPT
    assert by_promise["repair_return"].owner == member("fan")

    assert fan.submit(f"/repair/step/{repair.id}/wait", part="聽筒", expected_on="2026-12-01").status_code == 200
    assert by_promise["repair_return"].status is TaskStatus.PAUSED
    fan.send(f"/repair/step/{repair.id}/resume")
    fan.submit(f"/repair/step/{repair.id}/fix", remedy="更換聽筒", cost="350")
    assert (repair.status, repair.returned_at is not None) == (RepairStatus.FIXED, True)
    assert item.status is EquipmentStatus.IN_SERVICE
    assert by_promise["repair_return"].status is TaskStatus.KEPT

    assert fan.page(f"/repair/show/{repair.id}").select_one("ol.history") is not None
    assert mei.send(f"/repair/step/{repair.id}/confirm").status_code == 302
    assert repair.status is RepairStatus.CLOSED
    history = mei.page(f"/repair/show/{repair.id}").select_one("ol.history").text
    assert "更換聽筒" in history
    assert "許帆" in history
