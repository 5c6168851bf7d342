"""What a form's inputs hold, for whoever fills a form without a browser: an import's row, the REST API."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import Field

from app.core.fields import Check, ChoiceField, Files
from app.core.fields_rows import LookupManyField, RowField
from app.core.forms import PortalForm


def input_of(field: Field) -> list[str]:
    """Return what a browser would send for a field as it stands."""
    match field:
        case RowField():
            return [str(field.data.id)] if field.data is not None else [""]
        case LookupManyField():
            return [str(row.id) for row in field.data or []]
        case ChoiceField():
            return [field.data.name] if field.data is not None else [""]
        case Check():
            return ["y"] if field.data else []
        case Files():
            return []
        case _:
            return [field._value()] if hasattr(field, "_value") else []  # noqa: SLF001 - WTForms' own rendering hook


def filled(
    kind: type[PortalForm], given: dict[str, Any], item: object = None, blank: PortalForm | None = None
) -> tuple[PortalForm, dict[str, list[str]]]:
    """Return a form filled from an item or the defaults, with the given cells laid over it.

    The second value holds what could not be read, by field; such a field is left empty. Names the form
    does not know are told as errors, too: nothing is silently dropped. Who fills many forms may give the
    ``blank`` one to start from.
    """
    inputs: MultiDict[str, str] = MultiDict()
    blank = blank or kind(formdata=None, obj=item, meta={"csrf": False})
    for field in blank:
        inputs.setlist(field.name, input_of(field))
    errors: dict[str, list[str]] = {}
    for name, value in given.items():
        if name not in blank:
            errors[name] = [_("This field cannot be set here.")]
            continue
        try:
            text = _text(blank[name], value)
        except ValueError as error:
            errors[name], text = [str(error)], ""
        inputs.setlist(
            name, text if isinstance(text, list) else [text] if text or not isinstance(blank[name], Check) else []
        )
    return kind(formdata=inputs, obj=item, meta={"csrf": False}), errors


def _text(field: Field, value: Any) -> str | list[str]:
    """Return a cell as the field's input; raises ValueError for what it cannot be."""
    if isinstance(field, RowField) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(field, LookupManyField) and isinstance(value, list):
        return [part for one in value for part in ([str(one)] if isinstance(one, int) else field.from_cell(one))]
    if isinstance(value, dict | list) or not hasattr(field, "from_cell"):
        raise ValueError(_("This value cannot be read."))
    found: str | list[str] = field.from_cell(value)
    return found


def problems(form: PortalForm, unread: dict[str, list[str]]) -> dict[str, list[str]]:
    """Validate and return every problem by field; ``""`` holds those of the whole record."""
    form.validate()
    return told(form, unread)


def told(form: PortalForm, unread: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return every problem that a form shows, by field; ``""`` holds those of the whole record."""
    found = {name: [str(error) for error in errors] for name, errors in form.errors.items() if name}
    found |= unread
    if form.form_errors:
        found[""] = [str(error) for error in form.form_errors]
    return found
