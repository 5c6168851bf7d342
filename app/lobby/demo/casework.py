"""A year of consultations, complaints and business requests (chapter 3)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from app.casework.models import (
    BusinessRequest,
    Complaint,
    Complexity,
    Conclusion,
    Consultation,
    Currency,
    Disposition,
    Note,
    Priority,
    RequestKind,
    RootCause,
    Ticket,
    Topic,
    Urgency,
)
from app.core import clock
from app.customers.models import CustomerKind, Jurisdiction
from app.lobby.demo.customers import Client, Clients, team_for
from app.lobby.demo.people import Cast
from app.lobby.demo.stage import Stage, Story, by_code, texts
from app.staff.models import Department, StaffMember

CONSULTATIONS, COMPLAINTS, REQUESTS = 640, 110, 150
CHANNELS = {"PHONE": 62, "WEB": 12, "EMAIL": 9, "CHAT": 8, "COUNTER": 6, "AGENCY": 3}
COMPLAINT_CHANNELS = {"PHONE": 55, "EMAIL": 15, "WEB": 12, "COUNTER": 6, "OMBUDSMAN": 7, "REGULATOR": 5}
WEEKDAY_LOAD = (1.35, 1.1, 1.0, 0.95, 0.9)
"""Monday is the busiest day."""
HOURS = (9, 10, 11, 13, 14, 15, 16, 17)
HOUR_LOAD = (10, 16, 15, 9, 13, 14, 13, 10)
REPLY_HOURS = {Priority.HIGH: 6, Priority.MEDIUM: 14, Priority.LOW: 30}
ASKED_BY_DEPARTMENT = {"CLAIMS": "L", "UW": "U", "POS": "P", "FIN": "F", "IT": "I"}


class Desk:
    """What every ticket's story needs: catalogs, texts, and who works where."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.stage: Stage = clients.stage
        self.cast: Cast = clients.cast
        self.topics, self.root_causes = by_code(Topic), by_code(RootCause)
        self.dispositions, self.conclusions = by_code(Disposition), by_code(Conclusion)
        self.departments = by_code(Department)
        self.texts = {name: texts(name) for name in ("consultations", "complaints", "requests")}
        self.notes = texts("notes")
        self.hospitals = texts("hospitals")

    @property
    def supervisors(self) -> list[StaffMember]:
        """Those to whom major complaints go, and whatever is about a colleague."""
        return [one for one in self.cast.role("C") if one.team is None]

    def customer_with(self, name: str) -> tuple[Client, Any, dict[str, str], dict[str, str]] | None:
        """Return a customer, one of their policies with its product, and a text that fits them; None for nobody."""
        if not self.clients.known:
            return None
        client = self.stage.random.choice(self.clients.known)
        policy, product = self.stage.random.choice(client.policies)
        rows = [row for row in self.texts[name] if row["script"] == client.script]
        fitting = [row for row in rows if row["line"] in {product["line"], "*"}]
        if client.record.kind is CustomerKind.ORGANISATION:
            fitting = [row for row in fitting if row["line"] != "*"]
        if not fitting:
            return None
        row = self.stage.random.choices(fitting, [int(row["weight"]) for row in fitting])[0]
        return client, policy, product, self._told(row, client, policy.product)

    def _told(self, row: dict[str, str], client: Client, product: str) -> dict[str, str]:
        """Return a text with its blanks filled in."""
        is_cn = client.record.jurisdiction is Jurisdiction.CN
        amount = round(math.exp(self.stage.random.gauss(7.6 if is_cn else 9.4, 0.9)), -2)
        blanks = {
            "product": f"「{product}」" if not is_cn else f"“{product}”",
            "amount": f"{max(amount, 300):,.0f}",
            "days": str(self.stage.random.randint(3, 24)),
            "day": str(self.stage.random.randint(1, 28)),
            "hospital": self.stage.random.choice(
                [one["name"] for one in self.hospitals if one["script"] == client.script]
            ),
        }
        return {name: text.format_map(blanks) if "{" in text else text for name, text in row.items()}

    def agent_for(self, client: Client, line: str) -> StaffMember | None:
        """Return whoever takes the contact."""
        team = self.cast.teams[team_for(client.record.jurisdiction, line)]
        agents = self.cast.agents(team, clock.today())
        return self.stage.random.choice(agents) if agents else None

    def log(self, agent: StaffMember, kind: type[Ticket], client: Client, line: str, **given: Any) -> Any:
        """Log a ticket; the contact was some minutes ago, or at night if it came in writing."""
        loads = COMPLAINT_CHANNELS if kind is Complaint else CHANNELS
        code = self.stage.random.choices(list(loads), list(loads.values()))[0]
        minutes = (
            self.stage.random.randint(2, 9)
            if code in {"PHONE", "COUNTER", "CHAT"}
            else self.stage.random.randint(20, 900)
        )
        return self.stage.add(
            agent, kind, customer=client.record, channel=self.clients.channels[code],
            contact_at=clock.now() - timedelta(minutes=minutes), product_line=self.clients.lines[line], **given,
        )  # fmt: skip

    def note(self, author: StaffMember, ticket: Ticket, kind: str) -> None:
        """Write down something that was done or said."""
        client_script = "hans" if ticket.jurisdiction is Jurisdiction.CN else "hant"
        rows = [row for row in self.notes if (row["script"], row["kind"]) == (client_script, kind)]
        if author.department is not self.departments["CS"]:
            rows = [row for row in rows if not row["internal"]]
        row = self.stage.random.choice(rows)
        self.stage.add(
            author, Note, ticket=ticket, text=row["text"], is_told=row["told"] == "yes",
            is_internal=row["internal"] == "yes",
        )  # fmt: skip


def contacts(desk: Desk) -> Iterator[tuple[Story, datetime]]:
    """Yield the year's tickets, more on Mondays and in the late morning, rising over the year."""
    stage = desk.stage
    days = list(stage.days(stage.first + timedelta(days=4)))
    load = [WEEKDAY_LOAD[min(day.weekday(), 4)] * (1 + nth / len(days) / 3) for nth, day in enumerate(days)]
    for kind, number in ((consultation, CONSULTATIONS), (complaint, COMPLAINTS), (request, REQUESTS)):
        for day in stage.random.choices(days, load, k=number):
            yield kind(desk), _within(stage, day)


def _within(stage: Stage, day: date) -> datetime:
    hour = stage.random.choices(HOURS, HOUR_LOAD)[0]
    return stage.during(day, hour, hour + 1)


def consultation(desk: Desk) -> Story:
    """One question: answered at once as a rule, else after some hours, and closed."""
    stage, found = desk.stage, desk.customer_with("consultations")
    agent = desk.agent_for(found[0], found[2]["line"]) if found else None
    if found is None or agent is None:
        return
    client, _policy, product, row = found
    item: Consultation = desk.log(
        agent,
        Consultation,
        client,
        product["line"],
        topic=desk.topics[row["topic"]],
        subject=row["subject"],
        story=row["story"],
    )
    if stage.chance(0.12):
        colleague = _colleague(desk, agent)
        if colleague is not None:
            stage.step(agent, item, "hand_over", owner=colleague, next_action=stage.phrase("next_action"))
            agent = colleague
    if stage.chance(0.35):
        yield stage.worked(clock.now(), 9 if stage.chance(0.15) else 1.6)
        yield from desk.cast.until_here(stage, agent)
        if stage.chance(0.4):
            desk.note(agent, item, "CONSULTATION")
            yield stage.worked(clock.now(), 2)
            yield from desk.cast.until_here(stage, agent)
    else:
        yield clock.now() + timedelta(minutes=stage.random.randint(3, 14))
    stage.step(agent, item, "answer", answer=row["answer"])
    if stage.chance(0.1):
        yield stage.worked(clock.now(), 10)
        yield from desk.cast.until_here(stage, agent)
    stage.step(agent, item, "close", has_asked_further=stage.chance(0.93), is_thanked=stage.chance(0.97))


def _colleague(desk: Desk, agent: StaffMember) -> StaffMember | None:
    assert agent.team is not None
    others = [one for one in desk.cast.agents(agent.team, clock.today()) if one is not agent]
    return desk.stage.random.choice(others) if others else None


def complaint(desk: Desk) -> Story:
    """One complaint: triaged by the lead, worked on by somebody it is not about, resolved and closed."""
    stage, found = desk.stage, desk.customer_with("complaints")
    agent = desk.agent_for(found[0], found[2]["line"]) if found else None
    if found is None or agent is None:
        return
    client, _policy, product, row = found
    about = _colleague(desk, agent) if row["about"] else None
    item: Complaint = desk.log(
        agent, Complaint, client, product["line"], topic=desk.topics[row["topic"]],
        subject=row["subject"], story=row["story"],
        event_on=clock.today() - timedelta(days=stage.random.randint(2, 30)), product=found[1].product, about=about,
        is_apologised=stage.chance(0.9),
    )  # fmt: skip
    assert agent.team is not None
    lead = desk.cast.lead(agent.team) if about is None else stage.random.choice(desk.supervisors)
    yield stage.worked(clock.now(), 2.5 if stage.chance(0.15) else 0.5)
    urgency, complexity = Urgency[row["urgency"]], Complexity[row["complexity"]]
    if stage.chance(0.06):
        urgency = Urgency.CRITICAL
    stage.step(lead, item, "triage", urgency=urgency, complexity=complexity)
    owner = _handler(desk, item, agent, about)
    if owner is not agent:
        stage.step(lead, item, "hand_over", owner=owner, next_action=stage.phrase("next_action"))
    yield stage.worked(clock.now(), 1)
    yield from desk.cast.until_here(stage, owner)
    stage.step(owner, item, "start", next_action=stage.phrase(f"plan_{client.script}"))
    desk.note(owner, item, "COMPLAINT")
    yield from _investigated(desk, item, owner, row)
    given = _outcome(desk, item, row)
    stage.step(owner, item, "resolve", remedy=row["remedy"], **given)
    yield stage.worked(clock.now(), 12)
    closer = owner if owner.team is not None else lead
    yield from desk.cast.until_here(stage, closer)
    if stage.chance(0.05):
        stage.step(closer, item, "reopen", next_action=stage.phrase("unhappy"))
        yield stage.worked(clock.now(), 12)
        yield from desk.cast.until_here(stage, owner)
        stage.step(owner, item, "resolve", remedy=row["remedy"], **given)
        yield stage.worked(clock.now(), 6)
        yield from desk.cast.until_here(stage, closer)
    stage.step(closer, item, "close")


def _handler(desk: Desk, item: Complaint, agent: StaffMember, about: StaffMember | None) -> StaffMember:
    """Return who handles it: a supervisor what is high or about a colleague, now and then a department."""
    if about is not None or (item.priority is Priority.HIGH and desk.stage.chance(0.35)):
        return desk.stage.random.choice(desk.supervisors)
    if item.priority is not Priority.HIGH and desk.stage.chance(0.12):
        return desk.cast.logins["department"]
    return agent


def _investigated(desk: Desk, item: Complaint, owner: StaffMember, row: dict[str, str]) -> Story:
    """The owner looks into it, and may have to ask the customer; hard ones take their time."""
    stage = desk.stage
    hours = REPLY_HOURS[item.priority or Priority.LOW] * (3.2 if stage.chance(0.13) else 1)
    if stage.chance(0.25):
        yield stage.worked(clock.now(), hours / 3)
        yield from desk.cast.until_here(stage, owner)
        stage.step(owner, item, "ask_customer", next_action=stage.phrase(f"ask_{row['script']}"))
        yield stage.worked(clock.now(), 14)
        yield from desk.cast.until_here(stage, owner)
        stage.step(owner, item, "customer_answered")
    yield stage.worked(clock.now(), hours)
    yield from desk.cast.until_here(stage, owner)


def _outcome(desk: Desk, item: Complaint, row: dict[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {
        "root_cause": desk.root_causes[row["root_cause"]],
        "disposition": desk.dispositions[row["disposition"]],
        "conclusion": desk.conclusions[row["conclusion"]],
    }
    if row["recovery"]:
        is_cn = item.jurisdiction is Jurisdiction.CN
        amount = round(math.exp(desk.stage.random.gauss(8.3 if is_cn else 10, 0.8)), -1)
        given |= {"recovery_amount": f"{amount:.0f}", "recovery_currency": Currency.CNY if is_cn else Currency.TWD}
    return given


def request(desk: Desk) -> Story:
    """One request: guide, documents, first review, department, notice."""
    stage, found = desk.stage, desk.customer_with("requests")
    agent = desk.agent_for(found[0], found[2]["line"]) if found else None
    if found is None or agent is None:
        return
    client, policy, product, row = found
    item: BusinessRequest = desk.log(
        agent, BusinessRequest, client, product["line"], request_kind=RequestKind[row["request_kind"]], policy=policy,
        subject=row["subject"], story=row["story"],
    )  # fmt: skip
    yield clock.now() + timedelta(minutes=stage.random.randint(4, 25))
    stage.step(agent, item, "guide")
    if stage.chance(0.3):
        desk.note(agent, item, "BUSINESS_REQUEST")
    department = desk.departments[row["department"]]
    clerk = stage.random.choice(desk.cast.role(ASKED_BY_DEPARTMENT[row["department"]]))
    for step, hours, who, given in (
        ("receive", 18, agent, {}),
        ("review", 11 if stage.chance(0.15) else 3, agent, {}),
        ("submit", 1, agent, {"department": department}),
        ("complete", 22, clerk, {}),
        ("notify", 12 if stage.chance(0.15) else 3, agent, {}),
        ("close", 6, agent, {}),
    ):
        yield stage.worked(clock.now(), hours)
        yield from desk.cast.until_here(stage, who)
        stage.step(who, item, step, **given)
