"""Formats of customers' numbers in Taiwan and mainland China, checked at entry and brought to one form (clause 7.2.2).

The functions at the top know nothing of forms; the validators at the foot put their sentences on a form's fields.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any, Protocol

import phonenumbers
from flask_babel import gettext as _
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from wtforms import ValidationError

from app.core import clock
from app.core.errors import RuleError
from app.core.fields import iso_day
from app.customers.models import CustomerKind, IdKind, Jurisdiction

TW_ID = re.compile(r"[A-Z][12AB89CD]\d{8}")
TW_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
TW_ID_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
TW_BUSINESS = re.compile(r"(?!0{8})\d{8}")
TW_BUSINESS_WEIGHTS = (1, 2, 1, 2, 1, 2, 4, 1)
CN_ID = re.compile(r"[1-9]\d{16}[\dX]")
CN_CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CN_CREDIT = re.compile(rf"[{CN_CREDIT_LETTERS}]{{2}}\d{{6}}[{CN_CREDIT_LETTERS}]{{10}}")
PASSPORT = re.compile(r"[A-Z0-9]{5,20}")
EXTENSION = re.compile("轉|转|分機|分机")
EARLIEST_BIRTH = date(1880, 1, 1)


def tidy(text: str) -> str:
    """Return a number as it is kept: half-width capitals without blanks and dashes."""
    return re.sub(r"[\s\-‐–—]", "", unicodedata.normalize("NFKC", text)).upper()


def is_tw_id(number: str) -> bool:
    """Tell whether a text is a Taiwan national ID or resident certificate number (統一編號), old shape or new."""
    if not TW_ID.fullmatch(number):
        return False
    place = TW_LETTERS.index(number[0]) + 10
    # The second letter of an old resident certificate counts by its last digit.
    second = int(number[1]) if number[1].isdigit() else (TW_LETTERS.index(number[1]) + 10) % 10
    digits = (*divmod(place, 10), second, *map(int, number[2:]))
    return sum(weight * digit for weight, digit in zip(TW_ID_WEIGHTS, digits, strict=True)) % 10 == 0


def is_tw_business_number(number: str) -> bool:
    """Tell whether a text is a Taiwan business number (營利事業統一編號) by the rule in force since April 2023."""
    if not TW_BUSINESS.fullmatch(number):
        return False
    products = (weight * int(digit) for weight, digit in zip(TW_BUSINESS_WEIGHTS, number, strict=True))
    total = sum(sum(divmod(product, 10)) for product in products)
    # A seventh digit of 7 makes the product 28, which may count as 10 or as 1 + 0.
    return total % 5 == 0 or (number[6] == "7" and (total + 1) % 5 == 0)


def cn_birth_date(number: str) -> date | None:
    """Return the day of birth inside a mainland resident number, or None if there is none."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def is_cn_resident_number(number: str, today: date) -> bool:
    """Tell whether a text is an 18-digit mainland resident number (公民身份号码, GB 11643) of somebody born by now."""
    if not CN_ID.fullmatch(number):
        return False
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(number[:17]))
    born = cn_birth_date(number)
    return number[17] == "10X98765432"[total % 11] and born is not None and EARLIEST_BIRTH <= born <= today


def is_cn_credit_code(number: str) -> bool:
    """Tell whether a text is a mainland unified social credit code (统一社会信用代码, GB 32100)."""
    if not CN_CREDIT.fullmatch(number):
        return False
    values = [CN_CREDIT_LETTERS.index(letter) for letter in number]
    total = sum(value * pow(3, place, 31) for place, value in enumerate(values[:17]))
    return (total + values[17]) % 31 == 0


def id_number(text: str, kind: CustomerKind, id_kind: IdKind, jurisdiction: Jurisdiction) -> str:
    """Return an ID number as it is kept; raises RuleError with what it should look like."""
    number = tidy(text)
    match kind, id_kind, jurisdiction:
        case CustomerKind.PERSON, IdKind.PASSPORT, _any:
            if not PASSPORT.fullmatch(number):
                raise RuleError(_("A passport or permit number has 5 to 20 letters and digits."))
        case CustomerKind.PERSON, _national, Jurisdiction.TW:
            if not is_tw_id(number):
                raise RuleError(_("A Taiwan ID number is a letter and nine digits, such as A123456789, with a right "
                                  "check digit. Please read it again."))  # fmt: skip
        case CustomerKind.PERSON, _national, Jurisdiction.CN:
            if not is_cn_resident_number(number, clock.today()):
                raise RuleError(_("A mainland resident number has 18 digits with the birth date inside; the last may "
                                  "be X. Please read it again."))  # fmt: skip
        case _organisation, _national, Jurisdiction.TW:
            if not is_tw_business_number(number):
                raise RuleError(_("A Taiwan business number has 8 digits with a right check digit."))
        case _:
            if not is_cn_credit_code(number):
                raise RuleError(_("A unified social credit code has 18 letters and digits with a right check sign."))
    return number


def phone_number(text: str, jurisdiction: Jurisdiction, *, mobile: bool = False) -> str:
    """Return a phone number as people of its country write it, a foreign one with its country code.

    ``02-2700-0001#123`` carries an extension. Raises RuleError for what no numbering plan knows.
    """
    region = jurisdiction.name
    try:
        number = phonenumbers.parse(EXTENSION.sub("#", unicodedata.normalize("NFKC", text)), region)
    except NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        example = "0912-345-678, 02-2700-0001" if jurisdiction is Jurisdiction.TW else "138-0013-8000, 010-6552-7366"
        raise RuleError(_("This is no phone number. Write it like %(example)s, a foreign one with + and its country.",
                          example=example))  # fmt: skip
    if mobile and phonenumbers.number_type(number) is PhoneNumberType.FIXED_LINE:
        raise RuleError(_("This is a landline; please put it into the field for landlines."))
    home = phonenumbers.region_code_for_number(number) == region
    style = PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    return re.sub(r"[\s()]+", "-", phonenumbers.format_number(number, style)).strip("-")


def national_forms(text: str) -> set[str]:
    """Return how a phone number might be kept, whichever country it is from: what a search compares."""
    found = {text}
    for jurisdiction in Jurisdiction:
        try:
            found.add(phone_number(text, jurisdiction).partition("#")[0])
        except RuleError:
            continue
    return found


def birth_date(text: str, today: date) -> str:
    """Return a day of birth as it is kept, 1985-03-02; raises RuleError for no day, and for one still to come."""
    try:
        born = date.fromisoformat(iso_day(unicodedata.normalize("NFKC", text).strip()))
    except ValueError:
        raise RuleError(_("Write the date as year-month-day, such as 1985-03-02.")) from None
    if not EARLIEST_BIRTH <= born <= today:
        raise RuleError(_("Nobody was born on that day. Please look at the year."))
    return born.isoformat()


class Reader(Protocol):
    """Brings a typed text to its kept form, or raises RuleError."""

    def __call__(self, text: str, form: Any) -> str:
        """Return the kept form of a text, seen beside the form's other fields."""


class Checked:
    """A WTForms validator: the field's text in its kept form, or a sentence that says what it should look like."""

    def __init__(self, read: Reader) -> None:
        self.read = read

    def __call__(self, form: Any, field: Any) -> None:
        """Bring the field to its kept form; raises ValidationError with the reason if it has none."""
        try:
            field.data = self.read(field.data, form)
        except RuleError as error:
            raise ValidationError(str(error)) from error


def _id_number(text: str, form: Any) -> str:
    # A choice that was not read has its own message.
    kind, id_kind, jurisdiction = form.kind.data, form.id_kind.data, form.jurisdiction.data
    return id_number(text, kind, id_kind, jurisdiction) if kind and id_kind and jurisdiction else text


def _mobile(text: str, form: Any) -> str:
    return phone_number(text, form.jurisdiction.data, mobile=True) if form.jurisdiction.data else text


def _phone(text: str, form: Any) -> str:
    return phone_number(text, form.jurisdiction.data) if form.jurisdiction.data else text


def _birth_date(text: str, form: Any) -> str:
    del form
    return birth_date(text, clock.today())


ID_NUMBER = Checked(_id_number)
MOBILE = Checked(_mobile)
PHONE = Checked(_phone)
BIRTH_DATE = Checked(_birth_date)
