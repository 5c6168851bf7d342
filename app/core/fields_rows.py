"""Fields for relations: a short catalog is offered whole, a large table is found by typing and never loaded.

Whatever is picked is looked up again within the rights of whoever sends the form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from flask import current_app
from flask_babel import gettext as _
from wtforms import SelectField, SelectMultipleField

from app.core import clock
from app.core.catalogs import catalog_row, kept_rows
from app.core.entity import Catalog
from app.core.fields import Cell, text_of
from app.core.interface import parse_key

_answers: ContextVar[dict[Hashable, Any] | None] = ContextVar("look_up_answers", default=None)


@contextmanager
def remembering() -> Iterator[dict[Hashable, Any]]:
    """Ask each look-up once while the block lasts; yields the answers, which its user clears with each transaction."""
    answers: dict[Hashable, Any] = {}
    token = _answers.set(answers)
    try:
        yield answers
    finally:
        _answers.reset(token)


def once(question: Hashable, ask: Callable[[], Any]) -> Any:
    """Return the answer to a question, asked only once inside ``remembering``."""
    answers = _answers.get()
    if answers is None:
        return ask()
    if question not in answers:
        answers[question] = ask()
    return answers[question]


class LookupTarget(Protocol):
    """The screen that answers for a look-up: it finds rows of its model within the person's rights."""

    eager: tuple[str, ...]
    """Relations that the words for a row may read."""

    def lookup_url(self) -> str:
        """Return the address that type-ahead asks."""

    def lookup_get(self, key: int) -> Any | None:
        """Return the row with this key if the person may pick it."""

    def lookup_exact(self, text: str) -> list[Any]:
        """Return the rows that a person means by this number or name (at most two)."""

    def add_url(self) -> str | None:
        """Return where a missing row can be added, for those who may."""

    def may_lookup(self) -> bool:
        """Tell whether the person may pick rows here at all."""


def target_of(model: type[Any]) -> LookupTarget:
    """Return the screen that answers look-ups of a model."""
    found: LookupTarget = current_app.extensions["portal_views"][model]
    return found


class RowField(SelectField):
    """A relation: the data is a row of another table, the input holds its key."""

    def __init__(self, label: Any = None, validators: Any = None, *, model: type[Any], **kwargs: Any) -> None:
        self.model = model
        self.raw_key = ""
        super().__init__(label, validators, coerce=lambda value: value, choices=[], validate_choice=False, **kwargs)

    def process_data(self, value: Any) -> None:
        """Take the record's row, or a key from an address."""
        self.data = self.find(value) if isinstance(value, str | int) else value

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Find the row within the person's rights; keep the row that is already there even outside them."""
        self.raw_key = str(valuelist[0]).strip() if valuelist else ""
        if not self.raw_key:
            self.data = None
            return
        held = self.object_data
        if held is not None and str(getattr(held, "id", "")) == self.raw_key:
            self.data = held
            return
        self.data = self.find(self.raw_key)
        if self.data is None:
            raise ValueError(_("This is not one of the choices."))

    def find(self, key: object) -> Any | None:
        """Return the row a key stands for."""
        raise NotImplementedError

    def pre_validate(self, form: Any) -> None:
        """Accept what was found."""


class CatalogField(RowField):
    """A row of a short catalog, in its order, without retired ones."""

    def rows(self) -> list[Catalog]:
        """Return the catalog's rows that are offered today, and the one already chosen; to be read alone."""
        today, held = clock.today(), self._held()
        return [row for row in kept_rows(self.model) if not row.is_retired(today) or row.id == held]

    def _held(self) -> int | None:
        """Return the key of the row already chosen; while a form is put together there is none yet."""
        return getattr(getattr(self, "data", None), "id", None)

    def find(self, key: object) -> Catalog | None:
        """Return an offered row by its key."""
        wanted = parse_key(key)
        if not any(row.id == wanted for row in self.rows()):
            return None
        return catalog_row(self.model, wanted)

    def iter_choices(self) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
        """Give the empty choice and the catalog's rows."""
        yield "", "—", self.data is None, {}
        held = self._held()
        for row in self.rows():
            yield str(row.id), str(row), row.id == held, {}

    def from_cell(self, value: Cell) -> str:
        """Accept a row's code, or its name in any of the portal's languages where it is one row's only."""
        text = text_of(value)
        return str(once((self.model, "name", text), lambda: self._meant(text))) if text else ""

    def _meant(self, text: str) -> int:
        rows = self.rows()
        found = [row for row in rows if row.code == text] or [
            row for row in rows if text in {row.name_zh_hant, row.name_zh_hans, row.name_en}
        ]
        if not found:
            raise ValueError(_("“%(text)s” is not in the list.", text=text))
        if len(found) > 1:
            raise ValueError(_("“%(text)s” fits more than one record.", text=text))
        return found[0].id


class LookupField(RowField):
    """A row of a large table, found by typing; only the chosen row is ever loaded."""

    @property
    def target(self) -> LookupTarget:
        """The screen that answers."""
        return target_of(self.model)

    def find(self, key: object) -> Any | None:
        """Return the row if this person may pick it."""
        return picked(self.model, key)

    def iter_choices(self) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
        """Give the empty choice and the chosen row; the rest comes as the person types."""
        yield "", "—", self.data is None, {}
        if self.data is not None:
            yield str(self.data.id), str(self.data), True, {}

    def from_cell(self, value: Cell) -> str:
        """Accept a row's number or name when it is one row's only."""
        text = text_of(value)
        return the_one(self.model, text) if text else ""


def picked(model: type[Any], key: object) -> Any | None:
    """Return the row with this key if the person may pick it."""
    wanted = parse_key(key)
    return once((model, wanted), lambda: target_of(model).lookup_get(wanted)) if wanted is not None else None


def the_one(model: type[Any], text: str) -> str:
    """Return the key of the row a text means; raises ValueError if it is none or several."""
    rows = once((model, "name", text), lambda: target_of(model).lookup_exact(text)) if "\x00" not in text else []
    if not rows:
        raise ValueError(_("“%(text)s” was not found.", text=text))
    if len(rows) > 1:
        raise ValueError(_("“%(text)s” fits more than one record.", text=text))
    return str(once((model, rows[0].id), lambda: rows[0]).id)


class LookupManyField(SelectMultipleField):
    """Several rows of another table, found by typing."""

    def __init__(self, label: Any = None, validators: Any = None, *, model: type[Any], **kwargs: Any) -> None:
        self.model = model
        super().__init__(label, validators, coerce=lambda value: value, choices=[], validate_choice=False, **kwargs)

    @property
    def target(self) -> LookupTarget:
        """The screen that answers."""
        return target_of(self.model)

    def process_data(self, value: Any) -> None:
        """Take the record's rows."""
        self.data = list(value or [])

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Find the rows within the person's rights; keep those already there."""
        held = {str(row.id): row for row in self.object_data or []}
        found = [held.get(key) or picked(self.model, key) for key in dict.fromkeys(valuelist) if key]
        if None in found:
            raise ValueError(_("This is not one of the choices."))
        self.data = found

    def iter_choices(self) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
        """Give the chosen rows; the rest comes as the person types."""
        for row in self.data or []:
            yield str(row.id), str(row), True, {}

    def pre_validate(self, form: Any) -> None:
        """Accept what was found."""

    def from_cell(self, value: Cell) -> list[str]:
        """Accept several numbers or names, separated by commas, semicolons or ideographic commas."""
        names = [name.strip() for name in re.split("[,;，；、]", text_of(value)) if name.strip()]
        return [the_one(self.model, name) for name in names]
