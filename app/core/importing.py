"""The import engine: which column of a file fills which field, and what becomes of each row.

A row takes the way of a form: the same fields read it, the same validators judge it, ``create`` and
``change`` of its screen save it within the person's rights. A row whose record is there already is
compared first; where nothing differs nothing is written, so that the same file twice changes nothing.
"""

from __future__ import annotations

import enum
import time as clockwork
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import DecimalField, Field

from app.core import actor, present
from app.core.audit import MASK
from app.core.db import db
from app.core.errors import RuleError
from app.core.exporting import cell as exported
from app.core.fields import in_all_languages, text_of
from app.core.fields_rows import remembering
from app.core.forms import PortalForm
from app.core.inputs import filled, problems, told
from app.core.matching import Matching, changeable, known_by, settable
from app.core.standin import renew_rights
from app.core.tabular import Cell
from app.core.tabular_read import Row, Table
from app.core.types import Choice

if TYPE_CHECKING:
    from app.core.views import PortalView

# SQLite has one writer: rows are saved in slices of at least so many seconds and rows, with a pause between in which
# others get their turn.
SLICE_SECONDS = 0.5
SLICE_ROWS = 50
PAUSE_SECONDS = 0.06

EXAMPLE = _l("Example:")
"""How the example row of a template begins; it is not imported."""


class Mode(enum.Enum):
    """What to do with the rows."""

    TRY = enum.auto()
    """Save each row and undo it: what it would become."""
    GOOD_ROWS = enum.auto()
    """Save the good rows, hand back the others."""
    ALL_OR_NOTHING = enum.auto()
    """Save all rows in one transaction, or none if any is wrong."""


class Outcome(Choice):
    """What became, or would become, of a row."""

    NEW = _l("New"), "done"
    CHANGED = _l("Changed"), "progress"
    UNCHANGED = _l("Unchanged"), "calm"
    WRONG = _l("Wrong"), "late"


@dataclass(frozen=True)
class Judged:
    """A row, what became of it, and what is wrong with it by field; ``""`` holds what is wrong with it as a whole."""

    row: Row
    outcome: Outcome
    errors: dict[str, list[str]]


class Importer:
    """Judges the rows of a table one by one and, if it is to, saves them."""

    def __init__(
        self,
        view: PortalView,
        table: Table,
        columns: list[str],
        matching: Matching,
        mode: Mode,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare to import; ``beat`` is called after each slice. Raises RuleError if the matching does not fit."""
        matching.check(view, columns)
        self.view, self.table, self.mode, self.beat = view, table, mode, beat
        self.counts: Counter[Outcome] = Counter()
        self.sources = [
            (name, columns.index(one.column) if one.column else None, one) for name, one in matching.sources.items()
        ]
        self.repeats = {place: one.repeats for _name, place, one in self.sources if place is not None and one.repeats}
        key = matching.key or known_by(view)
        self.key = key if all(name in matching.sources for name in key) else ()
        self.settable, self.changeable = frozenset(settable(view)), frozenset(changeable(view))
        self.kind = view.import_form(settable(view))
        self.blank = self.kind(formdata=None, meta={"csrf": False})
        self.changing: dict[tuple[str, ...], type[PortalForm]] = {}
        self.rows_by_key: dict[Hashable, int] = {}
        self.seen: Counter[tuple[int, str]] = Counter()

    @property
    def is_kept(self) -> bool:
        """Whether what was saved is to stay."""
        return self.mode is Mode.GOOD_ROWS or (self.mode is Mode.ALL_OR_NOTHING and not self.counts[Outcome.WRONG])

    def run(self, note: Callable[[Judged], None]) -> None:
        """Judge every row and tell each to ``note``.

        The last slice, or with all-or-nothing the whole, is left for the caller to commit with its own record of it
        if ``is_kept``, or to roll back. Raises TableError at a row that cannot be read.
        """
        examples = tuple(in_all_languages(EXAMPLE))
        began, rows = clockwork.monotonic(), 0
        with remembering() as answers:
            for place, row in enumerate(self.table):
                if place == 0 and text_of(row.cells[0]).startswith(examples):
                    continue
                judged = self._judge(row)
                self.counts[judged.outcome] += 1
                note(judged)
                rows += 1
                if rows >= SLICE_ROWS and clockwork.monotonic() - began > SLICE_SECONDS:
                    answers.clear()
                    self._end_slice()
                    began, rows = clockwork.monotonic(), 0

    def _end_slice(self) -> None:
        """Save or undo a slice, and go on only with the rights the person has now."""
        if self.mode is Mode.ALL_OR_NOTHING:
            self.beat()
            return
        if self.is_kept:
            db.session.commit()
        else:
            db.session.rollback()
        self.beat()
        if db.engine.dialect.name == "sqlite":
            clockwork.sleep(PAUSE_SECONDS)
        renew_rights(actor.user_id())
        if not self.view.may("import"):
            raise RuleError(_("The right to import was taken away meanwhile."))

    def _judge(self, row: Row) -> Judged:
        row = row._replace(cells=self._told_apart(row.cells))
        given: dict[str, Cell] = {
            name: source.value(None if place is None else row.cells[place]) for name, place, source in self.sources
        }
        readable: dict[str, Cell] = {
            name: cell for name, cell in given.items() if cell is not None and name in self.settable
        }
        form, unread = filled(self.kind, readable, blank=self.blank)
        try:
            item = self._known(form, unread, given, row.number)
        except RuleError as error:
            return Judged(row, Outcome.WRONG, {error.field or "": [str(error)]})
        if item is None:
            errors = self._add(form, unread, readable)
            return Judged(row, Outcome.WRONG if errors else Outcome.NEW, errors)
        changes = {
            name: cell
            for name, cell in given.items()
            if name not in self.key and not self._is_same(item, name, form, unread, cell)
        }
        if not changes:
            return Judged(row, Outcome.UNCHANGED, {})
        errors = self._change(item, changes)
        return Judged(row, Outcome.WRONG if errors else Outcome.CHANGED, errors)

    def _told_apart(self, cells: list[Cell]) -> list[Cell]:
        """Return a row's cells with repeated numbers told apart; so they are handed back, too, if the row is wrong."""
        if not self.repeats:
            return cells
        cells = [*cells]
        for place, sign in self.repeats.items():
            if said := text_of(cells[place]):
                self.seen[place, said] += 1
                if (times := self.seen[place, said]) > 1:
                    cells[place] = f"{said}{sign}{times}"
        return cells

    def _known(self, form: PortalForm, unread: dict[str, list[str]], given: dict[str, Cell], number: int) -> Any | None:
        """Return the record a row is about, None for a new one; raises RuleError if that cannot be told."""
        if any(name in unread or (name in form and form[name].process_errors) for name in self.key):
            return None
        key = {name: _stored(form[name]) if name in form else text_of(given[name]) or None for name in self.key}
        if all(value is None for value in key.values()):
            return None
        mark = tuple(getattr(value, "id", value) for value in key.values())
        first = self.rows_by_key.setdefault(mark, number)
        if first != number:
            raise RuleError(_("This row is about the same record as row %(number)s.", number=first))
        model = self.view.model
        same = [getattr(model, name) == value for name, value in key.items()]
        found = list(db.session.scalars(select(model).where(*same, self.view.scope_condition("edit")).limit(2)))
        if len(found) > 1:
            raise RuleError(_("More than one record fits this row."))
        if not found and (lost := [name for name in self.key if name not in form]):
            raise RuleError(_("“%(text)s” was not found.", text=key[lost[0]]), field=lost[0])
        return found[0] if found else None

    def _add(self, form: PortalForm, unread: dict[str, list[str]], given: dict[str, Cell]) -> dict[str, list[str]]:
        errors = problems(form, unread) | self._masked(given)
        if errors:
            return errors
        item = self.view.model()
        made = self.view.attempt(form, lambda: self.view.create(item, form), commit=False)
        return {} if made else told(form, {})

    def _change(self, item: Any, changes: dict[str, Cell]) -> dict[str, list[str]]:
        """Save what differs; the rest of the record is not touched."""
        errors = self._masked(changes)
        for name in changes:
            if name not in self.changeable:
                errors[name] = [_("This cannot be changed by an import.")]
        if errors:
            return errors
        kind = self.changing.setdefault(tuple(changes), self.view.import_form([*changes]))
        form, unread = filled(kind, changes, item)
        errors = problems(form, unread)
        if errors:
            return errors
        saved = self.view.attempt(form, lambda: self.view.change(item, form), commit=False)
        return {} if saved else told(form, {})

    def _masked(self, given: Mapping[str, Cell]) -> dict[str, list[str]]:
        """Return an error for each mask that stands where personal data should: it must not overwrite them."""
        sensitive: frozenset[str] = getattr(self.view.model, "sensitive", frozenset())
        return {
            name: [_("This is a mask, not the value.")]
            for name in sensitive & given.keys()
            if any(sign in text_of(given[name]) for sign in (MASK, "○"))
        }

    def _is_same(self, item: Any, name: str, form: PortalForm, unread: dict[str, list[str]], cell: Cell) -> bool:
        """Tell whether a cell says what the record holds already, be it in the words of an export."""
        held = getattr(item, name)
        if cell is None:
            return held is None or held is False or held in ("", []) or name in getattr(item, "sensitive", ())
        if name in form and name not in unread and not form[name].process_errors:
            entry = form[name]
            places = entry.places if isinstance(entry, DecimalField) else None
            if _equal(held, _stored(entry), places):
                return True
        return text_of(cell) == text_of(exported(present.shown(item, name)))


def _stored(entry: Field) -> Any:
    """Return what a form's field would write into a record."""
    record = SimpleNamespace()
    entry.populate_obj(record, entry.name)
    return getattr(record, entry.name)


def _equal(held: Any, meant: Any, places: int | None) -> bool:
    """Compare as far as people write it: moments to the minute, amounts to the column's decimals, any line end."""
    match held, meant:
        case Decimal(), Decimal() if isinstance(places, int):
            return abs(held - meant) * 2 <= Decimal(1).scaleb(-places)
        case str(), str():
            return held.replace("\r\n", "\n").strip() == meant.replace("\r\n", "\n").strip()
        case (datetime(), datetime()) | (time(), time()):
            same: bool = held.replace(second=0, microsecond=0) == meant.replace(second=0, microsecond=0)
            return same
        case list(), list():
            return {row.id for row in held} == {row.id for row in meant}
        case _:
            return bool(held == meant)
