"""Customers of both jurisdictions with what they hold, need and agreed to (chapter 7). None of them exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from app.core import clock
from app.customers.checks import (
    TW_LETTERS,
    is_cn_credit_code,
    is_cn_resident_number,
    is_tw_business_number,
    is_tw_id,
)
from app.customers.models import (
    Channel,
    Consent,
    Customer,
    CustomerKind,
    InsuranceNeed,
    Jurisdiction,
    Language,
    Policy,
    PolicyState,
    ProductLine,
    Purpose,
)
from app.lobby.demo.people import Cast
from app.lobby.demo.stage import Stage, Story, by_code, texts
from app.staff.models import StaffMember

FROM_THE_START, LATER = 160, 80
ORGANISATIONS, MAINLAND = 0.08, 0.27
TEAM_OF_LINE = {"LIFE": "T1", "INVESTMENT": "T1", "ANNUITY": "T1", "GROUP": "T1", "HEALTH": "T2"}
LANDLINES = {
    "TW": (("02-2", 7), ("03-5", 6), ("04-2", 7), ("06-2", 6), ("07-3", 6)),
    "CN": (("010-6", 7), ("021-5", 7), ("0755-8", 7), ("0571-8", 7)),
}
"""How numbers of some cities begin, and how many digits follow."""
CN_REGIONS = ("110105", "310115", "440305", "330106", "320508", "510104", "350203")
ENDINGS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
YEAR_DAYS = 365


@dataclass
class Client:
    """A customer and the policies they hold, each with the row of the product it is of."""

    record: Customer
    policies: list[tuple[Policy, dict[str, str]]] = field(default_factory=list)

    @property
    def script(self) -> str:
        """In which script we write to them."""
        return "hans" if self.record.jurisdiction is Jurisdiction.CN else "hant"


class Clients:
    """The customers the stories know."""

    def __init__(self, stage: Stage, cast: Cast) -> None:
        self.stage, self.cast = stage, cast
        self.known: list[Client] = []
        self.lines: dict[str, ProductLine] = by_code(ProductLine)
        self.channels: dict[str, Channel] = by_code(Channel)
        self.products = texts("products")
        self.companies = texts("companies")
        self.places = texts("places")
        self.names = {(row["jurisdiction"], row["part"]): row["names"].split() for row in texts("names")}
        self.used: set[str] = set()

    def new(self, make: Callable[[], str]) -> str:
        """Return what ``make`` gives, made anew while it was given already."""
        while (made := make()) in self.used:
            continue
        self.used.add(made)
        return made


def enrolments(clients: Clients) -> Iterator[tuple[Story, datetime]]:
    """Yield the customers that were there in the first days, and those who came over the year."""
    stage = clients.stage
    days = list(stage.days(stage.first + timedelta(days=1)))
    for number in range(FROM_THE_START + LATER):
        day = stage.random.choice(days[:4] if number < FROM_THE_START else days)
        yield enrolled(clients), stage.during(day)


def enrolled(clients: Clients) -> Story:
    """One customer is entered, with policies, consents and perhaps a need."""
    stage = clients.stage
    jurisdiction = Jurisdiction.CN if stage.chance(MAINLAND) else Jurisdiction.TW
    kind = CustomerKind.ORGANISATION if clients.companies and stage.chance(ORGANISATIONS) else CustomerKind.PERSON
    products = [row for row in clients.products if (row["jurisdiction"], row["kind"]) == (jurisdiction.name, kind.name)]
    first = stage.random.choices(products, [int(row["weight"]) for row in products])[0]
    agents = clients.cast.agents(clients.cast.teams[team_for(jurisdiction, first["line"])], clock.today())
    if not agents:
        return
    agent = stage.random.choice(agents)
    facts = _person(clients, jurisdiction) if kind is CustomerKind.PERSON else _company(clients, jurisdiction)
    client = Client(
        stage.add(
            agent, Customer, kind=kind, jurisdiction=jurisdiction, phone=_landline(clients, jurisdiction),
            address=_address(clients, jurisdiction), preferred_channel=_some_channel(clients),
            language=Language.ZH_HANS if jurisdiction is Jurisdiction.CN else Language.ZH_HANT, **facts,
        )
    )  # fmt: skip
    others = [row for row in products if row is not first and stage.chance(0.5 * int(row["weight"]) / 60)]
    for row in [first, *others]:
        _policy(clients, agent, client, row)
    _agreements(clients, agent, client)
    clients.known.append(client)
    yield from ()


def team_for(jurisdiction: Jurisdiction, line: str) -> str:
    """Return the code of the team that serves a customer with such a policy."""
    return "T4" if jurisdiction is Jurisdiction.CN else TEAM_OF_LINE.get(line, "T3")


def _policy(clients: Clients, agent: StaffMember, client: Client, row: dict[str, str]) -> None:
    stage, holder = clients.stage, client.record
    years = int(row["years"]) if row["years"] else None
    age = stage.random.randrange(20, YEAR_DAYS * 9 if years is None or years > 1 else YEAR_DAYS)
    starts = clock.today() - timedelta(days=age)
    length = timedelta(days=9 if years == 0 else YEAR_DAYS * (years or 0))
    ends = starts + length if years is not None else None
    state = PolicyState.IN_FORCE
    if ends is not None and ends < clock.today():
        state = PolicyState.EXPIRED
    elif stage.chance(0.08):
        state = stage.random.choice([PolicyState.LAPSED, PolicyState.SURRENDERED, PolicyState.APPLIED])
    number = clients.new(lambda: f"{row['prefix']}{starts:%y}-{stage.random.randrange(10**6):06d}")
    policy: Policy = stage.add(
        agent, Policy, holder=holder, number=number, product_line=clients.lines[row["line"]], product=row["product"],
        insured=holder if holder.kind is CustomerKind.PERSON else None, state=state, starts_on=starts, ends_on=ends,
        beneficiaries=stage.phrase(f"beneficiaries_{client.script}") if row["line"] == "LIFE" else None,
    )  # fmt: skip
    client.policies.append((policy, row))


def _agreements(clients: Clients, agent: StaffMember, client: Client) -> None:
    stage = clients.stage
    given = min(policy.starts_on for policy, _row in client.policies)
    wanted = {Purpose.SERVICE: True, Purpose.MARKETING: stage.chance(0.4)}
    wanted[Purpose.SENSITIVE] = any(row["line"] == "HEALTH" for _policy, row in client.policies)
    for purpose, is_wanted in wanted.items():
        if is_wanted:
            ended = purpose is Purpose.MARKETING and stage.chance(0.2)
            stage.add(
                agent, Consent, customer=client.record, purpose=purpose, channel=_some_channel(clients),
                given_on=given, withdrawn_on=clock.today() if ended else None,
            )  # fmt: skip
    if stage.chance(0.2):
        stage.add(
            agent, InsuranceNeed, customer=client.record, need=stage.phrase(f"need_{client.script}"),
            follow_up_on=stage.workday_after(10, 90) if stage.chance(0.6) else None, is_met=stage.chance(0.25),
        )  # fmt: skip


def _some_channel(clients: Clients) -> Channel:
    code: str = clients.stage.random.choices(("PHONE", "EMAIL", "WEB", "CHAT", "COUNTER"), (60, 14, 12, 9, 5))[0]
    return clients.channels[code]


def _address(clients: Clients, jurisdiction: Jurisdiction) -> str:
    place = clients.stage.random.choice(
        [row["place"] for row in clients.places if row["jurisdiction"] == jurisdiction.name]
    )
    number = clients.stage.random.randrange(1, 400)
    floor = clients.stage.random.randrange(2, 15)
    return f"{place} {number} 號 {floor} 樓" if jurisdiction is Jurisdiction.TW else f"{place} {number} 号 {floor} 层"


def _landline(clients: Clients, jurisdiction: Jurisdiction) -> str | None:
    if not clients.stage.chance(0.3):
        return None
    begins, missing = clients.stage.random.choice(LANDLINES[jurisdiction.name])
    return begins + _digits(clients, missing)


def _person(clients: Clients, jurisdiction: Jurisdiction) -> dict[str, object]:
    stage, place = clients.stage, jurisdiction.name
    is_woman = stage.chance(0.53)
    name = stage.random.choice(clients.names[place, "surname"])
    name += stage.random.choice(clients.names[place, "woman" if is_woman else "man"])
    born = date(
        stage.today.year - stage.random.randint(24, 78), stage.random.randint(1, 12), stage.random.randint(1, 28)
    )
    mobile = clients.new(lambda: f"09{stage.random.choice('123578')}{_digits(clients, 7)}")
    number = clients.new(lambda: _tw_id(clients, is_woman=is_woman))
    if jurisdiction is Jurisdiction.CN:
        mobile = clients.new(
            lambda: f"1{stage.random.choice(('36', '37', '38', '39', '50', '86', '88'))}{_digits(clients, 8)}"
        )
        number = clients.new(lambda: _cn_id(clients, born, is_woman=is_woman))
    email = clients.new(lambda: f"{stage.random.choice(EMAIL_WORDS)}{stage.random.randrange(1000, 9999)}@example.com")
    return {
        "name": name, "id_number": number, "birth_date": born.isoformat(), "mobile": mobile,
        "email": email if stage.chance(0.6) else None,
        "contact_wishes": stage.phrase(f"wish_{'hans' if place == 'CN' else 'hant'}") if stage.chance(0.15) else None,
    }  # fmt: skip


def _company(clients: Clients, jurisdiction: Jurisdiction) -> dict[str, object]:
    stage = clients.stage
    found = [row for row in clients.companies if row["jurisdiction"] == jurisdiction.name]
    row = stage.random.choice(found or clients.companies)
    clients.companies.remove(row)
    if jurisdiction is Jurisdiction.TW:
        number = clients.new(lambda: _ending(_digits(clients, 7), is_tw_business_number))
    else:
        number = clients.new(
            lambda: _ending(f"91{stage.random.choice(CN_REGIONS)}MA{_digits(clients, 7)}", is_cn_credit_code)
        )
    return {"name": row["name"], "id_number": number, "email": f"service{stage.random.randrange(100, 999)}@example.com"}


EMAIL_WORDS = ("sunny", "lucky", "happy", "green", "star", "ocean", "forest", "river", "coffee", "cloud")


def _tw_id(clients: Clients, *, is_woman: bool) -> str:
    letter = clients.stage.random.choice(TW_LETTERS)
    return _ending(f"{letter}{2 if is_woman else 1}{_digits(clients, 7)}", is_tw_id)


def _cn_id(clients: Clients, born: date, *, is_woman: bool) -> str:
    region = clients.stage.random.choice(CN_REGIONS)
    order = f"{_digits(clients, 2)}{clients.stage.random.choice('02468' if is_woman else '13579')}"
    return _ending(f"{region}{born:%Y%m%d}{order}", lambda number: is_cn_resident_number(number, clock.today()))


def _ending(start: str, is_right: Callable[[str], bool]) -> str:
    """Return a number with the check sign that makes it right, or an empty text if none does."""
    return next((start + sign for sign in ENDINGS if is_right(start + sign)), "")


def _digits(clients: Clients, count: int) -> str:
    return "".join(clients.stage.random.choices("0123456789", k=count))
