"""Short lists are kept while nobody changes them: whoever does, the next request shows it, in every process."""

from __future__ import annotations

import pytest
from conftest import SignIn, member
from flask import Flask
from samples import sample
from sqlalchemy import select, text
from test_laws import statements
from test_rights import version, writes

from app.core.asking import bare
from app.core.catalogs import catalog_rows, kept_rows
from app.core.db import Model, db
from app.core.entity import in_memory, is_short
from app.core.rights import RightsVersion
from app.handbook.models import CalendarException, Promise, ServiceHours
from app.handbook.operations import promise_name
from app.staff.models import Team
from app.workplace.models import FaultKind, Repair

LIST, FORM = "/repair/list/", "/repair/add"


def kept_models() -> list[type[Model]]:
    return [mapper.class_ for mapper in Model.registry.mappers if in_memory(mapper.class_)]


def rename(name: str) -> str:
    """Rename the first kind of fault beside the portal, in the database itself; return its old name."""
    before = db.session.scalars(select(FaultKind.name_zh_hant).order_by(FaultKind.id)).first()
    assert before is not None
    writes(f"UPDATE fault_kind SET name_zh_hant = '{name}' WHERE id = (SELECT min(id) FROM fault_kind)")  # noqa: S608
    return before


def test_promises_and_hours_are_kept_beside_every_short_catalog(app: Flask) -> None:
    kept = kept_models()
    assert {Promise, ServiceHours, CalendarException, FaultKind, Team} <= set(kept)
    assert all(is_short(model) or model in {Promise, ServiceHours, CalendarException} for model in kept)


def test_every_kept_table_tells_of_each_change(app: Flask) -> None:
    for model in kept_models():
        table = model.__tablename__
        if not db.session.scalar(text(f"SELECT count(*) FROM {table}")):  # noqa: S608 - our tables
            continue
        before = version()
        writes(f"UPDATE {table} SET version = version")  # noqa: S608
        assert version() != before, table


def test_a_row_that_comes_or_goes_is_told_too(app: Flask) -> None:
    made = (
        "INSERT INTO fault_kind (id, code, name_zh_hant, name_zh_hans, name_en, position, created_at, changed_at,"
        " version) VALUES (9001, 'X', '甲', '甲', 'X', 1, '2026-01-01', '2026-01-01', 1)"
    )
    for change in (made, "DELETE FROM fault_kind WHERE id = 9001"):
        before = version()
        writes(change)
        assert version() != before, change


def test_the_next_page_shows_what_another_process_wrote(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    for url in (LIST, FORM, LIST, FORM):
        assert "水管破裂" not in mei.get(url).text
    before = rename("水管破裂")
    for url in (LIST, FORM):
        page = mei.get(url).text
        assert "水管破裂" in page, url
        assert before not in page, url


def test_a_list_that_is_known_is_not_asked_for(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    for url in (LIST, FORM):
        mei.get(url)
        with statements() as asked:
            mei.get(url)
        assert not [one for one in asked if "fault_kind" in one and "FROM repair" not in one], url
        # SQLite counts what PostgreSQL estimates.
        assert len(asked) <= 3, asked
    rename("水管破裂")
    with statements() as asked:
        mei.get(FORM)
    assert [one for one in asked if "FROM rights_version LEFT OUTER JOIN fault_kind" in one]


def test_who_changes_a_list_sees_it_changed_and_undone(app: Flask) -> None:
    with app.test_request_context():
        first = kept_rows(FaultKind)[0]
        row = db.session.get_one(FaultKind, first.id)
        row.name_zh_hant = "漏水"
        db.session.flush()
        assert next(one for one in kept_rows(FaultKind) if one.id == first.id).name_zh_hant == "漏水"
        db.session.rollback()
        assert next(one for one in kept_rows(FaultKind) if one.id == first.id).name_zh_hant == first.name_zh_hant


def test_what_was_read_in_a_change_that_is_undone_is_kept_by_nobody(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    mei.get(FORM)
    with app.test_request_context():
        db.session.get_one(FaultKind, kept_rows(FaultKind)[0].id).name_zh_hant = "漏水"
        db.session.flush()
        assert "漏水" in {row.name_zh_hant for row in kept_rows(FaultKind)}
        undone = db.session.scalars(select(RightsVersion.version)).one()
        db.session.rollback()
    assert undone != version()
    assert "漏水" not in mei.get(FORM).text


def test_records_of_a_kept_list_are_the_sessions_and_cost_no_statement(app: Flask) -> None:
    with app.test_request_context():
        kept_rows(FaultKind)
        with statements() as asked:
            rows = catalog_rows(FaultKind)
            assert db.session.get(FaultKind, rows[0].id) is rows[0]
        assert not asked
        assert not {*db.session.dirty, *db.session.new}
        db.session.commit()
        # After a commit they are read from what is kept, not one by one.
        with statements() as asked:
            assert [row.name_zh_hant for row in catalog_rows(FaultKind)] == [row.name_zh_hant for row in rows]
        assert len(asked) <= 1, asked


def test_what_is_kept_is_nobodys_record(app: Flask, sign_in: SignIn) -> None:
    """It is shared by all requests: put into a record it would carry one person's change to another."""
    with app.test_request_context():
        repair = sample(Repair, member("mei"))
        with pytest.raises(Exception, match="_sa_instance_state"):
            repair.fault_kind = kept_rows(FaultKind)[0]
        db.session.rollback()
    assert not hasattr(bare(FaultKind, {"id": 1}), "_sa_instance_state")


def test_a_promise_is_called_by_its_latest_words(app: Flask) -> None:
    code = db.session.scalars(select(Promise.code)).first()
    assert code is not None
    writes(f"UPDATE promise SET name_zh_hant = '承諾甲', name_en = 'Promise A' WHERE code = '{code}'")  # noqa: S608
    with app.test_request_context():
        assert promise_name(code) in {"承諾甲", "Promise A"}
    assert promise_name("no_such_promise") == "no_such_promise"
