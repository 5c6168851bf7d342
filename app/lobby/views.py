"""Home, measures, and a person's own account."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import current_app, flash, g, redirect, request, session, url_for
from flask_appbuilder import AppBuilder, BaseView, IndexView
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import login_required
from werkzeug.security import check_password_hash
from wtforms import PasswordField
from wtforms.validators import DataRequired, EqualTo, Length

from app.core import clock, present
from app.core.accounts import full_name
from app.core.forms import PortalForm
from app.core.measures import MEASURES, Measure, Period, Unit
from app.core.menu import navigation, open_screen
from app.core.scope import viewer
from app.core.security import fingerprint
from app.core.views import PortalView
from app.core.workflow import task_keeper
from app.lobby.accounts import change_password
from app.staff.operations import inbox, promise_names, task_line

PASSWORD_LENGTH = 10


class HomeView(IndexView):
    """The first page: what the person owes now."""

    index_template = "lobby/home.html"

    @expose("/")
    def index(self) -> Any:
        """Show the person's tasks, most urgent first, with the way to each record."""
        if not g.user.is_authenticated:
            return redirect(url_for("LoginView.login"))
        tasks = inbox(viewer())
        names = promise_names({task.promise for task in tasks})
        lines = [(task, task_line(task, names), self._link(task)) for task in tasks]
        return self.render_template(self.index_template, title=_("Overview"), lines=lines)

    def _link(self, task: Any) -> str | None:
        for view in self.appbuilder.baseviews:
            if isinstance(view, PortalView) and view.model.__tablename__ == task.entity and view.may("show"):
                return url_for(f"{view.endpoint}.show", pk=task.record_id)
        return None


class MeasureView(BaseView):
    """The rooms' figures for a month, each opening to its records."""

    route_base = "/measures"
    default_view = "list"
    title = _l("Measures")

    @expose("/list/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """Show every measure for the month the address asks for, with the month before."""
        period = self._period(request.args.get("month", ""))
        before = Period.month_of(period.first.replace(day=1) - timedelta(days=1))
        rows = [
            (one, self._words(one, one.figure(period)), self._words(one, one.figure(before)), self._link(one, period))
            for one in MEASURES.values()
        ]
        return self.render_template("lobby/measures.html", title=self.title, rows=rows, period=period)

    def _period(self, month: str) -> Period:
        try:
            return Period.month_of(date.fromisoformat(f"{month}-01"))
        except ValueError:
            return Period.month_of(clock.today())

    def _words(self, one: Measure, figure: Any) -> str:
        if figure.value is None:
            return present.NOTHING
        value = present.words(round(figure.value, 1))
        if one.unit is Unit.PERCENT:
            return _("%(value)s%% (%(part)s of %(whole)s)", value=value, part=figure.part, whole=figure.whole)
        return f"{value} {one.unit}"

    def _link(self, one: Measure, period: Period) -> str | None:
        view = next((v for v in self.appbuilder.baseviews if type(v).__name__ == one.view), None)
        if view is None or not view.may("list"):
            return None
        return view.list_url(**(one.filters(period) if one.filters else {}))


class PasswordForm(PortalForm):
    """The old password and the new one, twice."""

    old = PasswordField(_l("Present password"), validators=[DataRequired(), Length(max=256)])
    new = PasswordField(
        _l("New password"),
        validators=[DataRequired(), Length(min=PASSWORD_LENGTH, max=256)],
        description=_l("At least 10 characters. A sentence is easier to remember than signs."),
    )
    again = PasswordField(
        _l("New password again"), validators=[EqualTo("new", message=_l("The two passwords are not the same."))]
    )


class AccountView(BaseView):
    """A person's own account; open to everyone who is signed in, and to nobody else's account."""

    route_base = "/account"
    default_view = "show"

    @expose("/", methods=["GET", "POST"])
    @login_required
    def show(self) -> Any:
        """Show who is signed in, and change the password."""
        form = PasswordForm()
        if form.validate_on_submit():
            user = g.user
            if not check_password_hash(user.password, form.old.data):
                form.old.errors = [_("This is not your present password.")]
            else:
                change_password(user.id, form.new.data)
                session["password"] = fingerprint(user)
                flash(_("The password was changed. Other places where you were signed in are signed out."), "success")
                return redirect(url_for("AccountView.show"))
        page = self.render_template("lobby/account.html", title=_("My account"), form=form)
        return page, (422 if form.errors else 200)


def register(builder: AppBuilder) -> None:
    """Put the lobby's pages into the portal, and what every page of it needs into the templates."""
    builder.add_view_no_menu(AccountView)
    open_screen(builder, MeasureView, "administration")

    @current_app.context_processor
    def _for_templates() -> dict[str, Any]:
        return {
            "navigation": navigation,
            "full_name": full_name,
            "count_words": present.count_words,
            "time": present.html,
            "record_tasks": lambda item: task_keeper().lines(item),
        }
