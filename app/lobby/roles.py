"""Operations on roles: what a role holds screen by screen, saving it exactly, making and deleting roles (clause 1.2).

None commits. Whatever takes rights away ends with ``check_keeper``: somebody must stay who can change roles.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Role, User, assoc_permissionview_role
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import delete, func, select

from app.core import actor, audit
from app.core.audit import AuditEntry, Change
from app.core.db import db
from app.core.errors import RuleError
from app.core.menu import GROUPS
from app.core.rights import granted, load_grants, roles_held
from app.core.roles import (
    ROLE_LABELS,
    Grant,
    RoleName,
    SyncResult,
    current_grants,
    guarded_views,
    lock_rights,
    role_label,
    shipped_grants,
    verb_label,
    verbs_of,
    write_grants,
)
from app.core.scope import SCOPE_LABELS, Scope

PAGE = "RoleView"
SCOPES = {scope.key: scope for scope in Scope}
MADE = "made_"


@dataclass(frozen=True)
class Cell:
    """What one role may do on one screen: verbs, whose records they reach, and verbs with a reach of their own."""

    verbs: frozenset[str] = frozenset()
    scope: Scope = Scope.NONE
    special: Mapping[str, Scope] = field(default_factory=dict)

    @classmethod
    def of(cls, permissions: Iterable[str]) -> Cell:
        """Read the permissions of one role on one screen; of two scopes the wider counts, as it does for rights."""
        verbs, scopes = set(), {"": Scope.NONE}
        for permission in permissions:
            kind, _line, rest = permission.partition("_")
            if kind == "can":
                verbs.add(rest)
            elif kind == "scope":
                key, _line, verb = rest.partition("_")
                scopes[verb] = max(SCOPES[key], scopes.get(verb, Scope.NONE))
        return cls(frozenset(verbs), scopes.pop(""), scopes)

    def permissions(self) -> frozenset[str]:
        """Return the permissions this stands for; without verbs there are none."""
        if not self.verbs:
            return frozenset()
        own = {f"scope_{scope.key}_{verb}" for verb, scope in self.special.items() if verb in self.verbs}
        return frozenset({f"scope_{self.scope.key}", *(f"can_{verb}" for verb in self.verbs), *own})


def cells(grants: Iterable[Grant]) -> dict[str, Cell]:
    """Return one role's grants by screen."""
    by_screen: dict[str, list[str]] = {}
    for _role, permission, view in grants:
        by_screen.setdefault(view, []).append(permission)
    return {view: Cell.of(permissions) for view, permissions in by_screen.items()}


def screens() -> list[tuple[str, dict[str, Any]]]:
    """Return every screen that asks for a right by its name, in the navigation's groups and order."""
    left = guarded_views()
    menu = current_app.appbuilder.menu  # type: ignore[attr-defined]
    found = []
    for name, label in GROUPS.items():
        group = menu.find(name)
        children = [child.baseview.class_permission_name for child in (group.childs if group else ()) if child.baseview]
        shown = {child: left.pop(child) for child in dict.fromkeys(children) if child in left}
        if shown:
            found.append((str(label), shown))
    if left:
        found.append((_("Pages without an entry in the navigation"), left))
    return found


def scopes_of(view: Any, held: Iterable[Scope] = ()) -> list[Scope]:
    """Return the scopes a role may be given on a screen, narrow first: those with a path, all, and those held."""
    return sorted({*getattr(view, "scopes", {}), Scope.ALL, *held} - {Scope.NONE})


def scope_words(cell: Cell, view: Any) -> str:
    """Return whose records a cell reaches, in words."""
    parts = [str(SCOPE_LABELS[cell.scope])] if cell.scope else []
    parts += [
        _("%(verb)s: %(reach)s", verb=verb_label(view, verb), reach=str(SCOPE_LABELS[cell.special[verb]]))
        for verb in verbs_of(view)
        if verb in cell.special and verb in cell.verbs
    ]
    return _(", ").join(parts)


def verb_words(verbs: Iterable[str], view: Any) -> str:
    """Return verbs of a screen in words, in the usual order."""
    chosen = set(verbs)
    return _(", ").join(verb_label(view, verb) for verb in verbs_of(view) if verb in chosen)


def difference(now: Cell, then: Cell, view: Any) -> list[str]:
    """Return in words how a cell differs from another; nothing where they are the same."""
    if now.permissions() == then.permissions():
        return []
    told = []
    if added := now.verbs - then.verbs:
        told.append(_("added: %(verbs)s", verbs=verb_words(added, view)))
    if gone := then.verbs - now.verbs:
        told.append(_("taken away: %(verbs)s", verbs=verb_words(gone, view)))
    before, after = scope_words(then, view), scope_words(now, view)
    if now.verbs and then.verbs and before != after:
        told.append(_("reach: %(after)s, was: %(before)s", after=after, before=before))
    return told


def changes_told(entry: AuditEntry) -> list[str]:
    """Return one entry of a role's trail in words, a line for each screen."""
    views, told = guarded_views(), []
    for name in {**entry.before, **entry.after}:
        view = views.get(name)
        gone, new = (_permissions_told(side.get(name) or "", view) for side in (entry.before, entry.after))
        words = [_("taken away: %(verbs)s", verbs=gone)] if gone else []
        words += [_("added: %(verbs)s", verbs=new)] if new else []
        if view is not None and words:
            told.append(_("%(verb)s: %(reach)s", verb=str(view.title), reach=" · ".join(words)))
        elif name.startswith("name_") and new:
            told.append(new)
    return told


def _permissions_told(permissions: str, view: Any) -> str:
    if view is None:
        return permissions
    cell = Cell.of(permissions.split())
    bare = Cell(cell.verbs | cell.special.keys(), cell.scope, cell.special)
    return _(", ").join(part for part in (verb_words(cell.verbs, view), scope_words(bare, view)) if part)


# -- reading roles ---------------------------------------------------------------------------


def roles_with_holders() -> list[tuple[Role, int]]:
    """Return every role with the number of its holders: those that came with the portal first, in their order."""
    held = roles_held().subquery()
    query = select(Role, func.count(held.c.user_id)).outerjoin(held, held.c.role_id == Role.id).group_by(Role.id)
    places = list(ROLE_LABELS)
    rows = [(role, count) for role, count in db.session.execute(query)]
    return sorted(
        rows, key=lambda row: (places.index(row[0].name) if row[0].name in places else len(places), row[0].id)
    )


def all_roles() -> list[Role]:
    """Return every role, in the same order."""
    return [role for role, _count in roles_with_holders()]


def holders_of(role: Role) -> list[User]:
    """Return who holds a role, by login name."""
    held = roles_held().subquery()
    mine = select(held.c.user_id).where(held.c.role_id == role.id)
    return list(db.session.scalars(select(User).where(User.id.in_(mine)).order_by(User.username)))


def is_shipped(role: Role) -> bool:
    """Tell whether the role came with the portal; such a role is neither renamed nor deleted."""
    return role.name in ROLE_LABELS


def access_of(user: User) -> list[tuple[str, list[tuple[str, list[tuple[str, str, str]]]]]]:
    """Return what a person may do: by group and screen, the role it comes through, verbs and reach in words."""
    held: dict[str, dict[int, list[str]]] = {}
    for role_id, permission, view in load_grants(user.id):
        held.setdefault(view, {}).setdefault(role_id, []).append(permission)
    roles = {role.id: role_label(role) for role in db.session.scalars(select(Role))}
    shown = []
    for group, views in screens():
        rows = []
        for name, view in views.items():
            mine = [
                (roles[role_id], Cell.of(permissions)) for role_id, permissions in sorted(held.get(name, {}).items())
            ]
            lines = [(role, verb_words(cell.verbs, view), scope_words(cell, view)) for role, cell in mine]
            if lines:
                rows.append((str(view.title), lines))
        if rows:
            shown.append((group, rows))
    return shown


def check_keeper(field: str | None = None) -> None:
    """Raise RuleError if, after what was just changed, no active user could change roles any more."""
    held = roles_held().subquery()
    grant = granted().subquery()
    able = (
        select(User.id)
        .join(held, held.c.user_id == User.id)
        .join(grant, grant.c.role_id == held.c.role_id)
        .where(User.active.is_(True), grant.c[1] == "can_edit", grant.c[2] == PAGE)
    )
    if db.session.scalar(able.limit(1)) is None:
        raise RuleError(
            _("Nobody could change roles any more: at least one active person must keep that right."), field
        )


# -- changing roles --------------------------------------------------------------------------


def save_cells(role: Role, wanted: Mapping[str, Cell]) -> SyncResult:
    """Make a role hold exactly this on the given screens; what it holds on other screens stays.

    Raises RuleError if the person would lose their own way to this page, or if nobody could change roles any more.
    """
    lock_rights()
    held = current_grants(role.id)
    after = {grant for grant in held if grant[2] not in wanted}
    after |= {(role.name, permission, view) for view, cell in wanted.items() for permission in cell.permissions()}
    result = write_grants(held, frozenset(after))
    if result.removed:
        me = actor.user_id()
        rights = load_grants(me) if me is not None else None
        if rights is not None and not (rights.may("can_list", PAGE) and rights.may("can_edit", PAGE)):
            raise RuleError(
                _("You would lose your own right to change roles. Ask another administrator to take it away.")
            )
        check_keeper()
    return result


def shipped_cells(role: Role) -> dict[str, Cell]:
    """Return what the shipped matrix gives a role, by screen; nothing for a role made in the portal."""
    return cells(shipped_grants(role.name))


def make_role(names: Mapping[str, str], copy_of: Role | None = None) -> Role:
    """Make a role with a name in three languages, holding what another one holds. Raises RuleError for a taken name."""
    role = Role(name=f"{MADE}{secrets.token_hex(4)}")
    _check_names(names, role)
    db.session.add(role)
    db.session.flush()
    db.session.add(RoleName(role_id=role.id, **names))
    db.session.flush()
    audit.note("ab_role", role.id, {}, dict(names), Change.ADDED)
    if copy_of is not None:
        grants = {(role.name, permission, view) for _role, permission, view in current_grants(copy_of.id)}
        write_grants(frozenset(), frozenset(grants))
    return role


def rename_role(role: Role, names: Mapping[str, str]) -> None:
    """Give a role that was made here another name. Raises RuleError for a taken name."""
    _check_names(names, role)
    kept = db.session.get_one(RoleName, role.id)
    before = {key: getattr(kept, key) for key in names}
    for key, name in names.items():
        setattr(kept, key, name)
    if before != dict(names):
        audit.note("ab_role", role.id, before, dict(names))


def _check_names(names: Mapping[str, str], role: Role) -> None:
    languages = {"name_zh_hant": "zh_Hant_TW", "name_zh_hans": "zh_Hans_CN", "name_en": "en"}
    made = list(db.session.scalars(select(RoleName).where(RoleName.role_id != (role.id or 0))))
    for key, name in names.items():
        with force_locale(languages[key]):
            taken = {str(label) for label in ROLE_LABELS.values()} | {getattr(row, key) for row in made}
        if name in taken:
            raise RuleError(_("Another role has this name."), field=key)


def delete_role(role: Role) -> None:
    """Delete a role that was made here and that nobody holds; raises RuleError for any other."""
    lock_rights()
    if is_shipped(role):
        raise RuleError(_("Roles that came with the portal cannot be deleted."))
    if holders_of(role) or role.groups:
        raise RuleError(_("Somebody holds this role. Take it from everyone first."))
    write_grants(current_grants(role.id), frozenset())
    audit.note("ab_role", role.id, {"name_en": role_label(role)}, {}, Change.DELETED)
    db.session.execute(delete(assoc_permissionview_role).where(assoc_permissionview_role.c.role_id == role.id))
    db.session.execute(delete(Role).where(Role.id == role.id))
