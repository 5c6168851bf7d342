"""The machine's Chromium, kept to itself: nothing it does by its own will, nothing from another host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ViewportSize, sync_playwright

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
DESK: ViewportSize = {"width": 1366, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}


@contextmanager
def launched(language: str = "") -> Iterator[Browser]:
    """Run Chromium while the block lasts; raises RuntimeError where it is not installed.

    ``language`` is that of its own words, such as those of an input for dates, where its language packs are installed.
    """
    path = shutil.which("chromium")
    if path is None:
        message = "Chromium is not installed: make browser"
        raise RuntimeError(message)
    spoken = [f"--lang={language}"] if language else []
    env = {**os.environ, "LANGUAGE": language.replace("-", "_")} if language else None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *spoken], env=env)
        yield browser
        browser.close()
