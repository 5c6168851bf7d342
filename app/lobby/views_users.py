"""Logins: who may sign in, under which name and with which roles (clause 1.2).

A password is shown once, on the page that answers, and is kept nowhere else. A login is switched off, never
deleted: what its person did stays theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.security.sqla.models import Role, User
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from sqlalchemy import ColumnElement, func, select
from wtforms import SelectMultipleField, ValidationError
from wtforms.validators import Regexp

from app.core import actor, audit, clock, present
from app.core.accounts import UserSetting, full_name
from app.core.db import db
from app.core.errors import RuleError
from app.core.fields import VersionField
from app.core.forms import PortalForm
from app.core.interface import PortalInterface, parse_key
from app.core.security import moment_of
from app.core.transfer import IMPORT_PAGES
from app.core.views import Link, PortalView, posted
from app.lobby import accounts
from app.lobby.roles import access_of, all_roles
from app.staff.operations import person_of


class RolesField(SelectMultipleField):
    """Roles to tick; the data is their ids. An operation gives them, never the form itself."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, coerce=int, choices=[], validate_choice=False, **kwargs)

    def iter_choices(self) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
        """Give every role in the reader's language."""
        for role in all_roles():
            yield str(role.id), str(role), role.id in (self.data or ()), {}

    def process_data(self, value: Any) -> None:
        """Take a user's roles."""
        self.data = [role.id for role in value or ()]

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the ticked roles."""
        self.data = [parse_key(text) or 0 for text in valuelist]

    def pre_validate(self, form: Any) -> None:
        """Refuse what is no role."""
        if len(self.roles()) != len(set(self.data or ())):
            raise ValidationError(_("This is not one of the choices."))

    def populate_obj(self, obj: object, name: str) -> None:
        """Leave giving roles to ``accounts.set_roles``."""

    def roles(self) -> list[Role]:
        """Return the ticked roles."""
        return list(db.session.scalars(select(Role).where(Role.id.in_(self.data or ()))))


class RolesForm(PortalForm):
    """The roles of one person."""

    roles = RolesField(_l("Roles"))
    version = VersionField()


class UserView(PortalView):
    """Who may sign in, and with which roles."""

    datamodel = PortalInterface(User)
    route_base = "/user"
    title, noun = _l("Logins"), _l("Login")
    list_columns = ["username", "full_name", "email", "active", "roles", "last_login"]
    show_columns = [*list_columns, "staff_member", "locked_until"]
    add_columns = ["username", "last_name", "first_name", "email"]
    edit_columns = ["last_name", "first_name", "email"]
    search_columns = ["active"]
    searched = ["username", "last_name", "first_name", "email"]
    base_order = ("username", "asc")
    exact = ("username",)
    has_files = False
    # A row of an import has no page that could show its first password.
    exclude_route_methods = (
        PortalView.exclude_route_methods | IMPORT_PAGES | {"delete", "attach", "file", "step", "steps"}
    )
    verb_labels = {
        "set_roles": _l("Give roles"),
        "reset_password": _l("Reset the password"),
        "switch": _l("Switch off and on"),
        "unlock": _l("Unlock"),
    }
    label_columns = {
        "username": _l("User name"),
        "full_name": lazy_pgettext("person", "Name"),
        "last_name": _l("Family name"),
        "first_name": _l("Given name"),
        "email": _l("E-mail"),
        "active": _l("May sign in"),
        "roles": _l("Roles"),
        "last_login": _l("Last signed in"),
        "staff_member": _l("Staff member"),
        "locked_until": _l("Locked until"),
        "password": _l("Password"),
        "api_key": _l("Key for the REST API"),
    }
    description_columns = {"username": _l("Small letters, digits and . _ - without spaces. It stays as it is.")}
    validators_columns = {
        "username": [Regexp(rf"{accounts.LOGIN_NAME}\Z", message=_l("Use small letters, digits and . _ - only."))],
        "email": [Regexp(r"[^@\s]+@[^@\s]+\Z", message=_l("This is not an e-mail address."))],
    }
    add_label = _l("Add a login")
    # The page that answers shows the first password, this once.
    added_in_passing = False

    def _init_forms(self) -> None:
        """Add asks for roles, too; edit carries the newest entry of the trail as its version."""
        super()._init_forms()
        self.add_form = self._form([*self.add_columns, "roles"], {"roles": lambda: RolesField(_l("Roles"))})
        self.edit_form = self._form([*self.edit_columns, "version"], {"version": VersionField})

    # -- reading -----------------------------------------------------------------------------

    def search_extra(self, text: str) -> ColumnElement[bool]:
        """Find a name as it is written, in either order."""
        names = (User.last_name + User.first_name, User.first_name + " " + User.last_name)
        found: ColumnElement[bool] = names[0].icontains(text, autoescape=True) | names[1].icontains(
            text, autoescape=True
        )
        return found

    def value(self, item: User, column: str) -> Any:
        """Return a value; addresses are personal data to whoever cannot change them."""
        match column:
            case "full_name":
                return full_name(item)
            case "email":
                return item.email if self.may("edit") else present.masked(item.email)
            case "last_login":
                return moment_of(item.last_login)
            case "staff_member":
                return person_of(item.id)
            case "locked_until":
                return self.locked_until(item)
            case _:
                return super().value(item, column)

    def locked_until(self, item: User) -> Any:
        """Return until when wrong passwords keep a login out, None if they do not."""
        setting = db.session.get(UserSetting, item.id)
        until = setting.locked_until if setting is not None else None
        return until if until is not None and until > clock.now() else None

    def record_links(self, item: User) -> Any:
        """Offer what may be done with a login; never with one's own."""
        links = [Link(_("What this person may do"), url_for("UserView.access", pk=item.id))]
        if item.id == actor.user_id():
            return links
        if self.may("set_roles"):
            links.append(Link(_("Roles"), url_for("UserView.roles", pk=item.id)))
        if self.may("unlock") and self.locked_until(item):
            links.append(Link(_("Unlock"), url_for("UserView.unlock", pk=item.id), posts=True))
        if self.may("reset_password"):
            ask = _("Make a new password? The old one ends now, and every session and key with it.")
            links.append(Link(_("Reset the password"), url_for("UserView.reset_password", pk=item.id), True, ask))
        if self.may("switch") and item.active:
            ask = _("Switch this login off? Its sessions and keys end now.")
            links.append(Link(_("Switch off"), url_for("UserView.switch_off", pk=item.id), True, ask))
        if self.may("switch") and not item.active:
            links.append(Link(_("Switch on"), url_for("UserView.switch_on", pk=item.id), posts=True))
        return links

    def told(self, entries: Any) -> Any:
        """Return entries of the trail as readable lines, roles and locks in words."""
        names = {role.name: str(role) for role in all_roles()}
        readers = {
            "roles": lambda held: present.words([names.get(name, _("deleted role")) for name in held]),
            "locked_until": lambda text: present.words(datetime.fromisoformat(text)),
        }
        return present.history(User, entries, self.label_columns, {}, readers)

    def version_of(self, item: User) -> int:
        """Return the newest entry of the trail, which tells every change of a login; others wait meanwhile."""
        if request.method == "POST":
            db.session.execute(select(User.id).where(User.id == item.id).with_for_update())
        return audit.last_entry("ab_user", item.id)

    def changes_since(self, item: User, version: int) -> Any:
        """Return what was changed after an entry of the trail."""
        return self.told(audit.entries_about("ab_user", item.id, since=version))

    @expose("/access/<pk>", methods=["GET"])
    @has_access
    @permission_name("show")
    def access(self, pk: str) -> Any:
        """Show what a person may do, and through which role."""
        item = self.find(pk, "show")
        title = _("What %(name)s may do", name=full_name(item))
        return self.render_template("lobby/access.html", view=self, item=item, title=title, groups=access_of(item))

    # -- changing ----------------------------------------------------------------------------

    def create(self, item: User, form: PortalForm) -> None:
        """Make a login with its first password, which the answer shows; does not commit."""
        roles = form.roles.roles()
        if roles and not self.may("set_roles"):
            raise RuleError(_("You may not give roles."), field="roles")
        if db.session.scalar(select(User.id).where(func.lower(User.username) == form.username.data)) is not None:
            raise RuleError(_("Another login has this name."), field="username")
        item.first_password, item.active, item.username = accounts.new_password(), True, form.username.data
        accounts.set_password(item, item.first_password)
        super().create(item, form)
        accounts.lend(item)
        if roles:
            accounts.set_roles(item, roles)

    def answer_add(self, item: User, location: str) -> Any:
        """Show the first password."""
        del location
        return self._password_page(item, item.first_password)

    def _password_page(self, item: User, password: str) -> Any:
        return self.render_template(
            "lobby/password.html", view=self, item=item, password=password, title=_("A new password")
        )

    @expose("/roles/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("set_roles")
    def roles(self, pk: str) -> Any:
        """Show a person's roles to tick, and give and take them."""
        item = self.find(pk, "set_roles")
        form = RolesForm(formdata=posted(), obj=item)
        version, others = self.version_of(item), []
        if request.method == "GET":
            form.version.show(version)
        elif form.version.data != version:
            others = self.changes_since(item, form.version.data or 0)
            form.version.show(version)
        elif form.validate() and self.attempt(form, lambda: accounts.set_roles(item, form.roles.roles())):
            flash(_("%(record)s was saved.", record=str(item)), "success")
            return redirect(self.show_url(item) if self.may("show") else self.list_url())
        title = _("Roles: %(record)s", record=str(self.find(pk, "set_roles")))
        return self._form_page(self.edit_template, form, title, others=others, item=item)

    @expose("/reset-password/<pk>", methods=["POST"])
    @has_access
    @permission_name("reset_password")
    def reset_password(self, pk: str) -> Any:
        """Give somebody else a new password, and show it this once."""
        item, made = self.find(pk, "reset_password"), []
        refused = self._do(item, lambda: made.append(accounts.reset_password(item)))
        return refused or self._password_page(item, made[0])

    @expose("/switch-off/<pk>", methods=["POST"])
    @has_access
    @permission_name("switch")
    def switch_off(self, pk: str) -> Any:
        """Let a login sign in no more; its sessions end with their next request."""
        item = self.find(pk, "switch")
        return self._do(item, lambda: accounts.switch(item, on=False)) or self._done(
            item, _("The login was switched off.")
        )

    @expose("/switch-on/<pk>", methods=["POST"])
    @has_access
    @permission_name("switch")
    def switch_on(self, pk: str) -> Any:
        """Let a login sign in again."""
        item = self.find(pk, "switch")
        return self._do(item, lambda: accounts.switch(item, on=True)) or self._done(
            item, _("The login was switched on.")
        )

    @expose("/unlock/<pk>", methods=["POST"])
    @has_access
    @permission_name("unlock")
    def unlock(self, pk: str) -> Any:
        """Let a login in again that wrong passwords had shut."""
        item = self.find(pk, "unlock")
        return self._do(item, lambda: accounts.unlock(item)) or self._done(item, _("The login was unlocked."))

    def _do(self, item: User, change: Callable[[], object]) -> Any:
        """Run a change and commit it; return where to go if a rule refused it, else None."""
        form = PortalForm()
        if self.attempt(form, change):
            return None
        for error in form.form_errors:
            flash(str(error), "danger")
        return redirect(self.show_url(item))

    def _done(self, item: User, told: str) -> Any:
        flash(told, "success")
        return redirect(self.show_url(item))
