"""Who is measured, and how each is asked for the same thing: the portal, the floor, Django's admin in two ways."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlencode

from config import ROOT

from .client import Client, Page, form_in
from .department import Department, Facts
from .servers import Recipe, Server

TABLE = re.compile(r"<table.*</table>", re.DOTALL)
NUMBER = re.compile(r"\b(?:CS|CP|BR)-\d{4}-\d{5,}\b")
SUBJECT = "詢問理賠進度與補件"
STORY = "客戶來電詢問住院理賠的進度，想知道還缺什麼文件，並希望以簡訊通知結果。"


class Person(Client):
    """Somebody who has signed in."""

    def __init__(self, who: str, address: str, cookies: dict[str, str] | None = None) -> None:
        super().__init__(address, cookies)
        self.who = who


def numbers_in(page: Page) -> list[str]:
    """Return the ticket numbers in the table of a page, each once, in order."""
    table = TABLE.search(page.text)
    return list(dict.fromkeys(NUMBER.findall(table.group(0)))) if table else []


@dataclass
class Contender:
    """One server over one department. What it does not offer it has no method for."""

    name: str
    department: Department
    facts: Facts
    server: Server | None = None
    people: dict[str, Person] = field(default_factory=dict)
    orders_ties: ClassVar[bool] = True
    """Whether rows with the same value of the column that is sorted stand in the portal's order."""

    @property
    def recipe(self) -> Recipe:
        """How it is started."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what it needs beside the portal's tables."""

    def enter(self, server: Server) -> None:
        """Be served: everybody signs in."""
        self.server = server
        self.people = {who: self.signed_in(who) for who in ("agent", "supervisor")}

    def signed_in(self, who: str) -> Person:
        """Return a person who has just signed in."""
        assert self.server is not None
        person = Person(who, self.server.address)
        self.sign_in(person)
        return person

    def again(self, who: str) -> Person:
        """Return the same person in another window, on a connection of its own."""
        assert self.server is not None
        return Person(who, self.server.address, self.people[who].cookies)

    def sign_in(self, person: Person) -> Page:
        """Ask for the form and send it."""
        raise NotImplementedError


class Portal(Contender):
    """Ours, brought to this release and started as in production."""

    def _env(self) -> dict[str, str]:
        return {
            "PORTAL_DATABASE_URL": self.department.url,
            "PORTAL_DATA_DIR": str(self.department.data_dir),
            "PORTAL_LOG_LEVEL": "WARNING",
        }

    @property
    def recipe(self) -> Recipe:
        return Recipe((), self._env(), "/login/", "portal")

    def prepare(self) -> None:
        command = [sys.executable, "-m", "flask", "--app", "run", "portal", "init"]
        subprocess.run(command, cwd=ROOT, env=os.environ | self._env(), check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        # What this release has added, such as an index, is known to the planner only now.
        self.facts.database.ask("ANALYZE")

    def sign_in(self, person: Person) -> Page:
        person.cookies.clear()
        page = person.get("/login/").expect(200)
        form = form_in(page, "//form[.//input[@name='password']]")
        return person.send(page, form, username=person.who, password=self.department.password).expect(302)

    def home(self, person: Person) -> Page:
        return person.get("/").expect(200)

    def _list_query(self, asked: Mapping[str, Any]) -> str:
        told = {name: value for name, value in asked.items() if name != "since"}
        if "order" in told:
            told["dir"] = "asc"
        return urlencode(told)

    def listed(self, person: Person, **asked: Any) -> Page:
        return person.get(f"/ticket/list/?{self._list_query(asked)}").expect(200)

    def rest(self, person: Person, **asked: Any) -> Page:
        return person.get(f"/api/v1/ticket/?{self._list_query(asked)}").expect(200)

    def rest_numbers(self, page: Page) -> list[str]:
        return [row["number"] for row in json.loads(page.text)["result"]]

    def record(self, person: Person) -> Page:
        return person.get(f"/consultation/show/{self.facts.record}").expect(200)

    def chart(self, person: Person) -> Page:
        return person.get("/ticket/chart/?by=status").expect(200)

    def lookup(self, person: Person, text: str) -> Page:
        return person.get(f"/customer/lookup?{urlencode({'q': text})}").expect(200)

    def lookup_keys(self, page: Page) -> set[str]:
        return {row["value"] for row in json.loads(page.text)["rows"]}

    def search(self, person: Person, text: str) -> Page:
        return person.get(f"/search/?{urlencode({'q': text})}").expect(200)

    def add_form(self, person: Person) -> Page:
        return person.get("/consultation/add").expect(200)

    def add(self, person: Person) -> Page:
        page = self.add_form(person)
        facts = self.facts
        return person.send(
            page,
            form_in(page, "//form[@data-guard]"),
            customer=facts.customer,
            channel=facts.channel,
            topic=facts.topic,
            subject=SUBJECT,
            story=STORY,
        ).expect(302)

    def edit(self, person: Person) -> Page:
        page = person.get(f"/consultation/edit/{self.facts.record}").expect(200)
        form = form_in(page, "//form[@data-guard]")
        return person.send(page, form, subject=f"{SUBJECT} {secrets.token_hex(4)}").expect(302)

    def _export(self, person: Person, kind: str) -> Page:
        since = self.facts.since if "+" in self.facts.since else f"{self.facts.since}+00:00"
        return person.get(f"/ticket/export/{kind}?{urlencode({'opened_at__ge': since})}").expect(200)

    def as_csv(self, person: Person) -> Page:
        return self._export(person, "csv")

    def as_xlsx(self, person: Person) -> Page:
        return self._export(person, "xlsx")


class Floor(Contender):
    """The bare routes of ``floor.py``."""

    @property
    def recipe(self) -> Recipe:
        words = ("--config", "python:tests.bench.serving", "tests.bench.floor:app")
        return Recipe(words, {"BENCH_DATABASE_URL": self.department.url}, "/login", "floor")

    def sign_in(self, person: Person) -> Page:
        person.cookies.clear()
        page = person.get("/login").expect(200)
        return person.send(page, form_in(page), username=person.who, password=self.department.password).expect(302)

    def _get(self, person: Person, path: str, **asked: Any) -> Page:
        return person.get(f"{path}?{urlencode(self.facts.asked(person.who, **asked))}").expect(200)

    def home(self, person: Person) -> Page:
        return self._get(person, "/")

    def listed(self, person: Person, **asked: Any) -> Page:
        return self._get(person, "/list", **asked)

    def rest(self, person: Person, **asked: Any) -> Page:
        return self._get(person, "/api", **asked)

    rest_numbers = Portal.rest_numbers
    lookup_keys = Portal.lookup_keys

    def record(self, person: Person) -> Page:
        return person.get(f"/record/{self.facts.record}").expect(200)

    def chart(self, person: Person) -> Page:
        return self._get(person, "/chart")

    def lookup(self, person: Person, text: str) -> Page:
        return self._get(person, "/lookup", q=text)

    def search(self, person: Person, text: str) -> Page:
        return self._get(person, "/search", q=text)

    def add_form(self, person: Person) -> Page:
        return self._get(person, "/add")

    def add(self, person: Person) -> Page:
        page, facts = self.add_form(person), self.facts
        told = {"customer": facts.customer, "channel": facts.channel, "subject": SUBJECT, "story": STORY}
        form = form_in(page)
        form.action = page.path
        return person.send(page, form, **told).expect(302)

    def edit(self, person: Person) -> Page:
        page = person.get(f"/edit/{self.facts.record}").expect(200)
        form = form_in(page)
        form.action = page.path
        return person.send(page, form, subject=f"{SUBJECT} {secrets.token_hex(4)}").expect(302)

    def as_csv(self, person: Person) -> Page:
        return self._get(person, "/csv", since=self.facts.since)

    def as_xlsx(self, person: Person) -> Page:
        return self._get(person, "/xlsx", since=self.facts.since)


class Django(Contender):
    """Django's admin as a sensible beginner declares it."""

    is_tuned: ClassVar[bool] = False
    orders_ties: ClassVar[bool] = False

    def _env(self) -> dict[str, str]:
        return {
            "BENCH_DATABASE_URL": self.department.url,
            "BENCH_AGENT": f"{self.facts.me}:{self.facts.team}",
            "BENCH_TUNED": str(int(self.is_tuned)),
        }

    @property
    def recipe(self) -> Recipe:
        words = ("--config", "python:tests.bench.serving", "tests.bench.django_admin.wsgi:application")
        return Recipe(words, self._env(), "/admin/login/", "django")

    def prepare(self) -> None:
        command = [sys.executable, "-m", "tests.bench.django_admin.prepare"]
        subprocess.run(command, cwd=ROOT, env=os.environ | self._env(), check=True)  # noqa: S603 - our own

    def sign_in(self, person: Person) -> Page:
        from .django_admin.prepare import PASSWORD  # noqa: PLC0415 - Django is there only where it is measured

        person.cookies.clear()
        page = person.get("/admin/login/?next=/admin/").expect(200)
        return person.send(page, form_in(page), username=person.who, password=PASSWORD).expect(302)

    def home(self, person: Person) -> Page:
        return person.get("/admin/").expect(200)

    def listed(self, person: Person, **asked: Any) -> Page:
        # Columns are told by their place in list_display, counted from 1.
        orders = {"number": 1, "subject": 3}
        names = {"page": "p", "status": "status__exact", "owner": "owner__id__exact", "q": "q", "order": "o"}
        told = {names[name]: orders.get(value, value) for name, value in asked.items()}
        return person.get(f"/admin/desk/ticket/?{urlencode(told)}").expect(200)

    def record(self, person: Person) -> Page:
        return person.get(f"/admin/desk/ticket/{self.facts.record}/change/").expect(200)

    def add_form(self, person: Person) -> Page:
        return person.get("/admin/desk/ticket/add/").expect(200)

    def add(self, person: Person) -> Page:
        page, facts = self.add_form(person), self.facts
        return person.send(
            page,
            form_in(page, "//form[@id='ticket_form']"),
            number=f"CS-2000-{secrets.randbelow(10**9) + 10**8}",
            kind="CONSULTATION",
            customer=facts.customer,
            channel=facts.channel,
            topic=facts.topic,
            subject=SUBJECT,
            story=STORY,
            owner=facts.me,
            team=facts.team,
        ).expect(302)

    def edit(self, person: Person) -> Page:
        page = self.record(person)
        form = form_in(page, "//form[@id='ticket_form']")
        return person.send(page, form, subject=f"{SUBJECT} {secrets.token_hex(4)}").expect(302)

    def as_csv(self, person: Person) -> Page:
        values = [
            ("csrfmiddlewaretoken", person.cookies["csrftoken"]),
            ("action", "as_csv"),
            ("select_across", "1"),
            ("index", "0"),
            ("_selected_action", str(self.facts.record)),
        ]
        where = urlencode({"opened_at__gte": self.facts.since})
        return person.post(f"/admin/desk/ticket/?{where}", values).expect(200)


class DjangoTuned(Django):
    """The same with what an expert adds inside its settings."""

    is_tuned = True

    def prepare(self) -> None:
        """The stock one has made the tables."""

    def lookup(self, person: Person, text: str) -> Page:
        told = {"app_label": "desk", "model_name": "ticket", "field_name": "customer", "term": text}
        return person.get(f"/admin/autocomplete/?{urlencode(told)}").expect(200)

    def lookup_keys(self, page: Page) -> set[str]:
        return {row["id"] for row in json.loads(page.text)["results"]}
