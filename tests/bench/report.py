"""The tables: what each row took, how many times the floor that is, what is wanted, and whether it is met."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from .crowd import PEOPLE, Calm
from .operations import GROWTH, STATEMENTS, Operation
from .race import Cost, Costs

FORM_OF_SHOW = 2
START_S, WORKER_MB, EXPORT_MB = 2, 120, 15
CROWD_OF_PEER, DISTURBED = 5, 1.5
PEERS = ("Django", "Django tuned")


HOW = """
Every server is gunicorn with two workers of eight threads, the portal started as in production with everything on. One
run: each round asks everybody once, the order rotates, {rounds} rounds, fewer of what takes long. Milliseconds as a
client with a kept connection sees them, compressed where the server does: medians, in brackets the 95th percentile.
Only ratios inside a row mean anything.

The floor is a bare Flask route with the page's SQL by hand (OFFSET, LIKE, no count, no technique) and a Jinja table,
without rights, scripts, languages or compression; for XLSX it is XlsxWriter alone. Django is its admin as a beginner
declares it and as an expert tunes it, with the same row scope. «Record» is what the best hand-written prototype took,
in times the floor. «Wanted» are the goals: at most so many times the floor or the record's page, at least so many times
faster than Django, at most so many statements, at most so many MB more while it runs. «(own team)» is what an agent
sees, «(all)» what a supervisor does; rows without are an agent's, exports a supervisor's. ≠ marks an answer that was
not the right one. All three work on one database with all its indexes; on SQLite the floor has a file of its own,
without the portal's triggers. The policy board is not built yet and not measured.
"""


@dataclass
class Process:
    """What a server is beside its answers."""

    started_s: float
    idle_mb: float
    used_mb: float = 0
    statements: int | None = None


@dataclass
class Outcome:
    """Everything that one engine's race found; ``ours`` are the names of the portals, smallest department first."""

    engine: str
    ours: list[str]
    sizes: list[int]
    costs: Costs
    processes: dict[str, Process] = field(default_factory=dict)
    crowd: dict[str, float] = field(default_factory=dict)
    calm: dict[str, Calm] = field(default_factory=dict)
    tickets: dict[str, int] = field(default_factory=dict)
    """How many tickets the agent and the supervisor see in the largest department."""
    exported: int = 0

    def cost(self, key: str, name: str) -> Cost | None:
        """Return what an operation took a contender, if it was measured."""
        found = self.costs.get((key, name))
        return found if found is not None and (found.seconds or found.wrong) else None

    @property
    def largest(self) -> str:
        """The portal over the largest department, which everybody else is measured beside."""
        return self.ours[-1]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table in Markdown."""
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows), ""]


def number(value: float) -> str:
    """Return a number as people read it: more digits where it is small."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def took(cost: Cost | None, *, with_p95: bool = False) -> str:
    """Return milliseconds; an answer that was not right is marked."""
    if cost is None:
        return "-"
    if not cost.seconds:
        return f"fails: {cost.wrong}"
    told = number(cost.median * 1000)
    told += f" ({number(cost.p95 * 1000)})" if with_p95 else ""
    return told + (" ≠" if cost.wrong else "")


def times(one: Cost | None, other: Cost | None) -> float | None:
    """Return how many times longer one took than the other."""
    return one.median / other.median if one and other and one.seconds and other.seconds else None


def verdict(found: Outcome, operation: Operation) -> tuple[str, str]:
    """Return what is wanted of the portal in a row, and what of it is not met."""
    ours, floor = found.cost(operation.key, found.largest), found.cost(operation.key, "floor")
    wanted: list[str] = []
    missed: list[str] = []

    def want(told: str, is_met: bool | None) -> None:  # noqa: FBT001 - the condition is the point
        if is_met is not None:
            wanted.append(told)
        if is_met is False:
            missed.append(told)

    ratio = times(ours, floor)
    if operation.floor is not None:
        want(f"floor {operation.floor:g}", None if ratio is None else ratio <= operation.floor)
    if operation.key == "form" and (ratio := times(ours, found.cost("record", found.largest))):
        want(f"record {FORM_OF_SHOW}", ratio <= FORM_OF_SHOW)
    if operation.django is not None and (gain := times(found.cost(operation.key, "Django"), ours)):
        want(f"Django {operation.django:g}", gain >= operation.django)
    if operation.is_page and ours is not None and ours.statements is not None:
        want(f"statements {STATEMENTS}", ours.statements <= STATEMENTS)
    if operation.key == "csv" and ours is not None and ours.grown_mb is not None:
        want(f"MB {EXPORT_MB}", ours.grown_mb <= EXPORT_MB)
    if ours is not None and ours.wrong:
        missed.append(ours.wrong)
    return ", ".join(wanted), ", ".join(missed)


def _row(found: Outcome, operation: Operation) -> list[str] | None:
    ours, floor = found.cost(operation.key, found.largest), found.cost(operation.key, "floor")
    if ours is None:
        return None
    ratio = times(ours, floor)
    peers = [name for name in PEERS if any(key[1] == name for key in found.costs)]
    wanted, missed = verdict(found, operation)
    others = [found.cost(operation.key, name) for name in peers]
    statements = [one.statements if one else None for one in (ours, floor, *others)]
    return [
        operation.title,
        took(ours, with_p95=True),
        took(floor, with_p95=True),
        number(ratio) if ratio else "-",
        operation.record or "-",
        *(took(one) for one in others),
        *([number(gain) if (gain := times(others[0], ours)) else "-"] if others else []),
        "/".join("-" if one is None else str(one) for one in statements),
        number(ours.received / 1000),
        wanted or "-",
        f"no: {missed}" if missed else "yes" if wanted else "-",
    ]


def speeds(found: Outcome, operations: Sequence[Operation]) -> list[str]:
    """Return the main table of an engine."""
    peers = [name for name in PEERS if any(key[1] == name for key in found.costs)]
    head = [
        "operation", "portal ms (p95)", "floor ms (p95)", "x floor", "record", *(f"{name} ms" for name in peers),
        *(["x faster than Django"] if peers else []), "statements " + "/".join(["portal", "floor", *peers]), "kB",
        "wanted", "met",
    ]  # fmt: skip
    return table(head, (row for one in operations if (row := _row(found, one)) is not None))


def growth(found: Outcome, operations: Sequence[Operation]) -> list[str]:
    """Return what the same page takes in departments of other sizes."""
    rows = []
    for operation in operations:
        costs = [found.cost(operation.key, name) for name in found.ours]
        ratio = times(costs[-1], costs[0])
        if operation.grows and ratio is not None:
            rows.append([
                operation.title, *(took(one) for one in costs), number(ratio), "yes" if ratio <= GROWTH else "no",
            ])  # fmt: skip
    sizes = [f"{size:,} ms" for size in found.sizes]
    return table(["operation", *sizes, "largest/smallest", f"≤ {GROWTH}"], rows) if len(sizes) > 1 else []


def processes(found: Outcome) -> list[str]:
    """Return what servers take to start and to hold."""
    rows = []
    for name, one in found.processes.items():
        is_ours = name in found.ours
        misses = [
            *(["start"] if one.started_s > START_S else []),
            *(["SQL at start"] if one.statements else []),
            *(["memory"] if one.used_mb > WORKER_MB else []),
        ]
        started = "-" if one.statements is None else str(one.statements)
        met = ("no: " + ", ".join(misses) if misses else "yes") if is_ours else "-"
        rows.append([name, f"{one.started_s:.1f}", started, number(one.idle_mb), number(one.used_mb), met])
    head = ["server", "s to first page", "statements at start", "MB per worker idle", "after all rows", "met"]
    return table(head, rows)


def exports(found: Outcome) -> list[str]:
    """Return what exports of the largest department add to a worker."""
    rows = [
        [key, name, number(cost.grown_mb)]
        for (key, name), cost in found.costs.items()
        if cost.grown_mb is not None and cost.seconds
    ]
    return table(["export", "server", "MB more while it runs"], rows) if rows else []


def many(found: Outcome) -> list[str]:
    """Return pages a second with a crowd, and what others notice of long work."""
    lines: list[str] = []
    if found.crowd:
        ours, floor, peer = (found.crowd.get(name) for name in (found.largest, "floor", "Django"))
        rows = [
            [
                name,
                number(pages),
                number(ours / pages) if ours and name != found.largest else "-",
            ]
            for name, pages in found.crowd.items()
        ]
        lines += table([f"list, {PEOPLE} at a time", "pages a second", "portal has so many times as many"], rows)
        if ours and peer:
            told = "yes" if ours >= CROWD_OF_PEER * peer else "no"
            lines += [f"At least {CROWD_OF_PEER} times the pages of Django: {told}.", ""]
        if ours and floor:
            lines += [f"The record is 0.45 times the floor's: {number(ours / floor)}.", ""]
    rows = []
    for name, calm in found.calm.items():
        for work, cost in calm.beside.items():
            if not cost.seconds:
                continue
            ratio = cost.p95 / calm.alone.p95
            rows.append([
                name, work, took(calm.alone, with_p95=True), took(cost, with_p95=True), number(ratio),
                ("yes" if ratio <= DISTURBED else "no") if name == found.largest else "-", cost.wrong or "-",
            ])  # fmt: skip
    if rows:
        head = ["server", "beside", "list alone ms (p95)", "list ms (p95)", "p95 x", f"≤ {DISTURBED}", "trouble"]
        lines += table(head, rows)
    return lines


def _versions() -> str:
    names = ("flask", "flask-appbuilder", "sqlalchemy", "psycopg", "gunicorn", "django")
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def section(
    outcomes: Sequence[Outcome], operations: Sequence[Operation], rounds: int, servers: dict[str, str], command: str
) -> str:
    """Return the section of docs/benchmarks.md."""
    facts = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    lines = [
        "## What the server takes at ten years of records",
        "",
        f"`{command}` on {datetime.now(UTC):%Y-%m-%d}: {facts}, {', '.join(servers.values())}; {_versions()}.",
        *HOW.format(rounds=rounds).splitlines(),
        "",
    ]
    for found in outcomes:
        seen = ", ".join(f"{count:,} by the {who}" for who, count in found.tickets.items())
        told = f"Tickets seen: {seen}; exported: {found.exported:,}."
        lines += [f"### {found.engine}, {found.sizes[-1]:,} tickets", "", told, ""]
        lines += [*speeds(found, operations), *growth(found, operations), *processes(found), *exports(found)]
        lines += many(found)
    return "\n".join(lines)
