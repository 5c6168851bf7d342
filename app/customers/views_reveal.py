"""Behind the mask: who may see personal data says why, sees it for a minute, and leaves a line in a log (clause 7.3.3).

A customer's data are masked for everybody; ``RevealingView`` is the screen of whatever holds some.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import DataRequired, Length, Optional

from app.core.fields import Pills, Text
from app.core.fields_rows import target_of
from app.core.forms import PlainText, PortalForm
from app.core.interface import PortalInterface
from app.core.present import value_of
from app.core.scope import Scope
from app.core.views import Link, PortalView, posted
from app.customers import operations
from app.customers.models import Customer, Reveal

SHOWN_SECONDS = 60
LEAST_REASON, MOST_REASON = 4, 200


class RevealForm(PortalForm):
    """What one wants to see, and why."""

    columns = Pills(_l("What you need to see"), validators=[DataRequired()])
    case_number = Text(
        _l("Case number"),
        validators=[Optional(), PlainText(), Length(max=32)],
        description=_l("Where there is no case yet, leave it empty and say in the reason who is calling about what."),
    )
    reason = Text(_l("Reason"), validators=[DataRequired(), PlainText(), Length(LEAST_REASON, MOST_REASON)])


class RevealingView(PortalView):
    """A screen whose personal data some may see for a reason."""

    verb_labels = {"reveal": _l("See personal data")}

    def whose(self, item: Any) -> Customer:
        """Return the customer whose data a record holds."""
        raise NotImplementedError

    def hidden(self, item: Any) -> list[str]:
        """Return the columns of the page that hold something everybody sees as a mask."""
        return [column for column in self.show_columns if column in self.model.sensitive and value_of(item, column)]

    def record_links(self, item: Any) -> Any:
        """Offer to look behind the mask, and the log of who did."""
        links, log = [], target_of(Reveal)
        if self.may("reveal") and self.reaches(item, "reveal") and self.hidden(item):
            links.append(Link(_("See personal data"), url_for(f"{self.endpoint}.reveal", pk=item.id)))
        if isinstance(log, RevealView) and log.may("list"):
            links.append(Link(str(log.title), log.list_url(customer=self.whose(item).id)))
        return links

    @expose("/reveal/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("reveal")
    def reveal(self, pk: str) -> Any:
        """Ask what and why; write it down, and show it for a minute."""
        item = self.find(pk, "reveal")
        form = RevealForm(formdata=posted())
        form.columns.choices = [(column, self.label(column)) for column in self.hidden(item)]
        if form.is_submitted() and form.validate():
            chosen, customer = list(form.columns.data or []), self.whose(item)
            why = (form.reason.data, form.case_number.data)
            if self.attempt(form, lambda: operations.reveal(customer, chosen, *why)):
                found = [(self.label(column), value_of(item, column)) for column in chosen]
                return self.render_template(
                    "customers/revealed.html", view=self, item=item, title=str(item), found=found, seconds=SHOWN_SECONDS
                )
        title = _("See personal data: %(record)s", record=str(item))
        return self._form_page("customers/reveal.html", form, title, item=item)


class RevealView(PortalView):
    """Who looked behind the mask, at whose data, and why."""

    datamodel = PortalInterface(Reveal)
    title, noun = _l("Reveal log"), _l("Look at personal data")
    list_columns = ["created_at", "person", "customer", "what", "case_number", "reason"]
    search_columns = ["person", "customer", "what", "case_number", "created_at"]
    searched = ["customer.number", "case_number", "reason"]
    scopes = {Scope.OWN: ("person_id",), Scope.TEAM: ("person.team_id",)}
    base_order = ("id", "desc")
    exclude_route_methods = PortalView.exclude_route_methods | {
        "add",
        "edit",
        "delete",
        "attach",
        "file",
        "step",
        "steps",
    }
    has_files = False
    label_columns = {
        "person": _l("Who"),
        "customer": _l("Customer"),
        "what": _l("What was seen"),
        "case_number": _l("Case number"),
        "reason": _l("Reason"),
    }
    empty_hint = _l("Every look behind the mask is written down here.")
