"""Customers of both jurisdictions, what they hold, need and agreed to. None of them exists."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from random import Random

from app.core.sealed import last_four
from app.customers.checks import CN_CREDIT_LETTERS, TW_ID_WEIGHTS, TW_LETTERS, is_tw_business_number
from app.customers.models import exact_hash, tail_hash

from .catalogs import Catalogs, endless, own_rows, phrases, rows_of
from .people import Staff
from .sheets import Batch, Row, Sheet
from .size import Size
from .times import HOUR, Series, Times
from .trail import MASK, Trail

AT_ONCE = 5000
MAINLAND, ORGANISATIONS = 0.27, 0.08
TAKEN_OVER = 0.6
"""Share of the customers who were there when the ten years began."""
HELD = {0: 13, 1: 64, 2: 16, 3: 5, 5: 2}
"""How many policies a customer holds, and how many of a hundred do."""
LANDLINES = {
    "TW": (("02-2", 3), ("03-5", 2), ("04-2", 3), ("06-2", 2), ("07-3", 2)),
    "CN": (("010-6", 3), ("021-5", 3), ("0755-8", 3), ("0571-8", 3)),
}
MOBILES = {"TW": ("091", "092", "093", "095", "097", "098"), "CN": ("136", "137", "138", "139", "150", "186", "188")}
CN_REGIONS = ("110105", "310115", "440305", "330106", "320508", "510104", "350203")
EMAIL_WORDS = ("sunny", "lucky", "happy", "green", "star", "ocean", "forest", "river", "coffee", "cloud")
CHANNELS = {"PHONE": 60, "EMAIL": 14, "WEB": 12, "CHAT": 9, "COUNTER": 5}
BIRTH_DAYS, BIRTH_FIRST = 19_700, -8_766
"""Born from 1946 to the end of 1999."""
STRIDE = 7_919
"""Prime, so that numbers made by it run through all and look mixed."""

CUSTOMER = Sheet(
    "customer",
    "id created_at changed_at version created_by_id changed_by_id number kind name jurisdiction id_number birth_date"
    " mobile phone email address language preferred_channel_id contact_wishes id_number_hash id_number_tail mobile_hash"
    " mobile_tail phone_hash phone_tail email_hash",
)
POLICY = Sheet(
    "policy",
    "id created_at changed_at version created_by_id number product_line_id product holder_id insured_id beneficiaries"
    " state starts_on ends_on",
)
CONSENT = Sheet(
    "consent", "id created_at changed_at version created_by_id customer_id purpose channel_id given_on withdrawn_on"
)
NEED = Sheet(
    "insurance_need",
    "id created_at changed_at version created_by_id customer_id product_line_id need follow_up_on is_met",
)
REVEAL = Sheet(
    "reveal", "id created_at changed_at version created_by_id customer_id person_id what reason", case_number=None
)


class Clients:
    """The customers as casework needs them: in arrays by id, since there are many."""

    def __init__(self, rng: Random, times: Times, series: Series, catalogs: Catalogs, staff: Staff, trail: Trail,
                 size: Size) -> None:  # fmt: skip
        self.rng, self.times, self.series, self.trail, self.size = rng, times, series, trail, size
        self.staff = staff.rostered
        self.lines = catalogs.ids["product_line"]
        self.products = rows_of("products")
        self.mainland, self.first_policy = bytearray(size.customers + 1), array("i", [0]) * (size.customers + 2)
        self.product_of = bytearray(1)
        """For each policy which row of ``products`` it is of."""
        channels = catalogs.ids["channel"]
        self.channel = endless(rng, [channels[code] for code in CHANNELS], list(CHANNELS.values()))
        self.held = endless(rng, list(HELD), list(HELD.values()))
        self.phrases = phrases()
        self.places = {
            place: [row["place"] for row in rows_of("places") if row["jurisdiction"] == place] for place in ("TW", "CN")
        }
        names = {(row["jurisdiction"], row["part"]): row["names"].split() for row in rows_of("names")}
        self.surnames = {place: names[place, "surname"] for place in ("TW", "CN")}
        self.given = {(place, part): names[place, part] for place in ("TW", "CN") for part in ("woman", "man")}
        # Mainland texts are in the second column of the generator's own.
        own = {row["part"]: row for row in own_rows() if row["part"] in {"brand", "industry", "company"}}
        self.firms = {
            place: [own[part][script].split() for part in ("brand", "industry", "company")]
            for place, script in (("TW", "hant"), ("CN", "hans"))
        }
        self.fitting = {
            (place, kind): [
                nth for nth, row in enumerate(self.products) if (row["jurisdiction"], row["kind"]) == (place, kind)
            ]
            for place in ("TW", "CN")
            for kind in ("PERSON", "ORGANISATION")
        }
        self.product = {
            key: endless(rng, places, [int(self.products[nth]["weight"]) for nth in places])
            for key, places in self.fitting.items()
        }
        self.business_number = 10_000_000
        self.consents = self.needs = 0

    def known(self, at: int) -> int:
        """Return how many customers there are at a moment: those with the smallest ids."""
        passed = (self.times.day_of(at) - self.times.first_day) / (self.times.until_day - self.times.first_day)
        return max(1, int(self.size.customers * (TAKEN_OVER + (1 - TAKEN_OVER) * passed)))

    def batches(self) -> Iterator[Batch]:
        """Yield all customers with their policies, consents and needs, then who looked behind the mask."""
        for first in range(1, self.size.customers + 1, AT_ONCE):
            found: dict[Sheet, list[Row]] = {CUSTOMER: [], POLICY: [], CONSENT: [], NEED: []}
            for number in range(first, min(first + AT_ONCE, self.size.customers + 1)):
                self._customer(number, found)
            yield from found.items()
            yield from self.trail.batches()
        self.first_policy[self.size.customers + 1] = len(self.product_of)
        for first in range(1, self.size.reveals + 1, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, self.size.reveals + 1))
            yield REVEAL, [self._reveal(number) for number in numbers]

    def _customer(self, number: int, found: dict[Sheet, list[Row]]) -> None:
        rng, times = self.rng, self.times
        place = "CN" if rng.random() < MAINLAND else "TW"
        kind = "ORGANISATION" if rng.random() < ORGANISATIONS else "PERSON"
        self.mainland[number] = place == "CN"
        share = max(0.0, number / self.size.customers - TAKEN_OVER) / (1 - TAKEN_OVER)
        length = times.until_day - times.first_day
        day = times.first_day + min(int(share * length), length - 1)
        at = times.at(day, int((7 + rng.random()) * HOUR))
        made, by = times.moment(at), rng.choice(self.staff).id
        name, id_number, born = (self._person if kind == "PERSON" else self._firm)(number, place)
        mobile = self._mobile(number, place) if kind == "PERSON" else None
        phone = self._landline(place) if rng.random() < 0.3 or mobile is None else None
        email = f"{rng.choice(EMAIL_WORDS)}{number}@example.com" if rng.random() < 0.6 else None
        script = "hans" if place == "CN" else "hant"
        wish = rng.choice(self.phrases[f"wish_{script}"]) if rng.random() < 0.15 else None
        street = f"{rng.choice(self.places[place])} {rng.randrange(1, 400)}"
        address = (
            f"{street} 号 {rng.randrange(2, 15)} 层" if place == "CN" else f"{street} 號 {rng.randrange(2, 15)} 樓"
        )
        called = self.series.number("CU", at)
        found[CUSTOMER].append(
            (
                number, made, made, 1, by, by, called, kind, name, place, id_number, born, mobile, phone, email,
                address, "ZH_HANS" if place == "CN" else "ZH_HANT", next(self.channel), wish,
                exact_hash("id_number", id_number), tail_hash("id_number", last_four(id_number)),
                exact_hash("mobile", mobile), tail_hash("mobile", last_four(mobile)),
                exact_hash("phone", phone), tail_hash("phone", last_four(phone)), exact_hash("email", email)
            )
        )  # fmt: skip
        after = (
            f'{{"number": "{called}", "kind": "{kind}", "name": {MASK}, "jurisdiction": "{place}", "id_number": {MASK},'
            f' "address": {MASK}}}'
        )
        self.trail.added(at, by, "customer", number, after)
        self.first_policy[number] = len(self.product_of)
        given, is_health = day, False
        for _nth in range(next(self.held)):
            nth = next(self.product[place, kind])
            is_health |= self.products[nth]["line"] == "HEALTH"
            given = min(given, self._policy(number, nth, at, by, script, found[POLICY], is_person=kind == "PERSON"))
        self._agreed(number, at, by, given, script, found, is_health=is_health)

    def _policy(self, holder: int, nth: int, at: int, by: int, script: str, rows: list[Row], *, is_person: bool) -> int:
        """Add a policy and return the day it began."""
        rng, times, product = self.rng, self.times, self.products[nth]
        number = len(self.product_of)
        self.product_of.append(nth)
        years = int(product["years"]) if product["years"] else None
        starts = times.day_of(at) - rng.randrange(20, 365 if years in {0, 1} else 3285)
        # What is renewed each year has its present term on the list.
        while years and starts + years * 365 < times.until_day and rng.random() < 0.85:
            starts += years * 365
        ends = starts + (years * 365 if years else 9) if years is not None else None
        state = "IN_FORCE"
        if ends is not None and ends < times.until_day:
            state = "EXPIRED"
        elif rng.random() < 0.08:
            state = rng.choice(("LAPSED", "SURRENDERED", "APPLIED"))
        heirs = rng.choice(self.phrases[f"beneficiaries_{script}"]) if product["line"] == "LIFE" else None
        made = times.moment(at)
        called, line = f"{product['prefix']}{times.day(starts)[2:4]}-{number:06d}", self.lines[product["line"]]
        rows.append(
            (
                number, made, made, 1, by, called, line, product["product"], holder, holder if is_person else None,
                heirs, state, times.day(starts), times.day(ends) if ends is not None else None
            )
        )  # fmt: skip
        after = f'{{"number": "{called}", "product_line_id": {line}, "holder_id": {holder}, "state": "{state}"}}'
        self.trail.added(at, by, "policy", number, after)
        return starts

    def _agreed(self, number: int, at: int, by: int, given: int, script: str, found: dict[Sheet, list[Row]],
                *, is_health: bool) -> None:  # fmt: skip
        rng, times = self.rng, self.times
        made = times.moment(at)
        purposes = ["SERVICE", *(["SENSITIVE"] if is_health else []), *(["MARKETING"] if rng.random() < 0.4 else [])]
        for purpose in purposes:
            self.consents += 1
            ended = purpose == "MARKETING" and rng.random() < 0.2
            found[CONSENT].append(
                (
                    self.consents, made, made, 1, by, number, purpose, next(self.channel), times.day(given),
                    times.day(times.day_of(at)) if ended else None
                )
            )  # fmt: skip
        if rng.random() < 0.2:
            self.needs += 1
            after = times.day(times.day_of(at) + rng.randrange(10, 90)) if rng.random() < 0.6 else None
            found[NEED].append(
                (
                    self.needs, made, made, 1, by, number, None, rng.choice(self.phrases[f"need_{script}"]), after,
                    int(rng.random() < 0.7)
                )
            )  # fmt: skip

    def _reveal(self, number: int) -> Row:
        rng, times = self.rng, self.times
        at = times.moment(
            times.at(times.until_day - 1 - int(rng.random() ** 2 * 1800), int((9 + 9 * rng.random()) * HOUR))
        )
        who = rng.choice(self.staff).id
        what = rng.choice(("NAME", "ID_NUMBER", "MOBILE", "MOBILE", "MOBILE", "EMAIL", "ADDRESS"))
        reason = rng.choice(("客戶來電核對身分", "回電", "寄送文件", "核對保單資料"))
        return number, at, at, 1, who, rng.randrange(1, self.known(times.start) + 1), who, what, reason

    # -- numbers, right by their check digits and nobody's -------------------------------------

    def _person(self, number: int, place: str) -> tuple[str, str, str]:
        rng = self.rng
        is_woman = rng.random() < 0.53
        name = rng.choice(self.surnames[place]) + rng.choice(self.given[place, "woman" if is_woman else "man"])
        day = BIRTH_FIRST + number * STRIDE % BIRTH_DAYS
        born = self.times.date(day).isoformat()
        return name, (cn_id if place == "CN" else tw_id)(number, born, is_woman=is_woman), born

    def _firm(self, number: int, place: str) -> tuple[str, str, None]:
        rng = self.rng
        brands, industries, ends = self.firms[place]
        name = rng.choice(brands) + rng.choice(brands) + rng.choice(industries) + rng.choice(ends)
        if place == "CN":
            return name, cn_credit_code(number), None
        self.business_number += 7
        while not is_tw_business_number(str(self.business_number)):
            self.business_number += 1
        return name, str(self.business_number), None

    def _mobile(self, number: int, place: str) -> str:
        starts = MOBILES[place]
        begins = starts[number % len(starts)]
        digits = f"{number // len(starts) * STRIDE % 10 ** (8 if place == 'CN' else 7):0{8 if place == 'CN' else 7}d}"
        if place == "CN":
            return f"{begins}-{digits[:4]}-{digits[4:]}"
        return f"{begins}{digits[0]}-{digits[1:4]}-{digits[4:]}"

    def _landline(self, place: str) -> str:
        begins, more = self.rng.choice(LANDLINES[place])
        return f"{begins}{self.rng.randrange(10**more):0{more}d}-{self.rng.randrange(10_000):04d}"


def tw_id(number: int, _born: str, *, is_woman: bool) -> str:
    """Return a Taiwan ID number; no two numbers below ten million give the same."""
    place = number % len(TW_LETTERS)
    digits = f"{2 if is_woman else 1}{number * STRIDE % 10**7:07d}"
    values = (*divmod(place + 10, 10), *map(int, digits))
    total = sum(weight * value for weight, value in zip(TW_ID_WEIGHTS, values, strict=False))
    return f"{TW_LETTERS[place]}{digits}{-total % 10}"


def cn_id(number: int, born: str, *, is_woman: bool) -> str:
    """Return a mainland resident number; the day of birth and the order on it follow from ``number``."""
    nth = number // BIRTH_DAYS
    region, order = CN_REGIONS[nth % len(CN_REGIONS)], nth // len(CN_REGIONS) * 2 + (not is_woman)
    digits = f"{region}{born.replace('-', '')}{order:03d}"
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(digits))
    return digits + "10X98765432"[total % 11]


def cn_credit_code(number: int) -> str:
    """Return a mainland unified social credit code."""
    digits = f"91{CN_REGIONS[number % len(CN_REGIONS)]}MA{number * STRIDE % 10**7:07d}"
    total = sum(CN_CREDIT_LETTERS.index(letter) * pow(3, place, 31) for place, letter in enumerate(digits))
    return digits + CN_CREDIT_LETTERS[-total % 31]
