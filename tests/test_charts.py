"""Charts: what a list's rows come to, counted by the database, each group opening its records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import Person, SignIn, member
from flask import Flask
from lxml import html
from lxml.etree import XPath
from page import judge
from samples import sample
from sqlalchemy import literal, select
from test_laws import ROLES, STATEMENTS_PER_LIST, one_of_each, screens, statements
from test_repairs import first

from app.core import clock
from app.core.charting import MOST_GROUPS, MOST_MONTHS
from app.core.charting_months import month_of
from app.core.db import db
from app.core.numbers import give_number
from app.core.types import UtcDateTime
from app.customers.models import Customer
from app.roster.models import Shift
from app.staff.models import Task, TaskStatus
from app.workplace.models import Area, Equipment, EquipmentKind, FaultKind, Impact, Repair, RepairStatus

ROWS = XPath("//table[@data-bars]/tbody/tr")
HEAD = XPath("string(//*[@class='page-head']//p)")
VALUE = XPath("string(.//*[@class='measured']/span)")
MARCH = datetime(2026, 3, 10, 2, tzinfo=UTC)


def repair(number: int, at: datetime = MARCH, reporter: str = "mei", **more: Any) -> Repair:
    """Make one reported fault of a piece of its own; not committed."""
    piece = Equipment(tag=f"PC-{number:04d}", name="電腦", kind=first(EquipmentKind), area=first(Area))
    values = {"impact": Impact.HINDERS, "fault": "壞了", "reporter": member(reporter), **more}
    made = Repair(equipment=piece, fault_kind=first(FaultKind), reported_at=at, **values)
    give_number(made)
    db.session.add(made)
    db.session.flush()
    return made


def drawn(person: Person, url: str, **args: Any) -> dict[str, str]:
    """Return what a chart page says: the value of each group, in the order they stand."""
    answer = person.get(url, query_string=args)
    assert answer.status_code == 200, f"{url} {args}: {answer.text[-2000:]}"
    judge(answer.text, url)
    rows = ROWS(html.document_fromstring(answer.text))
    return {row.find("th").text_content().strip(): VALUE(row) for row in rows}


def opened(person: Person, url: str, **args: Any) -> Iterator[tuple[str, int, str]]:
    """Yield each group that has a link: its name, how many records the chart counts, the head of the list it opens."""
    page = html.document_fromstring(person.get(url, query_string={**args, "of": "count"}).text)
    for row in ROWS(page):
        for link in row.findall("th/a"):
            answer = person.get(link.get("href"))
            assert answer.status_code == 200
            judge(answer.text, link.get("href"))
            listed = HEAD(html.document_fromstring(answer.text))
            yield link.text, int(row.get("data-value")), listed


def lead_to_their_records(person: Person, url: str, **args: Any) -> int:
    """Check that each group of a chart opens a list of exactly as many records; return how many groups do."""
    groups = list(opened(person, url, **args))
    assert [listed for _name, _count, listed in groups] == [f"{count} 筆" for _name, count, _listed in groups], url
    return len(groups)


@contextmanager
def office(app: Flask, zone: str) -> Iterator[None]:
    """Move the office to another zone."""
    before, app.config["BABEL_DEFAULT_TIMEZONE"] = app.config["BABEL_DEFAULT_TIMEZONE"], zone
    try:
        yield
    finally:
        app.config["BABEL_DEFAULT_TIMEZONE"] = before


# -- numbers ---------------------------------------------------------------------------------


def test_records_are_counted_summed_and_averaged(app: Flask, sign_in: SignIn) -> None:
    costs = [
        (Impact.STOPS_WORK, "1200.50"),
        (Impact.STOPS_WORK, "99.50"),
        (Impact.HINDERS, "10.01"),
        (Impact.NONE, None),
    ]
    for number, (impact, cost) in enumerate(costs):
        repair(number, impact=impact, cost=cost and Decimal(cost))
    db.session.commit()
    fan = sign_in("fan", "en")
    assert list(drawn(fan, "/repair/chart/", by="impact").values()) == ["2", "1", "1"]
    summed = drawn(fan, "/repair/chart/", by="impact", of="sum:cost")
    assert summed == {"Cannot work": "1,300", "Can work around it": "10.01", "No effect on work": "—"}
    assert drawn(fan, "/repair/chart/", by="impact", of="avg:cost")["Cannot work"] == "650"
    assert list(drawn(fan, "/repair/chart/", by="impact", cost__ge="1", q="PC-0001").values()) == ["1"]
    assert lead_to_their_records(sign_in("fan"), "/repair/chart/", by="impact") == 3


def test_filters_and_search_hold(app: Flask, sign_in: SignIn) -> None:
    for number in range(6):
        repair(number, impact=Impact.STOPS_WORK if number % 2 else Impact.NONE, at=MARCH + timedelta(days=number))
    db.session.commit()
    fan = sign_in("fan")
    assert sum(map(int, drawn(fan, "/repair/chart/", by="status", impact="NONE").values())) == 3
    assert sum(map(int, drawn(fan, "/repair/chart/", by="status", reported_at__ge="2026-03-14").values())) == 2
    assert sum(map(int, drawn(fan, "/repair/chart/", by="status", q="PC-0003").values())) == 1
    assert drawn(fan, "/repair/chart/", by="status", q="nowhere") == {}
    # A group replaces the list's filter on the same column by its own, and keeps the others.
    args = {"impact": ["NONE", "STOPS_WORK"], "reported_at__ge": "2026-03-14"}
    assert lead_to_their_records(fan, "/repair/chart/", by="impact", **args) == 2
    page = fan.page("/repair/chart/?impact=NONE&by=status&q=PC")
    assert page.select(".chips a")[0]["href"] == "/repair/chart/?by=status&of=count&impact=NONE"
    assert {field["name"]: field["value"] for field in page.select(".chart-form input")} == {
        "impact": "NONE",
        "q": "PC",
    }
    tabs = page.select(".list-tabs a")
    assert [tab.get("aria-current") for tab in tabs] == [None, "page"]
    assert tabs[0]["href"] == "/repair/list/?impact=NONE&q=PC"


def test_a_list_that_begins_narrowed_has_a_chart_that_does(app: Flask, sign_in: SignIn) -> None:
    mei = member("mei")
    for status, more in (
        (TaskStatus.OPEN, {}),
        (TaskStatus.OPEN, {}),
        (TaskStatus.PAUSED, {"paused_at": clock.now()}),
        (TaskStatus.CANCELLED, {"done_at": clock.now()}),
    ):
        task = sample(Task, mei)
        db.session.query(Task).filter_by(id=task.id).update({"status": status, **more})
    for day in (clock.today() - timedelta(days=1), clock.today(), clock.today() + timedelta(days=40)):
        shift = sample(Shift, mei)
        shift.day = day
    db.session.commit()
    su = sign_in("su")
    assert list(drawn(su, "/task/chart/", by="status").values()) == ["2", "1"]
    assert list(drawn(su, "/task/chart/", by="status", status="").values()) == ["2", "1", "1"]
    assert lead_to_their_records(su, "/task/chart/", by="status") == 2
    assert sum(map(int, drawn(su, "/shift/chart/", by="day").values())) == 2
    assert lead_to_their_records(su, "/shift/chart/", by="day") >= 2
    assert lead_to_their_records(su, "/shift/chart/", by="day", day__ge="") >= 2


def test_of_many_records_those_that_come_to_most_have_a_bar(app: Flask, sign_in: SignIn) -> None:
    for number in range(MOST_GROUPS + 5):
        made = repair(number, cost=Decimal(number + 1))
        if number >= 5:
            further = repair(1000 + number, cost=Decimal(100))
            further.equipment = made.equipment
    repair(999, cost=Decimal(7), owner=None)
    db.session.commit()
    fan = sign_in("fan", "en")
    with statements() as found:
        counted = drawn(fan, "/repair/chart/", by="equipment")
    assert len(found) <= STATEMENTS_PER_LIST
    assert list(counted.values()) == ["2"] * MOST_GROUPS + ["6"]
    assert "PC-0024 電腦" in counted
    assert list(counted)[-1] == "All others"
    mean = drawn(fan, "/repair/chart/", by="equipment", of="avg:cost")
    left = [Decimal(n + 1) for n in range(5)] + [Decimal(7)]
    assert Decimal(mean["All others"]) == (sum(left) / len(left)).quantize(Decimal("0.01")).normalize()
    assert list(drawn(fan, "/repair/chart/", by="owner")) == ["Not filled in"]
    assert lead_to_their_records(sign_in("fan"), "/repair/chart/", by="equipment") == MOST_GROUPS
    assert lead_to_their_records(sign_in("fan"), "/repair/chart/", by="owner") == 1


# -- months ----------------------------------------------------------------------------------


def test_a_moment_belongs_to_the_month_of_the_office(app: Flask, sign_in: SignIn) -> None:
    """23:30 in Greenwich on the last of March is the first of April in Taipei."""
    moments = (
        "2026-03-31T15:59:59.999999",
        "2026-03-31T16:00",
        "2026-03-31T23:30",
        "2026-04-30T15:59",
        "2026-04-30T16:00",
    )
    for number, text in enumerate(moments):
        repair(number, at=datetime.fromisoformat(text).replace(tzinfo=UTC))
    db.session.commit()
    fan = sign_in("fan")
    assert drawn(fan, "/repair/chart/", by="reported_at") == {"2026-03": "1", "2026-04": "3", "2026-05": "1"}
    assert lead_to_their_records(fan, "/repair/chart/", by="reported_at") == 3
    # What the list is filtered to is narrower than the month.
    for narrowed in (
        {"reported_at__ge": "2026-04-02"},
        {"reported_at__le": "2026-04-01"},
        {"reported_at__ge": "2026-04-01T08:00"},
    ):
        assert lead_to_their_records(fan, "/repair/chart/", by="reported_at", **narrowed) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["Asia/Taipei", "America/New_York", "Europe/Paris", "Australia/Lord_Howe"])
def test_months_begin_at_midnight_wherever_the_office_is(app: Flask, zone: str) -> None:
    """Also where the clocks change in the night in which a month begins, as in New York on the first of November."""
    begins = [datetime(2026 + number // 12, number % 12 + 1, 1, tzinfo=ZoneInfo(zone)) for number in range(14)]
    near = [begin.astimezone(UTC) + timedelta(minutes=minutes) for begin in begins for minutes in (-30, -1, 0, 30)]
    with office(app, zone):
        told = [db.session.scalar(select(month_of(literal(moment, UtcDateTime())))) for moment in near]
    assert told == [f"{moment.astimezone(ZoneInfo(zone)):%Y-%m}" for moment in near]


def test_the_last_day_of_a_month_ends_at_midnight_also_where_the_clocks_change(app: Flask, sign_in: SignIn) -> None:
    """In Lisbon the clocks go back on Sunday, 31 October 2027: that day has 25 hours."""
    repair(1, at=datetime(2027, 10, 31, 23, 30, tzinfo=UTC))
    db.session.commit()
    with office(app, "Europe/Lisbon"):
        assert lead_to_their_records(sign_in("fan"), "/repair/chart/", by="reported_at") == 1


def test_old_months_stand_together_and_a_month_without_records_is_there(app: Flask, sign_in: SignIn) -> None:
    for number in range(MOST_MONTHS + 3):
        repair(number, at=datetime(2024 + number // 12, number % 12 + 1, 15, tzinfo=UTC), cost=Decimal(number))
    # June 2026 has none.
    repair(900, at=datetime(2026, 7, 1, tzinfo=UTC))
    repair(901, at=datetime(2026, 5, 31, tzinfo=UTC))
    repair(902, at=datetime(2026, 4, 1, tzinfo=UTC))
    db.session.commit()
    fan = sign_in("fan", "en")
    counted = drawn(fan, "/repair/chart/", by="reported_at")
    assert list(counted)[:2] == ["Earlier", "2024-07"]
    assert list(counted)[-4:] == ["2026-04", "2026-05", "2026-06", "2026-07"]
    assert (counted["Earlier"], counted["2026-06"]) == ("6", "0")
    assert drawn(fan, "/repair/chart/", by="reported_at", of="sum:cost")["Earlier"] == str(sum(range(6)))
    assert lead_to_their_records(sign_in("fan"), "/repair/chart/", by="reported_at") == len(counted)
    assert lead_to_their_records(sign_in("fan"), "/repair/chart/", by="reported_at", reported_at__ge="2024-03-20") > 0


def test_days_have_months_too(app: Flask, sign_in: SignIn) -> None:
    for number, day in enumerate((date(2026, 3, 31), date(2026, 4, 1), None)):
        db.session.add(
            Equipment(tag=f"D-{number}", name="x", kind=first(EquipmentKind), area=first(Area), warranty_until=day)
        )
    db.session.commit()
    fan = sign_in("fan", "en")
    counted = drawn(fan, "/equipment/chart/", by="warranty_until")
    assert counted == {"2026-03": "1", "2026-04": "1", "Not filled in": "1"}
    assert lead_to_their_records(sign_in("fan"), "/equipment/chart/", by="warranty_until") == 2
    assert list(drawn(fan, "/area/chart/")) == ["In use"]


# -- rights ----------------------------------------------------------------------------------


def test_a_chart_counts_only_what_the_person_may_list(app: Flask, sign_in: SignIn) -> None:
    for number, reporter in enumerate(("mei", "mei", "tao", "kai")):
        repair(number, reporter=reporter)
    db.session.commit()
    counted = {
        login: list(drawn(sign_in(login), "/repair/chart/", by="status").values()) for login in ("mei", "liang", "su")
    }
    assert counted == {"mei": ["2"], "liang": ["3"], "su": ["4"]}
    assert sign_in("an").get("/appraisal/chart/").status_code == 403


@pytest.mark.slow
def test_a_chart_of_any_list_counts_the_records_of_that_list(app: Flask, sign_in: SignIn) -> None:
    """For every role, with rows of two teams: the head of both pages says the same, and the groups come to it."""
    for login in ("mei", "kai"):
        one_of_each(app, login)
    for login in ROLES.values():
        person = sign_in(login)
        for view in screens(app):
            answer = person.get(f"{view.route_base}/list/")
            if answer.status_code != 200:
                continue
            listed = HEAD(html.document_fromstring(answer.text))
            chart = person.get(f"{view.route_base}/chart/")
            assert chart.status_code == 200, f"{login}: {view.route_base} has nothing to group by"
            page = html.document_fromstring(chart.text)
            assert HEAD(page) == listed, f"{login} {view.route_base}"
            counts = [int(row.get("data-value")) for row in ROWS(page)]
            assert f"{sum(counts)} 筆" == listed, f"{login} {view.route_base}"


@pytest.mark.slow
def test_every_choice_of_every_chart_is_drawn(app: Flask, sign_in: SignIn) -> None:
    """Each column and each amount that a page offers; no personal data among them, no more statements than a list."""
    one_of_each(app, "mei")
    read: set[str] = set()
    for login in ("su", "fan", "an"):
        person = sign_in(login)
        for view in screens(app):
            url = f"{view.route_base}/chart/"
            if url in read or (answer := person.get(url)).status_code != 200:
                continue
            read.add(url)
            page = html.document_fromstring(answer.text)
            by, of = (page.xpath(f"//*[@id='{name}']/option/@value") for name in ("by", "of"))
            hidden, added_up = getattr(view.model, "sensitive", frozenset()), {name.partition(":")[2] for name in of}
            assert not hidden & {*by, *added_up}, url
            assert not {"id", "version", "position", "year"} & added_up, url
            for args in [*({"by": one, "of": of[-1]} for one in by), *({"by": by[0], "of": one} for one in of)]:
                with statements() as found:
                    drawn(person, url, **args)
                assert len(found) <= STATEMENTS_PER_LIST, f"{url} {args}"
    assert len(read) == len(screens(app))


def test_what_cannot_be_charted_is_told_and_the_usual_chart_is_shown(app: Flask, sign_in: SignIn) -> None:
    db.session.add(Customer(number="C1", name="林心穎", mobile="0912345678"))
    repair(1)
    db.session.commit()
    su = sign_in("su", "en")
    for url in (
        "/customer/chart/?by=mobile",
        "/customer/chart/?by=name",
        "/customer/chart/?of=sum:mobile",
        "/repair/chart/?by=%00",
        "/repair/chart/?by=fault",
        "/repair/chart/?by=equipment.cost",
        "/repair/chart/?of=sum:id",
        "/repair/chart/?of=max:cost",
        "/repair/chart/?of=sum:version",
    ):
        page = su.page(url)
        assert "cannot be read" in page.select_one(".note-warning").text, url
        assert page.select("[data-bars] tbody tr"), url
    for name in ("0912", "心穎"):
        assert name not in su.get("/customer/chart/?by=kind").text
    page = su.page("/repair/chart/?reported_at__ge=yesterday&by=status")
    assert len(page.select(".note-warning")) == 1


def test_states_keep_their_colours_and_an_empty_chart_says_so(app: Flask, sign_in: SignIn) -> None:
    fan = sign_in("fan", "en")
    page = fan.page("/repair/chart/")
    assert not page.select("[data-chart], table")
    assert page.select_one(".empty p").text
    repair(1)
    repair(2).status = RepairStatus.IN_REPAIR
    db.session.commit()
    page = fan.page("/repair/chart/?by=status")
    assert [row["data-tone"] for row in page.select("[data-bars] tbody tr")] == ["soon", "progress"]
    assert [float(bar["width"]) for bar in page.select("[data-bars] rect")] == [100.0, 100.0]
    page = fan.page("/repair/chart/?by=equipment")
    assert {row["data-tone"] for row in page.select("[data-bars] tbody tr")} == {"accent"}
    assert page.select_one("[data-bars] caption").text == "Number of records by Equipment"
    assert page.select_one("[data-chart]").has_attr("hidden")
