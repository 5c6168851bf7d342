"""Row rights on every path of every screen: what is outside a person's scope does not exist for them."""

from __future__ import annotations

import csv
from io import BytesIO
from typing import Any

import pytest
from conftest import CAST, Member, Person, SignIn, member
from flask import Flask
from samples import sample
from sqlalchemy import inspect as sa_inspect
from test_laws import screens
from werkzeug.datastructures import FileStorage

from app.core import files
from app.core.db import db
from app.core.rights import load_grants
from app.core.scope import Scope
from app.core.views import PortalView

# Kai is of team 2; what is his is outside the own, team and department scopes of these.
OUTSIDERS = [one for one in CAST if one.login not in {"kai", "su", "an", "ao"}]


def narrow(view: PortalView, user_id: int) -> list[str]:
    """Return the verbs this user has on a screen with a scope that leaves kai's rows out."""
    held = load_grants(user_id)
    name = view.class_permission_name
    return [
        permission.removeprefix("can_")
        for permission in view.base_permissions
        if held.may(permission, name) and held.scope(permission.removeprefix("can_"), name) <= Scope.TEAM
    ]


def attempts(view: PortalView, verb: str, row: Any, upload: int | None) -> list[tuple[str, str]]:
    """Return every address by which a verb could reach a row: method and address."""
    base, api = view.route_base, f"/api/v1/{view.model.__tablename__.replace('_', '-')}"
    known = {
        "show": [("GET", f"{base}/show/{row.id}"), ("GET", f"{api}/{row.id}")],
        "edit": [
            ("GET", f"{base}/edit/{row.id}"),
            ("POST", f"{base}/edit/{row.id}"),
            ("PUT", f"{api}/{row.id}"),
            ("POST", f"{base}/attach/{row.id}"),
        ],
        "delete": [("POST", f"{base}/delete/{row.id}"), ("DELETE", f"{api}/{row.id}")],
    }
    if upload is not None:
        known["show"] += [("GET", f"{base}/file/{row.id}/{upload}")]
    if view.workflow and verb in view.workflow.steps:
        return [
            ("GET", f"{base}/step/{row.id}/{verb}"),
            ("POST", f"{base}/step/{row.id}/{verb}"),
            ("POST", f"{api}/{row.id}/step/{verb}"),
        ]
    return known.get(verb, [])


def call(person: Person, method: str, url: str, token: str) -> int:
    """Send a request as a page or a script of this browser would."""
    if url.startswith("/api/"):
        return person.open(url, method=method, json={}, headers={"X-CSRFToken": token}).status_code
    data = {"csrf_token": token} if method == "POST" else None
    return person.open(url, method=method, data=data).status_code


@pytest.mark.slow
def test_rows_outside_the_scope_are_out_of_reach_on_every_path(app: Flask, sign_in: SignIn) -> None:
    tried = 0
    for view in screens(app):
        if view.model.__tablename__.startswith("ab_") or not view.scopes:
            continue
        row = sample(view.model, member("kai"))
        upload = None
        if view.has_files:
            files.attach(row, files.take_in([FileStorage(BytesIO(b"words"), "a.txt")]))
            upload = files.attachments_of(row)[0]
            db.session.flush()
            upload = upload.id
        db.session.commit()
        before = {name: getattr(row, name) for name in sa_inspect(view.model).columns.keys()}  # noqa: SIM118
        for one in OUTSIDERS:
            person = sign_in(one.login)
            verbs = narrow(view, member(one.login).user_id)
            if not verbs:
                continue
            token = person.token()
            for verb in verbs:
                for method, url in attempts(view, verb, row, upload):
                    status = call(person, method, url, token)
                    assert status == 404, f"{one.login} {method} {url}: {status}"
                    tried += 1
            tried += not_listed(person, view, row, verbs, one)
        db.session.expire_all()
        row = db.session.get(view.model, row.id)
        assert row is not None, f"{type(view).__name__}: the row is gone"
        assert {name: getattr(row, name) for name in before} == before, type(view).__name__
    assert tried > min(30, 10 * len(screens(app)))


def not_listed(person: Person, view: PortalView, row: Any, verbs: list[str], one: Member) -> int:
    """See that a foreign row is in no list, export, look-up or bulk step."""
    base, api = view.route_base, f"/api/v1/{view.model.__tablename__.replace('_', '-')}"
    mark = f'{base}/show/{row.id}"'
    if "list" in verbs:
        assert mark not in person.get(f"{base}/list/").text, f"{one.login} {base}/list/"
        listed = person.get(f"{api}/").json["result"]
        assert row.id not in [found["id"] for found in listed], f"{one.login} {api}"
    if "export" in verbs:
        text = person.get(f"{base}/export/csv").data.decode("utf-8-sig")
        count = person.get(f"{api}/").json["count"]
        assert len(list(csv.reader(text.splitlines()))) == count + 1, f"{one.login} {base}/export/csv"
    if "lookup" in verbs:
        rows = person.get(f"{base}/lookup").json["rows"]
        assert str(row.id) not in [found["value"] for found in rows], f"{one.login} {base}/lookup"
    for name, step in (view.workflow.steps if view.workflow else {}).items():
        if name in verbs and not step.asks:
            person.send(f"{base}/steps/{name}", {"rowid": str(row.id)})
    return 1


def test_a_person_cannot_put_a_record_out_of_or_into_a_foreign_scope(app: Flask, sign_in: SignIn) -> None:
    """The agent's own report stays the agent's: a forged reporter in the form changes nothing."""
    from test_repairs import equipment, report  # noqa: PLC0415 - only here

    mei = sign_in("mei")
    repair = report(
        mei, equipment(), reporter=str(member("kai").id), reporter_id=str(member("kai").id), status="CLOSED"
    )
    assert (repair.reporter, repair.status.name) == (member("mei"), "REPORTED")


def test_related_lists_need_the_childs_own_right(app: Flask, sign_in: SignIn) -> None:
    from test_repairs import equipment, report  # noqa: PLC0415 - only here

    item = equipment()
    report(sign_in("mei"), item)
    assert "RP-" in sign_in("fan").page(f"/equipment/show/{item.id}").main.text
    assert "RP-" in sign_in("mei").page(f"/equipment/show/{item.id}").main.text
    item.keeper = member("kai")
    db.session.commit()
    # Kai may open his equipment, but Mei's report of it is not in his scope.
    assert "RP-" not in sign_in("kai").page(f"/equipment/show/{item.id}").main.text


def test_a_right_taken_away_is_gone_with_the_next_request(app: Flask, sign_in: SignIn) -> None:
    from app.core.roles import current_grants, write_grants  # noqa: PLC0415 - only here

    fan = sign_in("fan")
    assert fan.get("/equipment/list/").status_code == 200
    held = current_grants()
    write_grants(held, held - {("facility", "can_list", "EquipmentView")})
    db.session.commit()
    assert fan.get("/equipment/list/").status_code == 403
    assert "/equipment/list/" not in fan.get("/").text
