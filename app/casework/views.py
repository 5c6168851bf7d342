"""Screens of casework: the three kinds of tickets, all tickets together, notes, and the lists they are sorted by."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from app.casework import (
    facts,  # noqa: F401 - declares the measures
    operations,
)
from app.casework.models import (
    BusinessRequest,
    Complaint,
    Conclusion,
    Consultation,
    Disposition,
    Note,
    PriorityRule,
    RootCause,
    Ticket,
    Topic,
)
from app.casework.workflow import BUSINESS_REQUEST, COMPLAINT, CONSULTATION
from app.core import clock, present
from app.core.fields_rows import target_of
from app.core.interface import PortalInterface
from app.core.limits import not_in_future
from app.core.menu import open_screen
from app.core.rights import grants
from app.core.scope import Scope
from app.core.views import Link, PortalView
from app.core.views_catalog import CATALOG_COLUMNS, CatalogView
from app.customers.operations import set_case_finder

TICKET_SCOPES: dict[Scope, tuple[str, ...]] = {
    Scope.OWN: ("owner_id",),
    Scope.TEAM: ("team_id",),
    Scope.DEPARTMENT: ("department_id",),
}
TICKET_LABELS = {
    "number": _l("Ticket number"),
    "kind": _l("Kind"),
    "channel": _l("Channel"),
    "customer": _l("Customer"),
    "product_line": _l("Product line"),
    "topic": _l("Topic"),
    "topic.parent": _l("Topic group"),
    "subject": _l("Subject"),
    "story": _l("What the customer says"),
    "contact_at": _l("Contacted at"),
    "opened_at": _l("Logged at"),
    "answered_at": _l("Answered at"),
    "resolved_at": _l("Resolved at"),
    "closed_at": _l("Closed at"),
    "due_at": _l("Next due"),
    "owner": _l("Assignee"),
    "team": _l("Team"),
    "department": _l("Department"),
    "next_action": _l("Next action"),
    "disposition": _l("Finding"),
}
TICKET_HELP = {
    "contact_at": _l("When the customer reached us, not when it is typed in: the periods of the law count from here."),
    "next_action": _l("What happens next, and by whom."),
}


class TopicView(CatalogView):
    """What tickets are about."""

    datamodel = PortalInterface(Topic)
    title, noun = _l("Topics"), _l("Topic")
    list_columns = ["name", "parent", "position", "retired_on", "code"]
    add_columns = ["parent", *CATALOG_COLUMNS]
    search_columns = ["parent"]
    label_columns = {"parent": _l("Belongs to")}


class DispositionView(CatalogView):
    """Who was found to be right."""

    datamodel = PortalInterface(Disposition)
    title, noun = _l("Findings"), _l("Finding")


class ConclusionView(CatalogView):
    """What complaints end with."""

    datamodel = PortalInterface(Conclusion)
    title, noun = _l("Conclusions"), _l("Conclusion")


class RootCauseView(CatalogView):
    """Where complaints have their root."""

    datamodel = PortalInterface(RootCause)
    title, noun = _l("Root causes"), _l("Root cause")


class PriorityRuleView(PortalView):
    """The matrix of urgency and complexity."""

    datamodel = PortalInterface(PriorityRule)
    title, noun = _l("Priority matrix"), _l("Priority rule")
    list_columns = ["urgency", "complexity", "priority"]
    edit_columns = ["priority"]
    search_columns = ["urgency", "complexity", "priority"]
    base_order = ("id", "asc")
    exclude_route_methods = PortalView.exclude_route_methods | {"add", "delete"}
    has_files = False
    label_columns = {"urgency": _l("Urgency"), "complexity": _l("Complexity"), "priority": _l("Priority")}


class NoteView(PortalView):
    """What was done and said in tickets."""

    datamodel = PortalInterface(Note)
    title, noun = _l("Notes"), lazy_pgettext("ticket", "Note")
    list_columns = ["created_at", "text", "author", "is_told", "is_internal", "ticket"]
    add_columns = ["ticket", "text", "is_told", "is_internal"]
    boxed = ("text", "is_told", "is_internal")
    search_columns = ["ticket", "author", "is_told", "created_at"]
    searched = ["text", "ticket.number"]
    scopes: ClassVar[dict[Scope, tuple[str, ...]]] = {
        Scope.OWN: ("author_id", "ticket.owner_id"),
        Scope.TEAM: ("ticket.team_id",),
        Scope.DEPARTMENT: ("ticket.department_id",),
    }
    base_order = ("id", "desc")
    exclude_route_methods = PortalView.exclude_route_methods | {"edit", "delete"}
    description_columns = {"is_internal": _l("Other departments do not see it.")}
    add_label = _l("Add a note")
    label_columns = {
        "ticket": _l("Ticket"),
        "text": _l("What happened"),
        "is_told": _l("The customer was told"),
        "is_internal": _l("Internal"),
        "author": _l("Author"),
    }

    def scope_condition(self, verb: str) -> Any:
        """Keep internal notes from other departments, which see a ticket only as far as it was handed to them."""
        reach = super().scope_condition(verb)
        return (
            reach & ~Note.is_internal if grants().scope(verb, self.class_permission_name) is Scope.DEPARTMENT else reach
        )

    def pre_add(self, item: Note) -> None:
        """Sign the note."""
        operations.add_note(item)

    def post_add(self, item: Note) -> None:
        """Telling the customer something is a response."""
        operations.note_added(item)

    def after_add(self, item: Note) -> str:
        """Go back to the ticket."""
        return ticket_url(item.ticket)


def screen_of(kind: type[Ticket]) -> PortalView:
    """Return the screen of a kind of ticket."""
    screen = target_of(kind)
    assert isinstance(screen, PortalView)  # noqa: S101 - every kind has its screen
    return screen


def ticket_url(ticket: Ticket) -> str:
    """Return the address of a ticket's page, which its kind's screen shows."""
    return screen_of(type(ticket)).show_url(ticket)


class TicketView(PortalView):
    """All tickets, of whatever kind."""

    datamodel = PortalInterface(Ticket)
    title, noun = _l("All tickets"), _l("Ticket")
    list_columns = ["number", "kind", "subject", "customer", "status", "due_at", "owner", "opened_at"]
    search_columns = ["kind", "status", "customer", "owner", "topic", "channel", "opened_at", "closed_at"]
    searched = ["number", "subject", "customer.number"]
    scopes = TICKET_SCOPES
    loaded = ("open_tasks.due_at",)
    formatters_columns = {"due_at": present.due}
    base_order = ("opened_at", "desc")
    exclude_route_methods = PortalView.exclude_route_methods | {"add", "edit", "delete"}
    has_files = False
    label_columns = TICKET_LABELS

    def show_url(self, item: Ticket) -> str:
        """Lead to the page of the ticket's own kind."""
        return ticket_url(item)

    def add_links(self, parent: Any, relation: str) -> list[Link]:
        """Offer to log each kind for a customer."""
        screens = (screen_of(kind) for kind in (Consultation, Complaint, BusinessRequest))
        return [link for screen in screens for link in screen.add_links(parent, relation)]


ASKED_BY = (
    _l("Customer and policy"),
    ("customer", "channel", "contact_at", "product_line", "product", "policy", "company"),
)
HANDLING = (
    _l("Handling"),
    (
        "urgency", "complexity", "priority", "status", "owner", "team", "department", "next_action", "opened_at",
        "submitted_at", "answered_at", "resolved_at", "completed_at", "notified_at", "closed_at"
    ),
)  # fmt: skip
OUTCOME = (
    _l("Outcome"),
    (
        "answer", "has_asked_further", "is_thanked", "remedy", "root_cause", "disposition", "conclusion",
        "recovery_amount", "recovery_currency", "external_number"
    ),
)  # fmt: skip


class OneKindView(PortalView):
    """What the screens of the three kinds have in common."""

    list_columns = ["number", "subject", "customer", "product_line", "status", "due_at", "owner", "opened_at"]
    search_columns = ["status", "customer", "owner", "product_line", "topic", "channel", "opened_at", "closed_at"]
    searched = ["number", "subject", "customer.number"]
    found_globally = True
    found_columns = ("number", "subject", "customer")
    scopes = TICKET_SCOPES
    loaded = ("open_tasks.due_at",)
    formatters_columns = {"due_at": present.due}
    filled_in = ("contact_at", "opened_at")
    added_in_passing = False
    quick = ((_l("Unassigned"), {"owner": "none"}),)
    base_order = ("opened_at", "desc")
    related_views = [NoteView]
    label_columns = TICKET_LABELS
    description_columns = TICKET_HELP

    def _prefill(self) -> dict[str, Any]:
        """Begin with a contact that happens now."""
        return {"contact_at": clock.now(), **super()._prefill()}

    def pre_add(self, item: Ticket) -> None:
        """Give the ticket to whoever logs it."""
        operations.log(item)

    def post_add(self, item: Ticket) -> None:
        """Open what it owes."""
        operations.owe(item)


class ConsultationView(OneKindView):
    """Questions of customers and their answers."""

    datamodel = PortalInterface(Consultation)
    sections = (ASKED_BY, (_l("The question"), ("topic.parent", "topic", "subject", "story")), HANDLING, OUTCOME)
    workflow = CONSULTATION
    title, noun = _l("Consultations"), _l("Consultation")
    list_columns = ["number", "subject", "customer", "topic", "status", "due_at", "owner", "opened_at"]
    search_columns = [*OneKindView.search_columns, "answered_at"]
    show_columns = [
        "number", "subject", "customer", "channel", "product_line", "topic.parent", "topic", "status", "owner", "team",
        "department", "next_action", "contact_at", "opened_at", "answered_at", "closed_at", "story", "answer",
        "has_asked_further", "is_thanked"
    ]  # fmt: skip
    add_columns = ["customer", "channel", "contact_at", "topic", "product_line", "subject", "story", "next_action"]
    required_columns = ("story",)
    edit_columns = ["customer", "channel", "topic", "product_line", "subject", "story", "next_action"]
    label_columns = {
        **TICKET_LABELS,
        "answer": _l("Answer"),
        "has_asked_further": _l("Asked whether there are further questions"),
        "is_thanked": _l("Thanked the customer"),
    }
    add_label = _l("Log a consultation")
    empty_hint = _l("Questions of customers appear here. Log the first one.")


class ComplaintView(OneKindView):
    """Complaints from entry to resolution."""

    datamodel = PortalInterface(Complaint)
    sections = (
        ASKED_BY,
        (_l("The complaint"), ("event_on", "topic.parent", "topic", "subject", "story", "about", "is_apologised")),
        HANDLING,
        OUTCOME,
    )
    workflow = COMPLAINT
    title, noun = _l("Complaints"), _l("Complaint")
    list_columns = [
        "number",
        "subject",
        "customer",
        "product_line",
        "priority",
        "status",
        "due_at",
        "owner",
        "opened_at",
    ]
    show_columns = [
        "number", "subject", "customer", "channel", "product_line", "product", "company", "topic.parent", "topic",
        "urgency", "complexity", "priority", "status", "owner", "team", "department", "about", "next_action",
        "event_on", "contact_at", "opened_at", "resolved_at", "closed_at", "is_apologised", "story", "remedy",
        "root_cause", "disposition", "conclusion", "recovery_amount", "recovery_currency", "external_number"
    ]  # fmt: skip
    add_columns = [
        "customer", "channel", "contact_at", "event_on", "product_line", "product", "topic", "subject", "story",
        "about", "is_apologised", "next_action"
    ]  # fmt: skip
    required_columns = ("event_on", "product_line", "story")
    validators_columns = {"event_on": [not_in_future]}
    import_columns = [
        *add_columns, "opened_at", "closed_at", "urgency", "complexity", "priority", "remedy", "root_cause",
        "disposition", "conclusion", "recovery_amount", "recovery_currency", "company", "external_number"
    ]  # fmt: skip
    edit_columns = [column for column in add_columns if column != "contact_at"]
    search_columns = [
        "status", "priority", "urgency", "customer", "owner", "product_line", "topic", "channel", "opened_at",
        "closed_at", "external_number"
    ]  # fmt: skip
    searched = ["number", "subject", "customer.number", "external_number"]
    no_amounts = ("recovery_amount",)
    label_columns = {
        **TICKET_LABELS,
        "event_on": _l("When it happened"),
        "product": _l("Product"),
        "company": _l("Company complained about"),
        "about": _l("Colleague complained about"),
        "is_apologised": _l("Apologised to the customer"),
        "urgency": _l("Urgency"),
        "complexity": _l("Complexity"),
        "priority": _l("Priority"),
        "remedy": _l("Remedy"),
        "root_cause": _l("Root cause"),
        "conclusion": _l("Conclusion"),
        "recovery_amount": _l("Amount recovered"),
        "recovery_currency": _l("Currency"),
        "external_number": _l("File number elsewhere"),
    }
    add_label = _l("Log a complaint")
    empty_hint = _l("Complaints appear here. Log the first one, or import a list.")


class BusinessRequestView(OneKindView):
    """What customers want done with their policies."""

    datamodel = PortalInterface(BusinessRequest)
    sections = (ASKED_BY, (_l("The request"), ("request_kind", "subject", "story")), HANDLING)
    workflow = BUSINESS_REQUEST
    title, noun = _l("Business requests"), _l("Business request")
    list_columns = ["number", "request_kind", "subject", "customer", "policy", "status", "due_at", "owner", "opened_at"]
    show_columns = [
        "number", "request_kind", "subject", "customer", "policy", "channel", "product_line", "status", "owner", "team",
        "department", "next_action", "contact_at", "opened_at", "submitted_at", "completed_at", "notified_at",
        "closed_at", "story"
    ]  # fmt: skip
    add_columns = [
        "customer", "channel", "contact_at", "request_kind", "policy", "product_line", "subject", "story", "next_action"
    ]  # fmt: skip
    required_columns = ("customer",)
    edit_columns = [column for column in add_columns if column != "contact_at"]
    search_columns = ["status", "request_kind", "customer", "policy", "owner", "department", "opened_at", "closed_at"]
    label_columns = {
        **TICKET_LABELS,
        "request_kind": _l("Request"),
        "policy": _l("Policy"),
        "submitted_at": _l("Submitted at"),
        "completed_at": _l("Completed at"),
        "notified_at": _l("Customer notified at"),
    }
    add_label = _l("Log a business request")
    empty_hint = _l("What customers want done with their policies appears here. Log the first request.")


def register(builder: AppBuilder) -> None:
    """Put the screens of casework into the portal, and let it tell which cases there are."""
    set_case_finder(operations.is_case_of)
    open_screen(builder, NoteView, None)
    open_screen(builder, ConsultationView, "service")
    open_screen(builder, ComplaintView, "service")
    open_screen(builder, BusinessRequestView, "service")
    open_screen(builder, TicketView, "service")
    open_screen(builder, TopicView, "administration")
    open_screen(builder, DispositionView, "administration")
    open_screen(builder, ConclusionView, "administration")
    open_screen(builder, RootCauseView, "administration")
    open_screen(builder, PriorityRuleView, "administration")
