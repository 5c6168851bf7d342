"""The REST API as a page to read: every entity whose records this person may reach, with its addresses and fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_appbuilder import BaseView
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import login_required

from app.core.api import PortalApi
from app.core.listing import PAGE_SIZES
from app.lobby.views_account import AccountView

METHODS = (
    ("GET", "", "list", _l("List records")),
    ("GET", "{id}", "show", _l("One record")),
    ("POST", "", "add", _l("Add a record")),
    ("PUT", "{id}", "edit", _l("Change a record")),
    ("DELETE", "{id}", "delete", _l("Delete a record")),
)
UNTOLD = frozenset({"csrf_token", "attachments", "version"})


@dataclass(frozen=True)
class Part:
    """One entity of the API: its calls (method, address, what it does), filters and fields (name, label, must)."""

    key: str
    title: str
    calls: list[tuple[str, str, str]]
    filters: list[str]
    fields: list[tuple[str, str, bool]]


class ApiGuideView(BaseView):
    """What programs may ask of the portal; open to whoever is signed in, each sees their own part."""

    route_base = "/rest-api"
    default_view = "show"

    @expose("/")
    @login_required
    def show(self) -> Any:
        """Show how a program signs in, and what it may call with this person's rights."""
        return self.render_template(
            "lobby/rest_api.html",
            title=_("REST API"),
            parts=sorted(self._parts(), key=lambda part: part.title),
            account=url_for(f"{AccountView.__name__}.show"),
            sizes=PAGE_SIZES,
        )

    def _parts(self) -> Iterator[Part]:
        for api in self.appbuilder.baseviews:
            if not isinstance(api, PortalApi):
                continue
            view = api.view
            calls = [
                (method, f"{api.route_base}/{rest}", str(words))
                for method, rest, verb, words in METHODS
                if view.may(verb)
            ]
            if calls:
                fields = [
                    (entry.name, str(entry.label.text), bool(entry.flags.required))
                    for entry in (view.add_form(formdata=None) if view.may("add") else ())
                    if entry.name not in UNTOLD
                ]
                yield Part(view.endpoint, str(view.title), calls, sorted(view.filters_by_name()), fields)
