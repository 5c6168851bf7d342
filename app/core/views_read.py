"""What a screen shows: lists, look-ups and the page of one record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, g, request
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Integer, Numeric, Text, or_, select, true
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import defer
from werkzeug.datastructures import CombinedMultiDict, MultiDict

from app.core import audit, clock, files, present, searching
from app.core.db import db
from app.core.entity import Catalog
from app.core.interface import Overdue, PortalFilter, is_choice
from app.core.listing import PAGE_SIZES, Listing
from app.core.reading import kept_reader
from app.core.sealed import beside, sealed_columns
from app.core.searching import Found
from app.core.table import PageTelling, Table
from app.core.views_declared import DeclaredView
from app.core.workflow import task_keeper

LOOKUP_ROWS = 20
CATALOG_NAMES = ("code", "name_zh_hant", "name_zh_hans", "name_en")


@dataclass(frozen=True)
class Link:
    """A further link of a page, or, if it ``posts``, a button that does something; ``confirm`` asks first."""

    label: str
    url: str
    posts: bool = False
    confirm: str = ""


def posted() -> CombinedMultiDict[str, Any] | None:
    """Return what this request sent, files included, or None when it only asks for a page."""
    return CombinedMultiDict([request.files, request.form]) if request.method == "POST" else None


class ReadView(DeclaredView):
    """A screen that is read; ``PortalView`` is the whole."""

    _by_name: dict[str, PortalFilter] | None = None

    # -- list and look-up --------------------------------------------------------------------

    def default_filters(self) -> dict[str, Any]:
        """Return what the list is narrowed to while its address names no filter, in the words of an address."""
        return {}

    def chosen_columns(self) -> Any:
        """Return the columns of the list."""
        return self.list_columns

    def narrowed(self, args: MultiDict[str, str]) -> MultiDict[str, str]:
        """Return what the address asks for; a bare one asks for the default."""
        said = {"q", *self.filters_by_name()} & set(args)
        return args if said else MultiDict({**self.default_filters(), **args.to_dict(flat=False)})

    def filters_by_name(self) -> dict[str, PortalFilter]:
        """Return the filters by their name in an address: ``status``, ``opened_at__ge``."""
        if self._by_name is None:
            self._by_name = self._named_filters()
        return self._by_name

    def _named_filters(self) -> dict[str, PortalFilter]:
        named: dict[str, PortalFilter] = {}
        for column in self.search_columns:
            for number, found in enumerate(self._filters_of(column)):
                named[
                    column if number == 0 and found.arg_name not in {"ge", "le"} else f"{column}__{found.arg_name}"
                ] = found
        if self.workflow is not None and self.workflow.has_promises:
            named["late"] = Overdue(self.datamodel, lambda model: task_keeper().late(model, clock.now()))
        return named

    def _filters_of(self, column: str) -> list[PortalFilter]:
        found: list[PortalFilter] = self.datamodel.filter_converter_class(self.datamodel).convert(column) or []
        return [one for one in found if not (one.arg_name == "eq" and len(found) == 2)]  # noqa: PLR2004 - text: contains is enough

    def known_arguments(self) -> set[str]:
        """Return the address arguments a list understands."""
        return {*self.filters_by_name(), "q", "order", "dir", "size", "page"}

    def list_url(self, **args: Any) -> str:
        """Return the address of the list."""
        asked = "?" + urlencode(args, doseq=True) if args else ""
        return f"{request.script_root}{self.route_base}/list/{asked}"

    def show_url(self, item: Any) -> str:
        """Return the address of one record."""
        return self.key_url(item.id)

    def key_url(self, key: int) -> str:
        """Return the address of a record by its key; ``url_for`` takes ten times as long, for each row."""
        return f"{request.script_root}{self.route_base}/show/{key}"

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show the rows the address asks for."""
        listing = Listing(self, self.narrowed(request.args))
        listing.columns = self.chosen_columns()
        listing.reader = kept_reader(self, listing.columns, PageTelling)
        self.tell_ignored(listing)
        return self.render_template(
            self.list_template, view=self, listing=listing, title=self.title, **self.list_extra(listing)
        )

    def list_extra(self, listing: Listing) -> dict[str, Any]:
        """Return what else the list's page needs."""
        del listing
        return {"page_sizes": PAGE_SIZES}

    def tell_ignored(self, listing: Listing) -> None:
        """Tell which filters of the address were left out."""
        for label in dict.fromkeys(listing.ignored):
            flash(_("The filter on %(label)s was left out: its value cannot be read.", label=label), "warning")

    def may_lookup(self) -> bool:
        """Tell whether the person may pick rows of this entity in forms."""
        return self.may("lookup") or self.may("list")

    def _lookup_condition(self) -> ColumnElement[bool]:
        return self.scope_condition("lookup" if self.may("lookup") else "list")

    def offered(self) -> ColumnElement[bool]:
        """Return which rows are offered to be chosen anew; others can still be filtered by, and stay where they are."""
        if issubclass(self.model, Catalog):
            return or_(self.model.retired_on.is_(None), self.model.retired_on > clock.today())
        return true()

    def lookup_url(self) -> str:
        """Return the address that type-ahead asks."""
        return f"{request.script_root}{self.route_base}/lookup"

    def lookup_get(self, key: int) -> Any | None:
        """Return the row with this key if the person may pick it."""
        if not self.may_lookup():
            return None
        return db.session.scalars(select(self.model).where(self.model.id == key, self._lookup_condition())).first()

    def lookup_exact(self, text: str) -> list[Any]:  # type: ignore[valid-type]
        """Return at most two rows that a person means by this number or name."""
        if not self.may_lookup():
            return []
        names = self.exact or (CATALOG_NAMES if issubclass(self.model, Catalog) else tuple(self.searched[:1]))
        same = or_(*(getattr(self.model, name) == text for name in names))
        return [*db.session.scalars(select(self.model).where(same, self._lookup_condition()).limit(2))]

    def search_extra(self, text: str) -> ColumnElement[bool] | None:
        """Return a further condition for the search box and look-ups (last digits of a sealed number), or None."""
        del text
        return None

    def found(self, text: str) -> Found:
        """Return what the search box and look-ups of this entity find for a text."""
        found, further = searching.found(self, text), self.search_extra(text)
        if further is not None:
            found = replace(found, condition=or_(found.condition, further), by_keys=or_(found.by_keys, further))
        if found.is_common:
            return found
        return Found(searching.first(self.model, found.condition), found.by_keys)

    @expose("/lookup")
    def lookup(self) -> Any:
        """Answer type-ahead: at most twenty rows by number, name or last digits, within the person's rights."""
        if not self.may_lookup():
            abort(403)
        g.portal_by_itself = True
        text = request.args.get("q", "").replace("\x00", "").strip()[:100]
        query = select(self.model).where(self._lookup_condition(), self.offered())
        if text:
            query = query.where(self.found(text).condition)
        query = query.options(*(defer(held) for held in sealed_columns(self.model)))
        query = query.options(*(beside(self.model, name) for name in self.eager))
        order = (self.model.position, self.model.id) if issubclass(self.model, Catalog) else (self.model.id.desc(),)
        rows = db.session.scalars(query.order_by(*order).limit(LOOKUP_ROWS))
        return {"rows": [{"value": str(row.id), "text": str(row)} for row in rows]}

    lookup._permission_name = "lookup"  # noqa: SLF001 - how FAB finds rights

    # -- show --------------------------------------------------------------------------------

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> Any:
        """Show one record: facts, steps, tasks, related records, files, history."""
        item = self.find(pk, "show")
        return self.render_template(self.show_template, view=self, item=item, title=self.noun, **self.show_extra(item))

    def show_extra(self, item: Any) -> dict[str, Any]:
        """Return what else the show page of this entity needs."""
        del item
        return {}

    def headline(self, item: Any) -> Any:
        """Return what the head of a record's page tells beside its name: its state and the other closed lists of it."""
        columns = sa_inspect(self.model).column_attrs
        states = [name for name in self.list_columns if name in columns and is_choice(columns[name].columns[0].type)]
        return [self.present(item, name) for name in states if self.value(item, name) is not None]

    def facts(self, item: Any) -> tuple[Any, Any]:
        """Return the columns of the show page that hold something, and the labels of those still to be filled in."""
        filled = [column for column in self.show_columns if self.value(item, column) not in (None, "", [])]
        asked = {*self.edit_columns, *self.required_columns}
        return filled, [self.label(column) for column in self.show_columns if column in asked and column not in filled]

    def value(self, item: Any, column: str) -> Any:
        """Return a column's value as this person may see it, on pages, in exports and in the REST API."""
        return present.shown(item, column)

    @property
    def shows_plainly(self) -> bool:
        """Whether values are shown as the record holds them: this screen has no ``value`` of its own."""
        return type(self).value is ReadView.value

    def present(self, item: Any, column: str) -> Any:
        """Return a column's value as HTML; ``formatters_columns`` may say how."""
        return self.as_html(column, self.value(item, column))

    @property
    def presents_plainly(self) -> bool:
        """Whether a column is told by its value alone: this screen has no ``present`` of its own."""
        return type(self).present is ReadView.present

    def as_html(self, column: str, value: Any) -> Any:
        """Return a value of a column as HTML."""
        formatter = self.formatters_columns.get(column)
        return present.html(formatter(value) if formatter is not None and value else value)

    def table(self, rows: Any, columns: Any, listing: Listing | None, reader: Any) -> Table:
        """Return rows as a table of a page; of a list it sorts."""
        return Table(self, rows, columns, listing, reader)

    def label(self, column: str) -> str:
        """Return a column's label."""
        return str(self.label_columns[column])

    def is_number(self, column: str) -> bool:
        """Tell whether a column holds amounts, which stand right-aligned."""
        prop = sa_inspect(self.model).column_attrs.get(column)
        return prop is not None and isinstance(prop.columns[0].type, Integer | Numeric)

    def is_prose(self, column: str) -> bool:
        """Tell whether a column holds long text, which takes the whole width."""
        prop = sa_inspect(self.model).column_attrs.get(column)
        return prop is not None and isinstance(prop.columns[0].type, Text)

    def page_links(self) -> Any:
        """Return further links of the list page, for those who may follow them."""
        return []

    def record_links(self, item: Any) -> Any:
        """Return further links of a record's page, for those who may follow them."""
        del item
        return []

    def back_url(self) -> str:
        """Return where «Cancel» on the add form leads."""
        return self.list_url() if self.may("list") else self.appbuilder.get_url_for_index

    def history(self, item: Any) -> Any:
        """Return the record's history as readable lines, newest first."""
        return self.told(audit.entries_of(item))

    def told(self, entries: Any) -> Any:
        """Return entries of the trail as readable lines."""
        steps = self.workflow.steps if self.workflow else {}
        return present.history(self.model, entries, self.label_columns, steps)

    def version_of(self, item: Any) -> int:
        """Return a number that changes whenever somebody saves the record."""
        version: int = item.version
        return version

    def changes_since(self, item: Any, version: int) -> Any:
        """Return what was saved after a version, as readable lines."""
        return self.told(audit.entries_of(item, since_version=version))

    def files(self, item: Any) -> Any:
        """Return the record's attachments."""
        return files.attachments_of(item) if self.has_files else []

    def related(self, item: Any) -> Any:
        """Yield each related list this person may see: its screen, its first rows, and the link to all."""
        for other in self._related_views:
            if not other.may("list"):
                continue
            relation = other.datamodel.get_related_fk(self.model)
            listing = Listing(other, MultiDict({relation: str(item.id)}))
            listing.page_size = other.related_rows
            listing.columns = [column for column in other.list_columns if column != relation]
            if not other.rows_columns:
                listing.reader = kept_reader(other, listing.columns, PageTelling)
            yield other, listing, relation
