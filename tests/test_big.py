"""The department of ten years, small: right by every constraint, the same each time, and open to its people."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import DATABASE, Databases, Person
from flask import Flask
from flask.testing import FlaskCliRunner
from page import token_in
from sqlalchemy import func, or_, select, text

from app import create_app
from app.casework.models import Consultation, Note, Ticket, TicketStatus, Topic
from app.core import clock
from app.core.audit import AuditEntry
from app.core.db import Model, db
from app.core.sealed import Sealed
from app.customers import checks
from app.customers.models import Channel, Customer, CustomerKind, Policy, exact_hash, tail_hash
from app.roster.models import Shift
from app.staff.models import StaffMember, Task, TaskStatus, Team
from config import ROOT, Settings
from tests.big import COMMON_WORD, LOGINS, PASSWORD, RARE_TICKETS, RARE_WORD, Size, fill
from tests.big.load import loading
from tests.big.people import TEAM
from tests.big.sheets import Sheet, SheetError

pytestmark = pytest.mark.slow
SIZE = Size(tickets=3_000, shifts=4_000)
TINY = 200
# What is encrypted differs each time; the hashes, by the same key, do not.
TOLD = {
    name: [column.name for column in table.columns if not isinstance(column.type, Sealed)]
    for name, table in Model.metadata.tables.items()
    if name in {"ticket", "consultation", "complaint", "business_request", "task", "note", "customer", "policy",
                "shift", "staff_member", "repair", "enrolment", "appraisal", "leave_request", "number_series"}
}  # fmt: skip


def prepared(databases: Databases, folder: Path, name: str) -> Flask:
    """Return a portal on a database as ``portal init`` leaves it."""
    told = {"PORTAL_DATA_DIR": str(folder), "PORTAL_DATABASE_URL": databases.fresh(name)}
    portal = create_app(Settings.from_env(told), TESTING=True, RATELIMIT_ENABLED=False)
    made = FlaskCliRunner(portal).invoke(args=["portal", "init"])
    assert made.exit_code == 0, made.output
    portal.test_client_class = Person
    return portal


@pytest.fixture(scope="module")
def department(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A portal with a small department; every index and constraint is there as before it was filled."""
    portal = prepared(databases, tmp_path_factory.mktemp("big"), "big")
    with portal.app_context():
        before = shape()
        portal.extensions["big_counts"] = fill(db.engine, SIZE)
        assert shape() == before
        db.engine.dispose()
    return portal


@pytest.fixture
def filled(department: Flask) -> Iterator[Flask]:
    """The portal with the small department; an application context is open."""
    with department.app_context():
        yield department
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def empty(databases: Databases, tmp_path: Path) -> Iterator[Flask]:
    """A portal on a database that nobody has worked with."""
    portal = prepared(databases, tmp_path, "bigempty")
    with portal.app_context():
        yield portal
        db.session.remove()
        db.engine.dispose()


SHAPES = {
    "sqlite": ("SELECT name, sql FROM sqlite_master",),
    "postgresql": (
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index",
        "SELECT conname, conrelid::regclass::text || pg_get_constraintdef(oid) || convalidated FROM pg_constraint",
    ),
}


def shape() -> set[Any]:
    """Return the definitions of all tables, indexes and constraints, as the database has them."""
    found = {(row[0], row[1]) for asked in SHAPES[DATABASE] for row in db.session.execute(text(asked))}
    db.session.remove()
    return {row for row in found if not row[0].startswith("sqlite_stat")}


def count(*conditions: Any, of: type[Any] = Ticket) -> int:
    """Return how many rows there are of a model."""
    return db.session.scalar(select(func.count()).select_from(of).where(*conditions)) or 0


def signed_in(portal: Flask, login: str) -> Person:
    """Return a person who has signed in with the password that all have."""
    client: Any = portal.test_client()
    token = token_in(client.get("/login/").text)
    answer = client.post("/login/", data={"csrf_token": token, "username": login, "password": PASSWORD})
    assert answer.headers["Location"] == "/", login
    return client  # type: ignore[no-any-return]


def test_there_are_as_many_of_each_as_were_asked_for(filled: Flask) -> None:
    counts = filled.extensions["big_counts"]
    for name, number in counts.items():
        if name != "audit_entry":
            found = db.session.scalar(select(func.count()).select_from(Model.metadata.tables[name]))
            assert found == number, name
    asked = {Ticket: SIZE.tickets, Customer: SIZE.customers, StaffMember: SIZE.staff, Shift: SIZE.shifts,
             AuditEntry: SIZE.audit}  # fmt: skip
    assert {model.__name__: count(of=model) for model in asked} == {one.__name__: n for one, n in asked.items()}
    assert 0.9 < count(of=Note) / SIZE.notes < 1.1
    assert 1 < count(of=Policy) / SIZE.customers < 1.4
    assert 1 < count(Task.entity.in_(("consultation", "complaint", "business_request")), of=Task) / SIZE.tickets < 1.4
    kinds = Counter(kind.name for kind in db.session.scalars(select(Ticket.kind)))
    assert [round(kinds[name] / SIZE.tickets, 1) for name in ("CONSULTATION", "COMPLAINT", "BUSINESS_REQUEST")] == [
        0.7,
        0.1,
        0.2,
    ]


def test_keys_hold(filled: Flask) -> None:
    if DATABASE == "sqlite":
        assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []
        assert db.session.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
    else:
        # They were put back, which checks every row; and none was put back unchecked.
        assert db.session.scalar(text("SELECT count(*) FROM pg_constraint WHERE NOT convalidated")) == 0


def test_states_words_and_owners_are_skewed_as_in_life(filled: Flask) -> None:
    closed = count(Ticket.status == TicketStatus.CLOSED)
    assert 0.95 < closed / SIZE.tickets < 0.99
    now = clock.now()
    ages = [(now - at).days for at in db.session.scalars(select(Ticket.opened_at).where(Ticket.closed_at.is_(None)))]
    assert sorted(ages)[len(ages) // 2] < 120, "those that are open are recent"
    open_tickets = select(Ticket.id).where(Ticket.closed_at.is_(None))
    casework = Task.entity.in_(("consultation", "complaint", "business_request"))
    assert count(casework, Task.status == TaskStatus.OPEN, of=Task) > 0
    assert count(casework, Task.status == TaskStatus.OPEN, Task.record_id.not_in(open_tickets), of=Task) == 0
    assert 0 < count(Task.late_at.is_not(None), of=Task) < count(of=Task) / 4
    common, rare = (
        or_(*(Ticket.subject.contains(word) for word in words.values())) for words in (COMMON_WORD, RARE_WORD)
    )
    assert 0.1 < count(common) / SIZE.tickets < 0.2
    assert count(rare) == RARE_TICKETS
    assert count(or_(*(Ticket.story.contains(word) for word in RARE_WORD.values()))) == RARE_TICKETS
    first = db.session.scalars(select(Team.id).where(Team.code == "T1")).one()
    assert count(rare, Ticket.team_id == first) >= RARE_TICKETS // 2
    by_owner = sorted(Counter(db.session.scalars(select(Ticket.owner_id))).values())
    assert by_owner[-1] > 4 * by_owner[len(by_owner) // 2]
    many = select(Note.ticket_id).group_by(Note.ticket_id).having(func.count() == 20)
    assert len(db.session.execute(many).all()) >= SIZE.notes // 40


def test_customers_are_sealed_and_found_as_the_portal_does_it(filled: Flask) -> None:
    for customer in db.session.scalars(select(Customer).order_by(Customer.id).limit(400)):
        assert customer.id_number
        number = checks.id_number(customer.id_number, customer.kind, customer.id_kind, customer.jurisdiction)
        assert number == customer.id_number
        assert customer.id_number_hash == exact_hash("id_number", number)
        assert customer.id_number_tail == tail_hash("id_number", number[-4:])
        for column in ("mobile", "phone"):
            if value := getattr(customer, column):
                assert checks.phone_number(value, customer.jurisdiction, mobile=column == "mobile") == value
                assert getattr(customer, f"{column}_hash") == exact_hash(column, value)
        if customer.kind is CustomerKind.PERSON:
            assert customer.birth_date
            assert checks.birth_date(customer.birth_date, clock.today()) == customer.birth_date
            if born := checks.cn_birth_date(number):
                assert customer.jurisdiction.name == "TW" or born.isoformat() == customer.birth_date
    someone = db.session.scalars(select(Customer).where(Customer.mobile.is_not(None)).limit(1)).one()
    found = signed_in(filled, "agent").page(f"/customer/list/?q={someone.mobile}")
    assert [someone.number in row.text for row in found.select("tbody tr")] == [True]


def test_everybody_signs_in_and_the_agent_reads_every_list(filled: Flask) -> None:
    for login in LOGINS:
        assert signed_in(filled, login).page("/").select("nav a[href$='/list/']"), login
    person = signed_in(filled, "agent")
    lists = {str(one["href"]) for one in person.page("/").select("nav a[href$='/list/']")}
    # One agent of a department this small may owe nothing, and there were no typhoons.
    assert {link for link in lists if not person.page(link).select("tbody tr")} <= {
        "/task/list/",
        "/calendar-exception/list/",
    }


def test_the_agent_reads_a_ticket_and_its_notes(filled: Flask) -> None:
    person = signed_in(filled, "agent")
    rows = person.page("/consultation/list/").select("tbody tr")
    assert len(rows) == 25
    mine = select(StaffMember.team_id).where(StaffMember.user.has(username="agent"))
    noted = (
        select(Note.ticket_id)
        .join(Consultation, Consultation.id == Note.ticket_id)
        .where(Consultation.team_id.in_(mine))
        .group_by(Note.ticket_id)
        .having(func.count() == 20)
    )
    found = db.session.get(Consultation, db.session.scalars(noted.limit(1)).one())
    assert found is not None
    said = person.page(f"/consultation/show/{found.id}").text
    assert found.number in said
    assert found.subject in said
    last = select(Note.text).where(Note.ticket_id == found.id).order_by(Note.id.desc()).limit(3)
    assert all(note in said for note in db.session.scalars(last))


def test_a_word_is_found_wherever_it_was_loaded(filled: Flask) -> None:
    supervisor = signed_in(filled, "supervisor")
    for word in RARE_WORD.values():
        rows = supervisor.page(f"/ticket/list/?q={word}").select("tbody tr")
        assert len(rows) == RARE_TICKETS


def test_the_next_ticket_gets_the_next_number(filled: Flask) -> None:
    year = clock.today().year
    last = db.session.scalar(select(func.max(Ticket.number)).where(Ticket.number.like(f"CS-{year}-%")))
    person = signed_in(filled, "agent")
    asked = {
        "channel": db.session.scalars(select(Channel.id).where(Channel.code == "PHONE")).one(),
        "topic": db.session.scalars(select(Topic.id).where(Topic.code == "PREMIUM")).one(),
        "subject": "詢問扣款日",
        "story": "想改到每月五日。",
    }
    answer = person.submit("/consultation/add", **{name: str(value) for name, value in asked.items()})
    assert answer.status_code == 200
    made = db.session.scalars(select(Consultation).order_by(Consultation.id.desc()).limit(1)).one()
    assert made.subject == asked["subject"]
    assert made.number == f"CS-{year}-{(int(last[-5:]) if last else 0) + 1:05d}"
    assert count(Task.record_id == made.id, Task.entity == "consultation", of=Task) == 1
    if DATABASE == "postgresql":
        asked_of = "SELECT replace(sequencename::text, '_id_seq', ''), last_value FROM pg_sequences"
        given = {row[0]: row[1] for row in db.session.execute(text(asked_of))}
        for name, table in Model.metadata.tables.items():
            if name in given and "id" in table.c:
                highest = db.session.scalar(select(func.max(table.c.id)))
                assert highest is None or given[name] >= highest, name


def made_anew(folder: Path, seed: str) -> dict[str, list[Any]]:
    """Make a department in a process in which texts have another order in sets; return its rows."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    words = f"--on sqlite --tickets {TINY} --until 2026-01-31 --data {folder}".split()
    told = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tests.big", *words],
        cwd=ROOT,
        env={**env, "PYTHONHASHSEED": seed},
        check=True,
        capture_output=True,
        text=True,
    )
    assert f"password of all: {PASSWORD}" in told.stdout
    with closing(sqlite3.connect(folder / f"portal_{TINY}.db")) as file:
        rows = {
            table: file.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1").fetchall()  # noqa: S608
            for table, columns in TOLD.items()
        }
        rows["audit_entry"] = file.execute("SELECT * FROM audit_entry WHERE user_id IS NOT NULL ORDER BY id").fetchall()
    return rows


def test_the_same_rows_come_each_time(tmp_path: Path) -> None:
    first = made_anew(tmp_path, "1")
    assert len(first["ticket"]) == TINY
    assert all(first.values())
    assert made_anew(tmp_path, "2") == first


def test_a_department_goes_into_no_other(filled: Flask) -> None:
    with pytest.raises(ValueError, match="nobody has worked with"):
        fill(db.engine, Size(TINY))


def test_a_load_that_fails_leaves_the_database_as_it_was(empty: Flask) -> None:
    before = shape()
    moment = "2026-01-01 00:00:00.000000"

    def broken_off() -> None:
        with loading(db.engine, lambda _line: None) as loader:
            loader.write(TEAM, [(1, moment, moment, 1, "T1", "客服一組", "客服一组", "Team 1", 10, 1)])
            loader.write(Sheet("staff_member", "id nobody"), [(1, 1)])

    with pytest.raises(SheetError, match=r"staff_member\.nobody"):
        broken_off()
    assert shape() == before
    assert count(of=Team) == 0


def test_a_column_that_the_generator_does_not_know_is_named(app: Flask) -> None:
    with pytest.raises(SheetError, match=r"ticket\.channel_id has neither a default"):
        Sheet("ticket", "id created_at changed_at version number kind").read()
    with pytest.raises(SheetError, match="which no longer exists"):
        Sheet("ticket", "id colour").read()
