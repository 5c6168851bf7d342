"""Roles: the matrix in the file, in the database and on its page; what it grants holds from the next request."""

from __future__ import annotations

import csv
import itertools
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from conftest import Person, SignIn, inputs
from flask import Flask
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, User, ViewMenu
from page import check_page
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine
from werkzeug.test import TestResponse

from app.core.audit import AuditEntry
from app.core.db import db
from app.core.roles import (
    ROLE_LABELS,
    VERB_LABELS,
    Grant,
    MatrixError,
    RoleName,
    check_matrix,
    current_grants,
    guarded_views,
    permissions_in,
    read_matrix,
    shipped_grants,
    sync_roles,
    verb_label,
    verbs_of,
    write_grants,
)
from app.core.scope import Scope
from app.lobby.commands import SEED
from app.lobby.roles import Cell, difference, screens

MATRIX = SEED / "roles.csv"
LOCALES = ("zh_Hant_TW", "zh_Hans_CN", "en")


def role(name: str) -> Role:
    return db.session.scalars(select(Role).where(Role.name == name)).one()


def held(name: str) -> frozenset[Grant]:
    db.session.expire_all()
    return current_grants(role(name).id)


def form_of(page: BeautifulSoup) -> dict[str, Any]:
    form = page.select_one("form.matrix")
    assert form is not None
    return inputs(form)


def page_of(person: Person, name: str) -> BeautifulSoup:
    return person.page(f"/role/show/{role(name).id}")


Names = tuple[str, ...]


def save(person: Person, name: str, *, give: Names = (), take: Names = (), **more: str) -> TestResponse:
    """Open a role's page, tick and untick, choose, and save."""
    data = form_of(page_of(person, name))
    return send(person, name, data, give=give, take=take, **more)


def send(
    person: Person, name: str, data: dict[str, Any], *, give: Names = (), take: Names = (), **more: str
) -> TestResponse:
    data = {**data, **dict.fromkeys(give, "1"), **{key.replace("__", ":"): value for key, value in more.items()}}
    for name_ in take:
        data.pop(name_)
    return person.post(f"/role/save/{role(name).id}", data=data)


# -- the file --------------------------------------------------------------------------------


def test_every_guarded_screen_has_its_row_and_every_column_its_role(app: Flask) -> None:
    with MATRIX.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["screen"] for row in rows} == set(guarded_views())
    assert [name for name in rows[0] if name != "screen"] == list(ROLE_LABELS)
    assert len({row["screen"] for row in rows}) == len(rows), "a screen has two rows"


@pytest.mark.parametrize(
    ("cell", "granted"),
    [
        ("", set()),
        ("list show @own", {"can_list", "can_show", "scope_own"}),
        ("lookup @all", {"can_lookup", "scope_all"}),
        ("list @team; lookup export @all", {"can_list", "scope_team", "can_lookup", "scope_all_lookup", "can_export",
                                            "scope_all_export"}),
    ],
)  # fmt: skip
def test_a_cell_means_what_it_says(cell: str, granted: set[str]) -> None:
    assert set(permissions_in(cell)) == granted


@pytest.mark.parametrize("cell", ["list", "list @everything", "list @own @all", "list show @own; lookup", "@nowhere"])
def test_a_cell_nobody_can_read_is_refused(tmp_path: Path, cell: str) -> None:
    file = tmp_path / "roles.csv"
    file.write_text(f"screen,agent\nRepairView,{cell}\n", encoding="utf-8")
    with pytest.raises(MatrixError, match=r"roles\.csv, RepairView, agent"):
        read_matrix(file)


@pytest.mark.parametrize(
    ("grant", "told"),
    [
        (("agent", "can_fly", "RepairView"), "fly"),
        (("agent", "can_list", "NowhereView"), "NowhereView"),
        (("agent", "can_add", "TaskView"), "add"),
    ],
)
def test_a_matrix_that_names_what_does_not_exist_is_refused(app: Flask, grant: Grant, told: str) -> None:
    with pytest.raises(MatrixError, match=told):
        check_matrix(read_matrix(MATRIX) | {grant})


def test_a_screen_without_a_row_is_refused(app: Flask) -> None:
    rest = frozenset(grant for grant in read_matrix(MATRIX) if grant[2] != "RepairView")
    with pytest.raises(MatrixError, match="RepairView"):
        check_matrix(rest)


def test_every_scope_in_the_file_has_a_path_on_its_screen(app: Flask) -> None:
    """A scope without a path would show nothing, silently."""
    views = guarded_views()
    for name, permission, screen in read_matrix(MATRIX):
        if permission.startswith("scope_"):
            scope = Scope[permission.split("_")[1].upper()]
            narrower = [one for one in getattr(views[screen], "scopes", {}) if one <= scope]
            assert scope is Scope.ALL or narrower, f"{screen}, {name}: {permission}"


def test_every_verb_has_a_name_in_words(app: Flask) -> None:
    for name, view in guarded_views().items():
        for verb in verbs_of(view):
            workflow = getattr(view, "workflow", None)
            own = {*(workflow.steps if workflow else ()), *getattr(view, "verb_labels", ())}
            assert verb in VERB_LABELS or verb in own, f"{name}: {verb} has no label; see verb_labels"
            assert verb_label(view, verb)


def test_nobody_but_administrators_changes_rights(app: Flask) -> None:
    changing = {
        name
        for name, permission, screen in read_matrix(MATRIX)
        if screen in {"UserView", "RoleView"} and permission.removeprefix("can_") not in {"list", "show", "lookup"}
        if permission.startswith("can_")
    }
    assert changing == {"administrator"}


# -- synchronising ---------------------------------------------------------------------------


def test_synchronising_again_changes_nothing_with_few_statements(app: Flask) -> None:
    found: list[str] = []
    event.listen(Engine, "before_cursor_execute", lambda *args: found.append(args[2]))
    result = sync_roles(read_matrix(MATRIX))
    assert (result.added, result.removed) == (frozenset(), frozenset())
    assert not [one for one in found if one.lstrip()[:6].upper() in {"INSERT", "UPDATE", "DELETE"}]
    assert len(found) <= 4, found


def test_the_database_holds_the_matrix_exactly(app: Flask) -> None:
    assert current_grants() == read_matrix(MATRIX) == shipped_grants()


def test_a_new_release_adds_and_takes_away_and_keeps_what_an_administrator_changed(app: Flask) -> None:
    matrix = read_matrix(MATRIX)
    mine = {("agent", "can_list", "TeamView"), ("agent", "scope_all", "TeamView")}
    gone = {("agent", "can_add", "RepairView")}
    before = current_grants()
    write_grants(before, (before | mine) - gone)
    dropped, new = ("facility", "can_delete", "AreaView"), ("facility", "can_list", "TeamView")
    result = sync_roles((matrix - {dropped}) | {new})
    assert (result.added, result.removed) == ({new}, {dropped})
    now = current_grants()
    assert mine <= now
    assert not gone & now
    assert sync_roles((matrix - {dropped}) | {new}).added == frozenset()
    sync_roles(matrix)
    assert current_grants() == (matrix | mine) - gone


def test_a_scope_an_administrator_chose_outlives_a_new_shipped_one(app: Flask) -> None:
    matrix, before = read_matrix(MATRIX), current_grants()
    shipped, chosen = ("agent", "scope_own", "RepairView"), ("agent", "scope_team", "RepairView")
    wider = ("agent", "scope_all", "RepairView")
    assert shipped in matrix
    write_grants(before, (before - {shipped}) | {chosen})
    sync_roles((matrix - {shipped}) | {wider})
    scopes = {one for one in current_grants() if one[0] == "agent" and one[2] == "RepairView" and "scope_" in one[1]}
    assert scopes == {chosen}


def test_rights_on_what_is_gone_are_removed_whoever_gave_them(app: Flask) -> None:
    before = current_grants()
    stale = {("agent", "can_list", "OldView"), ("agent", "can_fly", "RepairView"), ("agent", "can_add", "TaskView")}
    write_grants(before, before | stale)
    assert db.session.scalar(select(func.count()).where(ViewMenu.name == "OldView")) == 1
    result = sync_roles(read_matrix(MATRIX))
    assert result.removed == stale
    assert current_grants() == before
    assert db.session.scalar(select(func.count()).where(ViewMenu.name == "OldView")) == 0
    assert db.session.scalar(select(func.count()).where(Permission.name == "can_fly")) == 0
    unheld = select(func.count()).where(PermissionView.id.is_(None))
    assert db.session.scalar(unheld) == 0


def test_a_synchronisation_is_told_in_the_trail(app: Flask) -> None:
    matrix = read_matrix(MATRIX)
    sync_roles(matrix - {("facility", "can_delete", "AreaView")})
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.entity, entry.record_id, entry.user_id) == ("ab_role", role("facility").id, None)
    assert entry.before == {"AreaView": "can_delete"}


# -- the page --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES)
def test_the_page_can_be_read_in_every_language_within_ten_statements(app: Flask, sign_in: SignIn, locale: str) -> None:
    an = sign_in("an", locale)
    for one in db.session.scalars(select(Role)).all():
        found: list[str] = []
        note = lambda *args, found=found: found.append(args[2])  # noqa: E731 - one listener for each page
        event.listen(Engine, "before_cursor_execute", note)
        page = an.page(f"/role/show/{one.id}")
        event.remove(Engine, "before_cursor_execute", note)
        asked = [statement for statement in found if not statement.startswith("BEGIN")]
        assert len(asked) < 10, "\n".join(asked)
        boxes = page.select("form.matrix input[type=checkbox]")
        labels = [box["aria-label"] for box in boxes]
        assert all(labels)
        assert len(set(labels)) == len(labels), "two checkboxes are called the same"
        shown = " ".join([page.main.get_text(" "), *labels])
        assert not re.search(r"[a-z]_[a-z]|[a-z]View\b", shown), "a program's name shows"
        for select_ in page.select("form.matrix select"):
            assert len(select_.select("option[selected]")) == 1, select_["name"]


@pytest.mark.slow
def test_the_page_shows_what_is_stored(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    for name in ROLE_LABELS:
        page = page_of(an, name)
        ticked = {str(box["name"]) for box in page.select("input[type=checkbox][checked]")}
        wanted = {f"{permission}:{view}" for _role, permission, view in held(name) if permission.startswith("can_")}
        assert ticked == wanted, name
        assert not page.select(".differs")
    assert "周美 (mei)" in page_of(an, "agent").select_one(".holders").text
    assert page_of(an, "agent").select_one(f".holders a[href='/user/show/{user('mei').id}']") is not None


def user(login: str) -> User:
    return db.session.scalars(select(User).where(User.username == login)).one()


def test_every_screen_stands_once_on_the_page(app: Flask) -> None:
    shown = [name for _label, views in screens() for name in views]
    assert sorted(shown) == sorted(guarded_views())


@pytest.mark.slow
def test_saving_without_a_change_changes_nothing(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    for name in ROLE_LABELS:
        before = held(name)
        assert save(an, name).status_code == 302
        assert held(name) == before, name
    assert current_grants() == read_matrix(MATRIX)


def test_what_is_ticked_is_saved_exactly_and_holds_from_the_next_click(app: Flask, sign_in: SignIn) -> None:
    an, mei = sign_in("an"), sign_in("mei")
    before = held("agent")
    assert mei.get("/team/list/").status_code == 403
    assert mei.get("/repair/add").status_code == 200
    answer = save(an, "agent", give=("can_list:TeamView",), take=("can_add:RepairView",), scope__TeamView="all")
    assert answer.status_code == 302
    assert mei.get("/team/list/").status_code == 200
    assert mei.get("/repair/add").status_code == 403
    new = {("agent", "can_list", "TeamView")}
    assert held("agent") == (before | new) - {("agent", "can_add", "RepairView")}
    page = page_of(an, "agent")
    assert len(page.select(".differs")) == 2
    told = page.select_one("#RepairView .differs").text
    assert "新增" in told
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.entity, entry.record_id, entry.user_id) == ("ab_role", role("agent").id, user("an").id)
    assert "黃安" in page.select_one(".role-facts").text
    assert "新增" in page.select_one(".role-facts .history").text


def test_the_reach_of_a_row_and_of_look_ups_is_saved(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    save(an, "agent", scope__StaffMemberView="team", scope_lookup__StaffMemberView="department")
    grants = {permission for _role, permission, view in held("agent") if view == "StaffMemberView"}
    assert {"scope_team", "scope_department_lookup"} <= grants
    assert not {"scope_own", "scope_all_lookup"} & grants
    page = page_of(an, "agent")
    chosen = page.select_one("select[name='scope_lookup:StaffMemberView'] option[selected]")
    assert chosen["value"] == "department"
    save(an, "agent", scope_lookup__StaffMemberView="")
    grants = {permission for _role, permission, view in held("agent") if view == "StaffMemberView"}
    assert not any(permission.endswith("_lookup") and permission.startswith("scope") for permission in grants)


def test_a_screen_where_nothing_is_ticked_leaves_no_scope_behind(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    verbs = tuple(f"{p}:RepairView" for _r, p, view in held("agent") if view == "RepairView" and p.startswith("can_"))
    save(an, "agent", take=verbs)
    assert not [grant for grant in held("agent") if grant[2] == "RepairView"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "forged",
    [
        {"scope:RepairView": "galaxy"}, {"scope:AreaView": "own"}, {"scope_lookup:RepairView": "galaxy"},
        {"was:RepairView": "scope_galaxy"},
    ],
)  # fmt: skip
def test_forged_values_are_refused(app: Flask, sign_in: SignIn, forged: dict[str, str]) -> None:
    an = sign_in("an")
    before = held("agent")
    data = {**form_of(page_of(an, "agent")), "can_lookup:RepairView": "1", **forged}
    assert an.post(f"/role/save/{role('agent').id}", data=data).status_code == 400
    assert held("agent") == before


def test_forged_verbs_give_nothing(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    before = held("agent")
    save(an, "agent", give=("can_fly:RepairView", "can_list:NowhereView", "can_add:TaskView"))
    assert held("agent") == before


def test_someone_elses_change_is_told_and_both_are_kept(app: Flask, sign_in: SignIn) -> None:
    an, boss = sign_in("an"), sign_in("an")
    mine = form_of(page_of(an, "agent"))
    save(boss, "agent", give=("can_list:TeamView", "can_export:RepairView"))
    answer = send(an, "agent", mine, give=("can_list:SupplierView", "can_delete:RepairView"))
    assert answer.status_code == 409
    soup = check_page(answer.text, "/role/save")
    told = soup.select_one(".note-warning").text
    assert "黃安" in told
    assert "匯出" in told
    ticked = {str(box["name"]) for box in soup.select("input[type=checkbox][checked]")}
    assert {"can_list:SupplierView", "can_delete:RepairView"} <= ticked, "a tick of this person is lost"
    assert "can_list:TeamView" in ticked, "the other's change of another row is not taken over"
    assert "can_export:RepairView" not in ticked
    assert len(soup.select(".unsaved")) == 2
    assert ("agent", "can_list", "SupplierView") not in held("agent")
    again = an.post(f"/role/save/{role('agent').id}", data=form_of(soup))
    assert again.status_code == 302
    now = {(permission, view) for _role, permission, view in held("agent")}
    assert {("can_list", "SupplierView"), ("can_delete", "RepairView"), ("can_list", "TeamView")} <= now
    assert ("can_export", "RepairView") not in now


@pytest.mark.slow
def test_one_screen_goes_back_to_the_shipped_matrix_and_unsaved_ticks_stay(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    save(an, "agent", give=("can_list:TeamView", "can_export:RepairView"))
    data = {**form_of(page_of(an, "agent")), "can_list:SupplierView": "1"}
    answer = an.post(f"/role/reset/{role('agent').id}", data={**data, "screen": "RepairView"})
    assert answer.status_code == 200
    soup = check_page(answer.text, "/role/reset")
    assert soup.select_one("input[name='can_list:SupplierView']").has_attr("checked")
    now = {(permission, view) for _role, permission, view in held("agent")}
    assert ("can_export", "RepairView") not in now
    assert ("can_list", "TeamView") in now
    assert ("can_list", "SupplierView") not in now
    assert an.post(f"/role/save/{role('agent').id}", data=form_of(soup)).status_code == 302
    assert ("agent", "can_list", "SupplierView") in held("agent")


def test_a_whole_role_goes_back_to_the_shipped_matrix(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    save(an, "agent", give=("can_list:TeamView", "can_export:RepairView"), scope__RepairView="team")
    assert held("agent") != frozenset(grant for grant in read_matrix(MATRIX) if grant[0] == "agent")
    assert an.send(f"/role/reset/{role('agent').id}").status_code == 302
    assert held("agent") == frozenset(grant for grant in read_matrix(MATRIX) if grant[0] == "agent")
    assert not page_of(an, "agent").select(".differs")


@pytest.mark.slow
def test_nobody_locks_themselves_or_everyone_out(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an", "en")
    before = held("administrator")
    for verb in ("can_edit:RoleView", "can_list:RoleView"):
        answer = save(an, "administrator", take=(verb,), give=("can_fly:RepairView",))
        assert answer.status_code == 422
        soup = check_page(answer.text, "/role/save")
        assert "your own right" in soup.select_one(".note-danger").text
        assert not soup.select_one(f"input[name='{verb}']").has_attr("checked"), "what was unticked is lost"
        assert held("administrator") == before
    assert an.get("/role/list/").status_code == 200


@pytest.mark.parametrize("login", ["mei", "liang", "su", "fan", "du"])
def test_the_page_is_for_those_with_the_right(app: Flask, sign_in: SignIn, login: str) -> None:
    person = sign_in(login)
    key = role("agent").id
    for url in ("/role/list/", f"/role/show/{key}", "/role/add"):
        assert person.get(url).status_code == 403
    for url in (f"/role/save/{key}", f"/role/reset/{key}", f"/role/delete/{key}", "/role/add"):
        assert person.send(url).status_code == 403


def test_an_auditor_reads_the_matrix_and_changes_nothing(app: Flask, sign_in: SignIn) -> None:
    ao, key = sign_in("ao"), role("agent").id
    page = page_of(ao, "agent")
    assert not page.select("form.matrix button, form.matrix input[type=checkbox]:not([disabled])")
    for url in (f"/role/save/{key}", f"/role/reset/{key}", f"/role/delete/{key}"):
        assert ao.send(url).status_code == 403


def test_odd_addresses_are_not_found(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    for key in ("0", "-1", "99999", "x", str(2**70)):
        assert an.get(f"/role/show/{key}").status_code == 404
        assert an.send(f"/role/save/{key}").status_code == 404
    assert an.send(f"/role/reset/{role('agent').id}", {"screen": "NowhereView"}).status_code == 404


# -- roles made in the portal ----------------------------------------------------------------


NAMES = {"name_zh_hant": "夜班專員", "name_zh_hans": "夜班专员", "name_en": "Night agent"}


def made() -> Role:
    return db.session.scalars(select(Role).join(RoleName, RoleName.role_id == Role.id)).one()


@pytest.mark.slow
def test_a_role_is_made_as_a_copy_named_in_every_language_held_and_deleted(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    assert an.submit("/role/add", copy_of=str(role("agent").id), **NAMES).status_code == 200
    mine = {(permission, view) for _role, permission, view in current_grants(made().id)}
    assert mine == {(permission, view) for _role, permission, view in held("agent")}
    for locale, name in zip(LOCALES, NAMES.values(), strict=True):
        tabs = sign_in("an", locale).page("/role/list/").select_one(".role-tabs").text
        assert name in tabs
        assert made().name not in tabs
    an.submit(f"/user/roles/{user('fan').id}", roles=[str(made().id)])
    assert "夜班專員" in an.page(f"/user/show/{user('fan').id}").main.text
    assert sign_in("fan").get("/repair/list/").status_code == 200

    refused = an.send(f"/role/delete/{made().id}", follow_redirects=True)
    assert check_page(refused.text, "/role/delete").select_one(".note-danger") is not None
    an.submit(f"/user/roles/{user('fan').id}", roles=[str(role("facility").id)])
    key = made().id
    assert an.send(f"/role/delete/{key}").status_code == 302
    assert db.session.get(Role, key) is None
    assert db.session.scalars(select(RoleName)).first() is None
    assert an.get("/role/list/").status_code == 200
    assert an.page(f"/user/show/{user('fan').id}").select_one("ol.history") is not None


def test_a_made_role_is_kept_by_a_new_release(app: Flask, sign_in: SignIn) -> None:
    sign_in("an").submit("/role/add", copy_of=str(role("agent").id), **NAMES)
    before = current_grants(made().id)
    assert sync_roles(read_matrix(MATRIX)).removed == frozenset()
    assert current_grants(made().id) == before


def test_a_made_role_is_renamed_and_a_shipped_one_is_not(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    an.submit("/role/add", **NAMES)
    assert current_grants(made().id) == frozenset()
    an.submit(f"/role/rename/{made().id}", name_zh_hant="大夜專員")
    page = an.page(f"/role/show/{made().id}")
    assert "大夜專員" in page.select_one(".role-facts h2").text
    assert "大夜專員" in page.select_one(".role-facts .history").text
    key = role("agent").id
    assert an.get(f"/role/rename/{key}").status_code == 404
    refused = an.send(f"/role/delete/{key}", follow_redirects=True)
    assert check_page(refused.text, "/role/delete").select_one(".note-danger") is not None
    assert role("agent").id == key
    assert an.send(f"/role/reset/{made().id}").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name_zh_hant", "客服專員"), ("name_en", "Agent"), ("name_en", ""), ("name_zh_hans", "班" * 121),
        ("copy_of", "99"),
    ],
)  # fmt: skip
def test_a_bad_name_is_told_at_its_field(app: Flask, sign_in: SignIn, field: str, value: str) -> None:
    answer = sign_in("an").submit("/role/add", **{**NAMES, field: value})
    assert answer.status_code == 422
    soup = check_page(answer.text, "/role/add")
    assert soup.select_one(f"#{field}-error") is not None
    kept = "name_en" if field == "name_zh_hant" else "name_zh_hant"
    assert soup.select_one(f"input[name={kept}]")["value"] == NAMES[kept]
    assert db.session.scalars(select(RoleName)).first() is None


# -- the arithmetic --------------------------------------------------------------------------


def test_every_cell_of_the_matrix_comes_back_from_its_permissions(app: Flask) -> None:
    grants = sorted(read_matrix(MATRIX), key=lambda grant: (grant[0], grant[2]))
    for (_name, view), some in itertools.groupby(grants, key=lambda grant: (grant[0], grant[2])):
        permissions = {permission for _role, permission, _view in some}
        cell = Cell.of(permissions)
        assert cell.permissions() == permissions, view
        assert difference(cell, Cell.of(cell.permissions()), guarded_views()[view]) == []


def test_of_two_scopes_the_wider_counts(app: Flask) -> None:
    cell = Cell.of({"can_list", "scope_own", "scope_team", "scope_own_lookup", "can_lookup"})
    assert (cell.scope, dict(cell.special)) == (Scope.TEAM, {"lookup": Scope.OWN})
    assert Cell(frozenset(), Scope.ALL).permissions() == frozenset()


def test_two_administrators_cannot_take_each_others_last_right_at_once(app: Flask, sign_in: SignIn) -> None:
    """Each takes the role of the other in the same moment: one of them is refused."""
    an = sign_in("an")
    an.submit(f"/user/roles/{user('su').id}", roles=[str(role("administrator").id)])
    su = sign_in("su")
    keys = {"an": user("an").id, "su": user("su").id}
    tokens = {"an": an.token(), "su": su.token()}
    start = threading.Barrier(2)
    answers: dict[str, int] = {}

    def take(person: Person, mine: str, other: str) -> None:
        start.wait()
        with app.app_context():
            answers[mine] = person.post(
                f"/user/switch-off/{keys[other]}", data={"csrf_token": tokens[mine]}
            ).status_code

    pairs = ((an, "an", "su"), (su, "su", "an"))
    threads = [threading.Thread(target=take, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    db.session.rollback()
    db.session.expire_all()
    active = [login for login in keys if user(login).active]
    assert len(active) >= 1, answers
