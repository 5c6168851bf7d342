"""Chapter 7: customers, policies, insurance needs and consents (客戶信息管理)."""

from __future__ import annotations

from typing import ClassVar

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from app.core.db import Model
from app.core.entity import Catalog, Numbered, Recorded
from app.core.present import masked
from app.core.sealed import Sealed, blind_index, last_four
from app.core.types import Choice, Day, Flag, Line, Name, Prose, choice_column
from app.staff.models import StaffMember

HASH_LENGTH = 64
PURPOSES = {"id_number": "id_number", "mobile": "phone", "phone": "phone", "email": "email"}
"""Sealed columns that are found again, and the kind of hash they share."""


class ProductLine(Catalog, Model):
    """A line of insurance, such as life, health or motor (險種)."""

    __tablename__ = "product_line"


class Channel(Catalog, Model):
    """A way customers reach us and we reach them (聯絡管道)."""

    __tablename__ = "channel"


class CustomerKind(Choice):
    """Whether the customer is a natural or a legal person."""

    PERSON = lazy_pgettext("customer", "Person"), "calm"
    ORGANISATION = _l("Organisation"), "calm"


class IdKind(Choice):
    """What document the ID number is from: its shape and check digit follow from it."""

    NATIONAL = _l("Identity or registration number"), "calm"
    PASSPORT = _l("Passport or travel permit"), "calm"


class Jurisdiction(Choice):
    """Whose law protects the customer: it sets formats, statutory periods and holidays."""

    TW = _l("Taiwan"), "calm"
    CN = _l("Mainland China"), "calm"


class Language(Choice):
    """In which language we write to the customer."""

    ZH_HANT = _l("Traditional Chinese"), "calm"
    ZH_HANS = _l("Simplified Chinese"), "calm"
    EN = _l("English"), "calm"


def _hash(column: str, *, unique: bool = False) -> Mapped[str | None]:
    """Return the column of a keyed hash by which a sealed column is found."""
    info = {"stands_for": column}
    return mapped_column(String(HASH_LENGTH), unique=unique or None, index=not unique or None, info=info)


class Customer(Numbered, Recorded, Model):
    """One person or organisation we serve (客戶, clause 7.1.1).

    What identifies or reaches them is sealed. A keyed hash beside it finds it by the exact value or by the last
    four digits.
    """

    __tablename__ = "customer"
    number_prefix: ClassVar[str] = "CU"
    sensitive: ClassVar[frozenset[str]] = frozenset({
        "name", "id_number", "birth_date", "mobile", "phone", "email", "address", "id_number_hash", "id_number_tail",
        "mobile_hash", "mobile_tail", "phone_hash", "phone_tail", "email_hash"
    })  # fmt: skip

    kind: Mapped[CustomerKind] = choice_column(CustomerKind, default=CustomerKind.PERSON)
    name: Mapped[Name] = mapped_column(index=True)
    jurisdiction: Mapped[Jurisdiction] = choice_column(Jurisdiction, default=Jurisdiction.TW)
    id_kind: Mapped[IdKind] = choice_column(IdKind, default=IdKind.NATIONAL)
    id_number: Mapped[str | None] = mapped_column(Sealed(20))
    birth_date: Mapped[str | None] = mapped_column(Sealed(10))
    mobile: Mapped[str | None] = mapped_column(Sealed(40))
    phone: Mapped[str | None] = mapped_column(Sealed(40))
    email: Mapped[str | None] = mapped_column(Sealed(254))
    address: Mapped[str | None] = mapped_column(Sealed(255))
    language: Mapped[Language] = choice_column(Language, default=Language.ZH_HANT)
    preferred_channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id", ondelete="RESTRICT"), index=True)
    preferred_channel: Mapped[Channel | None] = relationship()
    contact_wishes: Mapped[Line | None]

    id_number_hash: Mapped[str | None] = _hash("id_number", unique=True)
    id_number_tail: Mapped[str | None] = _hash("id_number")
    mobile_hash: Mapped[str | None] = _hash("mobile")
    mobile_tail: Mapped[str | None] = _hash("mobile")
    phone_hash: Mapped[str | None] = _hash("phone")
    phone_tail: Mapped[str | None] = _hash("phone")
    email_hash: Mapped[str | None] = _hash("email")

    @validates(*PURPOSES)
    def _index(self, column: str, value: str | None) -> str | None:
        """Keep the hashes of a sealed value: whoever sets it, a form, an import or a job, passes here."""
        told = (value or "").partition("#")[0]
        setattr(self, f"{column}_hash", exact_hash(column, told))
        if column != "email":
            setattr(self, f"{column}_tail", tail_hash(column, last_four(told)))
        return value

    def __str__(self) -> str:
        return f"{self.number} {masked(self.name)}"


def exact_hash(column: str, value: str | None) -> str | None:
    """Return the hash under which a customer's column keeps a whole value."""
    return blind_index(value, f"customer.{PURPOSES[column]}")


def tail_hash(column: str, four: str | None) -> str | None:
    """Return the hash under which a customer's column keeps the last four digits."""
    return blind_index(four, f"customer.{PURPOSES[column]}.tail")


class PolicyState(Choice):
    """Where a policy stands."""

    APPLIED = _l("Applied for"), "soon"
    IN_FORCE = _l("In force"), "done"
    LAPSED = _l("Lapsed"), "late"
    SURRENDERED = _l("Surrendered"), "calm"
    EXPIRED = _l("Expired"), "calm"


class Policy(Recorded, Model):
    """One insurance policy of a customer (保單, clause 7.1.1)."""

    __tablename__ = "policy"
    __table_args__ = (CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ends_after_start"),)
    sensitive: ClassVar[frozenset[str]] = frozenset({"beneficiaries"})

    number: Mapped[str] = mapped_column(String(40), unique=True)
    product_line_id: Mapped[int] = mapped_column(ForeignKey("product_line.id", ondelete="RESTRICT"), index=True)
    product_line: Mapped[ProductLine] = relationship()
    product: Mapped[Name]
    holder_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"), index=True)
    holder: Mapped[Customer] = relationship(foreign_keys=holder_id)
    insured_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"), index=True)
    insured: Mapped[Customer | None] = relationship(foreign_keys=insured_id)
    beneficiaries: Mapped[str | None] = mapped_column(Sealed(400))
    state: Mapped[PolicyState] = choice_column(PolicyState, default=PolicyState.IN_FORCE, index=True)
    starts_on: Mapped[Day]
    ends_on: Mapped[Day | None]

    def __str__(self) -> str:
        return f"{self.number} {self.product}"


class InsuranceNeed(Recorded, Model):
    """One insurance need a customer told us (保險需求, clause 7.1.1)."""

    __tablename__ = "insurance_need"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"), index=True)
    customer: Mapped[Customer] = relationship()
    product_line_id: Mapped[int | None] = mapped_column(ForeignKey("product_line.id", ondelete="RESTRICT"), index=True)
    product_line: Mapped[ProductLine | None] = relationship()
    need: Mapped[Prose]
    follow_up_on: Mapped[Day | None]
    is_met: Mapped[Flag]

    def __str__(self) -> str:
        return f"{self.customer} {self.need[:40]}"


class Purpose(Choice):
    """What the customer lets us use their data for; the laws want separate consent for the last three."""

    SERVICE = _l("Service on their policies"), "calm"
    MARKETING = _l("Offers and marketing"), "soon"
    SENSITIVE = _l("Health and other sensitive data"), "soon"
    SHARING = _l("Passing data to others"), "soon"


class Consent(Recorded, Model):
    """One consent of a customer to one use of their data, until withdrawn (個資同意, clause 7.1.1)."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("withdrawn_on IS NULL OR withdrawn_on >= given_on", name="withdrawn_after_given"),
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"), index=True)
    customer: Mapped[Customer] = relationship()
    purpose: Mapped[Purpose] = choice_column(Purpose)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="RESTRICT"), index=True)
    channel: Mapped[Channel] = relationship()
    given_on: Mapped[Day]
    withdrawn_on: Mapped[Day | None]

    def __str__(self) -> str:
        return f"{self.customer} {self.purpose}"


class PersonalData(Choice):
    """What can be looked at behind the mask; members are called like their columns."""

    NAME = lazy_pgettext("customer", "Name"), "calm"
    ID_NUMBER = _l("ID number"), "calm"
    BIRTH_DATE = _l("Birth date"), "calm"
    MOBILE = _l("Mobile phone"), "calm"
    PHONE = _l("Landline"), "calm"
    EMAIL = _l("E-mail"), "calm"
    ADDRESS = _l("Address"), "calm"
    BENEFICIARIES = _l("Beneficiaries"), "calm"


class Reveal(Recorded, Model):
    """One look of one person at data that everybody else sees as a mask (個資查閱記錄, clause 7.3.3)."""

    __tablename__ = "reveal"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"), index=True)
    customer: Mapped[Customer] = relationship()
    person_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="RESTRICT"), index=True)
    person: Mapped[StaffMember | None] = relationship()
    what: Mapped[PersonalData] = choice_column(PersonalData)
    case_number: Mapped[str | None] = mapped_column(String(32), index=True)
    reason: Mapped[Line]

    def __str__(self) -> str:
        return str(self.customer)
