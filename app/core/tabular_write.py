"""Writing tables as CSV and XLSX in constant memory, however many rows there are.

In CSV every text is made harmless (see ``tabular.neutralise``); in XLSX it is written as what it
is, a text, and never becomes a formula or a link.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO, TypeAlias

from flask_babel import lazy_gettext as _l

from app.core.tabular import TableError, clean, neutralise

# What a caller may put into a cell. Choices, yes or no and records come as the text people read.
Value: TypeAlias = str | int | float | Decimal | date | None

_BLOCK = 64 * 1024  # characters; about one block is one write to the network
_BATCH = 100  # rows whose cells are looked through together

# What Excel can hold.
_SHEET_ROWS = 1_048_576
_CELL_UNITS = 32_767  # UTF-16 units
_EXACT_DIGITS = 15
_FIRST_YEAR = 1900
_NAME_LENGTH = 31

# What may make ``neutralise`` change a text that begins with it, apart from characters that cannot be printed.
_SUSPECT = re.compile(r"\|['=+\-@\uff1d\uff0b\uff0d\uff20 ]")


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """Yield a CSV file in blocks of whole lines: UTF-8 with BOM, commas, CRLF, quotes where needed.

    Dates are ISO 8601, moments "2026-11-22 13:05:00" in the zone they carry, numbers plain with a
    decimal point.
    """
    block = io.StringIO(newline="")
    block.write("\ufeff")
    writer = csv.writer(block)
    writer.writerow([_plain(title) for title in header])
    rows = iter(rows)
    while batch := list(islice(rows, _BATCH)):
        writer.writerows(zip(*map(_plain_column, zip(*batch, strict=True)), strict=True))
        if block.tell() >= _BLOCK:
            yield block.getvalue().encode()
            block.seek(0)
            block.truncate()
    if block.tell():
        yield block.getvalue().encode()


def xlsx_file(
    header: Sequence[str],
    rows: Iterable[Sequence[Value]],
    sheet_name: str,
    *,
    widths: Sequence[float] | None = None,
) -> BinaryIO:
    """Return an XLSX workbook of one sheet as an open temporary file, deleted when it is closed.

    The header is bold, frozen and has filters. Dates, moments (in the zone they carry, to the
    second) and numbers are real ones. Texts are formatted as text, so that "0912" keeps its zero
    and "=1" stays harmless after an edit. What Excel cannot hold as a value (over 15 digits, years
    before 1900) is written as text; a text over Excel's 32,767 characters is cut and ends in "…".

    ``widths`` are column widths in characters, by default taken from the header.

    Raises ``TableError`` if there are more rows than a sheet holds.
    """
    import xlsxwriter  # noqa: PLC0415 - heavy, and few workers ever need it

    with ExitStack() as if_it_fails, tempfile.TemporaryDirectory() as scratch:
        file = if_it_fails.enter_context(tempfile.TemporaryFile())
        with xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": scratch}) as book:
            book.use_zip64()
            _write_sheet(book, header, rows, sheet_name, widths)
        if_it_fails.pop_all()
    file.seek(0)
    return file


def _write_sheet(
    book: Any,
    header: Sequence[str],
    rows: Iterable[Sequence[Value]],
    name: str,
    widths: Sequence[float] | None,
) -> None:
    sheet = book.add_worksheet(_sheet_name(name))
    bold = book.add_format({"num_format": "@", "bold": True})
    text = book.add_format({"num_format": "@"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})

    for column, title in enumerate(header):
        sheet.set_column(column, column, widths[column] if widths else _width(title))
        _write_text(sheet, 0, column, title, bold)
    sheet.freeze_panes(1, 0)

    line = 0
    for row in rows:
        line += 1
        if line == _SHEET_ROWS:
            raise TableError(
                _l(
                    "An Excel sheet holds at most %(limit)s rows. Export as CSV instead.",
                    limit=f"{_SHEET_ROWS - 1:,}",
                )
            )
        for column, value in enumerate(row):
            if value is None:
                continue
            if isinstance(value, str):
                _write_text(sheet, line, column, value, text)
            elif not _fits(value):
                _write_text(sheet, line, column, _plain(value), text)
            elif isinstance(value, datetime):
                shown = value.replace(microsecond=0, tzinfo=None)
                sheet.write_datetime(line, column, shown, moment)
            elif isinstance(value, date):
                sheet.write_datetime(line, column, value, day)
            else:
                sheet.write_number(line, column, value)

    sheet.autofilter(0, 0, line, len(header) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{_SHEET_ROWS}"})


def _write_text(
    sheet: Any,
    line: int,
    column: int,
    text: str,
    style: Any,
) -> None:
    text = clean(text)
    if text.startswith("'"):
        # Reading takes one apostrophe from "'=1", whichever kind of file it stands in.
        text = neutralise(text)
    if text.startswith("<r>") and text.endswith("</r>"):
        # XlsxWriter would take such a text for rich text of its own and write it as raw XML.
        sheet.write_rich_string(line, column, text[0], text[1], text[2:], style)
        return
    if sheet.write_string(line, column, text, style) != 0:
        whole = text.encode("utf-16-le")
        text = whole[: 2 * (_CELL_UNITS - 1)].decode("utf-16-le", "ignore") + "…"
        sheet.write_string(line, column, text, style)


def _plain_column(cells: tuple[Value, ...]) -> Iterable[str]:
    """Return cells as CSV text; where all are texts that may stand as they are, one look at them together tells."""
    try:
        together = "|".join(("", *cells))  # type: ignore[arg-type]
    except TypeError:
        return map(_plain, cells)
    if together.isprintable() and not _SUSPECT.search(together):
        return cells  # type: ignore[return-value]
    return map(_plain, cells)


def _plain(value: Value) -> str:
    """Return the cell as CSV text."""
    match value:
        case None:
            text = ""
        case str():
            text = neutralise(clean(value)) if value else value
        case datetime():
            text = (value.replace(tzinfo=None) if value.tzinfo else value).isoformat(" ", "seconds")
        case date():
            text = value.isoformat()
        case float():
            text = format(Decimal(repr(value)), "f")
        case _:
            text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return text


def _fits(value: float | Decimal | date) -> bool:
    """Tell whether Excel holds the value exactly as a date or a number."""
    if isinstance(value, date):
        return value.year >= _FIRST_YEAR
    if isinstance(value, float):
        return True
    exact = Decimal(value)
    return Decimal(format(exact, f".{_EXACT_DIGITS}g")) == exact


def _width(title: str) -> int:
    """Return a width for the heading and its filter arrow; Chinese characters are two wide."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in title)
    return min(max(len(title) + wide + 4, 12), 40)


def _sheet_name(name: str) -> str:
    """Return the name without what Excel forbids in one."""
    name = re.sub(r"[\[\]:*?/\\]+", " ", clean(name))[:_NAME_LENGTH].strip(" '")
    return name or "Sheet1"
