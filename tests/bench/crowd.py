"""Many at once: pages a second with eight people at the list, and what others notice of a long export or import."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .client import Page, WrongAnswerError, form_in
from .contenders import STORY, SUBJECT, Contender, Floor, Person, Portal
from .race import LOST, Cost

PEOPLE = 8
SECONDS = 8.0
TURNS = 2
MOST_ROUNDS = 2_000
PAUSE_S = 0.02
IMPORTED = 2_000
PATIENCE_S = 300


@dataclass
class Calm:
    """How long the list takes one person, with and without somebody else's long work, in seconds."""

    alone: Cost
    beside: dict[str, Cost]


def throughput(contenders: Sequence[Contender]) -> dict[str, float]:
    """Return how many list pages a second each contender gives to eight people at a time."""
    pages: dict[str, list[float]] = {one.name: [] for one in contenders}
    for _turn in range(TURNS):
        for one in contenders:
            pages[one.name].append(_crowd(one))
    return {name: max(found) for name, found in pages.items()}


def _crowd(one: Contender) -> float:
    end, counts = time.perf_counter() + SECONDS, [0] * PEOPLE

    def ask(place: int) -> None:
        person = one.again("agent")
        while time.perf_counter() < end:
            one.listed(person)  # type: ignore[attr-defined] - everybody has a list
            counts[place] += 1
        person.close()

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(PEOPLE)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


def disturbed(one: Portal | Floor, rounds: int) -> Calm:
    """Return what the list takes an agent alone, beside an export, and beside an import where there is one."""
    calm, work = Calm(Cost(), {}), {"CSV export": one.as_csv, "XLSX export": one.as_xlsx}
    if isinstance(one, Portal):
        work["import"] = lambda person: _import(one, person)
    for name, does in work.items():
        calm.alone.seconds += _listing(one, rounds, lambda: True).seconds
        calm.beside[name] = _beside(one, rounds, does)
    return calm


def _listing(one: Portal | Floor, rounds: int, is_over: Callable[[], bool]) -> Cost:
    """Ask for the list at least so many times and until the other work is over."""
    cost, person = Cost(), one.again("agent")
    while len(cost.seconds) < rounds or (not is_over() and len(cost.seconds) < MOST_ROUNDS):
        person.reset()
        one.listed(person)  # type: ignore[attr-defined] - everybody has a list
        cost.seconds.append(person.took)
        time.sleep(PAUSE_S)
    person.close()
    return cost


def _beside(one: Portal | Floor, rounds: int, work: Callable[[Person], object]) -> Cost:
    """Ask for the list while somebody else does the work once, and again if that was too short."""
    stop, is_over = threading.Event(), threading.Event()
    trouble: list[str] = []

    def run() -> None:
        person = one.again("supervisor")
        try:
            while not stop.is_set():
                work(person)
                is_over.set()
        except (WrongAnswerError, *LOST) as error:
            trouble.append(str(error))
        finally:
            is_over.set()
            person.close()

    thread = threading.Thread(target=run)
    thread.start()
    cost = _listing(one, rounds, is_over.is_set)
    stop.set()
    thread.join()
    cost.wrong = "; ".join(trouble)
    return cost


def _import(one: Portal, person: Person) -> None:
    """Import consultations through the pages: send the file, let it be checked, import it; the last two are long."""
    page = person.get("/consultation/import/").expect(200)
    form = form_in(page, "//form[.//input[@type='file']]")
    led = person.upload(page, form, "file", "consultations.csv", _file(one)).expect(302).headers["Location"]
    for step in ("check", "run"):
        page = _settled(person, led)
        form = form_in(page, f"//form[.//*[@name='step' and @value='{step}']]")
        values = [pair for pair in form.values if pair[0] != "step"]
        person.post(led, [*values, ("step", step)], form.kind).expect(302)
    told = _settled(person, led).text
    if SUBJECT in told:
        raise WrongAnswerError("some rows were not imported")


def _settled(person: Person, url: str) -> Page:
    """Wait until a run stands still, and return its page."""
    end = time.monotonic() + PATIENCE_S
    while json.loads(person.get(f"{url}?as=json").expect(200).text)["busy"]:
        if time.monotonic() > end:
            raise WrongAnswerError("an import that does not end")
        time.sleep(0.2)
    return person.get(url).expect(200)


def _file(one: Portal) -> bytes:
    """Return consultations to import, with the names of the columns as headings."""
    block = io.StringIO(newline="")
    writer = csv.writer(block)
    writer.writerow(["customer", "channel", "topic", "contact_at", "subject", "story"])
    for number in range(IMPORTED):
        writer.writerow([*one.facts.named, "2026-01-05 09:30", f"{SUBJECT} {number}", STORY])
    return block.getvalue().encode()
