"""One clock for the whole house: whatever needs the time asks here, or takes ``now`` as an argument."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flask import current_app

_frozen: ContextVar[datetime | None] = ContextVar("frozen_clock", default=None)


def now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return _frozen.get() or datetime.now(UTC)


def office_zone() -> ZoneInfo:
    """Return the office's time zone (setting ``PORTAL_TIME_ZONE``), in which people read times."""
    return ZoneInfo(current_app.config["BABEL_DEFAULT_TIMEZONE"])


def today() -> date:
    """Return the present day in the office's zone."""
    return now().astimezone(office_zone()).date()


def local(moment: datetime) -> datetime:
    """Return an aware moment in the office's zone."""
    return moment.astimezone(office_zone())


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Hold the clock at an aware moment: for demo records of the past year, and for tests."""
    if moment.tzinfo is None:
        message = "a frozen clock needs an aware moment"
        raise ValueError(message)
    token = _frozen.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
