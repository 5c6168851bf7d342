"""What a screen does with the rows of the record they belong to: a grid of inputs, saved together or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from sqlalchemy import inspect as sa_inspect
from sqlalchemy import select
from wtforms import Field

from app.core import receipts
from app.core.db import db
from app.core.fields import VersionField
from app.core.fields_rows import target_of
from app.core.forms import PortalForm
from app.core.rows import BLANK_ROWS, MOST_ROWS, Grid
from app.core.views_steps import StepView
from app.core.web import is_fragment

if TYPE_CHECKING:
    from app.core.views import PortalView


class RowsView(StepView):
    """A screen whose records are edited as rows of the record they belong to."""

    rows_columns: ClassVar[tuple[str, ...]] = ()
    """The columns of that grid; none, and there is no grid. Those the forms do not ask for are shown."""

    def __init__(self, **kwargs: Any) -> None:
        if not self.rows_columns:
            self.exclude_route_methods = {*self.exclude_route_methods, "rows"}
        super().__init__(**kwargs)

    def _init_properties(self) -> None:
        super()._init_properties()
        relations = sa_inspect(self.model).relationships
        self.eager = tuple(dict.fromkeys([*self.eager, *(name for name in self.rows_columns if name in relations)]))

    def _init_forms(self) -> None:
        super()._init_forms()
        if self.rows_columns:
            added = [name for name in self.rows_columns if name in self.add_columns]
            self.new_row_form = self._form(added, required=self.required_columns)
            edited = [name for name in self.rows_columns if name in self.edit_columns]
            versioned: dict[str, Callable[[], Field]] = {"version": VersionField}
            required = self.required_columns
            self.row_form = self._form([*edited, *versioned], versioned, required, about_record=True)

    def has_row_inputs(self) -> bool:
        """Tell whether anything of a row that is there can be typed."""
        return not {*self.rows_columns}.isdisjoint(self.edit_columns)

    def reached(self, items: list[Any], verb: str) -> frozenset[int]:
        """Return the keys of those rows that this person may do something with: one statement at most."""
        if not items or not self.may(verb):
            return frozenset()
        keys = [item.id for item in items]
        within = select(self.model.id).where(self.model.id.in_(keys), self.scope_condition(verb))
        return frozenset(db.session.scalars(within))

    def rows_url(self, parent: Any, relation: str, rows: list[Any]) -> str | None:
        """Return where the rows of a record are edited, or None where this person can change none of them."""
        if not self.rows_columns:
            return None
        may = self.adds_under(parent, relation)
        if not may:
            loose = [row for row in rows if self.locked(row) is None]
            may = bool((self.has_row_inputs() and self.reached(loose, "edit")) or self.reached(loose, "delete"))
        return url_for(f"{self.endpoint}.rows", relation=relation, parent_id=parent.id) if may else None

    @expose("/rows/<relation>/<parent_id>", methods=["GET", "POST"])
    def rows(self, relation: str, parent_id: str) -> Any:
        """Show the rows of one record as inputs, or save them all; what is wrong is said at its cell."""
        above = self._screen_above(relation)
        self.require("list")
        above.require("show")
        if not any(self.may(verb) for verb in ("add", "edit", "delete")):
            abort(403)
        parent = above.find(parent_id, "show")
        sent = request.form if request.method == "POST" else None
        blanks = 1 if is_fragment() else BLANK_ROWS
        form, grid = PortalForm(), Grid(self, parent, relation, sent, blanks)
        if sent is None:
            why = None if grid.is_changeable() else grid.refusal() or abort(403)
            return self._rows_page(above, parent, grid, form, why)
        if (led := receipts.led_to()) is not None:
            return self._led(led)
        if grid.is_valid():
            done: dict[str, int] = {}
            save, ends = lambda: done.update(grid.save()), lambda: (above.show_url(parent), done)
            if (answer := self._once(form, save, ends, lambda led, told: self._saved(told, led))) is not None:
                return answer
            # What was read before is as it would have become; what somebody else did meanwhile shows now.
            tried, grid = grid, Grid(self, above.find(parent_id, "show"), relation, sent, blanks)
            grid.take_errors(tried)
        return self._rows_page(above, grid.parent, grid, form), 422

    def _screen_above(self, relation: str) -> PortalView:
        """Return the screen of the record that rows belong to, whose page lists them; else answer 404."""
        found = sa_inspect(self.model).relationships.get(relation)
        above = cast("PortalView", target_of(found.mapper.class_)) if found is not None else None
        if above is None or self not in above._related_views:  # noqa: SLF001 - Flask-AppBuilder's list of them
            abort(404)
        return above if self.datamodel.get_related_fk(above.model) == relation else abort(404)

    def _rows_page(self, above: PortalView, parent: Any, grid: Grid, form: PortalForm, why: Any = None) -> Any:
        return self.render_template(
            "portal/rows.html",
            view=self,
            above=above,
            parent=parent,
            grid=grid,
            form=form,
            why=why,
            limit=MOST_ROWS,
            in_place=is_fragment(),
            title=self.title,
        )

    def _saved(self, done: dict[str, int], location: str) -> Any:
        if any(done.values()):
            return self._go_on(location, _("Saved: %(added)s added, %(changed)s changed, %(deleted)s deleted.", **done))
        flash(_("Nothing was changed."), "info")
        return redirect(location)
