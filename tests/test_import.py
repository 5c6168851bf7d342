"""Imports: from a file to rows, on the pages and by the engine; what is wrong comes back, twice changes nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import threading
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import CAST, Person, SignIn, member
from flask import Flask
from openpyxl import Workbook, load_workbook
from page import judge
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.casework.models import Complaint
from app.core import clock
from app.core.audit import AuditEntry, Change
from app.core.db import db
from app.core.import_runs import KEPT_FOR, SHIPPED, SILENT_FOR, ImportMapping, ImportRun, RunStatus, tidy
from app.core.importing import Importer, Mode, Outcome
from app.core.matching import Matching, Source, column_names, guess, known_by
from app.core.roles import guarded_views
from app.core.standin import standing_in
from app.core.tabular_read import read_table
from app.core.views import PortalView
from app.staff.models import Department, StaffMember
from app.workplace.models import Area, Equipment, Repair

HEADER = ["Asset tag", "Name", "Kind", "Area", "Seat", "Keeper", "Bought on", "Cost"]
GOOD = ["PH-0001", "話機", "Phone", "3F-A", "A1", "E0001", "2026/3/1", "1,200.50"]


def csv_of(*rows: list[str], header: list[str] = HEADER, encoding: str = "utf-8-sig") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode(encoding)


def xlsx_of(*rows: list[Any], header: list[str] = HEADER) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in [header, *rows]:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def upload(person: Person, content: bytes, name: str = "設備 清單.csv", at: str = "/equipment") -> str:
    """Send a file and return the address of its run."""
    answer = person.submit(f"{at}/import/", file=(io.BytesIO(content), name))
    assert answer.status_code == 200, answer.text
    return answer.request.path


def ended(person: Person, url: str) -> TestResponse:
    """Wait until a run is at rest and return its page, checked."""
    for _try in range(600):
        state = person.get(f"{url}?as=json").json
        if not state["busy"]:
            answer = person.get(url)
            judge(answer.text, url)
            return answer
        time.sleep(0.1)
    raise AssertionError(url)


def checked(person: Person, content: bytes, name: str = "設備 清單.csv", at: str = "/equipment", **fields: str) -> str:
    """Send a file and have it checked with the guessed matching; return the address of its run."""
    url = upload(person, content, name, at)
    person.submit(url, **fields)
    ended(person, url)
    return url


def imported(person: Person, content: bytes, mode: str = "good", **options: str) -> ImportRun:
    """Import a file by the pages and return its run."""
    url = checked(person, content, **options)
    if person.page(url).select_one("form.form") is not None:
        person.submit(url, mode=mode)
        ended(person, url)
    return run_at(url)


def run_at(url: str) -> ImportRun:
    db.session.commit()
    return db.session.get_one(ImportRun, int(url.rsplit("/", 1)[1]))


def counts(run: ImportRun) -> tuple[int, int, int, int]:
    return run.new_rows, run.changed_rows, run.unchanged_rows, run.wrong_rows


def equipment() -> dict[str, Equipment]:
    db.session.commit()
    return {row.tag: row for row in db.session.scalars(select(Equipment))}


def table_of(answer: TestResponse) -> list[list[Any]]:
    """Return a downloaded table, the headings first."""
    if answer.mimetype == "text/csv":
        return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(answer.data)).worksheets[0]
    return [["" if cell is None else cell for cell in row] for row in sheet.iter_rows(values_only=True)]


# -- the way through the pages -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_becomes_rows_with_history_in_the_persons_name(app: Flask, sign_in: SignIn, kind: str) -> None:
    cells: list[Any] = GOOD if kind == "csv" else [*GOOD[:6], date(2026, 3, 1), 1200.5]
    content = csv_of(cells) if kind == "csv" else xlsx_of(cells)
    fan = sign_in("fan")
    url = checked(fan, content, f"設備 清單.{kind}")
    preview = fan.page(url)
    assert equipment() == {}
    assert re.sub(r"\s+", " ", preview.select_one("ul.counts").text).startswith(" 1 ")
    assert "PH-0001" in preview.text

    fan.submit(url, mode="good")
    run = run_at(url)
    assert (run.status, counts(run), run.folder) == (RunStatus.DONE, (1, 0, 0, 0), None)
    made = equipment()["PH-0001"]
    assert (made.name, made.kind.code, made.area.code, made.seat) == ("話機", "PHONE", "3F-A", "A1")
    assert (made.keeper, made.bought_on, made.cost) == (member("mei"), date(2026, 3, 1), Decimal("1200.50"))
    assert made.created_by_id == member("fan").user_id
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "equipment")).one()
    assert (entry.change, entry.user_id) == (Change.ADDED, member("fan").user_id)
    start = fan.page("/equipment/import/")
    assert "設備 清單" in start.text
    assert start.select_one(f'a[href="{url}"]') is not None


def test_the_same_file_twice_changes_nothing(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    content = csv_of(GOOD, ["PH-0002", "耳機", "耳機麥克風", "3F 客服区 B 排", "", "周美", "", "0"])
    assert counts(imported(fan, content)) == (2, 0, 0, 0)
    before = [(row.tag, row.version, row.changed_at) for row in equipment().values()]
    entries = db.session.scalar(select(func.count()).select_from(AuditEntry))
    url = checked(fan, content)
    assert counts(run_at(url)) == (0, 0, 2, 0)
    assert fan.page(url).select_one("form.form") is None, "there is nothing to import"
    assert [(row.tag, row.version, row.changed_at) for row in equipment().values()] == before
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == entries


def test_only_what_the_file_says_differently_is_changed(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    imported(fan, csv_of(GOOD))
    run = imported(fan, csv_of(["PH-0001", "", "B7"], header=["Asset tag", "Cost", "Seat"]))
    assert counts(run) == (0, 1, 0, 0)
    row = equipment()["PH-0001"]
    assert (row.seat, row.cost, row.keeper, row.version) == ("B7", None, member("mei"), 2)
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry.change is Change.CHANGED
    assert set(entry.before) == {"seat", "cost"}


@pytest.mark.slow
def test_what_was_exported_comes_back_unchanged(app: Flask, sign_in: SignIn) -> None:
    """The export of a list, imported again, changes nothing, in any language and either kind of file."""
    imported(sign_in("fan"), csv_of(GOOD, ["=1+1", "@話機", "PHONE", "3F-A", "-5", "", "", ""]))
    for locale in ("zh_Hant_TW", "zh_Hans_CN", "en"):
        for kind in ("csv", "xlsx"):
            fan = sign_in("fan", locale)
            exported = fan.get(f"/equipment/export/{kind}").data
            run = imported(fan, exported, name=f"out.{kind}")
            assert counts(run) == (0, 0, 2, 0), f"{locale} {kind}"
    assert "=1+1" in equipment()


def test_wrong_rows_come_back_with_their_reasons_and_can_be_imported_again(app: Flask, sign_in: SignIn) -> None:
    wrong = ["PH-0002", "", "Telephone", "3F-A", "A2", "E9999", "yesterday", "much"]
    fan = sign_in("fan", "en")
    url = checked(fan, csv_of(GOOD, wrong, ["PH-0001", "other", "Phone", "3F-A", "", "", "", ""]))
    page = fan.page(url)
    told = [cell.text.strip() for cell in page.select("td p.wrong")]
    assert any("Telephone" in text for text in told)
    assert any("E9999" in text for text in told)
    assert any("row 2" in text for text in told), "two rows about one record"
    assert counts(run_at(url)) == (1, 0, 0, 2)

    fan.submit(url, mode="good")
    run = run_at(url)
    assert (run.status, counts(run)) == (RunStatus.DONE, (1, 0, 0, 2))
    for kind in ("csv", "xlsx"):
        back = table_of(fan.get(f"{url}/wrong/{kind}"))
        assert back[0] == [*HEADER, "Why it was not imported"]
        assert back[1][:8] == wrong
        assert "Name: This field is required." in back[1][8]
        assert "Keeper: “E9999” was not found." in back[1][8]
    mended = table_of(fan.get(f"{url}/wrong/csv"))[:2]
    mended[1] = ["PH-0002", "螢幕", "Monitor", "3F-A", "A2", "E0002", "2026-02-28", "9", mended[1][8]]
    again = imported(fan, csv_of(*mended[1:], header=mended[0]))
    assert counts(again) == (1, 0, 0, 0)


def test_all_or_nothing_writes_nothing_when_a_row_is_wrong(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    bad = csv_of(GOOD, ["PH-0002", "", "PHONE", "3F-A", "", "", "", ""])
    run = imported(fan, bad, mode="all")
    assert (run.status, counts(run)) == (RunStatus.REFUSED, (1, 0, 0, 1))
    assert equipment() == {}
    assert imported(fan, csv_of(GOOD), mode="all").status is RunStatus.DONE
    assert set(equipment()) == {"PH-0001"}


def test_a_row_the_database_refuses_spoils_no_other(app: Flask, sign_in: SignIn) -> None:
    """Uniqueness and checks are the database's; each row has a savepoint of its own."""
    su = sign_in("su", "en")
    header = ["Staff number", "Name", "Department", "Hired on", "Leads team"]
    rows = [
        ["N1", "甲", "CS", "2026-01-02", ""],
        ["N2", "乙", "CS", "2026-01-02", "T1"],
        ["N3", "丙", "CS", "2026-01-02", ""],
    ]
    run = imported(su, csv_of(*rows, header=header), at="/staff-member")
    assert (run.status, counts(run)) == (RunStatus.DONE, (2, 0, 0, 1))
    numbers = set(db.session.scalars(select(StaffMember.number).where(StaffMember.number.startswith("N"))))
    assert numbers == {"N1", "N3"}
    back = table_of(su.get(f"/staff-member/import/{run.id}/wrong/csv"))
    assert back[1][5] == "Another record already has this: Leads team."


# -- matching ------------------------------------------------------------------------------------


def test_columns_are_guessed_by_labels_of_any_language_and_by_names_of_columns(app: Flask) -> None:
    view = guarded_views()["EquipmentView"]
    found = guess(view, ["資產編號 *", "NAME", "serial_number", "No such thing", "类别", "Seat"], [])
    if db.session.bind:  # what the labels are depends on the catalogs; English and names are always known
        assert found.sources["name"] == Source("NAME")
        assert found.sources["serial_number"] == Source("serial_number")
        assert found.sources["seat"] == Source("Seat")
    assert "No such thing" not in {source.column for source in found.sources.values()}


@pytest.mark.slow
def test_a_matching_is_kept_shared_chosen_and_forgotten(app: Flask, sign_in: SignIn) -> None:
    fan, an = sign_in("fan"), sign_in("an")
    strange = ["Inventarnummer", "Bezeichnung", "Art", "Ort"]
    row = ["X-1", "Telefon", "PHONE", "3F-A"]
    url = upload(fan, csv_of(row, header=strange))
    fields = {"column-tag": "Inventarnummer", "column-name": "Bezeichnung", "column-kind": "Art", "column-area": "Ort"}
    fan.submit(url, keep_as="Aus Berlin", **fields)
    ended(fan, url)
    kept = db.session.scalars(select(ImportMapping)).one()
    assert (kept.name, kept.screen, kept.is_shared) == ("Aus Berlin", "EquipmentView", False)

    later = upload(fan, csv_of(row, header=strange))
    form = fan.page(later)
    assert form.select_one("select[name=column-tag] option[selected]")["value"] == "Inventarnummer", "guessed from kept"
    assert form.select_one("select#mapping option:-soup-contains('Aus Berlin')") is not None
    chosen = fan.page(f"{later}?mapping={kept.id}")
    assert chosen.select_one("select[name=column-area] option[selected]")["value"] == "Ort"

    grant_import("an", "EquipmentView", "edit", "add")
    other = upload(an, csv_of(row, header=strange))
    assert an.page(other).select_one("select#mapping") is None, "another's own matching is not offered"
    assert an.page(f"{other}?mapping={kept.id}").select_one("select[name=column-area] option[selected]") is None
    kept.is_shared = True
    db.session.commit()
    assert an.page(other).select_one("select#mapping option:-soup-contains('Aus Berlin')") is not None
    an.send("/equipment/import/", {"forget": str(kept.id)})
    assert db.session.scalars(select(ImportMapping)).all() == [kept], "shared is not given away"
    fan.send("/equipment/import/", {"forget": str(kept.id)})
    assert db.session.scalars(select(ImportMapping)).all() == []


def grant_import(login: str, view: str, *verbs: str) -> None:
    """Give a role of one of the cast further verbs for the length of a test."""
    from app.core.roles import current_grants, write_grants  # noqa: PLC0415

    role = next(one.role for one in CAST if one.login == login)
    held = current_grants()
    wanted = {(role, f"can_{verb}", view) for verb in ("import", *verbs)} | {(role, "scope_all", view)}
    write_grants(held, held | wanted)
    db.session.commit()


def test_a_value_for_all_rows_and_for_empty_cells(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    header = ["Asset tag", "Name", "Seat"]
    content = csv_of(["A", "甲", "9"], ["B", "乙", ""], header=header)
    fields = {"constant-kind": "話機", "constant-area": "3F-A", "constant-seat": "hall"}
    run = imported(fan, content, **fields)
    assert counts(run) == (2, 0, 0, 0)
    rows = equipment()
    assert [(row.kind.code, row.area.code) for row in rows.values()] == [("PHONE", "3F-A")] * 2
    assert (rows["A"].seat, rows["B"].seat) == ("9", "hall")
    url = upload(fan, content)
    answer = fan.submit(url, **{**fields, "constant-kind": "no such kind"})
    assert answer.status_code == 422
    assert "no such kind" in answer.text
    assert run_at(url).status is RunStatus.MATCHING


def test_translations_of_values_come_with_a_matching(app: Flask) -> None:
    view = guarded_views()["EquipmentView"]
    matching = Matching.read(
        {
            "fields": {
                "tag": {"column": "Asset tag"},
                "name": {"column": "Name"},
                "kind": {"column": "Kind", "values": {"Tel": "PHONE", "": "OTHER", "n/a": ""}, "constant": "MONITOR"},
                "area": {"constant": "3F-A"},
            }
        }
    )
    assert Matching.read(json.loads(json.dumps(matching.as_json()))) == matching
    rows = [["1", "a", "Tel"], ["2", "b", "n/a"], ["3", "c", "Printer"]]
    found = run_engine(view, csv_of(*rows, header=["Asset tag", "Name", "Kind"]), matching, Mode.GOOD_ROWS)
    assert found == {Outcome.NEW: 3}
    assert {tag: row.kind.code for tag, row in equipment().items()} == {"1": "PHONE", "2": "MONITOR", "3": "PRINTER"}


def run_engine(view: PortalView, content: bytes, matching: Matching | None, mode: Mode) -> dict[Outcome, int]:
    """Import as the portal itself, without pages."""
    table = read_table(io.BytesIO(content), "file.csv")
    columns = column_names(table.header)
    with standing_in(None):
        importer = Importer(view, table, columns, matching or guess(view, columns, []), mode)
        importer.run(lambda _judged: None)
    if importer.is_kept:
        db.session.commit()
    else:
        db.session.rollback()
    return dict(importer.counts)


def test_a_matching_with_fields_a_person_may_not_set_is_refused(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan", "en")
    url = upload(fan, csv_of(GOOD))
    for name in ("status", "id", "version", "created_by_id", "keeper_id", "no-such-field"):
        answer = fan.submit(url, **{f"column-{name}": "Seat"})
        assert answer.status_code == 422
        assert "These fields cannot be imported" in answer.text
    assert fan.submit(url, **{"column-seat": "No such column"}).status_code == 422
    assert run_at(url).status is RunStatus.MATCHING
    assert equipment() == {}


def test_every_screen_knows_its_records_again_by_columns_it_has(app: Flask) -> None:
    """By default no entity has a line for it; whatever is found can be matched and compared."""
    expected = {
        "EquipmentView": ("tag",),
        "StaffMemberView": ("number",),
        "AreaView": ("code",),
        "RepairView": ("number",),
    }
    for name, key in expected.items():
        assert known_by(guarded_views()[name]) == key
    for view in app.appbuilder.baseviews:  # type: ignore[attr-defined]
        if isinstance(view, PortalView):
            for name in known_by(view):
                assert name in view.label_columns, f"{type(view).__name__}: {name} has no label"
                assert hasattr(view.model, name)


# -- templates -----------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["zh_Hant_TW", "zh_Hans_CN", "en"])
def test_the_template_is_read_back_in_every_language(app: Flask, sign_in: SignIn, locale: str) -> None:
    fan = sign_in("fan", locale)
    for kind in ("xlsx", "csv"):
        answer = fan.get(f"/equipment/import/template/{kind}")
        head, example = table_of(answer)[:2]
        assert len(head) == len(example) == 12
        assert [title.endswith(" *") for title in head[:4]] == [True] * 4
        assert not head[4].endswith("*")
        content = csv_of(["PH-9", "話機", "話機", "3F-A"], header=head[:4])
        rows = [example, ["PH-9", "話機", "Phone", "3F-A", *[""] * 8]]
        run = imported(fan, csv_of(*rows, header=head), name=f"t.{'csv'}")
        assert counts(run) in {(1, 0, 0, 0), (0, 0, 1, 0)}, "the example is no row"
        assert content
    book = load_workbook(io.BytesIO(fan.get("/equipment/import/template/xlsx").data))
    assert len(book.worksheets) == 2
    allowed = [cell for row in book.worksheets[1].iter_rows(values_only=True) for cell in row]
    assert {"zh_Hant_TW": "話機", "zh_Hans_CN": "话机", "en": "Phone"}[locale] in allowed
    assert book.worksheets[0].data_validations.dataValidation


# -- rights --------------------------------------------------------------------------------------


def test_only_who_may_import_gets_in(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    url = checked(fan, csv_of(GOOD))
    for login in ("mei", "liang", "su", "du", "ao", "an"):
        person = sign_in(login)
        for path in ("/equipment/import/", "/equipment/import/template/csv", url, f"{url}/wrong/csv"):
            assert person.get(path).status_code == 403, f"{login} {path}"
        assert person.send(url, {"step": "run"}).status_code == 403
    assert app.test_client().get("/equipment/import/").status_code == 302
    assert "import_" not in {rule.endpoint.partition(".")[2] for rule in app.url_map.iter_rules("TaskView.list")}
    assert "can_import" not in guarded_views()["TaskView"].base_permissions


def test_another_persons_run_does_not_exist(app: Flask, sign_in: SignIn) -> None:
    url = checked(
        sign_in("su"),
        csv_of(["N1", "甲", "CS", "2026-01-02"], header=["Staff number", "Name", "Department", "Hired on"]),
        at="/staff-member",
    )
    an = sign_in("an")
    for path in (url, f"{url}?as=json", f"{url}/wrong/csv"):
        assert an.get(path).status_code == 404
    assert an.send(url, {"step": "run"}).status_code == 404
    assert sign_in("su").get(url.replace("staff-member", "equipment")).status_code == 403
    assert an.get("/staff-member/import/99999").status_code == 404
    assert an.get("/staff-member/import/-1").status_code == 404
    assert an.get("/staff-member/import/x").status_code == 404
    run = run_at(url)
    assert (run.status, counts(run)) == (RunStatus.CHECKED, (1, 0, 0, 0))


def test_rows_out_of_reach_stay_as_they_are(app: Flask, sign_in: SignIn) -> None:
    """The scope of add and edit holds for each row; a record out of reach is neither changed nor told."""
    grant_scoped("liang", "StaffMemberView", "team")
    liang = sign_in("liang", "en")
    header = ["Staff number", "Name", "Department", "Team", "Hired on"]
    kai = member("kai")
    rows = [
        [kai.number, "別人", "CS", "T2", "2020-01-02"],
        ["N1", "新人", "CS", "T2", "2026-01-02"],
        ["N2", "新人", "CS", "T1", "2026-01-02"],
    ]
    run = imported(liang, csv_of(*rows, header=header), at="/staff-member")
    assert counts(run) == (1, 0, 0, 2)
    assert member("kai").name == "孫凱"
    back = table_of(liang.get(f"/staff-member/import/{run.id}/wrong/csv"))
    assert "Another record already has this: Staff number." in back[1][5]
    assert "outside what you may work on" in back[2][5]


def grant_scoped(login: str, view: str, scope: str) -> None:
    from app.core.roles import current_grants, write_grants  # noqa: PLC0415

    role = next(one.role for one in CAST if one.login == login)
    held = current_grants()
    wanted = {(role, f"can_{verb}", view) for verb in ("import", "add", "edit")} | {(role, f"scope_{scope}", view)}
    write_grants(held, held | wanted)
    db.session.commit()


def test_a_right_taken_away_between_check_and_import_is_gone(app: Flask, sign_in: SignIn) -> None:
    from app.core.roles import current_grants, write_grants  # noqa: PLC0415

    fan = sign_in("fan")
    url = checked(fan, csv_of(GOOD))
    held = current_grants()
    write_grants(held, held - {("facility", "can_add", "EquipmentView")})
    db.session.commit()
    fan.submit(url, mode="good")
    ended(fan, url)
    run = run_at(url)
    assert (run.status, counts(run)) == (RunStatus.DONE, (0, 0, 0, 1))
    assert equipment() == {}


# -- two at once ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_second_click_has_no_second_effect(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    header = ["Equipment", "What is wrong", "Effect on work", "Description"]
    imported(fan, csv_of(GOOD))
    rows = [["PH-0001", "Noise on the line", "No effect on work", str(number)] for number in range(40)]
    url = checked(fan, csv_of(*rows, header=header), at="/repair")
    token = fan.token()
    people = [fan, sign_in("fan"), sign_in("fan")]
    tokens = [token, *(one.token() for one in people[1:])]
    posts = [
        threading.Thread(
            target=lambda who=who, token=token: who.post(url, data={"csrf_token": token, "step": "run", "mode": "good"})
        )
        for who, token in zip(people, tokens, strict=True)
    ]
    for post in posts:
        post.start()
    for post in posts:
        post.join()
    ended(fan, url)
    assert counts(run_at(url)) == (40, 0, 0, 0)
    assert db.session.scalar(select(func.count()).select_from(Repair)) == 40
    assert fan.send(url, {"step": "run"}).status_code == 302
    assert db.session.scalar(select(func.count()).select_from(Repair)) == 40


def test_a_run_whose_server_died_is_marked_and_old_files_are_removed(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    url = checked(fan, csv_of(GOOD))
    run = run_at(url)
    now = clock.now()
    run.status, run.beat_at = RunStatus.RUNNING, now - SILENT_FOR - timedelta(minutes=1)
    db.session.commit()
    other = upload(fan, csv_of(GOOD))
    fan.submit(other)
    assert run_at(other).status is RunStatus.MATCHING, "one import at a time for each person"
    assert tidy(now) == 1
    db.session.commit()
    assert run_at(url).status is RunStatus.FAILED
    fan.page(url)

    folder = app.config["PORTAL_SETTINGS"].data_dir / "imports" / run.folder
    assert folder.is_dir()
    tidy(now + KEPT_FOR + timedelta(hours=1))
    db.session.commit()
    assert not folder.exists()
    assert run_at(url).folder is None
    assert db.session.get(ImportRun, int(other.rsplit("/", 1)[1])) is None, "never finished, nothing to remember"
    fan.page(url)
    assert fan.get(f"{url}/wrong/csv").status_code == 404


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("photo.jpg", b"\xff\xd8\xff\xe0"),
        ("table.csv", b"\xff\xd8\xff\xe0"),
        ("empty.csv", b""),
        ("header.csv", csv_of()),
        ("page.csv", b"<html><body><script>alert(1)</script></body></html>"),
        ("book.xlsx", b"PK\x03\x04 not a workbook"),
        ("open.csv", b'a,b\n"never closed,1\n'),
        ("bytes.csv", b"\x80\x81\xfe\xff,\n1,2\n"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_a_sentence(
    app: Flask, sign_in: SignIn, name: str, content: bytes
) -> None:
    fan = sign_in("fan")
    kept = files_kept(app)
    answer = fan.submit("/equipment/import/", file=(io.BytesIO(content), name))
    assert answer.status_code == 422, name
    assert fan.read(answer.text, name).select_one(".note-danger").text.strip()
    assert db.session.scalars(select(ImportRun)).all() == []
    assert files_kept(app) == kept, "nothing of it is kept"


def files_kept(app: Flask) -> set[Path]:
    return set((app.config["PORTAL_SETTINGS"].data_dir / "imports").glob("*"))


def test_no_file_and_too_large_a_file(app: Flask, sign_in: SignIn, monkeypatch: Any) -> None:
    fan = sign_in("fan")
    assert fan.submit("/equipment/import/").status_code == 422
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 10_000)
    huge = b"a,b\n" + b"x" * 20_000
    answer = fan.post(
        "/equipment/import/",
        data={"csrf_token": fan.token(), "file": (io.BytesIO(huge), "huge.csv")},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 413


def test_without_the_token_nothing_is_taken(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    url = checked(fan, csv_of(GOOD))
    assert fan.post(url, data={"step": "run"}).status_code == 400
    assert fan.post("/equipment/import/", data={"file": (io.BytesIO(csv_of(GOOD)), "a.csv")}).status_code == 400
    assert equipment() == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "big5", "gb18030", "utf-16"])
def test_files_in_every_usual_encoding_are_read(app: Flask, sign_in: SignIn, encoding: str) -> None:
    names = {"gb18030": "客户服务部门的电话机，放在三楼", "big5": "客戶服務部門的電話機，放在三樓"}
    name = names.get(encoding, "話機 话机 é")
    run = imported(sign_in("fan"), csv_of(["E-1", name, "PHONE", "3F-A", "", "", "", ""], encoding=encoding))
    assert counts(run) == (1, 0, 0, 0)
    assert equipment()["E-1"].name == name


def test_hostile_cells_are_text_and_nothing_else(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan", "en")
    script = "<script>alert(1)</script>"
    rows = [
        ["H-1", script, "PHONE", "3F-A", "=cmd|' /C calc'!A0", "", "", ""],
        ["H-2", "a" * 121, "PHONE", "3F-A", "", "", "", ""],
        ["H-3", "x", "PHONE'; DROP TABLE equipment;--", "3F-A", "", "", "", ""],
        ["H-4", "x", "PHONE", "3F-A", "", script, "2026-02-30", "1e999"],
        ["H-5\x1b", "x", "PHONE", "3F-A", "", "", "9999999-01-01", "-1"],
    ]
    url = checked(fan, csv_of(*rows))
    answer = fan.get(url)
    assert script not in answer.text
    fan.submit(url, mode="good")
    made = equipment()
    assert made["H-1"].name == script
    assert made["H-1"].seat == "=cmd|' /C calc'!A0"
    assert set(made) == {"H-1"}, "none of the others"
    back = table_of(fan.get(f"{url}/wrong/csv"))
    assert all(row[8] for row in back[1:])


def test_two_hundred_columns_and_headings_twice(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan")
    header = ["Asset tag", "Name", "Kind", "Area", *[f"more {number}" for number in range(196)]]
    assert counts(imported(fan, csv_of([*GOOD[:4], *["x"] * 196], header=header))) == (1, 0, 0, 0)
    twice = csv_of(["PH-1", "a", "b", "3F-A", "PHONE"], header=["Asset tag", "Name", "Name", "", "Kind"])
    url = upload(fan, twice)
    options = [option["value"] for option in fan.page(url).select("select[name=column-name] option")]
    assert options == ["", "Asset tag", "Name (B)", "Name (C)", "(D)", "Kind"]
    fan.submit(url, **{"column-name": "Name (C)", "column-area": "(D)"})
    fan.submit(url, mode="good")
    assert equipment()["PH-1"].name == "b"


@pytest.mark.slow
def test_masks_of_personal_data_never_overwrite_it(app: Flask, sign_in: SignIn, monkeypatch: Any) -> None:
    monkeypatch.setattr(StaffMember, "sensitive", frozenset({"extension"}))
    mei = member("mei")
    mei.extension = "0912345678"
    db.session.commit()
    su = sign_in("su")
    header = ["Staff number", "Extension"]
    exported = table_of(su.get("/staff-member/export/csv"))
    shown = next(row for row in exported if mei.number in row)[exported[0].index(exported[0][5])]
    assert shown == "0912•••678"
    assert counts(imported(su, csv_of([mei.number, shown], header=header), at="/staff-member")) == (0, 0, 1, 0)
    assert counts(imported(su, csv_of([mei.number, "0933•••000"], header=header), at="/staff-member")) == (0, 0, 0, 1)
    assert counts(imported(su, csv_of([mei.number, ""], header=header), at="/staff-member")) == (0, 0, 1, 0)
    assert counts(imported(su, csv_of([mei.number, "3456"], header=header), at="/staff-member")) == (0, 1, 0, 0)
    db.session.expire_all()
    assert member("mei").extension == "3456"


def test_no_row_of_a_file_reaches_the_log(app: Flask, sign_in: SignIn, caplog: Any) -> None:
    """Even when the portal itself fails: the log tells where, not what."""
    fan = sign_in("fan", "en")
    url = checked(fan, csv_of(GOOD))
    folder = app.config["PORTAL_SETTINGS"].data_dir / "imports" / run_at(url).folder
    (folder / "table").unlink()
    fan.submit(url, mode="good")
    ended(fan, url)
    run = run_at(url)
    assert run.status is RunStatus.FAILED
    number = re.search(r"number: (\w+)", run.message or "")
    assert number is not None
    assert number[1] in caplog.text
    assert "PH-0001" not in caplog.text


# -- size ----------------------------------------------------------------------------------------


def test_look_ups_are_asked_once_for_many_rows(app: Flask) -> None:
    """Catalogs are read once for each slice, a person once for all rows that name them."""
    from test_laws import statements  # noqa: PLC0415

    view = guarded_views()["EquipmentView"]
    rows = [[f"S-{number}", "x", "PHONE", "3F-A", "", "E0001", "", ""] for number in range(60)]
    with statements() as found:
        assert run_engine(view, csv_of(*rows), None, Mode.GOOD_ROWS) == {Outcome.NEW: 60}
    reads = [one for one in found if one.startswith("SELECT") and "equipment_kind" in one.split("FROM")[1][:40]]
    assert len(reads) <= 6
    people = [one for one in found if one.startswith("SELECT") and "FROM staff_member" in one]
    assert len(people) <= 6
    assert len(found) <= 60 * 8


@pytest.mark.slow
def test_while_a_long_import_runs_others_can_work(app: Flask, sign_in: SignIn) -> None:
    """Rows are saved in slices: another person's save waits a moment, not for the whole file."""
    fan, an = sign_in("fan"), sign_in("an")
    rows = [[f"L-{number:05d}", "x", "PHONE", "3F-A", "", "", "", ""] for number in range(2500)]
    url = upload(fan, csv_of(*rows))
    fan.submit(url)
    assert run_at(url).status is RunStatus.CHECKING, "long enough to see it running"
    fan.page(url)
    waits = []
    while fan.get(f"{url}?as=json").json["busy"]:
        began = time.monotonic()
        answer = an.submit("/department/add", code=f"D{len(waits)}", name_zh_hant="甲", name_zh_hans="甲", name_en="A")
        assert answer.status_code == 200
        waits.append(time.monotonic() - began)
        # As people do; a lock held for seconds is met all the same.
        time.sleep(0.2)
    assert waits
    assert max(waits) < 8, waits
    assert counts(run_at(url)) == (2500, 0, 0, 0)
    assert db.session.scalar(select(func.count()).select_from(Department)) >= len(waits)
    assert db.session.scalar(select(func.count()).select_from(Equipment)) == 0
    state = fan.get(f"{url}?as=json").json
    assert (state["done"], state["total"]) == (2500, 2500)


# -- the command line ----------------------------------------------------------------------------


def portal_import(app: Flask, *arguments: str) -> tuple[int, str]:
    """Run ``portal import`` as a shell would and return its exit code and what it wrote."""
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["portal", "import", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result.exit_code, result.output


def test_the_command_line_imports_with_a_persons_rights(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "設備.csv"
    wrong = ["PH-0002", "x", "no kind", "3F-A", "", "", "", ""]
    file.write_bytes(csv_of(GOOD, wrong))
    code, told = portal_import(app, "equipment", str(file), "--as", "fan", "--dry-run")
    assert (code, equipment()) == (1, {})
    assert "new: 1" in told
    assert db.session.scalars(select(ImportRun)).all() == [], "a dry run leaves nothing"

    rejects = tmp_path / "rejects.csv"
    code, told = portal_import(app, "equipment", str(file), "--as", "FAN", "--all-or-nothing")
    assert (code, equipment()) == (1, {})
    code, told = portal_import(app, "EquipmentView", str(file), "--as", "fan", "--rejects", str(rejects))
    assert code == 1
    assert "wrong: 1" in told
    assert "no kind" in told
    assert equipment()["PH-0001"].created_by_id == member("fan").user_id
    back = list(csv.reader(io.StringIO(rejects.read_bytes().decode("utf-8-sig"))))
    assert back[1][:8] == wrong
    back[1][2] = "PHONE"
    file.write_bytes(csv_of(*back[1:], header=back[0]))
    assert portal_import(app, "equipment", str(file), "--as", "fan")[0] == 0
    assert set(equipment()) == {"PH-0001", "PH-0002"}

    for login in ("mei", "nobody"):
        code, told = portal_import(app, "equipment", str(file), "--as", login)
        assert code == 1, told
    assert portal_import(app, "task", str(file))[0] == 1
    assert portal_import(app, "equipment", str(file), "--mapping", "none such")[0] == 1
    assert portal_import(app, "equipment", str(tmp_path / "absent.csv"))[0] == 2


def test_the_command_line_without_a_person_is_the_portal_itself(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "areas.csv"
    header = ["Code", "Name (Traditional Chinese)", "Name (Simplified Chinese)", "Name (English)"]
    file.write_bytes(csv_of(["5F-A", "甲", "甲", "A"], header=header))
    code, told = portal_import(app, "area", str(file))
    assert (code, "new: 1" in told) == (0, True)
    made = db.session.scalars(select(Area).where(Area.code == "5F-A")).one()
    assert made.created_by_id is None
    run = db.session.scalars(select(ImportRun)).one()
    assert (run.status, run.user_id, counts(run)) == (RunStatus.DONE, None, (1, 0, 0, 0))


def test_shipped_matchings_fit_the_screens_they_are_for(app: Flask) -> None:
    for path in SHIPPED.glob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        view = guarded_views()[data["screen"]]
        matching = Matching.read(data)
        matching.check(view, [source.column for source in matching.sources.values()])
        assert data["name"], path.name


@pytest.mark.slow
def test_the_real_complaints_come_in_by_the_command_line_and_twice_changes_nothing(app: Flask) -> None:
    """Every line of the file becomes a complaint (what is in them is proved with the room); again, none is touched."""
    file = (
        Path(os.environ.get("PORTAL_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")) / "ct_complaints.csv"
    )
    if not file.is_file():
        pytest.skip(f"{file} is not on this machine")
    for outcome in ("new", "unchanged"):
        code, told = portal_import(app, "complaint", str(file), "--mapping", "ct_complaints", "--as", "su")
        assert code == 0, told
        assert f"{outcome}: 5003" in told
        entries = db.session.scalar(select(func.count()).where(AuditEntry.entity == "complaint"))
        assert entries == 5003
    assert db.session.scalar(select(func.count()).select_from(Complaint)) == 5003
    assert db.session.scalar(select(func.max(Complaint.version))) == 1
