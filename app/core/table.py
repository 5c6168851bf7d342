"""Rows as a table of a page: what stands in its head and cells, worked out once for a column and once for a row.

A list makes no records for it (``core.reading``), as long as rows hold all that its columns tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from app.core.present import html_of
from app.core.reading import Reader, Telling

if TYPE_CHECKING:
    from app.core.listing import Listing
    from app.core.views import PortalView

SHORT = 12
WORDS = 30
NUMBER, TIGHT, FEW = ' class="number"', ' class="short"', ' class="words"'


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
class About:
    """What a row says of its record beside the columns; ``steps`` are those that start from where it stands."""

    key: int
    name: str
    url: str
    steps: str


@dataclass(frozen=True)
class Line:
    """One row: what it is about, its address with the list it is in, and its cells."""

    about: About
    url: str
    cells: Markup


class PageTelling(Telling):
    """How a page tells the columns of a screen: as markup, and nothing (``""``) as what its rows are about."""

    @property
    def is_plain(self) -> bool:
        """Whether the screen tells columns as records hold them."""
        return super().is_plain and self._view.presents_plainly

    def of_value(self, column: str, kind: type[Any]) -> Callable[[Any], Markup]:
        """Return what makes markup of a column's values."""
        if self._view.formatters_columns.get(column) is None:
            return html_of(kind)
        return partial(self._view.as_html, column)

    def of_record(self, record: Any, column: str) -> Any:
        """Return a column of a record as markup, or what is said of the record itself."""
        return self._view.present(record, column) if column else self.about(record)

    def about(self, record: Any) -> About:
        """Return what a row says of its record."""
        workflow = self._view.workflow
        steps = " ".join(step.name for step in workflow.open_steps(record)) if workflow else ""
        return About(record.id, str(record), self._view.show_url(record), steps)


class Table:
    """A table of rows; with a listing its head sorts and its rows know the list they were opened from."""

    def __init__(
        self,
        view: PortalView,
        rows: Sequence[Any],
        columns: Sequence[str],
        listing: Listing | None,
        reader: Reader | None,
    ) -> None:
        self.view, self.rows, self.columns, self.listing, self.reader = view, rows, columns, listing, reader
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
        for about, *told in self._told():
            url = about.url + trail
            yield Line(about, url, self._cells(url, told))

    def _told(self) -> Iterable[Sequence[Any]]:
        """Return what each row is about and what its columns tell."""
        if self.reader is not None:
            return self.reader.read(self.rows)
        telling = PageTelling(self.view)
        return ([telling.of_record(item, column) for column in ("", *self.columns)] for item in self.rows)

    def _cells(self, url: str, cells: Sequence[Markup]) -> Markup:
        """Return a row's cells, the first of which leads to the record.

        They are put together here: a template would escape anew, for each cell, what is the same in a whole column.
        """
        parts: list[str] = []
        for (before, is_number), told in zip(self._looks, cells, strict=True):
            length = len(told)
            if self.opens and not parts:
                told = Markup('<a href="%s">%s</a>') % (url, told)  # noqa: PLW2901
                length = len(told)
            look = NUMBER if is_number else TIGHT if length <= SHORT else FEW if length <= WORDS else ""
            parts.append(f"{before}{look}>{told}</td>")
        return Markup("".join(parts))  # noqa: S704 - labels and what is told are markup

    @cached_property
    def _looks(self) -> list[tuple[str, bool]]:
        """How the cells of each column begin, and whether they hold amounts."""
        return [(f'<td data-label="{head.label}"', head.is_number) for head in self.heads]
