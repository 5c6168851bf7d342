"""How a list is worked with: its filters at one click, kept filters, each person's own columns, the rows next door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from flask import abort, flash, g, redirect, request
from flask_appbuilder.utils.base import get_safe_redirect
from flask_appbuilder.views import expose
from flask_babel import LazyString, get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import inspect as sa_inspect
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from app.core import preferences, present
from app.core.db import db
from app.core.listing import Listing
from app.core.preferences import LONGEST_NAME, LONGEST_QUERY, MOST_FILTERS, ListSetting
from app.core.rights import grants
from app.core.scope import Scope, viewer
from app.core.views_read import ReadView

QUICK_STATES = 5
QUICK_CAP = 99
Args = dict[str, str | list[str]]


@dataclass(frozen=True)
class Quick:
    """A filter at one click: its word, the address it asks for, whether it is in use, and whether it tells a count."""

    label: str
    url: str
    is_here: bool
    is_counted: bool = False
    is_kept: bool = False


class ListView(ReadView):
    """A screen whose list each person arranges; ``PortalView`` is the whole."""

    quick: ClassVar[tuple[tuple[LazyString, Args], ...]] = ()
    """Further filters at one click, after the usual ones: word, and what the address then says. They look only at
    records that are not at an end, unless they name states themselves."""

    # -- filters at one click ----------------------------------------------------------------

    def quick_filters(self) -> list[tuple[str, Args]]:
        """Return the filters a person reaches at one click: their own, what is late, each state that is not an end."""
        made: list[tuple[str, Args]] = []
        states = self.workflow.open_states if self.workflow is not None else []
        column = self.workflow.column if self.workflow is not None else ""
        narrowed: Args = {column: [state.name for state in states]} if column in self.search_columns else {}
        if (mine := self._mine()) is not None:
            made.append((_("Mine"), {**mine, **narrowed}))
        if "late" in self.filters_by_name():
            made.append((_("Overdue"), {"late": "1"}))
        made += [(str(label), {**narrowed, **args}) for label, args in self.quick]
        if narrowed:
            made += [(str(state.label), {column: state.name}) for state in states[:QUICK_STATES]]
        return made

    def _mine(self) -> Args | None:
        """Return the filter on one's own records, for those who see others' as well."""
        if grants().scope("list", self.class_permission_name) <= Scope.OWN or (person := viewer().person_id) is None:
            return None
        paths = (path.removesuffix("_id") for path in self.scopes.get(Scope.OWN, ()) if path.endswith("_id"))
        relation = next((path for path in paths if path in self.search_columns), None)
        return {relation: str(person)} if relation is not None else None

    def list_extra(self, listing: Listing) -> dict[str, Any]:
        """Return the filters at one click as well."""
        bar = self.quick_bar(listing)
        keepable = self.can_be_kept(listing, bar)
        return {**super().list_extra(listing), "bar": bar, "keepable": keepable, "longest_name": LONGEST_NAME}

    def quick_bar(self, listing: Listing) -> list[Quick]:
        """Return the filters at one click and those the person kept."""
        offered = self.quick_filters()
        kept = self.my_setting().filters
        if not offered and not kept:
            return []
        here = self._asked(listing.args)
        every: Args = dict.fromkeys(self.default_filters(), "")
        bar = [Quick(_("All"), self.list_url(**every), here == self._asked(MultiDict(every)))]
        for label, args in offered:
            bar.append(Quick(label, self.list_url(**args), here == self._asked(MultiDict(args)), is_counted=True))
        for name, query in kept.items():
            asked: MultiDict[str, str] = MultiDict(parse_qsl(query))
            url = self.list_url(**asked.to_dict(flat=False))
            bar.append(Quick(name, url, here == self._asked(asked), is_kept=True))
        return bar

    @expose("/tallies", methods=["GET"])
    def tallies(self) -> Any:
        """Answer how many rows each filter at one click finds, in their order; the page asks when it stands."""
        self.require("list")
        g.portal_by_itself = True
        parts = [Listing(self, MultiDict(args)).counting(QUICK_CAP) for _label, args in self.quick_filters()]
        counts = db.session.execute(select(*parts)).one() if parts else ()
        return {"tallies": [present.capped(count, QUICK_CAP) for count in counts]}, {"Cache-Control": "no-store"}

    tallies._permission_name = "list"  # noqa: SLF001 - how Flask-AppBuilder finds rights

    def my_setting(self) -> ListSetting:
        """Return this person's settings of this list, read once for a page."""
        return preferences.setting_of(g.user.id, self.class_permission_name)

    def _asked(self, args: MultiDict[str, str]) -> dict[str, list[str]]:
        """Return what an address narrows the list to, whatever its order and page."""
        found = {name: sorted(text for text in args.getlist(name) if text) for name in {"q", *self.filters_by_name()}}
        return {name: texts for name, texts in found.items() if texts}

    def can_be_kept(self, listing: Listing, bar: list[Quick]) -> bool:
        """Tell whether this address may be kept: it narrows the list by filters, and is not there already."""
        asked = self._asked(listing.args)
        room = len(self.my_setting().filters) < MOST_FILTERS
        return room and bool(asked.keys() - {"q"}) and not any(one.is_here for one in bar)

    @expose("/filter", methods=["POST"])
    def keep_filter(self) -> Any:
        """Keep the filters of an address under a name; its search words are not kept: they may be personal data."""
        self.require("list")
        asked = self._asked(MultiDict(parse_qsl(request.form.get("query", ""))))
        asked.pop("q", None)
        name, query = request.form.get("name", "").replace("\x00", "").strip(), urlencode(asked, doseq=True)
        if not name or not asked or len(name) > LONGEST_NAME or len(query) > LONGEST_QUERY:
            flash(_("A filter to keep needs a name of at most %(most)s characters.", most=LONGEST_NAME), "danger")
            return redirect(self._back())
        setting = self.my_setting()
        if name not in setting.filters and len(setting.filters) >= MOST_FILTERS:
            flash(_("You have %(most)s kept filters here: remove one first.", most=MOST_FILTERS), "danger")
            return redirect(self._back())
        setting.filters = {**setting.filters, name: query}
        self._save_setting(setting)
        flash(_("The filter “%(name)s” was kept.", name=name), "success")
        return redirect(self.list_url(**asked))

    @expose("/filter/drop", methods=["POST"])
    def drop_filter(self) -> Any:
        """Forget one of one's own kept filters."""
        self.require("list")
        setting, name = self.my_setting(), request.form.get("name", "")
        if name not in setting.filters:
            abort(404)
        setting.filters = {one: query for one, query in setting.filters.items() if one != name}
        db.session.commit()
        flash(_("The filter “%(name)s” was removed.", name=name), "success")
        return redirect(self.list_url())

    # -- columns -----------------------------------------------------------------------------

    def column_choices(self) -> list[str]:
        """Return the columns a list may show: those it is declared with, and what the record's page shows of itself.

        Properties that read further tables are left to that page: for a whole list they would ask once per row.
        """
        kept: list[str] = grants().keep(("columns", self.endpoint), self._column_choices)
        return kept

    def _column_choices(self) -> list[str]:
        mapper = sa_inspect(self.model)
        single = {relation.key for relation in mapper.relationships if not relation.uselist}
        plain = set(mapper.column_attrs.keys()) | single
        further = (name for name in self.seen_columns() if name in plain)
        return list(dict.fromkeys([*self.list_columns, *further]))

    def chosen_columns(self) -> list[str]:
        """Return the columns this person sees in the list, in their order."""
        if not self.workable_columns():
            return self.list_columns
        choices = self.column_choices()
        return [name for name in self.my_setting().columns if name in choices] or (self.list_columns)

    def filter_panel(self, listing: Listing, caller: Callable[[], Markup]) -> Markup:
        """Return the panel of the filters, rendered once for a set of roles while no filter is in use.

        What it offers of short lists stands under the same version as the rights it is kept with.
        """
        if any(listing.args.getlist(name) for name in self.filters_by_name()):
            return caller()
        key = ("filters", self.endpoint, str(get_locale()), request.script_root)
        found: Markup = grants().keep(key, caller)
        return found

    def workable_columns(self) -> bool:
        """Tell whether there is anything to choose among."""
        return len(self.column_choices()) > 1

    @expose("/columns", methods=["POST"])
    def choose_columns(self) -> Any:
        """Keep which columns this person wants in the list, in the order they were sent; none means as declared."""
        self.require("list")
        choices = self.column_choices()
        wanted = [name for name in dict.fromkeys(request.form.getlist("column")) if name in choices]
        if "reset" in request.form or wanted == self.list_columns:
            wanted = []
        setting = self.my_setting()
        setting.columns = wanted
        self._save_setting(setting)
        return redirect(self._back())

    def _save_setting(self, setting: ListSetting) -> None:
        """Save a person's settings of a list; of two first savings at once the earlier stays."""
        db.session.add(setting)
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()

    def _back(self) -> str:
        back = request.form.get("back")
        return str(get_safe_redirect(back)) if back else self.list_url()

    # -- the rows next door ------------------------------------------------------------------

    def came_from(self, item: Any) -> Listing | None:
        """Return the list that this record's page was opened from, if its address says so: it may be a wider one."""
        if "in" not in request.args:
            return None
        named = (view for view in self.appbuilder.baseviews if view.endpoint == request.args.get("of", self.endpoint))
        screen = next(named, None)
        if not isinstance(screen, ListView) or not isinstance(item, screen.model) or not screen.may("list"):
            return None
        asked = MultiDict(parse_qsl(request.args["in"], keep_blank_values=True))
        return Listing(screen, screen.narrowed(asked))

    def next_door(self, item: Any) -> Iterator[tuple[str, str, str]]:
        """Yield relation, word and address of the list one came from and of the records beside this one in it."""
        listing = self.came_from(item)
        if listing is None:
            return
        screen = listing.view
        yield "up", _("Back to the list"), listing.link(page=None)
        before, after = listing.beside(item)
        if before is not None:
            yield "prev", _("Previous record"), screen.show_url(before) + listing.trail
        if after is not None:
            yield "next", _("Next record"), screen.show_url(after) + listing.trail
