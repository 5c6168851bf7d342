"""What is measured: each operation, who asks for it, what its answer must hold, and what is wanted of it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from .client import Page, WrongAnswerError
from .contenders import Contender, Person, numbers_in
from .department import WORDS, Facts

Ask = Callable[[Any, Person], Page]
Check = Callable[[Any, Facts, str, Page], None]

GROWTH, STATEMENTS = 1.3, 10
COMMON, RARE = WORDS["common"]["hant"], WORDS["rare"]["hant"]


@dataclass(frozen=True)
class Operation:
    """One row of the table."""

    key: str
    title: str
    method: str
    ask: Ask
    check: Check
    who: str = "agent"
    floor: float | None = 3
    """At most so many times the floor."""
    django: float | None = 10
    """At least so many times faster than Django's admin as a beginner declares it."""
    record: str = ""
    """What the best hand-written prototype took, in times the floor."""
    is_page: bool = True
    """Whether it is one page, which has to come with few statements."""
    grows: bool = True
    """Whether it is asked of the smaller departments too, where it may not be much faster."""
    rounds: int | None = None
    """At most so many rounds."""
    is_export: bool = False


def _plain(_one: Any, _facts: Facts, _who: str, _page: Page) -> None:
    """Any answer with the right status will do."""


def _listed(**asked: Any) -> dict[str, Any]:
    def told(facts: Facts, who: str) -> dict[str, Any]:
        return {name: value(facts, who) if callable(value) else value for name, value in asked.items()}

    def ask(one: Any, person: Person) -> Page:
        return one.listed(person, **told(one.facts, person.who))

    def check(one: Any, facts: Facts, who: str, page: Page) -> None:
        found, wanted = numbers_in(page), facts.numbers(who, told(facts, who))
        if one.orders_ties or "order" not in asked or len(found) != len(wanted):
            _same(found, wanted)

    return {"method": "listed", "ask": ask, "check": check}


def _same(found: Iterable[str], wanted: Iterable[str]) -> None:
    found, wanted = list(found), list(wanted)
    if found != wanted:
        common = len(set(found) & set(wanted))
        raise WrongAnswerError(
            f"shows {common} of the {len(wanted)} right rows"
            + " in another order" * (common == len(wanted) == len(found))
        )


def _rest(one: Any, facts: Facts, who: str, page: Page) -> None:
    _same(one.rest_numbers(page), facts.numbers(who, {}))


def _record(_one: Any, facts: Facts, _who: str, page: Page) -> None:
    if facts.record_number not in page.text or facts.newest_note not in page.text:
        raise WrongAnswerError("not the record with its notes")


def _offered(one: Any, facts: Facts, text: str, page: Page) -> None:
    keys = one.lookup_keys(page)
    if not keys or facts.meant(text, keys) != keys:
        raise WrongAnswerError("offers others")


def _found(facts: Facts, who: str, text: str, page: Page) -> None:
    wanted = facts.numbers(who, {"q": text})[:1]
    if not all(number in page.text for number in wanted):
        raise WrongAnswerError("does not show the first hit")


def _counted(facts: Facts, who: str, page: Page) -> None:
    most = facts.most(who)
    if str(most) not in page.text and f"{most:,}" not in page.text:
        raise WrongAnswerError("does not show the largest count")


def _csv(_one: Any, facts: Facts, _who: str, page: Page) -> None:
    rows = page.body.count(b"\n") - 1
    if rows != facts.exported():
        raise WrongAnswerError(f"{rows:,} rows of {facts.exported():,}")


def _xlsx(_one: Any, facts: Facts, _who: str, page: Page) -> None:
    with zipfile.ZipFile(BytesIO(page.body)) as book:
        rows = book.read("xl/worksheets/sheet1.xml").count(b"<row ") - 1
    if rows != facts.exported():
        raise WrongAnswerError(f"{rows:,} rows of {facts.exported():,}")


def _lists() -> Iterable[Operation]:
    for who, seen in (("agent", "own team"), ("supervisor", "all")):
        end = "" if who == "agent" else "-all"
        rows = [
            ("list", "list, first page", _listed(), {"record": "2"}),
            ("list-deep", "list, page 1,000", _listed(page=lambda f, w: f.pages[w]), {"record": "0.15"}),
            (
                "list-filtered",
                "list filtered by state and owner",
                _listed(status=lambda f, _w: f.owned_status, owner=lambda f, _w: f.me),
                {"record": "1.2"},
            ),
            ("list-number", "list sorted by number", _listed(order="number"), {}),
            ("list-subject", "list sorted by subject", _listed(order="subject"), {}),
            ("search-common", "search 理賠", _listed(q=COMMON), {"record": "2.2"}),
            ("search-common-hans", "search 理赔", _listed(q=WORDS["common"]["hans"]), {"record": "2.2"}),
            ("search-rare", "search, rare word", _listed(q=RARE), {"record": "0.08", "django": 50}),
            (
                "search-rare-hans",
                "search, rare word in Simplified",
                _listed(q=WORDS["rare"]["hans"]),
                {"record": "0.08", "django": 50},
            ),
        ]
        for key, title, how, more in rows:
            yield Operation(f"{key}{end}", f"{title} ({seen})", who=who, **how, **more)


OPERATIONS = (
    Operation("home", "home", "home", lambda one, p: one.home(p), _plain, floor=3.6, django=None, record="3"),
    *_lists(),
    Operation("record", "record with 20 notes", "record", lambda one, p: one.record(p), _record, record="2.2"),
    Operation("form", "add form", "add_form", lambda one, p: one.add_form(p), _plain, floor=None, django=None),
    Operation(
        "lookup",
        "look-up of a customer by number",
        "lookup",
        lambda one, p: one.lookup(p, one.facts.person),
        lambda one, facts, _who, page: _offered(one, facts, facts.person, page),
        django=None,
    ),
    Operation(
        "lookup-name",
        "look-up of a customer by a common name",
        "lookup",
        lambda one, p: one.lookup(p, "陳"),
        lambda one, facts, _who, page: _offered(one, facts, "陳", page),
        django=None,
    ),
    Operation(
        "global",
        "search over everything, 理賠",
        "search",
        lambda one, p: one.search(p, COMMON),
        lambda _one, facts, who, page: _found(facts, who, COMMON, page),
        django=None,
    ),
    Operation(
        "global-rare",
        "search over everything, rare word",
        "search",
        lambda one, p: one.search(p, RARE),
        lambda _one, facts, who, page: _found(facts, who, RARE, page),
        django=None,
    ),
    Operation(
        "chart",
        "charts tab (own team)",
        "chart",
        lambda one, p: one.chart(p),
        lambda _one, facts, who, page: _counted(facts, who, page),
        django=None,
    ),
    Operation(
        "chart-all",
        "charts tab (all)",
        "chart",
        lambda one, p: one.chart(p),
        lambda _one, facts, who, page: _counted(facts, who, page),
        who="supervisor",
        django=None,
    ),
    Operation(
        "rest", "REST list of 25", "rest", lambda one, p: one.rest(p), _rest, floor=3.3, django=None, record="2.5",
    ),
    Operation(
        "csv", "CSV of 100,000 rows", "as_csv", lambda one, p: one.as_csv(p), _csv,
        who="supervisor", floor=2, django=None, record="1.3", is_page=False, grows=False, rounds=5, is_export=True,
    ),
    Operation(
        "xlsx", "XLSX of 100,000 rows", "as_xlsx", lambda one, p: one.as_xlsx(p), _xlsx,
        who="supervisor", floor=3, django=None, is_page=False, grows=False, rounds=3, is_export=True,
    ),
    Operation(
        "new", "new ticket (form and save)", "add", lambda one, p: one.add(p), _plain,
        django=None, record="2.5", is_page=False,
    ),
    Operation(
        "edit", "edit (form and save)", "edit", lambda one, p: one.edit(p), _plain,
        django=None, record="2.3", is_page=False,
    ),
    Operation(
        "sign-in", "sign in (form and password)", "sign_in", lambda one, p: one.sign_in(p), _plain,
        floor=None, django=None, record="1.25", is_page=False, grows=False, rounds=10,
    ),
)  # fmt: skip


def chosen(words: Iterable[str]) -> list[Operation]:
    """Return the operations whose key begins with one of the words; all for none."""
    words = [word for word in words if word]
    return [one for one in OPERATIONS if not words or any(one.key.startswith(word) for word in words)]


def offers(contender: Contender, operation: Operation) -> bool:
    """Tell whether a contender has an operation at all."""
    return hasattr(contender, operation.method)


__all__ = ["OPERATIONS", "Operation", "chosen", "offers"]
