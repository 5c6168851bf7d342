"""Equipment of every seat and its faults over the year (chapter 8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from typing import Any

from app.core import clock
from app.lobby.demo.people import Cast
from app.lobby.demo.stage import OPENS, Stage, Story, by_code, texts
from app.staff.models import StaffMember
from app.workplace.models import Area, Equipment, EquipmentKind, EquipmentStatus, FaultKind, Impact, Repair, Supplier

ROWS_OF_SEATS = {"T1": ("3F-A", "A"), "T2": ("3F-B", "B"), "T3": ("3F-C", "C"), "T4": ("4F-A", "D"), "": ("3F-M", "M")}
FAULTS_A_WEEK = (2, 5)
PATIENCE = {Impact.STOPS_WORK: 0.8, Impact.HINDERS: 4, Impact.NONE: 7}
"""Working hours until a fault is accepted, on a usual day."""
WORK = {Impact.STOPS_WORK: 3, Impact.HINDERS: 9, Impact.NONE: 16}
"""Working hours from there until it is fixed."""


class Register:
    """The equipment the stories know, and which of it is being repaired."""

    def __init__(self, stage: Stage, cast: Cast) -> None:
        self.stage, self.cast = stage, cast
        self.kinds, self.areas, self.suppliers = by_code(EquipmentKind), by_code(Area), by_code(Supplier)
        self.fault_kinds = by_code(FaultKind)
        self.equipment: list[Equipment] = []
        self.broken: set[int] = set()
        self.tags = {row["prefix"]: count(1) for row in texts("equipment")}
        self.seats = {area: count(1) for area, _letter in ROWS_OF_SEATS.values()}
        self.faults = texts("faults")

    @property
    def clerk(self) -> StaffMember:
        """Whoever keeps the register."""
        return self.cast.logins["facility"]

    def put_up(self, row: dict[str, str], area: str, seat: str | None, keeper: StaffMember | None) -> Equipment:
        """Enter one piece of equipment."""
        bought = clock.today() - timedelta(days=self.stage.random.randrange(30, 1500))
        made: Equipment = self.stage.add(
            self.clerk,
            Equipment,
            tag=f"{row['prefix']}-{next(self.tags[row['prefix']]):04d}",
            name=row["name"],
            kind=self.kinds[row["kind"]],
            area=self.areas[area],
            seat=seat,
            keeper=keeper,
            supplier=self.suppliers[row["supplier"]],
            model_name=row["model_name"],
            serial_number=f"{row['serial']}{self.stage.random.randrange(10**7):07d}",
            bought_on=bought,
            warranty_until=bought + timedelta(days=365 * int(row["warranty_years"])),
            cost=row["cost"],
        )
        self.equipment.append(made)
        return made

    def someone_broken(self, day: date) -> tuple[Equipment, StaffMember] | None:
        """Return equipment in use and whoever finds it broken."""
        usable = [
            one for one in self.equipment if one.status is EquipmentStatus.IN_SERVICE and one.id not in self.broken
        ]
        item = self.stage.random.choice(usable)
        finder = item.keeper
        if finder is None:
            finder = self.stage.random.choice([one for one in self.cast.people.values() if one.team is not None])
        return (item, finder) if self.cast.is_here(finder, day) else None


def seat(register: Register, row: dict[str, str]) -> Story:
    """The seat of one person of ``staff.csv``: set up when they come, free when they leave."""
    stage, person = register.stage, register.cast.people[row["number"]]
    area, letter = ROWS_OF_SEATS[row["team"]]
    name = f"{letter}-{next(register.seats[area]):02d}"
    things = [register.put_up(one, area, name, person) for one in texts("equipment") if one["per"] == "seat"]
    if row["left_days_ago"]:
        yield stage.moment(stage.today - timedelta(days=int(row["left_days_ago"])), OPENS)
        for thing in things:
            stage.change(register.clerk, thing, keeper=None)


def shared(register: Register) -> Story:
    """What a row of seats shares."""
    for row in texts("equipment"):
        if row["per"] == "area":
            for area in ("3F-A", "3F-B", "3F-C", "4F-A"):
                register.put_up(row, area, None, None)
    yield from ()


def faults(register: Register) -> Iterator[tuple[Story, Any]]:
    """Yield the stories of the year's faults and when they begin."""
    stage = register.stage
    for day in stage.days():
        if stage.chance(sum(FAULTS_A_WEEK) / 10):
            yield repair(register, day), stage.during(day)


def repair(register: Register, day: date) -> Story:
    """One fault: reported by whoever finds it, accepted, sometimes waiting for a part, fixed and confirmed."""
    stage = register.stage
    found = register.someone_broken(day)
    if found is None:
        return
    equipment, reporter = found
    row = register.stage.random.choices(*_fitting(register, equipment))[0]
    impact = Impact[row["impact"]]
    item: Repair = stage.add(
        reporter,
        Repair,
        equipment=equipment,
        fault_kind=register.fault_kinds[row["fault_kind"]],
        fault=row["fault"],
        impact=impact,
    )
    register.broken.add(equipment.id)
    slow = 6 if stage.chance(0.12) else 1
    mechanic = stage.random.choice(register.cast.role("G"))
    yield stage.worked(item.reported_at, PATIENCE[impact] * slow)
    stage.step(mechanic, item, "accept")
    if stage.chance(0.03):
        yield stage.worked(item.reported_at, WORK[impact])
        stage.step(mechanic, item, "scrap", reason=stage.phrase("scrapped"))
        return
    if row["part"] and stage.chance(0.35):
        yield stage.worked(item.reported_at, 2 + PATIENCE[impact] * slow)
        expected = stage.workday_after(2, 9)
        stage.step(mechanic, item, "wait", part=row["part"], expected_on=expected)
        yield stage.moment(expected, OPENS) + timedelta(hours=stage.random.uniform(1, 6))
        stage.step(mechanic, item, "resume")
    yield from _fixed(register, item, mechanic, row, slow)
    if stage.chance(0.05) and register.cast.is_here(reporter, clock.today()):
        stage.step(reporter, item, "reject", reason=stage.phrase("still_broken"))
        yield from _fixed(register, item, mechanic, row, slow)
    if stage.chance(0.06):
        yield stage.moment(stage.workday_after(5, 20), OPENS)
    yield from register.cast.until_here(stage, reporter)
    if register.cast.stays(reporter, clock.today()):
        stage.step(reporter, item, "confirm")


def _fixed(register: Register, item: Repair, mechanic: StaffMember, row: dict[str, str], slow: int) -> Story:
    """The mechanic mends it; the reporter looks at it some hours later."""
    stage = register.stage
    yield stage.worked(clock.now(), WORK[item.impact] * slow)
    cost = stage.random.randint(int(row["least_cost"]), int(row["most_cost"]))
    stage.step(mechanic, item, "fix", remedy=row["remedy"], cost=cost)
    register.broken.discard(item.equipment_id)
    yield stage.worked(clock.now(), 4)


def _fitting(register: Register, equipment: Equipment) -> tuple[list[dict[str, str]], list[int]]:
    rows = [row for row in register.faults if row["kind"] == equipment.kind.code]
    return rows, [int(row["weight"]) for row in rows]
