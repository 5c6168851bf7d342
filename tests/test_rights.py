"""What roles grant is kept until it changes: whoever changes it, it holds from the next request in every process."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from conftest import DATABASE, Databases, Person, SignIn, inputs
from flask import Flask, template_rendered
from flask_appbuilder.security.sqla.models import (
    Group,
    Permission,
    PermissionView,
    User,
    ViewMenu,
    assoc_group_role,
    assoc_permissionview_role,
)
from sqlalchemy import create_engine, delete, select, text
from test_boot import answers, free_port, start, told
from test_laws import statements
from test_roles import role, save

from app.core.db import db
from app.core.rights import SETS_KEPT, KeptGrants, RightsVersion, load_grants

LIST = "/repair/list/"
SUPERVISORS = "/indicator/list/"
"""What supervisors may open, and agents not."""


def user(login: str) -> User:
    return db.session.scalars(select(User).where(User.username == login)).one()


def version() -> str:
    db.session.rollback()
    return db.session.scalars(select(RightsVersion.version)).one()


def link(name: str, permission: str, view: str) -> int:
    """Return the id of what a role holds if it may do this on a screen."""
    held_by = assoc_permissionview_role.c
    wanted = (
        select(held_by.id)
        .join(PermissionView, PermissionView.id == held_by.permission_view_id)
        .join(PermissionView.permission)
        .join(PermissionView.view_menu)
        .where(held_by.role_id == role(name).id, Permission.name == permission, ViewMenu.name == view)
    )
    return db.session.scalars(wanted).one()


def writes(sql: str) -> None:
    """Write as somebody would who opens the database beside the portal."""
    db.session.rollback()
    engine = create_engine(db.engine.url)
    with engine.begin() as connection:
        assert connection.execute(text(sql)).rowcount
    engine.dispose()


# -- the version -----------------------------------------------------------------------------

CHANGES = {
    "a permission is added": "INSERT INTO ab_permission (id, name) VALUES (90001, 'can_fly')",
    "a permission is renamed": "UPDATE ab_permission SET name = 'can_fly' WHERE name = 'can_list'",
    "a screen is added": "INSERT INTO ab_view_menu (id, name) VALUES (90001, 'SkyView')",
    "a screen is renamed": "UPDATE ab_view_menu SET name = 'SkyView' WHERE name = 'RepairView'",
    "a permission on a screen is added": "INSERT INTO ab_permission_view (id, permission_id, view_menu_id)"
    " SELECT 90001, min(p.id), max(v.id) FROM ab_permission p, ab_view_menu v"
    " WHERE NOT EXISTS (SELECT 1 FROM ab_permission_view pv WHERE pv.permission_id = p.id AND pv.view_menu_id = v.id)",
    "a permission means another": "UPDATE ab_permission_view SET permission_id ="
    " (SELECT max(id) FROM ab_permission) WHERE id = (SELECT min(id) FROM ab_permission_view)",
    "a permission on a screen is deleted": "DELETE FROM ab_permission_view"
    " WHERE id = (SELECT min(id) FROM ab_permission_view)",
    "a right is given": "INSERT INTO ab_permission_view_role (id, permission_view_id, role_id)"
    " SELECT 90001, min(pv.id), max(r.id) FROM ab_permission_view pv, ab_role r WHERE NOT EXISTS"
    " (SELECT 1 FROM ab_permission_view_role h WHERE h.permission_view_id = pv.id AND h.role_id = r.id)",
    "a right is handed on": "UPDATE ab_permission_view_role SET role_id = (SELECT id FROM ab_role WHERE name = 'agent')"
    " WHERE id = (SELECT min(id) FROM ab_permission_view_role WHERE permission_view_id NOT IN (SELECT"
    " h.permission_view_id FROM ab_permission_view_role h JOIN ab_role r ON r.id = h.role_id WHERE r.name = 'agent'))",
    "a right is taken": "DELETE FROM ab_permission_view_role WHERE id = (SELECT min(id) FROM ab_permission_view_role)",
    "a role is deleted": "DELETE FROM ab_role WHERE name = 'agent'",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_version_changes_with_whatever_roles_grant_whoever_writes(app: Flask, change: str) -> None:
    before = version()
    writes(change)
    assert version() != before


def test_orphans_that_are_deleted_change_it_too(app: Flask) -> None:
    writes("INSERT INTO ab_permission (id, name) VALUES (90001, 'can_fly')")
    writes("INSERT INTO ab_view_menu (id, name) VALUES (90001, 'SkyView')")
    for table in ("ab_permission", "ab_view_menu"):
        before = version()
        writes(f"DELETE FROM {table} WHERE id = 90001")  # noqa: S608 - our tables
        assert version() != before, table


@pytest.mark.skipif(DATABASE == "sqlite", reason="SQLite knows no TRUNCATE")
def test_an_emptied_table_changes_it_too(app: Flask) -> None:
    before = version()
    db.session.execute(text("TRUNCATE ab_permission_view_role"))
    db.session.commit()
    assert version() != before


def test_it_changes_with_a_roles_collection_and_is_as_before_where_nothing_was_saved(app: Flask) -> None:
    before = version()
    mine = role("agent")
    mine.permissions.pop()
    db.session.flush()
    undone = db.session.scalars(select(RightsVersion.version)).one()
    assert version() == before
    mine = role("agent")
    mine.permissions.pop()
    db.session.commit()
    assert version() not in {before, undone}


def test_reading_signing_in_and_saving_a_record_do_not_change_it(app: Flask, sign_in: SignIn) -> None:
    before = version()
    mei = sign_in("mei")
    mei.page(LIST)
    app.test_client().post("/login/", data={"username": "mei", "password": "wrong"})
    assert mei.send("/language/en").status_code == 302
    assert version() == before


@pytest.mark.skipif(DATABASE == "sqlite", reason="SQLite has one writer at a time")
def test_two_who_change_rights_at_once_leave_a_version_for_each_state(app: Flask) -> None:
    """The second waits for the first, whatever else of the two could be done at once."""
    seen = [version()]
    first, second = (link("agent", "can_list", "RepairView"), link("auditor", "can_list", "RepairView"))
    db.session.rollback()
    engine = create_engine(db.engine.url)
    taken = delete(assoc_permissionview_role)
    with engine.connect() as one, engine.connect() as two:
        one.execute(taken.where(assoc_permissionview_role.c.id == first))
        other = threading.Thread(
            target=lambda: (two.execute(taken.where(assoc_permissionview_role.c.id == second)), two.commit())
        )
        other.start()
        other.join(0.5)
        assert other.is_alive(), "the second has not waited"
        one.commit()
        # Read by a third while the second commits; it may have done so already.
        seen.append(version())
        other.join(30)
        assert not other.is_alive()
    engine.dispose()
    seen.append(version())
    assert seen[0] != seen[1]
    assert seen[0] != seen[2]


# -- what is kept ----------------------------------------------------------------------------


def rights_read(found: list[str]) -> list[str]:
    return [statement for statement in found if "ab_permission" in statement]


def test_a_warm_request_asks_once_who_it_is_and_nothing_about_rights(app: Flask, sign_in: SignIn) -> None:
    writes(CHANGES["a screen is added"])
    mei, liang = sign_in("mei"), sign_in("liang")
    for url in (LIST, "/", "/account/", "/pulse", "/api/v1/repair/"):
        mei.get(url)
        with statements() as found:
            assert mei.get(url).status_code == 200
        assert rights_read(found) == [], url
        asked = [statement for statement in found if "ab_user" in statement and "rights_version" in statement]
        assert len(asked) == 1, url
        # Who is behind the login came along.
        assert not [statement for statement in found if statement.startswith("SELECT staff_member.user_id")], url
    with statements() as found:
        liang.get(LIST)
    assert len(rights_read(found)) == 1, "another set of roles is read once"


def test_rights_that_changed_meanwhile_are_read_once_more(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    mei.get(LIST)
    save(sign_in("an"), "agent", take=("can_add:RepairView",))
    with statements() as found:
        assert mei.get(LIST).status_code == 200
    assert len(rights_read(found)) == 1
    with statements() as found:
        mei.get(LIST)
    assert rights_read(found) == []


def test_rights_of_one_state_are_never_kept_under_the_version_of_another(app: Flask) -> None:
    """Somebody changes rights between the two statements of a request: it gets the new ones, as all after it."""
    kept, mine, old = KeptGrants(), frozenset({role("agent").id}), version()
    writes(f"DELETE FROM ab_permission_view_role WHERE id = {link('agent', 'can_list', 'RepairView')}")  # noqa: S608
    read = kept.of(mine, old)
    assert (read.may("can_list", "RepairView"), read.version) == (False, version())
    with statements() as found:
        assert kept.of(mine, version()) is read
    assert rights_read(found) == []
    # Whoever still asks for the state before is not given it from what is kept, but reads.
    with statements() as found:
        assert not kept.of(mine, old).may("can_list", "RepairView")
    assert len(rights_read(found)) == 1


def test_rights_read_within_a_change_that_is_undone_are_nobodys(app: Flask, sign_in: SignIn) -> None:
    mei, key = sign_in("mei"), user("mei").id
    assert mei.get(LIST).status_code == 200
    taken = delete(assoc_permissionview_role)
    db.session.execute(taken.where(assoc_permissionview_role.c.id == link("agent", "can_list", "RepairView")))
    assert not load_grants(key).may("can_list", "RepairView")
    db.session.rollback()
    assert load_grants(key).may("can_list", "RepairView")
    assert mei.get(LIST).status_code == 200


def test_a_process_keeps_no_more_sets_of_roles_than_a_few(app: Flask) -> None:
    kept, now = KeptGrants(), version()
    mine = frozenset({role("agent").id})
    kept.of(mine, now)
    for number in range(SETS_KEPT - 1):
        kept.of(frozenset({90_000 + number}), now)
    with statements() as found:
        kept.of(mine, now)
    assert found == []
    for number in range(SETS_KEPT):
        kept.of(frozenset({80_000 + number}), now)
    with statements() as found:
        kept.of(mine, now)
    assert len(rights_read(found)) == 1


def test_a_role_that_comes_through_a_group_holds_and_goes_with_it(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    assert mei.get(SUPERVISORS).status_code == 403
    group = Group(name="lent", label="lent", description="")
    group.users, group.roles = [user("mei")], [role("supervisor")]
    db.session.add(group)
    db.session.commit()
    assert mei.get(SUPERVISORS).status_code == 200
    db.session.execute(delete(assoc_group_role))
    db.session.commit()
    assert mei.get(SUPERVISORS).status_code == 403


# -- the navigation --------------------------------------------------------------------------


def entries(page: BeautifulSoup) -> list[str]:
    return [str(link["href"]) for link in page.select("nav.side li a")]


def here(page: BeautifulSoup) -> list[str]:
    return [str(link["href"]) for link in page.select("nav.side a[aria-current=page]")]


def test_the_navigation_marks_where_one_is_whoever_was_where_before(app: Flask, sign_in: SignIn) -> None:
    mei, tao = sign_in("mei"), sign_in("tao")
    assert here(mei.page(LIST)) == [LIST]
    assert here(tao.page("/complaint/list/")) == ["/complaint/list/"]
    assert here(mei.page("/complaint/add")) == ["/complaint/list/"]
    assert here(mei.page("/account/")) == []
    assert here(mei.page(LIST)) == [LIST]


def test_its_folded_group_is_open_only_where_one_is_in_it(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    folded = an.page("/").select_one("nav.side details")
    assert folded is not None
    assert not folded.has_attr("open")
    inside = str(folded.select_one("a")["href"])
    page = an.page(inside)
    assert page.select_one("nav.side details[open] a[aria-current]")["href"] == inside
    assert not an.page("/").select("nav.side details[open]")


def test_it_is_rendered_once_for_a_set_of_roles_and_a_language(app: Flask, sign_in: SignIn) -> None:
    """And it is nobody else's: other roles have another, each language its own."""
    save(sign_in("an"), "agent", give=("can_list:TeamView",))
    rendered: list[str] = []

    def note(_app: Flask, template: Any, **_more: Any) -> None:
        if template.name == "portal/navigation.html":
            rendered.append(template.name)

    with template_rendered.connected_to(note, app):
        mei, tao = sign_in("mei"), sign_in("tao")
        pages = [mei.page(LIST), mei.page("/"), tao.page("/complaint/list/"), tao.page("/account/")]
        assert len(rendered) == 1
        assert len({tuple(entries(page)) for page in pages}) == 1
        liang = sign_in("liang").page("/")
        assert len(rendered) == 2
        assert set(entries(liang)) - set(entries(pages[0]))
        english = sign_in("kai", "en").page("/")
        assert len(rendered) == 3
    assert entries(english) == entries(pages[0])
    assert "Repairs" in english.select_one("nav.side").text
    assert "Repairs" not in pages[0].select_one("nav.side").text


def test_it_offers_exactly_what_opens(app: Flask, sign_in: SignIn) -> None:
    for login in ("mei", "su", "an", "du"):
        person = sign_in(login)
        for url in entries(person.page("/")):
            assert person.get(url).status_code == 200, f"{login} {url}"


def test_a_portal_under_a_path_of_its_own_has_its_own_addresses(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    assert LIST in entries(mei.page("/"))
    under = mei.get("/", environ_overrides={"SCRIPT_NAME": "/kefu"})
    assert f"/kefu{LIST}" in entries(BeautifulSoup(under.text, "html.parser"))
    assert LIST in entries(mei.page("/"))


# -- several processes -----------------------------------------------------------------------


class Browser:
    """One of the cast at one of the servers, by the cookie of a session that both know."""

    def __init__(self, port: int, person: Person) -> None:
        cookie = person.get_cookie("session")
        assert cookie is not None
        self.port, self.cookie = port, f"session={cookie.value}"

    def ask(self, method: str, url: str, data: dict[str, Any] | None = None) -> tuple[int, str]:
        """Send a request; return the status and the page."""
        # The test's own transaction would keep SQLite's only write lock.
        db.session.commit()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(data, doseq=True) if data is not None else None
        connection.request(method, url, body, headers)
        answer = connection.getresponse()
        page = answer.read().decode()
        if (renewed := answer.getheader("Set-Cookie", "")).startswith("session="):
            self.cookie = renewed.partition(";")[0]
        connection.close()
        return answer.status, page

    def status(self, url: str) -> int:
        """Return the status of a page."""
        return self.ask("GET", url)[0]

    def menu(self) -> str:
        """Return what the navigation offers on the first page."""
        shown = BeautifulSoup(self.ask("GET", "/")[1], "html.parser").select_one("nav.side")
        assert shown is not None
        return shown.text

    def form(self, url: str, selector: str = "main form") -> dict[str, Any]:
        """Return a form of a page as it stands."""
        found = BeautifulSoup(self.ask("GET", url)[1], "html.parser").select_one(selector)
        assert found is not None, url
        return inputs(found)

    def token(self) -> str:
        """Return the token of this session's forms."""
        return str(self.form("/account/")["csrf_token"])


@pytest.fixture
def env(app: Flask, databases: Databases) -> dict[str, str]:
    """The environment of further processes over the database of the test."""
    db.session.rollback()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
    return {**kept, "PORTAL_DATA_DIR": str(databases.folder), "PORTAL_DATABASE_URL": databases.url}


@pytest.fixture
def ports(env: dict[str, str]) -> Iterator[list[int]]:
    """Two servers with a process each."""
    found = [free_port(), free_port()]
    servers: list[subprocess.Popen[str]] = []
    try:
        servers += [start(env, "gunicorn", "--workers", "1", "--bind", f"127.0.0.1:{port}") for port in found]
        for port, server in zip(found, servers, strict=True):
            assert answers(f"http://127.0.0.1:{port}/login/", server) == 200
        yield found
    finally:
        for server in servers:
            server.terminate()
        said = [server.communicate(timeout=60)[1] for server in servers]
    assert not [words for words in said if "Traceback" in words], said


@pytest.mark.slow
def test_what_is_taken_away_at_one_process_is_gone_at_the_other(
    sign_in: SignIn, ports: list[int], env: dict[str, str]
) -> None:
    """Both have kept the rights and the navigation before; each change is made elsewhere, and asked for at once."""
    here, there = ports
    an, su = Browser(here, sign_in("an")), Browser(there, sign_in("su"))
    mei = [Browser(port, sign_in("mei")) for port in ports]

    def everywhere(url: str) -> set[int]:
        return {one.status(url) for one in mei}

    for _time in range(2):
        assert everywhere(LIST) == {200}
    assert "報修" in mei[1].menu()

    # On the page of the role, at the first server.
    page = f"/role/show/{role('agent').id}"
    form = an.form(page, "form.matrix")
    taken = {name: value for name, value in form.items() if name != "can_list:RepairView"}
    assert an.ask("POST", f"/role/save/{role('agent').id}", taken)[0] == 302
    assert everywhere(LIST) == {403}
    assert "報修" not in mei[1].menu()
    given = {**an.form(page, "form.matrix"), "can_list:RepairView": "1"}
    assert an.ask("POST", f"/role/save/{role('agent').id}", given)[0] == 302
    assert everywhere(LIST) == {200}
    assert "報修" in mei[1].menu()

    # By whoever opens the database beside the portal.
    writes(f"DELETE FROM ab_permission_view_role WHERE id = {link('agent', 'can_list', 'RepairView')}")  # noqa: S608
    assert everywhere(LIST) == {403}

    # By a release that brings the right anew.
    writes("DELETE FROM shipped_grant WHERE role = 'agent' AND view = 'RepairView' AND permission = 'can_list'")
    assert "1 rights added" in told(start(env, "flask", "--app", "run", "portal", "init"))
    assert everywhere(LIST) == {200}

    # A role given and taken on the page of the login.
    assert everywhere(SUPERVISORS) == {403}
    roles = f"/user/roles/{user('mei').id}"
    form = an.form(roles, "main form[data-guard], main form.form")
    both = [str(role("agent").id), str(role("supervisor").id)]
    assert an.ask("POST", roles, {**form, "roles": both})[0] == 302
    assert everywhere(SUPERVISORS) == {200}
    form = an.form(roles, "main form[data-guard], main form.form")
    assert an.ask("POST", roles, {**form, "roles": both[:1]})[0] == 302
    assert everywhere(SUPERVISORS) == {403}

    # A role that comes through a group, and the group without its person.
    group = Group(name="lent", label="lent", description="")
    group.users, group.roles = [user("mei")], [role("supervisor")]
    db.session.add(group)
    db.session.commit()
    assert everywhere(SUPERVISORS) == {200}
    group.users = []
    db.session.commit()
    assert everywhere(SUPERVISORS) == {403}
    group.users = [user("mei")]
    db.session.commit()
    assert everywhere(SUPERVISORS) == {200}

    # A role that is deleted, with all that hangs on it.
    assert su.status(SUPERVISORS) == 200
    writes("DELETE FROM ab_role WHERE name = 'supervisor'")
    assert everywhere(SUPERVISORS) == {403}
    assert su.status(SUPERVISORS) == 403

    # A login that is switched off.
    assert everywhere("/account/") == {200}
    assert an.ask("POST", f"/user/switch-off/{user('mei').id}", {"csrf_token": an.token()})[0] == 302
    assert everywhere("/account/") == {302}
