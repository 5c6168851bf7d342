"""Screens of the roster: shift types, coverage, shifts, leave, swaps, attendance; the board is in ``views_board``."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_appbuilder import AppBuilder
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_

from app.core import clock
from app.core.fields import iso_day
from app.core.interface import PortalInterface
from app.core.limits import not_in_future
from app.core.menu import open_screen
from app.core.scope import Scope
from app.core.views import PortalView
from app.core.views_catalog import CATALOG_COLUMNS, CatalogView
from app.roster import (
    facts,  # noqa: F401 - declares the measures
    operations,
)
from app.roster.models import (
    AttendanceDay,
    AttendanceStatus,
    CoverageRule,
    LeaveKind,
    LeaveRequest,
    LeaveStatus,
    RosterWeek,
    Shift,
    ShiftSwap,
    ShiftType,
    WeekStatus,
)
from app.roster.views_board import RosterWeekView
from app.roster.workflow import ATTENDANCE, LEAVE, SWAP

ROWS_OF_A_TEAM = 50
PERSON_SCOPES = {
    Scope.OWN: ("person_id",),
    Scope.TEAM: ("person.team_id",),
    Scope.DEPARTMENT: ("person.department_id",),
}


class ShiftTypeView(CatalogView):
    """Shift types with their hours."""

    datamodel = PortalInterface(ShiftType)
    title, noun = _l("Shift types"), _l("Shift type")
    list_columns = ["name", "starts_at", "ends_at", "break_minutes", "color", "retired_on", "code"]
    search_columns = ["color", "retired_on"]
    show_columns = [*list_columns, "is_over_midnight", "work", "position"]
    add_columns = ["starts_at", "ends_at", "break_minutes", "color", *CATALOG_COLUMNS]
    label_columns = {
        "starts_at": _l("Starts at"),
        "ends_at": _l("Ends at"),
        "break_minutes": _l("Break in minutes"),
        "color": _l("Colour"),
        "is_over_midnight": _l("Over midnight"),
        "work": _l("Working time"),
    }
    description_columns = {"ends_at": _l("A time up to the start means the next day.")}


class LeaveKindView(CatalogView):
    """Kinds of leave."""

    datamodel = PortalInterface(LeaveKind)
    title, noun = _l("Kinds of leave"), _l("Kind of leave")
    list_columns = ["name", "is_paid", "position", "retired_on", "code"]
    search_columns = ["is_paid", "retired_on"]
    add_columns = ["is_paid", *CATALOG_COLUMNS]
    label_columns = {"is_paid": _l("Paid")}


class CoverageRuleView(PortalView):
    """How many people each shift needs."""

    datamodel = PortalInterface(CoverageRule)
    title, noun = _l("Coverage rules"), _l("Coverage rule")
    list_columns = ["team", "weekday", "shift_type", "least", "best"]
    add_columns = ["team", "weekday", "shift_type", "least", "best"]
    search_columns = ["team", "weekday", "shift_type"]
    scopes = {Scope.TEAM: ("team_id",), Scope.DEPARTMENT: ("team.department_id",)}
    base_order = ("id", "asc")
    has_files = False
    related_rows = ROWS_OF_A_TEAM
    rows_columns = ("weekday", "shift_type", "least", "best")
    label_columns = {
        "team": _l("Team"),
        "weekday": _l("Weekday"),
        "shift_type": _l("Shift"),
        "least": _l("Least number of people"),
        "best": _l("Best number of people"),
    }
    empty_hint = _l("With a rule for each shift and weekday the roster board shows where people are missing.")


class ShiftView(PortalView):
    """Who works when; those who make rosters see drafts, all others what was published once."""

    datamodel = PortalInterface(Shift)
    title, noun = _l("Shifts"), _l("Shift")
    list_columns = ["day", "person", "shift_type", "team", "seat"]
    add_columns = ["person", "day", "shift_type", "seat"]
    edit_columns = ["shift_type", "seat"]
    search_columns = ["day", "person", "shift_type", "team"]
    searched = ["person.name", "person.number"]
    scopes = {Scope.OWN: ("person_id",), Scope.TEAM: ("team_id",), Scope.DEPARTMENT: ("person.department_id",)}
    base_order = ("day", "asc")
    has_files = False
    label_columns = {
        "day": _l("Day"),
        "person": _l("Person"),
        "shift_type": _l("Shift"),
        "team": _l("Team"),
        "seat": _l("Area or seat"),
    }
    empty_hint = _l("Your shifts appear here when your team's week is published.")

    def default_filters(self) -> dict[str, Any]:
        """Begin with today."""
        return {"day__ge": str(clock.today())}

    def scope_condition(self, verb: str) -> ColumnElement[bool]:
        """Keep drafts to those who make them; look-ups offer what can still be swapped."""
        reach = super().scope_condition(verb)
        if not self.may("edit"):
            reach = and_(reach, Shift.week.has(RosterWeek.published_at.is_not(None)))
        return and_(reach, Shift.day >= clock.today()) if verb == "lookup" else reach

    def search_extra(self, text: str) -> Any | None:
        """Find shifts by their day, too: 2026-11-24, 2026/11/24."""
        try:
            return Shift.day == date.fromisoformat(iso_day(text))
        except ValueError:
            return None

    def locked(self, item: Shift) -> LazyString | None:
        """A published week is reopened before its shifts are changed."""
        if item.team_id is None:
            return None
        week = operations.week_of(item.team_id, item.monday)
        if week is None or week.status is WeekStatus.DRAFT:
            return None
        return _l("This week is published. Reopen it on the roster board to change it.")

    def pre_add(self, item: Shift) -> None:
        """Put the shift into its person's team and week."""
        operations.place(item)


class LeaveRequestView(PortalView):
    """Who asked to be away when."""

    datamodel = PortalInterface(LeaveRequest)
    workflow = LEAVE
    title, noun = _l("Leave"), _l("Leave request")
    list_columns = ["number", "person", "kind", "first_on", "last_on", "hours", "status"]
    show_columns = [*list_columns, "reason", "answer", "decided_by", "decided_at"]
    add_columns = ["kind", "first_on", "last_on", "hours", "reason", "person"]
    edit_columns = ["kind", "first_on", "last_on", "hours", "reason"]
    search_columns = ["status", "person", "kind", "first_on"]
    searched = ["number", "person.name", "reason"]
    found_globally = True
    queue_steps = ("approve",)
    scopes = PERSON_SCOPES
    base_order = ("first_on", "desc")
    label_columns = {
        "person": _l("Person"),
        "kind": _l("Kind of leave"),
        "first_on": _l("First day"),
        "last_on": _l("Last day"),
        "hours": _l("Hours"),
        "reason": _l("Reason"),
        "answer": _l("Answer"),
        "decided_by": _l("Decided by"),
        "decided_at": _l("Decided at"),
    }
    description_columns = {
        "hours": _l("Only for leave within one day."),
        "person": _l("Leave it empty to ask for yourself."),
    }
    filled_in = ("person",)
    add_label = _l("Ask for leave")

    def locked(self, item: LeaveRequest) -> LazyString | None:
        """What was decided stays as it is."""
        return _l("This request was answered already.") if item.status not in {None, LeaveStatus.ASKED} else None

    def pre_add(self, item: LeaveRequest) -> None:
        """Fill in who asks, and check the days."""
        operations.ask_leave(item)

    def pre_update(self, item: LeaveRequest) -> None:
        """Check the days."""
        operations.ask_leave(item)

    def post_add(self, item: LeaveRequest) -> None:
        """Start the promise to answer."""
        operations.leave_asked(item)


class ShiftSwapView(PortalView):
    """Who wants to swap which shift with whom."""

    datamodel = PortalInterface(ShiftSwap)
    workflow = SWAP
    title, noun = _l("Shift swaps"), _l("Shift swap")
    list_columns = ["number", "asker", "day", "colleague", "other_day", "status"]
    show_columns = [*list_columns, "shift", "other_shift", "reason", "answer", "decided_by", "decided_at"]
    add_columns = ["shift", "colleague", "other_shift", "reason"]
    required_columns = ("shift",)
    search_columns = ["status", "asker", "colleague", "day"]
    searched = ["number", "asker.name", "colleague.name"]
    found_globally = True
    queue_steps = ("agree", "approve")
    scopes = {
        Scope.OWN: ("asker_id", "colleague_id"),
        Scope.TEAM: ("asker.team_id",),
        Scope.DEPARTMENT: ("asker.department_id",),
    }
    base_order = ("number", "desc")
    exclude_route_methods = PortalView.exclude_route_methods | {"edit", "delete"}
    has_files = False
    label_columns = {
        "asker": _l("Asked by"),
        "day": _l("Day given away"),
        "colleague": _l("Colleague"),
        "other_day": _l("Day taken"),
        "shift": _l("Shift to give away"),
        "other_shift": _l("Shift to take"),
        "reason": _l("Reason"),
        "answer": _l("Answer"),
        "decided_by": _l("Decided by"),
        "decided_at": _l("Decided at"),
    }
    description_columns = {
        "shift": _l("Type your name or a day, such as 2026-11-24."),
        "other_shift": _l("Leave it empty if the colleague simply takes your shift."),
    }
    add_label = _l("Ask to swap")

    def pre_add(self, item: ShiftSwap) -> None:
        """Fill in who asks, and check the shifts."""
        operations.ask_swap(item)

    def post_add(self, item: ShiftSwap) -> None:
        """Start the colleague's promise to answer."""
        operations.swap_asked(item)


class AttendanceDayView(PortalView):
    """Who came when, against the plan."""

    datamodel = PortalInterface(AttendanceDay)
    workflow = ATTENDANCE
    title, noun = _l("Attendance"), _l("Attendance of a day")
    list_columns = [
        "day",
        "person",
        "shift_type",
        "clocked_in_at",
        "clocked_out_at",
        "late_minutes",
        "early_minutes",
        "is_absent",
        "status",
    ]
    show_columns = [*list_columns, "planned_from", "planned_to", "reason", "correction", "answer"]
    add_columns = ["person", "day", "shift_type", "clocked_in_at", "clocked_out_at", "reason"]
    queue_steps = ("close", "correct")
    edit_columns = ["shift_type", "clocked_in_at", "clocked_out_at", "reason"]
    search_columns = ["status", "person", "day", "is_absent", "late_minutes"]
    searched = ["person.name", "person.number"]
    scopes = PERSON_SCOPES
    base_order = ("day", "desc")
    label_columns = {
        "day": _l("Day"),
        "person": _l("Person"),
        "shift_type": _l("Shift"),
        "planned_from": _l("Planned from"),
        "planned_to": _l("Planned to"),
        "clocked_in_at": _l("Clocked in at"),
        "clocked_out_at": _l("Clocked out at"),
        "late_minutes": _l("Late by minutes"),
        "early_minutes": _l("Left early by minutes"),
        "is_absent": _l("Absent"),
        "reason": _l("Reason"),
        "correction": _l("What should be corrected"),
        "answer": _l("Answer"),
    }
    description_columns = {"shift_type": _l("Leave it empty to take the shift from the roster.")}
    validators_columns = {"clocked_in_at": [not_in_future], "clocked_out_at": [not_in_future]}

    def locked(self, item: AttendanceDay) -> LazyString | None:
        """A closed day changes only through a correction."""
        if item.status in {None, AttendanceStatus.OPEN}:
            return None
        return _l("This day is closed. Its person can ask for a correction.")

    def pre_add(self, item: AttendanceDay) -> None:
        """Take the plan from the roster and work out the minutes."""
        operations.work_out(item)

    def pre_update(self, item: AttendanceDay) -> None:
        """Work out the minutes."""
        operations.work_out(item)


def register(builder: AppBuilder) -> None:
    """Put the roster's screens into the portal."""
    open_screen(builder, ShiftView, "mine")
    open_screen(builder, LeaveRequestView, "mine")
    open_screen(builder, ShiftSwapView, "mine")
    open_screen(builder, RosterWeekView, "team")
    open_screen(builder, AttendanceDayView, "team")
    open_screen(builder, CoverageRuleView, "administration")
    open_screen(builder, ShiftTypeView, "administration")
    open_screen(builder, LeaveKindView, "administration")
