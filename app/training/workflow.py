"""The steps of training plans, sessions and places (clauses 4.1.1 and 4.2.1)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.workflow import Step, Workflow
from app.training import operations
from app.training.models import (
    Enrolment,
    EnrolmentStatus,
    PlanStatus,
    SessionStatus,
    TrainingPlan,
    TrainingSession,
)

PLAN = Workflow(
    TrainingPlan,
    Step(
        "submit",
        _l("Submit"),
        from_=PlanStatus.DRAFT,
        to=PlanStatus.SUBMITTED,
        starts="plan_approval",
        does=operations.submit_plan,
        tone="main",
    ),
    Step(
        "approve",
        _l("Approve"),
        from_=PlanStatus.SUBMITTED,
        to=PlanStatus.APPROVED,
        never=["author"],
        keeps="plan_approval",
        does=operations.approve_plan,
        tone="main",
    ),
    Step(
        "send_back",
        _l("Send back"),
        from_=PlanStatus.SUBMITTED,
        to=PlanStatus.DRAFT,
        asks=["answer"],
        keeps="plan_approval",
    ),
    Step("revise", _l("Revise"), from_=PlanStatus.APPROVED, to=PlanStatus.APPROVED, does=operations.revise_plan),
    path=(PlanStatus.DRAFT, PlanStatus.SUBMITTED, PlanStatus.APPROVED),
)

SESSION = Workflow(
    TrainingSession,
    Step(
        "notify",
        _l("Notify participants"),
        from_=SessionStatus.PLANNED,
        to=SessionStatus.NOTIFIED,
        does=operations.notify,
        tone="main",
    ),
    Step(
        "change",
        _l("Change time or place"),
        from_=SessionStatus.NOTIFIED,
        to=SessionStatus.PLANNED,
        does=operations.withdraw_notice,
    ),
    Step(
        "hold",
        _l("Confirm it was held"),
        from_=SessionStatus.NOTIFIED,
        to=SessionStatus.HELD,
        does=operations.hold,
        tone="main",
    ),
    Step(
        "cancel",
        _l("Call off"),
        from_={SessionStatus.PLANNED, SessionStatus.NOTIFIED},
        to=SessionStatus.CANCELLED,
        asks=["reason"],
        does=operations.cancel,
        tone="danger",
    ),
    path=(SessionStatus.PLANNED, SessionStatus.NOTIFIED, SessionStatus.HELD),
)

ENROLMENT = Workflow(
    Enrolment,
    Step(
        "read",
        _l("I have read this"),
        from_=EnrolmentStatus.NOTIFIED,
        to=EnrolmentStatus.READ,
        by="person",
        keeps="training_receipt",
        does=operations.read_notice,
        tone="main",
    ),
    Step(
        "attend",
        _l("Mark as attended"),
        from_={EnrolmentStatus.NOTIFIED, EnrolmentStatus.READ, EnrolmentStatus.ABSENT},
        to=EnrolmentStatus.ATTENDED,
        ends=True,
        does=operations.mark_attendance,
    ),
    Step(
        "miss",
        _l("Mark as absent"),
        from_={EnrolmentStatus.NOTIFIED, EnrolmentStatus.READ, EnrolmentStatus.ATTENDED},
        to=EnrolmentStatus.ABSENT,
        ends=True,
        does=operations.mark_attendance,
    ),
    path=(EnrolmentStatus.ENROLLED, EnrolmentStatus.NOTIFIED, EnrolmentStatus.READ, EnrolmentStatus.ATTENDED),
)
