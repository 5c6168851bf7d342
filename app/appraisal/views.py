"""Screens of appraisals: indicators, cycles, appraisals with their score sheet."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import AppBuilder
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.views import expose
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import joinedload
from wtforms import Field, HiddenField, SelectField
from wtforms.validators import Length, NumberRange, Optional

from app.appraisal import (
    facts,  # noqa: F401 - declares the measures
    operations,
)
from app.appraisal.models import (
    BEST_SCORE,
    LEAST_SCORE,
    Appraisal,
    AppraisalStatus,
    Cycle,
    CycleStatus,
    Indicator,
    ScoreLine,
    total_of,
)
from app.appraisal.workflow import APPRAISAL, CYCLE
from app.core import present
from app.core.db import db
from app.core.errors import RuleError
from app.core.fields import Amount, FromCell, Text
from app.core.forms import PlainText, PortalForm
from app.core.interface import PortalInterface
from app.core.measures import MEASURES
from app.core.menu import open_screen
from app.core.scope import Scope, viewer
from app.core.views import Link, PortalView, posted
from app.core.views_catalog import CATALOG_COLUMNS, CatalogView

LINES_OF_AN_APPRAISAL = 50
TOLD = (AppraisalStatus.CONFIRMING, AppraisalStatus.APPEALED, AppraisalStatus.SETTLED)
OWN_SCORES = _l("Nobody scores their own work.")


def measure_words(name: str | None) -> str:
    """Return what a measure is called."""
    if name is None:
        return present.NOTHING
    return str(MEASURES[name].label) if name in MEASURES else _("a measure that is no more")


class MeasureField(FromCell, SelectField):
    """One of the measures that rooms declare, or none for an indicator that is judged."""

    def __init__(self, label: LazyString, **kwargs: Any) -> None:
        super().__init__(label, [Optional()], choices=self.offered, filters=[lambda name: name or None], **kwargs)

    def offered(self) -> list[tuple[str, str]]:
        """Return the empty choice and every measure with its clause."""
        return [("", "—"), *((one.name, f"{one.clause} {one.label}") for one in MEASURES.values())]


class IndicatorView(CatalogView):
    """What people are appraised by."""

    datamodel = PortalInterface(Indicator)
    title, noun = _l("Indicators"), _l("Indicator")
    list_columns = ["name", "group", "direction", "unit", "weight", "retired_on", "code"]
    show_columns = [*list_columns, "measure_name", "position"]
    add_columns = ["group", "direction", "unit", "weight", "measure_name", *CATALOG_COLUMNS]
    search_columns = ["group"]
    label_columns = {
        "group": _l("Group"),
        "direction": _l("Direction"),
        "unit": _l("Unit"),
        "weight": _l("Weight"),
        "measure_name": _l("Measure"),
    }
    formatters_columns = {"measure_name": measure_words}

    def own_fields(self) -> dict[str, Callable[[], Field]]:
        """Offer the measures by what they are called."""
        return {"measure_name": lambda: MeasureField(self.label_columns["measure_name"])}

    def told(self, entries: Any) -> Any:
        """Tell measures in the history by what they are called, too."""
        return present.history(self.model, entries, self.label_columns, {}, {"measure_name": measure_words})


class ScoreLineView(PortalView):
    """The scores of an appraisal, indicator by indicator."""

    datamodel = PortalInterface(ScoreLine)
    title, noun = _l("Scores"), _l("Score")
    list_columns = ["indicator", "weight", "figure", "score", "comment", "appraisal"]
    show_columns = [*list_columns, "figure_count"]
    edit_columns = ["score", "comment"]
    search_columns = ["appraisal", "indicator"]
    no_amounts = ("figure",)
    searched = ["appraisal.person.name", "comment"]
    scopes = {
        Scope.OWN: ("appraisal.person_id",),
        Scope.TEAM: ("appraisal.person.team_id",),
        Scope.DEPARTMENT: ("appraisal.person.department_id",),
    }
    base_order = ("id", "asc")
    exclude_route_methods = PortalView.exclude_route_methods | {"add", "delete"}
    has_files = False
    related_rows = LINES_OF_AN_APPRAISAL
    label_columns = {
        "indicator": _l("Indicator"),
        "weight": _l("Weight"),
        "figure": _l("Figure"),
        "figure_count": _l("Records behind it"),
        "score": _l("Score"),
        "comment": _l("Comment"),
        "appraisal": _l("Appraisal"),
    }

    def scope_condition(self, verb: str) -> ColumnElement[bool]:
        """Nobody sees their own scores before they are told, and nobody ever edits them."""
        own = ScoreLine.appraisal.has(Appraisal.person_id == viewer().person_id)
        told = ScoreLine.appraisal.has(Appraisal.status.in_(TOLD)) if verb != "edit" else None
        return and_(super().scope_condition(verb), ~own if told is None else or_(~own, told))

    def locked(self, item: ScoreLine) -> LazyString | None:
        """Scores change while the appraisal is being scored, never afterwards."""
        return None if operations.may_be_scored(item.appraisal) else _l("These scores cannot be changed now.")

    def after_edit(self, item: ScoreLine) -> str:
        """Go back to the appraisal."""
        return url_for("AppraisalView.show", pk=item.appraisal_id)


class AppraisalView(PortalView):
    """Who is appraised, what they say themselves, how they are scored."""

    datamodel = PortalInterface(Appraisal)
    workflow = APPRAISAL
    title, noun = _l("Appraisals"), _l("Appraisal")
    list_columns = ["person", "cycle", "status", "total", "scorer", "settled_at"]
    show_columns = [
        *list_columns,
        "self_assessed_at",
        "scored_at",
        "strengths",
        "weaknesses",
        "improvement",
        "comment",
        "appeal",
        "decision",
    ]
    add_columns = ["cycle", "person"]
    edit_columns = ["strengths", "weaknesses", "improvement"]
    search_columns = ["status", "cycle", "person", "scorer"]
    searched = ["person.name", "person.number", "cycle.subject"]
    queue_steps = ("self_assess", "score", "confirm", "settle")
    scopes = {Scope.OWN: ("person_id",), Scope.TEAM: ("person.team_id",), Scope.DEPARTMENT: ("person.department_id",)}
    base_order = ("id", "desc")
    related_views = [ScoreLineView]
    label_columns = {
        "person": _l("Person"),
        "cycle": _l("Cycle"),
        "total": _l("Total"),
        "scorer": _l("Scored by"),
        "settled_at": _l("Settled at"),
        "self_assessed_at": _l("Self-assessed at"),
        "scored_at": _l("Scored at"),
        "strengths": _l("What went well"),
        "weaknesses": _l("What went less well"),
        "improvement": _l("Plan for improvement"),
        "comment": _l("Comment of the scorer"),
        "appeal": _l("Appeal"),
        "decision": _l("Decision on the appeal"),
    }
    description_columns = {
        "improvement": _l("What you will do, by when, and what would help you."),
        "comment": _l("What to keep, what to change, and what the department will do for it."),
    }
    empty_hint = _l("Appraisals appear here when a cycle is opened.")

    def locked(self, item: Appraisal) -> LazyString | None:
        """The self-assessment is its person's until it is handed in."""
        if item.status in {None, AppraisalStatus.SELF_ASSESSMENT}:
            return None
        return _l("The self-assessment was handed in already.")

    def pre_add(self, item: Appraisal) -> None:
        """A person is added to a cycle that is open."""
        operations.must_be_open(item)

    def post_add(self, item: Appraisal) -> None:
        """Give it its lines, and start the promise of the self-assessment."""
        operations.begin_appraisal(item, item.created_at)

    def record_links(self, item: Appraisal) -> list[Link]:
        """Offer the score sheet to whoever may score this one now."""
        may = operations.may_be_scored(item) and self._may_score(item)
        return [Link(_("Score sheet"), url_for("AppraisalView.sheet", pk=item.id))] if may else []

    def _may_score(self, item: Appraisal) -> bool:
        name = "settle" if item.status is AppraisalStatus.APPEALED else "score"
        return self.may_step(self.step_or_404(name), item)

    @expose("/sheet/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("score")
    def sheet(self, pk: str) -> Any:
        """Fill in all scores of an appraisal at once; someone else's scores meanwhile are told, not overwritten."""
        item = self.find(pk, "score")
        if not self._may_score(item):
            abort(403)
        lines = self._lines(item)
        form = sheet_form(lines)(formdata=posted())
        if not operations.may_be_scored(item):
            form.form_errors.append(_("These scores cannot be changed now."))
        elif request.method == "POST" and form.validate():
            if form.seen.data != state_of(lines):
                form.refuse(RuleError(_("Someone else saved scores meanwhile. Save again to keep what stands here.")))
            elif self.attempt(form, lambda: fill_sheet(lines, form)):
                flash(_("The scores were saved."), "success")
                return redirect(self.show_url(item))
        lines = self._lines(item)
        form.seen.data = state_of(lines)
        page = self.render_template(
            "appraisal/sheet.html",
            view=self,
            item=item,
            lines=lines,
            form=form,
            total=total_of(lines),
            best=BEST_SCORE,
            title=_("Score sheet: %(record)s", record=str(item)),
        )
        return page, 422 if request.method == "POST" else 200

    def _lines(self, item: Appraisal) -> list[ScoreLine]:
        wanted = select(ScoreLine).where(ScoreLine.appraisal_id == item.id).options(joinedload(ScoreLine.indicator))
        return list(db.session.scalars(wanted.order_by(ScoreLine.id)))


def sheet_form(lines: list[ScoreLine]) -> type[PortalForm]:
    """Return a form with a score and a comment for each line, and the state the person started from."""
    made: dict[str, Any] = {"seen": HiddenField(default=state_of(lines))}
    for line in lines:
        checks = [Optional(), NumberRange(LEAST_SCORE, BEST_SCORE)]
        score = line.score.normalize() if line.score is not None else None
        made[f"score_{line.id}"] = Amount(line.indicator.name, checks, default=score, places=None)
        said = [Optional(), PlainText(), Length(max=255)]
        made[f"comment_{line.id}"] = Text(_("Comment"), said, default=line.comment)
    return type("SheetForm", (PortalForm,), made)


def state_of(lines: list[ScoreLine]) -> str:
    """Return the versions of an appraisal's lines as one text."""
    return ",".join(f"{line.id}:{line.version}" for line in lines)


def fill_sheet(lines: list[ScoreLine], form: PortalForm) -> None:
    """Write what the sheet holds; does not commit."""
    for line in lines:
        score: Decimal | None = form[f"score_{line.id}"].data
        line.score = score.quantize(Decimal("0.01")) if score is not None else None
        line.comment = (form[f"comment_{line.id}"].data or "").strip() or None


class CycleView(PortalView):
    """Rounds of appraisals."""

    datamodel = PortalInterface(Cycle)
    workflow = CYCLE
    title, noun = _l("Appraisal cycles"), _l("Appraisal cycle")
    list_columns = ["kind", "subject", "first_on", "last_on", "status"]
    add_columns = ["kind", "subject", "first_on", "last_on"]
    search_columns = ["kind", "status", "first_on"]
    searched = ["subject"]
    base_order = ("first_on", "desc")
    related_views = [AppraisalView]
    label_columns = {
        "kind": _l("Kind"),
        "subject": _l("Subject"),
        "first_on": _l("First day"),
        "last_on": _l("Last day"),
    }
    description_columns = {
        "subject": _l(
            "What a special appraisal is about, such as a new product. Its people are chosen once it is open."
        ),
    }
    empty_hint = _l("Every month or quarter has its cycle: plan one, open it, and everyone's appraisal is made.")

    def locked(self, item: Cycle) -> LazyString | None:
        """A cycle changes until it is opened."""
        return None if item.status in {None, CycleStatus.PLANNED} else _l("This cycle was opened already.")

    def pre_add(self, item: Cycle) -> None:
        """Check the period."""
        operations.check_cycle(item)

    def pre_update(self, item: Cycle) -> None:
        """Check the period."""
        operations.check_cycle(item)


def register(builder: AppBuilder) -> None:
    """Put the screens of appraisals into the portal."""
    open_screen(builder, CycleView, "team")
    open_screen(builder, AppraisalView, "team")
    open_screen(builder, ScoreLineView, None)
    open_screen(builder, IndicatorView, "administration")
