"""Sessions: each has a mark of its own, so that signing out ends it wherever its cookie may have been copied to."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, cast

from flask import current_app, session
from sqlalchemy import ColumnElement, CursorResult, String, bindparam, delete, exists
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Model, db
from app.core.jobs import job
from app.core.types import Moment

MARK = "mark"
TIED = ("_user_id", "_fresh", "_id", "password", MARK)
"""What ties a session to a person; the language and the form's token are anybody's."""


class EndedSession(Model):
    """One session that was signed out, kept until its cookie would have run out anyway (已登出的工作階段)."""

    __tablename__ = "ended_session"

    mark: Mapped[str] = mapped_column(String(43), primary_key=True)
    ended_at: Mapped[Moment] = mapped_column(index=True)


def begin(fingerprint: str) -> None:
    """Begin a session tied to a password; of the visitor's only the language stays."""
    locale = session.get("locale")
    session.clear()
    session.permanent = True
    session.update({"password": fingerprint, MARK: secrets.token_urlsafe(32)})
    if locale:
        session["locale"] = locale


def end() -> None:
    """End this session for good, wherever else its cookie is; does not commit."""
    if mark := session.get(MARK):
        db.session.merge(EndedSession(mark=mark, ended_at=clock.now()))


def is_ended() -> ColumnElement[bool]:
    """Return the question whether the session of a mark (``mark``) was ended, to be asked with the person."""
    return exists().where(EndedSession.mark == bindparam("mark")).label("is_ended")


def untie() -> None:
    """Forget whose session it was: a cookie that is renewed without its person must not come to life again."""
    for name in TIED:
        session.pop(name, None)


@job("ended_sessions")
def forget(now: datetime) -> int:
    """Forget ended sessions whose cookies have run out; return how many."""
    gone = delete(EndedSession).where(EndedSession.ended_at < now - current_app.config["PERMANENT_SESSION_LIFETIME"])
    return cast("CursorResult[Any]", db.session.execute(gone)).rowcount
