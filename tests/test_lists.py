"""Lists as each person works with them: filters at one click, kept filters, own columns, the records next door."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup
from conftest import Person, SignIn, member
from flask import Flask
from samples import sample
from sqlalchemy import select
from test_casework import complain
from test_laws import one_of_each, screens

from app.casework.models import Consultation
from app.core import clock
from app.core.db import db
from app.core.preferences import ListSetting
from app.customers.models import Customer
from app.staff.models import Task, TaskStatus
from app.workplace.models import Repair, RepairStatus


@pytest.fixture
def faults(app: Flask) -> list[Repair]:
    """Four faults: two that fan works at (one of them late), one that nobody does, one that is closed."""
    made = [sample(Repair, member("mei")) for _number in range(4)]
    for day, (fault, status, owner) in enumerate(
        zip(
            made,
            (RepairStatus.IN_REPAIR, RepairStatus.IN_REPAIR, RepairStatus.REPORTED, RepairStatus.CLOSED),
            ("fan", "fan", None, "fan"),
            strict=True,
        )
    ):
        fault.status, fault.owner = status, member(owner) if owner else None
        fault.reported_at = clock.now() - timedelta(days=9 - day)
        fault.returned_at = clock.now() if status is RepairStatus.CLOSED else None
        owed = Task(
            promise="repair_return",
            entity="repair",
            record_id=fault.id,
            subject=str(fault),
            owner=fault.owner,
            status=TaskStatus.CANCELLED if status is RepairStatus.CLOSED else TaskStatus.OPEN,
            done_at=clock.now() if status is RepairStatus.CLOSED else None,
            opened_at=clock.now() - timedelta(days=8),
            due_at=clock.now() + timedelta(days=-1 if day == 0 else 1),
        )
        db.session.add(owed)
    db.session.commit()
    return made


def quick(person: Person, url: str = "/repair/list/") -> dict[str, tuple[str, str]]:
    """Return a list's filters at one click: word, count and address."""
    page = person.page(url)
    counts = iter(person.get(str(page.select_one(".quick-bar")["data-tallies"])).json["tallies"])
    found = {}
    for link in page.select(".quick-bar a"):
        count = next(counts) if link.select_one("[data-tally]") else ""
        found[link.contents[0].strip()] = (count, str(link["href"]))
    assert next(counts, None) is None
    return found


def listed(page: BeautifulSoup) -> list[str]:
    """Return the numbers of the list, top down."""
    return [link.text for link in page.select("table[data-list] tbody td a")]


def test_filters_at_one_click_count_and_find_their_rows(app: Flask, sign_in: SignIn, faults: list[Repair]) -> None:
    fan = sign_in("fan", "en")
    offered = quick(fan)
    assert offered["All"][0] == ""
    wanted = {"Mine": faults[1::-1], "Overdue": faults[:1], "Reported": faults[2:3], "In repair": faults[1::-1]}
    for word, rows in wanted.items():
        count, url = offered[word]
        assert count == str(len(rows)), word
        found = fan.page(url)
        assert listed(found) == [row.number for row in rows], word
        assert found.select_one(".quick-bar [aria-current]").contents[0].strip() == word
    assert "Closed" not in offered


def test_the_address_of_a_filter_shows_a_colleague_the_same_list(
    app: Flask, sign_in: SignIn, faults: list[Repair]
) -> None:
    """«Mine» names the person: whoever follows the link sees that person's records, not their own."""
    fan, su = sign_in("fan", "en"), sign_in("su", "en")
    _count, url = quick(fan)["Mine"]
    assert listed(su.page(url)) == [faults[1].number, faults[0].number]


def test_an_address_may_ask_for_records_that_nobody_has(app: Flask, sign_in: SignIn, faults: list[Repair]) -> None:
    su = sign_in("su", "en")
    page = su.page("/repair/list/?owner=none")
    assert listed(page) == [faults[2].number]
    assert "none yet" in page.select_one(".chips").text


def test_an_agent_is_offered_no_filter_on_themselves_where_all_they_see_is_theirs(
    app: Flask, sign_in: SignIn, faults: list[Repair]
) -> None:
    assert "Mine" not in quick(sign_in("mei", "en"))


def test_a_kept_filter_is_ones_own_and_holds_no_search_words(app: Flask, sign_in: SignIn, faults: list[Repair]) -> None:
    fan = sign_in("fan", "en")
    narrowed = fan.page("/repair/list/?impact=HINDERS&impact=STOPS_WORK&q=0912345678&order=number&page=2")
    form = narrowed.select_one("form[action$='/repair/filter']")
    sent = {str(field["name"]): field.get("value", "") for field in form.select("input")} | {"name": "要緊的"}
    assert fan.post("/repair/filter", data=sent).status_code == 302
    kept = db.session.scalars(select(ListSetting)).one()
    assert (kept.user_id, kept.screen) == (member("fan").user_id, "RepairView")
    assert {name: parse_qs(query) for name, query in kept.filters.items()} == {
        "要緊的": {"impact": ["HINDERS", "STOPS_WORK"]}
    }
    url = quick(fan)["要緊的"][1]
    assert fan.page(url).select_one(".quick-bar [aria-current]").text.startswith("要緊的")
    su = sign_in("su", "en")
    assert "要緊的" not in quick(su)
    assert su.send("/repair/filter/drop", {"name": "要緊的"}).status_code == 404
    fan.send("/repair/filter/drop", {"name": "要緊的"})
    assert "要緊的" not in quick(fan)


@pytest.mark.parametrize("name", ["", "很" * 41, " "])
def test_a_filter_without_a_fit_name_is_refused_in_words(app: Flask, sign_in: SignIn, name: str) -> None:
    fan = sign_in("fan", "en")
    back = fan.send(
        "/repair/filter", {"name": name, "query": "impact=HINDERS", "back": "/repair/list/"}, follow_redirects=True
    )
    assert "at most 40" in fan.read(back.text, "list").select_one(".note-danger").text
    assert db.session.scalars(select(ListSetting)).all() == []


def heads(page: BeautifulSoup) -> list[str]:
    """Return the heads of the list's columns."""
    return [head.text.replace("▲", "").replace("▼", "").strip() for head in page.select("table[data-list] th[scope]")]


def test_each_person_chooses_columns_and_their_order_for_themselves(
    app: Flask, sign_in: SignIn, faults: list[Repair]
) -> None:
    fan, su = sign_in("fan", "en"), sign_in("su", "en")
    declared = heads(fan.page("/repair/list/"))
    chosen = {"column": ["status", "number", "reporter", "cost"], "back": "/repair/list/?impact=HINDERS"}
    answer = fan.send("/repair/columns", chosen)
    assert answer.headers["Location"].endswith("/repair/list/?impact=HINDERS")
    assert heads(fan.page("/repair/list/")) == ["Status", "Number", "Reported by", "Cost"]
    assert heads(su.page("/repair/list/")) == declared
    rows = fan.get("/repair/export/csv").text.lstrip("\ufeff").splitlines()
    assert rows[0] == "Status,Number,Reported by,Cost"
    assert [row.split(",")[1] for row in rows[1:]] == [fault.number for fault in faults[::-1]]
    fan.send("/repair/columns", {"reset": "1"})
    assert heads(fan.page("/repair/list/")) == declared


def test_a_column_that_is_not_offered_cannot_be_chosen(app: Flask, sign_in: SignIn) -> None:
    sample(Customer)
    db.session.commit()
    mei = sign_in("mei", "en")
    mei.send("/customer/columns", {"column": ["number", "id_number_index", "created_by_id", "policies", "mobile"]})
    kept = db.session.scalars(select(ListSetting)).one()
    assert kept.columns == ["number", "mobile"]
    kept.columns = ["number", "version", "mobile"]
    db.session.commit()
    assert len(heads(mei.page("/customer/list/"))) == 2


def test_a_record_leads_to_its_neighbours_in_the_list_it_was_opened_from(
    app: Flask, sign_in: SignIn, faults: list[Repair]
) -> None:
    fan = sign_in("fan", "en")
    page = fan.page("/repair/list/?status=IN_REPAIR&status=REPORTED&order=reported_at&dir=asc")
    assert listed(page) == [fault.number for fault in faults[:3]]
    url = page.select("table[data-list] tbody tr")[1]["data-href"]
    here = fan.page(str(url))
    ways = {str(link["rel"][0]): str(link["href"]) for link in here.select(".ways a")}
    assert set(ways) == {"up", "prev", "next"}
    assert listed(fan.page(ways["up"])) == [fault.number for fault in faults[:3]]
    assert shown(fan, ways["prev"]) == faults[0].number
    assert shown(fan, ways["next"]) == faults[2].number
    last = {str(link["rel"][0]) for link in fan.page(ways["next"]).select(".ways a")}
    assert last == {"up", "prev"}
    assert fan.page(urlsplit(str(url)).path).select(".ways a") == []


def test_neighbours_are_within_ones_rights(app: Flask, sign_in: SignIn, faults: list[Repair]) -> None:
    """Two faults of somebody else stand between mei's: they are passed over."""
    for fault in faults[1:3]:
        fault.reporter = member("kai")
    db.session.commit()
    mei = sign_in("mei", "en")
    url = mei.page("/repair/list/?order=reported_at&dir=asc").select_one("table[data-list] tbody tr")["data-href"]
    ways = {str(link["rel"][0]): str(link["href"]) for link in mei.page(str(url)).select(".ways a")}
    assert shown(mei, ways["next"]) == faults[3].number


def shown(person: Person, url: str) -> str:
    """Return the number of the record whose page this is."""
    return person.page(url).select_one("h1").text.split()[0]


def test_a_cleared_default_stays_cleared_on_the_way_from_record_to_record(app: Flask, sign_in: SignIn) -> None:
    """A list of tasks begins with what is owed; who cleared that walks through all of them."""
    repair = sample(Repair, member("mei"))
    now = clock.now()
    for number, status in enumerate((TaskStatus.OPEN, TaskStatus.CANCELLED, TaskStatus.OPEN)):
        task = Task(
            promise="repair_return", entity="repair", record_id=repair.id, subject=f"第{number}件", status=status
        )
        task.owner, task.opened_at, task.due_at, task.done_at = member("mei"), now, now + timedelta(days=number), now
        db.session.add(task)
    db.session.commit()
    mei = sign_in("mei", "en")
    rows = mei.page("/task/list/?status=").select("table[data-list] tbody tr")
    assert len(rows) == 3
    ways = {str(link["rel"][0]): str(link["href"]) for link in mei.page(str(rows[0]["data-href"])).select(".ways a")}
    assert "第1件" in mei.page(ways["next"]).select_one("h1").text
    assert len(mei.page(ways["up"]).select("table[data-list] tbody tr")) == 3


def test_a_record_of_a_wider_list_leads_back_to_that_list(app: Flask, sign_in: SignIn) -> None:
    """All tickets hold complaints, whose page is the complaints' own."""
    mei = sign_in("mei", "en")
    first = complain(mei)
    asked = sample(Consultation, member("mei"))
    asked.opened_at = first.opened_at - timedelta(days=1)
    db.session.commit()
    rows = mei.page("/ticket/list/?order=opened_at&dir=desc").select("table[data-list] tbody tr")
    url = next(str(row["data-href"]) for row in rows if "/complaint/" in str(row["data-href"]))
    ways = {str(link["rel"][0]): str(link["href"]) for link in mei.page(url).select(".ways a")}
    assert ways["up"].startswith("/ticket/list/")
    assert shown(mei, ways["next"]) == asked.number
    forged = mei.page(url.replace("of=TicketView", "of=UserView"))
    assert forged.select(".ways a") == []


@pytest.mark.slow
def test_every_list_sorts_by_each_kind_of_column_it_offers_and_its_records_know_their_neighbours(
    app: Flask, sign_in: SignIn
) -> None:
    one_of_each(app, "mei")
    one_of_each(app, "mei")
    db.session.commit()
    su, tried = sign_in("su"), 0
    for view in screens(app):
        kinds = {type(getattr(view.model, column).type): column for column in view.order_columns if "." not in column}
        for column in kinds.values():
            page = su.get(f"{view.route_base}/list/?order={column}&dir=asc")
            if page.status_code == 403:
                continue
            assert page.status_code == 200, f"{view.route_base} by {column}"
            row = BeautifulSoup(page.text, "html.parser").select_one("table[data-list] tbody tr[data-href]")
            if row is not None:
                tried += 1
                assert su.get(str(row["data-href"])).status_code == 200, f"{view.route_base} by {column}"
    assert tried > 50
