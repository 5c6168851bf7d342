"""One search over everything a person may list, and the straight way to whatever has exactly the number typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import redirect, request
from flask_appbuilder import BaseView
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_required
from sqlalchemy import inspect as sa_inspect
from sqlalchemy import literal, select, union_all

from app.core import searching
from app.core.db import db
from app.core.listing import Listing, search_text
from app.core.menu import GROUPS, screens_in_order
from app.core.sealed import beside
from app.core.views import PortalView
from app.core.web import is_fragment

HITS = 5
"""How many hits of one screen are shown; the rest stand in its list."""
ORDER = (*(name for name in GROUPS if name != "mine"), "mine")
"""What is one's own is at hand in the navigation; people rather search for what is not."""


@dataclass(frozen=True)
class Found:
    """What one screen found: its first rows, the address of its whole list, and whether that holds more."""

    view: PortalView
    rows: list[Any]
    all_url: str
    is_more: bool


class SearchView(BaseView):
    """The search over everything; each screen answers for itself, within the person's rights."""

    route_base = "/search"
    default_view = "show"

    @expose("/", methods=["GET"])
    @login_required
    def show(self) -> Any:
        """Show what was found, go straight to the only record with this number, or say what can be found."""
        text = search_text(request.args)
        asked = [view for view in screens_in_order(ORDER) if view.found_globally and view.may("list")]
        if text and not is_fragment() and (url := straight_to(asked, text)) is not None:
            return redirect(url)
        found = search(asked, text) if text else []
        return self.render_template(
            "lobby/search_hits.html" if is_fragment() else "lobby/search.html",
            title=_("Search"),
            text=text,
            found=found,
            asked=asked,
            told=_told(found),
        )


def _told(found: list[Found]) -> str:
    count = sum(len(one.rows) for one in found)
    if not count:
        return _("Nothing found")
    if any(one.is_more for one in found):
        return _("%(count)s hits shown, there are more", count=count)
    return ngettext("%(num)s hit", "%(num)s hits", count)


def straight_to(views: list[PortalView], text: str) -> str | None:
    """Return the address of the one record within the person's rights that has exactly this number, if it is one."""
    named = [(place, view, view.number_column) for place, view in enumerate(views) if view.may("show")]
    numbered = [
        select(literal(place), view.model.id)
        .where(getattr(view.model, column).in_({text, text.upper()}), view.scope_condition("show"))
        .limit(2)
        .subquery()
        for place, view, column in named
        if column is not None
    ]
    if not numbered:
        return None
    rows = db.session.execute(union_all(*(select(one) for one in numbered))).all()
    if len(rows) != 1:
        return None
    place, key = rows[0]
    item = views[place].find_or_none(key, "show")
    return views[place].show_url(item) if item is not None else None


def search(views: list[PortalView], text: str) -> list[Found]:
    """Return what the screens find, in their order: one statement asks all, one more reads each one's hits."""
    searching.expect(views, text)
    listings = [Listing(view, {"q": text}) for view in views]
    arms = [select(literal(place), listing.first_keys(HITS + 1).subquery()) for place, listing in enumerate(listings)]
    keys: dict[int, list[int]] = {}
    for place, key in db.session.execute(union_all(*arms)) if arms else ():
        keys.setdefault(place, []).append(key)
    return [_found(listings[place], keys[place]) for place in sorted(keys)]


def _found(listing: Listing, keys: list[int]) -> Found:
    view = listing.view
    relations = sa_inspect(view.model).relationships
    shown = [name for name in view.found_columns if name in relations]
    query = listing.among(keys).options(*(beside(view.model, name) for name in shown)).limit(HITS)
    rows = list(db.session.scalars(query))
    return Found(view, rows, view.list_url(q=listing.text), len(keys) > HITS)
