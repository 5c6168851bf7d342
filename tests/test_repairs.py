"""A repair from report to return to service (clause 8.2.2): rows, tasks, rights, history, and what people see."""

from __future__ import annotations

import io
from datetime import timedelta

from conftest import Person, SignIn, member
from flask import Flask
from PIL import Image
from samples import sample
from sqlalchemy import select

from app.core import clock
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

    assert fan.submit(f"/repair/step/{repair.id}/wait", part="聽筒", expected_on=str(clock.today())).status_code == 200
    assert by_promise["repair_return"].status is TaskStatus.PAUSED
    fan.send(f"/repair/step/{repair.id}/resume")
    fan.submit(f"/repair/step/{repair.id}/fix", remedy="更換聽筒", cost="350")
    assert (repair.status, repair.returned_at is not None) == (RepairStatus.FIXED, True)
    assert item.status is EquipmentStatus.IN_SERVICE
    assert by_promise["repair_return"].status is TaskStatus.KEPT

    assert fan.page(f"/repair/show/{repair.id}").select_one("ol.history") is not None
    # Whether it works again is the reporter's to say, within a time of its own.
    owed = db.session.scalars(select(Task).where(Task.promise == "repair_confirmation")).one()
    assert (owed.owner, owed.status, owed.clause.number) == (member("mei"), TaskStatus.OPEN, "8.2.2")
    assert f"{repair.number} PH-0231 話機" in mei.page("/").main.text
    assert mei.send(f"/repair/step/{repair.id}/confirm").status_code == 302
    assert repair.status is RepairStatus.CLOSED
    assert owed.status is TaskStatus.KEPT
    history = mei.page(f"/repair/show/{repair.id}").select_one("ol.history").text
    assert "更換聽筒" in history
    assert "許帆" in history


def taken(person: Person, repair: Repair, *steps: str) -> None:
    """Take steps that ask for nothing, or for what everyone fills in."""
    asked = {"fix": {"remedy": "更換聽筒"}, "reject": {"reason": "還是沒有聲音"}}
    for name in steps:
        url = f"/repair/step/{repair.id}/{name}"
        answer = person.submit(url, **asked[name]) if name in asked else person.send(url)
        assert answer.status_code in {200, 302}, answer.text


def test_a_repair_sent_back_is_owed_by_the_mechanic_again(app: Flask, sign_in: SignIn) -> None:
    mei, fan = sign_in("mei"), sign_in("fan")
    repair = report(mei, equipment())
    taken(fan, repair, "accept", "fix")
    taken(mei, repair, "reject")
    running = db.session.scalars(select(Task).where(Task.status == TaskStatus.OPEN)).one()
    assert (running.promise, running.owner) == ("repair_return", member("fan"))
    taken(fan, repair, "fix")
    running = db.session.scalars(select(Task).where(Task.status == TaskStatus.OPEN)).one()
    assert (running.promise, running.owner) == ("repair_confirmation", member("mei"))


def test_scrapped_equipment_is_not_offered_and_its_label_says_so(app: Flask, sign_in: SignIn) -> None:
    usable, scrapped = equipment("PH-1"), equipment("PH-2")
    mei, fan = sign_in("mei"), sign_in("fan")
    old = report(mei, scrapped)
    scrapped.status = EquipmentStatus.SCRAPPED
    db.session.commit()
    assert [row["value"] for row in mei.get("/equipment/lookup?q=PH-").json["rows"]] == [str(usable.id)]
    page = mei.page(f"/repair/add?equipment={scrapped.id}")
    assert "已報廢" in page.select_one("#equipment-error").text
    assert mei.page(f"/repair/add?equipment={usable.id}").select_one(".wrong") is None
    assert mei.submit(f"/repair/add?equipment={scrapped.id}", fault_kind=str(first(FaultKind).id)).status_code == 422
    assert not fan.page(f"/equipment/show/{scrapped.id}").select("a[href^='/repair/add']")
    assert fan.page(f"/equipment/show/{usable.id}").select("a[href^='/repair/add']")
    # What was reported before is still found by it.
    listed = fan.page(f"/repair/list/?equipment={scrapped.id}")
    assert "PH-2" in listed.select_one(".chips").text
    assert old.number in listed.select_one("tbody").text


def test_the_report_on_a_phone_is_called_so_and_shows_what_can_be_wrong(app: Flask, sign_in: SignIn) -> None:
    item = equipment()
    mei, fan = sign_in("mei"), sign_in("fan")
    page = mei.page(f"/repair/add?equipment={item.id}")
    assert page.h1.text == "報修"
    assert page.select_one("form[data-guard] .btn-primary").text == "送出報修"
    kinds = db.session.scalars(select(FaultKind)).all()
    assert [pill["value"] for pill in page.select("input[type=radio][name=fault_kind]")] == [str(k.id) for k in kinds]
    repair = report(mei, item)
    edit = fan.page(f"/repair/edit/{repair.id}")
    assert edit.select_one("form[data-guard] .btn-primary").text == "儲存"
    # A list that has grown long is a list to open.
    for number in range(9 - len(kinds)):
        db.session.add(FaultKind(code=f"X{number}", name_zh_hant="甲", name_zh_hans="甲", name_en="x", position=99))
    db.session.commit()
    page = mei.page(f"/repair/add?equipment={item.id}")
    assert page.select_one("select[name=fault_kind]") is not None


def test_what_cannot_be_is_told_at_its_field(app: Flask, sign_in: SignIn) -> None:
    """A part that came yesterday, a repair that brings money in, a warranty over before the purchase."""
    mei, fan = sign_in("mei"), sign_in("fan")
    repair = report(mei, equipment())
    taken(fan, repair, "accept")

    def wrong(url: str, **fields: str) -> list[str]:
        answer = fan.submit(url, **fields)
        assert answer.status_code == 422
        return [line["id"] for line in fan.read(answer.text, url).select(".wrong")]

    yesterday, today = (str(clock.today() - timedelta(days=days)) for days in (1, 0))
    step = f"/repair/step/{repair.id}"
    assert wrong(f"{step}/wait", part="聽筒", expected_on=yesterday) == ["expected_on-error"]
    assert wrong(f"{step}/fix", remedy="更換聽筒", cost="-1") == ["cost-error"]
    register = {"tag": "PH-9", "name": "話機", "kind": str(first(EquipmentKind).id), "area": str(first(Area).id)}
    assert wrong("/equipment/add", **register, cost="-0.5") == ["cost-error"]
    assert wrong("/equipment/add", **register, bought_on=today, warranty_until=yesterday) == ["warranty_until-error"]
    assert wrong("/equipment/add", **register, bought_on="2999-01-01") == ["bought_on-error"]
    assert fan.submit("/equipment/add", **register, bought_on=today, warranty_until=today, cost="0").status_code == 200


def test_faults_open_now_are_all_that_are_not_ended_and_its_link_shows_them(app: Flask, sign_in: SignIn) -> None:
    person, wanted = member("mei"), set()
    for status in RepairStatus:
        made = sample(Repair, person)
        made.status, made.returned_at = status, made.reported_at
        if status not in {RepairStatus.CLOSED, RepairStatus.SCRAPPED}:
            wanted.add(made.number)
    broken = equipment()
    broken.status = EquipmentStatus.OUT_OF_ORDER
    db.session.commit()
    su = sign_in("su")
    page = su.page("/measures/list/")
    link = page.select_one("a[href^='/repair/list/?status=']")
    assert f"{len(wanted)} 筆" in link.find_parent("tr").text
    assert "1 台" in page.select_one("a[href^='/equipment/list/?status=']").find_parent("tr").text
    listed = su.page(link["href"])
    assert {row.select_one("td a").text for row in listed.select("tbody tr")} == wanted
    # The filter is sent again as it stands, not narrowed to the last of its values.
    kept = [box["value"] for box in listed.select("input[name=status][type=checkbox][checked]")]
    assert len(kept) == len(wanted)
