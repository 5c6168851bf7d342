"""Customers: sealed and masked everywhere, found by what is sealed, kept as the formats want (chapter 7)."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import Person, SignIn, member
from flask import Flask
from samples import sample
from sqlalchemy import select, text

from app.casework.models import Complaint
from app.core.audit import AuditEntry
from app.core.db import db
from app.core.fields_rows import target_of
from app.core.importing import Importer, Judged, Mode, Outcome
from app.core.matching import Matching, Source
from app.core.standin import standing_in
from app.core.tabular_read import read_table
from app.core.views import PortalView
from app.customers.models import Channel, Consent, Customer, CustomerKind, InsuranceNeed, Jurisdiction, Policy

LIN = {
    "kind": "PERSON", "name": "林小美", "jurisdiction": "TW", "id_kind": "NATIONAL", "id_number": "a123456789",
    "birth_date": "1985/3/27", "mobile": "0912 345 678", "phone": "(02)2388-1234#123", "email": "lin@example.com",
    "address": "臺北市信義區市府路1號", "language": "ZH_HANT",
}  # fmt: skip
SECRETS = (
    "林小美", "A123456789", "1985-03-27", "0912-345-678", "0912345678", "2388-1234", "lin@example.com", "市府路"
)  # fmt: skip


def add_lin(person: Person, **more: str) -> Customer:
    """Add the customer as a person would, and return the row."""
    answer = person.submit("/customer/add", **{**LIN, **more})
    assert answer.status_code == 200, answer.text
    return db.session.scalars(select(Customer).order_by(Customer.id.desc())).first()


def test_what_identifies_a_customer_is_sealed_in_the_database(app: Flask, sign_in: SignIn) -> None:
    lin = add_lin(sign_in("mei"))
    assert (lin.id_number, lin.birth_date, lin.mobile) == ("A123456789", "1985-03-27", "0912-345-678")
    assert (lin.phone, lin.email, str(lin)) == ("02-2388-1234#123", "lin@example.com", f"{lin.number} 林○美")
    assert lin.number.startswith("CU-")
    row = db.session.execute(text("SELECT * FROM customer")).mappings().one()
    kept = " ".join(str(value) for name, value in row.items() if name != "name")
    for secret in SECRETS[1:]:
        assert secret not in kept
    trail = " ".join(str((entry.before, entry.after)) for entry in db.session.scalars(select(AuditEntry)))
    for secret in (*SECRETS, lin.id_number_hash, lin.mobile_tail):
        assert secret not in trail


def test_no_page_shows_what_is_sealed(app: Flask, sign_in: SignIn) -> None:
    """Nor does the export, the REST API, a look-up, or the form to change it."""
    mei, su, ao = sign_in("mei"), sign_in("su"), sign_in("ao")
    lin = add_lin(mei)
    mei.submit(f"/customer/edit/{lin.id}", address="高雄市前金區五福路2號")
    for person in (mei, su, ao):
        pages = [person.page("/customer/list/").text, person.page(f"/customer/show/{lin.id}").text]
        pages += [person.get(f"/api/v1/customer/{lin.id}").text, person.get("/api/v1/customer/").text]
        if person is not ao:
            pages.append(person.get(f"/customer/edit/{lin.id}").text)
            pages.append(person.get("/customer/lookup?q=林").get_data(as_text=True))
        if person is not mei:
            pages.append(person.get("/customer/export/csv").get_data(as_text=True))
        for page in pages:
            assert "林○美" in page or "\\u6797\\u25cb\\u7f8e" in page
            for secret in (*SECRETS, "五福路"):
                assert secret not in page
    assert "0912•••678" in mei.page(f"/customer/show/{lin.id}").text
    assert sign_in("an").get("/customer/list/").status_code == 403


def test_an_edit_keeps_what_is_left_empty_and_removes_on_a_hyphen(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    lin = add_lin(mei)
    before = {name: getattr(lin, name) for name in ("id_number_hash", "mobile_hash", "mobile_tail", "email_hash")}
    form = mei.page(f"/customer/edit/{lin.id}").select_one("form[data-guard]")
    assert form.select_one("[name=mobile]")["value"] == ""
    assert form.select_one("[name=name]").get("required") is None
    assert "0912•••678" in form.select_one("#mobile-help").text

    mei.submit(f"/customer/edit/{lin.id}", contact_wishes="下班後")
    assert (lin.name, lin.mobile, lin.contact_wishes) == ("林小美", "0912-345-678", "下班後")
    assert {name: getattr(lin, name) for name in before} == before

    mei.submit(f"/customer/edit/{lin.id}", mobile="0987-654-321", phone="-", name="-")
    assert (lin.mobile, lin.phone, lin.phone_hash, lin.phone_tail) == ("0987-654-321", None, None, None)
    assert lin.name == "-", "a name cannot be removed, so a hyphen is a name"
    assert lin.mobile_hash != before["mobile_hash"]
    api = mei.put(f"/api/v1/customer/{lin.id}", headers={"X-CSRFToken": mei.token()},
                  json={"version": lin.version, "name": "林美"})  # fmt: skip
    assert api.status_code == 200, api.text
    assert (lin.name, lin.mobile) == ("林美", "0987-654-321")


@pytest.mark.parametrize("words", [
    "林小", "A123456789", "ａ123456789", "a123-456789", "6789", "0912345678", "0912-345-678", "+886 912 345 678",
    "5678", "02 2388 1234", "(02)2388-1234 #123", "1234", "LIN@example.com", "POL-77",
])  # fmt: skip
def test_a_customer_is_found_by_what_callers_say(app: Flask, sign_in: SignIn, words: str) -> None:
    mei = sign_in("mei")
    lin, other = add_lin(mei), sample(Customer)
    other.mobile, other.id_number = "0933-444-555", "F131104093"
    policy = sample(Policy)
    policy.number, policy.holder = "POL-77", lin
    db.session.commit()
    listed = mei.get(f"/api/v1/customer/?q={quote(words)}").json["result"]
    assert [row["id"] for row in listed] == [lin.id]
    offered = mei.get(f"/customer/lookup?q={quote(words)}").json["rows"]
    assert offered == [{"value": str(lin.id), "text": f"{lin.number} 林○美"}]


def test_part_of_a_sealed_value_finds_nobody(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    add_lin(mei)
    for words in ("A1234", "0912", "91234567", "lin@", "1985-03-27", "市府路", "123"):
        assert mei.get(f"/api/v1/customer/?q={quote(words)}").json["count"] == 0, words


@pytest.mark.parametrize(("wrong", "field"), [
    ({"id_number": "A123456788"}, "id_number"), ({"jurisdiction": "CN"}, "id_number"),
    ({"kind": "ORGANISATION"}, "id_number"), ({"mobile": "0912"}, "mobile"), ({"mobile": "02-2388-1234"}, "mobile"),
    ({"phone": "12345"}, "phone"), ({"email": "lin@"}, "email"), ({"birth_date": "1985-02-30"}, "birth_date"),
    ({"birth_date": "2999-01-01"}, "birth_date"), ({"name": ""}, "name"),
    ({"jurisdiction": "CN", "id_number": "11010519491231002X", "mobile": "13800138000", "phone": "",
      "birth_date": "1949-12-30"}, "birth_date"),
])  # fmt: skip
def test_a_wrong_format_is_told_at_its_field(app: Flask, sign_in: SignIn, wrong: dict[str, str], field: str) -> None:
    mei = sign_in("mei")
    answer = mei.submit("/customer/add", **{**LIN, **wrong})
    assert answer.status_code == 422
    soup = mei.read(answer.text, "/customer/add")
    assert soup.select_one(f"#{field}-error").text.strip()
    assert soup.select_one("[name=address]")["value"] == LIN["address"]
    assert db.session.query(Customer).count() == 0


def test_an_id_number_is_one_customers_only(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    add_lin(mei)
    answer = mei.submit("/customer/add", **{**LIN, "name": "林美美", "id_number": "A１２３４５６７８９", "mobile": ""})
    assert answer.status_code == 422
    soup = mei.read(answer.text, "/customer/add")
    assert str(soup.select_one("label[for=id_number]").text).split()[0] in soup.select_one("#id_number-error").text
    assert soup.select_one("[name=name]")["value"] == "林美美"
    assert db.session.query(Customer).count() == 1
    assert add_lin(mei, id_number="", name="王大明").id_number is None
    assert add_lin(mei, id_number="", name="李大華").id_number_hash is None


def test_a_kept_id_number_must_fit_a_changed_jurisdiction(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    lin = add_lin(mei)
    answer = mei.submit(f"/customer/edit/{lin.id}", jurisdiction="CN")
    assert answer.status_code == 422
    assert mei.read(answer.text, "edit").select_one("#id_number-error").text.strip()
    mei.submit(f"/customer/edit/{lin.id}", jurisdiction="CN", id_number="-", mobile="-", phone="-")
    assert (lin.jurisdiction, lin.id_number, lin.mobile) == (Jurisdiction.CN, None, None)


def test_every_way_in_keeps_the_hashes(app: Flask, sign_in: SignIn) -> None:
    """An import and plain code find the same customer as the form does."""
    made = Customer(
        number="CU-1", name="王大明", kind=CustomerKind.PERSON, mobile="0912 345 678", id_number="F131104093"
    )
    db.session.add(made)
    db.session.commit()
    content = "姓名,電話,證號\n林小美,0987654321,A123456789\n張三,0912345,\n".encode("utf-8-sig")
    matching = Matching({
        "name": Source("姓名"), "mobile": Source("電話"), "id_number": Source("證號"),
        "kind": Source(constant="PERSON"), "jurisdiction": Source(constant="TW"),
        "id_kind": Source(constant="NATIONAL"), "language": Source(constant="ZH_HANT"),
    })  # fmt: skip
    found = []
    for _turn in range(2):
        found += import_rows(content, matching)
    assert [one.outcome for one in found] == [Outcome.NEW, Outcome.WRONG, Outcome.WRONG, Outcome.WRONG]
    assert list(found[1].errors) == ["mobile"]
    assert list(found[2].errors) == ["id_number"]
    mei = sign_in("mei")
    for words, name in (("0912-345-678", "王○明"), ("4093", "王○明"), ("0987 654 321", "林○美"), ("6789", "林○美")):
        rows = mei.get(f"/api/v1/customer/?q={quote(words)}").json["result"]
        assert [row["name"] for row in rows] == [name], words
    made.mobile = None
    db.session.commit()
    assert mei.get("/api/v1/customer/?q=0912345678").json["count"] == 0


def import_rows(content: bytes, matching: Matching) -> list[Judged]:
    """Import a table of customers as the portal itself does."""
    judged: list[Judged] = []
    view = target_of(Customer)
    assert isinstance(view, PortalView)
    with standing_in(None):
        table = read_table(io.BytesIO(content), "customers.csv")
        Importer(view, table, table.header, matching, Mode.GOOD_ROWS).run(judged.append)
        db.session.commit()
    return judged


def test_a_customers_page_shows_what_belongs_to_them(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    lin = add_lin(mei)
    for model in (Policy, InsuranceNeed, Consent):
        row = sample(model)
        setattr(row, "holder" if model is Policy else "customer", lin)
    mine, foreign = sample(Complaint, member("mei")), sample(Complaint, member("kai"))
    mine.customer = foreign.customer = lin
    db.session.commit()
    soup = mei.page(f"/customer/show/{lin.id}")
    heads = [head.text for head in soup.select("section.card h2")]
    assert len(heads) >= 6
    links = {str(link["href"]) for link in soup.select("table.list a")}
    assert f"/complaint/show/{mine.id}" in links
    assert f"/complaint/show/{foreign.id}" not in links, "another team's ticket"
    assert any(link.startswith("/policy/show/") for link in links)
    assert any(link.startswith("/consent/show/") for link in links)
    for kind in ("consultation", "complaint", "business-request"):
        adding = soup.select_one(f"a[href='/{kind}/add?customer={lin.id}']")
        assert adding is not None, kind
        assert mei.page(str(adding["href"])).select_one("[name=customer] option[selected]")["value"] == str(lin.id)


def test_the_database_holds_the_order_of_dates(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    lin = add_lin(mei)
    channel = db.session.scalars(select(Channel)).first()
    answer = mei.submit(f"/consent/add?customer={lin.id}", purpose="MARKETING", channel=str(channel.id),
                        given_on="2026-03-01", withdrawn_on="2026-02-01")  # fmt: skip
    assert answer.status_code == 422
    assert db.session.query(Consent).count() == 0
    answer = mei.submit(f"/consent/add?customer={lin.id}", purpose="MARKETING", channel=str(channel.id),
                        given_on="2026-03-01")  # fmt: skip
    assert answer.status_code == 200
    assert db.session.scalars(select(Consent)).one().customer == lin


def test_seeds_offer_each_list_in_both_scripts() -> None:
    """No name stands twice in a list: an import finds one row by it."""
    import csv  # noqa: PLC0415 - only here

    folder = Path(__file__).parent.parent / "seed"
    for name in ("product_lines", "channels", "topics", "dispositions", "conclusions", "root_causes"):
        with (folder / f"{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for column in ("code", "name_zh_hant", "name_zh_hans", "name_en"):
            values = [row[column] for row in rows]
            assert all(values), (name, column)
            assert len(values) == len(set(values)), (name, column)
