"""Roles: the matrix in ``seed/roles.csv`` and the exact, repeatable way it gets into the database.

One row per screen, one column per role; a cell lists verbs and the scope they hold for:
``list show edit @team; lookup @all``. What an administrator changed in the interface is kept: only what the
shipped matrix itself changed since the last release is carried over.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app, g, has_app_context
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    ViewMenu,
    assoc_permissionview_role,
)
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, String, delete, insert, select, text, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from app.core import audit
from app.core.db import Model, db
from app.core.entity import reader_name
from app.core.scope import Scope
from app.core.types import Name

ROLE_LABELS = {
    "agent": _l("Agent"),
    "team_lead": _l("Team leader"),
    "supervisor": _l("Supervisor"),
    "facility": _l("Facility staff"),
    "department": _l("Department contact"),
    "auditor": _l("Auditor"),
    "administrator": _l("Administrator"),
}
VERB_LABELS = {
    "list": _l("List"),
    "show": _l("View"),
    "add": _l("Add"),
    "edit": _l("Edit"),
    "delete": _l("Delete"),
    "lookup": _l("Choose in forms"),
    "export": _l("Export"),
    "import": _l("Import"),
    "get": _l("Read"),
}
SYNC_LOCK = 7_341_905

Grant = tuple[str, str, str]
"""Role, permission (``can_list``, ``scope_team``), screen."""


class ShippedGrant(Model):
    """One grant of the matrix as it was last synchronised: what tells our change from an administrator's."""

    __tablename__ = "shipped_grant"

    role: Mapped[str] = mapped_column(String(64), primary_key=True)
    permission: Mapped[str] = mapped_column(String(100), primary_key=True)
    view: Mapped[str] = mapped_column(String(100), primary_key=True)


class RoleName(Model):
    """What a role that was made in the portal is called (角色名稱); those that came with it have ROLE_LABELS."""

    __tablename__ = "role_name"

    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True)
    name_zh_hant: Mapped[Name]
    name_zh_hans: Mapped[Name]
    name_en: Mapped[Name]


def role_label(role: Role) -> str:
    """Return what a role is called in the reader's language; names of made roles are read once per request."""
    if role.name in ROLE_LABELS or not has_app_context():
        return str(ROLE_LABELS.get(role.name, role.name))
    if "portal_role_names" not in g:
        g.portal_role_names = {row.role_id: reader_name(row) for row in db.session.scalars(select(RoleName))}
    return str(g.portal_role_names.get(role.id, role.name))


Role.__str__ = role_label


class MatrixError(ValueError):
    """The matrix names a screen, verb or scope that does not exist."""


@dataclass(frozen=True)
class SyncResult:
    """What a synchronisation changed."""

    added: frozenset[Grant]
    removed: frozenset[Grant]


def permissions_in(cell: str) -> Iterator[str]:
    """Yield the permissions a cell of the matrix stands for; raises MatrixError for an unknown scope.

    The first group's scope holds for the screen; a later group's for its own verbs only.
    """
    for number, group in enumerate(part.strip() for part in cell.split(";")):
        words = group.split()
        scopes = [word[1:] for word in words if word.startswith("@")]
        verbs = [word for word in words if not word.startswith("@")]
        known = {scope.key for scope in Scope}
        if len(scopes) > 1 or not set(scopes) <= known or (verbs and not scopes):
            message = f"cannot read the cell {cell!r}"
            raise MatrixError(message)
        for verb in verbs:
            yield f"can_{verb}"
            if number:
                yield f"scope_{scopes[0]}_{verb}"
        if not number and scopes:
            yield f"scope_{scopes[0]}"


def read_matrix(path: Path) -> frozenset[Grant]:
    """Return the grants of a matrix file; raises MatrixError with the row at fault."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    grants: set[Grant] = set()
    for row in rows:
        view = row.pop("screen")
        for role, cell in row.items():
            try:
                grants.update((role, permission, view) for permission in permissions_in(cell or ""))
            except MatrixError as error:
                message = f"{path.name}, {view}, {role}: {error}"
                raise MatrixError(message) from error
    return frozenset(grants)


def verbs_of(view: Any) -> list[str]:
    """Return the verbs a screen knows, in the usual order, its workflow's steps last."""
    known = [permission.removeprefix("can_") for permission in view.base_permissions]
    usual = [verb for verb in VERB_LABELS if verb in known]
    return usual + sorted(set(known) - set(usual), key=lambda verb: (_place(view, verb), verb))


def _place(view: Any, verb: str) -> int:
    workflow = getattr(view, "workflow", None)
    steps = list(workflow.steps) if workflow else []
    return steps.index(verb) if verb in steps else -1


def verb_label(view: Any, verb: str) -> str:
    """Return what a verb of a screen is called: a usual one, a workflow's step, or one of the screen's own."""
    workflow = getattr(view, "workflow", None)
    if workflow and verb in workflow.steps:
        return str(workflow.steps[verb].label)
    own = getattr(view, "verb_labels", {})
    return str(own.get(verb) or VERB_LABELS.get(verb) or verb)


def guarded_views() -> dict[str, Any]:
    """Return every screen that asks for a right, by its name in the matrix; a REST API goes by its screen."""
    found: dict[str, Any] = {}
    for view in current_app.appbuilder.baseviews:  # type: ignore[attr-defined]
        if getattr(view, "base_permissions", None):
            known = found.setdefault(view.class_permission_name, view)
            if hasattr(view, "title") and not hasattr(known, "title"):
                found[view.class_permission_name] = view
    return found


def check_matrix(grants: Iterable[Grant]) -> None:
    """Raise MatrixError if the matrix and the screens do not name the same things."""
    verbs = {name: set(view.base_permissions) for name, view in guarded_views().items()}
    for role, permission, view in sorted(grants):
        if view not in verbs:
            message = f"the matrix names the screen {view}, which does not exist"
            raise MatrixError(message)
        if permission.startswith("can_") and permission not in verbs[view]:
            message = f"the matrix gives {role} the verb {permission.removeprefix('can_')}, which {view} does not know"
            raise MatrixError(message)
    if missing := set(verbs) - {view for _role, _permission, view in grants}:
        message = f"screens without a row in the matrix: {', '.join(sorted(missing))}"
        raise MatrixError(message)


def current_grants(role_id: int | None = None) -> frozenset[Grant]:
    """Return what the roles hold in the database now, or what one role holds."""
    query = (
        select(Role.name, Permission.name, ViewMenu.name)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == Role.id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    rows = db.session.execute(query if role_id is None else query.where(Role.id == role_id))
    return frozenset((role, permission, view) for role, permission, view in rows)


def shipped_grants(role: str | None = None) -> frozenset[Grant]:
    """Return the matrix as it was last synchronised, or one role's part of it."""
    query = select(ShippedGrant.role, ShippedGrant.permission, ShippedGrant.view)
    rows = db.session.execute(query if role is None else query.where(ShippedGrant.role == role))
    return frozenset((name, permission, view) for name, permission, view in rows)


def lock_rights() -> None:
    """Let one transaction at a time change rights: what it reads after this stays true until it ends.

    SQLite has one writer anyway; its transaction began as one (see ``core.db``).
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SYNC_LOCK})


def sync_roles(matrix: frozenset[Grant]) -> SyncResult:
    """Carry the shipped matrix into the database in one transaction; the caller commits.

    Grants new in the matrix are added, grants dropped from it are removed, what an administrator changed stays.
    Grants on screens or verbs that no longer exist are removed whoever gave them. Several servers may start a
    release at once: the second waits and finds nothing to do.
    """
    lock_rights()
    before, held = shipped_grants(), current_grants()
    wanted = (held | (matrix - before)) - (before - matrix)
    verbs = {name: set(view.base_permissions) for name, view in guarded_views().items()}
    wanted = frozenset(
        grant
        for grant in _one_scope(wanted, held - before)
        if grant[2] in verbs and (grant[1].startswith("scope_") or grant[1] in verbs[grant[2]])
    )
    result = write_grants(held, wanted)
    if gone := before - matrix:
        key = tuple_(ShippedGrant.role, ShippedGrant.permission, ShippedGrant.view)
        db.session.execute(delete(ShippedGrant).where(key.in_(sorted(gone))))
    if new := matrix - before:
        rows = [{"role": role, "permission": permission, "view": view} for role, permission, view in sorted(new)]
        db.session.execute(insert(ShippedGrant), rows)
    if result.removed:
        _forget_orphans()
    return result


def _one_scope(wanted: frozenset[Grant], chosen: frozenset[Grant]) -> frozenset[Grant]:
    """Leave one scope per role, screen and verb: where an administrator chose one, it outlives a new shipped one."""
    places: dict[tuple[str, str, str], set[Grant]] = {}
    for grant in wanted:
        role, permission, view = grant
        if permission.startswith("scope_"):
            verb = permission.split("_", 2)[2:]
            places.setdefault((role, view, "".join(verb)), set()).add(grant)
    surplus = {grant for grants in places.values() if len(grants) > 1 and grants & chosen for grant in grants - chosen}
    return wanted - surplus


def write_grants(before: frozenset[Grant], after: frozenset[Grant]) -> SyncResult:
    """Change the database from the grants ``before`` to those ``after``; does not commit.

    The difference goes to the audit trail. Roles, permissions and screens that are new get their rows.
    """
    added, removed = after - before, before - after
    touched = added | removed
    if not touched:
        return SyncResult(added, removed)
    roles = _ids(Role, {role for role, _p, _v in touched})
    permissions = _ids(Permission, {permission for _r, permission, _v in touched})
    views = _ids(ViewMenu, {view for _r, _p, view in touched})
    pairs = _pairs({(permissions[p], views[v]) for _r, p, v in touched})
    held = assoc_permissionview_role
    for role in sorted({role for role, _p, _v in removed}):
        links = [pairs[permissions[p], views[v]] for r, p, v in removed if r == role]
        db.session.execute(delete(held).where(held.c.role_id == roles[role], held.c.permission_view_id.in_(links)))
    if added:
        db.session.execute(
            insert(held),
            [
                {"role_id": roles[role], "permission_view_id": pairs[permissions[p], views[v]]}
                for role, p, v in sorted(added)
            ],
        )
    for role in sorted({grant[0] for grant in touched}):
        audit.note("ab_role", roles[role], _told(removed, role), _told(added, role))
    return SyncResult(added, removed)


def _told(grants: frozenset[Grant], role: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, permission, view in sorted(grants):
        if name == role:
            told[view] = f"{told[view]} {permission}" if view in told else permission
    return told


def _ids(model: type[Any], names: set[str]) -> dict[str, int]:
    """Return the ids of named rows, made where they are missing."""

    def read() -> dict[str, int]:
        return {name: key for name, key in db.session.execute(select(model.name, model.id))}  # noqa: C416 - rows, typed

    known = read()
    missing = [{"name": name} for name in sorted(names - set(known))]
    if missing:
        db.session.execute(insert(model), missing)
        known = read()
    return known


def _pairs(wanted: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return the ids of permission-on-screen rows, made where they are missing."""

    def read() -> dict[tuple[int, int], int]:
        rows = db.session.execute(select(PermissionView.permission_id, PermissionView.view_menu_id, PermissionView.id))
        return {(permission, view): key for permission, view, key in rows}

    known = read()
    missing = [{"permission_id": p, "view_menu_id": v} for p, v in sorted(wanted - set(known))]
    if missing:
        db.session.execute(insert(PermissionView), missing)
        known = read()
    return known


def _forget_orphans() -> None:
    """Delete permissions of screens that no role holds: a renamed screen leaves nothing behind."""
    held = select(assoc_permissionview_role.c.permission_view_id)
    db.session.execute(delete(PermissionView).where(PermissionView.id.not_in(held)))
    db.session.execute(delete(ViewMenu).where(ViewMenu.id.not_in(select(PermissionView.view_menu_id))))
    db.session.execute(delete(Permission).where(Permission.id.not_in(select(PermissionView.permission_id))))
