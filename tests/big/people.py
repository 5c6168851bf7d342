"""Teams, staff and their logins; who works where in which year, and who gets most of the work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from .catalogs import Catalogs, rows_of, zipf
from .sheets import Batch, Row, Sheet
from .size import Size
from .times import YEARS, Times

LOGINS = ("administrator", "supervisor", "team_lead", "agent", "facility", "department", "auditor")
"""The demo's role keys are login names here, too: one ordinary person of each role."""
TEAM_SIZE = 19
FIRST_TEAM = 0.12
"""Share of the tickets that the team of ``team_lead`` and ``agent`` has, however many teams there are."""
OWNER_ZIPF, TEAM_ZIPF = 0.7, 1.0
LEADS_SHARE = 0.3
"""A lead takes so much of what the busiest agent takes."""
LEFT = 0.06
WEEKDAYS_A_WEEK = 6
CONTACTS = ("CLAIMS", "POS", "UW", "FIN")

USER = Sheet(
    "ab_user", "id first_name last_name username password email created_on changed_on", active=1, fail_login_count=0
)
USER_ROLE = Sheet("ab_user_role", "id user_id role_id")
TEAM = Sheet("team", "id created_at changed_at version code name_zh_hant name_zh_hans name_en position department_id")
STAFF = Sheet(
    "staff_member",
    "id created_at changed_at version created_by_id number name user_id department_id team_id leads_id position_id"
    " extension languages hired_on left_on",
)


@dataclass
class Person:
    """One person; the id is that of the staff list, the user's is the same."""

    id: int
    login: str
    role: str
    department: str
    team: int | None = None
    leads: bool = False
    left: int | None = None
    """The year of the ten (from 0) in which they left."""
    name: str = ""


@dataclass
class Staff:
    """Who works here."""

    people: list[Person]
    teams: int
    by_year: list[tuple[list[Person], list[float]]] = field(default_factory=list)
    """For each year who owns tickets, with weights."""
    leads: dict[int, Person] = field(default_factory=dict)

    def role(self, role: str) -> list[Person]:
        """Return the people of a role who are still here."""
        return [one for one in self.people if one.role == role and one.left is None]

    @property
    def first_team(self) -> list[Person]:
        """The people of the first team, its lead and the login «agent» among them."""
        return [one for one in self.people if one.team == 1 and one.left is None]

    @property
    def rostered(self) -> list[Person]:
        """Those who have shifts."""
        return [one for one in self.people if one.team is not None]


def cast(rng: Random, size: Size) -> Staff:
    """Return the people: one of each login first, then the rest of the departments and teams."""
    others = _others(size.staff)
    teams = max(2, (size.staff - len(others)) // TEAM_SIZE)
    people = [Person(0, "", role, department) for role, department in others]
    for place in range(size.staff - len(others)):
        leads = place < teams
        team = place % teams + 1
        people.append(Person(0, "", "team_lead" if leads else "agent", "CS", team, leads))
    taken: set[str] = set()
    for number, one in enumerate(people, start=1):
        one.id = number
        one.login = one.role if one.role not in taken else f"s{number:04d}"
        taken.add(one.role)
        # Nobody leaves the team by whose logins others measure, and every team keeps two.
        if one.role == "agent" and one.team != 1 and number > len(others) + 3 * teams and rng.random() < LEFT:
            one.left = rng.randrange(3, YEARS)
    _name(rng, people)
    staff = Staff(people, teams)
    staff.leads = {one.team: one for one in people if one.leads and one.team is not None}
    weights = _weights(staff)
    for year in range(YEARS + 1):
        here = [one for one in staff.rostered if one.left is None or one.left > year]
        staff.by_year.append((here, [weights[one.id] for one in here]))
    return staff


def _others(count: int) -> list[tuple[str, str]]:
    """Return roles and departments of those who are in no team."""
    found = [("administrator", "IT")]
    found += [("supervisor", "CS")] * max(2, count // 60)
    found += [("facility", "GA")] * max(1, count // 100)
    found += [("department", code) for code in CONTACTS] * max(1, count // 250)
    return found + [("auditor", "FIN")] * max(1, count // 250)


def _name(rng: Random, people: list[Person]) -> None:
    names = {(row["jurisdiction"], row["part"]): row["names"].split() for row in rows_of("names")}
    for one in people:
        one.name = rng.choice(names["TW", "surname"]) + rng.choice(names["TW", rng.choice(("woman", "man"))])


def _weights(staff: Staff) -> dict[int, float]:
    """Return how much of all tickets each person of a team gets."""
    shares = zipf(staff.teams - 1, TEAM_ZIPF)
    of_team = [FIRST_TEAM, *((1 - FIRST_TEAM) * share / sum(shares) for share in shares)]
    found: dict[int, float] = {}
    for team, share in enumerate(of_team, start=1):
        agents = [one for one in staff.rostered if one.team == team and not one.leads]
        # The login «agent» is the team's first on the list and its third by work, where it has three.
        ranks = zipf(max(len(agents), 1), OWNER_ZIPF)
        ranks[0], ranks[min(2, len(ranks) - 1)] = ranks[min(2, len(ranks) - 1)], ranks[0]
        total = sum(ranks) + LEADS_SHARE
        found[staff.leads[team].id] = share * LEADS_SHARE / total
        found |= {one.id: share * rank / total for one, rank in zip(agents, ranks, strict=False)}
    return found


def batches(rng: Random, times: Times, catalogs: Catalogs, staff: Staff, password: str, size: Size) -> Iterator[Batch]:
    """Yield teams, users and staff; ``password`` is the hash that all logins have."""
    departments, positions = catalogs.ids["department"], catalogs.ids["position"]
    weeks = size.shifts / (WEEKDAYS_A_WEEK * len(staff.rostered)) * 1.2 + 8
    oldest = min(times.first_day - 30, times.until_day - round(weeks * 7))
    begun = times.moment(times.start)
    yield TEAM, [
        (
            number, begun, begun, 1, f"T{number}", f"客服{_chinese(number)}組", f"客服{_chinese(number)}组",
            f"Team {number}", number * 10, departments["CS"]
        )
        for number in range(1, staff.teams + 1)
    ]  # fmt: skip
    place = {"team_lead": "LEAD", "supervisor": "SUPERVISOR", "facility": "FACILITY", "department": "CONTACT",
             "auditor": "AUDITOR", "administrator": "ADMIN"}  # fmt: skip
    users: list[Row] = []
    members: list[Row] = []
    for one in staff.people:
        users.append(
            (one.id, one.name[1:], one.name[:1], one.login, password, f"{one.login}@example.com", begun, begun)
        )
        position = place.get(one.role) or rng.choice(("AGENT1", "AGENT1", "AGENT2"))
        left = times.day(times.first_day + round((one.left or 0) * 365.25) + 31) if one.left is not None else None
        members.append(
            (
                one.id, begun, begun, 1, 1, f"C{one.id:04d}", one.name, one.id, departments[one.department],
                one.team, one.team if one.leads else None, positions[position], str(2000 + one.id),
                rng.choice(("國語", "國語、台語", "國語、英語", "國語、客語", "國語、粵語")),
                times.day(oldest - rng.randrange(30, 350)), left,
            )
        )  # fmt: skip
    yield USER, users
    yield USER_ROLE, [(one.id, one.id, catalogs.roles[one.role]) for one in staff.people]
    yield STAFF, members


DIGITS = "零一二三四五六七八九"


def _chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    return ("十" if tens == 1 else f"{DIGITS[tens]}十" if tens else "") + (DIGITS[ones] if ones or not tens else "")
