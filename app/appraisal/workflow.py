"""The steps of cycles and appraisals (clauses 5.2.1 to 5.2.3)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from app.appraisal import operations
from app.appraisal.models import Appraisal, AppraisalStatus, Cycle, CycleStatus
from app.core.workflow import Step, Workflow

S = AppraisalStatus

CYCLE = Workflow(
    Cycle,
    Step(
        "open",
        lazy_pgettext("cycle", "Open"),
        from_=CycleStatus.PLANNED,
        to=CycleStatus.OPEN,
        does=operations.open_cycle,
        tone="main",
    ),
    Step(
        "collect",
        _l("End self-assessment"),
        from_=CycleStatus.OPEN,
        to=CycleStatus.COLLECTED,
        does=operations.collect,
        tone="main",
    ),
    Step(
        "close",
        lazy_pgettext("cycle", "Close"),
        from_=CycleStatus.COLLECTED,
        to=CycleStatus.CLOSED,
        does=operations.close_cycle,
        tone="main",
    ),
    path=(CycleStatus.PLANNED, CycleStatus.OPEN, CycleStatus.COLLECTED, CycleStatus.CLOSED),
)

APPRAISAL = Workflow(
    Appraisal,
    Step(
        "self_assess",
        _l("Write the self-assessment"),
        from_=S.SELF_ASSESSMENT,
        to=S.SCORING,
        asks=["strengths", "weaknesses", "improvement"],
        by="person",
        keeps="self_assessment",
        starts="appraisal_score",
        does=operations.assess_self,
        tone="main",
    ),
    Step(
        "score",
        _l("Finish scoring"),
        from_={S.SELF_ASSESSMENT, S.SCORING},
        to=S.CONFIRMING,
        asks=["comment"],
        never=["person"],
        keeps="appraisal_score",
        does=operations.score,
        tone="main",
    ),
    Step("confirm", _l("I agree"), from_=S.CONFIRMING, to=S.SETTLED, by="person", does=operations.confirm, tone="main"),
    Step(
        "object",
        _l("Appeal"),
        from_=S.CONFIRMING,
        to=S.APPEALED,
        asks=["appeal"],
        by="person",
        starts="appraisal_appeal",
    ),
    Step(
        "settle",
        _l("Settle the appeal"),
        from_=S.APPEALED,
        to=S.SETTLED,
        asks=["decision"],
        never=["person"],
        keeps="appraisal_appeal",
        does=operations.settle,
        tone="main",
    ),
    path=(S.SELF_ASSESSMENT, S.SCORING, S.CONFIRMING, S.SETTLED),
)
