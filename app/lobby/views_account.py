"""A person's own account: password and keys for the REST API. Open to whoever is signed in, and only their own."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import abort, flash, g, redirect, session, url_for
from flask_appbuilder import BaseView
from flask_appbuilder.security.sqla.models import ApiKey, User
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import login_required
from werkzeug.security import check_password_hash
from wtforms import PasswordField, ValidationError
from wtforms.validators import DataRequired, EqualTo, Length

from app.core import clock
from app.core.db import db
from app.core.errors import RuleError
from app.core.fields import Day, Text
from app.core.forms import PlainText, PortalForm
from app.core.security import fingerprint, moment_of
from app.lobby import accounts

KEY_DAYS = 90
MOST_KEY_DAYS = 366


class PasswordForm(PortalForm):
    """The old password and the new one, twice."""

    old = PasswordField(_l("Present password"), validators=[DataRequired(), Length(max=256)])
    new = PasswordField(
        _l("New password"),
        validators=[DataRequired(), PlainText(), Length(max=256)],
        description=_l("At least 10 characters. A sentence is easier to remember than signs."),
    )
    again = PasswordField(
        _l("New password again"), validators=[EqualTo("new", message=_l("The two passwords are not the same."))]
    )

    def validate_new(self, field: PasswordField) -> None:
        """Refuse the password that is there already: somebody else may have seen it."""
        if field.data == self.old.data:
            raise ValidationError(_("Choose a password other than the present one."))


class KeyForm(PortalForm):
    """What a new key is for, and its last day."""

    name = Text(
        _l("What the key is for"),
        validators=[DataRequired(), PlainText(), Length(max=100)],
        description=_l("For example: nightly report."),
    )
    expires_on = Day(
        _l("Last day"), validators=[DataRequired()], default=lambda: clock.today() + timedelta(days=KEY_DAYS)
    )

    def validate_expires_on(self, field: Day) -> None:
        """Refuse days gone by and keys for ever."""
        today = clock.today()
        if not today <= field.data <= today + timedelta(days=MOST_KEY_DAYS):
            raise ValidationError(_("Choose a day from today to a year from now."))


class AccountView(BaseView):
    """A person's own account; open to everyone who is signed in, and to nobody else's account."""

    route_base = "/account"
    default_view = "show"

    @expose("/", methods=["GET", "POST"])
    @login_required
    def show(self) -> Any:
        """Show who is signed in, and change the password."""
        form = PasswordForm()
        if form.validate_on_submit() and self._change_password(form):
            flash(_("The password was changed. Other places where you were signed in are signed out."), "success")
            return redirect(url_for("AccountView.show"))
        return self._page(form, KeyForm(formdata=None))

    def _change_password(self, form: PasswordForm) -> bool:
        user = db.session.get_one(User, g.user.id)
        if not check_password_hash(user.password, form.old.data):
            form.old.errors = [_("This is not your present password.")]
            return False
        try:
            accounts.set_password(user, form.new.data, field="new")
        except RuleError as error:
            form.refuse(error)
            return False
        db.session.commit()
        session["password"] = fingerprint(user)
        return True

    @expose("/keys", methods=["POST"])
    @login_required
    def make_key(self) -> Any:
        """Make a key for the REST API and show it, this once."""
        form = KeyForm()
        if not form.validate():
            return self._page(PasswordForm(formdata=None), form)
        key = accounts.make_key(g.user, form.name.data, form.expires_on.data)
        db.session.commit()
        return self._page(PasswordForm(formdata=None), KeyForm(formdata=None), new_key=key)

    @expose("/keys/<uuid>/revoke", methods=["POST"])
    @login_required
    def revoke_key(self, uuid: str) -> Any:
        """End one of one's own keys."""
        if not accounts.revoke_key(g.user, uuid):
            abort(404)
        db.session.commit()
        flash(_("The key was revoked."), "success")
        return redirect(url_for("AccountView.show"))

    def _page(self, form: PasswordForm, key_form: KeyForm, new_key: str | None = None) -> Any:
        page = self.render_template(
            "lobby/account.html",
            title=_("My account"),
            form=form,
            key_form=key_form,
            new_key=new_key,
            keys=[(key, *_standing(key)) for key in accounts.keys_of(g.user)],
            moment_of=moment_of,
        )
        return page, (422 if form.errors or key_form.errors else 200)


def _standing(key: ApiKey) -> tuple[date | None, str, str]:
    """Return a key's last day in the office's zone, how it stands, and its tone."""
    end = moment_of(key.expires_on)
    last = clock.local(end - timedelta(seconds=1)).date() if end is not None else None
    if key.revoked_on is not None:
        return last, _("revoked"), "calm"
    if end is not None and end <= clock.now():
        return last, _("expired"), "calm"
    return last, _("in use") if key.last_used_on else _("not used yet"), "done"
