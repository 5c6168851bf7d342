"""Rows as a table of a page: what stands in its head and cells, worked out once for a column and once for a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from app.core.listing import Listing
    from app.core.views import PortalView

SHORT = 12
WORDS = 30


@dataclass(frozen=True)
class Head:
    """One column: its label, the address that sorts by it, and how it is sorted now."""

    column: str
    label: Markup
    is_number: bool
    url: str | None = None
    direction: str | None = None

    @property
    def sort(self) -> str:
        """How the column is sorted, as a browser is told."""
        return "ascending" if self.direction == "asc" else "descending"


@dataclass(frozen=True)
class Line:
    """One row: its address, its cells, and the steps that start from where it stands."""

    item: Any
    url: str
    cells: Markup
    steps: str


class Table:
    """A table of rows; with a listing its head sorts and its rows know the list they were opened from."""

    def __init__(
        self,
        view: PortalView,
        rows: Sequence[Any],
        columns: Sequence[str],
        listing: Listing | None,
        bulk: Sequence[Any],
    ) -> None:
        self.view, self.rows, self.columns, self.listing = view, rows, columns, listing
        self.workflow = view.workflow if bulk else None
        self.opens = view.may("show")

    @cached_property
    def heads(self) -> list[Head]:
        """The columns, in order."""
        return [self._head(column) for column in self.columns]

    def _head(self, column: str) -> Head:
        label, is_number = escape(self.view.label(column)), self.view.is_number(column)
        if self.listing is None or column not in self.view.order_columns:
            return Head(column, label, is_number)
        here = self.listing.direction if self.listing.order == column else None
        url = self.listing.link(order=column, dir="desc" if here == "asc" else "asc")
        return Head(column, label, is_number, url, here)

    def __iter__(self) -> Iterator[Line]:
        trail = self.listing.trail if self.listing is not None else ""
        for item in self.rows:
            steps = " ".join(step.name for step in self.workflow.open_steps(item)) if self.workflow else ""
            url = self.view.show_url(item) + trail
            yield Line(item, url, self._cells(item, url), steps)

    def _cells(self, item: Any, url: str) -> Markup:
        """Return a row's cells, the first of which leads to the record.

        They are put together here: a template would escape anew, for each cell, what is the same in a whole column.
        """
        parts: list[str] = []
        for head in self.heads:
            told = self.view.present(item, head.column)
            if self.opens and not parts:
                told = Markup('<a href="%s">%s</a>') % (url, told)
            parts.append(f'<td data-label="{head.label}"{self._look(head, len(told))}>{told}</td>')
        return Markup("".join(parts))  # noqa: S704 - labels and what is told are markup

    def _look(self, head: Head, length: int) -> str:
        if head.is_number:
            return ' class="number"'
        return ' class="short"' if length <= SHORT else ' class="words"' if length <= WORDS else ""
