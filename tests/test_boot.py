"""Preparing a database and booting on it, several at once, as servers do it: real processes on an empty database."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from conftest import Databases
from sqlalchemy import create_engine, text

from config import ROOT

pytestmark = pytest.mark.slow

WORKERS = 4
PATIENCE = 180
CHOSEN = "a password of the boss's own"


@pytest.fixture
def env(databases: Databases, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of a portal on an empty database."""
    name = f"boot{abs(hash(request.node.name)) % 10_000}"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
    return {**kept, "PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DATABASE_URL": databases.fresh(name)}


def start(env: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own commands
        [sys.executable, "-m", *words], cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def told(process: subprocess.Popen[str]) -> str:
    """Wait for a command and return what it printed; it must have succeeded."""
    out, wrong = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + wrong
    return out


def counts(env: dict[str, str]) -> dict[str, int]:
    engine = create_engine(env["PORTAL_DATABASE_URL"])
    with engine.connect() as connection:
        found = {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - our tables
            for table in ("ab_role", "ab_permission_view_role", "shipped_grant", "clause", "promise", "alembic_version")
        }
    engine.dispose()
    return found


def test_two_preparations_at_once_both_succeed_and_do_it_once(env: dict[str, str]) -> None:
    both = [start(env, "flask", "--app", "run", "portal", "init") for _one in range(2)]
    printed = [told(process) for process in both]
    added = sorted(int(re.search(r"(\d+) rights added", out)[1]) for out in printed)
    assert added[0] == 0
    first = counts(env)
    assert first["ab_role"] == 7
    assert first["ab_permission_view_role"] == first["shipped_grant"] == added[1]
    again = told(start(env, "flask", "--app", "run", "portal", "init"))
    assert "0 rights added, 0 taken away, 0 catalog rows added" in again
    assert counts(env) == first


def test_a_new_release_keeps_the_records_of_the_one_before(env: dict[str, str]) -> None:
    """Each migration finds rows in the tables it changes."""
    told(start(env, "flask", "--app", "run", "db", "upgrade", "0001"))
    engine = create_engine(env["PORTAL_DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO ab_user (id, first_name, last_name, username, email) VALUES (1, 'a', 'b', 'mei', 'm')")
        )
        connection.execute(text("INSERT INTO user_setting (user_id, locale, sessions_ended) VALUES (1, 'en', 2)"))
    told(start(env, "flask", "--app", "run", "portal", "init"))
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT locale, sessions_ended, must_change_password FROM user_setting")).one()
    engine.dispose()
    assert tuple(kept) == ("en", 2, False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answers(url: str, server: subprocess.Popen[str]) -> int:
    """Return the status of a page, once there is a server."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert server.poll() is None, server.communicate()[1]
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own server
                status: int = answer.status
                return status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.3)
    pytest.fail("the server never answered")


def test_four_workers_boot_on_an_empty_database_and_serve_once_it_is_prepared(env: dict[str, str]) -> None:
    port = free_port()
    server = start(env, "gunicorn", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}")
    house = f"http://127.0.0.1:{port}"
    try:
        # Until then nobody is let in, and told why.
        assert {answers(f"{house}/login/", server) for _page in range(WORKERS * 3)} == {503}
        out = told(start(env, "flask", "--app", "run", "portal", "init", "--administrator", "boss"))
        password = re.search(r"password (\S+)", out)[1]
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

        def sent(url: str, **fields: str) -> str:
            page = BeautifulSoup(browser.open(house + url, timeout=30).read(), "html.parser")
            token = page.select_one("input[name=csrf_token]")["value"]
            data = urlencode({"csrf_token": token, **fields}).encode()
            went: str = browser.open(house + url, data, timeout=30).url
            return went

        assert sent("/login/", username="boss", password=password) == f"{house}/account/"
        sent("/account/", old=password, new=CHOSEN, again=CHOSEN)
        for url in ("/role/list/", "/user/list/", "/repair/list/", "/account/") * WORKERS:
            assert browser.open(house + url, timeout=30).status == 200
        assert server.poll() is None
    finally:
        server.terminate()
        wrong = server.communicate(timeout=60)[1]
    assert "Traceback" not in wrong, wrong
    assert "failed to boot" not in wrong, wrong
