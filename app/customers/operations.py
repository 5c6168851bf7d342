"""What must be true of a customer as a whole, and how one is found by what is sealed (clauses 7.1.2 and 7.2.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, or_, select

from app.core import actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.sealed import normalise
from app.customers import checks
from app.customers.models import (
    Customer,
    CustomerKind,
    IdKind,
    Jurisdiction,
    PersonalData,
    Policy,
    Reveal,
    exact_hash,
    tail_hash,
)
from app.staff.operations import person_of

TAIL = 4
CaseFinder = Callable[[str, Customer], bool]


def set_case_finder(finder: CaseFinder) -> None:
    """Let the room that keeps cases tell whether a number is a case that may be about a customer."""
    current_app.extensions["portal_case_finder"] = finder


def reveal(customer: Customer, columns: Iterable[str], reason: str, case_number: str | None) -> None:
    """Write down that whoever acts sees these columns unmasked, and why (clauses 7.3.2 and 7.3.3).

    Does not commit. Raises RuleError for a case that does not exist or is about another customer.
    """
    if case_number and not current_app.extensions["portal_case_finder"](case_number, customer):
        raise RuleError(_("There is no such case of this customer."), field="case_number")
    person = person_of(actor.user_id())
    db.session.add_all(
        Reveal(
            customer=customer,
            person=person,
            what=PersonalData[column.upper()],
            case_number=case_number or None,
            reason=reason,
        )
        for column in columns
    )


def check(customer: Customer) -> None:
    """See that the ID number fits what else is said of the customer; raises RuleError where it does not.

    A changed jurisdiction or kind is caught here although the sealed number was not typed again.
    """
    if not customer.id_number:
        return
    try:
        checks.id_number(customer.id_number, customer.kind, customer.id_kind, customer.jurisdiction)
    except RuleError as error:
        raise RuleError(str(error), field="id_number") from error
    resident = (customer.kind, customer.id_kind, customer.jurisdiction) == (
        CustomerKind.PERSON,
        IdKind.NATIONAL,
        Jurisdiction.CN,
    )
    born = checks.cn_birth_date(customer.id_number) if resident else None
    if born is not None and customer.birth_date and born.isoformat() != customer.birth_date:
        raise RuleError(_("The birth date is not the one inside the ID number."), field="birth_date")


def found_by(text: str) -> ColumnElement[bool]:
    """Return the condition for customers a person means by this: a whole ID number, phone, e-mail or policy
    number, or the last four digits of a phone or ID number.
    """  # noqa: D205 - one sentence
    phones = [exact_hash("phone", form) for form in checks.national_forms(text)]
    clauses = [
        Customer.id_number_hash == exact_hash("id_number", text),
        Customer.mobile_hash.in_(phones),
        Customer.phone_hash.in_(phones),
        Customer.email_hash == exact_hash("email", text),
    ]
    # Asked beforehand: of keys that are known each has an index, of a question inside the question it has none.
    if holder := db.session.scalar(select(Policy.holder_id).where(Policy.number == text)):
        clauses.append(Customer.id == holder)
    if len(four := normalise(text)) == TAIL:
        tail = tail_hash("phone", four)
        clauses += [
            Customer.id_number_tail == tail_hash("id_number", four),
            Customer.mobile_tail == tail,
            Customer.phone_tail == tail,
        ]
    return or_(*clauses)
