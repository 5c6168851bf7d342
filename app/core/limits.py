"""What a value may be, told at its field: the bounds that the table's CHECKs hold it to, and days that cannot be.

The database has the last word, but it only says that the values do not fit together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import CheckConstraint, Column, Numeric
from wtforms import Field
from wtforms.validators import NumberRange, ValidationError

from app.core import clock

UNLESS_EMPTY = re.compile(r"^(?:\w+ IS NULL OR )*\(?")
BETWEEN = re.compile(r"(\w+) BETWEEN (\w+) AND (\w+)")
COMPARISON = re.compile(r"^(\w+) (>=|>|<=) (\w+)\)?$")


class After:
    """Refuse a value below that of another field of the form, or (``strictly``) one as large."""

    def __init__(self, other: str, *, strictly: bool = False) -> None:
        self.other, self.strictly = other, strictly

    def __call__(self, form: Any, field: Field) -> None:
        """Raise ValidationError where both fields are filled and do not fit together."""
        least = form[self.other].data if self.other in form else None
        if least is None or field.data is None or field.data > least or (field.data == least and not self.strictly):
            return
        label = form[self.other].label.text
        if isinstance(least, int | Decimal):
            raise ValidationError(_("This cannot be less than “%(other)s”.", other=label))
        if self.strictly:
            raise ValidationError(_("This must be later than “%(other)s”.", other=label))
        raise ValidationError(_("This cannot be before “%(other)s”.", other=label))


def not_in_future(_form: Any, field: Field) -> None:
    """Refuse a day or moment that has not come yet."""
    if field.data is not None and field.data > _now(field.data):
        raise ValidationError(_("This cannot be in the future."))


def not_in_past(_form: Any, field: Field) -> None:
    """Refuse a day or moment that is over."""
    if field.data is not None and field.data < _now(field.data):
        raise ValidationError(_("This cannot be in the past."))


def _now(like: date) -> date:
    return clock.local(clock.now()).replace(tzinfo=None) if isinstance(like, datetime) else clock.today()


def limits_of(column: Column[Any]) -> Iterator[NumberRange | After]:
    """Yield the validators that say of a column what the CHECKs of its table say: ``cost IS NULL OR cost >= 0``.

    A condition of another shape is left to the database.
    """
    for constraint in column.table.constraints:
        if not isinstance(constraint, CheckConstraint):
            continue
        rule = BETWEEN.sub(r"\1 >= \2 AND \1 <= \3", UNLESS_EMPTY.sub("", str(constraint.sqltext)))
        if " OR " in rule:
            continue
        for name, sign, bound in (found.groups() for part in rule.split(" AND ") if (found := COMPARISON.match(part))):
            if name != column.name:
                continue
            if not bound.isdigit():
                yield After(bound, strictly=sign == ">")
            elif sign == "<=":
                yield NumberRange(max=int(bound))
            else:
                yield NumberRange(min=int(bound) + (_smallest(column) if sign == ">" else 0))


def _smallest(column: Column[Any]) -> Decimal | int:
    """Return the smallest step of a number's column."""
    return Decimal(1).scaleb(-(column.type.scale or 0)) if isinstance(column.type, Numeric) else 1
