"""Tables as files: what reading (``tabular_read``) and writing (``tabular_write``) share.

A text that a spreadsheet would take for a formula is kept harmless by one apostrophe in front.
Writing puts it there and reading takes exactly that one away again, so that what was exported comes
back as it was.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from app.core.errors import RuleError

# To the type checker a datetime is a date, so ``date`` stands for both.
Cell: TypeAlias = str | date | Decimal | None

# Full-width signs count too: a Chinese input method types them and spreadsheets take them for the
# plain ones. Apostrophes before them are part of the pattern, so that a text which has its own gets
# one more and keeps it.
_FORMULA = re.compile(r"'*(?:[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class TableError(RuleError):
    """The file is no table that can be read, or no file can hold the table."""


def neutralise(text: str) -> str:
    """Return ``text`` with an apostrophe in front if a spreadsheet could take it for a formula.

    That is a text whose first character, after any white space, is ``=``, ``+``, ``-`` or ``@`` or
    its full-width form, or which begins with a tab or a line break. Texts that look like numbers
    ("-5", "+886912345678") are no exception: a telephone number must stay a text, and ``restore``
    gives it back unchanged. Numbers themselves are not texts and need no apostrophe.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def restore(text: str) -> str:
    """Return ``text`` without the one apostrophe of ``neutralise``; any other stays."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text


def clean(text: str) -> str:
    """Return ``text`` with plain line feeds and without characters that no spreadsheet can hold."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("", text)


def column_letter(number: int) -> str:
    """Return the letters by which spreadsheets call a column, counted from 1: A, Z, AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
