"""Operations on logins: passwords, keys, switching on and off, giving and taking roles (clause 1.2).

None commits. Whatever sets a password goes through ``set_password`` and so through the one rule for passwords.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from flask import current_app
from flask_appbuilder.security.sqla.models import ApiKey, Role, User
from flask_babel import gettext as _
from sqlalchemy import select, update
from werkzeug.security import generate_password_hash

from app.core import actor, audit, clock
from app.core.accounts import setting_of
from app.core.db import db
from app.core.errors import RuleError
from app.core.roles import lock_rights
from app.core.security import stamp
from app.lobby.roles import check_keeper

PASSWORD_LENGTH = 10
LOGIN_NAME = r"[a-z0-9][a-z0-9._-]{1,63}"
# Without the signs that are mistaken for one another when a password is read out.
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP_LENGTH = 4, 4
KEY_BYTES = 32

audit.watch(User, ("username", "first_name", "last_name", "email", "active"), sensitive=("email",))


def check_password(password: str, login: str, field: str | None = None) -> None:
    """Raise RuleError for a password that is too short or is the login name; ``field`` is where a form shows it."""
    if len(password) < PASSWORD_LENGTH:
        raise RuleError(_("A password has at least %(count)s characters.", count=PASSWORD_LENGTH), field=field)
    if password.strip().casefold() == login.strip().casefold():
        raise RuleError(_("The user name cannot be the password, too."), field=field)


def new_password() -> str:
    """Return a password that can be read out over the telephone: 16 signs, about 79 random bits."""
    groups = ("".join(secrets.choice(SIGNS) for _sign in range(GROUP_LENGTH)) for _group in range(GROUPS))
    return "-".join(groups)


def set_password(user: User, password: str, field: str | None = None) -> None:
    """Set a password; every session opened with the old one ends. Raises RuleError for one that breaks the rule."""
    check_password(password, user.username, field)
    user.password = generate_password_hash(password)
    user.fail_login_count = 0
    if user.id is not None:
        setting_of(user.id).must_change_password = False
        audit.note("ab_user", user.id, {"password": audit.MASK}, {"password": audit.MASK})


def lend(user: User) -> None:
    """Let the present password do only until its person has chosen their own."""
    setting_of(user.id).must_change_password = True


def reset_password(user: User) -> str:
    """Give somebody else a new password and return it; their sessions, keys and lock end. Raises RuleError."""
    _not_oneself(user, _("Change your own password on “My account”."))
    password = new_password()
    set_password(user, password)
    lend(user)
    unlock(user)
    end_sessions(user)
    return password


def end_sessions(user: User) -> None:
    """End every session and revoke every key of a login for good, whatever happens to its password later."""
    setting_of(user.id).sessions_ended += 1
    open_keys = update(ApiKey).where(ApiKey.user_id == user.id, ApiKey.revoked_on.is_(None))
    db.session.execute(open_keys.values(revoked_on=stamp()))


def unlock(user: User) -> None:
    """Let a login in again that wrong passwords had shut."""
    setting = setting_of(user.id)
    user.fail_login_count = 0
    if setting.locked_until is not None:
        audit.note("ab_user", user.id, {"locked_until": setting.locked_until.isoformat()}, {"locked_until": None})
        setting.locked_until = None


def switch(user: User, *, on: bool) -> None:
    """Switch a login on or off; off ends its sessions and keys.

    Raises RuleError for one's own login, and for the last one that may change roles.
    """
    _not_oneself(user, _("Nobody can switch off their own login. Ask another administrator."))
    lock_rights()
    user.active = on
    if not on:
        end_sessions(user)
        db.session.flush()
        check_keeper()


def set_roles(user: User, roles: Iterable[Role]) -> None:
    """Give and take roles. Raises RuleError for one's own and where nobody could change roles any more."""
    _not_oneself(user, _("Nobody can change their own roles. Ask another administrator."), field="roles")
    lock_rights()
    before = sorted(role.name for role in user.roles)
    wanted = sorted(roles, key=lambda role: role.name)
    after = [role.name for role in wanted]
    if before != after:
        user.roles = wanted
        db.session.flush()
        audit.note("ab_user", user.id, {"roles": before}, {"roles": after})
    if set(before) - set(after):
        check_keeper(field="roles")


def _not_oneself(user: User, message: str, field: str | None = None) -> None:
    if user.id == actor.user_id():
        raise RuleError(message, field=field)


def make_key(user: User, name: str, expires_on: date) -> str:
    """Make a key for the REST API that ends with a day (office time), and return it; only its hash is kept."""
    key: str = current_app.config["FAB_API_KEY_PREFIXES"][0] + secrets.token_urlsafe(KEY_BYTES)
    end = datetime.combine(expires_on + timedelta(days=1), time(), clock.office_zone())
    manager = current_app.appbuilder.sm  # type: ignore[attr-defined]
    found = manager._compute_lookup_hash(key)  # noqa: SLF001 - what validate_api_key looks for
    db.session.add(
        ApiKey(
            name=name,
            user_id=user.id,
            key_prefix=key[:12],
            lookup_hash=found,
            key_hash=found,
            active=True,
            created_on=stamp(),
            expires_on=end.astimezone(UTC).replace(tzinfo=None),
        )
    )
    audit.note("ab_user", user.id, {}, {"api_key": name})
    return key


def keys_of(user: User) -> list[ApiKey]:
    """Return a user's keys, newest first."""
    return list(db.session.scalars(select(ApiKey).where(ApiKey.user_id == user.id).order_by(ApiKey.id.desc())))


def revoke_key(user: User, uuid: str) -> bool:
    """Revoke one of a user's keys; tell whether there was such a key."""
    key = db.session.scalar(select(ApiKey).where(ApiKey.user_id == user.id, ApiKey.uuid == uuid))
    if key is None:
        return False
    if key.revoked_on is None:
        key.revoked_on = stamp()
        audit.note("ab_user", user.id, {"api_key": key.name}, {"api_key": None})
    return True
