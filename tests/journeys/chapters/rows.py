"""What the journeys of the manual put into the database, and how they look at it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from conftest import member
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.casework.models import Complaint, TicketStatus
from app.casework.operations import owe
from app.core import clock
from app.core.db import db
from app.staff.models import Task, TaskStatus
from app.workplace.models import Repair, RepairStatus
from journeys.conftest import rows

STORY = "客戶來電表示金額少了三成。"
S = TicketStatus


def user(login: str) -> User:
    """Return one of the cast's logins."""
    return db.session.scalars(select(User).where(User.username == login)).one()


def newest(model: type[Any]) -> Any:
    """Return the row that was added last, as it is now."""
    db.session.expire_all()
    return db.session.scalars(select(model).order_by(model.id.desc())).first()


def any_of(model: type[Any]) -> Any:
    """Return the first row of a catalog."""
    return db.session.scalars(select(model).order_by(model.id)).first()


def owed(ticket: Any) -> Any:
    """Let a ticket belong to its owner's team, open what it owes, and return it."""
    ticket.team = ticket.owner.team
    if isinstance(ticket, Complaint):
        ticket.about = None
    ticket.contact_at = ticket.opened_at = clock.now()
    owe(ticket)
    db.session.commit()
    return ticket


def promises() -> dict[str, TaskStatus]:
    """Return how each promise stands, the newest of each."""
    return {task.promise: task.status for task in db.session.scalars(select(Task).order_by(Task.id))}


def mended(reporter: str) -> None:
    """Let the repair that was reported last be mended."""
    with rows():
        repair = newest(Repair)
        assert repair.reporter == member(reporter)
        repair.status, repair.owner, repair.remedy = RepairStatus.FIXED, member("fan"), "更換聽筒"
        repair.returned_at = repair.reported_at + timedelta(hours=1)
