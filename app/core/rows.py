"""The rows of one record as a grid of inputs: what one request shows, what it sent, and how that is saved.

Rows that are there are called ``r12`` after their key, new ones ``n0``, ``n1``; the name leads every input of the row.
A row carries its version and ``was``, a print of its inputs as they were shown: what nobody touched is not saved, and
so never stands in the way of somebody else's change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

from flask import abort
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.core.db import db
from app.core.errors import RuleError
from app.core.forms import PortalForm
from app.core.inputs import input_of
from app.core.interface import parse_key
from app.core.listing import Listing

if TYPE_CHECKING:
    from app.core.views_rows import RowsView

MOST_ROWS = 50
BLANK_ROWS = 3
HELD = re.compile(r"r(\d{1,10})-version")
NEW = re.compile(r"n(\d{1,3})-")
TEMPLATE = "nx"
"""How the row is called that a script copies for a further one."""
Sent = MultiDict[str, Any]


@dataclass
class Row:
    """One row of the grid; without an item it is a new one."""

    key: str
    form: PortalForm
    item: Any = None
    is_open: bool = True
    """Whether its cells are inputs."""
    may_go: bool = True
    """Whether it offers the tick that deletes it."""
    is_touched: bool = False
    is_going: bool = False
    was: str = ""
    others: list[Any] = field(default_factory=list)
    """What somebody else saved meanwhile, as readable lines."""

    def of_form(self, column: str) -> Any:
        """Return the row's field of a column, or None where it cannot be typed."""
        return self.form[column] if self.is_open and column in self.form else None


def _inputs(form: PortalForm, key: str, sent: Sent | None) -> list[tuple[str, list[str]]]:
    """Return what a row's inputs hold: what was sent of them, or what a browser would send of them as they stand."""
    return [
        (one.short_name, [str(text).replace("\r\n", "\n") for text in _texts(one, key, sent)])
        for one in form
        if one.short_name != "version"
    ]


def _texts(one: Any, key: str, sent: Sent | None) -> list[Any]:
    return input_of(one) if sent is None else sent.getlist(f"{key}-{one.short_name}")


def _print_of(inputs: list[tuple[str, list[str]]]) -> str:
    return sha256(repr(inputs).encode()).hexdigest()[:16]


class Grid:
    """The rows of one record, as a request asks for them or sends them.

    Raises NotFound or Forbidden for what this person may not do to them.
    """

    def __init__(self, view: RowsView, parent: Any, relation: str, sent: Sent | None, blanks: int) -> None:
        self.view, self.parent, self.relation, self.sent = view, parent, relation, sent
        self.items = self._items()
        self.is_too_long = sent is None and len(self.items) > MOST_ROWS
        self.may_add = view.adds_under(parent, relation)
        self.free = count(max(self._numbers(), default=-1) + 1)
        self.rows = [] if self.is_too_long else [*self._held(), *self._new()]
        self.blanks = [self._blank(self._next()) for _number in range(blanks)] if self.may_add else []

    def _items(self) -> list[Any]:
        """Return the rows this person sees, no further than one past the most a grid holds, or those that were sent.

        Others may have added some meanwhile: that is no reason to refuse what was typed into these.
        """
        model = self.view.model
        here = Listing(self.view, {}).statement().where(getattr(model, self.relation) == self.parent)
        if self.sent is not None:
            keys = {parse_key(found[1]) for name in self.sent if (found := HELD.fullmatch(name))}
            return list(db.session.scalars(here.where(model.id.in_(keys - {None}))))
        return list(db.session.scalars(here.limit(MOST_ROWS + 1)))

    # -- rows that are there -----------------------------------------------------------------

    def _held(self) -> Iterator[Row]:
        editable = self.view.reached(self.items, "edit") if self.view.has_row_inputs() else frozenset()
        deletable = self.view.reached(self.items, "delete")
        for item in self.items:
            is_locked = self.view.locked(item) is not None
            yield self._row_of(item, editable=item.id in editable, deletable=item.id in deletable, is_locked=is_locked)

    def _row_of(self, item: Any, *, editable: bool, deletable: bool, is_locked: bool) -> Row:
        key, sent = f"r{item.id}", self.sent
        row = Row(key, self.view.row_form(formdata=None, obj=item, prefix=key, meta={"csrf": False}), item)
        row.form.version.show(version := self.view.version_of(item))
        row.was = _print_of(_inputs(row.form, key, None))
        row.is_open, row.may_go = editable and not is_locked, deletable and not is_locked
        if sent is None or f"{key}-version" not in sent:
            return row
        row.is_going = f"{key}-remove" in sent
        told = _print_of(_inputs(row.form, key, sent))
        row.is_touched = sent.get(f"{key}-was", told) != told
        if row.is_touched:
            self.view.require("edit")
            _ = editable or abort(404)
            row.form = self.view.row_form(formdata=sent, obj=item, prefix=key, meta={"csrf": False})
            row.is_open = True
        if row.is_going:
            self.view.require("delete")
            _ = deletable or abort(404)
            row.may_go = True
        seen = parse_key(sent.get(f"{key}-version"))
        if (row.is_touched or row.is_going) and seen != version:
            row.others = self.view.changes_since(item, seen or 0)
            if not row.others:
                told = _("Someone else saved this record a moment ago. Please look at it again.")
                row.form.form_errors.append(told)
        row.form.version.show(version)
        return row

    # -- new rows ----------------------------------------------------------------------------

    def _new(self) -> Iterator[Row]:
        """Yield the new rows that hold anything, then those whose record somebody else deleted meanwhile."""
        for number in self._numbers():
            row = self._typed(f"n{number}", self.sent or MultiDict())
            if row.is_touched:
                yield row
        here = {item.id for item in self.items}
        for gone in self._gone(here):
            key = self._next()
            row = self._typed(key, self._renamed(gone, key))
            row.is_going = True
            told = _("Somebody else deleted this row meanwhile. Take the tick away to add it again.")
            row.form.form_errors.append(told)
            yield row

    def _numbers(self) -> list[int]:
        return sorted({int(found[1]) for name in self.sent or () if (found := NEW.match(name))})

    def _next(self) -> str:
        """Return a name that no new row has yet."""
        return f"n{next(self.free)}"

    def _gone(self, here: set[int]) -> Iterator[str]:
        """Yield the names of rows that were typed into and are no longer among those of the record."""
        sent = self.sent or MultiDict()
        for name in sent:
            if (found := HELD.fullmatch(name)) and int(found[1]) not in here:
                key = f"r{found[1]}"
                form = self.view.row_form(formdata=None, prefix=key, meta={"csrf": False})
                told = _print_of(_inputs(form, key, sent))
                if f"{key}-remove" not in sent and sent.get(f"{key}-was", told) != told:
                    yield key

    def _renamed(self, old: str, new: str) -> Sent:
        pairs = (self.sent or MultiDict()).items(multi=True)
        return MultiDict([(new + name[len(old) :], text) for name, text in pairs if name.startswith(f"{old}-")])

    def _blank(self, key: str) -> Row:
        return Row(key, self.view.new_row_form(formdata=None, prefix=key, meta={"csrf": False}))

    def _typed(self, key: str, sent: Sent) -> Row:
        blank = self._blank(key)
        inputs = _inputs(blank.form, key, sent)
        is_empty = not any(text.strip() for _name, texts in inputs for text in texts)
        if is_empty or inputs == _inputs(blank.form, key, None):
            return blank
        self.view.require("add")
        form = self.view.new_row_form(formdata=sent, prefix=key, meta={"csrf": False})
        return Row(key, form, is_touched=True, is_going=f"{key}-remove" in sent)

    def template(self) -> Row:
        """Return the row that a script copies."""
        return self._blank(TEMPLATE)

    # -- saving ------------------------------------------------------------------------------

    def is_changeable(self) -> bool:
        """Tell whether there is anything this person may do here."""
        return self.is_too_long or self.may_add or any(row.is_open or row.may_go for row in self.rows)

    def refusal(self) -> Any:
        """Return why nothing can be changed as the record stands, or None."""
        locks = (self.view.locked(row.item) for row in self.rows if row.item is not None)
        return self.view.locked_under(self.parent) or next((lock for lock in locks if lock is not None), None)

    def is_valid(self) -> bool:
        """Judge what was typed; what is wrong is then at its cell."""
        kept = [row.form.validate() for row in self.rows if row.is_touched and not row.is_going]
        is_told = any(row.others or row.form.form_errors for row in self.rows)
        return all(kept) and not is_told

    def save(self) -> dict[str, int]:
        """Delete, change and add what the rows say, and return how many of each; does not commit.

        Every row is tried, so that all that is wrong is told at once; then RuleError is raised if any was refused.
        """
        going = [row for row in self.rows if row.is_going and row.item is not None]
        changed = [row for row in self.rows if row.is_touched and row.item is not None and not row.is_going]
        added = [row for row in self.rows if row.item is None and not row.is_going]
        if len(added) > MOST_ROWS:
            raise RuleError(_("At most %(limit)s new rows are saved at once.", limit=MOST_ROWS))
        done = [self._try(row, partial(self.view.remove, row.item)) for row in going]
        done += [self._try(row, partial(self.view.change, row.item, row.form)) for row in changed]
        done += [self._try(row, partial(self._add, row)) for row in added]
        if not all(done):
            raise RuleError(_("No row was saved: they are saved together or not at all."))
        return {"deleted": len(going), "changed": len(changed), "added": len(added)}

    def _try(self, row: Row, change: Callable[[], object]) -> bool:
        return self.view.attempt(row.form, change, commit=False)

    def _add(self, row: Row) -> None:
        if (why := self.view.locked_under(self.parent)) is not None:
            raise RuleError(why)
        item = self.view.model()
        setattr(item, self.relation, self.parent)
        self.view.create(item, row.form)

    def take_errors(self, other: Grid) -> None:
        """Tell at these rows what was wrong with the same rows of another reading."""
        known = {row.key: row.form for row in other.rows}
        for row in self.rows:
            if (form := known.get(row.key)) is None:
                continue
            row.form.form_errors = list(dict.fromkeys([*row.form.form_errors, *form.form_errors]))
            for one in form:
                if one.short_name in row.form:
                    row.form[one.short_name].errors = one.errors
