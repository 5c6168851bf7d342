"""Where a screen stands in the navigation: grouped by work, and shown to whoever may open it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import current_app, request
from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext as _l

from app.core.api import api_of
from app.core.rights import grants, opens
from app.core.views import PortalView
from app.core.views_catalog import CatalogView

GROUPS = {
    "mine": _l("My work"),
    "service": _l("Customer service"),
    "team": _l("Team"),
    "workplace": _l("Workplace"),
    "administration": _l("Administration"),
    "choices": _l("Lists of choices"),
}
FOLDED = "choices"
"""The short catalogs behind the choices of forms: many, and seldom opened."""


def open_screen(builder: AppBuilder, view: type[Any], group: str | None, *, has_api: bool = True) -> None:
    """Register a screen and, for an entity, its REST API; without a group it has no entry in the navigation."""
    if group == "administration" and issubclass(view, CatalogView):
        group = FOLDED
    if group is None:
        builder.add_view_no_menu(view)
    else:
        builder.add_view(view, view.__name__, label=view.title, category=group, category_label=GROUPS[group])
    if has_api and issubclass(view, PortalView):
        builder.add_api(api_of(view))


def screens_in_order(groups: Iterable[str] = GROUPS) -> list[PortalView]:
    """Return the screens of entities that stand in the navigation, group by group, whoever may open them."""
    builder = current_app.appbuilder  # type: ignore[attr-defined]
    by_name = {item.name: item for item in builder.menu.get_list()}
    items = (item for name in groups if name in by_name for item in by_name[name].childs)
    return [item.baseview for item in items if isinstance(item.baseview, PortalView)]


@dataclass(frozen=True)
class Entry:
    """One line of the navigation; ``screen`` names the screen it opens."""

    label: str
    url: str
    is_here: bool
    screen: str


@dataclass(frozen=True)
class Group:
    """One group of the navigation; a folded one is opened by a click, or where one is."""

    label: str
    is_folded: bool
    entries: list[Entry]

    @property
    def is_here(self) -> bool:
        """Whether the page belongs to one of the entries."""
        return any(entry.is_here for entry in self.entries)


def navigation() -> list[Group]:
    """Return the groups with the entries this person may open; groups keep the order of ``GROUPS``."""
    builder = current_app.appbuilder  # type: ignore[attr-defined]
    held = grants()
    by_name = {item.name: item for item in builder.menu.get_list()}
    shown = []
    for name, label in GROUPS.items():
        entries = [
            Entry(
                str(item.label),
                item.get_url(),
                request.blueprint == item.baseview.endpoint,
                item.baseview.class_permission_name,
            )
            for item in (by_name[name].childs if name in by_name else ())
            if opens(held, item.baseview)
        ]
        if entries:
            shown.append(Group(str(label), name == FOLDED, entries))
    return shown
