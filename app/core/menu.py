"""Where a screen stands in the navigation: grouped by work, and shown to whoever may open it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import current_app, render_template, request
from flask_appbuilder import AppBuilder
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from app.core.api import api_of
from app.core.rights import Grants, grants, opens
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
    """One line of the navigation; ``screen`` names the screen it opens, ``endpoint`` the pages it stands for."""

    label: str
    url: str
    screen: str
    endpoint: str


@dataclass(frozen=True)
class Group:
    """One group of the navigation; a folded one is opened by a click, or where one is."""

    label: str
    is_folded: bool
    entries: list[Entry]


class Navigation:
    """The navigation as a set of roles reads it in one language: rendered once, for every page of everybody."""

    def __init__(self, groups: list[Group]) -> None:
        self._html = render_template("portal/navigation.html", groups=groups)
        self._folded = {entry.endpoint for group in groups if group.is_folded for entry in group.entries}
        self._links = {entry.endpoint: f'href="{escape(entry.url)}"' for group in groups for entry in group.entries}

    def at(self, endpoint: str | None) -> Markup:
        """Return it with the entry marked that a page belongs to, and its group unfolded."""
        html, link = self._html, self._links.get(endpoint or "")
        if link is not None:
            html = html.replace(link, f'{link} aria-current="page"', 1)
        if endpoint in self._folded:
            html = html.replace("<details>", "<details open>", 1)
        return Markup(html)  # noqa: S704 - what a template made


def navigation() -> Markup:
    """Return the navigation with the entries this person may open, the one they are at marked."""
    held = grants()
    key = "navigation", str(get_locale()), request.script_root
    kept: Navigation = held.keep(key, lambda: Navigation(_groups(held)))
    return kept.at(request.blueprint)


def _groups(held: Grants) -> list[Group]:
    """Return the groups with the entries that rights open; groups keep the order of ``GROUPS``."""
    builder = current_app.appbuilder  # type: ignore[attr-defined]
    by_name = {item.name: item for item in builder.menu.get_list()}
    shown = []
    for name, label in GROUPS.items():
        entries = [
            Entry(str(item.label), item.get_url(), item.baseview.class_permission_name, item.baseview.endpoint)
            for item in (by_name[name].childs if name in by_name else ())
            if opens(held, item.baseview)
        ]
        if entries:
            shown.append(Group(str(label), name == FOLDED, entries))
    return shown
