"""Screens of the handbook: clauses, promises, service hours and exceptions of the calendar."""

from __future__ import annotations

from flask import current_app
from flask_appbuilder import AppBuilder
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect as sa_inspect

from app.core import present
from app.core.interface import PortalInterface, is_choice
from app.core.limits import After
from app.core.menu import open_screen
from app.core.views import PortalView
from app.handbook.models import CalendarException, Clause, Promise, ServiceHours
from app.handbook.operations import check_hours


class ClauseView(PortalView):
    """The policy, clause by clause."""

    datamodel = PortalInterface(Clause)
    title, noun = _l("Policy clauses"), _l("Policy clause")
    list_columns = ["number", "chapter", "text"]
    show_columns = [*list_columns, "in_force_from", "in_force_to"]
    add_columns = ["number", "chapter", "text", "in_force_from", "in_force_to"]
    search_columns = ["chapter"]
    no_amounts = ("chapter",)
    searched = ["number", "text"]
    found_globally = True
    base_order = ("number", "asc")
    has_files = False
    validators_columns = {"in_force_to": [After("in_force_from")]}
    label_columns = {
        "number": _l("Clause"),
        "chapter": _l("Chapter"),
        "text": _l("Text"),
        "in_force_from": _l("In force from"),
        "in_force_to": _l("In force to"),
    }


def condition_words(condition: str) -> str:
    """Return a condition in the words of the screens it speaks of: «Priority: High» for ``priority=HIGH``."""
    return _(", ").join(_term_words(*term.split("=", 1)) for term in condition.split())


def _term_words(name: str, wanted: str = "") -> str:
    for model, screen in current_app.extensions["portal_views"].items():
        column = sa_inspect(model).columns.get(name)
        if column is not None and is_choice(column.type) and wanted in column.type.enum_class.__members__:
            return present.about(screen.label_columns[name], column.type.enum_class[wanted])
    # Not of a closed list: a condition somebody wrote for a figure or a name.
    return f"{name} = {wanted}"


class PromiseView(PortalView):
    """How long things may take."""

    datamodel = PortalInterface(Promise)
    title, noun = _l("Service promises"), _l("Service promise")
    list_columns = ["name", "condition", "length_number", "length_unit", "clause", "is_statutory"]
    show_columns = [*list_columns, "code", "article", "in_force_from", "in_force_to"]
    add_columns = [
        "code",
        "name_zh_hant",
        "name_zh_hans",
        "name_en",
        "condition",
        "length_number",
        "length_unit",
        "clause",
        "article",
        "is_statutory",
        "in_force_from",
        "in_force_to",
    ]
    search_columns = ["clause", "is_statutory"]
    no_amounts = ("length_number",)
    searched = ["code", "name_zh_hant", "name_zh_hans", "name_en"]
    base_order = ("code", "asc")
    has_files = False
    label_columns = {
        "condition": _l("Applies when"),
        "length_number": _l("Length"),
        "length_unit": _l("Counted in"),
        "clause": _l("Clause"),
        "article": _l("Article of law"),
        "is_statutory": _l("Set by law"),
        "in_force_from": _l("In force from"),
        "in_force_to": _l("In force to"),
    }
    formatters_columns = {"condition": condition_words}
    validators_columns = {"in_force_to": [After("in_force_from")]}
    description_columns = {"condition": _l("For example impact=STOPS_WORK; empty fits every record.")}


class ServiceHoursView(PortalView):
    """When the office is open in an ordinary week."""

    datamodel = PortalInterface(ServiceHours)
    title, noun = _l("Service hours"), _l("Opening hours of a weekday")
    list_columns = ["weekday", "opens_at", "closes_at"]
    add_columns = ["weekday", "opens_at", "closes_at"]
    search_columns = ["weekday"]
    base_order = ("id", "asc")
    has_files = False
    label_columns = {"weekday": _l("Weekday"), "opens_at": _l("Opens at"), "closes_at": _l("Closes at")}

    def pre_add(self, item: ServiceHours) -> None:
        """Refuse hours that overlap."""
        check_hours(item)

    pre_update = pre_add


class CalendarExceptionView(PortalView):
    """Days that differ from the week and the public holidays."""

    datamodel = PortalInterface(CalendarException)
    title, noun = _l("Calendar exceptions"), _l("Calendar exception")
    list_columns = ["day", "reason", "opens_at", "closes_at"]
    add_columns = ["day", "reason", "opens_at", "closes_at"]
    search_columns = ["day"]
    searched = ["reason"]
    base_order = ("day", "desc")
    has_files = False
    label_columns = {"day": _l("Day"), "reason": _l("Reason"), "opens_at": _l("Opens at"), "closes_at": _l("Closes at")}
    description_columns = {"opens_at": _l("Leave both times empty for a day that is closed.")}


def register(builder: AppBuilder) -> None:
    """Put the handbook's screens into the portal."""
    open_screen(builder, ClauseView, "administration")
    open_screen(builder, PromiseView, "administration")
    open_screen(builder, ServiceHoursView, "administration")
    open_screen(builder, CalendarExceptionView, "administration")
