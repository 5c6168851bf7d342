"""Form fields: look-ups that never load a table, lists of choices in the reader's language, native dates.

Every field can also read a cell of an imported table: ``from_cell`` returns the text its form input would
have sent, or raises ValueError with a sentence for the person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    Field,
    IntegerField,
    MultipleFileField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.utils import unset_value
from wtforms.validators import Optional, StopValidation
from wtforms.widgets import HiddenInput

from app.core import clock, files
from app.core.errors import RuleError
from app.core.interface import parse_key
from app.core.present import masked, words
from app.core.types import Choice

Cell = str | date | datetime | Decimal | None
TRUE_WORDS = frozenset({"1", "true", "yes", "y", "是", "✓", "v", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "n", "否", "", "off"})


def text_of(value: Cell) -> str:
    """Return a cell's text as a form input would have it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value).strip()


class FromCell:
    """The usual way to read a cell: its text."""

    def from_cell(self, value: Cell) -> str:
        """Return the input's text for a cell."""
        return text_of(value)


class Text(FromCell, StringField):
    """One line."""


class LongText(FromCell, TextAreaField):
    """Several lines."""


THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")


class NumberCell:
    """Numbers as people write them: 1,234.50 is 1234.50."""

    def from_cell(self, value: Cell) -> str:
        """Return the number without the commas between thousands."""
        text = text_of(value)
        return text.replace(",", "") if THOUSANDS.fullmatch(text) else text


class WholeNumber(NumberCell, IntegerField):
    """A number without decimals."""


class Amount(NumberCell, DecimalField):
    """A number with decimals."""


class Check(BooleanField):
    """Yes or no."""

    def from_cell(self, value: Cell) -> str:
        """Accept yes and no in the words people write."""
        word = text_of(value).lower()
        if word in TRUE_WORDS:
            return "y"
        if word in FALSE_WORDS:
            return ""
        raise ValueError(_("Write yes or no."))


DAY_AND_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?")
DATE_SHAPE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


def iso_day(text: str) -> str:
    """Return a date written the usual ways (2026/3/1, 2026年3月1日) as 2026-03-01; other text as it is."""
    return DATE_SHAPE.sub(lambda m: f"{m[1]}-{int(m[2]):02d}-{int(m[3]):02d}", text)


YEARS = range(1900, 2200)
"""Beyond them a date is a slip of the keys, and near the ends of the calendar no moment of any zone."""


def check_year(day: date | None) -> None:
    """Raise ValueError for a day nobody means."""
    if day is not None and day.year not in YEARS:
        raise ValueError(_("Write a year from %(first)s to %(last)s.", first=YEARS.start, last=YEARS.stop - 1))


class Day(DateField):
    """A day, with the browser's own picker."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the day; one that nobody means is an error."""
        super().process_formdata(valuelist)
        check_year(self.data)

    def from_cell(self, value: Cell) -> str:
        """Accept the usual ways to write a date, with a time of day that is left out."""
        text = iso_day(text_of(value))
        return text[:10] if DAY_AND_TIME.fullmatch(text) else text


class Clock(TimeField):
    """A time of day, with the browser's own picker."""

    def from_cell(self, value: Cell) -> str:
        """Return hours and minutes; seconds are nobody's."""
        return ":".join(text_of(value).split(":")[:2])


class Moment(DateTimeLocalField):
    """A moment, typed and shown in the office's zone, kept in UTC."""

    def __init__(self, label: Any = None, validators: Any = None, **kwargs: Any) -> None:
        super().__init__(
            label,
            validators,
            format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
            **kwargs,
        )

    def process_data(self, value: datetime | None) -> None:
        """Turn the record's UTC moment into office time."""
        self.data = clock.local(value).replace(tzinfo=None) if value is not None and value.tzinfo else value

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read office time; ``populate_obj`` puts it into the record as UTC."""
        super().process_formdata(valuelist)
        check_year(self.data)

    def populate_obj(self, obj: object, name: str) -> None:
        """Write the moment with its zone."""
        aware = self.data.replace(tzinfo=clock.office_zone()) if self.data is not None else None
        setattr(obj, name, aware)

    def from_cell(self, value: Cell) -> str:
        """Accept the usual ways to write a date and time."""
        return iso_day(text_of(value)).replace(" ", "T", 1)


class ChoiceField(SelectField):
    """A closed list, in the reader's language; the empty choice is empty, and never a first row by accident."""

    def __init__(self, label: Any = None, validators: Any = None, *, members: type[Choice], **kwargs: Any) -> None:
        self.members = members
        super().__init__(label, validators, coerce=self._member, choices=[], **kwargs)

    def _member(self, value: Any) -> Choice | None:
        if value is None or value == "" or isinstance(value, Choice):
            return value or None
        try:
            return self.members[str(value)]
        except KeyError as error:
            raise ValueError(_("This is not one of the choices.")) from error

    def iter_choices(self) -> Iterator[tuple[str, str, bool, dict[str, Any]]]:
        """Give the empty choice and every member with its translated label."""
        yield "", "—", self.data is None, {}
        for member in self.members:
            yield member.name, str(member.label), self.data is member, {}

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the member; an unknown one stays an error and empty."""
        try:
            self.data = self._member(valuelist[0]) if valuelist else None
        except ValueError:
            self.data = None
            raise

    def pre_validate(self, form: Any) -> None:
        """Accept what coercion accepted."""

    def from_cell(self, value: Cell) -> str:
        """Accept a member's name, or its label in any of the portal's languages."""
        text = text_of(value)
        if not text:
            return ""
        for member in self.members:
            if text.upper() == member.name or text in labels_in_all_languages(member):
                return member.name
        choices = _(", ").join(str(member.label) for member in self.members)
        raise ValueError(_("“%(text)s” is not one of: %(choices)s", text=text, choices=choices))


@cache
def labels_in_all_languages(member: Choice) -> frozenset[str]:
    """Return a member's labels in every language of the portal."""
    return in_all_languages(member.label)


def in_all_languages(text: object) -> frozenset[str]:
    """Return a translated text in every language of the portal."""
    found = set()
    for locale in current_app.config["LANGUAGES"]:
        with force_locale(locale):
            found.add(str(text))
    return frozenset(found)


class Files(MultipleFileField):
    """Photos and documents to keep with the record; checked and stored by ``core.files``.

    ``kept`` are those that came with a form that could not be saved: nobody has to choose them again.
    """

    kept: list[files.Upload]

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Read the files, and what was kept of them before."""
        super().process(formdata, data, extra_filters)
        pledges = formdata.getlist(f"{self.name}-kept") if formdata is not None else []
        self.kept = [upload for pledge in pledges if (upload := files.redeemed(str(pledge))) is not None]

    def keep(self) -> None:
        """Keep what was sent and may be stored until the form is sent again."""
        for sent in self.data or []:
            sent.stream.seek(0)
            with suppress(RuleError):
                self.kept += files.take_in([sent])

    def populate_obj(self, obj: object, name: str) -> None:
        """Leave the record alone: attachments are rows of their own."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Drop the empty part a browser sends when nothing was chosen."""
        self.data = [file for file in valuelist if getattr(file, "filename", "")]


class Withheld:
    """Personal data on a form about an existing record: the input is empty and its help tells the mask.

    Left empty it keeps what is there; a hyphen removes what may be removed.
    """

    description: Any

    def process_data(self, value: Any) -> None:
        """Show nothing of a value that is there."""
        self.may_remove = any(isinstance(check, Optional) for check in self.validators)  # type: ignore[attr-defined]
        self.is_held = value not in (None, "")
        if self.is_held:
            keep = _("Now %(mask)s. Leave it empty to keep it.", mask=masked(words(value)))
            remove = _("A hyphen (-) removes it.") if self.may_remove else ""
            self.description = " ".join(part for part in (str(self.description), keep, remove) if part)
            self.flags.required = False  # type: ignore[attr-defined]
            value = None
        super().process_data(value)  # type: ignore[misc]

    @property
    def is_kept(self) -> bool:
        """Whether the person typed nothing, so that the value stays."""
        return self.is_held and not self._typed

    @property
    def is_removed(self) -> bool:
        """Whether the person wants the value gone."""
        return self.is_held and self.may_remove and self._typed == "-"

    @property
    def _typed(self) -> str:
        return "".join(str(text) for text in self.raw_data or ()).strip()  # type: ignore[attr-defined]

    def pre_validate(self, form: Any) -> None:
        """Ask nothing of a value that nobody typed."""
        if self.is_kept or self.is_removed:
            raise StopValidation
        super().pre_validate(form)  # type: ignore[misc]

    def populate_obj(self, obj: object, name: str) -> None:
        """Write what was typed."""
        if self.is_removed:
            setattr(obj, name, None)
        elif not self.is_kept:
            super().populate_obj(obj, name)  # type: ignore[misc]


def withheld(kind: type[Field]) -> type[Field]:
    """Return a kind of field that does not show the value it is about; templates know it by its old name."""
    return type(kind.__name__, (Withheld, kind), {})


class Pills(SelectMultipleField):
    """Some of a few choices, ticked; ``choices`` are set for each form."""

    def __init__(self, label: Any = None, validators: Any = None, **kwargs: Any) -> None:
        super().__init__(label, validators, choices=[], **kwargs)

    def pre_validate(self, form: Any) -> None:
        """Refuse what was not offered, without repeating it."""
        if not set(self.data or ()) <= {value for value, _label in self.choices}:
            raise StopValidation(_("This is not one of the choices."))


class VersionField(IntegerField):
    """The version the person started from, hidden in the form; it is compared, never written."""

    widget = HiddenInput()

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the version; what cannot be one is taken as older than all."""
        self.data = parse_key(valuelist[0]) if valuelist else None

    def show(self, version: int) -> None:
        """Put the present version into the form: who saves again after seeing the changes means it."""
        self.data, self.raw_data = version, None

    def populate_obj(self, obj: object, name: str) -> None:
        """Leave the record's version to the database layer."""
