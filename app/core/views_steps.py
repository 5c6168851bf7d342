"""What a screen does beside its form: steps of the workflow, photos and documents."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request
from flask_appbuilder.utils.base import get_safe_redirect
from flask_appbuilder.views import expose
from flask_babel import gettext as _

from app.core import clock, files, receipts
from app.core.db import db
from app.core.forms import PortalForm
from app.core.interface import parse_key
from app.core.present import about
from app.core.rights import grants
from app.core.scope import Scope
from app.core.views_change import ChangeView
from app.core.views_read import posted
from app.core.web import is_check
from app.core.workflow import Step


class StepView(ChangeView):
    """A screen whose records move by steps and keep files."""

    # -- attachments -------------------------------------------------------------------------

    @expose("/attach/<pk>", methods=["POST"])
    def attach(self, pk: str) -> Any:
        """Keep further files with a record."""
        self.require("edit")
        item = self.find(pk, "edit")
        if (led := receipts.led_to()) is not None:
            return self._led(led)
        uploads = [file for file in request.files.getlist("attachments") if file.filename]
        form, place = PortalForm(), self.show_url(item)
        if uploads:
            keep, told = lambda: files.attach(item, files.take_in(uploads)), _("The files were added.")
            if (answer := self._once(form, keep, lambda: (place, told), self._go_on)) is not None:
                return answer
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
        if self.workflow is None or not self.may(step.name) or not self.reaches(item, step.name):
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
        # A step that came twice finds its record moved, perhaps out of reach: the receipt is asked first.
        if request.method == "POST" and not is_check() and (led := receipts.led_to()) is not None:
            return self._led(led)
        item = self.find(pk, name)
        if not self.may_step(step, item):
            abort(403)
        form = self.step_form(step)(formdata=posted(), obj=item)
        if request.method == "POST":
            if (answer := self._answered(form)) is not None:
                return answer
            if form.validate():
                answer = self._once(
                    form,
                    lambda: self.take(item, step, form),
                    lambda: (self.after_step(item), _("%(record)s: %(step)s.", record=str(item), step=str(step.label))),
                    self._go_on,
                )
                if answer is not None:
                    return answer
        if request.method == "POST" and not step.asks:
            # A form without fields is no place to mend anything.
            for error in (error for errors in form.errors.values() for error in errors):
                flash(str(error), "danger")
            return redirect(self.after_refusal(item, step))
        title = about(step.label, self.find(pk, name))
        return self._form_page("portal/step.html", form, title, item=item, step=step, checked=True)

    def after_step(self, item: Any) -> str:
        """Return where to go after a step: a record that was handed over may be out of the person's reach now."""
        within = self.may("show") and self.reaches(item, "show")
        return self.show_url(item) if within else self.back_url()

    def after_refusal(self, item: Any, step: Step) -> str:
        """Return where to go when a step that asks for nothing was refused."""
        del step
        return self.after_step(item)

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
                refused.extend(about(item, error) for error in form.form_errors)
        if done:
            flash(_("%(step)s: %(count)s done.", step=str(step.label), count=done), "success")
        for reason in dict.fromkeys(refused):
            flash(reason, "warning")
        # Back to the list as it was filtered.
        back = request.form.get("back")
        return redirect(get_safe_redirect(back) if back else self.list_url())

    def bulk_steps(self) -> Any:
        """Return the steps that may be taken for many rows at once."""
        if self.workflow is None:
            return []
        return [step for step in self.workflow.steps.values() if not step.asks and self.may(step.name)]
