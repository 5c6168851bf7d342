"""Every page that links lead to, for every role, on a phone and on a desk, in both scripts: it fits and is quiet."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import CAST
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import Text
from test_laws import one_of_each

from app.core.db import db
from journeys.conftest import Browse

pytestmark = pytest.mark.browser
WIDTHS = {"zh-TW": (390, 1366), "zh-CN": (390,)}
ONE_OF_EACH_ROLE = {one.role: one.login for one in reversed(CAST)}
FEWEST_PAGES = 5
LONG = "很長的一句話沒有空白" * 12 + "https://example.com/" + "a-very-long-address" * 8
# What answers with a file or another language, not with a page of its own.
NO_PAGE = re.compile(r"/lang/|/export/|/file/|/api/|/template/|\.(csv|xlsx)$")
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


@pytest.mark.parametrize("locale", WIDTHS)
@pytest.mark.parametrize("role", ONE_OF_EACH_ROLE)
def test_every_page_fits_its_screen(app: Flask, browse: Browse, role: str, locale: str) -> None:
    for row in one_of_each(app, "mei").values():
        for column in row.__table__.columns:
            if isinstance(column.type, Text) and not column.foreign_keys:
                setattr(row, column.key, LONG)
    db.session.commit()
    page = browse(ONE_OF_EACH_ROLE[role], locale, width=WIDTHS[locale][0])
    seen = 0
    for path in crawl(page):
        for width in WIDTHS[locale]:
            if len(WIDTHS[locale]) > 1:
                page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate(TOO_WIDE) == [], f"{path} at {width} px"
        seen += 1
    assert seen >= FEWEST_PAGES


def crawl(page: Page) -> Iterator[str]:
    """Open every page that links lead to from the present one, one of each kind, and yield its path."""
    waiting, known = ["/"], {"/"}
    while waiting:
        path = waiting.pop(0)
        page.goto(path)
        yield path
        for link in page.evaluate(LINKS):
            kind = re.sub(r"\d+", "1", link.partition("?")[0])
            if kind not in known and not NO_PAGE.search(kind):
                known.add(kind)
                waiting.append(link)
