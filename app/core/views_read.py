"""What a screen shows: its declaration, its rights, lists, look-ups and the page of one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import abort, current_app, flash, g, request, url_for
from flask_appbuilder import ModelView
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.views import expose
from flask_babel import LazyString
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Integer, Numeric, Text, or_, select, true
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import selectinload
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms import Field

from app.core import audit, clock, files, present
from app.core.convert import form_class
from app.core.db import db
from app.core.entity import Catalog, Recorded
from app.core.fields import Files, VersionField
from app.core.forms import PortalForm
from app.core.interface import PortalFilter, parse_key
from app.core.labels import COMMON_LABELS
from app.core.listing import Listing
from app.core.scope import Scope, scope_clause
from app.core.security import grants
from app.core.workflow import Workflow

LOOKUP_ROWS = 20
RELATED_ROWS = 10


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


Columns = list[str]
Words = dict[str, Any]
CATALOG_NAMES = ("code", "name_zh_hant", "name_zh_hans", "name_en")


class ReadView(ModelView):
    """A screen that is read; ``PortalView`` is the whole."""

    title: LazyString
    """What the list is called: the plural noun."""
    noun: LazyString
    """What one row is called."""
    workflow: Workflow | None = None
    searched: ClassVar[list[str]] = []
    """Columns, dotted through relations, that the search box and look-ups of this entity read."""
    scopes: ClassVar[Mapping[Scope, Sequence[str]]] = {}
    """Where the model keeps the person (OWN), the team (TEAM) and the department: dotted paths."""
    loaded: ClassVar[tuple[str, ...]] = ()
    """Relations that listed properties read, beside the listed ones: loaded for a whole page at once."""
    exact: ClassVar[tuple[str, ...]] = ()
    """Columns by which a person names one row in an import; default the first searched one."""
    filled_in: ClassVar[tuple[str, ...]] = ()
    """Columns that a form may leave empty although the table does not allow it: ``pre_add`` fills them in."""
    required_columns: ClassVar[tuple[str, ...]] = ()
    """Columns a person must fill in although the table allows them to be empty, as imported rows may have them."""
    adds_many: bool = False
    """Whether several are usually added one after the other; ``after_add`` then finds «again» in the form."""
    related_rows: int = RELATED_ROWS
    """How many rows the page of the record they belong to shows."""
    has_files: bool = True
    """Whether photos and documents may be kept with a record."""
    empty_hint: LazyString | None = None
    """What an empty list says would be here."""
    add_label: LazyString | None = None
    """What the button for a new record says, where «Add» is not how people call it."""
    submit_label: LazyString | None = None
    """What the button of the form for a new record says, where it is not «Save»."""
    verb_labels: ClassVar[dict[str, LazyString]] = {}
    """What verbs are called that are neither usual ones nor steps: the page of roles names them."""

    # Flask-AppBuilder's own attributes, completed in ``_init_properties``.
    route_base: str | None
    class_permission_name: str
    base_permissions: Columns
    label_columns: Words
    list_columns: Columns
    show_columns: Columns
    add_columns: Columns
    edit_columns: Columns
    search_columns: Columns
    order_columns: Columns
    description_columns: Words
    validators_columns: Words
    formatters_columns: Words
    related_views: Any
    _related_views: Any
    exclude_route_methods: Any = frozenset({"action", "action_post", "download"})

    list_template = "appbuilder/general/model/list.html"
    show_template = "appbuilder/general/model/show.html"
    add_template = "appbuilder/general/model/form.html"
    edit_template = "appbuilder/general/model/form.html"

    # -- declaration, completed once at start-up ---------------------------------------------

    def __init__(self, **kwargs: Any) -> None:
        model = self.model
        if self.route_base is None:
            self.route_base = "/" + model.__tablename__.replace("_", "-")
        self.class_permission_name = self.class_permission_name or type(self).__name__
        self.exclude_route_methods = set(self.exclude_route_methods)
        super().__init__(**kwargs)
        if self.workflow is not None:
            self.base_permissions = [*self.base_permissions, *(f"can_{name}" for name in self.workflow.steps)]

    @property
    def model(self) -> type[Any]:
        """The model of this screen."""
        found: type[Any] = self.datamodel.obj
        return found

    def _init_properties(self) -> None:
        """Complete the declaration; nothing is guessed that could show a column nobody listed."""
        self.label_columns = {**COMMON_LABELS, **(self.label_columns or {})}
        self.list_columns = self.list_columns or ["id"]
        self.show_columns = self.show_columns or self.list_columns
        self.add_columns = self.add_columns or []
        self.edit_columns = self.edit_columns if self.edit_columns is not None else self.add_columns
        self.search_columns = self.search_columns or []
        self.description_columns = self.description_columns or {}
        self.validators_columns = self.validators_columns or {}
        plain_words = {"code": present.code, "number": present.unbroken, "owner": present.unbroken}
        self.formatters_columns = {**plain_words, **(self.formatters_columns or {})}
        mapper = sa_inspect(self.model)
        plain = set(mapper.column_attrs.keys())
        plain -= getattr(self.model, "sensitive", frozenset())
        self.order_columns = self.order_columns or [name for name in self.list_columns if name in plain]
        relations = mapper.relationships
        listed = (name.partition(".")[0] for name in self.list_columns)
        self.eager = tuple(dict.fromkeys([*(name for name in listed if name in relations), *self.loaded]))
        self.list_title, self.show_title = self.title, self.noun
        self._base_filters = self.datamodel.get_filters()
        self._filters = self.datamodel.get_filters(self.search_columns)
        self._related_views = self._related_views or []
        self.related_views = self.related_views or []
        self.actions: Words = {}

    def _init_forms(self) -> None:
        """Build the two forms once; choices and look-ups are read per request."""
        extra: dict[str, Callable[[], Field]] = {}
        if self.has_files:
            extra["attachments"] = lambda: Files(self.label_columns["attachments"])
        add = [*self.add_columns, *extra]
        self.add_form = self._form(add, extra, self.required_columns)
        versioned: dict[str, Callable[[], Field]] = (
            {"version": VersionField} if issubclass(self.model, Recorded) else {}
        )
        edit = [*self.edit_columns, *versioned]
        self.edit_form = self._form(edit, versioned, self.required_columns, about_record=True)
        self.search_form = PortalForm

    def _init_titles(self) -> None:
        """Titles come from the noun."""

    def own_fields(self) -> dict[str, Callable[[], Field]]:
        """Return how to make the fields of columns whose type alone does not say what may be chosen."""
        return {}

    def _form(
        self,
        columns: list[str],
        extra: dict[str, Callable[[], Field]] | None = None,
        required: tuple[str, ...] = (),
        *,
        about_record: bool = False,
    ) -> type[PortalForm]:
        return form_class(
            self.model,
            columns,
            self.label_columns,
            helps=self.description_columns,
            validators=self.validators_columns,
            extra={**self.own_fields(), **(extra or {})},
            required=required,
            optional=self.filled_in,
            withheld=getattr(self.model, "sensitive", frozenset()) if about_record else frozenset(),
        )

    def create_blueprint(self, appbuilder: Any, *args: Any, **kwargs: Any) -> Any:
        """Register the screen, and make it the one that answers look-ups of its model."""
        current_app.extensions.setdefault("portal_views", {}).setdefault(self.model, self)
        return super().create_blueprint(appbuilder, *args, **kwargs)

    def update_redirect(self) -> None:
        """Keep no history of addresses in the cookie: they hold search words."""

    def get_redirect(self) -> str:
        """Go back to the list."""
        return self.list_url()

    # -- rights ------------------------------------------------------------------------------

    def may(self, verb: str) -> bool:
        """Tell whether this person has the verb on this screen."""
        permission = f"can_{verb}"
        return permission in self.base_permissions and grants().may(permission, self.class_permission_name)

    def require(self, verb: str) -> None:
        """Answer 403 unless the person has the verb."""
        if not self.may(verb):
            abort(403)

    def scope_condition(self, verb: str) -> ColumnElement[bool]:
        """Return the condition on rows for this person and verb."""
        return scope_clause(self.model, grants().scope(verb, self.class_permission_name), self.scopes)

    def find(self, pk: object, verb: str) -> Any:
        """Return the record if the person may do this with it; else answer 404, which does not tell that it exists."""
        return self.find_or_none(parse_key(pk), verb) or abort(404)

    def reaches(self, item: Any, verb: str) -> bool:
        """Tell whether a record at hand is within the scope of a verb; asks the database once per scope."""
        scope = grants().scope(verb, self.class_permission_name)
        if scope in {Scope.ALL, Scope.NONE}:
            return scope is Scope.ALL
        known: dict[tuple[type[Any], int, int, Scope], bool] = g.setdefault("portal_reach", {})
        # The version is part of the question: a step may have moved the record to other people.
        question = (self.model, item.id, getattr(item, "version", 0), scope)
        if question not in known:
            here = select(self.model.id).where(self.model.id == item.id, self.scope_condition(verb))
            known[question] = db.session.scalar(here) is not None
        return known[question]

    def find_or_none(self, key: int | None, verb: str) -> Any | None:
        """Return the record by key within the scope of a verb, or None."""
        if key is None:
            return None
        query = select(self.model).where(self.model.id == key, self.scope_condition(verb))
        return db.session.scalars(query.options(*(selectinload(getattr(self.model, n)) for n in self.eager))).first()

    # -- list and look-up --------------------------------------------------------------------

    def default_filters(self) -> dict[str, Any]:
        """Return what the list is narrowed to while its address names no filter, in the words of an address."""
        return {}

    def _narrowed(self, args: MultiDict[str, str]) -> MultiDict[str, str]:
        """Return what the address asks for; a bare one asks for the default."""
        said = {"q", *self.filters_by_name()} & set(args)
        return args if said else MultiDict({**self.default_filters(), **args.to_dict(flat=False)})

    def filters_by_name(self) -> dict[str, PortalFilter]:
        """Return the filters by their name in an address: ``status``, ``opened_at__ge``."""
        named: dict[str, PortalFilter] = {}
        for column in self.search_columns:
            for number, found in enumerate(self._filters_of(column)):
                named[
                    column if number == 0 and found.arg_name not in {"ge", "le"} else f"{column}__{found.arg_name}"
                ] = found
        return named

    def _filters_of(self, column: str) -> list[PortalFilter]:
        found: list[PortalFilter] = self.datamodel.filter_converter_class(self.datamodel).convert(column) or []
        return [one for one in found if not (one.arg_name == "eq" and len(found) == 2)]  # noqa: PLR2004 - text: contains is enough

    def known_arguments(self) -> set[str]:
        """Return the address arguments a list understands."""
        return {*self.filters_by_name(), "q", "order", "dir", "size", "page"}

    def list_url(self, **args: Any) -> str:
        """Return the address of the list."""
        return url_for(f"{self.endpoint}.list", **args)

    def show_url(self, item: Any) -> str:
        """Return the address of one record."""
        return url_for(f"{self.endpoint}.show", pk=item.id)

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Show the rows the address asks for."""
        listing = Listing(self, self._narrowed(request.args))
        for label in dict.fromkeys(listing.ignored):
            flash(_("The filter on %(label)s was left out: its value cannot be read.", label=label), "warning")
        return self.render_template(self.list_template, view=self, listing=listing, title=self.title)

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
        return url_for(f"{self.endpoint}.lookup")

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

    def search_condition(self, text: str) -> ColumnElement[bool]:
        """Return what the search box and look-ups of this entity find for a text."""
        found = self.datamodel.search_clause(self.searched, text)
        further = self.search_extra(text)
        return found if further is None else or_(found, further)

    @expose("/lookup")
    def lookup(self) -> Any:
        """Answer type-ahead: at most twenty rows by number, name or last digits, within the person's rights."""
        if not self.may_lookup():
            abort(403)
        text = request.args.get("q", "").replace("\x00", "").strip()[:100]
        query = select(self.model).where(self._lookup_condition(), self.offered())
        if text:
            query = query.where(self.search_condition(text))
        query = query.options(*(selectinload(getattr(self.model, name)) for name in self.eager))
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

    def facts(self, item: Any) -> tuple[Any, Any]:
        """Return the columns of the show page that hold something, and the labels of those still to be filled in."""
        filled = [column for column in self.show_columns if self.value(item, column) not in (None, "", [])]
        asked = {*self.edit_columns, *self.required_columns}
        return filled, [self.label(column) for column in self.show_columns if column in asked and column not in filled]

    def value(self, item: Any, column: str) -> Any:
        """Return a column's value as this person may see it, on pages, in exports and in the REST API."""
        return present.shown(item, column)

    def present(self, item: Any, column: str) -> Any:
        """Return a column's value as HTML; ``formatters_columns`` may say how."""
        value = self.value(item, column)
        formatter = self.formatters_columns.get(column)
        return present.html(formatter(value) if formatter is not None and value else value)

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
            yield other, listing, relation
