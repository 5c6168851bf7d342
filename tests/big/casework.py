"""Tickets of the three kinds, each through its own steps, with what was owed, said and written in the trail for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
from .times import DAY, YEARS, Series, Times
from .trail import Trail, quoted

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
HANDED_OVER, APOLOGISED, THANKED, PLANLESS = 0.1, 0.9, 0.97, 0.5
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


@dataclass(slots=True)
class Ticket:
    """One ticket while its rows are put together."""

    id: int
    kind: str
    opened: int
    contact: int
    channel: int
    owner: Person
    customer: int
    policy: int
    product: dict[str, str]
    script: str
    case: dict[str, str]
    subject: str
    story: str
    answer: str
    life: Life
    number: str

    @property
    def is_mainland(self) -> bool:
        """Whether the customer is of mainland China, and so are the texts and the law."""
        return self.script == "hans"


class Casework:
    """Ten years of tickets, in the order they were opened."""

    def __init__(self, rng: Random, times: Times, series: Series, catalogs: Catalogs, staff: Staff, clients: Clients,
                 tasks: Tasks, trail: Trail, size: Size) -> None:  # fmt: skip
        self.rng, self.random, self.times, self.series, self.ids = rng, rng.random, times, series, catalogs.ids
        self.staff, self.clients, self.tasks, self.trail, self.size = staff, clients, tasks, trail, size
        self.texts = Texts(rng)
        self.lives = Lives(rng, times, catalogs)
        self.owner = [endless(rng, people, shares) for people, shares in staff.by_year]
        self.kind = endless(rng, list(KINDS), list(KINDS.values()))
        self.channel = {
            is_complaint: endless(rng, [(code, self.ids["channel"][code]) for code in loads], list(loads.values()))
            for is_complaint, loads in ((False, CHANNELS), (True, COMPLAINT_CHANNELS))
        }
        products = [(nth, row["jurisdiction"] == "CN", int(row["weight"])) for nth, row in enumerate(clients.products)]
        self.product = {
            is_cn: endless(rng, *zip(*((nth, weight) for nth, cn, weight in products if cn is is_cn), strict=True))
            for is_cn in (False, True)
        }
        self.contacts: dict[str, list[Person]] = {}
        for one in staff.role("department"):
            self.contacts.setdefault(one.department, []).append(one)
        # Every second of the rare tickets is of the first team, so that its people find some.
        step = max(size.tickets // RARE_TICKETS, 1)
        self.rare = {nth * step + step // 2 + 1: nth % 2 == 0 for nth in range(RARE_TICKETS)}
        self.notes = 0
        # Those with many notes are among those that the trail tells of.
        count = min(max(200, size.tickets // 2_500), size.tickets // 20, size.notes // (2 * DEEP_NOTES))
        self.deep = set(rng.sample(range(int(size.tickets * TRAIL_FROM) + 1, size.tickets + 1), count))
        self.few_notes = endless(rng, list(FEW_NOTES), list(FEW_NOTES.values()))
        self.noted = (size.notes - count * DEEP_NOTES) / FEW_NOTES_MEAN / size.tickets

    def batches(self) -> Iterator[Batch]:
        """Yield all tickets."""
        found: dict[Sheet, list[Row]] = {TICKET: [], CONSULTATION: [], COMPLAINT: [], REQUEST: [], NOTE: []}
        for number, opened in enumerate(self.times.spread(self.rng, self.size.tickets), start=1):
            self._add(self._ticket(number, opened), found)
            if number % AT_ONCE == 0 or number == self.size.tickets:
                yield from found.items()
                yield from self.tasks.batches()
                yield from self.trail.batches()
                found = {sheet: [] for sheet in found}

    def _ticket(self, number: int, opened: int) -> Ticket:
        """Return who wants what of whom, and how it went."""
        times, clients = self.times, self.clients
        is_rare = number in self.rare
        kind = "CONSULTATION" if is_rare else next(self.kind)
        owner = next(
            self.owner[(times.day_of(opened) - times.first_day) * YEARS // (times.until_day - times.first_day)]
        )
        if is_rare and self.rare[number]:
            owner = self.staff.first_team[number % len(self.staff.first_team)]
        code, channel = next(self.channel[kind == "COMPLAINT"])
        contact = opened - 120 - int(self.random() * (420 if code in AT_HAND else 54_000))
        customer, policy, nth = self._customer(opened, may_be_nobody=kind == "CONSULTATION")
        product = clients.products[nth]
        script = "hans" if clients.mainland[customer] else "hant"
        case = self.texts.case(CASES[kind], script, product["line"])
        subject, story, answer = self.texts.told(case, script, product["product"])
        if is_rare:
            subject, story = self.texts.rare(script, subject, story)
        is_imported = number <= self.size.tickets * IMPORTED
        age = (times.until - opened) / DAY
        life = self.lives.of(
            kind, case, contact, opened, is_cn=script == "hans", is_imported=is_imported,
            stalls=not is_imported and self.random() < OPEN_AT_FIRST * exp(-age / OPEN_DAYS),
        )  # fmt: skip
        called = self.series.number(PREFIXES[kind], opened)
        return Ticket(number, kind, opened, contact, channel, owner, customer, policy, product, script, case, subject,
                      story, answer, life, called)  # fmt: skip

    def _customer(self, at: int, *, may_be_nobody: bool) -> tuple[int, int, int]:
        """Return a customer, a policy of theirs and its product's place; 0 for none."""
        clients = self.clients
        if may_be_nobody and self.random() < NOBODY:
            return 0, 0, next(self.product[False])
        customer = int(clients.known(at) * self.random() ** CUSTOMER_ZIPF) + 1
        first, end = clients.first_policy[customer], clients.first_policy[customer + 1]
        if first == end:
            return customer, 0, next(self.product[bool(clients.mainland[customer])])
        policy = first + int(self.random() * (end - first))
        return customer, policy, clients.product_of[policy]

    def _add(self, one: Ticket, found: dict[Sheet, list[Row]]) -> None:
        """Add a ticket's rows, and what was owed, told and written down for it."""
        life, moment, random = one.life, self.times.moment, self.random
        team, is_closed = one.owner.team, life.closed is not None
        is_complaint = one.kind == "COMPLAINT"
        if is_complaint and not life.is_high and one.case["department"] in self.contacts and random() < HANDED_OVER:
            one.owner, life.department = self.rng.choice(self.contacts[one.case["department"]]), one.case["department"]
        opened, owner = moment(one.opened), one.owner.id
        found[TICKET].append(
            (
                one.id, opened, moment(life.changed), life.version, owner, owner, one.number, one.kind, one.channel,
                one.customer or None, self.clients.lines[one.product["line"]],
                self.ids["topic"].get(one.case.get("topic", "")), one.subject, one.story, moment(one.contact), opened,
                None if life.answered is None else moment(life.answered),
                None if life.resolved is None else moment(life.resolved),
                None if life.closed is None else moment(life.closed),
                owner, team, self.ids["department"][life.department], life.status,
                None if is_closed or random() < PLANLESS else next(self.lives.next_action),
                self.ids["disposition"][one.case["disposition"]] if is_complaint and life.resolved else None,
            )
        )  # fmt: skip
        match one.kind:
            case "CONSULTATION":
                said = one.answer if life.answered else None
                found[CONSULTATION].append((one.id, said, int(is_closed), int(is_closed and random() < THANKED)))
            case "COMPLAINT":
                found[COMPLAINT].append(self._complaint(one))
            case _:
                found[REQUEST].append(
                    (
                        one.id, one.case["request_kind"], one.policy or None,
                        None if life.submitted is None else moment(life.submitted),
                        None if life.completed is None else moment(life.completed),
                        None if life.notified is None else moment(life.notified),
                    )
                )  # fmt: skip
        for owed in life.owed:
            self.tasks.add(owed, one.kind.lower(), one.id, f"{one.number} {one.subject}", owner,
                           "team_lead" if is_complaint else None)  # fmt: skip
        is_told = self.trail.left > 0 and one.id > self.size.tickets * TRAIL_FROM
        if is_told:
            self._tell(one)
        self._note(one, found[NOTE], is_told=is_told)

    def _complaint(self, one: Ticket) -> Row:
        rng, ids, case = self.rng, self.ids, one.case
        is_done = one.life.resolved is not None
        about = rng.choice(self.staff.rostered).id if case["about"] else None
        amount = None
        if is_done and case["recovery"]:
            amount = f"{round(rng.lognormvariate(8.3 if one.is_mainland else 10, 0.8), -1):.0f}"
        return (
            one.id, self.times.day(self.times.day_of(one.opened) - rng.randrange(2, 31)), one.product["product"],
            about if about != one.owner.id else None, int(self.random() < APOLOGISED), *one.life.triage,
            ids["root_cause"][case["root_cause"]] if is_done else None, one.answer if is_done else None,
            ids["conclusion"][case["conclusion"]] if is_done else None, amount,
            ("CNY" if one.is_mainland else "TWD") if amount else None,
        )  # fmt: skip

    def _tell(self, one: Ticket) -> None:
        """Write the trail of a ticket: added, and every step."""
        entity, user, iso = one.kind.lower(), one.owner.id, self.times.iso
        asked = f'"customer_id": {one.customer}, ' if one.customer else ""
        self.trail.added(
            one.opened, user, entity, one.id,
            f'{{"kind": "{one.kind}", "channel_id": {one.channel}, {asked}"subject": {quoted(one.subject)}, "story": '
            f'{quoted(one.story)}, "contact_at": "{iso(one.contact)}", "opened_at": "{iso(one.opened)}", "owner_id": '
            f'{user}, "status": "LOGGED", "number": "{one.number}"}}',
        )  # fmt: skip
        before = "LOGGED"
        for version, (step, after, at) in enumerate(one.life.steps, start=2):
            self.trail.moved(
                at, user, entity, one.id, version, step, f'{{"status": "{before}"}}', f'{{"status": "{after}"}}'
            )
            before = after

    def _note(self, one: Ticket, rows: list[Row], *, is_told: bool) -> None:
        """Write down what was done and said, evenly from the first moment to the last."""
        count = DEEP_NOTES if one.id in self.deep else next(self.few_notes) if self.random() < self.noted else 0
        length, user = max(one.life.changed - one.opened, 60 * count), one.owner.id
        for nth in range(1, count + 1):
            self.notes += 1
            at = min(one.opened + length * nth // count, self.times.until)
            text, is_word, is_internal = self.texts.note(one.kind, one.script)
            moment = self.times.moment(at)
            rows.append((self.notes, moment, moment, 1, user, user, one.id, text, is_word, is_internal, user))
            if is_told:
                after = f'{{"ticket_id": {one.id}, "text": {quoted(text)}, "author_id": {user}}}'
                self.trail.added(at, user, "note", self.notes, after)
