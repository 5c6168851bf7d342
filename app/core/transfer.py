"""Import and export of a screen's records, within its rights and filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from flask import Response, abort, redirect, request, send_file, stream_with_context
from flask_appbuilder.views import expose

from app.core import clock, exporting, import_pages
from app.core.import_runs import head_of
from app.core.import_template import csv_template, xlsx_template
from app.core.listing import Listing
from app.core.tabular_write import csv_lines, xlsx_file

if TYPE_CHECKING:
    from app.core.forms import PortalForm
    from app.core.views import PortalView

XLSX_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = ("xlsx", "csv")
IMPORT_PAGES = frozenset({"import_", "import_template", "import_run", "import_wrong"})


def _workbook(file: Any, name: str) -> Response:
    return send_file(file, mimetype=XLSX_KIND, as_attachment=True, download_name=name)


def _streamed(blocks: Iterator[bytes], name: str) -> Response:
    answer = Response(stream_with_context(blocks), mimetype="text/csv")
    # RFC 6266: the Chinese name goes percent-encoded.
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return answer


def _table(kind: str, stem: str, header: list[str], rows: Iterable[Sequence[Any]]) -> Response:
    if kind == "xlsx":
        return _workbook(xlsx_file(header, rows, stem), f"{stem}.xlsx")
    return _streamed(csv_lines(header, rows), f"{stem}.csv")


class TransferMixin:
    """The import and the export of a screen."""

    import_columns: ClassVar[list[str] | None] = None
    """Columns an import may fill and change; default those of the forms."""
    exclude_route_methods: Any
    import_key: ClassVar[tuple[str, ...]] = ()
    """Columns by which an import knows a record again; default the first of ``exact`` that is one record's only."""

    def __init__(self: PortalView, **kwargs: Any) -> None:  # type: ignore[misc]
        """Where nothing is added, nothing is imported."""
        if "add" in self.exclude_route_methods:
            self.exclude_route_methods = {*self.exclude_route_methods, *IMPORT_PAGES}
        super().__init__(**kwargs)

    def import_form(self: PortalView, columns: list[str]) -> type[PortalForm]:  # type: ignore[misc]
        """Return the form that reads and judges an import's rows."""
        return self._form(columns)

    @expose("/export/<kind>", methods=["GET"])
    def export(self: PortalView, kind: str) -> Any:
        """Send what the list shows as CSV or XLSX: its filters, its order, this person's rows."""
        self.require("export")
        if kind not in KINDS:
            abort(404)
        listing = Listing(self, request.args, verb="export")
        if listing.ignored:
            # The list tells which filter cannot be read; without it the file would hold too much.
            return redirect(self.list_url(**request.args.to_dict(flat=False)))
        listing.columns = self.chosen_columns()
        header = [self.label(column) for column in listing.columns]
        rows = exporting.recorded(self, listing, kind)
        return _table(kind, f"{self.title} {clock.today().isoformat()}", header, rows)

    @expose("/import/", methods=["GET", "POST"])
    def import_(self: PortalView) -> Any:
        """Ask for a file, offer the template, and list the person's own imports."""
        self.require("import")
        return import_pages.begin(self)

    @expose("/import/template/<kind>", methods=["GET"])
    def import_template(self: PortalView, kind: str) -> Any:
        """Send the template."""
        self.require("import")
        if kind not in KINDS:
            abort(404)
        name = f"{self.title}.{kind}"
        return _workbook(xlsx_template(self), name) if kind == "xlsx" else _streamed(csv_template(self), name)

    @expose("/import/<key>", methods=["GET", "POST"])
    def import_run(self: PortalView, key: str) -> Any:
        """Show one of the person's own imports where it stands, and take it on."""
        self.require("import")
        run = import_pages.own_run(self, key)
        return import_pages.step(self, run) if request.method == "POST" else import_pages.show(self, run)

    @expose("/import/<key>/wrong/<kind>", methods=["GET"])
    def import_wrong(self: PortalView, key: str, kind: str) -> Any:
        """Send the rows that are wrong, each with its reason."""
        self.require("import")
        run = import_pages.own_run(self, key)
        head = head_of(run)
        if head is None or kind not in KINDS:
            abort(404)
        stem = f"{self.title} {clock.today().isoformat()} {import_pages.wrong_name()}"
        rows = import_pages.wrong_rows(self, run, head)
        return _table(kind, stem, import_pages.wrong_header(head), rows)

    # How Flask-AppBuilder finds rights.
    export._permission_name = "export"  # noqa: SLF001
    for page in (import_, import_template, import_run, import_wrong):
        page._permission_name = "import"  # noqa: SLF001
    del page
