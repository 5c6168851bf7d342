"""The portal served for real, and people who use it in Chromium, each in a browser profile of their own.

Whatever a page does behind a person's back fails the test: an error on the console, an exception in a script, a
broken or foreign request, an answer nobody expected, something the content security policy refused.
"""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from conftest import DATABASE, PASSWORD
from flask import Flask
from flask_babel import force_locale, gettext
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, ViewportSize, expect
from sqlalchemy.orm import Session

from app.core.db import db

from .browser import DESK, PHONE, launched

PATIENCE_MS = 15_000
ONE_DATABASE = pytest.mark.skipif(
    DATABASE != "sqlite", reason="what a browser does is the same on both; the tests of the same name save to both"
)
expect.set_options(timeout=PATIENCE_MS)
# Chromium reports a refused style or script to the page; the console is where the test listens.
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation",
    (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));"""


class Silent(WSGIRequestHandler):
    """Serves without a line per request."""

    def log_message(self, *_rest: object) -> None:
        """Log nothing."""


class Served(ThreadingMixIn, WSGIServer):
    """The portal behind a real server, a thread per request, which knows how many it is working on.

    Not Werkzeug's: where a browser hangs up early, that one leaves the request's transaction open.
    """

    daemon_threads = True

    def __init__(self, portal: Flask) -> None:
        super().__init__(("127.0.0.1", 0), Silent)
        self.portal, self.busy, self.counting = portal, 0, threading.Lock()
        self.set_app(portal)
        self.address = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count a request from the moment it is heard: its thread may begin late."""
        self.count(1)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a request, and count it as over once its connection is closed."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.count(-1)

    def count(self, change: int) -> None:
        """Count a request that begins or ends."""
        with self.counting:
            self.busy += change

    def rest(self) -> None:
        """Wait until nothing is being answered any more, nor waits to be heard: each is heard in its turn."""
        urllib.request.urlopen(f"{self.address}/static/mark.svg").close()  # noqa: S310 - our own address
        end = time.monotonic() + PATIENCE_MS / 1000
        while self.busy:
            assert time.monotonic() < end, "the server is still busy"
            time.sleep(0.01)


@pytest.fixture(scope="session")
def served(portal: Flask) -> Iterator[Served]:
    """The portal at an address."""
    with Served(portal) as made:
        yield made
        made.shutdown()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all journeys of this process."""
    with launched() as browser:
        yield browser


class Browse:
    """Opens the portal as one of the cast, and notes what goes wrong on any of their pages."""

    def __init__(self, browser: Browser, served: Served) -> None:
        self.browser, self.served = browser, served
        self.contexts: list[BrowserContext] = []
        self.wrong: list[str] = []
        self.expected: set[int] = set()

    def __call__(self, login: str, locale: str = "zh-TW", size: ViewportSize = DESK, *, scripts: bool = True) -> Page:
        """Return the first page of a person who has signed in by the form, in a browser set to a language."""
        page = self.visit(locale, size, scripts=scripts)
        page.goto("/login/")
        page.fill("#username", login)
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_url(f"{self.served.address}/")
        return page

    def plain(self, login: str, locale: str = "zh-TW", size: ViewportSize = DESK) -> Page:
        """Return the first page of a person whose browser runs no scripts."""
        return self(login, locale, size, scripts=False)

    def visit(self, locale: str = "zh-TW", size: ViewportSize = DESK, *, scripts: bool = True) -> Page:
        """Return an empty page of somebody who has not signed in."""
        # The test's own transaction would keep SQLite's only write lock.
        db.session.commit()
        context = self.browser.new_context(
            base_url=self.served.address,
            locale=locale,
            timezone_id="Asia/Taipei",
            viewport=size,
            has_touch=size == PHONE,
            java_script_enabled=scripts,
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.wrong.append(f"script: {error.error}"))
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)
        self.contexts.append(context)
        return context.new_page()

    def _console(self, message: ConsoleMessage) -> None:
        # What the server answered is judged where it is answered.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            where = message.page.url if message.page else "?"
            self.wrong.append(f"console at {where}: {message.text}")

    def _request(self, request: Request) -> None:
        # A PDF is drawn by the browser's own viewer, which is an extension of it.
        if not request.url.startswith((self.served.address, "data:", "blob:", "chrome:", "chrome-extension:")):
            self.wrong.append(f"foreign host: {request.url}")

    def _failed(self, request: Request) -> None:
        # Leaving a page ends what it was still asking, and a download is no page.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"failed: {request.method} {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.wrong.append(f"answer {response.status}: {response.request.method} {response.url}")

    def close(self) -> list[str]:
        """Close every window; return what went wrong, each thing once."""
        for context in self.contexts:
            context.close()
        self.served.rest()
        return list(dict.fromkeys(self.wrong))


@pytest.fixture
def browse(app: Flask, chromium: Browser, served: Served) -> Iterator[Browse]:
    """Return a way to be one of the cast in a browser: ``browse("mei", size=PHONE)``."""
    made = Browse(chromium, served)
    yield made
    assert made.close() == []


@contextmanager
def rows() -> Iterator[Session]:
    """Look at the database between two clicks: nothing read inside the block is held on to after it."""
    db.session.rollback()
    try:
        yield db.session()
    finally:
        db.session.commit()


Say = Callable[..., str]


@pytest.fixture
def say(app: Flask) -> Say:
    """Return how a page says something: ``say("Accept")`` is 受理; the language is zh_Hant_TW unless told."""

    def be(text: str, locale: str = "zh_Hant_TW", **values: object) -> str:
        with force_locale(locale):
            return str(gettext(text, **values))

    return be
