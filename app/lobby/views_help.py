"""The user manual: one chapter a role, in both scripts, out of ``docs/manual``; each opens with one's own."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import abort, g, send_from_directory, url_for
from flask_appbuilder import BaseView
from flask_appbuilder.views import expose
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import login_required
from markdown_it import MarkdownIt
from markupsafe import Markup

from config import ROOT

MANUAL = ROOT / "docs" / "manual"
PICTURES = ROOT / "docs" / "pictures"
FIRST = "start"
CHAPTERS = (FIRST, "agent", "team_lead", "supervisor", "facility", "department", "auditor", "administrator")
"""The chapters, in the order of the table of contents; all but the first are named like the role they are for."""
SCRIPTS = {"zh_Hant_TW": "zh-Hant", "zh_Hans_CN": "zh-Hans"}
OURS = "zh-Hant"
"""The script in which others read the manual."""
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


class HelpView(BaseView):
    """The manual for whoever is signed in."""

    route_base = "/help"
    default_view = "index"

    @expose("/")
    @login_required
    def index(self) -> Any:
        """Open the chapter of the person's own role; without one, the first."""
        held = [role.name for role in g.user.roles if role.name in CHAPTERS]
        return self.chapter(held[0] if len(held) == 1 else FIRST)

    @expose("/<name>")
    @login_required
    def chapter(self, name: str) -> Any:
        """Show one chapter beside the table of contents."""
        if name not in CHAPTERS:
            abort(404)
        script = SCRIPTS.get(str(get_locale()), OURS)
        contents = [(one, title_of(script, one), url_for("HelpView.chapter", name=one)) for one in CHAPTERS]
        return self.render_template(
            "lobby/help.html",
            title=_("Help"),
            here=name,
            contents=contents,
            text=Markup(rendered(script, name)),  # noqa: S704 - our own text, in which Markdown escapes HTML
            lang="zh-Hans-CN" if script == "zh-Hans" else "zh-Hant-TW",
        )

    @expose("/pictures/<path:name>")
    @login_required
    def picture(self, name: str) -> Any:
        """Send one of the manual's pictures."""
        return send_from_directory(PICTURES, name, max_age=3600)


@lru_cache(maxsize=64)
def source(script: str, name: str) -> str:
    """Return a chapter's Markdown."""
    return Path(MANUAL / script / f"{name}.md").read_text(encoding="utf-8")


def title_of(script: str, name: str) -> str:
    """Return a chapter's title."""
    found = TITLE.search(source(script, name))
    return found[1] if found else name


@lru_cache(maxsize=64)
def rendered(script: str, name: str) -> str:
    """Return a chapter as HTML: pictures and other chapters by the portal's addresses, HTML in it as text."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(source(script, name))
    for token in (child for one in tokens for child in one.children or []):
        if token.type == "image":
            token.attrs["src"] = url_for("HelpView.picture", name=str(token.attrs["src"]).rpartition("/")[2])
            token.attrs["loading"] = "lazy"
        elif token.type == "link_open" and str(token.attrs["href"]).endswith(".md"):
            token.attrs["href"] = url_for("HelpView.chapter", name=str(token.attrs["href"]).removesuffix(".md"))
    return str(reader.renderer.render(tokens, reader.options, {}))
