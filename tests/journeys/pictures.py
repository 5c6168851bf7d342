"""The pictures of docs/pictures: ``make pictures`` takes those declared here anew and removes all others.

The demo department, served as ``make run`` serves it, as the roles concerned see it: each page on a desk and on a
phone, in both scripts.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from config import ROOT

from .browser import DESK, PHONE, launched
from .demo import demo_portal, sign_in

FOLDER = ROOT / "docs" / "pictures"
SCRIPTS = {"hant": "zh-TW", "hans": "zh-CN"}
SIZES = (DESK, PHONE)
# A page longer than this is cut: what is below says nothing new, and weighs.
TALLEST = 1300
# Enough for the edges of letters. Median cut keeps the very tone of the grounds; dithering would put grain on them.
COLOURS = 96
# A small form over the page comes a moment after it was asked for.
SETTLES_MS = 400
FIRST_ROW = "table.list tbody a"


@dataclass(frozen=True)
class Picture:
    """A page, who looks at it, and how they come there: an address, then what they click, each on the page before."""

    name: str
    login: str | None
    path: str
    clicks: tuple[str, ...] = ()
    theme: str = "light"

    def files(self) -> set[str]:
        """Return the names of its files."""
        return {self.file(size["width"], script) for size in SIZES for script in SCRIPTS}

    def file(self, width: int, script: str) -> str:
        """Return the name of one of its files."""
        return f"{self.name}-{width}-{script}.png"


PICTURES = (
    Picture("sign-in", None, "/login/"),
    Picture("home", "team_lead", "/"),
    Picture("home-dark", "team_lead", "/", theme="dark"),
    Picture("complaints", "agent", "/complaint/list/"),
    Picture("complaints-dark", "agent", "/complaint/list/", theme="dark"),
    Picture("complaints-chart", "supervisor", "/complaint/chart/"),
    Picture("complaint", "supervisor", "/complaint/list/", (FIRST_ROW,)),
    Picture(
        "complaint-step",
        "supervisor",
        "/complaint/list/?status=IN_PROGRESS",
        (FIRST_ROW, "main [href*='/complaint/step/']"),
    ),
    Picture("new-consultation", "agent", "/consultation/add"),
    Picture("customers", "agent", "/customer/list/"),
    Picture("customer", "agent", "/customer/list/", (FIRST_ROW,)),
    Picture("search", "agent", "/search/?q=理賠"),
    Picture("roster", "team_lead", "/roster/board"),
    Picture("training-plan", "supervisor", "/training-plan/list/", (FIRST_ROW,)),
    Picture("appraisal", "supervisor", "/appraisal/list/", (FIRST_ROW,)),
    Picture("equipment", "facility", "/equipment/list/"),
    Picture("repairs", "facility", "/repair/list/"),
    Picture("repair", "facility", "/repair/list/", (FIRST_ROW,)),
    Picture("report", "agent", "/repair/add"),
    Picture("measures", "supervisor", "/measures/list/"),
    Picture("clauses", "auditor", "/clause/list/"),
    Picture("users", "administrator", "/user/list/"),
    Picture("roles", "administrator", "/role/list/"),
    Picture("import", "administrator", "/staff-member/import"),
    Picture("account", "agent", "/account/"),
    Picture("help", "agent", "/help/"),
)


class NotThereError(Exception):
    """A page that this portal does not have."""


def walk(page: Page, picture: Picture) -> None:
    """Go where a picture is taken; raises ``NotThereError`` where nothing answers or there is nothing to click."""
    page.set_viewport_size(DESK)
    answer = page.goto(picture.path)
    if answer is None or not answer.ok:
        raise NotThereError(picture.path)
    for selector in picture.clicks:
        wanted = page.locator(selector).first
        if wanted.count() == 0:
            raise NotThereError(f"{selector} on {page.url}")
        wanted.click()
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(SETTLES_MS)
    page.evaluate("(theme) => { document.documentElement.dataset.bsTheme = theme; }", picture.theme)


def taken(page: Page) -> Iterator[tuple[int, bytes]]:
    """Yield the page at each width, as high as it is."""
    for size in SIZES:
        page.set_viewport_size(size)
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        # A window as high as the page: what stands still while one scrolls would end in the middle of a longer picture.
        page.set_viewport_size({"width": size["width"], "height": min(max(height, size["height"]), TALLEST)})
        yield size["width"], page.screenshot(animations="disabled", caret="hide")


def small(png: bytes) -> bytes:
    """Return a picture with few colours."""
    with Image.open(io.BytesIO(png)) as whole, io.BytesIO() as kept:
        few = whole.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(kept, "PNG", optimize=True)
        return kept.getvalue()


def take(browser: Browser, address: str, script: str, folder: Path, pictures: tuple[Picture, ...]) -> None:
    """Take pictures in one script, one after the other, each person signing in once."""
    locale = SCRIPTS[script]
    for login in dict.fromkeys(picture.login for picture in pictures):
        with browser.new_context(base_url=address, locale=locale, reduced_motion="reduce") as context:
            page = context.new_page()
            if login:
                sign_in(page, login)
            for picture in (one for one in pictures if one.login == login):
                take_one(page, picture, script, folder)


def take_one(page: Page, picture: Picture, script: str, folder: Path) -> None:
    """Take a picture in one script, or say that there is nothing to take."""
    try:
        walk(page, picture)
    except NotThereError as error:
        print(f"{picture.name}: not there ({error})")
        return
    for width, png in taken(page):
        (folder / picture.file(width, script)).write_bytes(small(png))


def main() -> None:
    """Take all pictures, or those that are named."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", help="of the pictures to take; all without any")
    asked.add_argument("--folder", type=Path, default=FOLDER)
    asked.add_argument("--data", type=Path, help="data folder to use and keep, made if missing")
    told = asked.parse_args()
    wanted = tuple(one for one in PICTURES if not told.names or one.name in told.names)
    told.folder.mkdir(parents=True, exist_ok=True)
    with demo_portal(told.data) as address:
        for script, locale in SCRIPTS.items():
            with launched(locale) as browser:
                take(browser, address, script, told.folder, wanted)
    declared = set().union(*(one.files() for one in PICTURES))
    for file in told.folder.glob("*.png"):
        if file.name not in declared:
            file.unlink()
    print(f"{sum(file.stat().st_size for file in told.folder.glob('*.png')) / 1e6:.1f} MB in {told.folder}")


if __name__ == "__main__":
    main()
