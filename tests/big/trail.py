"""The audit trail, as the portal writes it: added, changed, moved on."""

from __future__ import annotations

from collections.abc import Iterator
from json.encoder import encode_basestring_ascii as quoted

from .sheets import Batch, Row, Sheet, Value
from .times import Times

AUDIT = Sheet("audit_entry", "id at user_id entity record_id record_version change step before after")
MASK = quoted("•••")
NOTHING = "{}"


class Trail:
    """Collects entries up to a number of them, those that are there (``count``) included."""

    def __init__(self, times: Times, count: int, most: int) -> None:
        self.times, self.count, self.most = times, count, most
        self.rows: list[Row] = []

    @property
    def left(self) -> int:
        """How many entries may still come."""
        return max(self.most - self.count, 0)

    def batches(self) -> Iterator[Batch]:
        """Yield the entries since the last time."""
        if self.rows:
            rows, self.rows = self.rows, []
            yield AUDIT, rows

    def added(self, at: int, user: int | None, entity: str, record: int, after: str) -> None:
        """Note a new record; ``after`` is its JSON."""
        self._append(at, user, entity, record, 1, "ADDED", None, NOTHING, after)

    def moved(self, at: int, user: int | None, entity: str, record: int, version: int, step: str,
              before: str, after: str) -> None:  # fmt: skip
        """Note a step: what it changed, and that it was taken."""
        self._append(at, user, entity, record, version, "CHANGED", None, before, after)
        self._append(at, user, entity, record, version, "STEPPED", step, NOTHING, NOTHING)

    def _append(self, at: int, user: int | None, entity: str, record: int, *rest: Value) -> None:
        if self.count < self.most:
            self.count += 1
            self.rows.append((self.count, self.times.moment(at), user, entity, record, *rest))
