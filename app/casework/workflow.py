"""The steps of consultations, complaints and business requests (clauses 3.1 to 3.3).

A statutory clock is in no ``pauses``: no law we know stops while a customer looks for a paper.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.casework import operations
from app.casework.models import BusinessRequest, Complaint, Consultation
from app.casework.models import TicketStatus as S
from app.core.workflow import Step, Workflow

OWNER = ["owner", "next_action"]

CONSULTATION = Workflow(
    Consultation,
    Step("answer", _l("Answer"), from_=S.LOGGED, to=S.ANSWERED, asks=["answer"], keeps="first_response",
         does=operations.answer, tone="main"),
    Step("hand_over", _l("Hand over"), from_=S.LOGGED, to=S.LOGGED, asks=OWNER, wants=["next_action"],
         does=operations.hand_over),
    Step("close", _l("Close"), from_=S.ANSWERED, to=S.CLOSED, asks=["has_asked_further", "is_thanked"], ends=True,
         does=operations.close, tone="main"),
    Step("reopen", _l("Reopen"), from_={S.ANSWERED, S.CLOSED}, to=S.LOGGED, asks=["next_action"],
         starts="first_response", does=operations.reopen),
    path=(S.LOGGED, S.ANSWERED, S.CLOSED),
)  # fmt: skip

COMPLAINT = Workflow(
    Complaint,
    Step("triage", _l("Triage"), from_=S.LOGGED, to=S.ASSIGNED, asks=["urgency", "complexity", "owner"],
         wants=["owner"], keeps="complaint_triage", starts="complaint_resolution", does=operations.triage, tone="main"),
    Step("start", _l("Start"), from_=S.ASSIGNED, to=S.IN_PROGRESS, asks=["next_action"], tone="main"),
    Step("hand_over", _l("Hand over"), from_={S.ASSIGNED, S.IN_PROGRESS}, to=S.ASSIGNED, asks=OWNER,
         wants=["next_action"], does=operations.hand_over),
    Step("ask_customer", _l("Ask the customer"), from_=S.IN_PROGRESS, to=S.WAITING, asks=["next_action"],
         keeps="first_response", pauses="complaint_resolution"),
    Step("customer_answered", _l("Note the customer's answer"), from_=S.WAITING, to=S.IN_PROGRESS,
         resumes="complaint_resolution", tone="main"),
    Step("resolve", _l("Resolve"), from_=S.IN_PROGRESS, to=S.RESOLVED,
         asks=["remedy", "root_cause", "disposition", "conclusion", "recovery_amount", "recovery_currency"],
         wants=["root_cause", "disposition", "conclusion", "recovery_amount", "recovery_currency"],
         keeps=["first_response", "complaint_resolution", "complaint_statutory"], does=operations.resolve,
         tone="main"),
    Step("close", _l("Close"), from_=S.RESOLVED, to=S.CLOSED, ends=True, does=operations.close, tone="main"),
    Step("reopen", _l("Reopen"), from_={S.RESOLVED, S.CLOSED}, to=S.IN_PROGRESS, asks=["next_action"],
         starts="complaint_resolution", does=operations.reopen),
    path=(S.LOGGED, S.ASSIGNED, S.IN_PROGRESS, S.RESOLVED, S.CLOSED),
)  # fmt: skip

BUSINESS_REQUEST = Workflow(
    BusinessRequest,
    Step("guide", _l("Explain the procedure"), from_=S.LOGGED, to=S.GUIDED, keeps="first_response", tone="main"),
    Step("receive", _l("Take in the documents"), from_=S.GUIDED, to=S.RECEIVED, starts="request_review", tone="main"),
    Step("review", _l("Pass the first review"), from_=S.RECEIVED, to=S.REVIEWED, keeps="request_review", tone="main"),
    Step("submit", _l("Submit to the department"), from_=S.REVIEWED, to=S.SUBMITTED, asks=["department"],
         does=operations.submit, tone="main"),
    Step("complete", _l("Complete"), from_=S.SUBMITTED, to=S.COMPLETED, starts="request_notice",
         does=operations.complete, tone="main"),
    Step("notify", _l("Notify the customer"), from_=S.COMPLETED, to=S.NOTIFIED, keeps="request_notice",
         does=operations.notify, tone="main"),
    Step("close", _l("Close"), from_=S.NOTIFIED, to=S.CLOSED, ends=True, does=operations.close, tone="main"),
    Step("hand_over", _l("Hand over"), from_=S.LOGGED, to=S.LOGGED, asks=OWNER, wants=["next_action"],
         does=operations.hand_over),
    path=(S.LOGGED, S.GUIDED, S.RECEIVED, S.REVIEWED, S.SUBMITTED, S.COMPLETED, S.CLOSED),
)  # fmt: skip
