"""Every page that links lead to, for every role, on a phone and on a desk, in both scripts: it fits and is quiet.

Chromium lays out what it is sent, and the rows here are the same on either database, so one database is enough. What
can differ between the two is whether a page opens, what it holds and how it asks the database: two laws open every
screen and follow every link for every role on both, and the other journeys click through both.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import DATABASE
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import Text
from test_laws import FEWEST_PAGES, NO_PAGE, ROLES, kind_of, one_of_each

from app.core.db import db

from .browser import DESK, PHONE
from .conftest import Browse

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        DATABASE != "sqlite", reason="a layout is the same on both databases; the laws open these pages"
    ),
]
LONG = "很長的一句話沒有空白" * 12 + "https://example.com/" + "a-very-long-address" * 8
LINKS = """() => [...document.querySelectorAll("a[href]:not([download])")]
    .map((link) => new URL(link.href)).filter((url) => url.origin === location.origin)
    .map((url) => url.pathname + url.search)"""
TOO_WIDE = """() => {
    const over = document.documentElement.scrollWidth - window.innerWidth;
    if (over <= 0) return [];
    const culprits = [...document.querySelectorAll("body *")].filter(
        (part) => part.getBoundingClientRect().right > window.innerWidth + 1);
    return [`${over} px too wide`, ...culprits.slice(0, 4).map((part) => part.outerHTML.slice(0, 120))];
}"""


def furnish(app: Flask) -> None:
    """Make one row of everything, with long texts."""
    for row in one_of_each(app, "mei").values():
        for column in row.__table__.columns:
            if isinstance(column.type, Text) and not column.foreign_keys:
                setattr(row, column.key, LONG)
    db.session.commit()


@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_a_role_fits_a_phone_and_a_desk(app: Flask, browse: Browse, role: str) -> None:
    furnish(app)
    page = browse(ROLES[role], size=PHONE)
    seen = set()
    for path in crawl(page, seen):
        for size in (PHONE, DESK):
            page.set_viewport_size(size)
            assert page.evaluate(TOO_WIDE) == [], f"{path} at {size['width']} px"
    assert len(seen) >= FEWEST_PAGES


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_every_kind_of_page_fits_a_phone_in_the_other_languages(app: Flask, browse: Browse, locale: str) -> None:
    """A page that several roles open is opened once, by the first of them."""
    furnish(app)
    seen: set[str] = set()
    for login in ROLES.values():
        page = browse(login, locale, size=PHONE)
        for path in crawl(page, seen):
            assert page.evaluate(TOO_WIDE) == [], path
        page.context.close()
    assert len(seen) >= FEWEST_PAGES * len(ROLES)


def crawl(page: Page, seen: set[str]) -> Iterator[str]:
    """Open every page that links lead to from the first one, one of each kind not seen yet, and yield its path."""
    waiting = ["/"]
    while waiting:
        path = waiting.pop(0)
        page.goto(path)
        yield path
        for link in page.evaluate(LINKS):
            kind = kind_of(link)
            if kind not in seen and not NO_PAGE.search(kind):
                seen.add(kind)
                waiting.append(link)
