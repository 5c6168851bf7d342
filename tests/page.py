"""What holds for every page: one h1, no double ids, labels on inputs, no raw names, nothing from outside."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urldefrag, urljoin

from bs4 import BeautifulSoup
from lxml import html
from lxml.etree import XPath

# An enum member, a msgid of a lazy string, a class or a permission name where a person expects words.
RAW = re.compile(r"\b(?:[a-z]+_){1,}[a-z]+\b|\bcan_\w+\b|\b[A-Z][a-z]+View\b|<\w+ object|\bNone\b")
HAN = re.compile(r"[\u4e00-\u9fff]")
OUTSIDE = re.compile(r"(?:https?:)?//")
# The words of a page, without what is shown as somebody typed it.
WORDS = XPath("//main//text()[not(ancestor::code or ancestor::textarea or ancestor::*[@data-verbatim])]")
FIELDS = XPath("//input[not(@type='hidden')] | //select | //textarea")
ADDRESSES = XPath("//*/@src | //link/@href | //form/@action")
LINKS = XPath("//a[not(@download)]/@href")
INLINE = XPath("//script[not(@src)] | //style | //*[@style] | //*[@onclick]")


def check_page(text: str, url: str) -> BeautifulSoup:
    """Return a page parsed; raises AssertionError with what is wrong with it."""
    judge(text, url)
    return BeautifulSoup(text, "html.parser")


def judge(text: str, url: str) -> None:
    """Raise AssertionError with what is wrong with a page.

    The suite judges thousands of pages, most of which nobody looks at any further: lxml takes a twentieth of the time
    that a soup takes.
    """
    if "<html" not in text:
        return
    page = html.document_fromstring(text)
    assert page.get("lang") in {"zh-Hant-TW", "zh-Hans-CN", "en"}, f"{url}: lang"
    heads = page.findall(".//h1")
    assert len(heads) == 1, f"{url}: {len(heads)} h1"
    ids = Counter(page.xpath("//@id"))
    assert len(ids) == ids.total(), f"{url}: ids twice: {sorted(name for name, times in ids.items() if times > 1)}"
    labelled = set(page.xpath("//label/@for"))
    for field in FIELDS(page):
        named = field.get("id") in labelled or "aria-label" in field.attrib or field.xpath("ancestor::label")
        assert named, f"{url}: no label on {html.tostring(field, encoding='unicode')}"
    for target in ADDRESSES(page):
        assert not OUTSIDE.match(target), f"{url}: outside host {target}"
        # What Flask-AppBuilder brings along: Bootstrap 3, jQuery, select2 and their like.
        assert not target.startswith("/static/appbuilder"), f"{url}: not one of our own files {target}"
    assert not INLINE(page), f"{url}: inline script or style"
    raw = RAW.search(" ".join(WORDS(page)))
    assert raw is None, f"{url}: raw name «{raw.group(0) if raw else ''}»"


def token_in(text: str) -> str:
    """Return the CSRF token of a page."""
    return str(html.document_fromstring(text).xpath("//input[@name='csrf_token']/@value")[0])


def links(text: str, url: str) -> list[str]:
    """Return where a page's links lead within the house, in the order they stand."""
    found = (urldefrag(urljoin(url, href)).url for href in LINKS(html.document_fromstring(text)))
    return [link for link in found if link.startswith("/") and not link.startswith("//")]
