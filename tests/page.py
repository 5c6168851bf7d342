"""What holds for every page: one h1, no double ids, labels on inputs, no raw names, nothing from outside."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup

# An enum member, a msgid of a lazy string, a class or a permission name where a person expects words.
RAW = re.compile(r"\b(?:[a-z]+_){1,}[a-z]+\b|\bcan_\w+\b|\b[A-Z][a-z]+View\b|<\w+ object|\bNone\b")
HAN = re.compile(r"[\u4e00-\u9fff]")


def check_page(text: str, url: str) -> BeautifulSoup:
    """Return a page parsed; raises AssertionError with what is wrong with it."""
    soup = BeautifulSoup(text, "html.parser")
    if soup.html is None:
        return soup
    assert soup.html.get("lang") in {"zh-Hant-TW", "zh-Hans-CN", "en"}, f"{url}: lang"
    heads = soup.select("h1")
    assert len(heads) == 1, f"{url}: {len(heads)} h1"
    ids = [str(element["id"]) for element in soup.select("[id]")]
    assert len(ids) == len(set(ids)), f"{url}: ids twice: {sorted({i for i in ids if ids.count(i) > 1})}"
    labelled = {str(label["for"]) for label in soup.select("label[for]")}
    for field in soup.select("input:not([type=hidden]), select, textarea"):
        named = field.get("id") in labelled or field.has_attr("aria-label") or field.find_parent("label")
        assert named, f"{url}: no label on {field}"
    for element in soup.select("[src], link[href], form[action]"):
        target = str(element.get("src") or element.get("href") or element.get("action"))
        assert not re.match(r"(?:https?:)?//", target), f"{url}: outside host {target}"
    assert not soup.select("script:not([src]), style, [style], [onclick]"), f"{url}: inline script or style"
    for hidden in soup.select("code, textarea, [data-verbatim]"):
        hidden.extract()
    words = soup.main.get_text(" ") if soup.main else ""
    raw = RAW.search(words)
    assert raw is None, f"{url}: raw name «{raw.group(0) if raw else ''}»"
    return BeautifulSoup(text, "html.parser")
