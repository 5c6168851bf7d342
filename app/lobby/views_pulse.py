"""What an open page asks by itself, again and again: counts for the navigation, and what is late or due soon."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_appbuilder import BaseView
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.core import clock, present
from app.core.db import counted_to, db
from app.core.menu import screens_in_order
from app.core.scope import viewer
from app.core.views import PortalView
from app.staff.models import Task
from app.staff.operations import pressing, task_line
from app.staff.views import record_url

CAP = 100
"""Counted no further: whoever has more than 99 waiting does not need to know how many more."""
TASKS = 8


class PulseView(BaseView):
    """The figures that stand on every page; they are read beside it, so that no page waits for them."""

    route_base = "/pulse"
    default_view = "show"

    @expose("", methods=["GET"])
    def show(self) -> Any:
        """Answer with counts by screen and the most urgent tasks; 401 for whoever would have to sign in first.

        An open page keeps asking: it must neither keep its session alive nor leave a message for the next page.
        """
        g.portal_by_itself = True
        if not g.user.is_authenticated or (g.portal_setting is not None and g.portal_setting.must_change_password):
            return Response(status=401)
        tasks, count = pressing(viewer(), clock.now(), TASKS, CAP)
        told = ngettext("%(num)s late or due soon", "%(num)s late or due soon", count)
        answer = {
            "queues": {name: _count(waiting, _open_words(waiting)) for name, waiting in queues().items()},
            "due": {**_count(count, told), "tasks": [_line(task) for task in tasks]},
        }
        return answer, {"Cache-Control": "no-store"}


def queues() -> dict[str, int]:
    """Return how many rows wait for this person by screen, counted up to the cap with one statement.

    Screens that the person may not list, and those that nobody works off, are not in it.
    """
    waiting = {view: view.queue() for view in screens_in_order() if view.may("list")}
    counts = {
        view.class_permission_name: counted_to(_rows(view).where(condition), CAP)
        for view, condition in waiting.items()
        if condition is not None
    }
    if not counts:
        return {}
    row = db.session.execute(select(*(count.label(name) for name, count in counts.items()))).one()
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's name for a row as a mapping


def _rows(view: PortalView) -> Any:
    return select(view.model.id).where(view.scope_condition("list"))


def _count(count: int, told: str) -> dict[str, Any]:
    return {"count": count, "shown": present.capped(count, CAP - 1), "told": told}


def _open_words(count: int) -> str:
    if count >= CAP:
        return _("more than %(count)s open", count=CAP - 1)
    return ngettext("%(num)s open", "%(num)s open", count)


def _line(task: Task) -> dict[str, Any]:
    line = task_line(task)
    return {
        "record": task.subject,
        "what": line.label,
        "words": line.words,
        "tone": line.tone,
        "exact": line.exact,
        "url": record_url(task),
    }
