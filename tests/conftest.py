"""The house in a test: a prepared database, a cast of people, and a client that reads every page it fetches.

``PORTAL_TEST_DATABASE`` chooses ``sqlite`` (default) or ``postgresql``; the suite runs on both.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask, has_app_context
from flask.globals import _cv_app
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role, User
from page import check_page, judge, token_in
from sqlalchemy import Engine, event, select
from sqlalchemy.engine import make_url
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from app import create_app
from app.core import catalogs, list_index, migrating, search_index
from app.core.db import Model, db
from app.core.roles import check_matrix, read_matrix, sync_roles
from app.core.security import fingerprint
from app.core.seeding import seed
from app.lobby.commands import SEED, SEEDS
from app.staff.models import Department, Position, StaffMember, Team
from config import Settings

DATABASE = os.environ.get("PORTAL_TEST_DATABASE", "sqlite")
POSTGRES = os.environ.get("PORTAL_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
PASSWORD = "a long enough password"


@dataclass(frozen=True)
class Member:
    """One of the cast."""

    login: str
    name: str
    role: str
    team: str | None
    leads: bool = False
    department: str = "CS"


CAST = (
    Member("mei", "周美", "agent", "T1"),
    Member("tao", "王濤", "agent", "T1"),
    Member("kai", "孫凱", "agent", "T2"),
    Member("liang", "陳亮", "team_lead", "T1", leads=True),
    Member("su", "林素", "supervisor", None),
    Member("fan", "許帆", "facility", None, department="GA"),
    Member("du", "鄭杜", "department", None, department="CLAIMS"),
    Member("ao", "吳敖", "auditor", None),
    Member("an", "黃安", "administrator", None, department="IT"),
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest: a run on two cores should end with short tests, not wait for one long one.

    What no fixture leads to a database is the same on both, and runs with SQLite.
    """
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("slow", "browser")])
    if DATABASE != "sqlite":
        same = [item for item in items if "databases" not in item.fixturenames]  # type: ignore[attr-defined]
        config.hook.pytest_deselected(items=same)
        items[:] = [item for item in items if item not in same]


class Databases:
    """A prepared database kept as a template, and fresh copies of it."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.folder = folder
        # Whoever else tests against the same server, from another checkout or container, has another name.
        self.name = f"kefu_test_{secrets.token_hex(4)}_{worker}"
        self.extra: set[str] = set()
        self.kept: Kept | None = None
        self.url = f"sqlite:///{folder}/test.db"
        if DATABASE == "postgresql":
            self.url = self._url(self.name)
            self._ask(f'CREATE DATABASE "{self.name}"')

    @staticmethod
    def _url(name: str) -> str:
        return make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)

    def _ask(self, *statements: str) -> None:
        with connected(POSTGRES) as connection:
            for statement in statements:
                connection.execute(statement)

    def keep(self) -> None:
        """Keep the database as it is now as the template."""
        if DATABASE == "postgresql":
            with connected(self.url) as connection:
                self.kept = Kept(connection)
            self._ask(f'ALTER DATABASE "{self.name}" RENAME TO "{self.name}_template"')
        else:
            shutil.copy(self.folder / "test.db", self.folder / "template.db")

    def restore(self) -> None:
        """Put a copy of the template in place."""
        if DATABASE == "postgresql":
            self._ask(
                f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)',
                f'CREATE DATABASE "{self.name}" TEMPLATE "{self.name}_template"',
            )
        else:
            for name in ("test.db-wal", "test.db-shm"):
                (self.folder / name).unlink(missing_ok=True)
            shutil.copy(self.folder / "template.db", self.folder / "test.db")

    def clean(self) -> None:
        """Undo what a test wrote: a file is copied anew; on a server taking rows away again is ten times cheaper."""
        if self.kept is not None and not Wrote.shape:
            with connected(self.url) as connection:
                if self.kept.put_back(connection):
                    return
        self.restore()

    def fresh(self, name: str) -> str:
        """Return the address of a new, empty database of this engine."""
        if DATABASE == "sqlite":
            return f"sqlite:///{self.folder}/{name}.db"
        self._ask(f'DROP DATABASE IF EXISTS "{self.name}_{name}" WITH (FORCE)', f'CREATE DATABASE "{self.name}_{name}"')
        self.extra.add(f"{self.name}_{name}")
        return self._url(f"{self.name}_{name}")

    def drop(self) -> None:
        """Leave nothing behind on the server."""
        if DATABASE == "postgresql":
            names = [self.name, f"{self.name}_template", *self.extra]
            self._ask(*(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in names))


def connected(url: str) -> psycopg.Connection[Any]:
    """Return a connection to a PostgreSQL server beside the portal's own; each statement is its own transaction."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)


class Kept:
    """What a PostgreSQL database held when it was kept, so that a copy can be told from it and put back.

    PostgreSQL notes in every row which transaction wrote it, and a copied database keeps these notes. Rows of later
    transactions were added by a test and are deleted, whoever wrote them. Where one of the kept rows is missing or was
    changed (and so stands elsewhere in its table), only a new copy is as it was.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.tables = [table.name for table in reversed(Model.metadata.sorted_tables)]
        # xmin has no epoch; a test run is far from using two thousand million transactions up.
        first = "SELECT txid_snapshot_xmax(txid_current_snapshot()) % (2::bigint ^ 32)::bigint"
        self.later = f"xmin::text::bigint >= {connection.execute(first).fetchone()[0]}"
        counted = (
            f"SELECT '{name}', count(*) FILTER (WHERE NOT {self.later}), count(*) FILTER (WHERE {self.later})"  # noqa: S608
            f' FROM "{name}"'
            for name in self.tables
        )
        self.count = " UNION ALL ".join(counted)
        self.rows = {name: kept for name, kept, _later in connection.execute(self.count)}
        self.sequences = self._sequences(connection)

    def _sequences(self, connection: psycopg.Connection[Any]) -> dict[str, int | None]:
        return dict(connection.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall())

    def put_back(self, connection: psycopg.Connection[Any]) -> bool:
        """Take away what came later, and tell whether the database is as it was."""
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        counted = connection.execute(self.count).fetchall()
        if any(kept != self.rows[name] for name, kept, _later in counted):
            return False
        later = {name for name, _kept, later in counted if later}
        try:
            with connection.transaction():
                for name in self.tables:
                    if name in later:
                        connection.execute(f'DELETE FROM "{name}" WHERE {self.later}')  # noqa: S608
                for name, value in self._sequences(connection).items():
                    if value != (kept := self.sequences[name]):
                        given = (f'"{name}"', kept or 1, kept is not None)
                        connection.execute("SELECT setval(%s::regclass, %s, %s)", given)
        except psycopg.errors.IntegrityError:
            # Rows that refer to one another in a ring.
            return False
        return True


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this test process."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "main"))


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory, worker: str) -> Iterator[Databases]:
    """The database of this test process."""
    made = Databases(tmp_path_factory.mktemp("data"), worker)
    yield made
    made.drop()


@pytest.fixture(scope="session")
def settings(databases: Databases) -> Settings:
    """Settings of the tested portal."""
    return Settings.from_env({"PORTAL_DATA_DIR": str(databases.folder), "PORTAL_DATABASE_URL": databases.url})


def fill_cast() -> None:
    """Make two teams and the cast."""
    departments = {row.code: row for row in db.session.scalars(select(Department))}
    positions = {row.code: row for row in db.session.scalars(select(Position))}
    roles = {row.name: row for row in db.session.scalars(select(Role))}
    teams = {}
    for code, hant, hans, english in (
        ("T1", "客服一組", "客服一组", "Team 1"),
        ("T2", "客服二組", "客服二组", "Team 2"),
    ):
        teams[code] = Team(
            code=code, name_zh_hant=hant, name_zh_hans=hans, name_en=english, department=departments["CS"]
        )
    db.session.add_all(teams.values())
    hashed = generate_password_hash(PASSWORD)
    for number, one in enumerate(CAST, start=1):
        user = User(
            username=one.login,
            last_name=one.name[0],
            first_name=one.name[1:],
            email=f"{one.login}@example.com",
            active=True,
            password=hashed,
        )
        user.roles = [roles[one.role]]
        db.session.add(user)
        db.session.flush()
        team = teams[one.team] if one.team else None
        db.session.add(
            StaffMember(
                number=f"E{number:04d}",
                name=one.name,
                user_id=user.id,
                department=departments[one.department],
                team=team,
                leads=team if one.leads else None,
                position=positions["AGENT1"],
                hired_on=date(2020, 1, 2),
            )
        )
    db.session.commit()


@pytest.fixture(scope="session")
def portal(settings: Settings, databases: Databases) -> Iterator[Flask]:
    """The portal over a prepared database; tests take ``app``, which is clean."""
    made = create_app(settings, TESTING=True, RATELIMIT_ENABLED=False, SERVER_NAME=None)
    with made.app_context():
        migrating.upgrade()
        search_index.prepare(db.session.connection())
        list_index.prepare(db.session.connection())
        catalogs.prepare(db.session.connection())
        matrix = read_matrix(SEED / "roles.csv")
        check_matrix(matrix)
        sync_roles(matrix)
        for name, model, keys in SEEDS:
            seed(model, SEED / name, keys)
        db.session.commit()
        fill_cast()
        db.session.remove()
        db.engine.dispose()
    databases.keep()
    databases.restore()
    # The first request of a process asks once for the key of the data; budgets are those of the others.
    made.test_client().get("/login/")
    Wrote.rows = Wrote.shape = False
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


class Wrote:
    """Whether a test has written rows to the database or changed its tables, so that only then it is put back."""

    rows = False
    shape = False


@event.listens_for(Engine, "before_cursor_execute")
def _notice(_connection: Any, _cursor: Any, statement: str, *_rest: object) -> None:
    verb = statement.lstrip()[:6].upper()
    Wrote.rows |= verb in {"INSERT", "UPDATE", "DELETE", "TRUNCA"}
    Wrote.shape |= verb in {"CREATE", "DROP T", "ALTER "}


@pytest.fixture
def app(portal: Flask, databases: Databases) -> Iterator[Flask]:
    """The portal with the cast and the catalogs, and nothing else; an application context is open."""
    if Wrote.rows or Wrote.shape:
        with portal.app_context():
            db.engine.dispose()
        databases.clean()
        Wrote.rows = Wrote.shape = False
    # What was estimated a moment ago was estimated of other rows.
    portal.extensions.pop("portal_estimates", None)
    with portal.app_context():
        yield portal
        db.session.rollback()
        db.session.remove()


class Person(FlaskClient):
    """One of the cast with a browser: pages are checked as they are fetched, forms are filled as a person would."""

    name: str

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request as a server would get it: without the test's own application context and its ``g``."""

        def alone() -> TestResponse:
            _cv_app.set(None)  # type: ignore[arg-type]
            return super(Person, self).open(*args, **{**kwargs, "buffered": True})

        # The test's own transaction would keep SQLite's only write lock, and show rows as they were.
        if has_app_context():
            db.session.commit()
        return copy_context().run(alone)

    def page(self, url: str, status: int = 200) -> BeautifulSoup:
        """Fetch a page, check it, and return it parsed."""
        answer = self.get(url, follow_redirects=status == 200)
        assert answer.status_code == status, f"{url}: {answer.status_code}\n{answer.text[-2000:]}"
        return check_page(answer.text, url)

    def read(self, text: str, url: str) -> BeautifulSoup:
        """Check a page that was fetched already and return it parsed."""
        return check_page(text, url)

    def token(self) -> str:
        """Return the CSRF token of this browser's session."""
        return token_in(self.get("/account/").text)

    def send(self, url: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """Post with the session's token."""
        return self.post(url, data={"csrf_token": self.token(), **(data or {})}, **options)

    def refused(self, url: str) -> str:
        """Take a step that asks for nothing; return why the page it leads back to says it could not be taken."""
        answer = self.send(url, follow_redirects=True)
        told = check_page(answer.text, url).select_one(".note-danger")
        return told.text if told is not None else ""

    def submit(self, url: str, **fields: Any) -> TestResponse:
        """Open a page, fill its form (the other inputs stay as they stand), send it and follow."""
        soup = self.page(url)
        form = soup.select_one("main form[data-guard], main form.form")
        assert form is not None, f"no form at {url}"
        data = {**inputs(form), **fields}
        answer = self.post(url, data=data, follow_redirects=True, content_type="multipart/form-data")
        judge(answer.text, url)
        return answer


def inputs(form: Tag) -> dict[str, Any]:
    """Return what a browser would send for a form as it stands."""
    found: dict[str, Any] = {}
    for element in form.select("input[name], textarea[name], select[name]"):
        name = str(element["name"])
        if element.name == "select":
            chosen = [str(option["value"]) for option in element.select("option[selected]")]
            found[name] = chosen if element.has_attr("multiple") else (chosen or [""])[0]
        elif element.name == "textarea":
            found[name] = element.text.lstrip("\n")
        elif element.get("type") in {"radio", "checkbox"}:
            if element.has_attr("checked"):
                found[name] = element.get("value", "on")
        elif element.get("type") != "file":
            found[name] = element.get("value", "")
    return found


SignIn = Callable[..., Person]


@pytest.fixture
def sign_in(app: Flask) -> SignIn:
    """Return a way to be one of the cast: ``sign_in("mei")``; the language is zh_Hant_TW unless told."""
    app.test_client_class = Person

    def be(login: str, locale: str = "zh_Hant_TW") -> Person:
        user = db.session.scalars(select(User).where(User.username == login)).one()
        client = app.test_client()
        assert isinstance(client, Person)
        client.name = login
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = str(user.id), True
            session["password"], session["locale"] = fingerprint(user), locale
        return client

    return be


def member(login: str) -> StaffMember:
    """Return the staff record of one of the cast."""
    return db.session.scalars(select(StaffMember).join(StaffMember.user).where(User.username == login)).one()
