"""Tickets of the three kinds, each through its own steps, with what was owed, said and written in the trail for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from math import exp
from random import Random

from .catalogs import Catalogs, endless
from .customers import Clients
from .lives import Life, Lives
from .people import Person, Staff
from .sheets import Batch, Row, Sheet
from .size import Size
from .tasks import Tasks
from .texts import RARE_TICKETS, Texts
from .times import DAY, YEARS, Times
from .trail import Trail, told

AT_ONCE = 2_000
KINDS = {"CONSULTATION": 72, "COMPLAINT": 10, "BUSINESS_REQUEST": 18}
PREFIXES = {"CONSULTATION": "CS", "COMPLAINT": "CP", "BUSINESS_REQUEST": "BR"}
CASES = {"CONSULTATION": "consultations", "COMPLAINT": "complaints", "BUSINESS_REQUEST": "requests"}
CHANNELS = {"PHONE": 62, "WEB": 12, "EMAIL": 9, "CHAT": 8, "COUNTER": 6, "AGENCY": 3}
COMPLAINT_CHANNELS = {"PHONE": 55, "EMAIL": 15, "WEB": 12, "COUNTER": 6, "OMBUDSMAN": 7, "REGULATOR": 5}
AT_HAND = frozenset({"PHONE", "CHAT", "COUNTER"})
OPEN_AT_FIRST, OPEN_DAYS = 1.0, 75
"""How many of the newest wait for something, and the days in which their share falls to a third: 3 % of all."""
IMPORTED = 0.28
"""The oldest came out of another system: closed, and nothing was owed for them here."""
TRAIL_FROM = 0.55
"""Before this share of all tickets the audit trail had not begun."""
CUSTOMER_ZIPF = 1.7
NOBODY = 0.03
DEEP_NOTES = 20
FEW_NOTES = {0: 52, 1: 24, 2: 11, 3: 6, 4: 3, 6: 2, 9: 1.5, 14: 0.5}
FEW_NOTES_MEAN = sum(count * share for count, share in FEW_NOTES.items()) / sum(FEW_NOTES.values())

TICKET = Sheet(
    "ticket",
    "id created_at changed_at version created_by_id changed_by_id number kind channel_id customer_id product_line_id"
    " topic_id subject story contact_at opened_at answered_at resolved_at closed_at owner_id team_id department_id"
    " status next_action disposition_id",
)
CONSULTATION = Sheet("consultation", "id answer has_asked_further is_thanked")
COMPLAINT = Sheet(
    "complaint",
    "id event_on product about_id is_apologised urgency complexity priority root_cause_id remedy conclusion_id"
    " recovery_amount recovery_currency",
)
REQUEST = Sheet("business_request", "id request_kind policy_id submitted_at completed_at notified_at")
NOTE = Sheet(
    "note", "id created_at changed_at version created_by_id changed_by_id ticket_id text is_told is_internal author_id"
)


class Casework:
    """Ten years of tickets, in the order they were opened."""

    def __init__(self, rng: Random, times: Times, catalogs: Catalogs, staff: Staff, clients: Clients,
                 tasks: Tasks, trail: Trail, size: Size) -> None:  # fmt: skip
        self.rng, self.times, self.catalogs, self.staff = rng, times, catalogs, staff
        self.clients, self.tasks, self.trail, self.size = clients, tasks, trail, size
        self.texts = Texts(rng)
        self.lives = Lives(rng, times, catalogs)
        ids = catalogs.ids
        self.channels = {
            is_complaint: endless(rng, [(code, ids["channel"][code]) for code in loads], list(loads.values()))
            for is_complaint, loads in ((False, CHANNELS), (True, COMPLAINT_CHANNELS))
        }
        self.kind = endless(rng, list(KINDS), list(KINDS.values()))
        self.lines = [int(row["weight"]) for row in clients.products]
        self.anybody = {
            is_cn: endless(rng, places, [self.lines[nth] for nth in places])
            for is_cn in (False, True)
            if (places := [nth for nth, row in enumerate(clients.products) if (row["jurisdiction"] == "CN") is is_cn])
        }
        self.contacts: dict[str, list[Person]] = {}
        for one in staff.role("department"):
            self.contacts.setdefault(one.department, []).append(one)
        self.supervisors = staff.role("supervisor")
        self.numbers: dict[tuple[str, int], int] = {}
        self.notes = 0
        self._plan_notes()
        # Every second of the rare tickets is of the first team, so that its people find some.
        step = max(size.tickets // RARE_TICKETS, 1)
        self.rare = {nth * step + step // 2 + 1: nth % 2 == 0 for nth in range(RARE_TICKETS)}

    def _plan_notes(self) -> None:
        """Choose the tickets with many notes among those that the trail tells of, and how many notes others have."""
        size = self.size
        first = int(size.tickets * TRAIL_FROM) + 1
        count = min(max(200, size.tickets // 2_500), size.tickets // 20, size.notes // (2 * DEEP_NOTES))
        self.deep = set(self.rng.sample(range(first, size.tickets + 1), count))
        share = max(size.notes - count * DEEP_NOTES, 0) / FEW_NOTES_MEAN / size.tickets
        self.has_notes = share
        self.few_notes = endless(self.rng, list(FEW_NOTES), list(FEW_NOTES.values()))

    def batches(self) -> Iterator[Batch]:
        """Yield all tickets."""
        found: dict[Sheet, list[Row]] = {TICKET: [], CONSULTATION: [], COMPLAINT: [], REQUEST: [], NOTE: []}
        for number, opened in enumerate(self.times.spread(self.rng, self.size.tickets), start=1):
            self._ticket(number, opened, found)
            if number % AT_ONCE == 0 or number == self.size.tickets:
                yield from found.items()
                yield from self.tasks.batches()
                yield from self.trail.batches()
                found = {sheet: [] for sheet in found}

    def _ticket(self, number: int, opened: int, found: dict[Sheet, list[Row]]) -> None:
        rng, times = self.rng, self.times
        is_rare = number in self.rare
        kind = "CONSULTATION" if is_rare else next(self.kind)
        is_complaint = kind == "COMPLAINT"
        year = min((times.day_of(opened) - times.first_day) * YEARS // (times.until_day - times.first_day), YEARS)
        here, shares = self.staff.by_year[year]
        owner = rng.choices(here, cum_weights=shares)[0]
        if is_rare and self.rare[number]:
            owner = self.staff.first_team[number % len(self.staff.first_team)]
        channel, channel_id = next(self.channels[is_complaint])
        contact = opened - rng.randrange(*((120, 540) if channel in AT_HAND else (1_200, 54_000)))
        customer, policy, nth = self._customer(opened, may_be_nobody=kind == "CONSULTATION")
        is_cn = bool(self.clients.mainland[customer]) if customer else False
        script = "hans" if is_cn else "hant"
        product = self.clients.products[nth]
        case = self.texts.case(CASES[kind], script, product["line"])
        subject, story, answer = self.texts.told(case, script, product["product"])
        if is_rare:
            subject, story = self.texts.rare(script, subject, story)
        is_imported = number <= self.size.tickets * IMPORTED
        age = (times.until - opened) / DAY
        stalls = not is_imported and rng.random() < OPEN_AT_FIRST * exp(-age / OPEN_DAYS)
        life = self.lives.of(kind, case, contact, opened, is_cn=is_cn, stalls=stalls, is_imported=is_imported)
        called = self._number(PREFIXES[kind], times.year_of(opened))
        team = owner.team
        if is_complaint and not life.is_high and rng.random() < 0.1 and case["department"] in self.contacts:
            owner, life.department = rng.choice(self.contacts[case["department"]]), case["department"]
        department = self.catalogs.ids["department"][life.department]
        topic = self.catalogs.ids["topic"].get(case.get("topic", ""))
        line = self.clients.lines[product["line"]]
        is_closed = life.status == "CLOSED"
        changed = times.moment(life.changed)
        moments = [times.moment(at) if at is not None else None for at in (life.answered, life.resolved, life.closed)]
        found[TICKET].append(
            (
                number, times.moment(opened), changed, life.version, owner.id, owner.id, called, kind, channel_id,
                customer or None, line, topic, subject, story, times.moment(contact), times.moment(opened), *moments,
                owner.id, team, department, life.status,
                None if is_closed or rng.random() < 0.5 else next(self.lives.next_action),
                self.catalogs.ids["disposition"][case["disposition"]] if is_complaint and life.resolved else None
            )
        )  # fmt: skip
        if kind == "CONSULTATION":
            said = answer if life.answered else None
            found[CONSULTATION].append((number, said, int(is_closed), int(is_closed and rng.random() < 0.97)))
        elif is_complaint:
            found[COMPLAINT].append(
                self._complaint(number, opened, owner, case, product["product"], answer, life, is_cn)
            )
        else:
            found[REQUEST].append(
                (
                    number, case["request_kind"], policy or None,
                    *(times.moment(at) if at is not None else None for at in (life.submitted, life.completed, life.notified))
                )
            )  # fmt: skip
        entity = kind.lower()
        for owed in life.owed:
            self.tasks.add(owed, entity, number, f"{called} {subject}", owner.id, "team_lead" if is_complaint else None)
        is_told = number > self.size.tickets * TRAIL_FROM
        if is_told:
            self._tell(number, entity, owner, life, called, subject, story, customer, channel_id, line, opened, contact)
        self._notes(number, kind, script, owner, life, opened, found[NOTE], is_told=is_told)

    def _customer(self, at: int, *, may_be_nobody: bool) -> tuple[int, int, int]:
        """Return a customer, a policy of theirs and its product's place; 0 for none."""
        rng, clients = self.rng, self.clients
        if may_be_nobody and rng.random() < NOBODY:
            return 0, 0, next(self.anybody[False])
        customer = int(clients.known(at) * rng.random() ** CUSTOMER_ZIPF) + 1
        first, end = clients.first_policy[customer], clients.first_policy[customer + 1]
        if first == end:
            return customer, 0, next(self.anybody[bool(clients.mainland[customer])])
        policy = first + int(rng.random() * (end - first))
        return customer, policy, clients.product_of[policy]

    def _number(self, prefix: str, year: int) -> str:
        last = self.numbers[prefix, year] = self.numbers.get((prefix, year), 0) + 1
        return f"{prefix}-{year}-{last:05d}"

    def _complaint(self, number: int, opened: int, owner: Person, case: dict[str, str], product: str, remedy: str,
                   life: Life, is_cn: bool) -> Row:  # noqa: FBT001 # fmt: skip
        rng, ids = self.rng, self.catalogs.ids
        is_done = life.resolved is not None
        about = rng.choice(self.staff.rostered).id if case["about"] and rng.random() < 0.9 else None
        amount = (
            f"{round(rng.lognormvariate(8.3 if is_cn else 10, 0.8), -1):.0f}" if is_done and case["recovery"] else None
        )
        return (
            number, self.times.day(self.times.day_of(opened) - rng.randrange(2, 31)), product,
            about if about != owner.id else None, int(rng.random() < 0.9), *life.triage,
            ids["root_cause"][case["root_cause"]] if is_done else None, remedy if is_done else None,
            ids["conclusion"][case["conclusion"]] if is_done else None, amount,
            ("CNY" if is_cn else "TWD") if amount else None,
        )  # fmt: skip

    def _tell(self, number: int, entity: str, owner: Person, life: Life, called: str, subject: str, story: str,
              customer: int, channel: int, line: int, opened: int, contact: int) -> None:  # fmt: skip
        """Write the trail of a ticket: added, and every step."""
        trail, times = self.trail, self.times
        trail.added(
            opened, owner.id, entity, number,
            told(
                kind=entity.upper(), channel_id=channel, customer_id=customer or None, product_line_id=line,
                subject=subject, story=story, contact_at=times.iso(contact), opened_at=times.iso(opened),
                owner_id=owner.id, team_id=owner.team, status="LOGGED", number=called
            ),
        )  # fmt: skip
        before = "LOGGED"
        for version, (step, after, at) in enumerate(life.steps, start=2):
            trail.moved(
                at, owner.id, entity, number, version, step, f'{{"status": "{before}"}}', f'{{"status": "{after}"}}'
            )
            before = after

    def _notes(self, number: int, kind: str, script: str, owner: Person, life: Life, opened: int, rows: list[Row],
               *, is_told: bool) -> None:  # fmt: skip
        rng = self.rng
        count = DEEP_NOTES if number in self.deep else next(self.few_notes)
        if number not in self.deep and self.has_notes < 1 and rng.random() >= self.has_notes:
            count = 0
        if not count:
            return
        length = max(life.changed - opened, 60 * count)
        for at in list(accumulate(length // count + rng.randrange(-20, 20) for _nth in range(count))):
            self.notes += 1
            text, is_word, is_internal = self.texts.note(kind, script)
            moment = self.times.moment(min(opened + at, self.times.until))
            rows.append(
                (self.notes, moment, moment, 1, owner.id, owner.id, number, text, is_word, is_internal, owner.id)
            )
            if is_told:
                self.trail.added(opened + at, owner.id, "note", self.notes, told(ticket_id=number, text=text))
