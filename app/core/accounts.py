"""What the portal keeps about a login beside Flask-AppBuilder's own user table."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model, db
from app.core.types import Flag, Moment, Whole


class UserSetting(Model):
    """One person's choices and locks: language, theme, and until when wrong passwords keep them out."""

    __tablename__ = "user_setting"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str | None] = mapped_column(String(16))
    theme: Mapped[str | None] = mapped_column(String(8))
    """Light or dark; None follows the device."""
    locked_until: Mapped[Moment | None]
    sessions_ended: Mapped[Whole] = mapped_column(default=0)
    """How often every session of this login was ended; a session knows the count it began with."""
    must_change_password: Mapped[Flag] = mapped_column(default=False)
    """Whether the password was made by somebody else, so that its person chooses another before anything else."""


def setting_of(user_id: int) -> UserSetting:
    """Return a user's settings row, made if it is not there yet."""
    found = db.session.get(UserSetting, user_id)
    if found is None:
        found = UserSetting(user_id=user_id, sessions_ended=0)
        db.session.add(found)
    return found


def full_name(user: User) -> str:
    """Return a user's name in the order of its script: 林佳穎, Mei Lin."""
    if any(ord(letter) > 0x2E80 for letter in user.last_name):  # noqa: PLR2004 - Han begins here
        return f"{user.last_name}{user.first_name}"
    return f"{user.first_name} {user.last_name}".strip()


def names_of(user_ids: set[int]) -> dict[int, str]:
    """Return the full names of users by id, with one statement."""
    if not user_ids:
        return {}
    users = db.session.scalars(select(User).where(User.id.in_(user_ids)))
    return {user.id: full_name(user) for user in users}


def _words(user: User) -> str:
    return f"{full_name(user)} ({user.username})"


# Flask-AppBuilder prints given name before family name and leaves out the login.
User.__str__ = _words
