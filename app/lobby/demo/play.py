"""The play: whether the house is empty, who is on the stage, and the year from its first day to now."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from sqlalchemy import exists, or_, select
from werkzeug.security import generate_password_hash

from app.core import clock
from app.core.db import Model, db
from app.core.entity import Recorded
from app.core.roles import ROLE_LABELS
from app.lobby.accounts import check_password
from app.lobby.demo import appraisal, casework, customers, people, roster, training, workplace
from app.lobby.demo.people import Cast
from app.lobby.demo.stage import Stage, Story, texts
from app.staff.operations import mark_late

ADMINISTRATOR = "administrator"
PREPARED = time(8)
HOUR = timedelta(hours=1)


def is_empty(seeded: Collection[type[Any]]) -> bool:
    """Tell whether the database holds only what ``portal init`` puts in: catalogs, and at most one administrator."""
    users = list(db.session.scalars(select(User).limit(2)))
    if len(users) > 1 or any([role.name for role in user.roles] != [ADMINISTRATOR] for user in users):
        return False
    for mapper in Model.registry.mappers:
        model = mapper.class_
        if issubclass(model, Recorded):
            by_people = or_(model.created_by_id.is_not(None), model.changed_by_id.is_not(None))
            found = select(exists(select(model.id).where(by_people) if model in seeded else select(model.id)))
            if db.session.scalar(found):
                return False
    return True


def check_demo(password: str) -> None:
    """Raise RuleError for a password that one of the cast may not have."""
    for row in texts("staff"):
        check_password(password, row["login"])


def play(now: datetime, password: str) -> list[tuple[str, str, str]]:
    """Let the cast work until ``now``; return the demo logins: login, name, role. Does not commit."""
    stage = Stage(now)
    hashed = generate_password_hash(password)
    cast = Cast(people.first_login(texts("staff")[0]["name"], hashed), hashed)
    register = workplace.Register(stage, cast)
    opening = stage.moment(stage.first, PREPARED)
    stage.tell(people.teams(stage, cast), opening)
    for row in texts("staff"):
        begins = max(opening, stage.moment(people.hiring(stage, row), PREPARED))
        stage.tell(people.employment(stage, cast, row), begins)
        if row["department"] == "CS":
            stage.tell(workplace.seat(register, row), begins + HOUR)
    stage.tell(workplace.shared(register), opening + HOUR)
    planner = roster.Planner(stage, cast)
    for code in roster.TEAMS:
        stage.tell(roster.coverage(planner, code), opening + HOUR)
        stage.tell_all(roster.weeks(planner, opening + HOUR, code))
    for row in texts("staff"):
        if row["department"] == "CS" and row["team"]:
            stage.tell_all(roster.leaves(planner, row))
    stage.tell_all(roster.swaps(planner))
    stage.tell_all(roster.attendance(planner, "T1"))
    stage.tell_all(workplace.faults(register))
    clients = customers.Clients(stage, cast)
    stage.tell_all(customers.enrolments(clients))
    stage.tell_all(casework.contacts(casework.Desk(clients)))
    stage.tell(training.plan(stage, cast), stage.moment(training.plan_begins(stage), time(10)))
    stage.tell_all(appraisal.cycles(stage, cast))
    stage.tell(sweeps(stage), opening + HOUR)
    stage.run()
    mark_late(now)
    with force_locale("en"):
        return [(row["login"], row["name"], str(ROLE_LABELS[row["role"]])) for row in texts("staff") if row["login"]]


def sweeps(stage: Stage) -> Story:
    """The scheduler marks what is late, twice a day."""
    for day in stage.days():
        for at in (time(12), time(18, 30)):
            yield stage.moment(day, at)
            mark_late(clock.now())
