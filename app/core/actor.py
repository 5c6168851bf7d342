"""Who is doing it: the signed-in user, or whoever a command or a job acts for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flask import g, has_request_context

_acting: ContextVar[int | None] = ContextVar("acting_user", default=None)


def user_id() -> int | None:
    """Return the id of the user who acts, or None for the system itself."""
    acting = _acting.get()
    if acting is not None or not has_request_context():
        return acting
    user = g.get("user")
    return user.id if user is not None and user.is_authenticated else None


@contextmanager
def acting_as(user: int | None) -> Iterator[None]:
    """Let a command, an import or a demo act as this user (id), outside a request."""
    token = _acting.set(user)
    try:
        yield
    finally:
        _acting.reset(token)
