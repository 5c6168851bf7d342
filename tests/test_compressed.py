"""How answers come over the wire: compressed, kept for a year where they never change, and not too many of them."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import brotli
import pytest
from conftest import Person, SignIn, member
from flask import Flask
from lxml import html
from page import ADDRESSES
from samples import sample
from werkzeug.test import TestResponse

from app.core.db import db
from app.workplace.models import Equipment
from config import ROOT

LIST_KB = 250
VENDOR = ROOT / "app" / "static" / "vendor"
TABLER = ROOT / "node_modules" / "@tabler" / "core" / "dist" / "css" / "tabler.min.css"
OPENED = {"br": brotli.decompress, "gzip": gzip.decompress}


def ask(person: Person, url: str, encoding: str, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return person.get(url, headers={"Accept-Encoding": encoding, **named})


def static(person: Person, name: str) -> str:
    """Return the address of a static file as pages have it."""
    found = re.search(rf'"(/static/{re.escape(name)}\?v=\w+)"', person.get("/").text)
    assert found, name
    return found[1]


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_page_is_compressed_as_the_browser_can_read_it(app: Flask, sign_in: SignIn, encoding: str) -> None:
    mei = sign_in("mei")
    plain = mei.get("/account/")
    assert "Content-Encoding" not in plain.headers
    small = ask(mei, "/account/", encoding)
    assert small.headers["Content-Encoding"] == encoding
    assert "Accept-Encoding" in small.headers["Vary"]
    assert small.headers["Cache-Control"] == "no-store"
    token = re.compile(rb'name="csrf_token" value="[^"]+"')
    assert token.sub(b"", OPENED[encoding](small.data)) == token.sub(b"", plain.data)
    assert len(small.data) == int(small.headers["Content-Length"]) < len(plain.data) / 2


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_static_file_is_kept_a_year_and_compressed_once(app: Flask, sign_in: SignIn, encoding: str) -> None:
    mei = sign_in("mei")
    with mei.session_transaction() as session:
        session.permanent = True
    url = static(mei, "portal.css")
    first = ask(mei, url, encoding)
    assert first.headers["Content-Encoding"] == encoding
    assert "max-age=31536000" in first.headers["Cache-Control"]
    assert first.headers["Vary"] == "Accept-Encoding", "a browser forgets what varies with a cookie at the next cookie"
    assert "Set-Cookie" not in first.headers
    assert OPENED[encoding](first.data) == mei.get(url).data == (ROOT / "app/static/portal.css").read_bytes()
    again = ask(mei, url, encoding)
    assert again.data == first.data
    known = ask(mei, url, encoding, If_None_Match=first.headers["ETag"])
    assert (known.status_code, known.data) == (304, b"")
    other = next(one for one in OPENED if one != encoding)
    assert ask(mei, url, other).headers["ETag"] != first.headers["ETag"]


def test_a_part_of_a_static_file_is_the_part_that_was_asked_for(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    url = static(mei, "portal.css")
    part = ask(mei, url, "br", Range="bytes=10-19")
    assert part.status_code == 206
    assert "Content-Encoding" not in part.headers
    assert part.data == (ROOT / "app/static/portal.css").read_bytes()[10:20]


def test_what_another_site_asks_for_is_not_compressed(app: Flask, sign_in: SignIn) -> None:
    """Its length would tell how well the words in the address fit what else stands on the page."""
    mei = sign_in("mei")
    for site in ("cross-site", "same-site"):
        answer = ask(mei, "/complaint/list/?q=0912", "br, gzip", Sec_Fetch_Site=site)
        assert "Content-Encoding" not in answer.headers, site
    for site in ("same-origin", "none"):
        answer = ask(mei, "/complaint/list/?q=0912", "br, gzip", Sec_Fetch_Site=site)
        assert answer.headers["Content-Encoding"] == "br", site


def test_an_export_goes_out_as_it_is_read(app: Flask, sign_in: SignIn) -> None:
    db.session.add(sample(Equipment, member("fan")))
    db.session.commit()
    fan = sign_in("fan")
    for kind in ("csv", "xlsx"):
        answer = ask(fan, f"/equipment/export/{kind}", "br, gzip")
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers, kind


def test_a_list_page_with_all_it_loads_is_small(app: Flask, sign_in: SignIn) -> None:
    """The page, its sheets and its scripts with fifty rows, as they come over the wire."""
    for _number in range(50):
        sample(Equipment, member("fan"))
    db.session.commit()
    fan = sign_in("fan")
    page = fan.get("/equipment/list/?size=50")
    loads = [url for url in ADDRESSES(html.document_fromstring(page.text)) if url.startswith("/static/")]
    assert len(loads) >= 5
    for encoding in OPENED:
        sizes = {url: len(ask(fan, url, encoding).data) for url in dict.fromkeys(loads)}
        sizes["page"] = len(ask(fan, "/equipment/list/?size=50", encoding).data)
        assert sum(sizes.values()) < LIST_KB * 1000, sizes


def test_every_class_of_tabler_that_a_template_names_is_in_what_is_served(app: Flask) -> None:
    """``make setup`` leaves out what nothing names; a sheet older than the templates would miss some."""
    class_names = re.compile(r"\.([a-z][\w-]*)")
    whole, served = (set(class_names.findall(path.read_text())) for path in (TABLER, VENDOR / TABLER.name))
    named: set[str] = set()
    for template in Path(ROOT / "app" / "templates").rglob("*.html"):
        for words in re.findall(r'class="([^"]*)"', template.read_text()):
            named |= set(re.findall(r"[a-z][\w-]*", words))
    assert {"btn-primary", "form-control", "visually-hidden"} <= served
    assert named & whole <= served
    assert len(served) < len(whole) / 4
