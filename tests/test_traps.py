"""The traps of Flask-AppBuilder and of the web, tried on every screen at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from conftest import DATABASE, Person, SignIn
from flask import Flask
from samples import sample
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from test_laws import one_of_each, row_of, screens
from test_repairs import equipment, first, photo, report

from app.core import clock
from app.core.db import db
from app.core.entity import Catalog
from app.core.files import Attachment
from app.core.views import PortalView
from app.workplace.models import Area, Equipment, EquipmentKind, Repair

READERS = ("an", "fan", "su", "ao", "liang", "mei")
SQL = re.compile(r"SELECT |INSERT INTO|UPDATE .* SET|sqlite3|psycopg|Traceback|sqlalche")
BAD_ARGUMENTS = (
    "page=abc",
    "page=-1",
    "page=0",
    "page=99999999999999999999",
    "size=1000000",
    "size=-5",
    "order=password",
    "order=__class__",
    "order=id;drop",
    "dir=sideways",
    "q=%00",
    "q=%25",
    "q=" + "x" * 3000,
    "q=%F0%9F%98%80",
    "unknown=1",
    "page_X=abc",
    "_flt_9_name=1",
    "_oc_X=password",
    "order=user.password",
)
BAD_VALUES = (
    *("abc", "-1", "99999999999999999999", "%00", "NO_MEMBER", "2026-99-99", "", "1e999", "%F0%9F%98%80", "NaN"),
    # Days at the ends of the calendar, for which there is no moment in another zone.
    *("0001-01-01", "9999-12-31T23:59:59-23:00"),
)


def reader_of(view: PortalView, sign_in: SignIn, people: dict[str, Person]) -> Person | None:
    """Return one of the cast who may list a screen."""
    for login in READERS:
        person = people.setdefault(login, sign_in(login))
        if person.get(f"{view.route_base}/list/").status_code == 200:
            return person
    return None


@pytest.mark.slow
def test_a_bad_address_never_breaks_a_list(app: Flask, sign_in: SignIn) -> None:
    """Alike on both databases: what cannot be read is left out and told; the REST API answers 400."""
    one_of_each(app, "mei")
    people: dict[str, Person] = {}
    rooms: set[str] = set()
    tried = 0
    for view in screens(app):
        person = reader_of(view, sign_in, people)
        assert person is not None, f"nobody lists {view.route_base}"
        names = list(view.filters_by_name())
        # Every filter with every bad value, all filters at once; every bad argument alone on one screen of each room.
        filters = ["&".join(f"{name}={value}" for name in names) for value in BAD_VALUES if names]
        room = type(view).__module__
        alone = BAD_ARGUMENTS if room not in rooms else ("&".join(BAD_ARGUMENTS),)
        rooms.add(room)
        for argument in [*alone, *filters]:
            answer = person.get(f"{view.route_base}/list/?{argument}")
            assert answer.status_code == 200, f"{view.route_base}?{argument}: {answer.status_code}"
            assert not SQL.search(answer.text), f"{view.route_base}?{argument}"
            api = person.get(f"/api/v1{view.route_base}/?{argument}")
            assert api.status_code in {200, 400, 403, 404}, f"/api/v1{view.route_base}?{argument}: {api.status_code}"
            tried += 1
        for key in ("0", "abc", "99999999999999999999", "%00"):
            assert person.get(f"{view.route_base}/show/{key}").status_code in {403, 404}, (
                f"{view.route_base}/show/{key}"
            )
    assert tried > min(200, 20 * len(screens(app)))


def test_a_hidden_column_does_not_show_through_the_order(app: Flask, sign_in: SignIn) -> None:
    """Only columns of the list sort: an order by any other column, one of the record's page too, is the usual order."""
    for number in range(5):
        item = sample(Equipment)
        item.serial_number = f"S{number}"
        item.changed_at = clock.now() - timedelta(days=number)
    db.session.commit()
    fan = sign_in("fan")
    usual = fan.page("/equipment/list/").select_one("table.list").text
    assert fan.page("/equipment/list/?order=changed_at&dir=asc").select_one("table.list").text == usual
    assert fan.page("/equipment/list/?order=serial_number&dir=desc").select_one("table.list").text == usual
    assert fan.page("/equipment/list/?order=tag&dir=desc").select_one("table.list").text != usual


def test_a_page_never_grows_past_its_bounds(app: Flask, sign_in: SignIn) -> None:
    for _number in range(130):
        sample(Equipment)
    db.session.commit()
    fan = sign_in("fan")
    assert len(fan.page("/equipment/list/?size=1000000").select("table.list tbody tr")) == 25
    assert len(fan.page("/equipment/list/?size=100").select("table.list tbody tr")) == 100
    assert len(fan.get("/api/v1/equipment/?size=1000000").json["result"]) == 25


def test_search_signs_are_ordinary_characters(app: Flask, sign_in: SignIn) -> None:
    """% and _ match themselves only."""
    for name in ("100% cotton", "100 cotton", "a_b", "axb"):
        sample(Equipment).name = name
    db.session.commit()
    fan = sign_in("fan")

    def names(words: str) -> set[str]:
        rows = fan.get(f"/api/v1/equipment/?q={quote(words)}").json["result"]
        return {row["name"] for row in rows}

    assert names("%") == {"100% cotton"}
    assert names("a_b") == {"a_b"}
    assert names("COTTON") == {"100% cotton", "100 cotton"}


@pytest.mark.slow
def test_filters_are_nobody_elses_under_sixteen_threads(app: Flask, sign_in: SignIn) -> None:
    """Each of sixteen people at once sees the filter they asked for, and only their rows."""
    kind, area = first(EquipmentKind), first(Area)
    for number in range(16):
        db.session.add(Equipment(tag=f"TAG-{number:02d}", name=f"機{number:02d}", kind=kind, area=area))
    db.session.commit()
    people = [sign_in("fan") for _number in range(16)]
    db.session.remove()

    def look(number: int) -> list[str]:
        wrong = []
        for _round in range(12):
            page = people[number].get(f"/equipment/list/?q=TAG-{number:02d}").text
            found = set(re.findall(r"TAG-\d\d", page))
            if found != {f"TAG-{number:02d}"}:
                wrong.append(f"{number}: {sorted(found)}")
        return wrong

    with ThreadPoolExecutor(16) as pool:
        wrong = [line for lines in pool.map(look, range(16)) for line in lines]
    assert wrong == []


@pytest.mark.slow
def test_what_was_typed_survives_every_error(app: Flask, sign_in: SignIn) -> None:
    """An empty required field, an over-long text, a wrong choice: the form comes back as it was typed."""
    tried: set[str] = set()
    for login in READERS:
        person = sign_in(login)
        for view in screens(app):
            url = f"{view.route_base}/add"
            if url in tried or person.get(url).status_code != 200:
                continue
            tried.add(url)
            token = person.token()
            soup = person.page(url)
            typed = {}
            for field in soup.select("main input[type=text], main textarea"):
                typed[str(field["name"])] = f"打字<b>{'長' * 3000 if len(typed) == 0 else '文'}"
            answer = person.post(url, data={"csrf_token": token, **typed})
            assert answer.status_code == 422, f"{url}: {answer.status_code}"
            back = person.read(answer.text, url)
            for name, value in typed.items():
                field = back.select_one(f"main [name='{name}']")
                kept = field.text.lstrip("\r\n") if field.name == "textarea" else field.get("value", "")
                assert kept == value, f"{url}: {name} was lost"
            assert not SQL.search(answer.text), url


def test_a_taken_number_is_a_sentence_not_a_statement(app: Flask, sign_in: SignIn) -> None:
    item = equipment("PH-1")
    fan = sign_in("fan")
    answer = fan.submit("/equipment/add", tag="PH-1", name="另一台", kind=str(item.kind_id), area=str(item.area_id))
    assert not SQL.search(answer.text)
    soup = fan.read(answer.text, "/equipment/add")
    assert soup.select_one("[name=name]")["value"] == "另一台"
    assert soup.select_one("#tag-error") is not None
    api = fan.post(
        "/api/v1/equipment/",
        headers={"X-CSRFToken": fan.token()},
        json={
            "tag": "PH-1",
            "name": "x",
            "kind": item.kind.code,
            "area": item.area.code,
        },
    )
    assert (api.status_code, list(api.json["errors"])) == (422, ["tag"])
    assert len(list(db.session.scalars(select(Equipment)))) == 1


def test_a_row_others_refer_to_is_not_deleted(app: Flask, sign_in: SignIn) -> None:
    """On SQLite, too, where foreign keys hold only if asked for."""
    item = equipment()
    report(sign_in("mei"), item)
    fan = sign_in("fan")
    page = fan.send(f"/equipment/delete/{item.id}", follow_redirects=True)
    assert page.status_code == 200
    assert not SQL.search(page.text)
    assert fan.read(page.text, "delete").select_one(".note-danger").text.strip()
    assert db.session.get(Equipment, item.id) is not None
    with pytest.raises(IntegrityError):
        db.session.execute(text("DELETE FROM equipment"))
    db.session.rollback()
    if DATABASE == "sqlite":
        assert db.session.scalar(text("PRAGMA foreign_keys")) == 1


def test_two_people_editing_never_overwrite_each_other(app: Flask, sign_in: SignIn) -> None:
    """The second is told what the first changed, loses nothing typed, and may then save knowingly."""
    item = equipment()
    fan, other = sign_in("fan"), sign_in("fan")
    old = fan.page(f"/equipment/edit/{item.id}")
    other.submit(f"/equipment/edit/{item.id}", name="新話機", seat="B12")
    from conftest import inputs  # noqa: PLC0415 - only here

    mine = {**inputs(old.select_one("form[data-guard]")), "name": "我的名字"}
    answer = fan.post(f"/equipment/edit/{item.id}", data=mine)
    assert answer.status_code == 422
    soup = fan.read(answer.text, "edit")
    told = soup.select_one(".note-warning").text
    assert "新話機" in told
    assert "B12" in told
    assert "許帆" in told
    assert soup.select_one("[name=name]")["value"] == "我的名字"
    db.session.expire_all()
    assert db.session.get(Equipment, item.id).name == "新話機"
    again = inputs(soup.select_one("form[data-guard]"))
    assert fan.post(f"/equipment/edit/{item.id}", data=again).status_code == 302
    assert db.session.get(Equipment, item.id).name == "我的名字"
    token = {"X-CSRFToken": fan.token()}
    stale = fan.put(f"/api/v1/equipment/{item.id}", headers=token, json={"version": 1, "name": "z"})
    assert stale.status_code == 409
    assert fan.put(f"/api/v1/equipment/{item.id}", headers=token, json={"name": "z"}).status_code == 422


def test_the_rest_api_writes_one_row_and_nothing_nested(app: Flask, sign_in: SignIn) -> None:
    """A dict where a key belongs makes no related row, an unknown key and an unknown column are told."""
    item = equipment()
    fan = sign_in("fan")
    token = {"X-CSRFToken": fan.token()}
    areas = db.session.query(Area).count()
    for area in ({"id": 4242, "name_en": "Cellar", "code": "X"}, 4242, [1], "no such area"):
        body = {"tag": "N-1", "name": "n", "kind": item.kind.code, "area": area}
        answer = fan.post("/api/v1/equipment/", headers=token, json=body)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["area"]), area
    hidden = fan.post(
        "/api/v1/equipment/",
        headers=token,
        json={
            "tag": "N-1",
            "name": "n",
            "kind": item.kind.code,
            "area": item.area.code,
            "status": "SCRAPPED",
        },
    )
    assert (hidden.status_code, list(hidden.json["errors"])) == (422, ["status"])
    assert db.session.query(Area).count() == areas
    made = fan.post(
        "/api/v1/equipment/",
        headers=token,
        json={
            "tag": "N-1",
            "name": "新",
            "kind": item.kind.code,
            "area": item.area.id,
            "bought_on": "2026-01-31",
            "cost": "12.50",
        },
    )
    assert made.status_code == 201, made.json
    assert made.json["result"]["area"] == {"id": item.area_id, "text": str(item.area)}
    for broken in (b"{", b"[]", b"null", b'"x"'):
        answer = fan.post("/api/v1/equipment/", headers=token, data=broken, content_type="application/json")
        assert answer.status_code == 422
    assert (
        fan.put(f"/api/v1/equipment/{made.json['id']}", headers=token, json={"version": 1, "seat": "C3"}).json[
            "result"
        ]["seat"]
        == "C3"
    )
    assert fan.delete(f"/api/v1/equipment/{made.json['id']}", headers=token).status_code == 200


def test_a_file_keeps_its_chinese_name_and_an_edit_does_not_ask_for_it_again(app: Flask, sign_in: SignIn) -> None:
    item = equipment()
    repair = report(sign_in("mei"), item, attachments=photo())
    found = db.session.scalars(select(Attachment)).one()
    fan = sign_in("fan")
    sent = fan.get(f"/repair/file/{repair.id}/{found.id}")
    assert "filename*=UTF-8''%E8%A9%B1%E6%A9%9F" in sent.headers["Content-Disposition"]
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert fan.submit(f"/repair/edit/{repair.id}", fault="仍然沒有聲音").status_code == 200
    db.session.expire_all()
    assert db.session.get(Repair, repair.id).fault == "仍然沒有聲音"
    assert len(list(db.session.scalars(select(Attachment)))) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", b"<script>alert(1)</script>"),
        ("a.exe", b"MZ" + b"0" * 200),
        ("photo.jpg", b"<script>alert(1)</script>"),
        ("a.pdf", b"no pdf at all"),
        ("a.txt", b"<html><script>1</script>"),
        ("../../etc/passwd", b"root"),
        ("空.txt", b""),
        ("x.svg", b"<svg onload='1'/>"),
        ("a.docx", b"PK\x03\x04 nothing"),
        ("a" * 400 + ".exe", b"1"),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused_with_a_sentence(
    app: Flask, sign_in: SignIn, name: str, content: bytes
) -> None:
    from io import BytesIO  # noqa: PLC0415 - only here

    item = equipment()
    mei = sign_in("mei")
    kind = sample_fault()
    answer = mei.submit(
        f"/repair/add?equipment={item.id}",
        fault_kind=kind,
        impact="HINDERS",
        fault="雜音很大",
        attachments=(BytesIO(content), name),
    )
    assert answer.status_code == 422
    assert "雜音很大" in answer.text
    assert db.session.query(Repair).count() == 0
    assert db.session.query(Attachment).count() == 0


def sample_fault() -> str:
    """Return the key of a kind of fault."""
    from app.workplace.models import FaultKind  # noqa: PLC0415 - only here

    return str(first(FaultKind).id)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_hostile_text_stays_text(app: Flask, sign_in: SignIn) -> None:
    """HTML in every text field of every screen is shown as it was typed."""
    hostile = "<img src=x onerror=alert(1)>{{7*7}}=cmd|' /C calc'!A0"
    for view in screens(app):
        if view.model.__tablename__.startswith("ab_"):
            continue
        row = row_of(view, "mei")
        if issubclass(view.model, Catalog):
            row.name_zh_hant = hostile
        for column in view.model.__table__.columns:
            if type(column.type).__name__ == "Text" and not column.foreign_keys:
                setattr(row, column.name, hostile)
    db.session.commit()
    people: dict[str, Person] = {}
    for view in screens(app):
        person = reader_of(view, sign_in, people)
        assert person is not None
        for url in (f"{view.route_base}/list/", f"{view.route_base}/show/1"):
            page = person.get(url).text
            assert "<img src=x" not in page, url
            assert "49" not in page or "{{7*7}}" in page or hostile not in page, url


def test_the_session_survives_a_language_that_is_gone(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei", "xx_YY")
    assert mei.page("/").html["lang"] == "zh-Hant-TW"


@pytest.mark.parametrize(
    ("asked", "lang"),
    [
        ("zh-TW", "zh-Hant-TW"),
        ("zh-HK,zh;q=0.5", "zh-Hant-TW"),
        ("zh-CN", "zh-Hans-CN"),
        ("zh-SG", "zh-Hans-CN"),
        ("en-US,en;q=0.9", "en"),
        ("de", "zh-Hant-TW"),
        ("", "zh-Hant-TW"),
    ],
)
def test_the_first_visit_follows_the_browser(app: Flask, asked: str, lang: str) -> None:
    page = app.test_client().get("/login/", headers={"Accept-Language": asked}).text
    assert f'<html lang="{lang}"' in page


def test_the_choice_of_language_is_kept_for_the_person(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    kept = mei.send("/language/zh_Hans_CN", {"next": "/repair/list/?q=PH"})
    assert kept.headers["Location"].endswith("/repair/list/?q=PH")
    elsewhere = sign_in("mei", "en")
    assert elsewhere.page("/").html["lang"] == "zh-Hans-CN"
    assert mei.send("/language/xx").status_code == 404
    assert "evil" not in mei.send("/language/en", {"next": "https://evil.example/"}).headers["Location"]


def test_a_language_is_not_chosen_by_a_link_or_from_another_site(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    assert mei.get("/language/en").status_code == 405
    assert mei.get("/lang/en").status_code == 404
    assert mei.post("/language/en").status_code == 400
    assert mei.page("/").html["lang"] == "zh-Hant-TW"


def test_the_rest_api_describes_every_entity(app: Flask, sign_in: SignIn) -> None:
    """The OpenAPI page names each entity's addresses, and every reference in it leads somewhere."""
    spec = sign_in("an").get("/api/v1/_openapi").json
    for view in screens(app):
        if view.model.__tablename__.startswith("ab_"):
            continue
        assert f"/api/v1/{view.model.__tablename__.replace('_', '-')}/" in spec["paths"], type(view).__name__

    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            yield from [part["$ref"]] if "$ref" in part else []
            for one in part.values():
                yield from references(one)
        elif isinstance(part, list):
            for one in part:
                yield from references(one)

    for reference in set(references(spec)):
        found = spec
        for name in reference.removeprefix("#/").split("/"):
            assert name in found, reference
            found = found[name]
    assert sign_in("mei").get("/api/v1/_openapi").status_code == 403


def test_nothing_loads_from_outside(app: Flask, sign_in: SignIn) -> None:
    answer: Any = sign_in("mei").get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_bulk_step_comes_back_to_the_list_as_it_was(app: Flask, sign_in: SignIn) -> None:
    repair, fan = report(sign_in("mei"), equipment()), sign_in("fan")
    back = "/repair/list/?status=REPORTED&order=number"
    for sent, went in ((back, back), ("", "/repair/list/"), ("https://evil.example/", "/")):
        answer = fan.send("/repair/steps/accept", {"rowid": str(repair.id), "back": sent})
        assert answer.headers["Location"] == went
