"""The REST API of an entity, made from its screen: the same rights, filters, forms and sentences.

Flask-AppBuilder's own ModelRestApi writes through nested keys, shares filters between threads and lists every
related row (see ``docs/adr``), so only its routing, permissions and OpenAPI page are used.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar

from apispec import APISpec, yaml_utils
from apispec.exceptions import DuplicateComponentNameError
from flask import abort, request
from flask_appbuilder.api import BaseApi, expose
from flask_appbuilder.api.manager import OpenApi
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import Schema
from marshmallow import fields as schema_fields

from app.core.db import Model
from app.core.inputs import filled, problems
from app.core.interface import parse_key
from app.core.listing import Listing
from app.core.reading import Telling, kept_reader
from app.core.types import Choice
from app.core.views import PortalView


def told(value: Any) -> Any:
    """Return a value as the API tells it: ISO dates, members by name, related rows by key and words."""
    match value:
        case Choice():
            return value.name
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case Model():
            return {"id": value.id, "text": str(value)}  # type: ignore[attr-defined]
        case list() | set():
            return [told(one) for one in value]
        case None | bool() | int() | float():
            return value
        case _:
            return str(value)


class JsonTelling(Telling):
    """How the API tells the columns of a screen, and nothing (``""``) as key and version."""

    def of_value(self, column: str, kind: type[Any]) -> Callable[[Any], Any]:
        """Return what tells a column's values."""
        del column, kind
        return told

    def of_record(self, record: Any, column: str) -> Any:
        """Return a column of a record, or its key and version."""
        if column:
            return told(self._view.value(record, column))
        return {"id": record.id, "version": getattr(record, "version", None)}


def _named(part: Any, name: str) -> Any:
    """Return a piece of an OpenAPI description with the record's name put in."""
    match part:
        case dict():
            return {key: _named(value, name) for key, value in part.items()}
        case list():
            return [_named(value, name) for value in part]
        case str():
            return part.replace("NAME", name)
        case _:
            return part


class PortalApi(BaseApi):
    """One entity over HTTP; sign in by cookie (with the CSRF token) or with an API key."""

    allow_browser_login = True
    csrf_exempt = False
    view_class: ClassVar[type[PortalView]]
    method_permission_name: ClassVar[dict[str, str]] = {
        "get_list": "list",
        "get": "show",
        "post": "add",
        "put": "edit",
        "delete": "delete",
        "info": "list",
    }

    view: PortalView

    def create_blueprint(self, appbuilder: Any, *args: Any, **kwargs: Any) -> Any:
        """Find the screen this API speaks for, registered just before it."""
        self.view = next(view for view in appbuilder.baseviews if type(view) is self.view_class)
        return super().create_blueprint(appbuilder, *args, **kwargs)

    def add_apispec_components(self, api_spec: APISpec) -> None:
        """Describe the record's fields, and how a caller says who it is."""
        super().add_apispec_components(api_spec)
        with suppress(DuplicateComponentNameError):
            api_spec.components.security_scheme("api_key", {"type": "http", "scheme": "bearer"})
            api_spec.components.security_scheme("session", {"type": "apiKey", "in": "cookie", "name": "session"})

    def operation_helper(
        self, path: Any = None, operations: Any = None, methods: Any = None, func: Any = None, **options: Any
    ) -> None:
        """Describe one operation from its docstring; NAME in it stands for the record."""
        del path, options
        for method, operation in yaml_utils.load_operations_from_docstring(func.__doc__).items():
            if method.upper() in methods:
                named = _named(operation, self.view.model.__name__)
                operations[method] = {**named, "security": [{"api_key": []}, {"session": []}]}

    def told(self, item: Any, columns: list[str]) -> dict[str, Any]:
        """Return a record as JSON: key, version, and the columns its screen shows."""
        telling = JsonTelling(self.view)
        return telling.of_record(item, "") | {column: telling.of_record(item, column) for column in columns}

    @expose("/", methods=["GET"])
    @protect()
    @permission_name("list")
    def get_list(self) -> Any:
        """List records
        ---
        get:
          summary: List records, with the filters, search, order and page of the screen
          parameters:
            - {in: query, name: q, schema: {type: string}, description: Search text}
            - {in: query, name: order, schema: {type: string}}
            - {in: query, name: dir, schema: {type: string, enum: [asc, desc]}}
            - {in: query, name: page, schema: {type: integer, minimum: 1}}
            - {in: query, name: size, schema: {type: integer, enum: [25, 50, 100]}}
          responses:
            200: {description: 'count (above a thousand about so many), is_about, result'}
            400: {description: A filter that cannot be read}
            401: {$ref: '#/components/responses/401'}
            403: {$ref: '#/components/responses/403'}
        """
        listing = Listing(self.view, request.args)
        unknown = set(request.args) - self.view.known_arguments()
        if listing.ignored or unknown:
            return self.response_400(
                message=_(
                    "These filters cannot be read: %(names)s", names=", ".join([*listing.ignored, *sorted(unknown)])
                )
            )
        columns = self.view.list_columns
        listing.reader = reader = kept_reader(self.view, columns, JsonTelling)
        if reader is None:
            rows = [self.told(item, columns) for item in listing.rows()]
        else:
            rows = [head | dict(zip(columns, cells, strict=True)) for head, *cells in reader.read(listing.rows())]
        count = listing.count()
        return self.response(200, count=count.number, is_about=count.is_about, result=rows)

    @expose("/<pk>", methods=["GET"])
    @protect()
    @permission_name("show")
    def get(self, pk: str) -> Any:
        """Show a record
        ---
        get:
          summary: One record
          parameters: [{in: path, name: pk, schema: {type: integer}, required: true}]
          responses:
            200: {description: The record}
            404: {$ref: '#/components/responses/404'}
        """
        item = self.view.find_or_none(parse_key(pk), "show")
        if item is None:
            abort(404)
        return self.response(200, id=item.id, result=self.told(item, self.view.show_columns))

    @expose("/", methods=["POST"])
    @protect()
    @permission_name("add")
    def post(self) -> Any:
        """Add a record
        ---
        post:
          summary: Add a record; related rows are given by key, number or name
          requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/NAME'}}}}
          responses:
            201: {description: Made}
            422: {description: What is wrong, by field}
        """
        form, unread = filled(self.view.add_form, self._body())
        if found := problems(form, unread):
            return self.response(422, errors=found)
        item = self.view.model()
        if not self.view.attempt(form, lambda: self.view.create(item, form)):
            return self.response(422, errors=problems_after(form))
        return self.response(201, id=item.id, result=self.told(item, self.view.show_columns))

    @expose("/<pk>", methods=["PUT"])
    @protect()
    @permission_name("edit")
    def put(self, pk: str) -> Any:
        """Change a record
        ---
        put:
          summary: Change some columns of a record; version says which state was read
          parameters: [{in: path, name: pk, schema: {type: integer}, required: true}]
          requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/NAME'}}}}
          responses:
            200: {description: Saved}
            404: {$ref: '#/components/responses/404'}
            409: {description: Someone else saved the record since that version}
            422: {description: What is wrong, by field}
        """
        item = self.view.find_or_none(parse_key(pk), "edit")
        if item is None:
            abort(404)
        body = self._body()
        if "version" not in body:
            return self.response(422, errors={"version": [_("Say which version you read.")]})
        if body.pop("version") != item.version:
            return self.response(
                409, message=_("Someone else saved this record a moment ago. Please look at it again.")
            )
        form, unread = filled(self.view.edit_form, body, item)
        if found := problems(form, unread):
            return self.response(422, errors=found)
        if not self.view.attempt(form, lambda: self.view.change(item, form)):
            return self.response(422, errors=problems_after(form))
        return self.response(200, id=item.id, result=self.told(item, self.view.show_columns))

    @expose("/<pk>", methods=["DELETE"])
    @protect()
    @permission_name("delete")
    def delete(self, pk: str) -> Any:
        """Delete a record
        ---
        delete:
          summary: Delete a record nothing refers to
          parameters: [{in: path, name: pk, schema: {type: integer}, required: true}]
          responses:
            200: {description: Deleted}
            404: {$ref: '#/components/responses/404'}
            422: {description: Other records refer to it}
        """
        item = self.view.find_or_none(parse_key(pk), "delete")
        if item is None:
            abort(404)
        form, _unread = filled(self.view.search_form, {})
        if not self.view.attempt(form, lambda: self.view.remove(item)):
            return self.response(422, errors=problems_after(form))
        return self.response(200, message="OK")

    @expose("/<pk>/step/<name>", methods=["POST"])
    def step(self, pk: str, name: str) -> Any:
        """Take a step
        ---
        post:
          summary: Move a record by a step of its workflow, with what the step asks for
          parameters:
            - {in: path, name: pk, schema: {type: integer}, required: true}
            - {in: path, name: name, schema: {type: string}, required: true}
          responses:
            200: {description: Moved}
            403: {$ref: '#/components/responses/403'}
            404: {$ref: '#/components/responses/404'}
            422: {description: What is wrong, by field}
        """
        view = self.view
        if view.workflow is None or name not in view.workflow.steps:
            abort(404)
        step = view.workflow.steps[name]
        if not view.may(name):
            abort(403)
        item = view.find_or_none(parse_key(pk), name)
        if item is None:
            abort(404)
        if not view.may_step(step, item):
            abort(403)
        form, unread = filled(view.step_form(step), self._body(), item)
        if found := problems(form, unread):
            return self.response(422, errors=found)
        if not view.attempt(form, lambda: view.take(item, step, form)):
            return self.response(422, errors=problems_after(form))
        return self.response(200, id=item.id, result=self.told(item, view.show_columns))

    @expose("/_info", methods=["GET"])
    @protect()
    @permission_name("list")
    def info(self) -> Any:
        """Describe the entity
        ---
        get:
          summary: What this person may do here, and how the columns are called
          responses:
            200: {description: verbs, columns, labels, filters, steps}
        """
        view = self.view
        columns = dict.fromkeys([*view.list_columns, *view.show_columns, *view.add_columns, *view.edit_columns])
        return self.response(
            200,
            noun=str(view.noun),
            title=str(view.title),
            verbs=sorted(p.removeprefix("can_") for p in view.base_permissions if view.may(p.removeprefix("can_"))),
            labels={column: view.label(column) for column in columns},
            add_columns=view.add_columns,
            edit_columns=view.edit_columns,
            filters=sorted(view.filters_by_name()),
            order_columns=view.order_columns,
            steps=[
                {"name": s.name, "label": str(s.label), "asks": [*s.asks]}
                for s in (view.workflow.steps.values() if view.workflow else ())
                if view.may(s.name)
            ],
        )

    def response_403(self, **_kwargs: Any) -> Any:
        """Refuse as every page does: in the caller's language. Flask-AppBuilder asks for it by this name."""
        abort(403)

    def _body(self) -> dict[str, Any]:
        body = request.get_json(silent=True)
        return {str(name): value for name, value in body.items()} if isinstance(body, dict) else {}


def problems_after(form: Any) -> dict[str, list[str]]:
    """Return what a save refused, by field."""
    found = {name: [str(error) for error in errors] for name, errors in form.errors.items() if name}
    if form.form_errors:
        found[""] = [str(error) for error in form.form_errors]
    return found


class ApiDescriptionView(OpenApi):
    """What the REST API offers, as OpenAPI."""

    title = _l("REST API description")
    class_permission_name = "ApiDescriptionView"


def api_of(view: type[PortalView]) -> type[PortalApi]:
    """Return the API class of a screen: its address, its rights, its part of the OpenAPI page."""
    model = view.datamodel.obj
    name = f"{model.__name__}Api"
    columns: dict[str, schema_fields.Field] = {column: schema_fields.Raw() for column in view.add_columns or []}
    schema = Schema.from_dict(columns, name=model.__name__)
    return type(
        name,
        (PortalApi,),
        {
            "__doc__": view.__doc__,
            "view_class": view,
            "resource_name": model.__tablename__.replace("_", "-"),
            "class_permission_name": view.class_permission_name or view.__name__,
            "openapi_spec_tag": model.__name__,
            "openapi_spec_component_schemas": (schema,),
        },
    )
