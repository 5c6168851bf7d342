"""Who makes a request: one statement loads a person with settings, roles and place in the house, for this request only.

A session ends when the password changes or the account is switched off, and no start-up touches the database. What
roles grant is kept (``core.rights``). Moments in Flask-AppBuilder's own columns are naive; the portal writes and
reads them as UTC.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from flask import Flask, abort, current_app, flash, g, has_request_context, redirect, request, session, url_for
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import ApiKey, User
from flask_appbuilder.security.views import AuthDBView
from flask_appbuilder.utils.base import get_safe_redirect
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import LoginManager, current_user, login_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import BindParameter, Select, bindparam, func, select, true, update
from werkzeug.security import check_password_hash
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from app.core import audit, clock, preferences, rights, sessions, web
from app.core.accounts import UserSetting, setting_of
from app.core.db import db
from app.core.forms import PlainText, PortalForm
from app.core.preferences import ListSetting
from app.core.rights import RightsVersion
from app.core.scope import Viewer, viewer_of, viewers

FAILURES_ALLOWED = 8
LOCKED_FOR = timedelta(minutes=15)
USE_NOTED_EVERY = timedelta(hours=1)
OPEN_TO_STRANGERS = frozenset(
    # The pulse refuses strangers itself: it is asked by open pages, which cannot be sent to sign in.
    {"static", "language", "HomeView.index", "LoginView.login", "LoginView.logout", "PulseView.show"}
)
OPEN_WITH_LENT_PASSWORD = OPEN_TO_STRANGERS - {"HomeView.index"} | {"AccountView.show"}

csrf = CSRFProtect()


def fingerprint(user: User, sessions_ended: int | None = None) -> str:
    """Return a value that changes with the user's password and when all sessions are ended; it ties a session to them.

    ``sessions_ended`` is the count of the user's settings, read if it is not given.
    """
    if sessions_ended is None:
        setting = db.session.get(UserSetting, user.id)
        sessions_ended = setting.sessions_ended if setting else 0
    return hashlib.sha256(f"{user.password or ''}{sessions_ended}".encode()).hexdigest()[:24]


def stamp() -> datetime:
    """Return the present moment as Flask-AppBuilder's own columns keep it."""
    return clock.now().replace(tzinfo=None)


def moment_of(value: datetime | None) -> datetime | None:
    """Return the moment that one of Flask-AppBuilder's own columns holds."""
    return value.replace(tzinfo=UTC) if value is not None else None


class LoginForm(PortalForm):
    """User name and password."""

    username = StringField(_l("User name"), validators=[DataRequired(), PlainText(), Length(max=128)])
    password = PasswordField(_l("Password"), validators=[DataRequired(), PlainText(), Length(max=256)])


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
        """End the session, in every copy of its cookie."""
        sessions.end()
        db.session.commit()
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

    def create_login_manager(self, app: Flask) -> LoginManager:
        """Send whoever must sign in to our page."""
        manager = super().create_login_manager(app)
        manager.login_view = "LoginView.login"
        manager.login_message = _l("Please sign in")
        manager.login_message_category = "info"
        return manager

    def load_user(self, pk: Any) -> User | None:
        """Return the signed-in user with settings, unless switched off or the session was ended since."""
        found = _known(int(pk), session.get(sessions.MARK, ""))
        g.portal_setting = found.setting if found is not None else None
        if found is None or found.is_ended or session.get("password") != found.fingerprint():
            sessions.untie()
            return None
        found.remember()
        return found.user

    def on_user_login(self, user: User) -> None:
        """Begin a new session, tied to the password it is opened with; of the visitor's only the language stays."""
        super().on_user_login(user)
        if has_request_context():
            sessions.begin(fingerprint(user))

    def auth_user_db(self, username: str, password: str) -> User | None:
        """Return the user if name and password are right and the account is open.

        An unknown name, a locked or switched off account and a wrong password cost the same time and statements:
        the answer must not tell which names exist.
        """
        row = db.session.execute(_users().where(func.lower(User.username) == username.strip().lower())).first()
        user, setting = (row[0], row[1]) if row else (None, None)
        locked = setting is not None and setting.locked_until is not None and setting.locked_until > clock.now()
        is_open = user is not None and user.active and user.password and not locked
        fake = current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
        is_right = check_password_hash(user.password if user is not None and is_open else fake, password)
        if user is None or not is_open:
            if (first := self.get_first_user()) is not None:
                self.noop_user_update(first)
            return None
        self.update_user_auth_stat(user, is_right)
        return user if is_right else None

    def update_user_auth_stat(self, user: User, success: bool = True) -> None:
        """Count a try, and shut the account for a while after too many wrong ones in a row.

        The database adds: of two tries at once none is lost.
        """
        if success:
            user.login_count, user.fail_login_count = (user.login_count or 0) + 1, 0
            user.last_login = stamp()
            db.session.commit()
            self.on_user_login(user)
            return
        failed = func.coalesce(User.fail_login_count, 0) + 1
        db.session.execute(update(User).where(User.id == user.id).values(fail_login_count=failed))
        count = db.session.scalar(select(User.fail_login_count).where(User.id == user.id))
        if count and count % FAILURES_ALLOWED == 0:
            setting = setting_of(user.id)
            setting.locked_until = clock.now() + LOCKED_FOR
            audit.note("ab_user", user.id, {}, {"locked_until": setting.locked_until.isoformat()})
        db.session.commit()
        self.on_user_login_failed(user)

    def validate_api_key(self, api_key_string: str) -> User | None:
        """Return the active user of a valid key; for this request that user alone counts, whatever cookie came along.

        A key is 256 random bits, found by a hash that only this portal can make: a slow hash would add nothing.
        """
        if g.get("_api_key_user"):
            return g.user
        found = self._compute_lookup_hash(api_key_string)
        key = db.session.scalar(select(ApiKey).where(ApiKey.lookup_hash == found))
        if key is None:
            return None
        is_over = key.revoked_on is not None or (key.expires_on is not None and key.expires_on <= stamp())
        if is_over or not key.active or (caller := _known(key.user_id)) is None:
            return None
        if key.last_used_on is None or key.last_used_on <= stamp() - USE_NOTED_EVERY:
            # A transaction of its own: a read that turns into a write would not wait for SQLite's lock.
            db.session.commit()
            db.session.execute(update(ApiKey).where(ApiKey.lookup_hash == found).values(last_used_on=stamp()))
            db.session.commit()
        caller.remember()
        g.user = g._login_user = caller.user  # noqa: SLF001 - where flask-login keeps who makes this request
        g.portal_setting, g._api_key_user = caller.setting, True  # noqa: SLF001 - Flask-AppBuilder's mark
        return caller.user

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Nothing is public: what needs no login has no permission check."""
        return False

    def _has_view_access(self, user: object, permission_name: str, view_name: str) -> bool:
        return rights.grants().may(permission_name, view_name)

    def exist_permission_on_roles(self, view_name: str, permission_name: str, role_ids: list[int]) -> bool:
        """Answer from the rights already read for this request."""
        return rights.grants().may(permission_name, view_name)

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
        return rights.opens(rights.grants(), view)


def _users() -> Select[User, UserSetting | None]:
    return select(User, UserSetting).outerjoin(UserSetting, UserSetting.user_id == User.id)


@dataclass(frozen=True)
class Known:
    """A user as one statement found them: who they are, what they hold, and whether their session was ended."""

    user: User
    setting: UserSetting | None
    is_ended: bool
    version: str | None
    role_ids: frozenset[int]
    viewer: Viewer
    list_setting: ListSetting | None = None

    def fingerprint(self) -> str:
        """Return what a session of theirs must be tied to."""
        return fingerprint(self.user, self.setting.sessions_ended if self.setting is not None else 0)

    def remember(self) -> None:
        """Let this request know the user's rights and whose records they see."""
        rights.keep_grants(self.user.id, self.role_ids, self.version)
        g.portal_viewer = self.viewer
        preferences.remember(self.user.id, _screen(), self.list_setting)


@cache
def _all_about_one(viewers: Select[*tuple[Any, ...]] | None) -> Select[*tuple[Any, ...]]:
    """Return the statement for one user with all that every request asks; there is a row for each role, one at least.

    It is kept: to put it together costs as much as to run it.
    """
    user_id: BindParameter[int] = bindparam("user_id")
    held = rights.roles_of(user_id).subquery()
    version = select(RightsVersion.version).scalar_subquery()
    query = _users().add_columns(ListSetting, sessions.is_ended(), version, held.c.role_id).outerjoin(held, true())
    here = (ListSetting.user_id == User.id) & (ListSetting.screen == bindparam("screen"))
    query = query.outerjoin(ListSetting, here)
    if viewers is not None:
        who = viewers.subquery()
        login, *place = who.c
        query = query.add_columns(*place).outerjoin(who, login == User.id)
    return query.where(User.id == user_id)


def _known(user_id: int, mark: str = "") -> Known | None:
    """Return an active user, asked for by a session of this mark; None for one switched off or unknown."""
    asked = {"user_id": user_id, "mark": mark, "screen": _screen()}
    rows = db.session.execute(_all_about_one(viewers()), asked).all()
    if not rows or not rows[0][0].active:
        return None
    user, setting, of_list, is_ended, version, _role_id, *place = rows[0]
    role_ids = frozenset(row[5] for row in rows if row[5] is not None)
    return Known(user, setting, is_ended, version, role_ids, viewer_of(user_id, place), of_list)


def _screen() -> str:
    """Return the screen that is asked for, whose list the person may have arranged."""
    return (request.endpoint or "").partition(".")[0] if has_request_context() else ""


def _bears(authorization: Any) -> bool:
    """Tell whether a caller sent a key that is none of ours; what a proxy asks for is its own affair."""
    return authorization is not None and authorization.type == "bearer"


def protect_mutations(app: Flask) -> None:
    """Ask every mutation for a CSRF token, the REST API's too, unless a key in the header shows who calls.

    A browser adds cookies by itself but never an Authorization header, and a request that carries an API key is
    judged by that key alone: a bad one is 401 whatever cookie came along.
    """
    csrf.init_app(app)
    rights.init_app(app)

    @app.before_request
    def _check() -> None:
        g.user = current_user  # a refusal here renders a page, too
        manager = app.appbuilder.sm  # type: ignore[attr-defined]
        is_api = request.path.startswith("/api/")
        key = manager.extract_api_key_from_request() if is_api else None
        if key is not None:
            if manager.validate_api_key(key) is None:
                abort(401)
        elif is_api and (not current_user.is_authenticated or _bears(request.authorization)):
            abort(401)
        elif request.method not in {"GET", "HEAD", "OPTIONS"} and app.config["WTF_CSRF_ENABLED"]:
            csrf.protect()

    @app.before_request
    def _signed_in() -> Any:
        """Send strangers to sign in, whatever page they ask for, and then on to it."""
        # Who this is costs a statement: what is open to everybody does not ask.
        is_open = request.endpoint is None or request.endpoint in OPEN_TO_STRANGERS or request.path.startswith("/api/")
        if is_open or current_user.is_authenticated:
            return None
        if web.typed():
            return web.sign_in_page()
        flash(_("Please sign in"), "info")
        rule = request.url_rule
        is_page = rule is not None and "GET" in (rule.methods or ())
        return redirect(url_for("LoginView.login", next=request.full_path.rstrip("?") if is_page else None))

    @app.before_request
    def _own_password() -> Any:
        """Let nobody work with a password that somebody else has seen."""
        if request.endpoint in OPEN_WITH_LENT_PASSWORD or g.get("_api_key_user") or not current_user.is_authenticated:
            return None
        if g.portal_setting is None or not g.portal_setting.must_change_password:
            return None
        if request.path.startswith("/api/"):
            abort(403)
        flash(_("Please choose a password of your own first."), "info")
        return redirect(url_for("AccountView.show"))
