"""What logging, triage, hand-over and the end of a ticket change (clauses 3.1 to 3.3)."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import exists, select

from app.casework.models import BusinessRequest, Complaint, Consultation, Note, PriorityRule, Ticket, TicketStatus
from app.core import actor, clock
from app.core.catalogs import catalog_row
from app.core.db import db
from app.core.errors import RuleError
from app.core.workflow import begin, task_keeper
from app.customers.models import Customer
from app.staff.models import Department, Team
from app.staff.operations import hand_tasks_to, person_of

OWED_FROM_CONTACT = {
    Consultation: ("first_response",),
    Complaint: ("first_response", "complaint_triage", "complaint_statutory"),
    BusinessRequest: ("first_response",),
}


def is_case_of(number: str, customer: Customer) -> bool:
    """Tell whether a number is a ticket's that is, or may still turn out to be, about this customer."""
    known = (Ticket.customer_id == customer.id) | Ticket.customer_id.is_(None)
    return bool(db.session.scalar(select(exists().where(Ticket.number == number.strip(), known))))


def log(ticket: Ticket) -> None:
    """Give a new ticket to whoever logs it; raises RuleError for a contact that is still to come.

    A ticket that ended before it came here (an imported one) is closed from the start.
    """
    now = clock.now()
    if ticket.closed_at is not None:
        ticket.opened_at = ticket.opened_at or ticket.contact_at or ticket.closed_at
        ticket.contact_at = ticket.contact_at or ticket.opened_at
        ticket.resolved_at, ticket.status = ticket.closed_at, TicketStatus.CLOSED
        return
    ticket.contact_at = ticket.contact_at or ticket.opened_at or now
    ticket.opened_at = ticket.opened_at or now
    if ticket.opened_at > now or ticket.contact_at > ticket.opened_at:
        raise RuleError(_("The contact cannot be in the future."), field="contact_at")
    ticket.owner = ticket.owner or person_of(actor.user_id())
    _follow_owner(ticket)


def owe(ticket: Ticket) -> None:
    """Open what a new ticket owes. The law counts from the contact, not from when somebody typed it in."""
    if ticket.closed_at is None:
        begin(ticket, OWED_FROM_CONTACT[type(ticket)], ticket.contact_at)


def _follow_owner(ticket: Ticket) -> None:
    """Let the owner's team and department see the ticket; an owner without a team leaves it with the last one."""
    if ticket.owner is None:
        return
    if isinstance(ticket, Complaint) and ticket.about is not None:
        about, owner = ticket.about, ticket.owner
        if owner is about or (owner.leads_id is not None and owner.leads_id == about.team_id):
            raise RuleError(
                _("Nobody may handle a complaint about themselves or about somebody they lead."), field="owner"
            )
    # Held in the session, they are found there when the owner is asked for them.
    catalog_row(Team, ticket.owner.team_id)
    catalog_row(Department, ticket.owner.department_id)
    ticket.team = ticket.owner.team or ticket.owner.leads or ticket.team
    ticket.department = ticket.owner.department


def hand_over(ticket: Ticket, now: datetime) -> None:
    """Give the ticket and what is still owed for it to the new owner; their team sees it from here on."""
    del now
    if ticket.owner is not None and ticket.owner.left_on is not None and ticket.owner.left_on < clock.today():
        raise RuleError(_("%(name)s has left the company.", name=ticket.owner.name), field="owner")
    _follow_owner(ticket)
    hand_tasks_to(ticket, ticket.owner)


def answer(ticket: Ticket, now: datetime) -> None:
    """Note when the answer was given."""
    ticket.answered_at = now


def triage(complaint: Complaint, now: datetime) -> None:
    """Let the matrix say the priority, and assign the complaint (clause 3.2.3); raises RuleError where it says nothing.

    Without an assignee it waits, with all that is owed for it, in the queue of the team leaders.
    """
    hand_over(complaint, now)
    rule = select(PriorityRule.priority).where(
        PriorityRule.urgency == complaint.urgency, PriorityRule.complexity == complaint.complexity
    )
    complaint.priority = db.session.scalar(rule)
    if complaint.priority is None:
        raise RuleError(_("The priority matrix has no row for this urgency and complexity. Ask an administrator."))


def resolve(ticket: Ticket, now: datetime) -> None:
    """Note when the customer was told how it ends."""
    ticket.resolved_at = now


def submit(request: BusinessRequest, now: datetime) -> None:
    """Note when the request went to the department, which sees it from here on."""
    request.submitted_at = now


def complete(request: BusinessRequest, now: datetime) -> None:
    """Note when the department was done."""
    request.completed_at = now


def notify(request: BusinessRequest, now: datetime) -> None:
    """Note when the customer was told."""
    request.notified_at = now


def close(ticket: Ticket, now: datetime) -> None:
    """Note when the ticket ended."""
    ticket.closed_at = now


def reopen(ticket: Ticket, now: datetime) -> None:
    """Forget the end: the matter is open again."""
    del now
    ticket.closed_at = ticket.resolved_at = ticket.answered_at = None


def add_note(note: Note) -> None:
    """Sign a new note."""
    note.author = person_of(actor.user_id())


def note_added(note: Note) -> None:
    """Telling the customer something is a response (clause 1.3.3)."""
    if note.is_told:
        task_keeper().keep(note.ticket, "first_response", clock.now())
