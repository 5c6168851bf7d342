"""What a page costs the person before it: ``make bench-face``.

The demo department, served as ``make run`` serves it, in Chromium at a quarter of this machine's speed, as an ordinary
agent: each page with an empty cache and again with a full one. Writes its table into ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page

from tests.bench import notes

from .browser import DESK, launched
from .demo import demo_portal, sign_in

SLOWER = 4
RUNS = 5
PAGES = {
    "home": "/",
    "list of complaints": "/complaint/list/",
    "a complaint": "first of /complaint/list/",
    "new consultation": "/consultation/add",
    "charts of complaints": "/complaint/chart/",
}

WATCH = """
    window.seen = { long: [], largest: 0 };
    const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
        .observe({ type, buffered: true });
    watch("longtask", (task) => window.seen.long.push([task.startTime, task.duration]));
    watch("largest-contentful-paint", (paint) => { window.seen.largest = paint.startTime; });
"""
# Half a second in which the main thread did nothing long: nothing more is to come.
QUIET = """() => new Promise((done) => {
    const look = () => {
        const [way] = performance.getEntriesByType("navigation");
        const last = Math.max(way.loadEventEnd, ...window.seen.long.map(([at, took]) => at + took));
        if (last > 0 && performance.now() - last > 500) done(); else setTimeout(look, 100);
    };
    look();
})"""
TOLD = """() => {
    const [way] = performance.getEntriesByType("navigation");
    const [first] = performance.getEntriesByName("first-contentful-paint");
    const ends = window.seen.long.map(([at, took]) => at + took);
    return {
        server: way.responseStart - way.requestStart,
        first: first ? first.startTime : NaN,
        largest: window.seen.largest,
        usable: Math.max(way.domContentLoadedEventEnd, first ? first.startTime : 0, ...ends),
        blocked: window.seen.long.reduce((sum, [, took]) => sum + took - 50, 0),
    };
}"""


@dataclass
class Cost:
    """What a page took in each run: milliseconds from the click on, bytes as they came over the wire, requests."""

    server: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    largest: list[float] = field(default_factory=list)
    usable: list[float] = field(default_factory=list)
    blocked: list[float] = field(default_factory=list)
    bytes: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)

    def add(self, one: dict[str, float]) -> None:
        """Add a run."""
        for name, value in one.items():
            getattr(self, name).append(value)

    def cells(self) -> list[str]:
        """Return the median of each and, where runs differ, the worst."""
        found = []
        for one in fields(self):
            values = getattr(self, one.name)
            scale = 1000 if one.name == "bytes" else 1
            middle, worst = (round(figure(values) / scale) for figure in (statistics.median, max))
            found.append(f"{middle} ({worst})" if worst != middle else str(middle))
        return found


class Watched:
    """One person's window, slowed down and watched through the browser's own protocol."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.line: CDPSession = page.context.new_cdp_session(page)
        self.bytes = 0
        self.asked: set[str] = set()
        self.line.on("Network.requestWillBeSent", self._asked)
        self.line.on("Network.requestServedFromCache", lambda event: self.asked.discard(event["requestId"]))
        self.line.on("Network.responseReceived", self._answered)
        self.line.on("Network.loadingFinished", self._finished)
        self.line.send("Network.enable")
        self.line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})

    def _asked(self, event: dict[str, Any]) -> None:
        # A picture inside a style sheet is none.
        if event["request"]["url"].startswith("http"):
            self.asked.add(event["requestId"])

    def _answered(self, event: dict[str, Any]) -> None:
        if event["response"].get("fromDiskCache"):
            self.asked.discard(event["requestId"])

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])

    def forget(self) -> None:
        """Empty the cache."""
        self.line.send("Network.clearBrowserCache")

    def open(self, path: str) -> dict[str, float]:
        """Open a page and tell what it took."""
        # From an empty page, as from another site: what the page before still does is not counted.
        self.page.goto("about:blank")
        self.bytes = 0
        self.asked.clear()
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.ok, path
        self.page.evaluate(QUIET)
        return {**self.page.evaluate(TOLD), "bytes": self.bytes, "requests": len(self.asked)}


@contextmanager
def agent(browser: Browser, address: str) -> Iterator[Watched]:
    """Yield the window of an ordinary agent who has signed in."""
    with browser.new_context(base_url=address, locale="zh-TW", viewport=DESK) as context:
        page = context.new_page()
        sign_in(page, "agent")
        context.add_init_script(WATCH)
        yield Watched(page)


def found(page: Page) -> dict[str, str]:
    """Return the pages that this portal has, by name."""
    paths = {}
    for name, path in PAGES.items():
        if path.startswith("first of "):
            page.goto(path.removeprefix("first of "))
            paths[name] = page.locator("table.list tbody a").first.get_attribute("href") or ""
        elif page.request.get(path).ok:
            paths[name] = path
    return paths


def measure(address: str, runs: int) -> dict[tuple[str, str], Cost]:
    """Return what each page costs with an empty cache and with a full one."""
    costs: dict[tuple[str, str], Cost] = {}
    with launched() as browser, agent(browser, address) as watched:
        paths = found(watched.page)
        for run in range(runs + 1):
            for name, path in paths.items():
                watched.forget()
                for cache in ("empty", "full"):
                    took = watched.open(path)
                    # The first round warms up the server and Chromium's fonts.
                    if run:
                        costs.setdefault((name, cache), Cost()).add(took)
    return costs


def written(costs: dict[tuple[str, str], Cost], runs: int) -> str:
    """Return the section of docs/benchmarks.md."""
    how = (
        f"`make bench-face` on {datetime.now(UTC):%Y-%m-%d}: the demo department on SQLite, as `make run` serves it; "
        f"Chromium at a {SLOWER}th of the speed of a machine with {os.cpu_count()} cores ({platform.machine()}); an "
        f"agent's window of {DESK['width']} x {DESK['height']}, zh-TW. Median of {runs} runs, the worst in brackets. "
        "Milliseconds from the click on; kB as they came over the wire, compressed. Usable: painted, scripts have run, "
        "and no task over 50 ms follows. Blocked: what such tasks took beyond 50 ms."
    )
    lines = [
        "## What a page costs the person before it",
        "",
        how,
        "",
        "| page | cache | server | first paint | largest paint | usable | blocked | kB | requests |",
        "|---|---|---|---|---|---|---|---|---|",
        *(f"| {name} | {cache} | {' | '.join(cost.cells())} |" for (name, cache), cost in costs.items()),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and keep."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=RUNS)
    asked.add_argument("--data", type=Path, help="data folder to use and keep, made if missing")
    asked.add_argument("--print", action="store_true", help="leave docs/benchmarks.md as it is")
    told = asked.parse_args()
    with demo_portal(told.data) as address:
        section = written(measure(address, told.runs), told.runs)
    print(section)
    if not told.print:
        notes.keep("bench-face", section)


if __name__ == "__main__":
    main()
