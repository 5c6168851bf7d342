"""The base of every form: translated messages, refresh for Flask-AppBuilder, errors that belong to no field."""

from __future__ import annotations

import re
from typing import Any, Self

from flask_babel import get_domain, gettext
from flask_wtf import FlaskForm
from wtforms import Field, ValidationError

from app.core.errors import RuleError


class _Translations:
    """WTForms' own messages come from the portal's catalogs: its bundled Chinese is mainland usage only.

    Translated without filling in values: WTForms does that itself.
    """

    def gettext(self, text: str) -> str:
        return str(get_domain().get_translations().gettext(text))

    def ngettext(self, one: str, many: str, number: int) -> str:
        return str(get_domain().get_translations().ngettext(one, many, number))


class PortalForm(FlaskForm):
    """A form that keeps what was typed and says what is wrong with it."""

    not_drafted: frozenset[str] = frozenset()
    """Fields with personal data: a browser keeps no draft of them."""

    class Meta(FlaskForm.Meta):
        """Where messages are translated."""

        def get_translations(self, form: object) -> _Translations:
            """Return the portal's catalogs."""
            return _Translations()

    @classmethod
    def refresh(cls, obj: object = None) -> Self:
        """Return a form for this request, filled from a record if one is given (Flask-AppBuilder's name)."""
        return cls(obj=obj)

    def refuse(self, error: RuleError) -> None:
        """Show a broken rule at its field, or above the form if it names none."""
        field = self._fields.get(error.field or "")
        if field is None:
            self.form_errors.append(str(error))
        else:
            field.errors = [*field.errors, str(error)]


UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class PlainText:
    """Refuse control characters and half surrogates: no database column and no spreadsheet takes them."""

    def __call__(self, form: Any, field: Field) -> None:
        """Raise ValidationError for text that cannot be stored."""
        if UNPRINTABLE.search(field.data or ""):
            raise ValidationError(gettext("The text contains characters that cannot be stored."))
