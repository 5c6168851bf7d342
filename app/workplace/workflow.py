"""The steps of a repair (clause 8.2.2)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.workflow import Step, Workflow
from app.workplace import operations
from app.workplace.models import Repair
from app.workplace.models import RepairStatus as S

REPAIR = Workflow(
    Repair,
    Step(
        "accept",
        _l("Accept"),
        from_=S.REPORTED,
        to=S.IN_REPAIR,
        keeps="repair_response",
        starts="repair_return",
        does=operations.accept,
        tone="main",
    ),
    Step(
        "wait",
        _l("Put on hold for a part"),
        from_=S.IN_REPAIR,
        to=S.WAITING,
        asks=["part", "expected_on"],
        pauses="repair_return",
    ),
    Step("resume", _l("Continue, the part is here"), from_=S.WAITING, to=S.IN_REPAIR, resumes="repair_return"),
    Step(
        "fix",
        _l("Report as fixed"),
        from_={S.IN_REPAIR, S.WAITING},
        to=S.FIXED,
        asks=["remedy", "cost"],
        wants=["cost"],
        keeps="repair_return",
        starts="repair_confirmation",
        does=operations.return_to_service,
        tone="main",
    ),
    Step(
        "confirm",
        _l("Confirm the repair"),
        from_=S.FIXED,
        to=S.CLOSED,
        by="reporter",
        keeps="repair_confirmation",
        tone="main",
    ),
    Step(
        "reject",
        _l("Send back, still broken"),
        from_=S.FIXED,
        to=S.IN_REPAIR,
        by="reporter",
        asks=["reason"],
        keeps="repair_confirmation",
        starts="repair_return",
        does=operations.reopen,
    ),
    Step(
        "scrap",
        _l("Scrap"),
        from_={S.REPORTED, S.IN_REPAIR, S.WAITING},
        to=S.SCRAPPED,
        asks=["reason"],
        ends=True,
        does=operations.scrap,
        tone="danger",
    ),
    path=(S.REPORTED, S.IN_REPAIR, S.FIXED, S.CLOSED),
)
