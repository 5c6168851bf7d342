"""Chapter 3: tickets of three kinds, their notes, and the lists they are sorted by (工作流程).

The three kinds share the table ``ticket``; each has a table of its own for the facts only it has. A ticket is always
of one of the kinds, never of none.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    and_,
    case,
    func,
    select,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, declared_attr, foreign, mapped_column, relationship

from app.core import clock
from app.core.db import Model
from app.core.entity import Catalog, Numbered, Recorded
from app.core.types import Choice, Day, Flag, Line, Moment, Money, Prose, choice_column
from app.customers.models import Channel, Customer, Jurisdiction, Policy, ProductLine
from app.staff.models import Department, StaffMember, Task, TaskStatus, Team


class Topic(Catalog, Model):
    """What a ticket is about; a narrower topic belongs to a wider one (諮詢與申訴主題, clause 2.1.1)."""

    __tablename__ = "topic"
    is_long: ClassVar[bool] = True

    parent_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id", ondelete="RESTRICT"), index=True)
    parent: Mapped[Topic | None] = relationship(remote_side="Topic.id")


class Disposition(Catalog, Model):
    """Who was found to be right when a ticket ended (處理認定)."""

    __tablename__ = "disposition"


class Conclusion(Catalog, Model):
    """What a complaint ended with for the customer: paid, explained, refused (處理結果)."""

    __tablename__ = "conclusion"


class RootCause(Catalog, Model):
    """Where a justified complaint has its root (根本原因, clause 3.2.4)."""

    __tablename__ = "root_cause"


class TicketKind(Choice):
    """What the customer wants of us."""

    CONSULTATION = _l("Consultation"), "progress"
    COMPLAINT = _l("Complaint"), "late"
    BUSINESS_REQUEST = _l("Business request"), "calm"


OPEN_TASKS = (Task.entity.in_([kind.name.lower() for kind in TicketKind]), Task.status == TaskStatus.OPEN)
"""What tells the open tasks of tickets, of whatever kind."""


class TicketStatus(Choice):
    """Where a ticket stands; each kind goes its own way through these."""

    LOGGED = _l("Logged"), "soon"
    ASSIGNED = _l("Assigned"), "soon"
    IN_PROGRESS = _l("In progress"), "progress"
    WAITING = _l("Waiting for the customer"), "calm"
    GUIDED = _l("Guide given"), "progress"
    RECEIVED = _l("Documents received"), "soon"
    REVIEWED = _l("Reviewed"), "progress"
    SUBMITTED = _l("With the department"), "progress"
    COMPLETED = _l("Completed"), "done"
    NOTIFIED = _l("Customer notified"), "done"
    ANSWERED = _l("Answered"), "done"
    RESOLVED = _l("Resolved"), "done"
    CLOSED = _l("Closed"), "calm"


class Ticket(Numbered, Recorded, Model):
    """One matter of one customer, with an owner and a next action (案件, clause 2.1.2)."""

    __tablename__ = "ticket"
    __table_args__: Any = (
        CheckConstraint("opened_at >= contact_at", name="opened_after_contact"),
        CheckConstraint("closed_at IS NULL OR closed_at >= opened_at", name="closed_after_opened"),
        CheckConstraint("(status = 'CLOSED') = (closed_at IS NOT NULL)", name="closed_has_moment"),
        CheckConstraint("status != 'ANSWERED' OR answered_at IS NOT NULL", name="answered_has_moment"),
        CheckConstraint("status != 'RESOLVED' OR resolved_at IS NOT NULL", name="resolved_has_moment"),
        Index("ix_ticket_kind_opened_at", "kind", "opened_at"),
        Index("ix_ticket_kind_closed_at", "kind", "closed_at"),
    )

    kind: Mapped[TicketKind] = choice_column(TicketKind)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="RESTRICT"), index=True)
    channel: Mapped[Channel] = relationship()
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"), index=True)
    customer: Mapped[Customer | None] = relationship()
    product_line_id: Mapped[int | None] = mapped_column(ForeignKey("product_line.id", ondelete="RESTRICT"), index=True)
    product_line: Mapped[ProductLine | None] = relationship()
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id", ondelete="RESTRICT"), index=True)
    topic: Mapped[Topic | None] = relationship()
    subject: Mapped[Line]
    story: Mapped[Prose | None]
    contact_at: Mapped[Moment]
    opened_at: Mapped[Moment] = mapped_column(default=clock.now, index=True)
    answered_at: Mapped[Moment | None]
    resolved_at: Mapped[Moment | None]
    closed_at: Mapped[Moment | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    owner: Mapped[StaffMember | None] = relationship()
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    team: Mapped[Team | None] = relationship()
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id", ondelete="RESTRICT"), index=True)
    department: Mapped[Department | None] = relationship()
    status: Mapped[TicketStatus] = choice_column(TicketStatus, default=TicketStatus.LOGGED, index=True)
    next_action: Mapped[Line | None]
    disposition_id: Mapped[int | None] = mapped_column(ForeignKey("disposition.id", ondelete="RESTRICT"), index=True)
    disposition: Mapped[Disposition | None] = relationship()
    open_tasks: Mapped[list[Task]] = relationship(
        viewonly=True,
        primaryjoin=lambda: and_(Ticket.id == foreign(Task.record_id), *OPEN_TASKS),
        order_by=lambda: Task.due_at,
    )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - it is asked of the class
        if cls.__tablename__ == "ticket":
            return {"polymorphic_on": "kind", "version_id_col": cls.version}
        return {"polymorphic_identity": TicketKind[cls.__tablename__.upper()]}

    @property
    def jurisdiction(self) -> Jurisdiction:
        """Whose law holds: the customer's, and Taiwan's where nobody is named."""
        return self.customer.jurisdiction if self.customer is not None else Jurisdiction.TW

    @hybrid_property
    def due_at(self) -> datetime | None:
        """By when the next thing is owed; None where nothing is, or every clock stands still."""
        return self.open_tasks[0].due_at if self.open_tasks else None

    @due_at.inplace.expression
    @classmethod
    def _due_at(cls) -> ColumnElement[Any]:
        """Return the same for a query over many tickets: only those that owe something are asked for their tasks."""
        owing = cls.id.in_(select(Task.record_id).where(*OPEN_TASKS))
        # By kind and key alone: SQLite would rather look through all open tasks, once for each ticket.
        mine = (Task.entity == func.lower(cls.kind), Task.record_id == cls.id)
        first = select(func.min(case((Task.status == TaskStatus.OPEN, Task.due_at)))).where(*mine).correlate(cls)
        return case((owing, first.scalar_subquery()))

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"


class Consultation(Ticket):
    """One question of a customer and its answer (諮詢, clause 3.1)."""

    __tablename__ = "consultation"
    __table_args__: Any = ()
    number_prefix: ClassVar[str] = "CS"

    id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True)
    answer: Mapped[Prose | None]
    has_asked_further: Mapped[Flag]
    is_thanked: Mapped[Flag]


class Urgency(Choice):
    """How soon something must happen (緊急程度)."""

    CRITICAL = _l("Critical"), "late"
    URGENT = _l("Urgent"), "soon"
    ORDINARY = _l("Ordinary"), "progress"


class Complexity(Choice):
    """How hard a complaint is to settle (複雜程度)."""

    COMPLEX = _l("Complex"), "soon"
    NORMAL = _l("Normal"), "calm"
    SIMPLE = _l("Simple"), "calm"


class Priority(Choice):
    """In which order complaints are worked on."""

    HIGH = _l("High"), "late"
    MEDIUM = _l("Medium"), "soon"
    LOW = _l("Low"), "calm"


class PriorityRule(Recorded, Model):
    """One field of the matrix: urgency and complexity give the priority (優先順序矩陣, clause 3.2.3)."""

    __tablename__ = "priority_rule"
    __table_args__ = (UniqueConstraint("urgency", "complexity"),)

    urgency: Mapped[Urgency] = choice_column(Urgency)
    complexity: Mapped[Complexity] = choice_column(Complexity)
    priority: Mapped[Priority] = choice_column(Priority)

    def __str__(self) -> str:
        return f"{self.urgency} × {self.complexity}"


class Currency(Choice):
    """What money an amount is in."""

    TWD = _l("New Taiwan dollar"), "calm"
    CNY = _l("Renminbi"), "calm"
    USD = _l("US dollar"), "calm"


class Complaint(Ticket):
    """One complaint from entry to resolution (申訴, clause 3.2)."""

    __tablename__ = "complaint"
    __table_args__: Any = (
        CheckConstraint("recovery_amount IS NULL OR recovery_amount >= 0", name="recovery_not_negative"),
        CheckConstraint("recovery_amount IS NULL OR recovery_currency IS NOT NULL", name="recovery_has_currency"),
    )
    number_prefix: ClassVar[str] = "CP"
    queue_role: ClassVar[str] = "team_lead"

    id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True)
    event_on: Mapped[Day | None]
    product: Mapped[Line | None]
    company: Mapped[Line | None]
    about_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    about: Mapped[StaffMember | None] = relationship(foreign_keys=about_id)
    is_apologised: Mapped[Flag]
    urgency: Mapped[Urgency | None] = choice_column(Urgency)
    complexity: Mapped[Complexity | None] = choice_column(Complexity)
    priority: Mapped[Priority | None] = choice_column(Priority, index=True)
    root_cause_id: Mapped[int | None] = mapped_column(ForeignKey("root_cause.id", ondelete="RESTRICT"), index=True)
    root_cause: Mapped[RootCause | None] = relationship()
    remedy: Mapped[Prose | None]
    conclusion_id: Mapped[int | None] = mapped_column(ForeignKey("conclusion.id", ondelete="RESTRICT"), index=True)
    conclusion: Mapped[Conclusion | None] = relationship()
    recovery_amount: Mapped[Money | None]
    recovery_currency: Mapped[Currency | None] = choice_column(Currency)
    external_number: Mapped[str | None] = mapped_column(String(40), unique=True)


class RequestKind(Choice):
    """What the customer wants done with a policy (業務類別, clause 2.1.3)."""

    APPLY = _l("Apply"), "calm"
    RENEW = _l("Renew"), "calm"
    SURRENDER = _l("Surrender"), "calm"
    CLAIM = _l("Claim"), "calm"
    CHANGE = _l("Change"), "calm"


class BusinessRequest(Ticket):
    """One request to do something with a policy, from guide to notice (業務申請, clause 3.3)."""

    __tablename__ = "business_request"
    __table_args__: Any = ()
    number_prefix: ClassVar[str] = "BR"

    id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True)
    request_kind: Mapped[RequestKind] = choice_column(RequestKind, index=True)
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("policy.id", ondelete="RESTRICT"), index=True)
    policy: Mapped[Policy | None] = relationship()
    submitted_at: Mapped[Moment | None]
    completed_at: Mapped[Moment | None]
    notified_at: Mapped[Moment | None]


class Note(Recorded, Model):
    """One thing that was done or said in a ticket (處理經過, clause 2.1.2)."""

    __tablename__ = "note"
    __table_args__ = (CheckConstraint("NOT (is_told AND is_internal)", name="told_is_not_internal"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="RESTRICT"), index=True)
    ticket: Mapped[Ticket] = relationship()
    text: Mapped[Prose]
    is_told: Mapped[Flag]
    is_internal: Mapped[Flag]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    author: Mapped[StaffMember | None] = relationship()

    def __str__(self) -> str:
        kind = _("word to the customer") if self.is_told else _("internal note") if self.is_internal else _("note")
        return f"{self.ticket.number} {kind}"
