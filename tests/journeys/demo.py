"""The real portal on the demo department: for pictures and measurements, which show what ``make run`` serves."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from config import ROOT

PASSWORD = "demo-password-1"
PATIENCE_S = 120


@contextmanager
def demo_portal(kept: Path | None = None) -> Iterator[str]:
    """Serve the demo department by gunicorn while the block lasts, and yield its address.

    ``kept`` is a data folder to use and leave as it is, filled the first time; without it everything is made anew.
    """
    with tempfile.TemporaryDirectory() as scratch, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        told = {"DATA_DIR": str(kept or scratch), "PORT": str(port), "DEMO_PASSWORD": PASSWORD, "LOG_LEVEL": "WARNING"}
        env = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
        env |= {f"PORTAL_{name}": value for name, value in told.items()}
        for words in (("init",), ("demo", "--if-empty")):
            command = [sys.executable, "-m", "flask", "--app", "run", "portal", *words]
            subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        with subprocess.Popen([sys.executable, "-m", "gunicorn"], cwd=ROOT, env=env) as server:
            try:
                address = f"http://127.0.0.1:{port}"
                _wait_for(f"{address}/login/", server)
                yield address
            finally:
                server.terminate()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            urllib.request.urlopen(url).close()  # noqa: S310 - our own address
        except urllib.error.URLError:
            if server.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def sign_in(page: Page, login: str) -> None:
    """Be one of the demo logins, by the form."""
    page.goto("/login/")
    page.fill("#username", login)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda url: "/login/" not in url)
