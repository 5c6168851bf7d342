"""The one error a person can correct."""

from __future__ import annotations

from flask_babel import LazyString


class RuleError(Exception):
    """A rule of the house forbids the change; the message says so in the person's language.

    ``field`` names the form field at fault, if one is. Whoever catches it rolls back and shows the message;
    nothing is half-written and nothing typed is lost.
    """

    def __init__(self, message: str | LazyString, field: str | None = None) -> None:
        super().__init__(str(message))
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return str(self.message)
