"""Who may do what: the rights of a set of roles are read once and kept until any right changes.

Which roles a person holds is read anew by every request, together with the version of all rights. Triggers of the
database change that version in the transaction that changes what any role grants, whoever writes it
(``migrations/versions/0006``): what a process keeps counts only while the version it was read under still stands, so a
right that was taken away is gone with the next request, in every process.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cache
from threading import Lock
from typing import Any

from flask import Flask, current_app, g
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    ViewMenu,
    assoc_group_role,
    assoc_permissionview_role,
    assoc_user_group,
    assoc_user_role,
)
from sqlalchemy import BindParameter, CheckConstraint, Select, String, bindparam, inspect, select, true, union
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.local import LocalProxy

from app.core.db import Model, db
from app.core.scope import Scope

SETS_KEPT = 64
"""Sets of roles whose rights a process keeps; a department has a dozen."""
DERIVED_KEPT = 500
"""Things kept with the rights of one set of roles: the navigation, and of each screen its columns and filters, in each
language."""


class RightsVersion(Model):
    """The one row that names the present state of what all roles grant (權限版本); triggers change it.

    The name is random: one that was given in a transaction that was undone never comes again.
    """

    __tablename__ = "rights_version"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(36))


class Grants:
    """What a set of roles grants: permission and screen, and by which roles; ``version`` names the state it is of."""

    def __init__(self, rows: Iterable[tuple[int, str, str]], version: str | None = None) -> None:
        self.version = version
        self._roles: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._scopes: dict[tuple[str, str], Scope] = {}
        self._derived: dict[Hashable, Any] = {}
        for role_id, permission, view in rows:
            self._roles[permission, view].add(role_id)

    def __iter__(self) -> Iterator[tuple[int, str, str]]:
        """Yield role by id, permission, screen."""
        for (permission, view), roles in self._roles.items():
            for role_id in roles:
                yield role_id, permission, view

    def may(self, permission: str, view: str) -> bool:
        """Tell whether any role grants the permission on the screen."""
        return (permission, view) in self._roles

    def scope(self, verb: str, view: str) -> Scope:
        """Return the widest scope among the roles that grant this verb on this screen."""
        found = self._scopes.get((verb, view))
        if found is None:
            holders = self._roles.get((f"can_{verb}", view), ())
            found = max((self._scope_of(role, verb, view) for role in holders), default=Scope.NONE)
            self._scopes[verb, view] = found
        return found

    def _scope_of(self, role: int, verb: str, view: str) -> Scope:
        for suffix in (f"_{verb}", ""):
            for scope in sorted(Scope, reverse=True):
                if role in self._roles.get((f"scope_{scope.key}{suffix}", view), ()):
                    return scope
        return Scope.NONE

    def keep(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what follows from these rights alone; made once for a key, and gone with them.

        It is everybody's who has these roles: nothing of a person, of a record or of a request may stand in it.
        """
        found = self._derived.get(key)
        if found is None:
            found = make()
            if len(self._derived) >= DERIVED_KEPT:
                self._derived.clear()
            self._derived[key] = found
        return found


NOTHING = Grants(())
"""The rights of nobody."""


class KeptGrants:
    """What sets of roles grant, as this process read it last; the sets that were asked for last stay."""

    def __init__(self) -> None:
        self._kept: OrderedDict[frozenset[int], Grants] = OrderedDict()
        self._lock = Lock()

    def of(self, role_ids: frozenset[int], version: str | None) -> Grants:
        """Return what roles grant under a version, or under a later one; asks the database only if it is not kept.

        The rights and the version they are kept under come from one statement, and so from one state of the
        database. Were the version taken from the statement before, a change between the two could put the rights of
        one state under the name of another, and whoever came later would be given them.
        """
        with self._lock:
            found = self._kept.get(role_ids)
            if found is not None and found.version == version:
                self._kept.move_to_end(role_ids)
                return found
        found = _read(role_ids)
        if found.version is not None:
            with self._lock:
                self._kept[role_ids] = found
                self._kept.move_to_end(role_ids)
                if len(self._kept) > SETS_KEPT:
                    self._kept.popitem(last=False)
        return found


def init_app(app: Flask) -> None:
    """Give an application its kept rights."""
    app.extensions["portal_grants"] = KeptGrants()


# -- statements ------------------------------------------------------------------------------


def roles_held() -> Select[int, int]:
    """Return the statement for who holds which role: users and roles by id, through groups, too."""
    return select(
        union(
            select(assoc_user_role.c.user_id, assoc_user_role.c.role_id),
            select(assoc_user_group.c.user_id, assoc_group_role.c.role_id).join(
                assoc_group_role, assoc_group_role.c.group_id == assoc_user_group.c.group_id
            ),
        ).subquery("held")
    )


def roles_of(user_id: BindParameter[int]) -> Select[int]:
    """Return the statement for the roles of one user, by id, through groups, too."""
    groups = select(assoc_group_role.c.role_id).join(
        assoc_user_group, assoc_user_group.c.group_id == assoc_group_role.c.group_id
    )
    return select(
        union(
            select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == user_id),
            groups.where(assoc_user_group.c.user_id == user_id),
        ).subquery("mine")
    )


def granted() -> Select[int, str, str]:
    """Return the statement for what roles grant: role by id, permission, screen."""
    return (
        select(assoc_permissionview_role.c.role_id, Permission.name, ViewMenu.name)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )


@cache
def _granted_to_roles() -> Select[str, int | None, str | None, str | None]:
    """Return the statement for the version and, beside it, what some roles grant: a row at least, with nothing."""
    roles: BindParameter[int] = bindparam("role_ids", expanding=True)
    grant = granted().where(assoc_permissionview_role.c.role_id.in_(roles)).subquery()
    return select(RightsVersion.version, *grant.c).outerjoin_from(RightsVersion, grant, true())


@cache
def _held_by_one() -> Select[str, int | None]:
    """Return the statement for the version and, beside it, the roles of one user."""
    held = roles_of(bindparam("user_id")).subquery()
    return select(RightsVersion.version, held.c.role_id).outerjoin_from(RightsVersion, held, true())


# -- reading ---------------------------------------------------------------------------------


def _read(role_ids: frozenset[int]) -> Grants:
    rows = db.session.execute(_granted_to_roles(), {"role_ids": sorted(role_ids)}).all()
    found = [(role, permission, view) for _version, role, permission, view in rows if role and permission and view]
    return Grants(found, rows[0].version if rows else None)


def keep_grants(user_id: int, role_ids: frozenset[int], version: str | None) -> None:
    """Let this request know a user's rights, whose roles and version it has read already."""
    kept: KeptGrants = current_app.extensions["portal_grants"]
    g.setdefault("portal_grants", {})[user_id] = kept.of(role_ids, version)


def load_grants(user_id: int) -> Grants:
    """Return a user's rights as they are now, for this transaction, too, if it has changed them."""
    rows = db.session.execute(_held_by_one(), {"user_id": user_id}).all()
    kept: KeptGrants = current_app.extensions["portal_grants"]
    role_ids = frozenset(row.role_id for row in rows if row.role_id is not None)
    return kept.of(role_ids, rows[0].version if rows else None)


def grants() -> Grants:
    """Return the rights of whoever makes this request; nobody signed in has none."""
    user = g.get("user")
    # What stands behind a proxy is asked for once: pages ask for rights dozens of times.
    user = user._get_current_object() if isinstance(user, LocalProxy) else user  # noqa: SLF001 - werkzeug's own way
    if user is None or not user.is_authenticated:
        return NOTHING
    held: dict[int, Grants] = g.setdefault("portal_grants", {})
    key = _key_of(user)
    if key not in held:
        held[key] = load_grants(key)
    return held[key]


def _key_of(user: Any) -> int:
    """Return a user's id, also of one whose row has left its session, as happens while an export is streamed."""
    state = inspect(user, raiseerr=False)
    key: int = state.identity[0] if state is not None and state.identity else user.id
    return key


def opens(held: Grants, view: Any) -> bool:
    """Tell whether rights open a screen's first page."""
    return held.may(f"can_{view.get_method_permission(view.default_view)}", view.class_permission_name)
