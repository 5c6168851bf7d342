"""Row scope: which records of a screen a person sees, declared per role and held on every path.

A role's cell in the matrix says ``list show edit @team``; the scope is stored as a permission of the screen
(``scope_team``), beside the verbs, so that it is synchronised, shown and taken away with them. A verb may have
a wider or narrower scope of its own: ``lookup @all`` is stored as ``scope_all_lookup``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import current_app, g, has_request_context
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, false, or_, true

from app.core import actor
from app.core.db import db


class Scope(enum.IntEnum):
    """How far a role sees, from its own records to all; a person with several roles gets the widest."""

    NONE = 0
    OWN = 1
    TEAM = 2
    DEPARTMENT = 3
    ALL = 4

    @property
    def key(self) -> str:
        """The word used in the matrix and in permission names."""
        return self.name.lower()


SCOPE_LABELS = {
    Scope.OWN: _l("Own records"),
    Scope.TEAM: _l("Own team"),
    Scope.DEPARTMENT: _l("Own department"),
    Scope.ALL: _l("All records"),
}


@dataclass(frozen=True)
class Viewer:
    """Who looks: the staff member, teams and department behind a login, by id. A room fills them in."""

    user_id: int
    person_id: int | None = None
    team_ids: frozenset[int] = field(default_factory=frozenset)
    department_id: int | None = None


def set_viewers(source: Select[*tuple[Any, ...]]) -> None:
    """Let the room that knows staff say who is behind a login: a statement of login, person, department, teams by id.

    Each login has one row at most, and as many columns of teams as a person may belong to.
    """
    current_app.extensions["portal_viewers"] = source


def viewers() -> Select[*tuple[Any, ...]] | None:
    """Return the statement for who is behind each login, if a room knows."""
    found: Select[*tuple[Any, ...]] | None = current_app.extensions.get("portal_viewers")
    return found


def viewer_of(user_id: int, place: Sequence[int | None]) -> Viewer:
    """Return the viewer behind a login from the columns after it in the row of ``viewers``, if there is one."""
    if not place:
        return Viewer(user_id)
    person, department, *teams = place
    return Viewer(user_id, person, frozenset(team for team in teams if team is not None), department)


def load_viewer(user_id: int) -> Viewer:
    """Return who is behind a login, read anew."""
    source = viewers()
    row = (
        db.session.execute(source.where(source.selected_columns[0] == user_id)).first() if source is not None else None
    )
    return viewer_of(user_id, row[1:] if row is not None else ())


def viewer() -> Viewer:
    """Return who looks at this request's pages."""
    if "portal_viewer" not in g:
        g.portal_viewer = load_viewer(g.user.id)
    found: Viewer = g.portal_viewer
    return found


def acting_viewer() -> Viewer | None:
    """Return who acts: this request's viewer, or whoever a command or job acts for; None is the system itself."""
    user_id = actor.user_id()
    if user_id is None:
        return None
    if has_request_context() and g.user.is_authenticated and g.user.id == user_id:
        return viewer()
    return load_viewer(user_id)


def path_in(model: Any, path: str, values: frozenset[int]) -> ColumnElement[bool]:
    """Return that a dotted path of a model (``reporter.team_id``) leads to one of the values."""
    head, _, rest = path.partition(".")
    attribute = getattr(model, head)
    if rest:
        step = attribute.any if attribute.property.uselist else attribute.has
        clause: ColumnElement[bool] = step(path_in(attribute.property.mapper.class_, rest, values))
        return clause
    if hasattr(attribute.property, "mapper"):
        target = attribute.property.mapper.class_
        step = attribute.any if attribute.property.uselist else attribute.has
        return step(target.id.in_(values))  # type: ignore[no-any-return]
    return attribute.in_(values)  # type: ignore[no-any-return]


def scope_clause(model: Any, scope: Scope, paths: Mapping[Scope, Sequence[str]]) -> ColumnElement[bool]:
    """Return the condition on a model's rows that a scope allows this viewer.

    ``paths`` says where the model keeps the person (OWN), the team (TEAM) and the department. A wider scope
    includes the narrower ones. Nothing declared means nothing seen: a missing path never opens a door.
    """
    if scope is Scope.ALL:
        return true()
    if scope is Scope.NONE:
        return false()
    who = viewer()
    held: dict[Scope, frozenset[int]] = {
        Scope.OWN: frozenset({who.person_id} - {None}),  # type: ignore[arg-type]
        Scope.TEAM: who.team_ids,
        Scope.DEPARTMENT: frozenset({who.department_id} - {None}),  # type: ignore[arg-type]
    }
    clauses = [
        path_in(model, path, held[level])
        for level in (Scope.OWN, Scope.TEAM, Scope.DEPARTMENT)
        if level <= scope and held[level]
        for path in paths.get(level, ())
    ]
    return or_(*clauses) if clauses else false()


def paths_above(
    paths: Mapping[Scope, Sequence[str]], widest: Scope, relation: str, column: str
) -> dict[Scope, list[str]] | None:
    """Return a model's paths up to a scope as the record at the end of a relation has them.

    None where a row's reach hangs on more than that record. ``column`` is the foreign key of the relation.
    """
    above: dict[Scope, list[str]] = {}
    for level, known in paths.items():
        for path in known if level <= widest else ():
            if path != column and not path.startswith(f"{relation}."):
                return None
            above.setdefault(level, []).append("id" if path == column else path[len(relation) + 1 :])
    return above
