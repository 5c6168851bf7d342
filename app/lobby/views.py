"""Home and measures, and the registration of everything under the roof."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import current_app, g, redirect, request, url_for
from flask_appbuilder import AppBuilder, BaseView, IndexView
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock, present
from app.core.accounts import full_name
from app.core.api import ApiDescriptionView
from app.core.fields import YEARS
from app.core.fields_rows import target_of
from app.core.measures import MEASURES, Measure, Period, Unit
from app.core.menu import navigation, open_screen, screens_in_order
from app.core.present import Tally
from app.core.rights import grants
from app.core.scope import Scope, viewer
from app.core.workflow import TaskLine, task_keeper
from app.lobby.views_account import AccountView
from app.lobby.views_api import ApiGuideView
from app.lobby.views_help import HelpView
from app.lobby.views_pulse import PulseView
from app.lobby.views_roles import RoleView
from app.lobby.views_search import SearchView
from app.lobby.views_users import UserView
from app.staff.models import Task, TaskStatus
from app.staff.operations import inbox, late_with_others, task_line
from app.staff.views import record_url

ACTIONS = 6
DOORS = ("service", "workplace", "mine")
"""Groups of the navigation whose records are begun from the first page, what customers want first."""
LATE_ROWS = 10


class HomeView(IndexView):
    """The first page: what the person owes now."""

    index_template = "lobby/home.html"

    @expose("/")
    def index(self) -> Any:
        """Show the person's tasks, most urgent first, with the way to each record."""
        if not g.user.is_authenticated:
            return redirect(url_for("LoginView.login"))
        screen: Any = target_of(Task)
        others, late = self._late_with_others(screen)
        return self.render_template(
            self.index_template,
            title=_("Overview"),
            lines=_lines(inbox(viewer())),
            others=_lines(others),
            late=late,
            all_late=screen.list_url(
                status=TaskStatus.OPEN.name, due_at__le=f"{clock.local(clock.now()):%Y-%m-%dT%H:%M}"
            ),
            actions=[view for view in screens_in_order(DOORS) if view.add_label and view.may("add")][:ACTIONS],
        )

    def _late_with_others(self, screen: Any) -> tuple[list[Task], Tally]:
        """Return what is late with the people whose tasks one may see, for those who may see others'."""
        if not screen.may("list") or grants().scope("list", screen.class_permission_name) <= Scope.OWN:
            return [], Tally(0)
        return late_with_others(viewer(), screen.scope_condition("list"), clock.now(), LATE_ROWS)


def _lines(tasks: list[Task]) -> list[tuple[Task, TaskLine, str | None]]:
    return [(task, task_line(task), record_url(task)) for task in tasks]


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
            (
                one,
                self._words(one, one.figure(period)),
                None if one.is_standing else self._words(one, one.figure(before)),
                self._link(one, period),
            )
            for one in MEASURES.values()
        ]
        return self.render_template("lobby/measures.html", title=self.title, rows=rows, period=period, before=before)

    def _period(self, month: str) -> Period:
        try:
            first = date.fromisoformat(f"{month}-01")
        except ValueError:
            first = clock.today()
        return Period.month_of(first if first.year in YEARS else clock.today())

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


def register(builder: AppBuilder) -> None:
    """Put the lobby's pages into the portal, and what every page of it needs into the templates."""
    builder.add_api(ApiDescriptionView)
    builder.add_view_no_menu(AccountView)
    builder.add_view_no_menu(ApiGuideView)
    builder.add_view_no_menu(HelpView)
    builder.add_view_no_menu(SearchView)
    builder.add_view_no_menu(PulseView)
    open_screen(builder, MeasureView, "administration")
    open_screen(builder, UserView, "administration", has_api=False)
    open_screen(builder, RoleView, "administration")

    @current_app.context_processor
    def _for_templates() -> dict[str, Any]:
        return {
            "navigation": navigation,
            "full_name": full_name,
            "time": present.html,
            "record_tasks": lambda item: task_keeper().lines(item),
        }
