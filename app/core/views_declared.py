"""What a screen declares, completed once at start-up, and the rights it asks for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar

from flask import abort, current_app, g
from flask_appbuilder import ModelView
from flask_babel import LazyString
from sqlalchemy import ColumnElement, String, Text, and_, false, or_, select
from sqlalchemy import inspect as sa_inspect
from wtforms import Field

from app.core import present
from app.core.asking import is_to_one
from app.core.catalogs import catalog_row
from app.core.convert import form_class
from app.core.db import db
from app.core.entity import Recorded, is_short
from app.core.fields import Files, VersionField
from app.core.forms import PortalForm
from app.core.interface import parse_key
from app.core.labels import COMMON_LABELS
from app.core.rights import grants
from app.core.scope import Scope, path_in, scope_clause, viewer
from app.core.sealed import beside
from app.core.workflow import Workflow

RELATED_ROWS = 10
Columns = list[str]
Words = dict[str, Any]


class DeclaredView(ModelView):
    """A screen as a room declares it; ``PortalView`` is the whole."""

    title: LazyString
    """What the list is called: the plural noun."""
    noun: LazyString
    """What one row is called."""
    workflow: Workflow | None = None
    searched: ClassVar[list[str]] = []
    """Columns, dotted through relations, that the search box and look-ups of this entity read."""
    found_globally: bool = False
    """Whether the search over everything asks this screen: people look for its rows by number or name."""
    found_columns: tuple[str, ...] = ()
    """What a hit of that search shows, the link first; default the first three listed ones beside the state."""
    queue_steps: ClassVar[tuple[str, ...]] = ()
    """Steps whose rows wait for whoever may take them, instead of a person's own rows (see ``queue``)."""
    scopes: ClassVar[Mapping[Scope, Sequence[str]]] = {}
    """Where the model keeps the person (OWN), the team (TEAM) and the department: dotted paths."""
    loaded: ClassVar[tuple[str, ...]] = ()
    """Relations that listed properties read, beside the listed ones: loaded for a whole page at once.

    ``open_tasks.due_at`` loads that column alone, and a list that makes no records only that of the first task.
    """
    exact: ClassVar[tuple[str, ...]] = ()
    """Columns by which a person names one row in an import; default the first searched one."""
    filled_in: ClassVar[tuple[str, ...]] = ()
    """Columns that a form may leave empty although the table does not allow it: ``pre_add`` fills them in."""
    required_columns: ClassVar[tuple[str, ...]] = ()
    """Columns a person must fill in although the table allows them to be empty, as imported rows may have them."""
    no_amounts: ClassVar[tuple[str, ...]] = ("position",)
    """Numbers that name or order something, or have a unit in each row: charts group by them and add none up."""
    empty_words: ClassVar[dict[str, LazyString]] = {}
    """What charts call the rows whose column is empty, where «not filled in» is not what it means."""
    adds_many: bool = False
    """Whether several are usually added one after the other; ``after_add`` then finds «again» in the form."""
    related_rows: int = RELATED_ROWS
    """How many rows the page of the record they belong to shows."""
    sections: ClassVar[Sequence[tuple[LazyString, Sequence[str]]]] = ()
    """Headings and the columns under them, for the form and the page of a record; what none names stands first."""
    boxed: ClassVar[tuple[str, ...]] = ()
    """Columns of the small form that stands over these rows on the page of the record they belong to."""
    added_in_passing: bool = True
    """Whether a form whose look-up does not find such a record offers to add one without leaving."""
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

    @property
    def state_column(self) -> str | None:
        """The column that says where a record stands, if there is one."""
        if self.workflow is not None:
            return self.workflow.column
        return next((name for name in ("status", "state") if name in self.list_columns), None)

    @property
    def number_column(self) -> str | None:
        """The column by which a person names exactly one record: its number, tag or code; never personal data."""
        columns = sa_inspect(self.model).column_attrs
        for name in ("number", *self.exact, *self.searched[:1]):
            if name in columns and name not in getattr(self.model, "sensitive", ()):
                kind = columns[name].columns[0].type
                return name if isinstance(kind, String) and not isinstance(kind, Text) else None
        return None

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
        unbroken = dict.fromkeys(("number", "owner", "customer"), present.unbroken)
        self.formatters_columns = {"code": present.code, **unbroken, **(self.formatters_columns or {})}
        mapper = sa_inspect(self.model)
        plain = set(mapper.column_attrs.keys())
        plain -= getattr(self.model, "sensitive", frozenset())
        prose = {name for name in plain if isinstance(mapper.column_attrs[name].columns[0].type, Text)}
        self.order_columns = self.order_columns or [name for name in self.list_columns if name in plain - prose]
        relations = mapper.relationships
        listed = (name.partition(".")[0] for name in self.list_columns)
        self.eager = tuple(dict.fromkeys([*(name for name in listed if name in relations), *self.loaded]))
        self.list_title, self.show_title = self.title, self.noun
        state = self.state_column
        self.found_columns = self.found_columns or tuple(name for name in self.list_columns if name != state)[:3]
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

    def grouped(self, columns: Sequence[str]) -> list[tuple[str, list[str]]]:
        """Return columns under their headings, in the order of ``sections``; those of no section first, files last."""
        last = [column for column in columns if column == "attachments"]
        named = {*last, *(column for _heading, under in self.sections for column in under)}
        parts = [("", [column for column in columns if column not in named])]
        parts += [(str(heading), [one for one in under if one in columns]) for heading, under in self.sections]
        parts.append(("", last))
        return [(heading, under) for heading, under in parts if under]

    # -- rights ------------------------------------------------------------------------------

    def seen_columns(self) -> list[str]:
        """Return the columns this person sees of every listed record: a narrower right to open them shows no more."""
        held, name = grants(), self.class_permission_name
        opens_all = self.may("show") and held.scope("show", name) >= held.scope("list", name)
        return [*dict.fromkeys([*self.list_columns, *(self.show_columns if opens_all else ())])]

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

    def queue(self) -> ColumnElement[bool] | None:
        """Return which rows wait for this person, or None for a screen that nobody works off.

        They are the person's own rows in the open states of the workflow; ``queue_steps`` names steps to go by instead.
        """
        if self.workflow is None:
            return None
        if self.queue_steps:
            return self.waiting_for(*self.queue_steps)
        if Scope.OWN not in self.scopes:
            return None
        own = scope_clause(self.model, Scope.OWN, self.scopes)
        return and_(getattr(self.model, self.workflow.column).in_(self.workflow.open_states), own)

    def waiting_for(self, *names: str) -> ColumnElement[bool]:
        """Return which rows wait for one of these steps that this person may take with them."""
        assert self.workflow is not None  # noqa: S101 - only screens with steps ask
        steps = [self.workflow.steps[name] for name in names if self.may(name)]
        person = viewer().person_id
        me = frozenset[int]() if person is None else frozenset({person})
        clauses = [
            and_(
                getattr(self.model, self.workflow.column).in_(step.sources),
                self.scope_condition(step.name),
                *(path_in(self.model, path, me) for path in (step.by,) if path is not None),
                *(~path_in(self.model, path, me) for path in step.never),
            )
            for step in steps
        ]
        return or_(*clauses) if clauses else false()

    def find(self, pk: object, verb: str) -> Any:
        """Return the record if the person may do this with it; else answer 404, which does not tell that it exists."""
        return self.find_or_none(parse_key(pk), verb) or abort(404)

    def reaches(self, item: Any, verb: str) -> bool:
        """Tell whether a record at hand is within the scope of a verb; asks the database once per scope."""
        scope = grants().scope(verb, self.class_permission_name)
        if scope in {Scope.ALL, Scope.NONE}:
            return scope is Scope.ALL
        known, question = self._reach(item, verb)
        if question not in known:
            here = select(self.model.id).where(self.model.id == item.id, self.scope_condition(verb))
            known[question] = db.session.scalar(here) is not None
        return known[question]

    def _reach(self, item: Any, verb: str) -> tuple[dict[Hashable, bool], Hashable]:
        """Return what this request knows of who reaches what, and under which key whether a verb reaches a record.

        The version is part of the question: a step may have moved the record to other people. So is the verb where a
        screen lets its rows hang on it.
        """
        scope, is_same = grants().scope(verb, self.class_permission_name), self._scopes_alike
        question = (self.model, item.id, getattr(item, "version", 0), scope, "" if is_same else verb)
        return g.setdefault("portal_reach", {}), question

    @property
    def _scopes_alike(self) -> bool:
        """Whether what a scope reaches is the same for every verb: this screen has no condition of its own."""
        return type(self).scope_condition is DeclaredView.scope_condition

    def find_or_none(self, key: int | None, verb: str) -> Any | None:
        """Return the record by key within the scope of a verb, or None."""
        if key is None:
            return None
        query = select(self.model).where(self.model.id == key, self.scope_condition(verb))
        relations = sa_inspect(self.model).relationships
        paths = {path: relations[path.partition(".")[0]] for path in self._loaded_for(verb)}
        short = {path: one for path, one in paths.items() if is_to_one(one) and is_short(one.mapper.class_)}
        long = (beside(self.model, path) for path in paths if path not in short)
        item = db.session.scalars(query.options(*long)).first()
        if item is None:
            return None
        known, question = self._reach(item, verb)
        known[question] = True
        for relation in short.values():
            # Held in the session, the row of a short list is found there when the page asks for it.
            catalog_row(relation.mapper.class_, getattr(item, next(iter(relation.local_columns)).key))
        return item

    def _loaded_for(self, verb: str) -> list[str]:
        """Return the relations that the page of a record shows, or its form."""
        relations = sa_inspect(self.model).relationships
        columns = {"show": self.show_columns, "edit": self.edit_columns}.get(verb, ())
        paths = [path for path in columns if path.partition(".")[0] in relations]
        return [path for path in paths if not any(other.startswith(f"{path}.") for other in paths)]
