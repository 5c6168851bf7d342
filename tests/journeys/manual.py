"""A reader of the manual: does in Chromium what a chapter says, by the very words the chapter prints in bold.

What a chapter calls by a name is a word of the interface, in bold, exactly as the portal shows it. The reader takes up
one task of the chapter (a heading) after the other. It presses and fills in only what stands in bold under that
heading, and notes every text it can see on the way. A bold word that was never seen, or a task that nobody took up,
fails the journey: a button that is renamed or gone makes the chapter that names it wrong.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flask_babel import force_locale, gettext, pgettext
from playwright.sync_api import Error, Locator, Page, expect

from app.lobby.views_help import MANUAL

from .conftest import PATIENCE_MS

LOCALES = {"zh-Hant": ("zh_Hant_TW", "zh-TW"), "zh-Hans": ("zh_Hans_CN", "zh-CN")}
"""Of each script the language of the portal, and that of a browser which gets it."""
BOLD = re.compile(r"\*\*(.+?)\*\*")
PICTURE = re.compile(r"!\[[^\]]+\]\(\.\./\.\./pictures/([^)]+)\)")
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
DIALOG = "dialog[open]"
PAUSE_MS = 50
# Texts a person can see: each piece by itself, so that a word is a label of its own and not part of a sentence.
TEXTS = """() => {
    if (!document.body) return [];
    const seen = new Set();
    const add = (text) => seen.add(text.replace(/\\s+/g, " ").trim());
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const part = texts.currentNode.parentElement;
        if ((part.closest("option")?.closest("select") ?? part).checkVisibility()) add(texts.currentNode.data);
    }
    ["placeholder", "aria-label", "title"].forEach((name) => document.querySelectorAll(`[${name}]`).forEach((part) => {
        if (part.checkVisibility()) add(part.getAttribute(name));
    }));
    return [...seen];
}"""
FIELD = """(wanted) => {
    const texts = (part) => [...part.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const says = (part) => texts(part).map((text) => text.data).join("").trim();
    const scope = document.querySelector("dialog[open]") ?? document.body;
    const labels = [...scope.querySelectorAll("label, legend")].filter((part) => part.checkVisibility());
    const label = labels.find((part) => says(part) === wanted);
    if (!label) return null;
    // The box of a look-up takes its label over.
    const key = label.tagName === "LEGEND" ? label.parentElement.id : label.htmlFor || label.querySelector("input").id;
    return key.replace(/-ts-control$/, "");
}"""
# What a look-up answers, without the time that somebody types; other journeys type.
TAKE = """async (field, text) => {
    const answer = await fetch(`${field.dataset.lookup}?q=${encodeURIComponent(text)}`);
    const row = (await answer.json()).rows[0];
    if (row) { field.tomselect.addOption(row); field.tomselect.setValue(row.value); }
    return Boolean(row);
}"""
KIND = "(field) => field.tomselect ? 'look-up' : field.type || field.tagName.toLowerCase()"


@dataclass(frozen=True)
class Chapter:
    """One chapter in one script."""

    script: str
    name: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return MANUAL / self.script / f"{self.name}.md"

    @cached_property
    def text(self) -> str:
        """Its Markdown."""
        return self.path.read_text(encoding="utf-8")

    @property
    def headings(self) -> list[str]:
        """What its tasks are called."""
        return HEADING.findall(self.text)

    @property
    def tasks(self) -> list[str]:
        """The text of each task."""
        return HEADING.split(self.text)[2::2]

    @property
    def pictures(self) -> list[str]:
        """The file names of its pictures."""
        return PICTURE.findall(self.text)


class Reader:
    """Somebody who has a chapter beside them and a page of the portal before them."""

    def __init__(self, page: Page, chapter: Chapter) -> None:
        self.page, self.chapter = page, chapter
        self.locale = LOCALES[chapter.script][0]
        self.bold: list[set[str]] = [set(BOLD.findall(task)) for task in chapter.tasks]
        self.at = -1
        self.seen: set[str] = set()
        self.unseen: list[str] = []
        page.on("dialog", lambda dialog: dialog.accept())

    # -- the chapter -------------------------------------------------------------------------

    def task(self) -> None:
        """Go on to the next task of the chapter."""
        self.end_task()
        self.at += 1
        assert self.at < len(self.bold), f"{self.chapter.path.name} has no further task"

    def end_task(self) -> None:
        """Note which bold words of the task in hand were on no page."""
        if self.at >= 0:
            self.look()
            missing = self.bold[self.at] - self.seen
            self.unseen += [f"{self.chapter.headings[self.at]}: {word}" for word in sorted(missing)]
        self.seen = set()

    def end(self) -> None:
        """Put the chapter down; raises AssertionError naming what of it the portal no longer shows."""
        self.end_task()
        assert self.chapter.headings[self.at + 1 :] == [], "tasks nobody took up"
        assert self.unseen == [], f"{self.chapter.path}: bold, and on no page"

    def say(self, text: str, context: str = "", **values: object) -> str:
        """Return how the portal says something in the chapter's language."""
        with force_locale(self.locale):
            return str(pgettext(context, text) if context else gettext(text, **values))

    def word(self, text: str, context: str = "", **values: object) -> str:
        """Return a word of the interface; raises AssertionError unless the task in hand names it."""
        said = self.say(text, context, **values)
        assert said in self.bold[self.at], f"{self.chapter.headings[self.at]} does not name «{said}» ({text})"
        return said

    # -- the page ----------------------------------------------------------------------------

    def look(self) -> set[str]:
        """Note what can be seen, and return it."""
        try:
            texts = set(self.page.evaluate(TEXTS))
        except Error:
            # The page was just left.
            self.page.wait_for_load_state()
            texts = set(self.page.evaluate(TEXTS))
        self.seen |= texts
        return texts

    def open(self, path: str) -> None:
        """Go straight to a page."""
        self.page.goto(path)
        self.look()

    def press(self, *keys: str) -> None:
        """Press keys as soon as the page listens to them."""
        self.page.wait_for_load_state()
        for key in keys:
            self.page.keyboard.press(key)

    def scope(self, at: str = "body") -> Locator:
        """Return the small form over the page, or else a part of the page."""
        return self.page.locator(DIALOG if self.page.locator(DIALOG).count() else at)

    def button(self, said: str, at: str = "body") -> Locator:
        """Return the visible button, link, tab or panel of a name."""
        scope = self.scope(at)
        # A count may follow it, and an arrow stand beside it.
        name = re.compile(rf"^[\s‹›]*{re.escape(said)}(\s*\d.*)?[\s‹›]*$")
        found = scope.locator("summary", has_text=name)
        for role in ("button", "link", "tab"):
            found = found.or_(scope.get_by_role(role, name=name))  # type: ignore[arg-type]
        return found.locator("visible=true").first

    def click(self, text: str, at: str = "body", context: str = "", **values: object) -> None:
        """Press what the chapter names."""
        wanted = self.button(self.word(text, context, **values), at)
        wanted.wait_for()
        self.look()
        wanted.click()

    def menu(self, text: str) -> None:
        """Open a screen from the navigation."""
        self.click(text, "nav.side")
        expect(self.page.locator("nav.side [aria-current]")).to_contain_text(self.say(text))
        self.page.wait_for_load_state()

    def see(self, text: str, context: str = "") -> None:
        """Wait until something the chapter names can be seen."""
        said = self.word(text, context)
        end = time.monotonic() + PATIENCE_MS / 1000
        while said not in self.look():
            assert time.monotonic() < end, f"«{said}» is not to be seen at {self.page.url}"
            self.page.wait_for_timeout(PAUSE_MS)

    def peek(self, text: str) -> None:
        """Wait for the small form that opens, see a field of it, and leave it."""
        expect(self.page.locator(f"{DIALOG} form")).to_be_visible()
        self.see(text)
        self.page.keyboard.press("Escape")
        expect(self.page.locator(DIALOG)).to_have_count(0)

    def set(self, text: str, value: str | None = None, context: str = "") -> None:
        """Fill in the field the chapter names; without a value the first that is offered."""
        said = self.word(text, context)
        labels = self.page.locator("label, legend").locator("visible=true")
        labels.filter(has_text=re.compile(rf"^\s*{re.escape(said)}")).last.wait_for()
        self.look()
        key = self.page.evaluate(FIELD, said)
        assert key, f"no field «{said}»"
        self.enter(key, value)

    def enter(self, key: str, value: str | None = None) -> None:
        """Fill in a field by its name."""
        field = self.scope().locator(f"#{key}")
        match field.evaluate(KIND):
            case "fieldset":
                chosen = f":has(input[value='{value}'])" if value else ":has(input:not([value='']))"
                field.locator(f"label{chosen} span").first.click()
            case "look-up":
                assert field.evaluate(TAKE, value or ""), f"{key} offers nothing for «{value}»"
            case "select-one":
                field.select_option(value=value) if value else field.select_option(index=1)
            case "checkbox":
                field.check()
            case _:
                field.fill(value or "")

    def send(self) -> None:
        """Send the form in hand by its main button."""
        wanted = self.scope("main").locator(".form-end button").locator("visible=true").first
        wanted.wait_for()
        self.look()
        wanted.click()

    def stands(self, text: str, context: str = "") -> None:
        """Wait until the record is in a state."""
        expect(self.page.locator(".headline")).to_contain_text(self.say(text, context))
        expect(self.page.locator(DIALOG)).to_have_count(0)
        self.page.wait_for_load_state()
        self.look()
