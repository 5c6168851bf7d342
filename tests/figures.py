"""The figures that tell how the house stands: ``make figures``.

Lines an entity costs, statements a page takes, statements at start-up, and how many of many pages under sixteen threads
showed somebody else's filter. Uses SQLite in a folder of its own.
"""

from __future__ import annotations

import inspect
import re
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from conftest import CAST, Databases, Person, fill_cast
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from test_laws import one_of_each, screens, statements, urls

from app import create_app
from app.core import migrating
from app.core.db import db
from app.core.roles import read_matrix, sync_roles
from app.core.security import fingerprint
from app.core.seeding import seed
from app.lobby.commands import SEED, SEEDS
from app.workplace.models import Area, Equipment, EquipmentKind
from config import Settings

THREADS = 16
ROUNDS = 60


def prepared(folder: Path) -> tuple[Flask, int]:
    """Return a portal over a fresh database with the cast, and how many statements its start-up ran."""
    databases = Databases(folder, "figures")
    settings = Settings.from_env({"PORTAL_DATA_DIR": str(folder), "PORTAL_DATABASE_URL": databases.url})
    with statements() as found:
        portal = create_app(settings, TESTING=True, RATELIMIT_ENABLED=False)
    with portal.app_context():
        migrating.upgrade()
        sync_roles(read_matrix(SEED / "roles.csv"))
        for name, model, keys in SEEDS:
            seed(model, SEED / name, keys)
        db.session.commit()
        fill_cast()
    return portal, len(found)


def person(portal: Flask, login: str) -> Person:
    """Return one of the cast with a browser."""
    portal.test_client_class = Person
    client: Any = portal.test_client()
    user = db.session.scalars(select(User).where(User.username == login)).one()
    with client.session_transaction() as session:
        session["_user_id"], session["password"] = str(user.id), fingerprint(user)
    return client  # type: ignore[no-any-return]


def cost(portal: Flask) -> list[tuple[str, int]]:
    """Return the lines of model and screen of every entity, blank lines and docstrings included."""
    return sorted(
        (
            view.model.__name__,
            len(inspect.getsource(view.model).splitlines()) + len(inspect.getsource(type(view)).splitlines()),
        )
        for view in screens(portal)
        if view.model.__module__.startswith("app.")
    )


def leaks(portal: Flask) -> tuple[int, int]:
    """Return how many of how many list pages showed a filter other than the one that was asked for."""
    kind, area = db.session.scalars(select(EquipmentKind)).first(), db.session.scalars(select(Area)).first()
    for number in range(THREADS):
        db.session.add(Equipment(tag=f"TAG-{number:02d}", name="x", kind=kind, area=area))
    db.session.commit()
    people = [person(portal, "fan") for _number in range(THREADS)]
    db.session.remove()

    def look(number: int) -> int:
        pages = (people[number].get(f"/equipment/list/?q=TAG-{number:02d}").text for _round in range(ROUNDS))
        return sum(set(re.findall(r"TAG-\d\d", page)) != {f"TAG-{number:02d}"} for page in pages)

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(look, range(THREADS))), THREADS * ROUNDS


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        portal, started = prepared(Path(folder))
        with portal.app_context():
            print(f"statements at start-up: {started}")
            lines = cost(portal)
            print(
                f"lines of model and screen per entity: median {statistics.median(n for _name, n in lines):.0f}, "
                f"most {max(lines, key=lambda pair: pair[1])}, {len(lines)} entities"
            )
            rows = one_of_each(portal, "mei")
            taken: dict[str, list[int]] = {}
            for one in CAST:
                client = person(portal, one.login)
                for view in screens(portal):
                    for verb, url in urls(view, rows.get(view.model)):
                        with statements() as found:
                            if client.get(url).status_code == 200:
                                taken.setdefault(verb, []).append(len(found))
            for verb, counts in taken.items():
                median = f"median {statistics.median(counts):.0f}"
                print(f"statements of a {verb} page: {median}, most {max(counts)}, {len(counts)} pages")
            wrong, pages = leaks(portal)
            print(f"pages with another person's filter, {THREADS} threads: {wrong} of {pages}")


if __name__ == "__main__":
    main()
