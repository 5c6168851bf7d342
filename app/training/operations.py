"""What changes more than one record of training: plans and their editions, sessions and who is told (chapter 4)."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update

from app.core import actor, clock
from app.core.db import db
from app.core.errors import RuleError
from app.core.workflow import begin, task_keeper
from app.staff.models import StaffMember
from app.staff.operations import person_of
from app.training.models import (
    Enrolment,
    EnrolmentStatus,
    PlanItem,
    PlanStatus,
    SessionStatus,
    TrainingPlan,
    TrainingSession,
)

# -- plans -----------------------------------------------------------------------------------


def begin_plan(plan: TrainingPlan) -> None:
    """Fill in the author and the edition; raises RuleError while another edition of the year is still open."""
    last = db.session.scalar(select(func.max(TrainingPlan.edition)).where(TrainingPlan.year == plan.year))
    _must_be_only(plan.year)
    plan.edition = (last or 0) + 1
    plan.author = person_of(actor.user_id())


def _must_be_only(year: int) -> None:
    unfinished = select(TrainingPlan).where(
        TrainingPlan.year == year, TrainingPlan.status.in_((PlanStatus.DRAFT, PlanStatus.SUBMITTED))
    )
    if (other := db.session.scalar(unfinished)) is not None:
        raise RuleError(
            _("There is an unfinished plan for this year already: %(plan)s.", plan=str(other)), field="year"
        )


def submit_plan(plan: TrainingPlan, now: datetime) -> None:
    """Raise RuleError for a plan without items; a former answer is forgotten."""
    del now
    if not plan.items:
        raise RuleError(_("The plan has no items yet. Add what is to be taught, how and when."))
    plan.answer = None


def approve_plan(plan: TrainingPlan, now: datetime) -> None:
    """Put the plan into force; the edition before is replaced, and its sessions count for the copied items."""
    plan.approved_at = now
    with db.session.no_autoflush:
        plan.approver = person_of(actor.user_id())
    before = select(TrainingPlan).where(
        TrainingPlan.year == plan.year, TrainingPlan.status == PlanStatus.APPROVED, TrainingPlan.id != plan.id
    )
    for old in db.session.scalars(before):
        old.status = PlanStatus.REPLACED
    for item in plan.items:
        if item.copied_from_id is not None:
            move = update(TrainingSession).where(TrainingSession.plan_item_id == item.copied_from_id)
            db.session.execute(move.values(plan_item_id=item.id))


def revise_plan(plan: TrainingPlan, now: datetime) -> None:
    """Begin the next edition as a draft with copies of all items; this one stays in force until that is approved."""
    del now
    _must_be_only(plan.year)
    copy = TrainingPlan(year=plan.year, goals=plan.goals, budget=plan.budget)
    begin_plan(copy)
    db.session.add(copy)
    for item in plan.items:
        kept = {
            name: getattr(item, name) for name in ("quarter", "topic_area_id", "title", "method", "audience", "hours")
        }
        db.session.add(PlanItem(plan=copy, copied_from_id=item.id, **kept))


# -- sessions --------------------------------------------------------------------------------


def check_session(session: TrainingSession) -> None:
    """Raise RuleError for a session that ends before it begins, or that nobody teaches."""
    if session.ends_at <= session.starts_at:
        raise RuleError(_("The end is not after the start."), field="ends_at")
    if session.trainer is None and session.outside_trainer is None:
        raise RuleError(_("Say who teaches: one of us, or an outside trainer."), field="trainer")


def enrol_team(session: TrainingSession) -> None:
    """Enrol everyone of the team the session is for; raises RuleError if the room is too small."""
    if session.team is None:
        return
    day = clock.local(session.starts_at).date()
    members = select(StaffMember).where(
        StaffMember.team_id == session.team.id, or_(StaffMember.left_on.is_(None), StaffMember.left_on >= day)
    )
    people = [person for person in db.session.scalars(members) if person.id != session.trainer_id]
    if session.capacity is not None and len(people) > session.capacity:
        raise RuleError(
            _("The team has %(count)s people, more than there are places.", count=len(people)), field="capacity"
        )
    db.session.add_all(Enrolment(session=session, person=person) for person in people)


def enrol(enrolment: Enrolment) -> None:
    """Check a new place; raises RuleError for a session that is over or full."""
    session = enrolment.session
    if session.status in {SessionStatus.HELD, SessionStatus.CANCELLED}:
        raise RuleError(_("This session is over or cancelled."), field="session")
    taken = select(func.count()).select_from(Enrolment).where(Enrolment.session_id == session.id)
    if session.capacity is not None and (db.session.scalar(taken) or 0) >= session.capacity:
        raise RuleError(_("This session is full."), field="session")


def enrolled(enrolment: Enrolment) -> None:
    """Tell a latecomer at once if the others were told already."""
    if enrolment.session.status is SessionStatus.NOTIFIED:
        _tell(enrolment, clock.now())


def notify(session: TrainingSession, now: datetime) -> None:
    """Tell every participant time, place and content; each owes a receipt. Raises RuleError if there is nobody."""
    session.notified_at = now
    session.notice_days = (clock.local(session.starts_at).date() - clock.local(now).date()).days
    people = _enrolments(session)
    if not people:
        raise RuleError(_("Nobody is enrolled yet."))
    for enrolment in people:
        _tell(enrolment, now)


def _tell(enrolment: Enrolment, now: datetime) -> None:
    enrolment.status, enrolment.notified_at = EnrolmentStatus.NOTIFIED, now
    db.session.flush()
    begin(enrolment, ["training_receipt"], now)


def _enrolments(session: TrainingSession) -> list[Enrolment]:
    return list(db.session.scalars(select(Enrolment).where(Enrolment.session_id == session.id)))


def withdraw_notice(session: TrainingSession, now: datetime) -> None:
    """Take the notice back, so that time or place can change; all are told again, and give a new receipt."""
    session.notified_at = session.notice_days = None
    for enrolment in _enrolments(session):
        enrolment.status = EnrolmentStatus.ENROLLED
        enrolment.notified_at = enrolment.read_at = None
        task_keeper().cancel(enrolment, now)


def hold(session: TrainingSession, now: datetime) -> None:
    """Raise RuleError for a session that has not begun."""
    if session.starts_at > now:
        raise RuleError(_("This session has not begun yet."))


def cancel(session: TrainingSession, now: datetime) -> None:
    """Nobody owes a receipt any more."""
    for enrolment in _enrolments(session):
        task_keeper().cancel(enrolment, now)


def read_notice(enrolment: Enrolment, now: datetime) -> None:
    """Write when the notice was read."""
    enrolment.read_at = now


def mark_attendance(enrolment: Enrolment, now: datetime) -> None:
    """Raise RuleError while the session has not begun: nobody can have come."""
    hold(enrolment.session, now)
