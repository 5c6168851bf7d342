"""Filling one database: rooms from the ground floor up, with a line of progress now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from random import Random

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Engine, func, select
from werkzeug.security import generate_password_hash

from app.core import clock
from app.core.db import db
from app.lobby.commands import SEEDS
from app.lobby.demo.play import is_empty

from . import people
from .casework import Casework
from .catalogs import Catalogs
from .customers import Clients
from .load import loading
from .people import cast
from .rooms import Rooms
from .roster import Roster
from .sheets import Batch, Sheet
from .size import Size
from .tasks import Tasks
from .times import Series, Times, this_monday
from .trail import Trail

SEED = 20_260_101
PASSWORD = "demo-password-1"
EVERY = 5
"""Seconds between two lines of progress."""
NUMBERS = Sheet("number_series", "prefix year last")


def fill(
    engine: Engine,
    size: Size | None = None,
    *,
    password: str = PASSWORD,
    until: date | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> dict[str, int]:
    """Fill a prepared, empty database and return how many rows each table got.

    The ten years end as the day ``until`` begins, the Monday of this week unless told: so the rows are the same in any
    week, with their dates moved by whole weeks, but for what is encrypted. Needs an application context. Raises
    SheetError where the tables changed in a way the generator must be told, ValueError for a database in use.
    """
    size = size or Size()
    begun = time.monotonic()

    def say(line: str) -> None:
        tell(f"{time.monotonic() - begun:5.0f} s  {line}")

    if not is_empty([model for _name, model, _keys in SEEDS]) or db.session.scalar(select(func.count(User.id))):
        raise ValueError("The department is for a database that `portal init` has prepared and nobody has worked with.")
    catalogs = Catalogs(db.session)
    times = Times(until or this_monday(clock.now()))
    # The portal's own session has read, and its transaction would keep the file locked.
    db.session.remove()
    counts: dict[str, int] = {}
    with loading(engine, say) as loader:
        said = time.monotonic()
        for sheet, rows in _department(times, catalogs, size, password):
            if rows:
                loader.write(sheet, rows)
                counts[sheet.table] = counts.get(sheet.table, 0) + len(rows)
            if time.monotonic() - said > EVERY:
                said = time.monotonic()
                say(f"{sheet.table} {counts.get(sheet.table, 0):,}")
    say(f"{sum(counts.values()):,} rows")
    return counts


def _department(times: Times, catalogs: Catalogs, size: Size, password: str) -> Iterator[Batch]:
    """Yield all rows of a department."""
    rng = Random(SEED)  # the same rows each time are the point
    staff = cast(rng, size)
    series, tasks = Series(times), Tasks(times, catalogs)
    trail = Trail(times, catalogs.audited, size.audit)
    clients = Clients(rng, times, series, catalogs, staff, trail, size)
    casework = Casework(rng, times, series, catalogs, staff, clients, tasks, trail, size)
    rooms = Rooms(rng, times, series, catalogs, staff, tasks, size)
    roster = Roster(rng, times, series, catalogs, staff, tasks, trail, size)
    yield from people.batches(rng, times, catalogs, staff, generate_password_hash(password), size)
    yield from clients.batches()
    yield from casework.batches()
    yield from rooms.batches()
    yield from roster.batches()
    yield NUMBERS, [(prefix, year, last) for (prefix, year), last in sorted(series.last.items())]
