"""Operations on logins: passwords, switching off, giving and taking roles (clause 1.2)."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import Role, User
from flask_babel import gettext as _
from werkzeug.security import generate_password_hash

from app.core import actor, audit
from app.core.db import db
from app.core.errors import RuleError


def change_password(user_id: int, password: str) -> None:
    """Set a password and commit; every session opened with the old one ends."""
    user = db.session.get_one(User, user_id)
    user.password = generate_password_hash(password)
    user.fail_login_count = 0
    audit.note("ab_user", user.id, {"password": audit.MASK}, {"password": audit.MASK})
    db.session.commit()


def set_roles(user: User, roles: list[Role]) -> None:
    """Give and take roles; does not commit. Nobody changes their own: raises RuleError."""
    if user.id == actor.user_id():
        raise RuleError(_("Nobody can change their own roles. Ask another administrator."), field="roles")
    before = sorted(role.name for role in user.roles)
    after = sorted(role.name for role in roles)
    if before != after:
        user.roles = roles
        audit.note("ab_user", user.id, {"roles": ", ".join(before)}, {"roles": ", ".join(after)})
