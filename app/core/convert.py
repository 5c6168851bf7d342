"""From a model's columns to a form: the type says which field, the column what it must hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

from sqlalchemy import Boolean, Date, Enum, Integer, Numeric, String, Text, Time
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import RelationshipProperty
from wtforms import Field
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from app.core import fields, fields_rows
from app.core.entity import is_short
from app.core.forms import PlainText, PortalForm
from app.core.interface import LARGEST_KEY, is_choice
from app.core.limits import limits_of
from app.core.sealed import Sealed
from app.core.types import PROSE_LENGTH, Choice, UtcDateTime


def form_class(
    model: type[Any],
    columns: Sequence[str],
    labels: Mapping[str, Any],
    *,
    helps: Mapping[str, Any],
    validators: Mapping[str, Sequence[Any]],
    extra: Mapping[str, Callable[[], Field]] | None = None,
    required: Sequence[str] = (),
    optional: Sequence[str] = (),
    withheld: AbstractSet[str] = frozenset(),
) -> type[PortalForm]:
    """Return a form class for some columns of a model, in this order.

    ``extra`` makes fields that are no columns (made here: WTForms shows fields in the order they are made);
    ``required`` names columns that must be filled here although the
    table allows them to be empty (what a step asks for), ``optional`` those that may be empty here although the
    table does not allow it (what the screen fills in); ``withheld`` names personal data of the record the form
    is about, which it must not show.
    """
    made: dict[str, Any] = {}
    for name in columns:
        if extra and name in extra:
            made[name] = extra[name]()
            continue
        options = {"label": labels[name], "description": helps.get(name, "")}
        need = name in required or (None if name not in optional else False)
        made[name] = _field(model, name, options, list(validators.get(name, ())), need=need)
        if name in withheld:
            made[name].field_class = fields.withheld(made[name].field_class)
    sensitive: frozenset[str] = getattr(model, "sensitive", frozenset())
    return type(f"{model.__name__}Form", (PortalForm,), made | {"not_drafted": sensitive})


def _field(model: type[Any], name: str, options: dict[str, Any], checks: list[Any], *, need: bool | None) -> Any:
    """Return the field of one column; ``need`` overrules whether the table allows it to be empty."""
    prop = sa_inspect(model).attrs[name]
    if isinstance(prop, RelationshipProperty):
        return _relation(prop, options, checks, need=need)
    column = prop.columns[0]
    optional = column.nullable if need is None else not need
    text = isinstance(column.type, Sealed) or (isinstance(column.type, String) and not isinstance(column.type, Enum))
    # Blanks alone are an input, but no text.
    checks[:0] = [Optional() if optional else DataRequired() if text else InputRequired(), *limits_of(column)]
    default = column.default.arg if column.default is not None and column.default.is_scalar else None
    options |= {"default": default}
    kind = column.type
    match kind:
        case Sealed():
            size = Length(max=kind.plain_length)
            return fields.Text(validators=[*checks, PlainText(), size], filters=[_strip], **options)
        case Enum() if is_choice(kind):
            return fields.ChoiceField(validators=checks, members=cast("type[Choice]", kind.enum_class), **options)
        case Boolean():
            return fields.Check(validators=checks[1:], **options)
        case UtcDateTime():
            return fields.Moment(validators=checks, **options)
        case Date():
            return fields.Day(validators=checks, **options)
        case Time():
            return fields.Clock(validators=checks, **options)
        case Integer():
            return fields.WholeNumber(validators=[*checks, NumberRange(-LARGEST_KEY, LARGEST_KEY)], **options)
        case Numeric():
            limit = 10 ** ((kind.precision or 12) - (kind.scale or 0)) - 1
            return fields.Amount(validators=[*checks, NumberRange(-limit, limit)], places=kind.scale, **options)
        case Text():
            size = Length(max=kind.length or PROSE_LENGTH)
            return fields.LongText(validators=[*checks, PlainText(), size], filters=[_strip], **options)
        case String():
            return fields.Text(validators=[*checks, PlainText(), Length(max=kind.length)], filters=[_strip], **options)
        case _:
            message = f"{model.__name__}.{name}: no form field for {kind!r}"
            raise TypeError(message)


def _relation(prop: RelationshipProperty[Any], options: dict[str, Any], checks: list[Any], *, need: bool | None) -> Any:
    target = prop.mapper.class_
    if prop.uselist:
        checks.insert(0, InputRequired() if need else Optional())
        return fields_rows.LookupManyField(validators=checks, model=target, **options)
    optional = all(column.nullable for column in prop.local_columns) if need is None else not need
    checks.insert(0, Optional() if optional else InputRequired())
    kind = fields_rows.CatalogField if is_short(target) else fields_rows.LookupField
    return kind(validators=checks, model=target, **options)


def _strip(text: str | None) -> str | None:
    """Trim a text; an empty one is no text."""
    return (text.strip() or None) if isinstance(text, str) else text
