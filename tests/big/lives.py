"""The lives of tickets: which step was taken when, how far one has come by the last day, and what it owed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from .catalogs import Catalogs, endless, rows_of
from .tasks import Owed
from .times import DAY, HOUR, Times

MINUTE = 60
FRESH = 2 * DAY
"""What stands still longer waits as a rule for somebody else, and nothing is late for it."""
FORGOTTEN = 0.12
"""Of those that stand still, so many wait although something is owed."""
REPLY_HOURS = {"HIGH": 6, "MEDIUM": 14, "LOW": 30}
REQUEST_STEPS = (
    ("guide", "GUIDED"), ("receive", "RECEIVED"), ("review", "REVIEWED"), ("submit", "SUBMITTED"),
    ("complete", "COMPLETED"), ("notify", "NOTIFIED"), ("close", "CLOSED")
)  # fmt: skip
WAITING = {"CONSULTATION": (1,), "COMPLAINT": (3, 3, 2), "BUSINESS_REQUEST": (4, 4, 4, 1)}
"""How many steps were taken where a ticket may wait with nothing late."""

Steps = list[tuple[str, str, int]]


@dataclass(slots=True)
class Life:
    """How far one ticket has come: steps taken, moments kept, what was and is owed."""

    steps: Steps
    at: dict[str, int]
    """When it came into each state."""
    status: str = "LOGGED"
    changed: int = 0
    answered: int | None = None
    resolved: int | None = None
    closed: int | None = None
    submitted: int | None = None
    completed: int | None = None
    notified: int | None = None
    department: str = "CS"
    triage: tuple[str | None, str | None, str | None] = (None, None, None)
    owed: list[Owed] = field(default_factory=list)

    @property
    def version(self) -> int:
        """How often it was saved."""
        return 1 + len(self.steps)

    @property
    def is_high(self) -> bool:
        """Whether it is worked on before others."""
        return self.triage[2] == "HIGH"


class Lives:
    """Draws lives."""

    def __init__(self, rng: Random, times: Times, catalogs: Catalogs) -> None:
        self.rng, self.times, self.priorities = rng, times, catalogs.priorities
        self.random = rng.random
        phrases = [row["text"] for row in rows_of("phrases") if row["key"] == "next_action"]
        self.next_action = endless(rng, phrases)

    def of(self, kind: str, case: dict[str, str], contact: int, opened: int, *, is_cn: bool, stalls: bool,
           is_imported: bool) -> Life:  # fmt: skip
        """Return the life of a ticket up to the last day."""
        match kind:
            case "CONSULTATION":
                steps = self._consultation(opened)
            case "COMPLAINT":
                triage = self._triage(case)
                steps = self._complaint(opened, REPLY_HOURS[triage[2]])
            case _:
                steps = self._request(opened)
        if stalls:
            is_old = self.times.until - opened > FRESH
            waits = is_old and self.random() >= FORGOTTEN
            steps = steps[: self.rng.choice(WAITING[kind]) if waits else self.rng.randrange(len(steps))]
        taken = [step for step in steps if step[2] < self.times.until]
        if is_imported:
            # Nothing but the end was taken over.
            taken = [("close", "CLOSED", min(steps[-1][2], self.times.until - 1))]
        life = Life(taken, {state: at for _step, state, at in taken}, changed=opened)
        if taken:
            _step, life.status, life.changed = taken[-1]
        life.answered, life.closed = life.at.get("ANSWERED"), life.at.get("CLOSED")
        if is_imported:
            life.resolved = life.closed
        elif kind == "COMPLAINT":
            life.resolved = life.at.get("RESOLVED")
        if kind == "COMPLAINT" and (is_imported or taken):
            life.triage = triage
        if kind == "BUSINESS_REQUEST":
            life.submitted, life.completed, life.notified = map(life.at.get, ("SUBMITTED", "COMPLETED", "NOTIFIED"))
            if life.submitted is not None:
                life.department = case["department"]
        if not is_imported:
            life.owed = self._owed(kind, life, contact, is_cn=is_cn)
        return life

    def _consultation(self, opened: int) -> Steps:
        if self.random() < 0.65:
            answered = opened + 3 * MINUTE + int(self.random() * 11 * MINUTE)
        else:
            answered = self._worked(opened, 9 if self.random() < 0.15 else 1.6)
        closed = self._worked(answered, 10) if self.random() < 0.1 else answered + 20 + int(self.random() * 10 * MINUTE)
        return [("answer", "ANSWERED", answered), ("close", "CLOSED", closed)]

    def _complaint(self, opened: int, hours: float) -> Steps:
        triaged = self._worked(opened, 2.5 if self.random() < 0.15 else 0.5)
        started = self._worked(triaged, 1)
        resolved = self._worked(started, hours * (3.2 if self.random() < 0.13 else 1))
        return [
            ("triage", "ASSIGNED", triaged), ("start", "IN_PROGRESS", started), ("resolve", "RESOLVED", resolved),
            ("close", "CLOSED", self._worked(resolved, 12))
        ]  # fmt: skip

    def _request(self, opened: int) -> Steps:
        at = opened + 4 * MINUTE + int(self.random() * 21 * MINUTE)
        steps = [(*REQUEST_STEPS[0], at)]
        hours = (18, 11 if self.random() < 0.15 else 3, 1, 22, 12 if self.random() < 0.15 else 3, 6)
        for (step, state), length in zip(REQUEST_STEPS[1:], hours, strict=True):
            at = self._worked(at, length)
            steps.append((step, state, at))
        return steps

    def _triage(self, case: dict[str, str]) -> tuple[str, str, str]:
        urgency = "CRITICAL" if self.random() < 0.06 else case["urgency"]
        return urgency, case["complexity"], self.priorities[urgency, case["complexity"]]

    def _worked(self, start: int, hours: float) -> int:
        """Return the moment after so many opening hours, give or take a quarter."""
        return self.times.worked(start, int(hours * HOUR * (0.75 + self.random() / 2)) + 1)

    def _owed(self, kind: str, life: Life, contact: int, *, is_cn: bool) -> list[Owed]:
        if kind == "CONSULTATION":
            return [Owed("first_response", "", contact, life.answered)]
        if kind == "BUSINESS_REQUEST":
            received, completed = life.at.get("RECEIVED"), life.completed
            owed = [Owed("first_response", "", contact, life.at.get("GUIDED"))]
            if received is not None:
                owed.append(Owed("request_review", "", received, life.at.get("REVIEWED")))
            if completed is not None:
                owed.append(Owed("request_notice", "", completed, life.notified))
            return owed
        triaged, started, resolved = life.at.get("ASSIGNED"), life.at.get("IN_PROGRESS"), life.resolved
        law = "jurisdiction=CN" if is_cn else "jurisdiction=TW"
        owed = [
            Owed("first_response", "kind=COMPLAINT", contact, started),
            Owed("complaint_triage", "", contact, triaged),
            Owed("complaint_statutory", law, contact, resolved),
        ]
        if triaged is not None:
            priority = life.triage[2]
            condition = "" if priority == "LOW" else f"priority={priority}"
            paused = None
            if started is not None and resolved is None and self.times.until - started > FRESH:
                # It waits for the customer, and this clock with it.
                paused = min(started + HOUR, self.times.until)
                life.status = "WAITING"
                life.steps.append(("ask_customer", "WAITING", paused))
                life.changed = paused
            owed.append(Owed("complaint_resolution", condition, triaged, resolved, paused))
        return owed
