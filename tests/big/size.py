"""How large a department is: everything in proportion to its tickets, unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True)
class Size:
    """How many rows of each there are; what is not given (-1) follows from the tickets."""

    tickets: int = MILLION
    customers: int = -1
    staff: int = -1
    shifts: int = -1
    audit: int = -1
    notes: int = -1
    repairs: int = -1
    enrolments: int = -1
    attendance: int = -1
    leaves: int = -1
    swaps: int = -1
    reveals: int = -1

    def __post_init__(self) -> None:
        for name, per_million in PER_MILLION.items():
            if getattr(self, name) < 0:
                scaled = max(self.tickets * per_million // MILLION, LEAST.get(name, 0))
                object.__setattr__(self, name, scaled)


PER_MILLION = {
    "customers": 200_000,
    "staff": 500,
    "shifts": 3_000_000,
    "audit": 5_000_000,
    "notes": 1_000_000,
    "repairs": 20_000,
    "enrolments": 20_000,
    "attendance": 30_000,
    "leaves": 20_000,
    "swaps": 5_000,
    "reveals": 20_000,
}
LEAST = {"customers": 20, "staff": 20}
