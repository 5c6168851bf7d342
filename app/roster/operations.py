"""What changes more than one record of the roster: publishing, leave, swaps, attendance (clauses 2.2.1 and 6.3.1)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import exists, select

from app.core import actor, clock
from app.core.db import db
from app.core.errors import RuleError
from app.core.workflow import begin
from app.roster.models import (
    AttendanceDay,
    LeaveRequest,
    LeaveStatus,
    RosterWeek,
    Shift,
    ShiftSwap,
)
from app.staff.models import StaffMember
from app.staff.operations import person_of

# -- weeks and shifts ------------------------------------------------------------------------


def week_of(team_id: int, monday: date) -> RosterWeek | None:
    """Return a team's roster of a week, or None while nobody has begun it."""
    return db.session.scalar(select(RosterWeek).where(RosterWeek.team_id == team_id, RosterWeek.monday == monday))


def begin_week(team_id: int, monday: date) -> RosterWeek:
    """Return a team's roster of a week, begun as a draft if nobody has."""
    week = week_of(team_id, monday)
    if week is None:
        week = RosterWeek(team_id=team_id, monday=monday)
        db.session.add(week)
        db.session.flush()
    return week


def publish(week: RosterWeek, now: datetime) -> None:
    """Let people count on the week; the first time, count the days of notice. Raises RuleError for an empty week."""
    if week.published_at is None:
        week.published_at = now
        week.notice_days = (week.monday - clock.local(now).date()).days
    if not db.session.scalar(select(exists().where(Shift.team_id == week.team_id, Shift.monday == week.monday))):
        raise RuleError(_("There are no shifts in this week yet."))


def place(shift: Shift) -> None:
    """Put a new shift into its person's team and week; raises RuleError for a person without a team or on leave."""
    if shift.person.team_id is None:
        raise RuleError(_("%(person)s belongs to no team.", person=shift.person.name), field="person")
    shift.team_id = shift.person.team_id
    if (leave := leave_on(shift.person.id, shift.day)) is not None:
        raise RuleError(on_leave_words(leave, shift.day), field="day")
    begin_week(shift.team_id, shift.monday)


def leave_on(person_id: int, day: date) -> LeaveRequest | None:
    """Return a person's approved leave over the whole of a day, if there is one."""
    return db.session.scalar(
        select(LeaveRequest).where(
            LeaveRequest.person_id == person_id,
            LeaveRequest.status == LeaveStatus.APPROVED,
            LeaveRequest.hours.is_(None),
            LeaveRequest.first_on <= day,
            LeaveRequest.last_on >= day,
        )
    )


def on_leave_words(leave: LeaveRequest, day: date) -> str:
    """Return the sentence that a person is away on a day."""
    return str(
        _("%(person)s is on leave on %(day)s (%(kind)s).", person=leave.person.name, day=day, kind=leave.kind.name)
    )


# -- leave -----------------------------------------------------------------------------------


def ask_leave(leave: LeaveRequest) -> None:
    """Fill in who asks; raises RuleError for hours of several days, or days asked for already."""
    leave.person = leave.person or _myself()
    if leave.hours is not None and (leave.hours <= 0 or leave.last_on != leave.first_on):
        raise RuleError(_("Hours are for leave within one day. Leave them empty for whole days."), field="hours")
    same = select(LeaveRequest.number).where(
        LeaveRequest.person_id == leave.person.id,
        LeaveRequest.status.in_((LeaveStatus.ASKED, LeaveStatus.APPROVED)),
        LeaveRequest.first_on <= leave.last_on,
        LeaveRequest.last_on >= leave.first_on,
        LeaveRequest.hours.is_(None) if leave.hours is not None else LeaveRequest.id.is_not(None),
    )
    if leave.id is not None:
        same = same.where(LeaveRequest.id != leave.id)
    if (number := db.session.scalar(same)) is not None:
        raise RuleError(_("Leave on these days was asked for already: %(number)s.", number=number), field="first_on")


def leave_asked(leave: LeaveRequest) -> None:
    """Open the task of answering."""
    begin(leave, ["leave_answer"])


def approve_leave(leave: LeaveRequest, now: datetime) -> None:
    """Write who approved, and take the person off the roster of whole days of leave."""
    decide(leave, now)
    if leave.hours is None:
        off = select(Shift).where(Shift.person_id == leave.person_id, Shift.day.between(leave.first_on, leave.last_on))
        for shift in db.session.scalars(off):
            db.session.delete(shift)


def decide(item: LeaveRequest | ShiftSwap, now: datetime) -> None:
    """Write who decided and when."""
    item.decided_at = now
    with db.session.no_autoflush:
        item.decided_by = person_of(actor.user_id())


def withdraw_leave(leave: LeaveRequest, now: datetime) -> None:
    """Raise RuleError for leave that has begun; shifts that approval took off the roster do not come back."""
    if leave.decided_at is not None and leave.first_on <= clock.local(now).date():
        raise RuleError(_("This leave has begun. Ask your team leader to correct the attendance instead."))


def _myself() -> StaffMember:
    person = person_of(actor.user_id())
    if person is None:
        raise RuleError(_("Your login belongs to nobody on the staff list, so please choose a person."), field="person")
    return person


# -- swaps -----------------------------------------------------------------------------------


def ask_swap(swap: ShiftSwap) -> None:
    """Fill in who asks and the days; raises RuleError for shifts that are not the two people's, or past."""
    swap.asker = _myself()
    if swap.shift is None:
        raise RuleError(_("Choose the shift you want to give away."), field="shift")
    if swap.shift.person_id != swap.asker.id:
        raise RuleError(_("This is not a shift of yours."), field="shift")
    if swap.colleague.id == swap.asker.id:
        raise RuleError(_("Choose a colleague, not yourself."), field="colleague")
    if swap.colleague.team_id != swap.asker.team_id:
        raise RuleError(_("Shifts are swapped within a team."), field="colleague")
    if swap.other_shift is not None and swap.other_shift.person_id != swap.colleague.id:
        raise RuleError(_("This is not a shift of the colleague you chose."), field="other_shift")
    swap.day = swap.shift.day
    swap.other_day = swap.other_shift.day if swap.other_shift is not None else None
    if min(filter(None, (swap.day, swap.other_day))) < clock.today():
        raise RuleError(_("A shift that is past cannot be swapped."), field="shift")


def swap_asked(swap: ShiftSwap) -> None:
    """Open the colleague's task of answering."""
    begin(swap, ["swap_agreement"])


def approve_swap(swap: ShiftSwap, now: datetime) -> None:
    """Exchange the two shifts, on one day by their hours, else by their people; raises RuleError if they no longer fit.

    The week stays published: a swap is how a published roster changes.
    """
    decide(swap, now)
    mine, theirs = swap.shift, swap.other_shift
    still = mine is not None and mine.person_id == swap.asker_id and mine.day == swap.day
    if swap.other_day is not None:
        still = still and theirs is not None and theirs.person_id == swap.colleague_id and theirs.day == swap.other_day
    if mine is None or not still:
        raise RuleError(
            _("The roster has changed since this swap was asked for. Please refuse it; it can be asked anew.")
        )
    if theirs is not None and theirs.day == mine.day:
        mine.shift_type, theirs.shift_type = theirs.shift_type, mine.shift_type
        mine.seat, theirs.seat = theirs.seat, mine.seat
        return
    _must_be_free(swap.colleague, mine.day)
    mine.person = swap.colleague
    if theirs is not None:
        _must_be_free(swap.asker, theirs.day)
        theirs.person = swap.asker


def _must_be_free(person: StaffMember, day: date) -> None:
    if db.session.scalar(select(exists().where(Shift.person_id == person.id, Shift.day == day))):
        raise RuleError(_("%(person)s already works on %(day)s.", person=person.name, day=day))
    if (leave := leave_on(person.id, day)) is not None:
        raise RuleError(on_leave_words(leave, day))


# -- attendance ------------------------------------------------------------------------------


def work_out(item: AttendanceDay) -> None:
    """Take the plan from the roster if none is given, and work out how late, how early, in whole minutes."""
    if item.shift_type is None:
        planned = select(Shift).where(Shift.person_id == item.person.id, Shift.day == item.day)
        shift = db.session.scalar(planned)
        item.shift_type = shift.shift_type if shift is not None else None
    if item.shift_type is not None:
        item.planned_from, item.planned_to = item.shift_type.span(item.day, clock.office_zone())
    item.late_minutes = _minutes(item.planned_from, item.clocked_in_at)
    item.early_minutes = _minutes(item.clocked_out_at, item.planned_to)


def _minutes(earlier: datetime | None, later: datetime | None) -> int:
    return max(0, (later - earlier) // timedelta(minutes=1)) if earlier is not None and later is not None else 0


def close_day(item: AttendanceDay, now: datetime) -> None:
    """Settle a day: planned without a clock-in is absent. Raises RuleError while the shift still runs."""
    work_out(item)
    if item.planned_to is not None and item.planned_to > now:
        raise RuleError(_("The shift has not ended yet."))
    if item.clocked_in_at is not None and item.clocked_out_at is None:
        raise RuleError(_("Please fill in when the person left."))
    away = leave_on(item.person_id, item.day) is not None
    item.is_absent = item.planned_from is not None and item.clocked_in_at is None and not away
