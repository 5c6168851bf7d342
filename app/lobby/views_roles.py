"""The matrix of roles on one page: screens down, verbs across, in the reader's language (clause 1.2).

What is ticked is saved exactly, in one transaction. A page that was open while somebody else saved keeps what the
person changed, takes over what the other changed elsewhere, and asks to look again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.security.sqla.models import Role
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import SelectField
from wtforms.validators import DataRequired, Length

from app.core import audit
from app.core.accounts import names_of
from app.core.audit import AuditEntry
from app.core.db import db
from app.core.errors import RuleError
from app.core.fields import Text
from app.core.forms import PlainText, PortalForm
from app.core.interface import parse_key
from app.core.rights import grants
from app.core.roles import VERB_LABELS, RoleName, current_grants, lock_rights, role_label, verb_label, verbs_of
from app.core.scope import SCOPE_LABELS
from app.lobby import roles as operations
from app.lobby.roles import Cell

NOTHING = Cell()
CHANGES_SHOWN = 10
NAMES = ("name_zh_hant", "name_zh_hans", "name_en")


@dataclass(frozen=True)
class Tick:
    """One checkbox: a verb of a screen."""

    verb: str
    label: str
    is_on: bool


@dataclass(frozen=True)
class Reach:
    """One choice of whose records: for the whole row, or for a verb that may have a reach of its own."""

    field: str
    label: str
    chosen: str
    choices: list[tuple[str, str]]


@dataclass(frozen=True)
class Row:
    """One screen as the page shows it for a role."""

    name: str
    label: str
    usual: list[Tick | None]
    further: list[Tick]
    reaches: list[Reach]
    was: str
    differs: list[str]
    unsaved: list[str]


@dataclass(frozen=True)
class Told:
    """One change of a role as its page tells it."""

    at: datetime
    who: str
    what: str
    lines: list[str]


class Matrix:
    """One role screen by screen: what is stored, what was shipped, and what stands on a page not saved yet."""

    def __init__(self, role: Role, wanted: Mapping[str, Cell] | None = None) -> None:
        self.held = operations.cells(current_grants(role.id))
        self.shipped = operations.shipped_cells(role)
        self.is_shipped = operations.is_shipped(role)
        self.wanted = wanted or {}
        self.groups = operations.screens()
        self.views = {name: view for _label, views in self.groups for name, view in views.items()}
        known = Counter(verb for view in self.views.values() for verb in verbs_of(view))
        # A verb that one page alone knows stands with that page's own steps.
        self.columns = [verb for verb in VERB_LABELS if known[verb] > 1]

    def rows(self) -> list[tuple[str, list[Row]]]:
        """Return the rows in their groups."""
        return [(label, [self._row(name, view) for name, view in views.items()]) for label, views in self.groups]

    def _row(self, name: str, view: Any) -> Row:
        held, shipped = self.held.get(name, NOTHING), self.shipped.get(name, NOTHING)
        cell = self.wanted.get(name, held)
        ticks = {verb: Tick(verb, verb_label(view, verb), verb in cell.verbs) for verb in verbs_of(view)}
        return Row(
            name,
            str(view.title),
            [ticks.get(verb) for verb in self.columns],
            [tick for verb, tick in ticks.items() if verb not in self.columns],
            self._reaches(view, cell, {*cell.special, *shipped.special} & ticks.keys()),
            " ".join(sorted(held.permissions())),
            operations.difference(cell, shipped, view) if self.is_shipped else [],
            operations.difference(cell, held, view),
        )

    def _reaches(self, view: Any, cell: Cell, own: set[str]) -> list[Reach]:
        scopes = operations.scopes_of(view, {cell.scope, *cell.special.values()})
        choices = [(scope.key, str(SCOPE_LABELS[scope])) for scope in scopes]
        made = [Reach("scope", "", (cell.scope or scopes[0]).key, choices)]
        for verb in verbs_of(view):
            if verb in own or (verb == "lookup" and len(choices) > 1):
                chosen = cell.special[verb].key if verb in cell.special else ""
                made.append(Reach(f"scope_{verb}", verb_label(view, verb), chosen, [("", _("the same")), *choices]))
        return made

    def read(self, form: MultiDict[str, str]) -> dict[str, Cell]:
        """Return what a sent page wants; where the person changed nothing, what is stored now.

        What the page did not show (a screen that came with a new release) stays as it is. Raises KeyError for
        values that no page offered.
        """
        wanted = {}
        for name, view in self.views.items():
            held = self.held.get(name, NOTHING)
            if f"was:{name}" not in form:
                continue
            verbs = frozenset(verb for verb in verbs_of(view) if f"can_{verb}:{name}" in form)
            offered = {scope.key: scope for scope in operations.scopes_of(view, {held.scope, *held.special.values()})}
            scope = offered[form.get(f"scope:{name}") or min(offered, key=lambda key: offered[key])]
            own = {verb: offered[key] for verb in verbs if (key := form.get(f"scope_{verb}:{name}"))}
            cell, was = Cell(verbs, scope, own), Cell.of(form[f"was:{name}"].split())
            wanted[name] = held if cell.permissions() == was.permissions() else cell
        return wanted

    def has_unsaved(self) -> bool:
        """Tell whether the page differs from what is stored."""
        return any(
            cell.permissions() != self.held.get(name, NOTHING).permissions() for name, cell in self.wanted.items()
        )


class NamesForm(PortalForm):
    """What a role made here is called."""

    name_zh_hant = Text(_l("Name (Traditional Chinese)"), validators=[DataRequired(), PlainText(), Length(max=120)])
    name_zh_hans = Text(_l("Name (Simplified Chinese)"), validators=[DataRequired(), PlainText(), Length(max=120)])
    name_en = Text(_l("Name (English)"), validators=[DataRequired(), PlainText(), Length(max=120)])

    def names(self) -> dict[str, str]:
        """Return the three names."""
        return {name: self[name].data.strip() for name in NAMES}


class NewRoleForm(NamesForm):
    """A new role: its names, and which role it begins as."""

    copy_of = SelectField(_l("Begin with the rights of"), choices=[])


class RoleView(BaseView):
    """What each role may do."""

    route_base = "/role"
    default_view = "list"
    class_permission_name = "RoleView"
    title = _l("Roles")

    def may(self, verb: str) -> bool:
        """Tell whether this person has the verb on this page."""
        return grants().may(f"can_{verb}", self.class_permission_name)

    # -- reading -----------------------------------------------------------------------------

    @expose("/list/", methods=["GET"])
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """Show the first role."""
        return self._page(operations.all_roles()[0])

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    @permission_name("list")
    def show(self, pk: str) -> Any:
        """Show one role."""
        return self._page(self._role(pk))

    def _role(self, pk: str) -> Role:
        return db.session.get(Role, parse_key(pk) or 0) or abort(404)

    def _page(
        self, role: Role, wanted: Mapping[str, Cell] | None = None, *, since: int | None = None, problem: str = ""
    ) -> Any:
        """Show a role. ``wanted`` is what stands on a page that was not saved, ``since`` the entry it began with."""
        matrix = Matrix(role, wanted)
        rows = matrix.rows()
        entries = audit.entries_about("ab_role", role.id, limit=CHANGES_SHOWN)
        told = self._told(entries)
        page = self.render_template(
            "lobby/roles.html",
            view=self,
            title=self.title,
            role=role,
            roles=operations.roles_with_holders(),
            holders=operations.holders_of(role),
            matrix=matrix,
            groups=rows,
            columns=[str(VERB_LABELS[verb]) for verb in matrix.columns],
            lines=told,
            others=[line for entry, line in zip(entries, told, strict=True) if since is not None and entry.id > since],
            version=entries[0].id if entries else 0,
            problem=problem,
            may_show_users=grants().may("can_show", "UserView"),
            differing=sum(bool(row.differs) for _label, some in rows for row in some),
        )
        return page, 422 if problem else 200 if since is None else 409

    def _told(self, entries: Any) -> Any:
        who = names_of({entry.user_id for entry in entries if entry.user_id is not None})

        def line(entry: AuditEntry) -> Told:
            name = who.get(entry.user_id, _("former user")) if entry.user_id is not None else _("System")
            return Told(entry.at, name, str(entry.change.label), operations.changes_told(entry))

        return [line(entry) for entry in entries]

    # -- changing ----------------------------------------------------------------------------

    @expose("/save/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self, pk: str) -> Any:
        """Make the role hold exactly what is ticked, unless somebody saved it since the page was opened."""
        role, wanted = self._sent(pk)
        seen = parse_key(request.form.get("version")) or 0
        if seen != audit.last_entry("ab_role", role.id):
            return self._page(role, wanted, since=seen)
        if problem := self._attempt(lambda: operations.save_cells(role, wanted)):
            return self._page(role, wanted, problem=problem)
        flash(_("%(role)s was saved. It holds from everyone's next click.", role=role_label(role)), "success")
        return redirect(url_for("RoleView.show", pk=role.id))

    @expose("/reset/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def reset(self, pk: str) -> Any:
        """Go back to the shipped matrix: with one screen, or with all; other changes on the page are kept."""
        role, wanted = self._sent(pk)
        if not operations.is_shipped(role):
            abort(404)
        matrix, shipped = Matrix(role), operations.shipped_cells(role)
        chosen = request.form.get("screen")
        names = [chosen] if chosen else [*matrix.views]
        if chosen and chosen not in matrix.views:
            abort(404)
        back = {name: shipped.get(name, NOTHING) for name in names}
        if problem := self._attempt(lambda: operations.save_cells(role, back)):
            return self._page(role, wanted, problem=problem)
        flash(_("This is as it was shipped again."), "success")
        wanted = {name: cell for name, cell in wanted.items() if name not in back}
        if Matrix(role, wanted).has_unsaved():
            return self._page(role, wanted)
        return redirect(url_for("RoleView.show", pk=role.id))

    def _sent(self, pk: str) -> tuple[Role, dict[str, Cell]]:
        """Return the role and what the sent page wants; others wait until this request is done."""
        role = self._role(pk)
        lock_rights()
        try:
            return role, Matrix(role).read(request.form)
        except KeyError:
            abort(400)

    def _attempt(self, change: Callable[[], object]) -> str:
        """Run a change and commit it; return in words what forbids it, nothing if it is done."""
        try:
            change()
            db.session.commit()
        except RuleError as error:
            db.session.rollback()
            return str(error)
        return ""

    # -- making, naming, deleting ------------------------------------------------------------

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def add(self) -> Any:
        """Make a role, alone or like another one."""
        form, known = NewRoleForm(), {str(role.id): role for role in operations.all_roles()}
        form.copy_of.choices = [("", _("no rights yet")), *((key, str(role)) for key, role in known.items())]
        made: Any = []
        if form.validate_on_submit() and self._fill(
            form, lambda: made.append(operations.make_role(form.names(), known.get(form.copy_of.data)))
        ):
            flash(_("%(record)s was saved.", record=form.names()[NAMES[0]]), "success")
            return redirect(url_for("RoleView.show", pk=made[0].id))
        return self._form_page(form, _("New role"), url_for("RoleView.list"))

    @expose("/rename/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def rename(self, pk: str) -> Any:
        """Call a role made here something else."""
        role = self._role(pk)
        form = NamesForm(obj=db.session.get(RoleName, role.id) or abort(404))
        if form.validate_on_submit() and self._fill(form, lambda: operations.rename_role(role, form.names())):
            return redirect(url_for("RoleView.show", pk=role.id))
        return self._form_page(form, _("Rename the role"), url_for("RoleView.show", pk=role.id))

    def _fill(self, form: PortalForm, change: Callable[[], object]) -> bool:
        try:
            change()
            db.session.commit()
        except RuleError as error:
            db.session.rollback()
            form.refuse(error)
            return False
        return True

    def _form_page(self, form: PortalForm, title: str, back: str) -> Any:
        page = self.render_template("lobby/role_form.html", form=form, title=title, back=back)
        return page, 422 if form.errors else 200

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, pk: str) -> Any:
        """Delete a role made here that nobody holds."""
        role = self._role(pk)
        if problem := self._attempt(lambda: operations.delete_role(role)):
            flash(problem, "danger")
            return redirect(url_for("RoleView.show", pk=pk))
        flash(_("The role was deleted."), "success")
        return redirect(url_for("RoleView.list"))
