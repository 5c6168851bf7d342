"""Screens of staff: people, teams, departments, positions, tasks."""

from __future__ import annotations

from typing import Any

from flask import current_app, g
from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_

from app.core import present
from app.core.interface import PortalInterface
from app.core.menu import open_screen
from app.core.scope import Scope, set_viewers, viewer
from app.core.views import PortalView
from app.core.views_catalog import CATALOG_COLUMNS, CatalogView
from app.core.workflow import set_task_keeper
from app.staff import operations
from app.staff.models import Department, Position, StaffMember, Task, TaskStatus, Team


class DepartmentView(CatalogView):
    """Departments of the company."""

    datamodel = PortalInterface(Department)
    title, noun = _l("Departments"), _l("Department")


class TeamView(CatalogView):
    """Teams and their leaders."""

    datamodel = PortalInterface(Team)
    title, noun = _l("Teams"), _l("Team")
    list_columns = ["name", "department", "leader", "retired_on", "code"]
    add_columns = ["department", *CATALOG_COLUMNS]
    search_columns = ["department"]
    label_columns = {"department": _l("Department"), "leader": _l("Team leader")}


class PositionView(CatalogView):
    """Positions on the career ladder."""

    datamodel = PortalInterface(Position)
    title, noun = _l("Positions"), _l("Position")
    list_columns = ["name", "level", "retired_on", "code"]
    search_columns = ["level", "retired_on"]
    no_amounts = ("position", "level")
    add_columns = ["level", *CATALOG_COLUMNS]
    base_order = ("level", "asc")
    label_columns = {"level": _l("Level"), "position": _l("Order")}


class StaffMemberView(PortalView):
    """Everyone who works or worked in the department."""

    datamodel = PortalInterface(StaffMember)
    title, noun = _l("Staff"), _l("Staff member")
    list_columns = ["number", "name", "department", "team", "position", "extension", "hired_on"]
    show_columns = [*list_columns, "languages", "leads", "user", "left_on"]
    add_columns = [
        "number",
        "name",
        "department",
        "team",
        "position",
        "leads",
        "extension",
        "languages",
        "user",
        "hired_on",
        "left_on",
    ]
    added_in_passing = False
    sections = (
        (_l("Place in the department"), ("department", "team", "position", "leads")),
        (_l("At work"), ("extension", "languages", "user", "hired_on", "left_on")),
    )
    search_columns = ["department", "team", "position", "hired_on"]
    searched = ["number", "name", "extension"]
    found_globally = True
    scopes = {Scope.OWN: ("id",), Scope.TEAM: ("team_id",), Scope.DEPARTMENT: ("department_id",)}
    base_order = ("number", "asc")
    exact = ("number", "name")
    label_columns = {
        "number": _l("Staff number"),
        "name": lazy_pgettext("person", "Name"),
        "department": _l("Department"),
        "team": _l("Team"),
        "position": _l("Position"),
        "extension": _l("Extension"),
        "hired_on": _l("Hired on"),
        "languages": _l("Languages"),
        "user": _l("Login"),
        "leads": _l("Leads team"),
        "left_on": _l("Left on"),
    }


class TaskView(PortalView):
    """What somebody owes by when."""

    datamodel = PortalInterface(Task)
    title, noun = _l("Tasks"), _l("Task")
    list_columns = ["what", "subject", "clause", "owner", "status", "due_at"]
    show_columns = [*list_columns, "opened_at", "done_at", "late_at"]
    search_columns = ["status", "owner", "due_at"]
    searched = ["subject"]
    scopes = {Scope.OWN: ("owner_id",), Scope.TEAM: ("owner.team_id",), Scope.DEPARTMENT: ("owner.department_id",)}
    base_order = ("due_at", "asc")
    exclude_route_methods = PortalView.exclude_route_methods | {"add", "edit", "delete"}
    has_files = False
    empty_hint = _l("Nothing is due. Tasks that are yours appear here, the most urgent first.")
    label_columns = {
        "what": _l("What is due"),
        "subject": _l("Record"),
        "clause": _l("Clause"),
        "owner": _l("Assignee"),
        "due_at": _l("Due at"),
        "opened_at": _l("Opened at"),
        "done_at": _l("Done at"),
        "late_at": _l("Late since"),
    }

    def queue(self) -> ColumnElement[bool]:
        """What a person owes waits for them, whether its clock runs or not."""
        return and_(Task.status.in_(operations.RUNNING), operations.owed_by(viewer()))

    def default_filters(self) -> dict[str, Any]:
        """Begin with what is still owed."""
        return {"status": [status.name for status in operations.RUNNING]}

    def present(self, item: Task, column: str) -> Any:
        """Lead to the record, and tell how an open task stands with the clock."""
        if column == "subject" and (url := record_url(item)) is not None:
            return Markup('<a href="{}">{}</a>').format(url, item.subject)
        if column == "due_at" and item.status is TaskStatus.OPEN:
            return present.due(item.due_at)
        return super().present(item, column)


def record_url(task: Task) -> str | None:
    """Return the address of the record a task is about, or None for those who may not open such records."""
    screen: Any = _screens_by_table().get(task.entity)
    return screen.key_url(task.record_id) if screen is not None and screen.may("show") else None


def _screens_by_table() -> dict[str, Any]:
    """Return the screen of each table, put together once for a page of tasks."""
    if "portal_screens_by_table" not in g:
        screens = current_app.extensions["portal_views"].items()
        g.portal_screens_by_table = {model.__tablename__: screen for model, screen in screens}
    return g.portal_screens_by_table


def register(builder: AppBuilder) -> None:
    """Put the screens of staff into the portal, and let this room answer for people and tasks."""
    set_viewers(operations.VIEWERS)
    set_task_keeper(operations.Tasks())
    open_screen(builder, TaskView, "mine")
    open_screen(builder, StaffMemberView, "team")
    open_screen(builder, TeamView, "administration")
    open_screen(builder, DepartmentView, "administration")
    open_screen(builder, PositionView, "administration")
