"""What was owed by when, and whether it was done in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .catalogs import Catalogs
from .sheets import Batch, Row, Sheet
from .times import HOUR, Times

TASK = Sheet(
    "task",
    "id created_at changed_at version promise entity record_id subject clause_id owner_id role status opened_at due_at"
    " paused_at done_at late_at",
)
LONGEST_SUBJECT = 255
SWEEP = 300
"""Seconds between two looks for what has become late."""


@dataclass(slots=True)
class Owed:
    """One thing owed: from when, and when it was done if it was."""

    promise: str
    condition: str
    opened: int
    done: int | None
    paused: int | None = None
    is_cancelled: bool = False


class Tasks:
    """Collects tasks of all rooms."""

    def __init__(self, times: Times, catalogs: Catalogs) -> None:
        self.times, self.promises = times, catalogs.promises
        self.count = 0
        self.rows: list[Row] = []

    def batches(self) -> Iterator[Batch]:
        """Yield the tasks since the last time."""
        if self.rows:
            rows, self.rows = self.rows, []
            yield TASK, rows

    def due(self, promise: str, condition: str, opened: int) -> int:
        """Return when something is due, by the handbook's own promises."""
        row = self.promises[promise, condition]
        match row.length_unit.name:
            case "WORKING_HOURS":
                return self.times.worked(opened, row.length_number * HOUR)
            case "WORKING_DAYS":
                return self.times.closing(opened, row.length_number)
        return self.times.end_of(opened, row.length_number)

    def add(self, owed: Owed, entity: str, record: int, subject: str, owner: int | None, role: str | None) -> None:
        """Add what a record owes."""
        moment, until = self.times.moment, self.times.until
        due, done = self.due(owed.promise, owed.condition, owed.opened), owed.done
        late = min(due + SWEEP - due % SWEEP, until) if due < (until if done is None else done) else None
        status, paused = "OPEN", None
        if owed.is_cancelled:
            status, late = "CANCELLED", None
        elif done is not None:
            status = "KEPT" if late is None else "BROKEN"
        elif owed.paused is not None:
            status, paused, late = "PAUSED", moment(owed.paused), None
        self.count += 1
        opened = moment(owed.opened)
        self.rows.append(
            (
                self.count, opened, moment(done) if done is not None else opened, 1 if done is None else 2,
                owed.promise, entity, record, subject[:LONGEST_SUBJECT],
                self.promises[owed.promise, owed.condition].clause_id, owner, role, status, opened, moment(due),
                paused, moment(done) if done is not None else None, moment(late) if late is not None else None
            )
        )  # fmt: skip
