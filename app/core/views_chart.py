"""The chart of a list: the same rows, filters and rights, grouped by the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, request, url_for
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.views import expose
from flask_babel import gettext as _

from app.core.charting import Chart, dimensions
from app.core.listing import Listing
from app.core.present import words
from app.core.rights import grants

if TYPE_CHECKING:
    from app.core.views import PortalView


class ChartMixin:
    """The chart of a screen's list."""

    def chart_url(self: PortalView, **args: Any) -> str:  # type: ignore[misc]
        """Return the address of the chart."""
        return url_for(f"{self.endpoint}.chart", **args)

    def has_chart(self: PortalView) -> bool:  # type: ignore[misc]
        """Tell whether there is anything by which this person may group the list."""
        return bool(grants().keep(("chart", self.endpoint), lambda: bool(dimensions(self))))

    @expose("/chart/")
    @has_access
    @permission_name("list")
    def chart(self: PortalView) -> Any:
        """Show what the list's rows come to, by the column and the amount that the address asks for."""
        if not self.has_chart():
            abort(404)
        listing = Listing(self, self.narrowed(request.args))
        self.tell_ignored(listing)
        chart = Chart(listing, request.args.get("by", ""), request.args.get("of", ""))
        if chart.is_refused:
            flash(
                _("What the chart should show cannot be read from the address, so it shows what it usually does."),
                "warning",
            )
        return self.render_template(
            "portal/chart.html", view=self, listing=listing, chart=chart, title=self.title, words=words
        )
