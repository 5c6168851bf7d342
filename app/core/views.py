"""The screen of an entity: Flask-AppBuilder's ModelView, made safe for many threads, rights and mistakes.

A room declares a model and a few class attributes; list, search, show, add, edit, delete, look-up, steps,
attachments, history, import, export and the REST API come from here, each asking for its own right and
the row scope that goes with it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import abort, current_app, flash, g, redirect, request, url_for
from flask_appbuilder import ModelView
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.views import expose
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Integer, Numeric, Text, or_, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import RelationshipProperty, selectinload
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms import Field

from app.core import audit, clock, files, present
from app.core.convert import form_class
from app.core.db import db
from app.core.entity import Catalog, Numbered, Recorded
from app.core.errors import RuleError
from app.core.fields import Files, VersionField
from app.core.forms import PortalForm
from app.core.interface import PortalFilter, parse_key
from app.core.listing import Listing
from app.core.numbers import give_number
from app.core.scope import Scope, scope_clause
from app.core.security import grants
from app.core.transfer import TransferMixin
from app.core.workflow import Step, Workflow, task_keeper

LOOKUP_ROWS = 20
RELATED_ROWS = 10

COMMON_LABELS: dict[str, LazyString] = {
    "number": _l("Number"),
    "name": _l("Name"),
    "code": _l("Code"),
    "status": _l("Status"),
    "name_zh_hant": _l("Name (Traditional Chinese)"),
    "name_zh_hans": _l("Name (Simplified Chinese)"),
    "name_en": _l("Name (English)"),
    "position": _l("Order"),
    "retired_on": _l("Retired on"),
    "created_at": _l("Created at"),
    "changed_at": _l("Changed at"),
    "created_by_id": _l("Created by"),
    "changed_by_id": _l("Changed by"),
    "attachments": _l("Photos and files"),
    "note": _l("Note"),
}


@dataclass(frozen=True)
class Link:
    """A further link of a page."""

    label: str
    url: str


def posted() -> CombinedMultiDict[str, Any] | None:
    """Return what this request sent, files included, or None when it only asks for a page."""
    return CombinedMultiDict([request.files, request.form]) if request.method == "POST" else None


Columns = list[str]
Words = dict[str, Any]
CATALOG_NAMES = ("code", "name_zh_hant", "name_zh_hans", "name_en")


class PortalView(TransferMixin, ModelView):
    """The screen of one entity; see ``docs/adding-an-entity.md`` for what a room declares."""

    title: LazyString
    """What the list is called: the plural noun."""
    noun: LazyString
    """What one row is called."""
    workflow: Workflow | None = None
    searched: ClassVar[list[str]] = []
    """Columns, dotted through relations, that the search box and look-ups of this entity read."""
    scopes: ClassVar[dict[Scope, tuple[str, ...]]] = {}
    """Where the model keeps the person (OWN), the team (TEAM) and the department: dotted paths."""
    exact: ClassVar[tuple[str, ...]] = ()
    """Columns by which a person names one row in an import; default the first searched one."""
    related_rows: int = RELATED_ROWS
    """How many rows the page of the record they belong to shows."""
    has_files: bool = True
    """Whether photos and documents may be kept with a record."""
    empty_hint: LazyString | None = None
    """What an empty list says would be here."""
    add_label: LazyString | None = None
    """What the button for a new record says, where «Add» is not how people call it."""
    submit_label: LazyString | None = None

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
        self.formatters_columns = {"code": present.code, **(self.formatters_columns or {})}
        mapper = sa_inspect(self.model)
        plain = set(mapper.column_attrs.keys())
        plain -= getattr(self.model, "sensitive", frozenset())
        self.order_columns = self.order_columns or [name for name in self.list_columns if name in plain]
        relations = mapper.relationships
        self.eager = tuple(
            dict.fromkeys(name.partition(".")[0] for name in self.list_columns if name.partition(".")[0] in relations)
        )
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
        self.add_form = self._form(add, extra)
        versioned: dict[str, Callable[[], Field]] = (
            {"version": VersionField} if issubclass(self.model, Recorded) else {}
        )
        self.edit_form = self._form([*self.edit_columns, *versioned], versioned, about_record=True)
        self.search_form = PortalForm

    def _init_titles(self) -> None:
        """Titles come from the noun."""

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
            extra=extra,
            required=required,
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
        """Answer 403 (or send to the login) unless the person has the verb."""
        if not g.user.is_authenticated:
            abort(redirect(url_for("LoginView.login", next=request.full_path)))
        if not self.may(verb):
            abort(403)

    def scope_condition(self, verb: str) -> ColumnElement[bool]:
        """Return the condition on rows for this person and verb."""
        return scope_clause(self.model, grants().scope(verb, self.class_permission_name), self.scopes)

    def find(self, pk: object, verb: str) -> Any:
        """Return the record if the person may do this with it; else answer 404, which does not tell that it exists."""
        return self.find_or_none(parse_key(pk), verb) or abort(404)

    def find_or_none(self, key: int | None, verb: str) -> Any | None:
        """Return the record by key within the scope of a verb, or None."""
        if key is None:
            return None
        query = select(self.model).where(self.model.id == key, self.scope_condition(verb))
        return db.session.scalars(query.options(*(selectinload(getattr(self.model, n)) for n in self.eager))).first()

    # -- list and look-up --------------------------------------------------------------------

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
        listing = Listing(self, request.args)
        for label in dict.fromkeys(listing.ignored):
            flash(_("The filter on %(label)s was left out: its value cannot be read.", label=label), "warning")
        return self.render_template(self.list_template, view=self, listing=listing, title=self.title)

    def may_lookup(self) -> bool:
        """Tell whether the person may pick rows of this entity in forms."""
        return self.may("lookup") or self.may("list")

    def _lookup_condition(self) -> ColumnElement[bool]:
        return self.scope_condition("lookup" if self.may("lookup") else "list")

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
        if not g.user.is_authenticated or not self.may_lookup():
            abort(403)
        text = request.args.get("q", "").replace("\x00", "").strip()[:100]
        query = select(self.model).where(self._lookup_condition())
        if issubclass(self.model, Catalog):
            query = query.where(or_(self.model.retired_on.is_(None), self.model.retired_on > clock.today()))
        if text:
            query = query.where(self.search_condition(text))
        rows = db.session.scalars(query.order_by(self.model.id.desc()).limit(LOOKUP_ROWS))
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
        """Return the columns of the show page that hold something, and the labels of those that do not."""
        filled = [column for column in self.show_columns if present.shown(item, column) not in (None, "", [])]
        return filled, [self.label(column) for column in self.show_columns if column not in filled]

    def present(self, item: Any, column: str) -> Any:
        """Return a column's value as HTML; ``formatters_columns`` may say how."""
        value = present.shown(item, column)
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
        steps = self.workflow.steps if self.workflow else {}
        return present.history(self.model, audit.entries_of(item), self.label_columns, steps)

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

    # -- add, edit, delete -------------------------------------------------------------------

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Show the empty form, or make the record; what is wrong is said at its field and nothing typed is lost."""
        form = self.add_form(formdata=posted(), data=self._prefill())
        if request.method == "POST" and form.validate():
            item = self.model()
            if self.attempt(form, lambda: self.create(item, form)):
                flash(_("%(record)s was saved.", record=str(item)), "success")
                return redirect(self.after_add(item))
        return self._form_page(self.add_template, form, _("New: %(noun)s", noun=str(self.noun)))

    def _prefill(self) -> dict[str, str]:
        """Return what the address fills in, such as the equipment of a QR label."""
        return {name: value for name, value in request.args.items() if name in self.add_columns and "\x00" not in value}

    def after_add(self, item: Any) -> str:
        """Return where to go after a record was made."""
        return (
            self.show_url(item)
            if self.may("show") and self.find_or_none(item.id, "show")
            else self.appbuilder.get_url_for_index
        )

    def after_edit(self, item: Any) -> str:
        """Return where to go after a record was changed."""
        return self.show_url(item) if self.may("show") else self.list_url()

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """Show the filled form, or save; a record saved by someone else meanwhile is shown before it is overwritten."""
        item = self.find(pk, "edit")
        form = self.edit_form(formdata=posted(), obj=item)
        others: Any = []
        if request.method == "POST":
            if "version" in form and form.version.data != item.version:
                others = present.history(
                    self.model, audit.entries_of(item, since_version=form.version.data or 0), self.label_columns, {}
                )
                form.version.show(item.version)
                form.validate()
            elif form.validate() and self.attempt(form, lambda: self.change(item, form)):
                flash(_("%(record)s was saved.", record=str(item)), "success")
                return redirect(self.after_edit(item))
        elif (why := self.locked(item)) is not None:
            form.form_errors.append(str(why))
        return self._form_page(
            self.edit_template, form, _("Edit: %(record)s", record=str(self.find(pk, "edit"))), others=others, item=item
        )

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    def delete(self, pk: str) -> Any:
        """Delete the record, unless others refer to it."""
        item = self.find(pk, "delete")
        name, form = str(item), PortalForm()
        if self.attempt(form, lambda: self.remove(item)):
            flash(_("%(record)s was deleted.", record=name), "success")
            return redirect(self.list_url())
        flash(" ".join(str(error) for error in form.form_errors), "danger")
        return redirect(self.show_url(item))

    def _form_page(self, template: str, form: PortalForm, title: str, **context: Any) -> Any:
        page = self.render_template(template, view=self, form=form, title=title, **context)
        return page, (422 if request.method == "POST" else 200)

    def create(self, item: Any, form: PortalForm) -> None:
        """Fill and save a new record; does not commit. The same for a page, an import row and the REST API."""
        if isinstance(item, Numbered):
            give_number(item)
        with db.session.no_autoflush:
            db.session.add(item)
            form.populate_obj(item)
            self.pre_add(item)
        self._refuse_locked(item)
        self._check_reach(item, "add")
        if (uploads := getattr(form, "attachments", None)) is not None and uploads.data:
            files.attach(item, uploads.data)
        self.post_add(item)

    def change(self, item: Any, form: PortalForm) -> None:
        """Save a changed record; does not commit."""
        self._refuse_locked(item)
        with db.session.no_autoflush:
            form.populate_obj(item)
            self.pre_update(item)
        self._check_reach(item, "edit")
        self.post_update(item)

    def remove(self, item: Any) -> None:
        """Delete a record; does not commit."""
        self._refuse_locked(item)
        self.pre_delete(item)
        if self.workflow is not None:
            task_keeper().cancel(item, clock.now())
        db.session.delete(item)
        db.session.flush()
        self.post_delete(item)

    def locked(self, item: Any) -> LazyString | str | None:
        """Return why this record cannot be changed or deleted as it stands, or None; asked of a new one, too."""
        del item
        return None

    def locked_under(self, parent: Any) -> LazyString | str | None:
        """Return why no record of this kind may be added to the one it belongs to as that stands, or None."""
        del parent
        return None

    def _refuse_locked(self, item: Any) -> None:
        if (why := self.locked(item)) is not None:
            raise RuleError(why)

    def _check_reach(self, item: Recorded, verb: str) -> None:
        """Refuse to put a record where the person could not have reached it: rights hold after a save, too."""
        db.session.flush()
        reached = db.session.scalar(select(self.model.id).where(self.model.id == item.id, self.scope_condition(verb)))
        if reached is None:
            raise RuleError(_("With these values the record would be outside what you may work on."))

    def attempt(self, form: PortalForm, change: Callable[[], object], *, commit: bool = True) -> bool:
        """Run a change and commit it. What a person can correct is put on the form, and nothing is half-written.

        Without ``commit`` the change is a part of the caller's transaction, which goes on whether it worked or not.
        """
        try:
            with nullcontext() if commit else db.session.begin_nested():
                change()
                db.session.flush()
            if commit:
                db.session.commit()
        except (RuleError, StaleDataError, IntegrityError, DataError) as error:
            if commit:
                db.session.rollback()
            form.refuse(self._as_rule(error))
            return False
        return True

    def _as_rule(self, error: Exception) -> RuleError:
        """Return what a person can correct as a sentence."""
        match error:
            case RuleError():
                return error
            case StaleDataError():
                return RuleError(_("Someone else saved this record a moment ago. Please look at it again."))
            case IntegrityError():
                return self._broken(error)
            case _:
                return RuleError(_("A value is too long or too large to be stored."))

    def _broken(self, error: IntegrityError) -> RuleError:
        """Return a violated constraint as a sentence; the statement and its values stay in the database's mouth."""
        told = str(error.orig)
        for constraint in (one for table in sa_inspect(self.model).tables for one in table.constraints | table.indexes):
            columns = list(getattr(constraint, "columns", []))
            dotted = ", ".join(f"{column.table.name}.{column.name}" for column in columns)
            if not columns or not (
                (constraint.name and str(constraint.name) in told) or f"failed: {dotted}" == told[-len(dotted) - 8 :]
            ):
                continue
            # A blind index stands for the sealed column that people know.
            names = [column.info.get("stands_for", column.name) for column in columns]
            labelled = [self._column_label(name) for name in names]
            message = _("Another record already has this: %(columns)s.", columns=_(", ").join(labelled))
            return RuleError(message, field=names[0] if len(names) == 1 else None)
        if "FOREIGN KEY" in told.upper():
            return RuleError(_("Other records refer to this one, so it cannot be deleted."))
        return RuleError(_("These values do not fit together."))

    def _column_label(self, name: str) -> str:
        for relation in sa_inspect(self.model).relationships:
            if isinstance(relation, RelationshipProperty) and name in {c.name for c in relation.local_columns}:
                return str(self.label_columns.get(relation.key, relation.key))
        return str(self.label_columns.get(name, name))

    # -- attachments -------------------------------------------------------------------------

    @expose("/attach/<pk>", methods=["POST"])
    def attach(self, pk: str) -> Any:
        """Keep further files with a record."""
        self.require("edit")
        item = self.find(pk, "edit")
        uploads = [file for file in request.files.getlist("attachments") if file.filename]
        form = PortalForm()
        if uploads and self.attempt(form, lambda: files.attach(item, uploads)):
            flash(_("The files were added."), "success")
        for error in form.form_errors:
            flash(str(error), "danger")
        return redirect(self.show_url(item))

    @expose("/file/<pk>/<key>", methods=["GET"])
    def file(self, pk: str, key: str) -> Any:
        """Send one of the record's files to whoever may see the record."""
        self.require("show")
        item = self.find(pk, "show")
        found = files.find_attachment(item, parse_key(key) or 0) or abort(404)
        return files.send(found, inline="inline" in request.args)

    # -- steps -------------------------------------------------------------------------------

    def step_or_404(self, name: str) -> Step:
        """Return a step of this entity by name, or answer 404."""
        if self.workflow is None or name not in self.workflow.steps:
            abort(404)
        return self.workflow.steps[name]

    def may_step(self, step: Step, item: Any) -> bool:
        """Tell whether this person may take this step of this record."""
        if self.workflow is None or not self.may(step.name) or self.find_or_none(item.id, step.name) is None:
            return False
        if self.workflow.bars(step, item):
            return False
        whole = grants().scope(step.name, self.class_permission_name) is Scope.ALL
        return whole or self.workflow.is_for(step, item)

    def open_steps(self, item: Any) -> Any:
        """Return the steps this person may take now, in the table's order."""
        if self.workflow is None:
            return []
        return [step for step in self.workflow.open_steps(item) if self.may_step(step, item)]

    def step_form(self, step: Step) -> type[PortalForm]:
        """Return the small form that asks for what a step needs."""
        required = tuple(column for column in step.asks if column not in step.wants)
        return self._form([*step.asks], required=required, about_record=True)

    def take(self, item: Any, step: Step, form: PortalForm) -> None:
        """Take a step with what its form holds; does not commit."""
        if self.workflow is None:
            abort(404)
        self.workflow.check(item, step)
        with db.session.no_autoflush:
            for column in step.asks:
                form[column].populate_obj(item, column)
        self.workflow.take(item, step, clock.now())

    @expose("/step/<pk>/<name>", methods=["GET", "POST"])
    def step(self, pk: str, name: str) -> Any:
        """Ask for what a step needs, and take it."""
        step = self.step_or_404(name)
        self.require(name)
        item = self.find(pk, name)
        if not self.may_step(step, item):
            abort(403)
        form = self.step_form(step)(formdata=posted(), obj=item)
        if request.method == "POST" and form.validate() and self.attempt(form, lambda: self.take(item, step, form)):
            flash(_("%(record)s: %(step)s.", record=str(item), step=str(step.label)), "success")
            return redirect(self.after_step(item))
        title = f"{step.label}: {self.find(pk, name)}"
        return self._form_page("portal/step.html", form, title, item=item, step=step)

    def after_step(self, item: Any) -> str:
        """Return where to go after a step: a record that was handed over may be out of the person's reach now."""
        within = self.may("show") and self.find_or_none(item.id, "show") is not None
        return self.show_url(item) if within else self.back_url()

    @expose("/steps/<name>", methods=["POST"])
    def steps(self, name: str) -> Any:
        """Take a step that asks for nothing, for every ticked row; each row succeeds or says why not."""
        step = self.step_or_404(name)
        self.require(name)
        if step.asks or self.workflow is None:
            abort(400)
        done, refused = 0, []
        for text in request.form.getlist("rowid")[:200]:
            item = self.find_or_none(parse_key(text), name)
            if item is None or not self.may_step(step, item):
                refused.append(_("A chosen record is not yours to move."))
                continue
            form = PortalForm()
            if self.attempt(form, lambda item=item: self.workflow.take(item, step, clock.now())):  # type: ignore[misc]
                done += 1
            else:
                refused.extend(f"{item}: {error}" for error in form.form_errors)
        if done:
            flash(_("%(step)s: %(count)s done.", step=str(step.label), count=done), "success")
        for reason in dict.fromkeys(refused):
            flash(reason, "warning")
        return redirect(self.list_url())

    def bulk_steps(self) -> Any:
        """Return the steps that may be taken for many rows at once."""
        if self.workflow is None:
            return []
        return [step for step in self.workflow.steps.values() if not step.asks and self.may(step.name)]
