"""Screens of customers: who they are, what they hold, need and agreed to."""

from __future__ import annotations

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from sqlalchemy import ColumnElement
from wtforms.validators import Email

from app.core.interface import PortalInterface
from app.core.limits import not_in_future
from app.core.menu import open_screen
from app.core.views import PortalView
from app.core.views_catalog import CatalogView
from app.customers import checks, operations
from app.customers.models import Channel, Consent, Customer, InsuranceNeed, Policy, ProductLine
from app.customers.views_reveal import RevealingView, RevealView


class ProductLineView(CatalogView):
    """Lines of insurance."""

    datamodel = PortalInterface(ProductLine)
    title, noun = _l("Product lines"), _l("Product line")


class ChannelView(CatalogView):
    """Ways customers reach us."""

    datamodel = PortalInterface(Channel)
    title, noun = _l("Channels"), _l("Channel")


class PolicyView(RevealingView):
    """Policies and who holds them."""

    datamodel = PortalInterface(Policy)
    title, noun = _l("Policies"), _l("Policy")
    list_columns = ["number", "product_line", "product", "holder", "insured", "state", "starts_on", "ends_on"]
    show_columns = [*list_columns, "beneficiaries"]
    add_columns = [
        "holder", "number", "product_line", "product", "insured", "beneficiaries", "state", "starts_on", "ends_on"
    ]  # fmt: skip
    search_columns = ["holder", "insured", "product_line", "state", "starts_on", "ends_on"]
    searched = ["number", "product", "holder.number"]
    found_globally = True
    found_columns = ("number", "product", "holder")
    base_order = ("starts_on", "desc")
    label_columns = {
        "number": _l("Policy number"),
        "product_line": _l("Product line"),
        "product": _l("Product"),
        "holder": _l("Policyholder"),
        "insured": _l("Insured"),
        "beneficiaries": _l("Beneficiaries"),
        "state": _l("Status"),
        "starts_on": _l("Starts on"),
        "ends_on": _l("Ends on"),
    }
    empty_hint = _l("Policies of our customers appear here.")

    def whose(self, item: Policy) -> Customer:
        """Return who holds it."""
        return item.holder


class ConsentView(PortalView):
    """What customers agreed to, and what they withdrew."""

    datamodel = PortalInterface(Consent)
    title, noun = _l("Consents"), _l("Consent")
    list_columns = ["customer", "purpose", "channel", "given_on", "withdrawn_on"]
    add_columns = ["customer", "purpose", "channel", "given_on", "withdrawn_on"]
    edit_columns = ["channel", "given_on", "withdrawn_on"]
    validators_columns = {"given_on": [not_in_future], "withdrawn_on": [not_in_future]}
    rows_columns = ("purpose", "channel", "given_on", "withdrawn_on")
    search_columns = ["customer", "purpose", "channel", "given_on", "withdrawn_on"]
    searched = ["customer.number"]
    base_order = ("given_on", "desc")
    label_columns = {
        "customer": _l("Customer"),
        "purpose": _l("Purpose"),
        "channel": _l("Channel"),
        "given_on": _l("Given on"),
        "withdrawn_on": _l("Withdrawn on"),
    }
    empty_hint = _l("What customers allow us to use their data for appears here.")


class InsuranceNeedView(PortalView):
    """What customers want to be insured against."""

    datamodel = PortalInterface(InsuranceNeed)
    title, noun = _l("Insurance needs"), _l("Insurance need")
    list_columns = ["customer", "product_line", "need", "follow_up_on", "is_met"]
    add_columns = ["customer", "product_line", "need", "follow_up_on", "is_met"]
    edit_columns = ["product_line", "need", "follow_up_on", "is_met"]
    rows_columns = ("product_line", "need", "follow_up_on", "is_met")
    search_columns = ["customer", "product_line", "follow_up_on", "is_met"]
    searched = ["need", "customer.number"]
    base_order = ("id", "desc")
    label_columns = {
        "customer": _l("Customer"),
        "product_line": _l("Product line"),
        "need": _l("Need"),
        "follow_up_on": _l("Follow up on"),
        "is_met": _l("Met"),
    }
    empty_hint = _l("What customers want to be insured against appears here.")


class CustomerView(RevealingView):
    """Everyone we serve."""

    datamodel = PortalInterface(Customer)
    sections = (
        (_l("Who it is"), ("name", "kind", "jurisdiction", "id_kind", "id_number", "birth_date")),
        (_l("How to reach"), ("mobile", "phone", "email", "address")),
        (_l("Wishes"), ("language", "preferred_channel", "contact_wishes")),
    )
    title, noun = _l("Customers"), _l("Customer")
    list_columns = ["number", "name", "kind", "mobile", "jurisdiction", "language"]
    show_columns = [
        "number", "name", "kind", "jurisdiction", "id_kind", "id_number", "birth_date", "mobile", "phone", "email",
        "address", "language", "preferred_channel", "contact_wishes"
    ]  # fmt: skip
    add_columns = [column for column in show_columns if column != "number"]
    search_columns = ["kind", "jurisdiction", "language"]
    searched = ["number", "name"]
    found_globally = True
    found_columns = ("number", "name", "mobile")
    base_order = ("id", "desc")
    related_views = [PolicyView, InsuranceNeedView, ConsentView]
    validators_columns = {
        "id_number": [checks.ID_NUMBER],
        "birth_date": [checks.BIRTH_DATE],
        "mobile": [checks.MOBILE],
        "phone": [checks.PHONE],
        "email": [Email(message=_l("This is no e-mail address. It looks like name@example.com."))],
    }
    label_columns = {
        "number": _l("Customer number"),
        "name": lazy_pgettext("customer", "Name"),
        "kind": _l("Kind"),
        "jurisdiction": _l("Jurisdiction"),
        "id_kind": _l("Kind of ID"),
        "id_number": _l("ID number"),
        "birth_date": _l("Birth date"),
        "mobile": _l("Mobile phone"),
        "phone": _l("Landline"),
        "email": _l("E-mail"),
        "address": _l("Address"),
        "language": _l("Language"),
        "preferred_channel": _l("Preferred channel"),
        "contact_wishes": _l("Contact wishes"),
    }
    description_columns = {
        "birth_date": _l("For example 1985-03-02."),
        "phone": _l("An extension follows #, for example 02-2700-0001#123."),
        "contact_wishes": _l("For example: only after 6 p.m., no calls on weekends."),
    }
    empty_hint = _l("Customers appear here. Search by number, name, phone, or the last four digits.")

    def whose(self, item: Customer) -> Customer:
        """Return the customer."""
        return item

    def search_extra(self, text: str) -> ColumnElement[bool]:
        """Find by what is sealed: a whole number or address, or the last four digits."""
        return operations.found_by(text)

    def pre_add(self, item: Customer) -> None:
        """See that the ID number fits the rest."""
        operations.check(item)

    def pre_update(self, item: Customer) -> None:
        """The same after a change."""
        operations.check(item)


def register(builder: AppBuilder) -> None:
    """Put the screens of customers into the portal."""
    open_screen(builder, CustomerView, "service")
    open_screen(builder, PolicyView, "service")
    open_screen(builder, InsuranceNeedView, "service")
    open_screen(builder, ConsentView, "service")
    open_screen(builder, ProductLineView, "administration")
    open_screen(builder, ChannelView, "administration")
    open_screen(builder, RevealView, "administration")
