"""``make big``: makes the department anew, on SQLite and on PostgreSQL, both at once.

    make big TICKETS=100000 BIG=postgresql

The files are var/big/portal.db and var/big/portal_100000.db, the databases portal_big and portal_big_100000; both are
opened with the keys in var/big. Which server: PORTAL_TEST_POSTGRES_URL, as for the tests.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
from datetime import date
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from config import ROOT, Settings

from .size import MILLION, Size

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
PATIENCE_S = 5


def main() -> int:
    """Make what was asked for; return 1 if a database could not be made."""
    parser = argparse.ArgumentParser(prog="make big", description=__doc__)
    parser.add_argument("--on", choices=("sqlite", "postgresql", "both"), default="both", help="which database")
    parser.add_argument("--tickets", type=int, default=MILLION)
    parser.add_argument("--data", type=Path, default=ROOT / "var" / "big", help="folder of the keys and the file")
    parser.add_argument("--until", type=date.fromisoformat, help="the day before which the ten years end: this Monday")
    asked = parser.parse_args()
    suffix = "" if asked.tickets == MILLION else f"_{asked.tickets}"
    asked.data.mkdir(parents=True, exist_ok=True)
    urls = []
    if asked.on != "postgresql":
        urls.append(_new_file(asked.data / f"portal{suffix}.db"))
    if asked.on != "sqlite":
        server = make_url(os.environ.get("PORTAL_TEST_POSTGRES_URL") or SERVER)
        try:
            urls.append(_new_database(server, f"portal_big{suffix}"))
        except psycopg.OperationalError:
            print("PostgreSQL does not answer: see PORTAL_TEST_POSTGRES_URL in CONTRIBUTING.md.", file=sys.stderr)
            if not urls:
                return 1
    password = os.environ.get("PORTAL_DEMO_PASSWORD", "").strip() or None
    work = [multiprocessing.Process(target=make, args=(url, asked, password)) for url in urls]
    for one in work:
        one.start()
    for one in work:
        one.join()
    if any(one.exitcode for one in work):
        return 1
    _say_how(asked.data, urls, password)
    return 0


def make(url: str, asked: argparse.Namespace, password: str | None) -> None:
    """Prepare one new database as a release prepares it, and fill it."""
    from app import create_app  # noqa: PLC0415 - each process has a portal of its own
    from app.core.db import db  # noqa: PLC0415
    from app.lobby.commands import prepare  # noqa: PLC0415

    from .fill import PASSWORD, fill  # noqa: PLC0415

    name = make_url(url).get_backend_name()
    told = {"PORTAL_DATA_DIR": str(asked.data), "PORTAL_DATABASE_URL": url, "PORTAL_LOG_LEVEL": "WARNING"}
    portal = create_app(Settings.from_env(told))
    # Rows by the million are no rings: looking for some takes a tenth of the time.
    gc.disable()
    with portal.app_context():
        prepare()
        db.session.remove()
        fill(
            db.engine,
            Size(asked.tickets),
            password=password or PASSWORD,
            until=asked.until,
            tell=lambda line: print(f"{name:<10} {line}", flush=True),
        )


def _new_file(path: Path) -> str:
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return f"sqlite:///{path.absolute()}"


def _new_database(server: URL, name: str) -> str:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True, connect_timeout=PATIENCE_S) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0")
    return server.set(database=name, drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _say_how(data: Path, urls: list[str], password: str | None) -> None:
    from .fill import PASSWORD  # noqa: PLC0415 - it brings the portal along
    from .people import LOGINS  # noqa: PLC0415

    for url in urls:
        print(f"PORTAL_DATA_DIR={data} PORTAL_DATABASE_URL={make_url(url).render_as_string()}")
    print(f"Logins: {', '.join(LOGINS)}, s0012 and so on; password of all: {password or PASSWORD}")


if __name__ == "__main__":
    sys.exit(main())
