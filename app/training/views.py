"""Screens of training: topic areas, plans with their items, courses, sessions and who takes part."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_appbuilder import AppBuilder
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_
from wtforms.validators import NumberRange

from app.core.errors import RuleError
from app.core.interface import PortalInterface
from app.core.menu import open_screen
from app.core.rights import grants
from app.core.scope import Scope, scope_clause
from app.core.views import PortalView
from app.core.views_catalog import CatalogView
from app.training import (
    facts,  # noqa: F401 - declares the measures
    operations,
)
from app.training.models import (
    Course,
    Enrolment,
    PlanItem,
    PlanStatus,
    SessionStatus,
    TopicArea,
    TrainingPlan,
    TrainingSession,
)
from app.training.workflow import ENROLMENT, PLAN, SESSION

ROWS_OF_A_PLAN = 100
YEARS = (2000, 2100)
READING = frozenset({"list", "show", "lookup", "export"})
RUN_BY = {Scope.OWN: ("trainer_id",), Scope.TEAM: ("team_id", "trainer.team_id")}
"""Who may run a session; to take part in one is not to run it."""


def plan_is_closed(plan: TrainingPlan) -> LazyString | None:
    """Return why a plan and its items cannot be changed, or None for a draft."""
    if plan.status in {None, PlanStatus.DRAFT}:
        return None
    return _l("Only a draft can be changed. Send it back, or revise it to begin the next edition.")


class TopicAreaView(CatalogView):
    """What training covers."""

    datamodel = PortalInterface(TopicArea)
    title, noun = _l("Topic areas"), _l("Topic area")


class EnrolmentView(PortalView):
    """Who takes part in which session, was told, has read it, came."""

    datamodel = PortalInterface(Enrolment)
    workflow = ENROLMENT
    title, noun = _l("Training places"), _l("Training place")
    list_columns = ["session", "person", "status", "notified_at", "read_at"]
    show_columns = [*list_columns, "session.starts_at", "session.ends_at", "session.place", "session.agenda"]
    add_columns = ["session", "person"]
    edit_columns = []
    search_columns = ["session", "person", "status"]
    searched = ["person.name", "session.course.title", "session.course.code"]
    queue_steps = ("read",)
    scopes = {Scope.OWN: ("person_id",), Scope.TEAM: ("person.team_id",), Scope.DEPARTMENT: ("person.department_id",)}
    base_order = ("id", "desc")
    exclude_route_methods = PortalView.exclude_route_methods | {"edit"}
    has_files = False
    related_rows = ROWS_OF_A_PLAN
    rows_columns = ("person", "status")
    label_columns = {
        "session": _l("Session"),
        "person": _l("Participant"),
        "notified_at": _l("Notified at"),
        "read_at": _l("Read at"),
        "session.starts_at": _l("Starts at"),
        "session.ends_at": _l("Ends at"),
        "session.place": _l("Place"),
        "session.agenda": _l("Content"),
    }
    add_label = _l("Enrol")
    empty_hint = _l("Sessions you are enrolled in appear here.")

    def locked(self, item: Enrolment) -> LazyString | None:
        """The list of participants stands once the session is over."""
        return self.locked_under(item.session) if item.session is not None else None

    def locked_under(self, parent: TrainingSession) -> LazyString | None:
        """The same for new places."""
        over = parent.status in {SessionStatus.HELD, SessionStatus.CANCELLED}
        return _l("This session is over or cancelled.") if over else None

    def pre_add(self, item: Enrolment) -> None:
        """Check that there is a place."""
        operations.enrol(item)

    def post_add(self, item: Enrolment) -> None:
        """Tell a latecomer at once."""
        operations.enrolled(item)

    def after_add(self, item: Enrolment) -> str:
        """Go back to the session."""
        return url_for("TrainingSessionView.show", pk=item.session_id)


class TrainingSessionView(PortalView):
    """Courses held: when, where, how, by whom."""

    datamodel = PortalInterface(TrainingSession)
    sections = (
        (_l("When and where"), ("starts_at", "ends_at", "place", "method", "capacity")),
        (_l("Who"), ("trainer", "outside_trainer", "team", "plan_item")),
    )
    workflow = SESSION
    title, noun = _l("Training sessions"), _l("Training session")
    list_columns = ["starts_at", "course", "place", "method", "trainer", "team", "status"]
    show_columns = [
        *list_columns,
        "ends_at",
        "outside_trainer",
        "plan_item",
        "capacity",
        "agenda",
        "notified_at",
        "notice_days",
        "reason",
    ]
    add_columns = [
        "course",
        "starts_at",
        "ends_at",
        "place",
        "method",
        "trainer",
        "outside_trainer",
        "team",
        "capacity",
        "plan_item",
        "agenda",
    ]
    edit_columns = [name for name in add_columns if name != "team"]
    search_columns = ["status", "course", "plan_item", "team", "trainer", "starts_at", "method"]
    searched = ["course.title", "course.code", "place", "outside_trainer"]
    scopes = {
        Scope.OWN: ("enrolments.person_id", "trainer_id"),
        Scope.TEAM: ("team_id", "trainer.team_id", "enrolments.person.team_id"),
    }
    base_order = ("starts_at", "desc")
    related_views = [EnrolmentView]
    label_columns = {
        "course": _l("Course"),
        "starts_at": _l("Starts at"),
        "ends_at": _l("Ends at"),
        "place": _l("Place"),
        "method": _l("Method"),
        "trainer": _l("Trainer"),
        "outside_trainer": _l("Outside trainer"),
        "team": _l("For the team"),
        "capacity": _l("Places"),
        "plan_item": _l("Item of the plan"),
        "agenda": _l("Content"),
        "notified_at": _l("Notified at"),
        "notice_days": _l("Days of notice"),
        "reason": _l("Reason"),
    }
    description_columns = {
        "team": _l(
            "Everyone in the team is enrolled when the session is saved. Leave it empty to enrol single people."
        ),
        "agenda": _l("Participants read this in their notice."),
    }
    add_label = _l("Plan a session")

    def scope_condition(self, verb: str) -> ColumnElement[bool]:
        """Participants read a session; only those who run it change it."""
        if verb in READING:
            return super().scope_condition(verb)
        return scope_clause(self.model, grants().scope(verb, self.class_permission_name), RUN_BY)

    def queue(self) -> None:
        """Nobody works sessions off; what waits for their participants is told at the training places."""

    def locked(self, item: TrainingSession) -> LazyString | None:
        """What participants were told is changed only so that they are told again."""
        if item.status in {None, SessionStatus.PLANNED}:
            return None
        if item.status is SessionStatus.NOTIFIED:
            return _l(
                "The participants know this time and place. Choose “Change time or place” first; they are told again."
            )
        return _l("This session is over or cancelled.")

    def pre_add(self, item: TrainingSession) -> None:
        """Check the times, and that a lead plans for the own team."""
        operations.check_session(item)
        if item.team is None and grants().scope("add", self.class_permission_name) < Scope.ALL:
            raise RuleError(_("Choose the team the session is for."), field="team")

    def post_add(self, item: TrainingSession) -> None:
        """Enrol the team."""
        operations.enrol_team(item)

    def pre_update(self, item: TrainingSession) -> None:
        """Check the times."""
        operations.check_session(item)


class PlanItemView(PortalView):
    """What a plan means to teach."""

    datamodel = PortalInterface(PlanItem)
    title, noun = _l("Items of training plans"), _l("Item of a training plan")
    list_columns = ["title", "quarter", "topic_area", "method", "audience", "hours", "plan"]
    add_columns = ["plan", "title", "topic_area", "method", "quarter", "audience", "hours"]
    edit_columns = [name for name in add_columns if name != "plan"]
    search_columns = ["plan", "quarter", "topic_area", "method"]
    searched = ["title", "audience"]
    base_order = ("quarter", "asc")
    has_files = False
    related_rows = ROWS_OF_A_PLAN
    rows_columns = ("title", "topic_area", "method", "quarter", "audience", "hours")
    adds_many = True
    related_views = [TrainingSessionView]
    label_columns = {
        "plan": _l("Training plan"),
        "quarter": _l("Quarter"),
        "topic_area": _l("Topic area"),
        "title": _l("What is taught"),
        "method": _l("Method"),
        "audience": _l("For whom"),
        "hours": _l("Hours"),
    }
    description_columns = {"audience": _l("For example: all agents, new colleagues, team 1.")}
    add_label = _l("Add an item")

    def scope_condition(self, verb: str) -> ColumnElement[bool]:
        """Sessions are planned for items of plans in force."""
        reach = super().scope_condition(verb)
        return and_(reach, PlanItem.plan.has(status=PlanStatus.APPROVED)) if verb == "lookup" else reach

    def locked(self, item: PlanItem) -> LazyString | None:
        """Items change while their plan is a draft."""
        return plan_is_closed(item.plan) if item.plan is not None else None

    def locked_under(self, parent: TrainingPlan) -> LazyString | None:
        """The same for new items."""
        return plan_is_closed(parent)

    def after_add(self, item: PlanItem) -> str:
        """Go back to the plan, or on to the next item of the same quarter."""
        if "again" in request.form:
            return url_for("PlanItemView.add", plan=item.plan_id, quarter=item.quarter.name)
        return self.after_edit(item)

    def after_edit(self, item: PlanItem) -> str:
        """Go back to the plan."""
        return url_for("TrainingPlanView.show", pk=item.plan_id)

    after_delete = after_edit


class TrainingPlanView(PortalView):
    """What the department means to learn in a year, edition by edition."""

    datamodel = PortalInterface(TrainingPlan)
    workflow = PLAN
    title, noun = _l("Training plans"), _l("Training plan")
    list_columns = ["year", "edition", "status", "budget", "author", "approver", "approved_at"]
    show_columns = [*list_columns, "hours", "uncovered", "goals", "answer"]
    add_columns = ["year", "budget", "goals"]
    edit_columns = ["budget", "goals"]
    search_columns = ["status", "year"]
    no_amounts = ("year", "edition")
    searched = ["goals"]
    found_globally = True
    found_columns = ("year", "edition", "author")
    queue_steps = ("approve",)
    base_order = ("id", "desc")
    related_views = [PlanItemView]
    validators_columns = {"year": [NumberRange(*YEARS)]}
    label_columns = {
        "year": _l("Year"),
        "edition": _l("Edition"),
        "budget": _l("Budget"),
        "author": _l("Author"),
        "approver": _l("Approved by"),
        "approved_at": _l("Approved at"),
        "goals": _l("Goals"),
        "answer": _l("Answer"),
        "hours": _l("Hours in total"),
        "uncovered": _l("Topic areas without an item"),
    }
    description_columns = {
        "goals": _l(
            "What people should know or do better at the end of the year. The items, with content, method and quarter, "
            "are added on the plan's page."
        ),
    }
    empty_hint = _l("Every year has a plan with goals, content, methods and schedule. Begin this year's.")

    def present(self, item: TrainingPlan, column: str) -> Any:
        """A year is no amount: it has no thousands separator."""
        return str(item.year) if column == "year" else super().present(item, column)

    def locked(self, item: TrainingPlan) -> LazyString | None:
        """Only a draft changes."""
        return plan_is_closed(item)

    def pre_add(self, item: TrainingPlan) -> None:
        """Fill in author and edition."""
        operations.begin_plan(item)


class CourseView(PortalView):
    """Courses that can be held again and again."""

    datamodel = PortalInterface(Course)
    title, noun = _l("Courses"), _l("Course")
    list_columns = ["code", "title", "topic_area", "level", "hours", "retired_on"]
    show_columns = [*list_columns, "summary"]
    add_columns = ["code", "title", "topic_area", "level", "hours", "summary", "retired_on"]
    search_columns = ["topic_area", "level"]
    searched = ["code", "title"]
    found_globally = True
    base_order = ("code", "asc")
    related_views = [TrainingSessionView]
    label_columns = {
        "title": _l("Title"),
        "topic_area": _l("Topic area"),
        "level": _l("Level"),
        "hours": _l("Hours"),
        "summary": _l("Summary"),
    }


def register(builder: AppBuilder) -> None:
    """Put the screens of training into the portal; children before what they belong to."""
    open_screen(builder, EnrolmentView, "mine")
    open_screen(builder, TrainingSessionView, "team")
    open_screen(builder, PlanItemView, None)
    open_screen(builder, TrainingPlanView, "team")
    open_screen(builder, CourseView, "team")
    open_screen(builder, TopicAreaView, "administration")
