"""Import and export of a screen's records, within its rights and filters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Response, abort, request, send_file, stream_with_context
from flask_appbuilder.views import expose

from app.core import clock, present
from app.core.listing import Listing
from app.core.tabular_write import csv_lines, xlsx_file

if TYPE_CHECKING:
    from app.core.views import PortalView

XLSX_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def cell(value: Any) -> Any:
    """Return a value as a cell: numbers and dates stay what they are, all else is words."""
    match value:
        case bool() | None:
            return present.words(value) if value is not None else ""
        case datetime():
            return clock.local(value).replace(tzinfo=None, microsecond=0)
        case int() | Decimal() | date():
            return value
        case _:
            return present.words(value)


class TransferMixin:
    """The export of a list, streamed as it is read."""

    def export_rows(self: PortalView, listing: Listing) -> Iterator[list[Any]]:  # type: ignore[misc]
        """Yield a row of cells per record, with what the list shows."""
        for item in listing.stream():
            yield [cell(present.shown(item, column)) for column in self.list_columns]

    @expose("/export/<kind>", methods=["GET"])
    def export(self: PortalView, kind: str) -> Any:
        """Send what the list shows as CSV or XLSX: its filters, its order, this person's rows."""
        self.require("export")
        if kind not in {"csv", "xlsx"}:
            abort(404)
        listing = Listing(self, request.args, verb="export")
        header = [self.label(column) for column in self.list_columns]
        name = f"{self.title} {clock.today().isoformat()}.{kind}"
        if kind == "xlsx":
            file = xlsx_file(header, self.export_rows(listing), str(self.title))
            return send_file(file, mimetype=XLSX_KIND, as_attachment=True, download_name=name)
        answer = Response(stream_with_context(csv_lines(header, self.export_rows(listing))), mimetype="text/csv")
        # RFC 6266: the Chinese name goes percent-encoded.
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        return answer

    export._permission_name = "export"  # noqa: SLF001 - how FAB finds rights
