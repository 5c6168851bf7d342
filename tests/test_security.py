"""Signing in, sessions, tokens and keys: who gets in, how long, and what a stranger learns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import PASSWORD, Person, SignIn, member
from flask import Flask
from flask_appbuilder.security.sqla.models import ApiKey, User
from page import check_page
from sqlalchemy import select
from test_laws import statements
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import create_app
from app.core import clock
from app.core.accounts import setting_of
from app.core.audit import AuditEntry
from app.core.db import db
from app.core.jobs import run_jobs
from app.core.security import FAILURES_ALLOWED
from app.lobby.accounts import PASSWORD_LENGTH, check_password
from app.workplace.models import Area, Equipment, EquipmentKind, FaultKind, Impact, Repair, RepairStatus
from config import Settings, flask_config

MUTATIONS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def user(login: str) -> User:
    return db.session.scalars(select(User).where(User.username == login)).one()


def visitor(app: Flask) -> Person:
    app.test_client_class = Person
    client = app.test_client()
    assert isinstance(client, Person)
    return client


def enter(client: Person, login: str, password: str = PASSWORD, url: str = "/login/") -> TestResponse:
    """Fill the sign-in form as a person would."""
    token = client.page("/login/").select_one("input[name=csrf_token]")
    assert token is not None
    return client.post(url, data={"csrf_token": token["value"], "username": login, "password": password})


def is_in(client: Person) -> bool:
    answer = client.get("/account/")
    assert answer.status_code in {200, 302}
    return answer.status_code == 200


def address(rule: Rule) -> str:
    return re.sub(r"<[^>]+>", "1", rule.rule)


# -- tokens ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("login", ["an", "mei", None])
def test_every_mutation_asks_for_a_token(app: Flask, sign_in: SignIn, login: str | None) -> None:
    client = sign_in(login) if login else visitor(app)
    tried = 0
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & MUTATIONS):
            # Who calls the REST API without saying who they are is asked that first.
            refused = 401 if login is None and rule.rule.startswith("/api/") else 400
            answer = client.open(address(rule), method=method)
            assert answer.status_code == refused, f"{method} {rule}: {answer.status_code}"
            forged = client.open(address(rule), method=method, headers={"X-CSRFToken": "forged"})
            assert forged.status_code == refused, f"{method} {rule} with a forged token: {forged.status_code}"
            tried += 1
    assert tried > 100


@pytest.mark.slow
def test_no_link_changes_anything(app: Flask, sign_in: SignIn) -> None:
    client = sign_in("an")
    readable = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())}
    posted = [rule for rule in app.url_map.iter_rules() if rule.methods and rule.methods & MUTATIONS]
    for rule in posted:
        if rule.rule not in readable:
            assert client.get(address(rule)).status_code == 405, rule
    assert {"/logout/", "/user/reset-password/<pk>", "/repair/delete/<pk>"} <= {rule.rule for rule in posted} - readable


def test_a_token_of_another_session_is_refused(app: Flask, sign_in: SignIn) -> None:
    theirs, mine = sign_in("mei").token(), sign_in("an")
    answer = mine.post(f"/user/switch-off/{user('tao').id}", data={"csrf_token": theirs})
    assert answer.status_code == 400
    assert user("tao").active


def test_a_page_without_a_token_says_what_to_do(app: Flask, sign_in: SignIn) -> None:
    answer = sign_in("mei", "en").post("/repair/add")
    assert check_page(answer.text, "/repair/add").main.text.strip()
    assert "reload the page" in answer.text


# -- signing in ------------------------------------------------------------------------------


def words_of(answer: TestResponse, login: str) -> str:
    """Return what a page says, without the typed name and the token."""
    soup = check_page(answer.text, "/login/")
    typed = soup.select_one("input[name=username]")
    assert typed is not None
    assert typed["value"] == login, "the typed name is lost"
    assert soup.select_one("input[name=password]").get("value", "") == ""
    for token in soup.select("input[name=csrf_token], .languages"):
        token.extract()
    return str(soup).replace(f'value="{login}"', "")


def test_a_refused_sign_in_says_the_same_whatever_the_reason(app: Flask) -> None:
    user("kai").active = False
    setting_of(user("tao").id).locked_until = clock.now() + timedelta(minutes=5)
    db.session.commit()
    wrong = enter(visitor(app), "mei", "not the password")
    unknown = enter(visitor(app), "nobody", PASSWORD)
    switched_off = enter(visitor(app), "kai", PASSWORD)
    locked = enter(visitor(app), "tao", PASSWORD)
    told = [
        words_of(answer, login)
        for answer, login in ((wrong, "mei"), (unknown, "nobody"), (switched_off, "kai"), (locked, "tao"))
    ]
    assert len(set(told)) == 1
    assert {answer.status_code for answer in (wrong, unknown, switched_off, locked)} == {200}


def test_signing_in_takes_the_name_in_any_case_and_no_address(app: Flask) -> None:
    assert enter(visitor(app), " MEI ").status_code == 302
    assert enter(visitor(app), "mei@example.com").status_code == 200


@pytest.mark.parametrize("name", ["mei\x00", "'; DROP TABLE ab_user; --", "%", "美" * 200])
def test_odd_names_are_refused_quietly(app: Flask, name: str) -> None:
    answer = enter(visitor(app), name)
    assert answer.status_code == 200
    check_page(answer.text, "/login/")


@pytest.mark.slow
def test_eight_wrong_passwords_shut_the_account_for_a_quarter_of_an_hour(app: Flask) -> None:
    client = visitor(app)
    with clock.frozen(NOON):
        for number in range(FAILURES_ALLOWED - 1):
            enter(client, "mei" if number % 2 else "MEI", "wrong password")
        assert user("mei").fail_login_count == FAILURES_ALLOWED - 1
        enter(client, "mei", "wrong password")
        assert enter(client, "mei").status_code == 200, "the eighth wrong password did not shut the account"
    with clock.frozen(NOON + timedelta(minutes=14, seconds=59)):
        assert enter(client, "mei").status_code == 200
    with clock.frozen(NOON + timedelta(minutes=15)):
        assert enter(client, "mei").status_code == 302
        assert is_in(client)
    db.session.expire_all()
    assert user("mei").fail_login_count == 0
    assert user("mei").last_login == NOON.replace(tzinfo=None) + timedelta(minutes=15)


@pytest.mark.slow
def test_a_right_password_forgets_the_wrong_ones_before_it(app: Flask) -> None:
    client = visitor(app)
    for _round in range(2):
        for _try in range(FAILURES_ALLOWED - 1):
            enter(client, "mei", "wrong password")
        answer = enter(client, "mei")
        assert answer.status_code == 302
        client.send("/logout/")


@pytest.mark.slow
def test_tries_while_shut_do_not_lengthen_the_lock(app: Flask) -> None:
    client = visitor(app)
    with clock.frozen(NOON):
        for _try in range(FAILURES_ALLOWED):
            enter(client, "mei", "wrong password")
    with clock.frozen(NOON + timedelta(minutes=10)):
        for _try in range(FAILURES_ALLOWED):
            enter(client, "mei", "wrong password")
    with clock.frozen(NOON + timedelta(minutes=15)):
        assert enter(client, "mei").status_code == 302


@pytest.fixture
def another(app: Flask) -> Iterator[Callable[..., Flask]]:
    """Return a way to run the portal with other settings over the same database."""
    made: list[Flask] = []

    def make(settings: Settings, **overrides: object) -> Flask:
        made.append(create_app(settings, TESTING=True, **overrides))
        return made[-1]

    yield make
    for one in made:
        with one.app_context():
            db.engine.dispose()


@pytest.mark.slow
def test_a_flood_of_tries_is_told_to_wait(settings: Settings, another: Callable[..., Flask]) -> None:
    client = visitor(another(settings, RATELIMIT_ENABLED=True, AUTH_RATE_LIMIT="5 per minute"))
    answers = [enter(client, "nobody", "wrong password") for _try in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert check_page(answers[-1].text, "/login/").h1.text
    assert client.get("/login/").status_code == 200, "reading the page is not limited"


def test_the_limit_on_tries_is_on_unless_a_test_turns_it_off(settings: Settings) -> None:
    kept = flask_config(settings)
    assert kept["RATELIMIT_ENABLED"]
    assert kept["AUTH_RATE_LIMITED"]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "///evil.example", "\\\\evil.example", "/\\evil.example",
        "http:evil.example", "javascript:alert(1)", "https:///evil.example", " //evil.example", "\t//evil.example",
        "http://localhost@evil.example/", "data:text/html,x",
    ],
)  # fmt: skip
def test_signing_in_never_leads_to_another_host(app: Flask, target: str) -> None:
    client = visitor(app)
    answer = enter(client, "mei", url="/login/?" + "next=" + target.replace("&", "%26").replace("\t", "%09"))
    assert answer.status_code == 302
    again = client.get("/login/", query_string={"next": target})
    for where in (answer.headers["Location"], again.headers["Location"]):
        assert not where.startswith(("//", "/\\", "\\")), where
        assert urlsplit(urljoin("http://localhost/login/", where))[:2] == ("http", "localhost"), where


def test_signing_in_leads_where_the_person_wanted_to_go(app: Flask) -> None:
    client = visitor(app)
    asked = client.get("/repair/list/?q=耳機")
    assert asked.status_code == 302
    led = enter(client, "mei", url=asked.headers["Location"]).headers["Location"]
    assert urlsplit(urljoin("http://localhost", led))[:3] == ("http", "localhost", "/repair/list/")
    assert visitor(app).get("/account/").status_code == 302


# -- sessions --------------------------------------------------------------------------------


def kept_session(client: Person) -> Person:
    """Return another browser with a copy of this one's cookie, as a thief or a second window would have it."""
    cookie = client.get_cookie("session")
    assert cookie is not None
    copy = visitor(client.application)
    copy.set_cookie("session", cookie.value)
    assert is_in(copy)
    # The browser sends the cookie it was given; a test client would take up each renewed one.
    copy.delete_cookie("session")
    copy.set_cookie("session", cookie.value)
    return copy


@pytest.mark.slow
def test_a_changed_password_ends_every_other_session(app: Flask) -> None:
    here = visitor(app)
    enter(here, "mei")
    there = kept_session(here)
    answer = here.submit("/account/", old=PASSWORD, new="a rather new password", again="a rather new password")
    assert answer.status_code == 200
    assert is_in(here), "whoever changes the password stays signed in"
    assert not is_in(there)
    assert enter(visitor(app), "mei").status_code == 200
    assert enter(visitor(app), "mei", "a rather new password").status_code == 302


def test_switching_off_ends_sessions_for_good(app: Flask, sign_in: SignIn) -> None:
    mei, an = visitor(app), sign_in("an")
    enter(mei, "mei")
    stolen = kept_session(mei)
    key = user("mei").id
    assert an.send(f"/user/switch-off/{key}").status_code == 302
    assert not is_in(mei)
    an.send(f"/user/switch-on/{key}")
    assert user("mei").active
    stolen_again = kept_value(stolen)
    assert not is_in(stolen_again), "a session from before came back to life"
    assert enter(visitor(app), "mei").status_code == 302


def kept_value(client: Person) -> Person:
    cookie = client.get_cookie("session")
    copy = visitor(client.application)
    copy.set_cookie("session", cookie.value if cookie else "")
    return copy


def test_a_reset_password_ends_sessions_and_keys(app: Flask, sign_in: SignIn) -> None:
    mei, an = visitor(app), sign_in("an")
    enter(mei, "mei")
    key = make_key(sign_in("mei"))
    assert by_key(app, key).get("/api/v1/repair/").status_code == 200
    shown = an.send(f"/user/reset-password/{user('mei').id}")
    assert not is_in(mei)
    assert by_key(app, key).get("/api/v1/repair/").status_code == 401
    new = BeautifulSoup(shown.text, "html.parser").select_one("code.password").text
    assert enter(visitor(app), "mei", new).status_code == 302


def test_signing_out_empties_the_session(app: Flask) -> None:
    client = visitor(app)
    enter(client, "mei")
    assert client.send("/logout/").status_code == 302
    assert not is_in(client)
    with client.session_transaction() as session:
        assert "_user_id" not in session


def test_signing_out_ends_every_copy_of_the_cookie(app: Flask) -> None:
    """A copy is dead for good, also after the portal has forgotten which sessions were signed out."""
    with clock.frozen(NOON):
        client, other, copy = visitor(app), visitor(app), visitor(app)
        enter(client, "mei")
        enter(other, "mei")
        copy.set_cookie("session", client.get_cookie("session").value)
        assert is_in(copy)
        client.send("/logout/")
        assert not is_in(copy)
        assert is_in(other)
    with clock.frozen(NOON + timedelta(hours=13)):
        assert run_jobs(clock.now())["ended_sessions"] == 1
        assert not is_in(copy)


@pytest.mark.slow
def test_a_password_of_somebody_elses_making_is_changed_before_anything_else(app: Flask, sign_in: SignIn) -> None:
    an, mei = sign_in("an"), visitor(app)
    shown = an.send(f"/user/reset-password/{user('mei').id}")
    lent = BeautifulSoup(shown.text, "html.parser").select_one("code.password").text
    enter(mei, "mei", lent)
    for url in ("/", "/repair/list/", "/repair/add"):
        assert mei.get(url).headers["Location"] == "/account/"
    assert mei.get("/api/v1/repair/").status_code == 403
    page = mei.page("/account/")
    assert "請先設定您自己的密碼" in page.select_one(".note-info").text
    fields = {"old": lent, "new": "a password of her own", "again": "a password of her own"}
    assert mei.submit("/account/", **{**fields, "new": lent, "again": lent}).status_code == 422
    assert mei.get("/").status_code == 302
    assert mei.submit("/account/", **fields).status_code == 200
    assert mei.get("/repair/list/").status_code == 200


def test_a_new_session_keeps_nothing_of_the_visitors_but_the_language(app: Flask) -> None:
    client = visitor(app)
    token = client.page("/login/").select_one("input[name=csrf_token]")["value"]
    client.post("/language/zh_Hans_CN", data={"csrf_token": token})
    with client.session_transaction() as session:
        session["left"] = "behind"
    before = client.page("/login/").select_one("input[name=csrf_token]")["value"]
    enter(client, "mei")
    with client.session_transaction() as session:
        assert "left" not in session
        assert session["locale"] == "zh_Hans_CN"
    assert client.post("/logout/", data={"csrf_token": before}).status_code == 400


@pytest.mark.slow
def test_the_cookie_is_kept_from_scripts_and_other_sites(
    app: Flask, settings: Settings, another: Callable[..., Flask]
) -> None:
    header = enter(visitor(app), "mei").headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Secure" not in header, "over plain HTTP a Secure cookie would never come back"
    env = {"PORTAL_DATA_DIR": str(settings.data_dir), "PORTAL_DATABASE_URL": settings.database_url, "PORTAL_HTTPS": "1"}
    client = visitor(another(Settings.from_env(env), RATELIMIT_ENABLED=False))
    token = BeautifulSoup(client.get("/login/", base_url="https://localhost").text, "html.parser").select_one(
        "input[name=csrf_token]"
    )
    answer = client.post(
        "/login/", base_url="https://localhost", headers={"Referer": "https://localhost/login/"},
        data={"csrf_token": token["value"], "username": "mei", "password": PASSWORD},
    )  # fmt: skip
    assert answer.status_code == 302
    assert "Secure" in answer.headers["Set-Cookie"]


def test_the_session_holds_no_addresses_and_no_search_words(app: Flask) -> None:
    client = visitor(app)
    enter(client, "an")
    for url in ("/user/list/?q=周美", "/staff-member/list/?q=E0001", "/repair/list/?status=FIXED", "/back", "/x?q=周"):
        client.get(url)
    with client.session_transaction() as session:
        held = dict(session)
    expected = {"_user_id", "_fresh", "_id", "_permanent", "password", "mark", "csrf_token", "locale", "_flashes"}
    expected.add("renewed")
    assert set(held) <= expected, held
    text = str(held)
    assert not any(word in text for word in ("周", "E0001", "FIXED", "/list/", "/x")), held
    assert PASSWORD not in text
    assert user("an").password not in text


@pytest.mark.parametrize(
    ("password", "is_fine"),
    [("short", False), ("a" * (PASSWORD_LENGTH - 1), False), ("a" * PASSWORD_LENGTH, True), (" Administrator ", False)],
)
def test_one_rule_for_every_password(app: Flask, password: str, is_fine: bool) -> None:  # noqa: FBT001
    from app.core.errors import RuleError  # noqa: PLC0415

    if is_fine:
        check_password(password, "administrator")
    else:
        with pytest.raises(RuleError):
            check_password(password, "administrator")


def test_ones_own_password_change_is_strict_and_loses_nothing(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei", "en")
    for fields, told in (
        ({"old": "not this", "new": "a rather new one", "again": "a rather new one"}, "not your present password"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "at least 10 characters"),
        ({"old": PASSWORD, "new": "a rather new one", "again": "another new one"}, "not the same"),
    ):
        answer = mei.submit("/account/", **fields)
        assert answer.status_code == 422
        assert told in answer.text
    assert enter(visitor(app), "mei").status_code == 302


# -- keys ------------------------------------------------------------------------------------


def make_key(person: Person, name: str = "夜間報表", last: str = "") -> str:
    """Make a key on the account page and return it as the page shows it, this once."""
    data = {"name": name, "expires_on": last or (clock.today() + timedelta(days=30)).isoformat()}
    answer = person.send("/account/keys", data)
    assert answer.status_code == 200, answer.text[-2000:]
    soup = check_page(answer.text, "/account/keys")
    key = soup.select_one(".secret code").text
    assert key.startswith("kefu_")
    assert key not in person.get("/account/").text
    return key


class ByKey:
    """A program with a key, and perhaps somebody's cookie."""

    def __init__(self, client: Person, key: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {key}"}

    def get(self, url: str) -> TestResponse:
        return self.client.get(url, headers=self.headers)

    def send(self, method: str, url: str, body: dict[str, Any] | None = None) -> TestResponse:
        return self.client.open(url, method=method, json=body or {}, headers=self.headers)


def by_key(app: Flask, key: str, client: Person | None = None) -> ByKey:
    return ByKey(client or visitor(app), key)


@pytest.fixture
def repairs(app: Flask) -> dict[str, int]:
    """One repair reported by Mei and one by Kai, each by id."""
    kind, area = db.session.scalars(select(EquipmentKind)).first(), db.session.scalars(select(Area)).first()
    fault = db.session.scalars(select(FaultKind)).first()
    made = {}
    for login in ("mei", "kai"):
        piece = Equipment(tag=f"PH-{login}", name="話機", kind=kind, area=area, keeper=member(login))
        repair = Repair(
            number=f"RP-{login}", equipment=piece, fault_kind=fault, fault="無聲", impact=next(iter(Impact)),
            reporter=member(login), reported_at=clock.now(), status=RepairStatus.REPORTED,
        )  # fmt: skip
        db.session.add(repair)
        db.session.flush()
        made[login] = repair.id
    db.session.commit()
    return made


def test_a_key_works_for_its_user_alone_and_needs_no_token(
    app: Flask, sign_in: SignIn, repairs: dict[str, int]
) -> None:
    mei = by_key(app, make_key(sign_in("mei")))
    listed = mei.get("/api/v1/repair/").json
    assert [row["number"] for row in listed["result"]] == ["RP-mei"]
    assert mei.get(f"/api/v1/repair/{repairs['kai']}").status_code == 404
    assert mei.get("/api/v1/team/").status_code == 403
    assert mei.send("POST", "/api/v1/area/", {"code": "X"}).status_code == 403


def test_what_a_key_does_is_written_to_its_user(app: Flask, sign_in: SignIn, repairs: dict[str, int]) -> None:
    fan = by_key(app, make_key(sign_in("fan")))
    body = {"code": "R9", "name_zh_hant": "九號區", "name_zh_hans": "九号区", "name_en": "Area 9"}
    made = fan.send("POST", "/api/v1/area/", body)
    assert made.status_code == 201, made.text
    area = db.session.get_one(Area, made.json["id"])
    assert area.created_by_id == user("fan").id
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.entity, entry.user_id) == ("area", user("fan").id)

    taken = fan.send("POST", f"/api/v1/repair/{repairs['mei']}/step/accept")
    assert taken.status_code == 200, taken.text
    repair = db.session.get_one(Repair, repairs["mei"])
    assert (repair.status, repair.owner) == (RepairStatus.IN_REPAIR, member("fan"))
    step = db.session.scalars(select(AuditEntry).where(AuditEntry.step == "accept")).one()
    assert step.user_id == user("fan").id


def test_a_key_counts_alone_whatever_cookie_comes_along(app: Flask, sign_in: SignIn, repairs: dict[str, int]) -> None:
    key = make_key(sign_in("mei"))
    with_cookie = by_key(app, key, sign_in("fan"))
    assert [row["number"] for row in with_cookie.get("/api/v1/repair/").json["result"]] == ["RP-mei"]
    assert with_cookie.send("POST", f"/api/v1/repair/{repairs['mei']}/step/accept").status_code == 403
    bad = by_key(app, key[:-1] + ("a" if key[-1] != "a" else "b"), sign_in("fan"))
    for method, url in (
        ("GET", "/api/v1/repair/"), ("POST", "/api/v1/area/"), ("POST", f"/api/v1/repair/{repairs['mei']}/step/accept"),
    ):  # fmt: skip
        answer = bad.send(method, url)
        assert answer.status_code == 401, f"{method} {url}: {answer.status_code}"
        assert answer.json["message"]


def test_a_key_opens_no_pages(app: Flask, sign_in: SignIn) -> None:
    fan = by_key(app, make_key(sign_in("fan")))
    assert fan.get("/repair/list/").status_code == 302
    assert fan.get("/account/").status_code == 302
    assert fan.send("POST", "/account/keys").status_code == 400
    assert fan.client.get_cookie("session") is None or not is_in(fan.client)


def test_a_revoked_or_expired_key_and_one_of_a_login_switched_off_are_refused(app: Flask, sign_in: SignIn) -> None:
    mei, an = sign_in("mei"), sign_in("an")
    today = clock.today()
    key = make_key(mei, last=today.isoformat())
    end = datetime(today.year, today.month, today.day, tzinfo=clock.office_zone()) + timedelta(days=1)
    with clock.frozen(end - timedelta(seconds=1)):
        assert by_key(app, key).get("/api/v1/repair/").status_code == 200
    with clock.frozen(end):
        assert by_key(app, key).get("/api/v1/repair/").status_code == 401

    key = make_key(mei)
    kept = db.session.scalars(select(ApiKey).order_by(ApiKey.id.desc())).first()
    assert mei.send(f"/account/keys/{kept.uuid}/revoke").status_code == 302
    assert by_key(app, key).get("/api/v1/repair/").status_code == 401

    key = make_key(mei)
    an.send(f"/user/switch-off/{user('mei').id}")
    assert by_key(app, key).get("/api/v1/repair/").status_code == 401
    an.send(f"/user/switch-on/{user('mei').id}")
    assert by_key(app, key).get("/api/v1/repair/").status_code == 401, "a key of before came back to life"


def test_a_right_taken_away_is_gone_for_keys_too(app: Flask, sign_in: SignIn) -> None:
    key = by_key(app, make_key(sign_in("mei")))
    assert key.get("/api/v1/repair/").status_code == 200
    an = sign_in("an")
    an.submit(f"/user/roles/{user('mei').id}", roles=[])
    assert key.get("/api/v1/repair/").status_code == 403


def test_nobody_revokes_the_key_of_another(app: Flask, sign_in: SignIn) -> None:
    key = make_key(sign_in("mei"))
    uuid = db.session.scalars(select(ApiKey.uuid)).one()
    assert sign_in("kai").send(f"/account/keys/{uuid}/revoke").status_code == 404
    assert sign_in("an").send(f"/account/keys/{uuid}/revoke").status_code == 404
    assert by_key(app, key).get("/api/v1/repair/").status_code == 200


def test_only_a_hash_of_a_key_is_kept_and_its_use_is_noted(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    key = make_key(mei, "盤點程式")
    kept = db.session.scalars(select(ApiKey)).one()
    columns = [str(getattr(kept, column.key)) for column in ApiKey.__table__.columns]
    assert not any(key in value or key[12:] in value for value in columns)
    assert kept.last_used_on is None
    with clock.frozen(NOON):
        by_key(app, key).get("/api/v1/repair/")
    db.session.expire_all()
    assert kept.last_used_on == NOON.replace(tzinfo=None)
    page = mei.page("/account/")
    assert "盤點程式" in page.main.text
    assert "2026-03-02 12:00" in page.main.text


@pytest.mark.parametrize("last", ["2020-01-01", "2999-01-01", "soon", ""])
def test_a_key_has_a_last_day_within_a_year(app: Flask, sign_in: SignIn, last: str) -> None:
    mei = sign_in("mei")
    answer = mei.send("/account/keys", {"name": "報表", "expires_on": last})
    assert answer.status_code == 422
    soup = check_page(answer.text, "/account/keys")
    assert soup.select_one("input[name=name]")["value"] == "報表"
    assert db.session.scalars(select(ApiKey)).first() is None


@pytest.mark.parametrize("header", ["Bearer x", "Bearer ", "Basic bWVpOng=", "Bearer kefu_", "Bearer a.b.c", "kefu_x"])
def test_odd_headers_are_answered_calmly(app: Flask, header: str) -> None:
    answer = visitor(app).get("/api/v1/repair/", headers={"Authorization": header})
    assert answer.status_code in {401, 422}, answer.text
    assert answer.is_json


def test_a_static_file_asks_nobody_who_they_are(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    with statements() as found, mei.get("/static/portal.css") as sheet:
        assert sheet.status_code == 200
    assert found == []
