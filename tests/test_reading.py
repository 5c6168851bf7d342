"""Reading without records: what a row cannot hold is still shown, and nothing is shown that was not asked for."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import SignIn, member
from flask import Flask
from samples import sample
from sqlalchemy import event, select

from app.casework.models import Note
from app.core import exporting
from app.core.asking import Asked, asked_of
from app.core.db import db
from app.core.listing import Listing
from app.core.reading import Reader
from app.core.roles import guarded_views
from app.core.standin import standing_in
from app.customers.models import Customer
from app.roster.models import Shift
from app.staff.models import StaffMember, Team


def exported(screen: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return what an export of these columns holds, in the order of the records' keys."""
    view = guarded_views()[screen]
    with standing_in(None):
        listing = Listing(view, {})
        listing.order, listing.direction, listing.columns = "id", "asc", [*columns]
        return list(exporting.rows(view, listing))


def test_the_words_of_a_record_ask_for_few_columns(app: Flask) -> None:
    asked = asked_of(Customer, str)
    assert (list(asked.columns), asked.is_all) == (["number", "name"], True)
    asked = asked_of(Note, str)
    assert sorted(asked.columns) == ["is_internal", "is_told"], "of every branch"
    assert asked.related == {"ticket": Asked({"number": None})}
    asked = asked_of(Shift, str)
    assert asked.related["person"] == Asked({"name": None})
    assert not asked_of(Team, lambda team: team.leader).is_all, "no foreign key of its own leads there"


def test_words_that_ask_for_more_of_some_records_are_right_for_all(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples cannot know that only one number leads to a column more."""
    mei, tao = member("mei"), member("tao")
    for person in (mei, tao):
        sample(Shift, person)
    db.session.commit()

    def words(person: StaffMember) -> str:
        return f"{person.name} {person.department}" if person.number == tao.number else person.name

    monkeypatch.setattr(StaffMember, "__str__", words)
    assert asked_of(StaffMember, str) == Asked({"number": None, "name": None})
    assert exported("ShiftView", "person") == [(mei.name,), (f"{tao.name} {tao.department}",)]


def test_a_column_that_no_row_can_hold_is_shown_of_records(app: Flask) -> None:
    first, second = db.session.scalars(select(Team).order_by(Team.id))
    assert first.leader == member("liang")
    assert exported("TeamView", "leader", "name") == [(member("liang").name, str(first)), ("", str(second))]


def test_a_record_that_goes_while_it_is_read_leaves_its_row_behind(app: Flask) -> None:
    view = guarded_views()["TeamView"]
    empty = Team(code="T9", name_zh_hant="九組", name_zh_hans="九组", name_en="9", department=member("mei").department)
    db.session.add(empty)
    db.session.commit()
    with standing_in(None):
        reader = Reader(view, ["code", "leader"], exporting.Cells(view))
        rows = db.session.connection().execute(reader.statement(Listing(view, {}).ordered())).all()
        db.session.delete(empty)
        db.session.flush()
        assert max(reader.read(rows)) == ("T9", "")


def test_a_list_makes_no_records(app: Flask, sign_in: SignIn) -> None:
    """Made are none, whatever the page's columns: what loads records tells the session of each."""
    for _number in range(3):
        sample(Shift, member("mei"))
    db.session.commit()
    su = sign_in("su")
    made: list[object] = []
    event.listen(Shift, "load", lambda row, _context: made.append(row))
    for url in ("/shift/list/?person=", "/shift/list/?person=&order=monday", "/api/v1/shift/"):
        answer = su.get(url)
        told = str(answer.json) if answer.is_json else answer.text
        assert member("mei").name in told, url
    assert not made


def test_a_list_whose_rows_ask_for_more_than_they_hold_shows_records(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei, tao = member("mei"), member("tao")
    for person in (mei, tao):
        sample(Shift, person)
    db.session.commit()
    number, department = tao.number, str(tao.department)

    def words(person: StaffMember) -> str:
        return f"{person.name} @{person.department}" if person.number == number else person.name

    monkeypatch.setattr(StaffMember, "__str__", words)
    app.extensions.pop("portal_readers", None)
    su = sign_in("su")
    for _time in range(2):
        page = su.page("/shift/list/?person=")
        cells = {cell.text for cell in page.select("td")}
        assert {mei.name, f"{tao.name} @{department}"} <= cells
    readers = app.extensions.pop("portal_readers")
    assert any(one.needs_records for one in readers.values()), "from then on it loads records at once"


def test_a_text_of_nothing_is_told_from_no_text(app: Flask) -> None:
    mei = member("mei")
    mei.extension, mei.languages = "", None
    db.session.commit()
    assert exported("StaffMemberView", "extension", "languages")[0] == ("—", "")
