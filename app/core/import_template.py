"""The template of an import: the headings in the person's language, an example row, and what a cell may say."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from datetime import datetime, time
from typing import TYPE_CHECKING, Any, BinaryIO

from flask_babel import gettext as _
from wtforms import Field

from app.core import clock, fields, fields_rows
from app.core.importing import EXAMPLE
from app.core.matching import settable
from app.core.tabular import column_letter
from app.core.tabular_write import csv_lines

if TYPE_CHECKING:
    from app.core.views import PortalView

WIDTH = 18
ROWS_WITH_LISTS = 5_000


def heading(label: str, *, is_required: bool) -> str:
    """Return a column's heading; a required one is marked."""
    return f"{label} *" if is_required else label


def csv_template(view: PortalView) -> Iterator[bytes]:
    """Yield the template as CSV."""
    entries = _entries(view)
    return csv_lines(_headings(entries), [_examples(entries)])


def xlsx_template(view: PortalView) -> BinaryIO:
    """Return the template as an open workbook; lists of choices stand on a sheet of their own and drop down."""
    import xlsxwriter  # noqa: PLC0415 - heavy, and few workers ever need it

    entries = _entries(view)
    titles = _headings(entries)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    with xlsxwriter.Workbook(file) as book:
        bold = book.add_format({"bold": True, "num_format": "@"})
        text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(_("Import"))
        lists = book.add_worksheet(_("Allowed values"))
        sheet.freeze_panes(1, 0)
        for column, (title, example) in enumerate(zip(titles, _examples(entries), strict=True)):
            sheet.set_column(column, column, max(WIDTH, len(title) * 2), text)
            sheet.write_string(0, column, title, bold)
            sheet.write_string(1, column, example, text)
        places = itertools.count()
        for column, entry in enumerate(entries):
            if allowed := allowed_values(entry):
                source = _write_list(lists, next(places), titles[column], allowed, bold)
                # Codes and other languages are read, too: the list helps and forbids nothing.
                rule = {"validate": "list", "source": source, "show_error": False}
                sheet.data_validation(1, column, ROWS_WITH_LISTS, column, rule)
    file.seek(0)
    return file


def _write_list(lists: Any, place: int, title: str, allowed: list[str], bold: Any) -> str:
    """Write the values a column may hold, and return where they stand."""
    lists.set_column(place, place, WIDTH)
    lists.write_string(0, place, title, bold)
    for line, value in enumerate(allowed, start=1):
        lists.write_string(line, place, value)
    letter = column_letter(place + 1)
    return f"='{lists.get_name()}'!${letter}$2:${letter}${len(allowed) + 1}"


def _entries(view: PortalView) -> list[Field]:
    return list(view.import_form(settable(view))(formdata=None, meta={"csrf": False}))


def _headings(entries: list[Field]) -> list[str]:
    return [heading(str(entry.label.text), is_required=entry.flags.required) for entry in entries]


def allowed_values(entry: Field) -> list[str]:
    """Return what people choose from in a short list, in their language; nothing for any other field."""
    if isinstance(entry, fields.ChoiceField | fields_rows.CatalogField):
        return [label for value, label, _selected, _more in entry.iter_choices() if value]
    return [_("Yes"), _("No")] if isinstance(entry, fields.Check) else []


def _examples(entries: list[Field]) -> list[str]:
    examples = [_example(entry) for entry in entries]
    return [f"{EXAMPLE} {examples[0]}", *examples[1:]]


def _example(entry: Field) -> str:
    """Return what a cell of this field could say."""
    today = clock.today()
    match entry:
        case fields.ChoiceField() | fields_rows.CatalogField() | fields.Check():
            return next(iter(allowed_values(entry)), "")
        case fields_rows.LookupField() | fields_rows.LookupManyField():
            return _("number or name")
        case fields.Day():
            return today.isoformat()
        case fields.Moment():
            return datetime.combine(today, time(9)).isoformat(" ", "minutes")
        case fields.Clock():
            return "09:00"
        case fields.WholeNumber():
            return "1"
        case fields.Amount():
            return "100"
        case _:
            return str(entry.label.text)
