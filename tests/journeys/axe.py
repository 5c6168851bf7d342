"""axe-core: what a page has that people with a screen reader, a keyboard or weak eyes cannot use."""

from __future__ import annotations

from functools import cache
from typing import Any

from playwright.sync_api import Page

from config import ROOT

SOURCE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2, levels A and AA.
STANDARD = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
ASK = """async ([where, rules]) => (await axe.run(where, rules)).violations
    .filter((rule) => rule.impact === "serious" || rule.impact === "critical")
    .flatMap((rule) => rule.nodes.map((node) =>
        `${rule.id}: ${node.target.join(" ")} ${node.html.slice(0, 200)} ${node.failureSummary}`))"""
RULES: dict[str, Any] = {
    "runOnly": {"type": "tag", "values": STANDARD},
    "resultTypes": ["violations"],
    # What takes time and brings nothing here: other documents, and sheets that only rules outside the standard read.
    "iframes": False,
    "preload": False,
}
FRAME = (".side", ".top")


@cache
def source() -> str:
    """Return axe-core's script, run in a page by the browser's own protocol: no page loads it."""
    return SOURCE.read_text() + ";undefined"


def grave(page: Page, *, framed: bool) -> list[str]:
    """Return what is serious or critical on a page: rule, place, what stands there and what is wrong with it.

    The frame is the same on every page of a person and a quarter of the work; ``framed`` judges it, too.
    """
    page.evaluate(source())
    return _asked(page, RULES, framed=framed)


def faint(page: Page, theme: str) -> list[str]:
    """Return what cannot be read in another theme, on a page that was judged in one: only colours differ."""
    page.evaluate("(theme) => { document.documentElement.dataset.bsTheme = theme; }", theme)
    return _asked(page, {**RULES, "runOnly": {"type": "rule", "values": ["color-contrast"]}}, framed=False)


def _asked(page: Page, rules: dict[str, Any], *, framed: bool) -> list[str]:
    where = {"include": [["html"]], "exclude": [] if framed else [[part] for part in FRAME]}
    found: list[str] = page.evaluate(ASK, [where, rules])
    return found
