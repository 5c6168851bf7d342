"""Screens of the workplace: areas, equipment with QR labels, repairs from a phone."""

from __future__ import annotations

from typing import Any

import segno
from flask import request, url_for
from flask_appbuilder import AppBuilder
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.views import expose
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, or_

from app.core.errors import RuleError
from app.core.fields_rows import target_of
from app.core.forms import PortalForm
from app.core.interface import PortalInterface
from app.core.limits import After, not_in_future, not_in_past
from app.core.listing import Listing
from app.core.menu import open_screen
from app.core.scope import Scope, viewer
from app.core.views import Link, PortalView
from app.core.views_catalog import CATALOG_COLUMNS, CatalogView
from app.workplace import (
    facts,  # noqa: F401 - declares the measures
    operations,
)
from app.workplace.models import (
    Area,
    Equipment,
    EquipmentKind,
    EquipmentStatus,
    FaultKind,
    Repair,
    RepairStatus,
    Supplier,
)
from app.workplace.workflow import REPAIR

LABELS_PER_SHEET = 200
BEING_REPAIRED = (RepairStatus.IN_REPAIR, RepairStatus.WAITING)


class AreaView(CatalogView):
    """Parts of the workplace."""

    datamodel = PortalInterface(Area)
    title, noun = _l("Areas"), _l("Area")
    list_columns = ["name", "floor", "retired_on", "code"]
    add_columns = ["floor", *CATALOG_COLUMNS]
    label_columns = {"floor": _l("Floor")}


class SupplierView(CatalogView):
    """Who sells or repairs equipment."""

    datamodel = PortalInterface(Supplier)
    title, noun = _l("Suppliers"), _l("Supplier")
    list_columns = ["name", "phone", "retired_on", "code"]
    add_columns = ["phone", *CATALOG_COLUMNS]
    label_columns = {"phone": _l("Phone")}


class EquipmentKindView(CatalogView):
    """Kinds of equipment and how to care for them."""

    datamodel = PortalInterface(EquipmentKind)
    title, noun = _l("Kinds of equipment"), _l("Kind of equipment")
    show_columns = [*CatalogView.list_columns, "care_guide"]
    add_columns = ["care_guide", *CATALOG_COLUMNS]
    label_columns = {"care_guide": _l("Care guide")}


class FaultKindView(CatalogView):
    """What can be wrong."""

    datamodel = PortalInterface(FaultKind)
    title, noun = _l("Kinds of fault"), _l("Kind of fault")


class RepairView(PortalView):
    """Faults from report to return to service."""

    datamodel = PortalInterface(Repair)
    sections = (
        (_l("Fault"), ("equipment", "fault_kind", "fault", "impact", "reporter", "reported_at")),
        (_l("Work done"), ("owner", "part", "expected_on", "remedy", "cost", "returned_at", "downtime", "reason")),
    )
    workflow = REPAIR
    title, noun = _l("Repairs"), _l("Repair")
    list_columns = ["number", "equipment", "fault_kind", "impact", "status", "owner", "reported_at"]
    show_columns = [
        *list_columns,
        "fault",
        "reporter",
        "part",
        "expected_on",
        "remedy",
        "cost",
        "returned_at",
        "downtime",
        "reason",
    ]
    add_columns = ["equipment", "fault_kind", "fault", "impact"]
    edit_columns = ["fault_kind", "fault", "impact"]
    search_columns = ["status", "impact", "equipment", "fault_kind", "owner", "reported_at", "returned_at"]
    searched = ["number", "fault", "equipment.tag", "equipment.name"]
    found_globally = True
    scopes = {Scope.OWN: ("reporter_id", "owner_id"), Scope.TEAM: ("reporter.team_id",)}
    base_order = ("reported_at", "desc")
    label_columns = {
        "equipment": _l("Equipment"),
        "fault_kind": _l("What is wrong"),
        "fault": _l("Description"),
        "impact": _l("Effect on work"),
        "owner": _l("Assignee"),
        "reporter": _l("Reported by"),
        "reported_at": _l("Reported at"),
        "part": _l("Part"),
        "expected_on": _l("Expected on"),
        "remedy": _l("Remedy"),
        "cost": _l("Cost"),
        "returned_at": _l("Back in service at"),
        "downtime": _l("Downtime"),
        "reason": _l("Reason"),
    }
    description_columns = {"fault": _l("For example: the key does not respond, a new cable made no difference.")}
    empty_hint = _l("Reported faults appear here. Scan the label on the equipment to report one.")
    add_label = _l("Report a fault")
    submit_label = _l("Send the report")
    validators_columns = {"expected_on": [not_in_past]}

    def queue(self) -> ColumnElement[bool]:
        """What a person repairs, and what waits to be accepted or confirmed by them."""
        # Somebody without a staff record repairs nothing; what nobody repairs yet is not theirs.
        mine = frozenset({viewer().person_id} - {None})
        repairing = and_(Repair.owner_id.in_(mine), Repair.status.in_(BEING_REPAIRED))
        return or_(repairing, self.waiting_for("accept", "confirm"))

    def locked_under(self, parent: Equipment) -> LazyString | None:
        """Nobody repairs what was scrapped."""
        return operations.SCRAPPED if parent.status is EquipmentStatus.SCRAPPED else None

    def _form_page(self, template: str, form: PortalForm, title: str, **context: Any) -> Any:
        """Say at once, not only when the report is sent, that a label sticks on scrapped equipment."""
        scanned = form["equipment"].data if "equipment" in form and request.method == "GET" else None
        if scanned is not None and (why := self.locked_under(scanned)) is not None:
            form.refuse(RuleError(why, field="equipment"))
        return super()._form_page(template, form, title, **context)

    def pre_add(self, item: Repair) -> None:
        """Fill in who reports and when."""
        operations.report(item)

    def post_add(self, item: Repair) -> None:
        """Start the promise to respond."""
        operations.take_out_of_service(item)


class EquipmentView(PortalView):
    """The register of equipment."""

    datamodel = PortalInterface(Equipment)
    sections = (
        (_l("Where it stands"), ("area", "seat", "keeper", "status")),
        (
            _l("Purchase and warranty"),
            ("model_name", "serial_number", "supplier", "bought_on", "warranty_until", "cost"),
        ),
    )
    title, noun = _l("Equipment"), _l("Piece of equipment")
    list_columns = ["tag", "name", "kind", "area", "seat", "keeper", "status"]
    show_columns = [*list_columns, "model_name", "serial_number", "supplier", "bought_on", "warranty_until", "cost"]
    add_columns = [
        "tag",
        "name",
        "kind",
        "area",
        "seat",
        "keeper",
        "model_name",
        "serial_number",
        "supplier",
        "bought_on",
        "warranty_until",
        "cost",
    ]
    search_columns = ["status", "kind", "area", "keeper", "warranty_until"]
    searched = ["tag", "name", "serial_number", "seat"]
    found_globally = True
    scopes = {Scope.OWN: ("keeper_id",), Scope.TEAM: ("keeper.team_id",)}
    base_order = ("tag", "asc")
    related_views = [RepairView]
    label_columns = {
        "tag": _l("Asset tag"),
        "kind": _l("Kind"),
        "area": _l("Area"),
        "seat": _l("Seat"),
        "keeper": _l("Keeper"),
        "model_name": _l("Model"),
        "serial_number": _l("Serial number"),
        "supplier": _l("Supplier"),
        "bought_on": _l("Bought on"),
        "warranty_until": _l("Warranty until"),
        "cost": _l("Cost"),
    }
    validators_columns = {"bought_on": [not_in_future], "warranty_until": [After("bought_on")]}
    verb_labels = {"labels": _l("QR labels")}
    empty_hint = _l(
        "Phones, computers and furniture with an asset tag appear here. Add the first one, or import a list."
    )

    def offered(self) -> ColumnElement[bool]:
        """What was scrapped is not reported, and not handed to anyone."""
        return Equipment.status != EquipmentStatus.SCRAPPED

    def page_links(self) -> Any:
        """Offer the sheet of labels for what is listed."""
        args: dict[str, Any] = {
            name: request.args.getlist(name) for name in request.args if name in self.known_arguments()
        }
        return [Link(_("QR labels"), url_for("EquipmentView.labels", **args))] if self.may("labels") else []

    def record_links(self, item: Equipment) -> Any:
        """Offer to report a fault of this piece."""
        screen = target_of(Repair)
        may = isinstance(screen, PortalView) and screen.may("add") and screen.locked_under(item) is None
        return [Link(_("Report a fault"), url_for("RepairView.add", equipment=item.id))] if may else []

    @expose("/labels", methods=["GET"])
    @has_access
    @permission_name("labels")
    def labels(self) -> Any:
        """Show a sheet of QR labels for the listed equipment; each leads to the fault report of its piece."""
        listing = Listing(self, request.args, verb="labels")
        listing.page_size = LABELS_PER_SHEET
        made = [(item, self.qr_code(item)) for item in listing.rows()]
        return self.render_template("workplace/labels.html", view=self, labels=made, title=_("QR labels"))

    def qr_code(self, item: Equipment) -> Markup:
        """Return the label's QR code as inline SVG: the address of the fault report for this piece."""
        address = url_for("RepairView.add", equipment=item.id, _external=True)
        svg = segno.make(address, error="m").svg_inline(
            scale=3, border=2, svgclass="qr", lineclass=None, omitsize=False
        )
        return Markup(svg)  # noqa: S704 - segno's own drawing of a number, no text from anyone


def register(builder: AppBuilder) -> None:
    """Put the workplace's screens into the portal."""
    open_screen(builder, RepairView, "workplace")
    open_screen(builder, EquipmentView, "workplace")
    open_screen(builder, AreaView, "workplace")
    open_screen(builder, SupplierView, "administration")
    open_screen(builder, EquipmentKindView, "administration")
    open_screen(builder, FaultKindView, "administration")
