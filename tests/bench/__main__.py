"""Measures, prints and keeps: ``make bench-server``. ROUNDS=5 ONLY=list,search is enough while one works on a page."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from config import ROOT

from . import crowd, notes, race, report
from .contenders import Contender, Django, DjangoTuned, Floor, Portal
from .department import Department, departments, facts_of
from .operations import OPERATIONS, Operation, chosen
from .report import Outcome, Process

ROUNDS = 40
SIZES = (10_000, 100_000, 1_000_000)
SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
ENGINES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


def tell(words: str) -> None:
    """Say how far it is."""
    print(words, file=sys.stderr, flush=True)


def measure(
    engine: str, measured: Sequence[Department], operations: Sequence[Operation], rounds: int, *, is_whole: bool
) -> Outcome:
    """Return what the portal and those beside it take over the departments of one engine, smallest first."""
    with ExitStack() as open_:
        copies = []
        for one in measured:
            tell(f"Copying {one.name} ...")
            copies.append(open_.enter_context(one.copied()))
        facts = [facts_of(one) for one in copies]
        tell(f"Tickets seen: {facts[-1].tickets}; deep pages: {facts[-1].pages}")
        ours: list[Contender] = [
            Portal(f"portal {one.size:,}", one, known) for one, known in zip(copies, facts, strict=True)
        ]
        beside: list[Contender]
        if engine == "sqlite":
            # A file of its own: the portal's triggers call what only the portal knows.
            bare = open_.enter_context(measured[-1].copied())
            beside = [Floor("floor", bare, facts_of(bare))]
            beside[0].facts.database.drop_triggers()
        else:
            beside = [Floor("floor", copies[-1], facts[-1])]
            beside += [Django("Django", copies[-1], facts[-1]), DjangoTuned("Django tuned", copies[-1], facts[-1])]
        contenders = [ours[-1], *beside, *ours[:-1]]
        for one in contenders:
            one.prepare()
        found = Outcome(
            ENGINES[engine],
            [one.name for one in ours],
            [one.size for one in copies],
            {},
            tickets=facts[-1].tickets,
            exported=facts[-1].exported(),
        )
        with race.running(contenders):
            found.costs = race.run(contenders, operations, rounds, tell)
            for one in contenders:
                assert one.server is not None
                found.processes[one.name] = Process(
                    one.server.started_s, one.server.idle_mb, used_mb=one.server.memory_mb()
                )
            if is_whole:
                main = [ours[-1], *beside]
                found.crowd = crowd.throughput(main)
                found.calm = {one.name: crowd.disturbed(one, rounds) for one in (beside[0], ours[-1])}
        tell("Counting statements ...")
        for name, count in race.count([ours[-1], *beside], operations, found.costs).items():
            found.processes[name].statements = count
    return found


def versions(measured: Sequence[Department]) -> dict[str, str]:
    """Return what the databases call themselves."""
    found = {}
    for one in measured:
        if one.engine == "sqlite":
            found[one.engine] = f"SQLite {sqlite3.sqlite_version}"
        else:
            with psycopg.connect(one.url) as line:
                found[one.engine] = f"PostgreSQL {str(line.info.parameter_status('server_version')).split()[0]}"
    return found


def main() -> None:
    """Measure, print, and keep what was measured whole."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    asked.add_argument("--data", type=Path, default=ROOT / "var" / "big", help="where make big put its keys and files")
    asked.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS") or ROUNDS))
    asked.add_argument("--only", default=os.environ.get("ONLY", ""), help=", ".join(one.key for one in OPERATIONS))
    asked.add_argument("--sizes", default=os.environ.get("SIZES") or ",".join(map(str, SIZES)))
    asked.add_argument("--engines", default=os.environ.get("ENGINES") or ",".join(ENGINES))
    asked.add_argument("--print", action="store_true", help="leave docs/benchmarks.md as it is")
    told = asked.parse_args()
    words = [word.strip() for word in told.only.split(",") if word.strip()]
    operations = chosen(words)
    engines, sizes = told.engines.split(","), [int(size) for size in told.sizes.split(",")]
    known = departments(told.data, make_url(os.environ.get("PORTAL_TEST_POSTGRES_URL") or SERVER), sizes, engines)
    if missing := [
        (name, size) for name in engines for size in sizes if (name, size) not in {(o.engine, o.size) for o in known}
    ]:
        wanted = ", ".join(f"{name} {size}" for name, size in missing)
        sys.exit(f"These departments are not there yet ({wanted}): make big, make big TICKETS=100000 and so on.")
    outcomes = [
        measure(name, [one for one in known if one.engine == name], operations, told.rounds, is_whole=not words)
        for name in engines
    ]
    section = report.section(outcomes, operations, told.rounds, versions(known), "make bench-server")
    print(section)
    if not told.print and not words:
        notes.keep("bench-server", section)


if __name__ == "__main__":
    main()
