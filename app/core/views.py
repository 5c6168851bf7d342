"""The screen of an entity: Flask-AppBuilder's ModelView, made safe for many threads, rights and mistakes.

A room declares a model and a few class attributes; list, search, show, add, edit, delete, look-up, steps,
attachments, history, import, export and the REST API come from here, each asking for its own right and the row
scope that goes with it. What is declared stands in ``views_declared``, what is shown in ``views_read``, what
changes in ``views_change``, steps and files in ``views_steps``, rows edited in place in ``views_rows``, how a person
arranges lists in ``views_lists``, charts in ``views_chart``, import and export in ``transfer``.
"""

from __future__ import annotations

from app.core.transfer import TransferMixin
from app.core.views_chart import ChartMixin
from app.core.views_read import Link, posted
from app.core.views_rows import RowsView


class PortalView(TransferMixin, ChartMixin, RowsView):
    """The screen of one entity; see ``docs/adding-an-entity.md`` for what a room declares."""


__all__ = ["Link", "PortalView", "posted"]
