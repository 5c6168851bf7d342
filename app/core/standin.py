"""Standing in: the rights and the name of a person where there is no request, as in an import's thread or a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import g
from flask_appbuilder.security.sqla.models import User

from app.core import actor
from app.core.db import db
from app.core.rights import Grants
from app.core.scope import Scope, Viewer

KEPT = ("user", "portal_grants", "portal_viewer")


class AllGrants(Grants):
    """The rights of the portal itself: of a command that names nobody it works for."""

    def may(self, permission: str, view: str) -> bool:  # noqa: ARG002 - everything
        """Tell that it may."""
        return True

    def scope(self, verb: str, view: str) -> Scope:  # noqa: ARG002 - everywhere
        """Return the widest scope."""
        return Scope.ALL


@dataclass(frozen=True)
class Portal:
    """Stands where the signed-in user stands while the portal itself works."""

    id: int = 0
    is_authenticated: bool = True


@contextmanager
def standing_in(user_id: int | None) -> Iterator[None]:
    """Work with a user's rights and in their name while the block lasts; None is the portal itself, which may all."""
    before = {name: g.pop(name) for name in KEPT if name in g}
    try:
        with actor.acting_as(user_id):
            renew_rights(user_id)
            yield
    finally:
        for name in KEPT:
            g.pop(name, None)
        for name, value in before.items():
            setattr(g, name, value)


def renew_rights(user_id: int | None) -> None:
    """Forget what was read of a user's rights: what was taken away meanwhile is gone, a closed login has none."""
    for name in KEPT:
        g.pop(name, None)
    if user_id is None:
        g.user, g.portal_grants, g.portal_viewer = Portal(), {Portal.id: AllGrants(())}, Viewer(Portal.id)
        return
    user = db.session.get(User, user_id)
    g.user = user if user is not None and user.active else None
