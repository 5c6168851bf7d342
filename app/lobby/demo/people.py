"""The cast: teams, staff and their logins, hired and gone over the years (chapter 2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.lobby import accounts
from app.lobby.demo.stage import OPENS, Stage, Story, texts
from app.staff.models import Department, Position, StaffMember, Team

NOTICE = timedelta(days=45)
"""Whoever leaves within this time is given no new work."""


@dataclass
class Cast:
    """Who works here, by staff number and by login; who works on which day."""

    first: User
    """The administrator's login, which makes the others."""
    password: str
    """Hash of the one password of every demo login."""
    people: dict[str, StaffMember] = field(default_factory=dict)
    logins: dict[str, StaffMember] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    members: dict[str, list[StaffMember]] = field(default_factory=dict)
    """Agents by team, in the order they came."""
    duty: set[tuple[int, date]] = field(default_factory=set)
    """Who works on which day, by the rosters."""

    def agents(self, team: Team, day: date) -> list[StaffMember]:
        """Return a team's agents who are at work on a day and stay long enough to finish something."""
        return [one for one in self.members[team.code] if self.is_here(one, day)]

    def is_here(self, person: StaffMember, day: date) -> bool:
        """Tell whether a person is at work on a day and stays long enough to finish something."""
        return self.stays(person, day) and (person.team is None or (person.id, day) in self.duty)

    def stays(self, person: StaffMember, day: date) -> bool:
        """Tell whether a person works here on a day and for some time to come."""
        return person.hired_on <= day and (person.left_on is None or person.left_on > day + NOTICE)

    def until_here(self, stage: Stage, person: StaffMember) -> Story:
        """Wait until a person is at work."""
        while person.team is not None and (person.id, clock.today()) not in self.duty:
            yield stage.during(next(stage.workdays(clock.today() + timedelta(days=1))), 9, 11)

    def lead(self, team: Team) -> StaffMember:
        """Return a team's lead."""
        return next(one for one in self.people.values() if one.leads is team)

    def role(self, name: str) -> list[StaffMember]:
        """Return the people whose staff number begins so: C staff, G facilities, L claims."""
        return [one for number, one in self.people.items() if number.startswith(name)]


def first_login(name: str, password: str) -> User:
    """Return the administrator's login, made unless ``portal init`` has made it; its password is then its own."""
    user = db.session.scalar(select(User).where(User.username == "administrator"))
    if user is None:
        user = _login("administrator", name, password)
        user.roles = [_role("administrator")]
    return user


def teams(stage: Stage, cast: Cast) -> Story:
    """The administrator makes the teams; the staff of today's first day follow."""
    office = db.session.scalars(select(Department).where(Department.code == "CS")).one()
    for row in texts("teams"):
        cast.teams[row["code"]] = stage.add(cast.first.id, Team, department=office, **row)
    yield from ()


def hiring(stage: Stage, row: dict[str, str]) -> date:
    """Return the day a person of ``staff.csv`` was hired, a Monday."""
    return _monday(stage.today - timedelta(days=int(row["hired_days_ago"])))


def employment(stage: Stage, cast: Cast, row: dict[str, str]) -> Story:
    """A person is hired, given a login and put on the staff list; some leave, and their login is switched off."""
    login = row["login"] or row["number"].lower()
    left = _monday(stage.today - timedelta(days=int(row["left_days_ago"]))) if row["left_days_ago"] else None
    user = cast.first
    if row["role"] != "administrator":
        user = _login(login, row["name"], cast.password)
        with stage.standing(cast.first.id):
            accounts.set_roles(user, [_role(row["role"])])
    department = db.session.scalars(select(Department).where(Department.code == row["department"])).one()
    position = db.session.scalars(select(Position).where(Position.code == row["position"])).one()
    person: StaffMember = stage.add(
        cast.first.id,
        StaffMember,
        number=row["number"],
        name=row["name"],
        department=department,
        team=cast.teams.get(row["team"]),
        leads=cast.teams.get(row["leads"]),
        position=position,
        extension=row["extension"],
        languages=row["languages"],
        user=user,
        hired_on=hiring(stage, row),
    )
    cast.people[person.number] = cast.logins[login] = person
    if person.team is not None and person.leads is None:
        cast.members.setdefault(person.team.code, []).append(person)
    if left is not None:
        yield stage.moment(left - NOTICE, OPENS)
        stage.change(cast.first.id, person, left_on=left)
        yield stage.moment(left + timedelta(days=1), OPENS)
        with stage.standing(cast.first.id):
            accounts.switch(user, on=False)


def _login(login: str, name: str, password: str) -> User:
    """Return a new login. Its screen would hash a first password for each, which takes longer than the whole year."""
    user = User(username=login, last_name=name[:1], first_name=name[1:], email=f"{login}@example.com", active=True)
    user.password = password
    db.session.add(user)
    db.session.flush()
    return user


def _role(name: str) -> Role:
    role: Role = db.session.scalars(select(Role).where(Role.name == name)).one()
    return role


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
