"""Gunicorn's settings for the pass that counts statements: an address tells how many there were.

Hung in from outside: into SQLAlchemy's events (the portal), into the floor's one way to ask, into Django's wrappers.
"""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable, Iterable
from typing import Any

from .serving import ASKED, accesslog, control_socket_disable, threads, timeout, worker_class

__all__ = ["accesslog", "control_socket_disable", "threads", "timeout", "worker_class"]

_seen = [0]
_begins: list[Callable[[Any], None]] = []


def _count(statement: str) -> None:
    if statement.split(" ", 1)[0].rstrip(";").upper() not in {"BEGIN", "COMMIT", "ROLLBACK", "PRAGMA"}:
        _seen[0] += 1


def _watch_sqlalchemy() -> None:
    from sqlalchemy import Engine, event  # noqa: PLC0415 - only where it is served

    @event.listens_for(Engine, "before_cursor_execute")
    def _asked(_line: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        _count(statement)


def _watch_floor() -> None:
    from . import floor_sql  # noqa: PLC0415 - only where it is served

    worded = floor_sql.Database.worded

    def asked(self: Any, statement: str) -> str:
        _count(statement)
        return worded(self, statement)

    floor_sql.Database.worded = asked  # type: ignore[method-assign]


def _watch_django() -> None:
    from django.db.backends.signals import connection_created  # noqa: PLC0415 - only where it is served

    def asked(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's
        _count(statement)
        return execute(statement, params, many, context)

    def opened(connection: Any, **_more: Any) -> None:
        if asked not in connection.execute_wrappers:
            connection.execute_wrappers.append(asked)

    connection_created.connect(opened, weak=False)


class Counted:
    """An application whose statements are told."""

    def __init__(self, inner: Callable[..., Iterable[bytes]]) -> None:
        self.inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != ASKED:
            return self.inner(environ, start_response)
        told = str(_seen[0]).encode()
        _seen[0] = 0
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(told)))])
        return [told]


def post_worker_init(worker: Any) -> None:
    """Begin as the application's own settings have it, and put the counter before it."""
    for begin in _begins:
        begin(worker)
    worker.wsgi = Counted(worker.wsgi)


match os.environ["BENCH_COUNTS"]:
    case "portal":
        own = {name: value for name, value in runpy.run_path("gunicorn.conf.py").items() if not name.startswith("_")}
        _begins.append(own.pop("post_worker_init"))
        globals().update(own)
        _watch_sqlalchemy()
    case "floor":
        _watch_floor()
    case "django":
        _watch_django()
