"""Who may do what: one statement loads a person, one their roles' rights, and both hold for this request only.

A right that was taken away is gone with the next request, a session ends when the password changes or the
account is switched off, and no start-up touches the database.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import timedelta
from typing import Any

from flask import Flask, abort, flash, g, has_request_context, redirect, request, session
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_group_role,
    assoc_permissionview_role,
    assoc_user_group,
    assoc_user_role,
)
from flask_appbuilder.security.views import AuthDBView
from flask_appbuilder.utils.base import get_safe_redirect
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import login_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import select, union
from werkzeug.security import check_password_hash
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from app.core import clock
from app.core.accounts import UserSetting, setting_of
from app.core.db import db
from app.core.forms import PortalForm
from app.core.scope import Scope

FAILURES_ALLOWED = 8
LOCKED_FOR = timedelta(minutes=15)

csrf = CSRFProtect()


class Grants:
    """The rights of one user at this moment: permission and screen, and through which roles."""

    def __init__(self, rows: list[tuple[int, str, str]]) -> None:
        self._roles: dict[tuple[str, str], set[int]] = defaultdict(set)
        for role_id, permission, view in rows:
            self._roles[permission, view].add(role_id)

    def may(self, permission: str, view: str) -> bool:
        """Tell whether any role grants the permission on the screen."""
        return (permission, view) in self._roles

    def scope(self, verb: str, view: str) -> Scope:
        """Return the widest scope among the roles that grant this verb on this screen."""
        holders = self._roles.get((f"can_{verb}", view), set())
        return max((self._scope_of(role, verb, view) for role in holders), default=Scope.NONE)

    def _scope_of(self, role: int, verb: str, view: str) -> Scope:
        for suffix in (f"_{verb}", ""):
            for scope in sorted(Scope, reverse=True):
                if role in self._roles.get((f"scope_{scope.key}{suffix}", view), ()):
                    return scope
        return Scope.NONE


def load_grants(user_id: int) -> Grants:
    """Read a user's rights with one statement, direct roles and roles of groups alike."""
    roles = union(
        select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == user_id),
        select(assoc_group_role.c.role_id)
        .join(assoc_user_group, assoc_user_group.c.group_id == assoc_group_role.c.group_id)
        .where(assoc_user_group.c.user_id == user_id),
    ).subquery()
    rows = db.session.execute(
        select(assoc_permissionview_role.c.role_id, Permission.name, ViewMenu.name)
        .join(roles, roles.c.role_id == assoc_permissionview_role.c.role_id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    return Grants([(role, permission, view) for role, permission, view in rows])


def grants() -> Grants:
    """Return the rights of whoever makes this request; nobody signed in has none."""
    user = g.get("user")
    if user is None or not user.is_authenticated:
        return Grants([])
    held: dict[int, Grants] = g.setdefault("portal_grants", {})
    if user.id not in held:
        held[user.id] = load_grants(user.id)
    return held[user.id]


def fingerprint(user: User) -> str:
    """Return a value that changes with the user's password; it ties a session to it."""
    return hashlib.sha256((user.password or "").encode()).hexdigest()[:24]


class LoginForm(PortalForm):
    """User name and password."""

    username = StringField(_l("User name"), validators=[DataRequired(), Length(max=128)])
    password = PasswordField(_l("Password"), validators=[DataRequired(), Length(max=256)])


class LoginView(AuthDBView):
    """Sign in and out. A wrong password keeps the typed name; signing out is a POST, so no link can do it."""

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        """Show the form, or sign in and go where the person wanted to go."""
        if g.user is not None and g.user.is_authenticated:
            return redirect(self._get_safe_next_url())
        form = LoginForm()
        if form.validate_on_submit():
            user = self.appbuilder.sm.auth_user_db(form.username.data, form.password.data)
            if user:
                login_user(user)
                return redirect(get_safe_redirect(request.args.get("next", "")))
            flash(_("The user name or the password is not right, or the account is locked for a while."), "warning")
        response: Response = Response(
            self.render_template(self.login_template, title=_("Sign in"), form=form), status=200
        )
        response.headers["Cache-Control"] = "no-store"
        response.mimetype = "text/html"
        return response

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        """End the session."""
        return super().logout()


class PortalSecurityManager(SecurityManager):
    """Flask-AppBuilder's security manager with one question per request instead of one per button."""

    authdbview = LoginView
    userstatschartview = None

    def register_views(self) -> None:
        """Register signing in and out; users and roles have screens of their own in the lobby."""
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)
        if self.is_auth_limited:
            self.limiter.limit(self.auth_rate_limit, methods=["POST"])(self.auth_view.blueprint)

    def load_user(self, pk: Any) -> User | None:
        """Return the signed-in user with settings, unless switched off or the password changed since."""
        row = db.session.execute(
            select(User, UserSetting).outerjoin(UserSetting, UserSetting.user_id == User.id).where(User.id == int(pk))
        ).first()
        if row is None:
            return None
        user: User = row[0]
        g.portal_setting = row[1]
        if not user.active or session.get("password") != fingerprint(user):
            return None
        return user

    def on_user_login(self, user: User) -> None:
        """Tie the session to the password it was opened with."""
        super().on_user_login(user)
        if has_request_context():
            session["password"] = fingerprint(user)
            session.permanent = True

    def auth_user_db(self, username: str, password: str) -> User | None:
        """Check a password; after too many wrong ones the account stays shut for a while."""
        user = self.find_user(username=username)
        setting = db.session.get(UserSetting, user.id) if user else None
        if setting is not None and setting.locked_until is not None and setting.locked_until > clock.now():
            # Spend the same time as for a wrong password: the answer must not tell that the name exists.
            check_password_hash(user.password, password)
            return None
        return super().auth_user_db(username, password)  # type: ignore[no-any-return]

    def on_user_login_failed(self, user: User) -> None:
        """Shut the account for a while after too many wrong passwords in a row."""
        super().on_user_login_failed(user)
        if user.fail_login_count and user.fail_login_count % FAILURES_ALLOWED == 0:
            setting_of(user.id).locked_until = clock.now() + LOCKED_FOR
            db.session.commit()

    def is_item_public(self, permission_name: str, view_name: str) -> bool:  # noqa: ARG002
        """Nothing is public: what needs no login has no permission check."""
        return False

    def _has_view_access(self, user: object, permission_name: str, view_name: str) -> bool:  # noqa: ARG002
        return grants().may(permission_name, view_name)

    def exist_permission_on_roles(self, view_name: str, permission_name: str, role_ids: list[int]) -> bool:  # noqa: ARG002
        """Answer from the rights already read for this request."""
        return grants().may(permission_name, view_name)

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """A menu entry is open to whoever may open its page; it has no right of its own."""
        return {name for name in menu_names or [] if self.has_access("menu_access", name)}

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Tell whether the person may do this; a menu entry asks for its page's first permission."""
        if permission_name == "menu_access":
            return self._menu_open(view_name)
        return bool(super().has_access(permission_name, view_name))

    def _menu_open(self, name: str) -> bool:
        item = self.appbuilder.menu.find(name)
        if item is None:
            return False
        if item.childs:
            return any(self._menu_open(child.name) for child in item.childs)
        view = item.baseview
        if view is None:
            return bool(g.user.is_authenticated)
        return self.has_access(f"can_{view.get_method_permission(view.default_view)}", view.class_permission_name)


def protect_mutations(app: Flask) -> None:
    """Ask every mutation for a CSRF token, the REST API's too, unless a key in the header shows who calls.

    A browser adds cookies by itself but never an Authorization header, and a request that carries an API key is
    judged by that key alone.
    """
    csrf.init_app(app)

    @app.before_request
    def _check() -> None:
        if request.method in {"GET", "HEAD", "OPTIONS"} or not app.config["WTF_CSRF_ENABLED"]:
            return
        if request.path.startswith("/api/") and app.appbuilder.sm.extract_api_key_from_request():  # type: ignore[attr-defined]
            return
        csrf.protect()


def user_or_404(pk: int) -> User:
    """Return a user by id, or answer 404."""
    return db.session.get(User, pk) or abort(404)


def role_or_404(pk: int) -> Role:
    """Return a role by id, or answer 404."""
    return db.session.get(Role, pk) or abort(404)
