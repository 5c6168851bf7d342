"""Logins: made, changed, switched off, given roles; what nobody may do to themselves, and what is written about it."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup
from conftest import PASSWORD, Person, SignIn
from flask import Flask
from flask_appbuilder.security.sqla.models import Role, User
from page import check_page
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.core import clock
from app.core.accounts import UserSetting, setting_of
from app.core.actor import acting_as
from app.core.audit import AuditEntry, Change
from app.core.db import db
from app.core.errors import RuleError
from app.core.security import FAILURES_ALLOWED, LOCKED_FOR
from app.lobby import accounts


def user(login: str) -> User:
    return db.session.scalars(select(User).where(User.username == login)).one()


def role(name: str) -> Role:
    return db.session.scalars(select(Role).where(Role.name == name)).one()


def trail(login: str) -> list[AuditEntry]:
    wanted = select(AuditEntry).where(AuditEntry.entity == "ab_user", AuditEntry.record_id == user(login).id)
    return list(db.session.scalars(wanted.order_by(AuditEntry.id)))


def signs_in(app: Flask, login: str, password: str) -> bool:
    client = app.test_client()
    token = BeautifulSoup(client.get("/login/").text, "html.parser").select_one("input[name=csrf_token]")
    data = {"csrf_token": token["value"], "username": login, "password": password}
    return client.post("/login/", data=data).status_code == 302


def add(person: Person, **changes: object) -> TestResponse:
    fields: dict[str, object] = {
        "username": "lin.jiaying", "last_name": "林", "first_name": "佳穎", "email": "lin@example.com",
        "roles": [str(role("agent").id), str(role("team_lead").id)],
    }  # fmt: skip
    return person.submit("/user/add", **{**fields, **changes})


def test_a_new_login_gets_a_password_that_is_shown_once_and_kept_nowhere(
    app: Flask, sign_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    an = sign_in("an")
    answer = add(an)
    shown = BeautifulSoup(answer.text, "html.parser").select_one("code.password").text
    assert re.fullmatch(r"[a-z2-9]{4}(-[a-z2-9]{4}){3}", shown)
    assert answer.headers["Cache-Control"] == "no-store"
    made = user("lin.jiaying")
    assert sorted(held.name for held in made.roles) == ["agent", "team_lead"]
    assert shown not in an.get(f"/user/show/{made.id}").text
    with an.session_transaction() as session:
        assert shown not in str(dict(session))
    assert shown not in caplog.text
    assert all(shown not in str((entry.before, entry.after)) for entry in db.session.scalars(select(AuditEntry)))
    assert signs_in(app, "lin.jiaying", shown)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "MEI"), ("username", "mei"), ("username", "林佳穎"), ("username", "a b"), ("username", "x"),
        ("username", ""), ("email", "mei@example.com"), ("email", "not an address"), ("last_name", "林" * 65),
        ("first_name", "\x07"), ("roles", ["999999"]), ("roles", ["agent"]),
    ],
)  # fmt: skip
def test_bad_entries_are_told_at_their_field_and_nothing_is_lost(
    app: Flask, sign_in: SignIn, field: str, value: object
) -> None:
    answer = add(sign_in("an"), **{field: value})
    assert answer.status_code == 422
    soup = check_page(answer.text, "/user/add")
    assert soup.select_one(f"#{field}-error") is not None, soup.select(".note")
    if field != "first_name":
        assert soup.select_one("input[name=first_name]")["value"] == "佳穎"
    assert db.session.scalars(select(User).where(User.first_name == "佳穎")).first() is None
    assert soup.select_one("code.password") is None


def test_two_logins_made_at_once_under_one_name_are_told_apart(app: Flask, sign_in: SignIn) -> None:
    """The database has the last word where two forms passed the check together."""
    item = User(username="taken", last_name="甲", first_name="乙", email="taken@example.com", active=True, password="x")
    db.session.add(item)
    db.session.commit()
    answer = add(sign_in("an", "en"), username="free", email="taken@example.com")
    assert answer.status_code == 422
    assert "Another record already has this: E-mail." in answer.text


def test_who_may_not_give_roles_gives_none_with_a_new_login(app: Flask, sign_in: SignIn) -> None:
    an, su = sign_in("an"), sign_in("su")
    page = an.page(f"/role/show/{role('supervisor').id}")
    version = page.select_one("form.matrix input[name=version]")["value"]
    an.send(
        f"/role/save/{role('supervisor').id}",
        {"version": version, "was:UserView": page.select_one("input[name='was:UserView']")["value"],
         "can_list:UserView": "1", "can_show:UserView": "1", "can_add:UserView": "1", "scope:UserView": "all"},
    )  # fmt: skip
    answer = add(su, roles=[str(role("administrator").id)])
    assert answer.status_code == 422
    assert db.session.scalars(select(User).where(User.username == "lin.jiaying")).first() is None
    assert add(su, roles=[]).status_code == 200
    assert user("lin.jiaying").roles == []


def test_the_list_finds_a_name_as_it_is_written(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    for text in ("周美", "mei", "美", "mei@example"):
        rows = an.page(f"/user/list/?q={text}").select("table.list tbody tr")
        assert len(rows) == 1, text
        assert "周美" in rows[0].text
        assert "客服專員" in rows[0].text
    assert [row["text"] for row in an.get("/user/lookup?q=周美").json["rows"]] == ["周美 (mei)"]
    assert sign_in("su").get("/user/lookup?q=周美").status_code == 200
    assert sign_in("mei").get("/user/lookup?q=周美").status_code == 403
    off = an.page("/user/list/?active=0").select("table.list tbody tr")
    assert off == []


def test_addresses_are_masked_for_who_cannot_change_them(app: Flask, sign_in: SignIn) -> None:
    ao = sign_in("ao")
    for url in ("/user/list/", f"/user/show/{user('mei').id}"):
        assert "mei@example.com" not in ao.page(url).text
        assert "mei@example.com" in sign_in("an").page(url).text


def test_an_edit_is_written_down_without_the_address_or_the_password(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    answer = an.submit(f"/user/edit/{user('mei').id}", first_name="小美", email="new@example.com")
    assert answer.status_code == 200
    entry = trail("mei")[-1]
    assert (entry.change, entry.user_id) == (Change.CHANGED, user("an").id)
    assert entry.before["first_name"] == "美"
    assert entry.after["first_name"] == "小美"
    assert "example.com" not in str((entry.before, entry.after))
    assert "password" not in str((entry.before, entry.after))
    history = an.page(f"/user/show/{user('mei').id}").select_one("ol.history").text
    assert "黃安" in history
    assert "小美" in history


def test_signing_in_writes_nothing_into_the_trail(app: Flask) -> None:
    before = len(trail("mei"))
    assert signs_in(app, "mei", PASSWORD)
    assert not signs_in(app, "mei", "wrong password")
    assert len(trail("mei")) == before


def test_two_people_editing_a_login_never_overwrite_each_other(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an", "en")
    key = user("mei").id
    first = an.page(f"/user/edit/{key}")
    an.submit(f"/user/edit/{key}", first_name="小美")
    data = {tag["name"]: tag.get("value", "") for tag in first.select("form[data-guard] input[name]")}
    answer = an.post(f"/user/edit/{key}", data={**data, "last_name": "趙"})
    assert answer.status_code == 422
    soup = check_page(answer.text, "/user/edit")
    assert "Someone else saved this record" in soup.text
    assert "小美" in soup.select_one(".note-warning").text
    assert soup.select_one("input[name=last_name]")["value"] == "趙"
    db.session.expire_all()
    assert (user("mei").last_name, user("mei").first_name) == ("周", "小美")


def test_roles_given_meanwhile_are_told_before_they_are_overwritten(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    key = user("mei").id
    first = an.page(f"/user/roles/{key}")
    version = first.select_one("input[name=version]")["value"]
    an.submit(f"/user/roles/{key}", roles=[str(role("team_lead").id)])
    data = {"version": version, "roles": [str(role("auditor").id)]}
    answer = an.send(f"/user/roles/{key}", data)
    assert answer.status_code == 422
    soup = check_page(answer.text, "/user/roles")
    assert "客服組長" in soup.select_one(".note-warning").text
    assert [tag["value"] for tag in soup.select("input[name=roles][checked]")] == [str(role("auditor").id)]
    db.session.expire_all()
    assert [held.name for held in user("mei").roles] == ["team_lead"]


def test_a_role_given_or_taken_holds_from_the_next_click(app: Flask, sign_in: SignIn) -> None:
    an, mei = sign_in("an"), sign_in("mei")
    assert mei.get("/team/list/").status_code == 403
    an.submit(f"/user/roles/{user('mei').id}", roles=[str(role("agent").id), str(role("team_lead").id)])
    assert mei.get("/team/list/").status_code == 200
    history = an.page(f"/user/show/{user('mei').id}").select_one("ol.history").text
    assert "客服組長" in history
    an.submit(f"/user/roles/{user('mei').id}", roles=[str(role("agent").id)])
    assert mei.get("/team/list/").status_code == 403


def test_nobody_changes_their_own_rights(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    me, before = user("an").id, user("an").password
    page = an.page(f"/user/show/{me}")
    for way in ("roles", "switch-off", "reset-password", "unlock"):
        assert not page.select(f"main [href$='/user/{way}/{me}'], main [action$='/user/{way}/{me}']"), way
    answer = an.submit(f"/user/roles/{me}", roles=[str(role("administrator").id), str(role("supervisor").id)])
    assert answer.status_code == 422
    for way in ("switch-off", "switch-on", "reset-password"):
        answer = an.send(f"/user/{way}/{me}", follow_redirects=True)
        assert check_page(answer.text, way).select_one(".note-danger") is not None, way
    db.session.expire_all()
    assert [held.name for held in user("an").roles] == ["administrator"]
    assert (user("an").active, user("an").password) == (True, before)
    assert an.get("/user/list/").status_code == 200


def test_the_last_who_may_change_roles_stays(app: Flask, sign_in: SignIn) -> None:
    """Someone who may switch logins and give roles, but not change them, cannot take away the last who may."""
    an, su = sign_in("an"), sign_in("su", "en")
    page = an.page(f"/role/show/{role('supervisor').id}")
    data = {
        "version": page.select_one("form.matrix input[name=version]")["value"], "scope:UserView": "all",
        "was:UserView": page.select_one("input[name='was:UserView']")["value"],
        **{f"can_{verb}:UserView": "1" for verb in ("list", "show", "switch", "set_roles", "lookup")},
    }  # fmt: skip
    assert an.send(f"/role/save/{role('supervisor').id}", data).status_code == 302
    key = user("an").id
    off = su.send(f"/user/switch-off/{key}", follow_redirects=True)
    assert "at least one active person must keep that right" in off.text
    less = su.submit(f"/user/roles/{key}", roles=[str(role("agent").id)])
    assert less.status_code == 422
    assert "at least one active person must keep that right" in less.text
    db.session.expire_all()
    assert user("an").active
    assert [held.name for held in user("an").roles] == ["administrator"]
    su.submit(f"/user/roles/{user('tao').id}", roles=[str(role("administrator").id)])
    assert su.send(f"/user/switch-off/{key}").status_code == 302
    db.session.expire_all()
    assert not user("an").active


@pytest.mark.slow
def test_a_locked_login_is_let_in_again_by_hand(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    for _try in range(FAILURES_ALLOWED):
        signs_in(app, "mei", "wrong password")
    assert not signs_in(app, "mei", PASSWORD)
    page = an.page(f"/user/show/{user('mei').id}")
    assert page.select_one("main form[action*='/user/unlock/']") is not None
    an.send(f"/user/unlock/{user('mei').id}")
    assert signs_in(app, "mei", PASSWORD)
    page = an.page(f"/user/show/{user('mei').id}")
    assert page.select_one("main form[action*='/user/unlock/']") is None
    entry = trail("mei")[-1]
    assert entry.before["locked_until"] is not None
    assert entry.after["locked_until"] is None
    told = page.select_one("ol.history").text
    assert "T" not in re.findall(r"\d{4}-\d\d-\d\d(.)\d\d:\d\d", told)


def test_logins_are_not_deleted_imported_or_reached_by_the_rest_api(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    never = ("/user/delete", "/user/import", "/api/v1/ab-user", "/api/v1/user")
    assert not [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(never)]
    assert an.send(f"/user/delete/{user('mei').id}").status_code == 404
    assert an.get("/user/export/csv").status_code == 200


@pytest.mark.parametrize("login", ["mei", "liang", "su", "fan", "du", "ao"])
def test_only_administrators_change_logins(app: Flask, sign_in: SignIn, login: str) -> None:
    person, key = sign_in(login), user("kai").id
    for url in (f"/user/edit/{key}", f"/user/roles/{key}", "/user/add"):
        assert person.get(url).status_code == 403, url
        assert person.send(url).status_code == 403, url
    for url in ("switch-off", "switch-on", "unlock", "reset-password"):
        assert person.send(f"/user/{url}/{key}").status_code == 403, url
    assert user("kai").active


@pytest.mark.parametrize("locale", ["zh_Hant_TW", "zh_Hans_CN", "en"])
def test_what_a_person_may_do_is_told_with_the_role_it_comes_through(app: Flask, sign_in: SignIn, locale: str) -> None:
    an = sign_in("an", locale)
    an.submit(f"/user/roles/{user('mei').id}", roles=[str(role("agent").id), str(role("team_lead").id)])
    page = an.page(f"/user/access/{user('mei').id}")
    words = {
        "zh_Hant_TW": ("客服專員", "客服組長"), "zh_Hans_CN": ("客服专员", "客服组长"), "en": ("Agent", "Team leader"),
    }  # fmt: skip
    cells = [cell.text for cell in page.select("tbody td:nth-child(2)")]
    assert set(cells) == set(words[locale])
    assert "scope_" not in page.main.text


def test_the_rule_for_passwords_holds_wherever_one_is_set(app: Flask, sign_in: SignIn) -> None:
    mei = user("mei")
    for password in ("short", " MEI "):
        with pytest.raises(RuleError):
            accounts.set_password(mei, password)
    assert len(accounts.new_password()) >= accounts.PASSWORD_LENGTH
    assert len({accounts.new_password() for _one in range(200)}) == 200


def test_a_login_that_is_made_twice_on_the_command_line_is_refused(app: Flask) -> None:
    from click import ClickException  # noqa: PLC0415

    from app.lobby.commands import make_login  # noqa: PLC0415

    with pytest.raises(ClickException):
        make_login("MEI", "周", "美", "other@example.com", "a long enough password", ["agent"])
    with pytest.raises(ClickException):
        make_login("newcomer-here", "周", "美", "other@example.com", "newcomer-here", ["agent"])
    made = make_login("newcomer-here", "周", "美", "other@example.com", "a long enough password", ["agent"])
    assert [held.name for held in made.roles] == ["agent"]


def test_operations_act_for_whoever_acts(app: Flask) -> None:
    with acting_as(user("an").id):
        accounts.switch(user("mei"), on=False)
        with pytest.raises(RuleError):
            accounts.switch(user("an"), on=False)
    entry = trail("mei")[-1]
    assert (entry.user_id, entry.before, entry.after) == (user("an").id, {"active": True}, {"active": False})
    setting: UserSetting = setting_of(user("mei").id)
    assert setting.sessions_ended == 1
    setting.locked_until = clock.now() + LOCKED_FOR
    accounts.unlock(user("mei"))
    assert setting.locked_until is None
