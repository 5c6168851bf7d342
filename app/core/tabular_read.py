"""Reading tables from CSV and XLSX files as people have them.

What a file is, is judged by its bytes more than by its name. Whatever makes it unreadable is a
``TableError`` that says what to do; whether the contents make sense is for the import to judge,
row by row.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, BinaryIO, NamedTuple
from zipfile import BadZipFile, ZipFile

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.core.charsets import UTF_16_BOMS, check_encoding, encoding_of
from app.core.tabular import Cell, TableError, clean, column_letter, restore

LIMIT_BYTES = 32 * 1024 * 1024
LIMIT_ROWS = 200_000
LIMIT_COLUMNS = 256

# A workbook is a ZIP archive, in which tables shrink to a tenth or a thirtieth.
LIMIT_UNPACKED = 256 * 1024 * 1024
_SHRINKAGE = 200
_SMALL_PART = 4 * 1024 * 1024

# .xls is here because many systems give their CSV files this name.
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls")

_SEPARATORS = ",;\t"
_SAMPLE_BYTES = 64 * 1024
_SAMPLE_ROWS = 50
_SHEET_ROWS = 1_048_576  # Excel's own limit; a file that claims more is not Excel's

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_PROTECTED = "EncryptedPackage".encode("utf-16-le")
_FOREIGN = {
    b"%PDF": _l("a PDF document"),
    b"\x89PNG": _l("a picture"),
    b"\xff\xd8\xff": _l("a picture"),
    b"GIF8": _l("a picture"),
    b"{\\rtf": _l("a text document"),
    b"Rar!": _l("an archive"),
    b"7z\xbc\xaf": _l("an archive"),
    b"\x1f\x8b": _l("an archive"),
}
_MARKUP = re.compile(
    r"\s*<(?:!doctype|!--|\?xml|(?:html|head|body|table|meta|script|style|div|svg)\b)",
    re.IGNORECASE,
)

# Built-in formats that are dates and times in East Asian Excel alone; the file has just the number.
_EAST_ASIAN_DATES = frozenset([*range(27, 37), *range(50, 59)])
_LAST_SERIAL = 2_958_466  # the day after 9999-12-31
_LITERAL = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_CLOCK = re.compile("[hs]", re.IGNORECASE)


class Row(NamedTuple):
    """One row, numbered as a spreadsheet shows it (the first row of the file is 1).

    There is a cell for every heading; there are more only if the file has values under no heading.
    """

    number: int
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    """A table in a file, without its empty rows; it can be gone through more than once.

    Going through it raises ``TableError`` at a row that cannot be read, or beyond the limits.
    """

    header: list[str]
    # What the person should know first: doubtful headings, sheets that are not read.
    remarks: list[LazyString]
    # A key of ``charsets.ENCODINGS``; None for a workbook.
    encoding: str | None
    limit_rows: int
    # All rows, the headings first.
    open_rows: Callable[[], Iterator[Row]]

    def __iter__(self) -> Iterator[Row]:
        width = len(self.header)
        for count, row in enumerate(islice(self.open_rows(), 1, None), start=1):
            if count > self.limit_rows:
                raise TableError(
                    _l(
                        "The table has more than %(limit)s rows. Split it into several files.",
                        limit=f"{self.limit_rows:,}",
                    )
                )
            yield Row(row.number, row.cells + [None] * (width - len(row.cells)))


def read_table(
    stream: BinaryIO,
    filename: str,
    *,
    encoding: str | None = None,
    limit_rows: int = LIMIT_ROWS,
    limit_bytes: int = LIMIT_BYTES,
) -> Table:
    """Return the table in an uploaded CSV file, or on the first visible sheet of an XLSX workbook.

    Text cells keep their spaces and leading zeros; empty ones and those of white space alone are
    None; an apostrophe that an export put in front of "=1" is taken off. CSV holds texts only. A
    workbook also holds numbers, dates and moments (naive, as shown), and of a formula its last
    result. The stream is read at once and may be closed after.

    ``encoding`` is a key of ``charsets.ENCODINGS`` if a person has chosen one; otherwise it is
    found out.

    Raises ``TableError`` if the file is too large, of another kind, damaged, protected, empty or
    without rows.
    """
    if not filename.lower().endswith(ENDINGS):
        raise TableError(
            _l(
                "“%(name)s” is not a table. Choose a CSV file or an Excel workbook (.xlsx).",
                name=filename,
            )
        )
    data = stream.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise TableError(
            _l(
                "The file is larger than %(limit)s MB. Split it into several files.",
                limit=f"{limit_bytes / 1024**2:g}",
            )
        )
    codec: str | None = None
    remarks: list[LazyString] = []
    if _is_workbook(data):
        open_rows, remarks = _open_workbook(data)
    else:
        open_rows, codec = _open_text(data, encoding)

    rows = open_rows()
    heading = next(rows, None)
    if heading is None:
        raise TableError(_l("The file is empty."))
    if next(rows, None) is None:
        raise TableError(_l("The file has headings but no rows below them."))
    header = ["" if cell is None else str(cell).strip() for cell in heading.cells]
    return Table(header, remarks + _doubts(header), codec, limit_rows, open_rows)


def _is_workbook(data: bytes) -> bool:
    """Tell a workbook from text; raise ``TableError`` for what is neither."""
    if data.startswith(_OLD_EXCEL):
        if _PROTECTED in data:
            raise TableError(_l("The workbook is protected by a password. Remove it and choose the file again."))
        raise _foreign(_l("an old Excel workbook (.xls)"))
    for mark, kind in _FOREIGN.items():
        if data.startswith(mark):
            raise _foreign(kind)
    return data.startswith(_ZIP)


def _foreign(kind: LazyString) -> TableError:
    return TableError(
        _l(
            "The file is %(kind)s. Save the table as an Excel workbook (.xlsx) or as CSV and choose that file.",
            kind=kind,
        )
    )


def _doubts(header: list[str]) -> list[LazyString]:
    """Return a remark for every heading that is missing or stands more than once."""
    columns: dict[str, list[str]] = {}
    for number, heading in enumerate(header, start=1):
        columns.setdefault(heading, []).append(column_letter(number))
    doubts = []
    for heading, letters in columns.items():
        where = ", ".join(letters)
        if not heading:
            doubts.append(_l("There is no heading over column %(columns)s.", columns=where))
        elif len(letters) > 1:
            doubts.append(
                _l(
                    "The heading “%(heading)s” stands over more than one column: %(columns)s.",
                    heading=heading,
                    columns=where,
                )
            )
    return doubts


def _filled(rows: Iterator[tuple[int, list[Cell]]]) -> Iterator[Row]:
    """Yield the rows that hold anything, without the empty cells at their end."""
    for number, cells in rows:
        while cells and cells[-1] is None:
            cells.pop()
        if len(cells) > LIMIT_COLUMNS:
            raise TableError(
                _l(
                    "Row %(row)s has more than %(limit)s columns.",
                    row=number,
                    limit=LIMIT_COLUMNS,
                )
            )
        if cells:
            yield Row(number, cells)


def _text(value: str) -> str | None:
    text = restore(clean(value))
    return None if not text or text.isspace() else text


# --- CSV ----------------------------------------------------------------------------------------


def _open_text(data: bytes, encoding: str | None) -> tuple[Callable[[], Iterator[Row]], str]:
    if not data.startswith(UTF_16_BOMS):
        _refuse_binary(data)
    if encoding is None:
        codec = encoding_of(data)
    else:
        codec = encoding
        check_encoding(data, codec)
    text_codec = codec
    if codec == "utf-16":
        data, text_codec = data.decode(codec).encode(), "utf-8"
        _refuse_binary(data)
    sample = data[:_SAMPLE_BYTES].decode(text_codec, "ignore")
    if _MARKUP.match(sample):
        raise _foreign(_l("a web page"))
    separator = _separator(sample)
    return lambda: _filled(_csv_rows(data, text_codec, separator)), codec


def _refuse_binary(data: bytes) -> None:
    if b"\0" in data:
        raise _foreign(_l("a binary file"))


def _separator(sample: str) -> str:
    """Return the separator by which most rows have as many cells as the heading.

    With a single column none does; then it is a comma.
    """

    def fit(separator: str) -> int:
        rows = filter(None, csv.reader(io.StringIO(sample, newline=""), delimiter=separator))
        widths = [len(row) for row in islice(rows, _SAMPLE_ROWS)]
        return widths.count(widths[0]) * (widths[0] - 1) if widths else 0

    return max(_SEPARATORS, key=fit)


def _csv_rows(data: bytes, codec: str, separator: str) -> Iterator[tuple[int, list[Cell]]]:
    text = io.TextIOWrapper(io.BytesIO(data), codec, newline="")
    # Strict, or else a quotation mark that is never closed swallows the rest of the file silently.
    reader = csv.reader(text, delimiter=separator, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            yield number, [_text(cell) for cell in row]
    except csv.Error as error:
        raise TableError(
            _l(
                "Row %(row)s cannot be read: a quotation mark in it is not closed or not doubled, "
                "or a cell is longer than %(limit)s characters.",
                row=number + 1,
                limit=f"{csv.field_size_limit():,}",
            )
        ) from error


# --- XLSX ---------------------------------------------------------------------------------------


def _open_workbook(data: bytes) -> tuple[Callable[[], Iterator[Row]], list[LazyString]]:
    try:
        with ZipFile(io.BytesIO(data)) as package:
            parts = package.infolist()
    except (BadZipFile, ValueError, NotImplementedError) as error:
        raise _damaged() from error
    if not any(re.fullmatch(r"xl/workbook\w*\.xml", part.filename) for part in parts):
        raise _foreign(_l("an archive or a document of another program"))
    unpacked = sum(part.file_size for part in parts)
    if unpacked > LIMIT_UNPACKED or any(
        part.file_size > max(_SHRINKAGE * part.compress_size, _SMALL_PART) for part in parts
    ):
        raise TableError(
            _l(
                "The workbook unpacks to %(size)s MB, more than can be read. Save the table as CSV "
                "and choose that file.",
                size=f"{unpacked // 1024**2:,}",
            )
        )
    from openpyxl import load_workbook  # noqa: PLC0415 - heavy, and few workers ever need it

    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    except Exception as error:
        raise _damaged() from error
    if not sheets:
        raise TableError(_l("The workbook has no visible sheet."))
    remarks = []
    if len(sheets) > 1:
        remarks.append(_l("Only the first sheet, “%(sheet)s”, is read.", sheet=sheets[0].title))
    return lambda: _filled(_sheet_rows(sheets[0])), remarks


def _sheet_rows(sheet: Any) -> Iterator[tuple[int, list[Cell]]]:
    try:
        # What a file says of its size is often wrong, and rows would be filled up to it.
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(max_row=_SHEET_ROWS), start=1):
            yield number, [_value(cell) for cell in cells]
    except Exception as error:  # openpyxl raises whatever its parser stumbles over
        raise _damaged() from error


def _damaged() -> TableError:
    return TableError(_l("The workbook is damaged. Open it in Excel, save it again as .xlsx and choose that file."))


def _value(cell: Any) -> Cell:
    """Return the value of a cell as the person who opens the workbook sees it."""
    from openpyxl.utils.datetime import from_excel  # noqa: PLC0415 - heavy, and few workers ever need it
    from openpyxl.utils.escape import unescape  # noqa: PLC0415 - heavy, and few workers ever need it

    value = cell.value
    if isinstance(value, int | float) and 0 <= value < _LAST_SERIAL and _is_east_asian_date(cell):
        value = from_excel(value, cell.parent.parent.epoch)
        if isinstance(value, datetime) and value.time() == time():
            value = value.date()
    seen: Cell
    match value:
        case str():
            seen = _text(unescape(value))
        case bool():
            seen = str(value).upper()
        case int():
            seen = Decimal(value)
        case float():
            # Excel shows 15 digits: 0.1 + 0.2 is 0.3 to whoever looks at it.
            seen = Decimal(f"{value:.15g}") if math.isfinite(value) else str(value)
        case datetime():
            seen = value if _shows_clock(cell.number_format) else value.date()
        case timedelta():
            seconds = round(value.total_seconds())
            seen = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        case time():
            seen = value.isoformat()
        case _:
            seen = value  # a date, or nothing
    return seen


def _is_east_asian_date(cell: Any) -> bool:
    return cell.has_style and cell.style_array.numFmtId in _EAST_ASIAN_DATES


@lru_cache
def _shows_clock(number_format: str) -> bool:
    """Tell whether a date in this format shows its time too; "General" says nothing against it."""
    letters = _LITERAL.sub("", number_format.partition(";")[0])
    return number_format == "General" or _CLOCK.search(letters) is not None
