"""The steps of roster weeks, leave, swaps and attendance (clauses 2.2.1 and 6.3.1)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from app.core.workflow import Step, Workflow
from app.roster import board, operations
from app.roster.models import (
    AttendanceDay,
    AttendanceStatus,
    LeaveRequest,
    LeaveStatus,
    RosterWeek,
    ShiftSwap,
    SwapStatus,
    WeekStatus,
)

ROSTER_WEEK = Workflow(
    RosterWeek,
    Step("publish", _l("Publish"), from_=WeekStatus.DRAFT, to=WeekStatus.PUBLISHED, does=board.publish, tone="main"),
    Step("reopen", _l("Reopen"), from_=WeekStatus.PUBLISHED, to=WeekStatus.DRAFT),
    path=(WeekStatus.DRAFT, WeekStatus.PUBLISHED),
)

LEAVE = Workflow(
    LeaveRequest,
    Step(
        "approve",
        _l("Approve"),
        from_=LeaveStatus.ASKED,
        to=LeaveStatus.APPROVED,
        never=["person"],
        keeps="leave_answer",
        does=operations.approve_leave,
        tone="main",
    ),
    Step(
        "refuse",
        _l("Refuse"),
        from_=LeaveStatus.ASKED,
        to=LeaveStatus.REFUSED,
        asks=["answer"],
        never=["person"],
        keeps="leave_answer",
        does=operations.decide,
    ),
    Step(
        "withdraw",
        _l("Withdraw"),
        from_={LeaveStatus.ASKED, LeaveStatus.APPROVED},
        to=LeaveStatus.WITHDRAWN,
        by="person",
        ends=True,
        does=operations.withdraw_leave,
    ),
    path=(LeaveStatus.ASKED, LeaveStatus.APPROVED),
)

SWAP = Workflow(
    ShiftSwap,
    Step(
        "agree",
        _l("Agree"),
        from_=SwapStatus.ASKED,
        to=SwapStatus.AGREED,
        by="colleague",
        never=["asker"],
        keeps="swap_agreement",
        starts="swap_answer",
        tone="main",
    ),
    Step(
        "decline",
        _l("Decline"),
        from_=SwapStatus.ASKED,
        to=SwapStatus.REFUSED,
        asks=["answer"],
        by="colleague",
        never=["asker"],
        keeps="swap_agreement",
        does=operations.decide,
    ),
    Step(
        "approve",
        _l("Approve"),
        from_=SwapStatus.AGREED,
        to=SwapStatus.APPROVED,
        never=["asker", "colleague"],
        keeps="swap_answer",
        does=operations.approve_swap,
        tone="main",
    ),
    Step(
        "refuse",
        _l("Refuse"),
        from_={SwapStatus.ASKED, SwapStatus.AGREED},
        to=SwapStatus.REFUSED,
        asks=["answer"],
        never=["asker", "colleague"],
        ends=True,
        does=operations.decide,
    ),
    Step(
        "withdraw",
        _l("Withdraw"),
        from_={SwapStatus.ASKED, SwapStatus.AGREED},
        to=SwapStatus.WITHDRAWN,
        by="asker",
        ends=True,
    ),
    path=(SwapStatus.ASKED, SwapStatus.AGREED, SwapStatus.APPROVED),
)

ATTENDANCE = Workflow(
    AttendanceDay,
    Step(
        "close",
        lazy_pgettext("attendance", "Close"),
        from_=AttendanceStatus.OPEN,
        to=AttendanceStatus.CLOSED,
        never=["person"],
        does=operations.close_day,
        tone="main",
    ),
    Step(
        "ask_correction",
        _l("Ask for a correction"),
        from_=AttendanceStatus.CLOSED,
        to=AttendanceStatus.DISPUTED,
        asks=["correction"],
        by="person",
        starts="attendance_correction",
    ),
    Step(
        "correct",
        _l("Correct"),
        from_=AttendanceStatus.DISPUTED,
        to=AttendanceStatus.CLOSED,
        asks=["clocked_in_at", "clocked_out_at", "reason"],
        wants=["clocked_in_at", "clocked_out_at"],
        never=["person"],
        keeps="attendance_correction",
        does=operations.close_day,
        tone="main",
    ),
    Step(
        "refuse_correction",
        _l("Refuse the correction"),
        from_=AttendanceStatus.DISPUTED,
        to=AttendanceStatus.CLOSED,
        asks=["answer"],
        never=["person"],
        keeps="attendance_correction",
    ),
    path=(AttendanceStatus.OPEN, AttendanceStatus.CLOSED),
)
