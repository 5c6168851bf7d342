"""Every page that links lead to, for every role, in every language: it fits its window, and everybody can use it.

A page of each kind is opened once, for the first role that is led there. In Traditional Chinese it is opened again for
another role that finds something more on it: a button, a column, a field. axe-core judges every page in both scripts,
wholly in one theme, and for contrast in the other: nothing else differs between the two.

Chromium lays out what it is sent, and the rows here are the same on either database, so one database is enough. What
can differ between the two is whether a page opens, what it holds and how it asks the database: two laws open every
screen and follow every link for every role on both, and the other journeys click through both.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import DATABASE, SignIn
from flask import Flask
from lxml import html
from page import links
from playwright.sync_api import Page, ViewportSize
from sqlalchemy import Text
from test_laws import FEWEST_PAGES, NO_PAGE, ROLES, kind_of, one_of_each

from app.core.db import db

from .axe import faint, grave
from .browser import DESK, PHONE
from .conftest import Browse

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        DATABASE != "sqlite", reason="a layout is the same on both databases; the laws open these pages"
    ),
]
# High windows: where a page scrolls, what stands still covers what axe-core is to judge.
TALL_PHONE: ViewportSize = {"width": PHONE["width"], "height": 3000}
TALL_DESK: ViewportSize = {"width": DESK["width"], "height": 2000}
LONG = "很長的一句話沒有空白" * 12 + "https://example.com/" + "a-very-long-address" * 8
TOO_WIDE = """() => {
    const over = document.documentElement.scrollWidth - window.innerWidth;
    if (over <= 0) return [];
    const culprits = [...document.querySelectorAll("body *")].filter(
        (part) => part.getBoundingClientRect().right > window.innerWidth + 1);
    return [`${over} px too wide`, ...culprits.slice(0, 4).map((part) => part.outerHTML.slice(0, 120))];
}"""
PARTS = "//main//*[self::th or self::dt or self::label or self::legend or self::button or contains(@class, 'btn')]"
OTHER = {"light": "dark", "dark": "light"}
CHOSEN = {"zh-TW": ("zh_Hant_TW", "light"), "zh-CN": ("zh_Hans_CN", "dark"), "en-GB": ("en", None)}


def furnish(app: Flask) -> None:
    """Make one row of everything, with long texts."""
    for row in one_of_each(app, "mei").values():
        for column in row.__table__.columns:
            if isinstance(column.type, Text) and not column.foreign_keys:
                setattr(row, column.key, LONG)
    db.session.commit()


def parts_of(text: str) -> set[str]:
    """Return what makes a page wider for one role than for another: its columns, fields and buttons."""
    return {" ".join(part.text_content().split()) for part in html.document_fromstring(text).xpath(PARTS)}


def crawl(sign_in: SignIn, login: str, locale: str) -> Iterator[tuple[str, str]]:
    """Follow the links from the first page, one page of each kind, and yield address and text."""
    person = sign_in(login, locale)
    seen: set[str] = set()
    waiting = ["/"]
    while waiting:
        url = waiting.pop(0)
        answer = person.get(url, follow_redirects=True)
        assert answer.status_code == 200, f"{login} {url}: {answer.status_code}"
        yield url, answer.text
        for link in links(answer.text, answer.request.path):
            kind = kind_of(link)
            if kind not in seen and not NO_PAGE.search(kind):
                seen.add(kind)
                waiting.append(link)
    assert len(seen) >= FEWEST_PAGES, login


def fits(page: Page, path: str, *sizes: ViewportSize) -> None:
    """A page is not wider than the window it is in."""
    for size in sizes:
        page.set_viewport_size(size)
        assert page.evaluate(TOO_WIDE) == [], f"{path} at {size['width']} px"


@pytest.mark.parametrize("locale", CHOSEN)
def test_every_page_fits_its_window_and_everybody_can_use_it(
    app: Flask, sign_in: SignIn, browse: Browse, locale: str
) -> None:
    furnish(app)
    language, theme = CHOSEN[locale]
    sizes = (TALL_PHONE, TALL_DESK) if locale == "zh-TW" else (TALL_PHONE,)
    met: dict[str, set[str]] = {}
    for login in ROLES.values():
        found = {path: parts_of(text) for path, text in crawl(sign_in, login, language)}
        # Without a theme to judge, a page is as wide without its scripts, and half as long in coming.
        page = (browse if theme else browse.plain)(login, locale, size=TALL_PHONE)
        page.emulate_media(color_scheme=theme or "light", reduced_motion="reduce")
        framed = True
        for path, parts in found.items():
            is_new = (kind := kind_of(path)) not in met
            if is_new or (locale == "zh-TW" and not parts <= met[kind]):
                page.goto(path)
                fits(page, path, *sizes)
            if is_new and theme:
                assert grave(page, framed=framed) == [], f"{path} in {locale}, {theme}"
                framed = False
                assert faint(page, other := OTHER[theme]) == [], f"{path} in {locale}, {other}"
            met.setdefault(kind, set()).update(parts)
        page.context.close()
    assert len(met) >= FEWEST_PAGES * len(ROLES)
