"""Everybody is asked for the same thing in turn: a round asks each contender once, the order rotates."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException

from .client import Client, WrongAnswerError
from .contenders import Contender
from .operations import Operation, offers
from .servers import served
from .serving import ASKED

WARM_UPS, WARM_UP_S = 4, 2.0
LEAST, BUDGET_S = 5, 12.0
"""Whoever has waited so long for one operation is asked no more, once it has answered the least number of times."""
LONG_S = 60.0
"""After so long, two times are enough."""
PERCENTILE = 0.95

LOST = (OSError, HTTPException)
"""An answer that did not come, or not whole."""

Tell = Callable[[str], None]
Key = tuple[str, str]


@dataclass
class Cost:
    """What an operation took a contender: seconds a time, bytes of the last answer, statements, what was wrong."""

    seconds: list[float] = field(default_factory=list)
    received: int = 0
    statements: int | None = None
    grown_mb: float | None = None
    wrong: str = ""

    @property
    def median(self) -> float:
        """The middle one, in seconds."""
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """What nineteen of twenty stayed below, in seconds."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, round(PERCENTILE * (len(ranked) - 1)))]

    def __str__(self) -> str:
        told = f"{self.median * 1000:.1f}" if self.seconds else "-"
        return f"{told} ({self.wrong})" if self.wrong else told


Costs = dict[Key, Cost]


@contextmanager
def running(contenders: Sequence[Contender]) -> Iterator[None]:
    """Serve all contenders while the block lasts, everybody signed in."""
    with ExitStack() as open_:
        for one in contenders:
            one.enter(open_.enter_context(served(one.recipe)))
        yield


def run(contenders: Sequence[Contender], operations: Sequence[Operation], rounds: int, tell: Tell) -> Costs:
    """Return what each operation took each contender that has it."""
    costs: Costs = {}
    for operation in operations:
        racing = [one for one in contenders if offers(one, operation)]
        if not operation.grows:
            racing = [one for one in racing if one.department.size == max(c.department.size for c in contenders)]
        for one in racing:
            costs[operation.key, one.name] = _warmed(one, operation)
        if not racing:
            continue
        gc.collect()
        for number in range(min(rounds, operation.rounds or rounds)):
            turn = number % len(racing)
            for one in [*racing[turn:], *racing[:turn]]:
                _ask(one, operation, costs[operation.key, one.name])
        told = [f"{one.name} {costs[operation.key, one.name]}" for one in racing]
        tell(f"{operation.title}: {', '.join(told)}")
    return costs


def _warmed(one: Contender, operation: Operation) -> Cost:
    """Ask a few times on new connections, so that each worker has most likely seen it, and judge the answer."""
    cost = Cost()
    if one.server is not None and operation.is_export:
        one.server.forget_peak()
    before = one.server.memory_mb() if one.server is not None else 0
    try:
        for _time in range(1 if operation.is_export else WARM_UPS):
            person = one.again(operation.who)
            try:
                page = operation.ask(one, person)
                operation.check(one, one.facts, operation.who, page)
            finally:
                person.close()
            if person.took > WARM_UP_S:
                break
    except WrongAnswerError as error:
        cost.wrong = str(error)
    except LOST as error:
        cost.wrong = f"no answer: {type(error).__name__}"
    if one.server is not None and operation.is_export:
        cost.grown_mb = one.server.peak_mb() - before
    return cost


def _ask(one: Contender, operation: Operation, cost: Cost) -> None:
    times, waited = len(cost.seconds), sum(cost.seconds)
    has_had_enough = (times >= LEAST and waited > BUDGET_S) or (times > 1 and waited > LONG_S)
    if has_had_enough or cost.wrong.startswith("no answer"):
        return
    person = one.people[operation.who]
    person.reset()
    try:
        page = operation.ask(one, person)
        cost.seconds.append(person.took)
        cost.received = person.received
        if not cost.wrong:
            operation.check(one, one.facts, operation.who, page)
    except WrongAnswerError as error:
        cost.wrong = str(error)
    except LOST as error:
        person.close()
        cost.wrong = f"no answer: {type(error).__name__}"


def count(contenders: Sequence[Contender], operations: Sequence[Operation], costs: Costs) -> dict[str, int]:
    """Count the statements of each operation, in a pass of its own; return those of each start-up."""
    started = {}
    for one in contenders:
        with served(one.recipe, is_counting=True) as server:
            counter = Client(server.address)
            started[one.name] = _counted(counter)
            one.enter(server)
            for operation in operations:
                cost = costs.get((operation.key, one.name))
                if cost is None or not cost.seconds:
                    continue
                # The first time fills what is kept between requests.
                with suppress(WrongAnswerError, *LOST):
                    for _time in range(1 if cost.median > WARM_UP_S else 2):
                        _counted(counter)
                        operation.ask(one, one.people[operation.who])
                    cost.statements = _counted(counter)
    return started


def _counted(counter: Client) -> int:
    """Return how many statements a server has run since it was last asked."""
    return int(counter.get(ASKED).text)
