"""Pictures of a running portal, each page on a desk and on a phone.

``python -m tests.journeys.pictures FOLDER http://127.0.0.1:8080 LOGIN PASSWORD PATH…``
"""

from __future__ import annotations

import sys
from pathlib import Path

from .browser import DESK, PHONE, launched


def main(folder: str, address: str, login: str, password: str, *paths: str) -> None:
    """Sign in and keep what each path shows as ``<path>-<width>.png``."""
    kept = Path(folder)
    kept.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        page = browser.new_page(base_url=address, locale="zh-TW")
        page.goto("/login/")
        page.fill("#username", login)
        page.fill("#password", password)
        page.click("main button")
        for path in paths or ("/",):
            name = path.strip("/").replace("/", "-").replace("?", "-") or "home"
            for size in (DESK, PHONE):
                page.set_viewport_size(size)
                page.goto(path)
                page.screenshot(path=kept / f"{name}-{size['width']}.png", full_page=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
