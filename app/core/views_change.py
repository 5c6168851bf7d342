"""What a screen changes: add, edit, delete, and how a change that cannot be is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any, TypeVar

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.views import expose
from flask_babel import LazyString
from flask_babel import gettext as _
from sqlalchemy import String, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import RelationshipProperty
from sqlalchemy.orm.exc import StaleDataError

from app.core import clock, files, receipts
from app.core.db import db
from app.core.entity import Numbered, Recorded
from app.core.errors import RuleError
from app.core.forms import PortalForm
from app.core.interface import parse_value
from app.core.numbers import give_number
from app.core.rights import grants
from app.core.scope import Scope, paths_above, scope_clause
from app.core.views_lists import ListView
from app.core.views_read import Link, posted
from app.core.web import is_check
from app.core.workflow import task_keeper

Told = TypeVar("Told")


class ChangeView(ListView):
    """A screen that adds, edits and deletes; the same ways serve imports and the REST API."""

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Show the empty form, or make the record; what is wrong is said at its field and nothing typed is lost."""
        form = self.add_form(formdata=posted(), data=self._prefill())
        if request.method == "POST":
            if (answer := self._answered(form)) is not None:
                return answer
            if form.validate():
                item = self.model()
                answer = self._once(
                    form,
                    lambda: self.create(item, form),
                    lambda: (self.after_add(item), {"value": str(item.id), "text": str(item)}),
                    lambda led, told: self._answer_add(item, told, led),
                )
                if answer is not None:
                    return answer
        title = str(self.add_label or _("New: %(noun)s", noun=str(self.noun)))
        return self._form_page(self.add_template, form, title, checked=True)

    def _answered(self, form: PortalForm) -> Any | None:
        """Return the answer to a form that is only looked over while being filled in, or that came before."""
        if is_check():
            form.validate()
            return jsonify({entry.id: [str(error) for error in entry.errors] for entry in form if entry.errors})
        led = receipts.led_to()
        return self._led(led) if led is not None else None

    def _led(self, location: str) -> Any:
        flash(_("This was saved already; nothing was done twice."), "info")
        return redirect(location)

    def _once(
        self,
        form: PortalForm,
        change: Callable[[], object],
        ends: Callable[[], tuple[str, Told]],
        answer: Callable[[str, Told], Any],
    ) -> Any | None:
        """Run a change with a receipt for its form, and answer where it leads; None if it was refused.

        Where it leads and what is told of it is asked before the commit: after it records would be read once more.
        A form that came while its first sending was still at work is answered as that one was.
        """
        ended: list[tuple[str, Told]] = []

        def work() -> None:
            change()
            ended.append(ends())
            receipts.keep(ended[0][0])

        if self.attempt(form, work):
            return answer(*ended[0])
        before = receipts.led_to()
        return self._led(before) if before is not None else None

    def _go_on(self, location: str, told: str) -> Any:
        flash(told, "success")
        return redirect(location)

    def _answer_add(self, item: Any, told: dict[str, str], location: str) -> Any:
        """Answer a page that asked for the record itself, to refer to it; all others go where adding leads."""
        if request.headers.get("X-Record") == "1":
            return jsonify(told), 201
        flash(_("%(record)s was saved.", record=told["text"]), "success")
        return self.answer_add(item, location)

    def _prefill(self) -> dict[str, Any]:
        """Return what the address fills in, such as the equipment of a QR label; what cannot be read is left out."""
        columns, found = sa_inspect(self.model).column_attrs, {}
        for name, text in request.args.items():
            if name in self.add_columns:
                kind = columns[name].columns[0].type if name in columns else String()
                with suppress(ValueError, OverflowError):
                    found[name] = parse_value(kind, text)
        return found

    def answer_add(self, item: Any, location: str) -> Any:
        """Return the answer after a record was made, which leads to a location."""
        del item
        return redirect(location)

    def after_add(self, item: Any) -> str:
        """Return where to go after a record was made."""
        return (
            self.show_url(item)
            if self.may("show") and self.reaches(item, "show")
            else self.appbuilder.get_url_for_index
        )

    def after_edit(self, item: Any) -> str:
        """Return where to go after a record was changed."""
        return self.show_url(item) if self.may("show") else self.list_url()

    def after_delete(self, item: Any) -> str:
        """Return where to go after a record was deleted; asked while it is still there."""
        del item
        return self.list_url()

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        """Show the filled form, or save; a record saved by someone else meanwhile is shown before it is overwritten."""
        item = self.find(pk, "edit")
        name, form = str(item), self.edit_form(formdata=posted(), obj=item)
        if request.method == "GET" and "version" in form:
            form.version.show(self.version_of(item))
        others: Any = []
        if request.method == "POST":
            if (answer := self._answered(form)) is not None:
                return answer
            if "version" in form and form.version.data != self.version_of(item):
                others = self.changes_since(item, form.version.data or 0)
                form.version.show(self.version_of(item))
                form.validate()
            elif form.validate():
                answer = self._once(
                    form,
                    lambda: self.change(item, form),
                    lambda: (self.after_edit(item), _("%(record)s was saved.", record=str(item))),
                    self._go_on,
                )
                if answer is not None:
                    return answer
        elif (why := self.locked(item)) is not None:
            form.form_errors.append(str(why))
        return self._form_page(
            self.edit_template,
            form,
            _("Edit: %(record)s", record=name),
            others=others,
            item=item,
            checked=True,
        )

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    def delete(self, pk: str) -> Any:
        """Delete the record, unless others refer to it."""
        item = self.find(pk, "delete")
        name, back, form = str(item), self.after_delete(item), PortalForm()
        if self.attempt(form, lambda: self.remove(item)):
            flash(_("%(record)s was deleted.", record=name), "success")
            return redirect(back)
        flash(" ".join(str(error) for error in form.form_errors), "danger")
        return redirect(self.show_url(item))

    def _form_page(self, template: str, form: PortalForm, title: str, **context: Any) -> Any:
        if request.method == "POST" and "attachments" in form:
            form.attachments.keep()
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
        if "attachments" in form:
            files.attach(item, [*form.attachments.kept, *files.take_in(form.attachments.data or [])])
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

    def adds_under(self, parent: Any, relation: str) -> bool:
        """Tell whether this person may add a record to the one it would belong to, as far as that hangs on that one."""
        if relation not in self.add_columns or not self.may("add") or self.locked_under(parent) is not None:
            return False
        scope = grants().scope("add", self.class_permission_name)
        (column,) = sa_inspect(self.model).relationships[relation].local_columns
        above = paths_above(self.scopes, scope, relation, str(column.key))
        if scope is Scope.ALL or above is None:
            return True
        model = type(parent)
        within = select(model.id).where(model.id == parent.id, scope_clause(model, scope, above))
        return db.session.scalar(within) is not None

    def add_links(self, parent: Any, relation: str) -> list[Link]:
        """Return the ways to add such a record to the one it would belong to, for those who may."""
        if not self.adds_under(parent, relation):
            return []
        return [Link(str(self.add_label or _("Add")), url_for(f"{self.endpoint}.add", **{relation: parent.id}))]

    def box(self, parent: Any, relation: str) -> PortalForm | None:
        """Return the small form that adds such a record on the page of the one it belongs to, for those who may."""
        if not self.boxed or not self.add_links(parent, relation):
            return None
        form = self.add_form(formdata=None, data={relation: parent})
        for name in [name for name in form.data if name not in {*self.boxed, "csrf_token"}]:
            del form[name]
        return form

    def add_url(self) -> str | None:
        """Return where a record that a look-up does not find can be added, for those who may."""
        return url_for(f"{self.endpoint}.add") if self.added_in_passing and self.may("add") else None

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
            if not columns:
                continue
            dotted = ", ".join(f"{column.table.name}.{column.name}" for column in columns)
            # Flask-AppBuilder's constraints have no name but the one that migrations give them, by our convention.
            given = "_".join(["uq", columns[0].table.name, *(column.name for column in columns)])
            if str(constraint.name or given) not in told and f"failed: {dotted}" != told[-len(dotted) - 8 :]:
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
