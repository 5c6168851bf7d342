"""Exports: what the list shows, with its filters and this person's rights, in constant memory, and on record."""

from __future__ import annotations

import csv
import io
import logging
import tracemalloc
from contextvars import copy_context
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from conftest import DATABASE, SignIn, member
from flask import Flask
from flask.globals import _cv_app
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import func, insert, select, text
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from app.core import clock, exporting
from app.core.audit import AuditEntry, Change
from app.core.db import db
from app.core.listing import Listing
from app.core.roles import guarded_views
from app.core.standin import standing_in
from app.core.tabular_write import csv_lines, xlsx_file
from app.staff.models import StaffMember
from app.workplace.models import Area, Equipment, EquipmentKind, FaultKind, Impact, Repair, RepairStatus


def first(model: type[Any]) -> Any:
    return db.session.scalars(select(model).order_by(model.id)).first()


def equipment(tag: str, **more: Any) -> Equipment:
    row = Equipment(**{"tag": tag, "name": "話機", "kind": first(EquipmentKind), "area": first(Area), **more})
    db.session.add(row)
    db.session.commit()
    return row


def table_of(answer: TestResponse) -> list[list[Any]]:
    """Return an exported table, the headings first."""
    assert answer.status_code == 200, answer.text
    if answer.mimetype == "text/csv":
        return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    return [list(row) for row in load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)]


def column(table: list[list[Any]], place: int = 0) -> list[Any]:
    return [row[place] for row in table[1:]]


def exports_on_record() -> list[AuditEntry]:
    """Return what the trail holds about exports, in the order it was written."""
    query = select(AuditEntry).where(AuditEntry.step.like("export%"))
    return [*db.session.scalars(query.order_by(AuditEntry.id))]


def test_an_export_is_what_the_list_shows(app: Flask, sign_in: SignIn) -> None:
    equipment("B-2", seat="7")
    equipment("A-1", keeper=member("mei"))
    for kind in ("csv", "xlsx"):
        table = table_of(sign_in("fan", "en").get(f"/equipment/export/{kind}"))
        assert table[0] == ["Asset tag", "Name", "Kind", "Area", "Seat", "Keeper", "Status"]
        assert [cell or "" for cell in table[1]] == [
            "A-1", "話機", "Phone", "3F service area row A", "", "周美", "In service"
        ]  # fmt: skip
        assert column(table) == ["A-1", "B-2"], "in the list's order"
        assert column(table_of(sign_in("fan").get(f"/equipment/export/{kind}?order=tag&dir=desc"))) == ["B-2", "A-1"]
    hant = table_of(sign_in("fan").get("/equipment/export/csv"))
    hans = table_of(sign_in("fan", "zh_Hans_CN").get("/equipment/export/csv"))
    assert (hant[1][2], hans[1][2]) == ("話機", "话机")


def test_the_filters_and_the_search_of_the_list_hold(app: Flask, sign_in: SignIn) -> None:
    mei = member("mei")
    equipment("A-1", keeper=mei)
    equipment("A-2")
    equipment("B-1", keeper=mei)
    fan = sign_in("fan")
    assert column(table_of(fan.get(f"/equipment/export/csv?keeper={mei.id}"))) == ["A-1", "B-1"]
    assert column(table_of(fan.get(f"/equipment/export/xlsx?keeper={mei.id}&q=A-"))) == ["A-1"]
    assert column(table_of(fan.get("/equipment/export/csv?q=%25"))) == []
    assert column(table_of(fan.get("/equipment/export/csv?page=2&size=25"))) == ["A-1", "A-2", "B-1"], "every page"
    links = [str(link["href"]) for link in fan.page(f"/equipment/list/?keeper={mei.id}").select("a[download]")]
    assert links == [f"/equipment/export/{kind}?keeper={mei.id}" for kind in ("xlsx", "csv")]


def test_only_this_persons_rows_leave(app: Flask, sign_in: SignIn) -> None:
    """A team leader takes the team along, whatever the address asks for; who may not export takes nothing."""
    everyone = table_of(sign_in("su").get("/staff-member/export/csv"))
    team = table_of(sign_in("liang").get("/staff-member/export/csv"))
    assert {"周美", "孫凱"} <= {cell for row in everyone for cell in row}
    told = {cell for row in team for cell in row}
    assert "周美" in told
    assert "孫凱" not in told
    wide = sign_in("liang").get(f"/staff-member/export/csv?team={member('kai').team_id}&q=孫凱")
    assert len(table_of(wide)) == 1
    for login in ("mei", "fan", "du"):
        for kind in ("csv", "xlsx"):
            assert sign_in(login).get(f"/staff-member/export/{kind}").status_code == 403, login
    assert app.test_client().get("/staff-member/export/csv").status_code == 302
    assert sign_in("su").get("/staff-member/export/pdf").status_code == 404
    assert sign_in("su").post("/staff-member/export/csv").status_code in {400, 405}


def test_texts_that_look_like_formulas_stay_texts(app: Flask, sign_in: SignIn) -> None:
    hostile = ["=1+1", "@SUM(A1)", "+886 912", "-5", "=cmd|' /C calc'!A0", "\t=1", "<script>"]
    for number, cell in enumerate(hostile):
        equipment(f"T-{number}", seat=cell.strip(), name=cell)
    plain = table_of(sign_in("fan").get("/equipment/export/csv"))
    for row, cell in zip(plain[1:], hostile, strict=True):
        assert row[1] == (cell if cell == "<script>" else f"'{cell}")
    book = load_workbook(io.BytesIO(sign_in("fan").get("/equipment/export/xlsx").data))
    for (cell,), text_ in zip(book.active.iter_rows(min_row=2, min_col=2, max_col=2), hostile, strict=True):
        assert (cell.data_type, cell.value, cell.hyperlink) == ("s", text_, None)


def test_dates_and_numbers_are_real_ones(app: Flask, sign_in: SignIn) -> None:
    reported = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    db.session.add(
        Repair(
            number="RP-2026-00001", equipment=equipment("A-1"), fault_kind=first(FaultKind), impact=Impact.NONE,
            status=RepairStatus.REPORTED, reported_at=reported,
        )
    )  # fmt: skip
    db.session.commit()
    fan = sign_in("fan")
    book = load_workbook(io.BytesIO(fan.get("/repair/export/xlsx").data))
    in_the_office = datetime(2026, 3, 2, 7, 30)  # noqa: DTZ001 - a cell has no zone
    assert [cell.value for cell in book.active[2]][-1] == in_the_office
    assert table_of(fan.get("/repair/export/csv"))[1][-1] == "2026-03-02 07:30:00"
    staff = load_workbook(io.BytesIO(sign_in("su").get("/staff-member/export/xlsx").data))
    assert staff.active[2][-1].value == datetime(2020, 1, 2)  # noqa: DTZ001 - what openpyxl makes of a day
    assert staff.active[2][-1].number_format == "yyyy-mm-dd"
    assert exporting.cell(Decimal("1200.50")) == Decimal("1200.50")
    assert exporting.cell(date(2026, 1, 2)) == date(2026, 1, 2)
    assert exporting.cell(None) == ""


def test_the_files_name_is_chinese_and_begins_with_a_bom(app: Flask, sign_in: SignIn) -> None:
    title = str(guarded_views()["EquipmentView"].title)
    for kind in ("csv", "xlsx"):
        answer = sign_in("fan").get(f"/equipment/export/{kind}")
        told = answer.headers["Content-Disposition"]
        assert told.startswith("attachment")
        assert told.isascii()
        assert f".{kind}" in unquote(told)
        assert clock.today().isoformat() in unquote(told)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert sign_in("fan").get("/equipment/export/csv").data.startswith("\ufeff".encode())
    assert title


def test_personal_data_leaves_as_a_mask(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StaffMember, "sensitive", frozenset({"extension"}))
    mei = member("mei")
    mei.extension = "0912345678"
    db.session.commit()
    for kind in ("csv", "xlsx"):
        cells = {cell for row in table_of(sign_in("su").get(f"/staff-member/export/{kind}")) for cell in row}
        assert "0912•••678" in cells
        assert "0912345678" not in cells


def test_who_takes_what_along_is_on_record_but_not_what_was_searched_for(
    app: Flask, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    equipment("A-1")
    equipment("A-2")
    fan = sign_in("fan")
    fan.get("/equipment/export/csv?q=王小明&status=IN_SERVICE&unknown=1")
    fan.get("/equipment/export/xlsx")
    entries = list(
        db.session.scalars(select(AuditEntry).where(AuditEntry.step.like("export%")).order_by(AuditEntry.id))
    )
    assert [(entry.entity, entry.change, entry.user_id) for entry in entries] == [
        ("equipment", Change.STEPPED, member("fan").user_id)
    ] * 4
    assert [(entry.step, entry.after) for entry in entries] == [
        ("export", {"kind": "csv", "filters": "q, status"}),
        ("exported", {"kind": "csv", "rows": 0}),
        ("export", {"kind": "xlsx", "filters": ""}),
        ("exported", {"kind": "xlsx", "rows": 2}),
    ]
    assert "王小明" not in caplog.text
    assert "A-1" not in caplog.text
    before = db.session.scalar(select(func.count()).select_from(AuditEntry))
    assert sign_in("mei").get("/staff-member/export/csv").status_code == 403
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == before, "nothing left, nothing to tell"


def many(count: int) -> None:
    kind, area = first(EquipmentKind).id, first(Area).id
    keeper = member("mei").id
    rows = [
        {
            "tag": f"M-{number:06d}", "name": f"設備 {number}", "kind_id": kind, "area_id": area, "version": 1,
            "keeper_id": keeper if number % 2 else None,
        }
        for number in range(count)
    ]  # fmt: skip
    # With the empty ones written out all rows are alike and go in as one statement, not each as its own.
    db.session.execute(insert(Equipment), rows, execution_options={"render_nulls": True})
    db.session.commit()
    db.session.expunge_all()


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("csv", 50_000), ("xlsx", 20_000)])
def test_tens_of_thousands_of_rows_take_no_more_memory_than_a_few(app: Flask, kind: str, count: int) -> None:
    many(count)
    view = guarded_views()["EquipmentView"]
    with standing_in(None):
        listing = Listing(view, MultiDict())
        header = [view.label(name) for name in view.list_columns]
        rows = exporting.rows(view, listing)
        next(rows)  # what is loaded once: the statement, the catalogs
        tracemalloc.start()
        if kind == "csv":
            size = sum(len(block) for block in csv_lines(header, rows))
        else:
            with xlsx_file(header, rows, "x") as file:
                size = len(file.read(1024 * 1024))
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert size > 1_000_000 if kind == "csv" else size > 500_000
    assert peak < 8 * 1024 * 1024, f"{peak / 1024**2:.1f} MB"


@given(
    moment=st.datetimes(timezones=st.just(UTC)) | st.none(),
    zone=st.sampled_from(["Asia/Taipei", "America/New_York", "Pacific/Apia", "Africa/Monrovia"]),
)
def test_a_moment_is_told_in_the_offices_time_of_its_day(portal: Flask, moment: datetime | None, zone: str) -> None:
    with portal.app_context(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(portal.config, "BABEL_DEFAULT_TIMEZONE", zone)
        try:
            expected = exporting.cell(moment)
        except OverflowError:
            # At either end of the calendar there is no such time.
            return
        assert exporting.cells_of(datetime)(moment) == expected


@pytest.mark.skipif(DATABASE != "postgresql", reason="SQLite reads row by row by itself")
def test_postgresql_keeps_the_rows_until_they_are_asked_for(app: Flask) -> None:
    many(2000)
    with standing_in(None):
        rows = exporting.rows(guarded_views()["EquipmentView"], Listing(guarded_views()["EquipmentView"], MultiDict()))
        next(rows)
        assert db.session.scalar(text("SELECT count(*) FROM pg_cursors")) == 1
        assert sum(1 for _row in rows) == 1999


def test_a_list_that_is_left_half_way_leaves_nothing_open(app: Flask, sign_in: SignIn) -> None:
    """Who breaks a download off holds no transaction; the next request works."""
    many(3000)
    fan = sign_in("fan")
    # The test's own transaction would keep SQLite's only write lock.
    db.session.commit()

    def leave() -> None:
        _cv_app.set(None)  # type: ignore[arg-type]
        answer = FlaskClient.open(fan, "/equipment/export/csv", buffered=False)
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        with app.app_context():
            assert [entry.step for entry in exports_on_record()] == ["export"], "before anything leaves"
        assert len(next(iter(answer.response))) < 200_000, "a block of 64 K letters, not the whole file"
        answer.close()

    copy_context().run(leave)
    _begun, ended = exports_on_record()
    assert ended.step == "exported"
    assert ended.after["rows"] in range(500, 2500), "what was handed out, not what would have been"
    assert fan.submit("/equipment/add", tag="NEW", name="x", kind=str(first(EquipmentKind).id),
                      area=str(first(Area).id)).status_code == 200  # fmt: skip
    assert db.session.scalar(select(func.count()).select_from(Equipment)) == 3001
