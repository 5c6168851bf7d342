"""One list as one request asked for it: its rows, how many there are, and the records next door.

Nothing of it lives in the shared view object, so no other person's filters can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from sqlalchemy import Select, and_, literal, or_, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import InstrumentedAttribute, RelationshipProperty, defer

from app.core.catalogs import catalog_rows
from app.core.db import counted_to, db
from app.core.entity import is_short, key_of, keys_where
from app.core.estimates import KeptEstimates, estimate
from app.core.interface import COUNT_CAP
from app.core.listing_query import PAGE_SIZES, ListQuery, search_text
from app.core.present import Tally
from app.core.reading import Reader
from app.core.rights import grants
from app.core.scope import viewer
from app.core.sealed import beside, sealed_columns
from app.core.searching import unseen

BEYOND_DOUBT = 5
"""How many times more than are counted an estimate must tell, for nothing to be counted."""


class Listing(ListQuery):
    """The rows of one screen that an address asks for, within the person's rights for a verb."""

    counted: int | None = None
    """How many rows match, no further than one past the cap; None where nobody has counted yet."""
    reader: Reader | None = None
    """What reads the rows without making records of them; then ``rows`` are what it reads."""
    _page: list[Any] | None = None

    def matching(self) -> Select[Any]:
        """Return the statement for every matching row, unordered."""
        return select(self.view.model).where(*self.conditions, *self.alternatives, self.found.condition)

    def _walked(self) -> list[Any]:
        """Return what a page of it is asked with, with what must not mislead the database put out of its sight.

        Of a list of many rows, SQLite would gather all by the indexes of each alternative and sort them, where it
        should read along the order. Where rare words narrow the list, PostgreSQL would look up every row of a team,
        too.
        """
        if not self.alternatives or not self._is_misled():
            return [*self.conditions, *self.alternatives, self.found.condition]
        return [*self.conditions, *map(unseen, self.alternatives), self.found.condition]

    def _is_misled(self) -> bool:
        if self.text:
            return self.found.is_common == (db.engine.dialect.name == "sqlite")
        return db.engine.dialect.name == "sqlite" and self._is_broad()

    def first_keys(self, limit: int) -> Select[Any]:
        """Return the statement for the keys of the first rows."""
        return self._sorted(keys_where(self.view.model, *self._walked())).limit(limit)

    def among(self, keys: list[int]) -> Select[Any]:
        """Return the statement for rows whose keys this list has told, in its order."""
        return self._sorted(select(self.view.model).where(key_of(self.view.model).in_(keys)))

    def statement(self) -> Select[Any]:
        """Return the statement for every matching row, in order, with the listed relations."""
        return self.ordered().options(*self._loading())

    def ordered(self) -> Select[Any]:
        """Return the statement for every matching row, in order, with nothing loaded beside it."""
        return self._sorted(self.matching())

    def _sorted(self, query: Select[Any]) -> Select[Any]:
        query, attribute = self._ordered_by(query)
        return self._in_order(query, attribute, down=self.direction == "desc")

    def _ordered_by(self, query: Select[Any]) -> tuple[Select[Any], InstrumentedAttribute[Any]]:
        """Return a statement that reaches the column of the order, and that column."""
        head, _dot, rest = self.order.partition(".")
        attribute: InstrumentedAttribute[Any] = getattr(self.view.datamodel.obj, head)
        if isinstance(attribute.property, RelationshipProperty):
            target, (local,) = attribute.property.mapper.class_, attribute.property.local_columns
            query = query.outerjoin(target, target.id == local)
            attribute = getattr(target, rest)
        return query, attribute

    def _in_order(self, query: Select[Any], attribute: InstrumentedAttribute[Any], *, down: bool) -> Select[Any]:
        columns = (attribute,) if attribute.key == "id" else (attribute, key_of(self.view.model))
        return query.order_by(*(one.desc() if down else one.asc() for one in columns))

    def beside(self, item: Any) -> tuple[Any | None, Any | None]:
        """Return the records before and after one in this order, each by one statement that reads one row.

        A record without a value in the column of the order has none beside it: databases place these differently.
        """
        query, attribute = self._ordered_by(self.matching())
        mine = select(attribute).where(self.view.datamodel.obj.id == item.id)
        mine = self._ordered_by(mine)[0] if "." in self.order else mine
        held = db.session.scalar(mine)
        if held is None:
            return None, None
        # Bound like any value: of yes and no, too, one is the greater.
        value = literal(held, attribute.type)
        query = query.where(self.view.scope_condition("show"))
        key, found = self.view.datamodel.obj.id, []
        for down in (self.direction != "desc", self.direction == "desc"):
            further = attribute < value if down else attribute > value
            same = and_(attribute == value, key < item.id if down else key > item.id)
            found.append(
                db.session.scalars(
                    self._in_order(query.where(or_(further, same)), attribute, down=down).limit(1)
                ).first()
            )
        return found[0], found[1]

    @cached_property
    def _eager(self) -> list[str]:
        """The relations that the shown columns read."""
        if self.columns == self.view.list_columns:
            return list(self.view.eager)
        mapper = sa_inspect(self.view.datamodel.obj)
        heads = (name.partition(".")[0] for name in self.columns)
        return list(dict.fromkeys([*self.view.eager, *(name for name in heads if name in mapper.relationships)]))

    def _loading(self) -> Iterator[Any]:
        """Load listed relations with the rows; catalogs, which filters read anyway, from the session."""
        shown = {name for name in self.columns if "." not in name}
        yield from (defer(held) for held in sealed_columns(self.view.model) if held.key not in shown)
        for name in self._eager:
            target = getattr(self.view.model, name.partition(".")[0]).property.mapper.class_
            if is_short(target):
                catalog_rows(target)
            else:
                yield beside(self.view.model, name)

    def rows(self) -> list[Any]:
        """Return this page's rows, read once."""
        return self._read()[: self.page_size]

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one."""
        return len(self._read()) > self.page_size

    def _read(self) -> list[Any]:
        """Read this page's rows, and one more to tell whether that is all.

        Deep in a list the keys are found first, in an index, and only the page's own rows are fetched.
        """
        if self._page is None:
            model, walked, size = self.view.model, self._walked(), self.page_size + 1
            if self.offset:
                keys = self._sorted(keys_where(self.view.model, *walked)).limit(size).offset(self.offset).subquery()
                query = self._sorted(select(model).where(keys.c.id == key_of(model)))
            else:
                query = self._sorted(select(model).where(*walked)).limit(size)
            if self.reader is not None:
                self._page = list(db.session.connection().execute(self.reader.statement(query)))
            else:
                self._page = list(db.session.scalars(query.options(*self._loading())))
        return self._page

    def counting(self, cap: int = COUNT_CAP) -> Any:
        """Return the part of a statement that counts the matching rows, no further than one past a cap."""
        keys = keys_where(self.view.model, *self.conditions, *self.alternatives, self.found.condition)
        return counted_to(keys, cap + 1)

    def count(self) -> Tally:
        """Return how many rows match: exactly up to the cap, about above it."""
        seen = self.offset + len(self._read())
        if not self.has_more and (self._read() or self.page == 1):
            return Tally(seen)
        if self._is_broad():
            return Tally(max(self._estimate, COUNT_CAP, seen), is_about=True)
        return Tally(self.counted or 0)

    @cached_property
    def _estimate(self) -> int:
        """About how many rows match: PostgreSQL knows how many have a key, SQLite looks at some."""
        asked = tuple(sorted((name, *self.args.getlist(name)) for name in {"q", *self.view.filters_by_name()}))
        screen = self.view.class_permission_name
        key = (screen, asked, viewer(), self.verb, grants().scope(self.verb, screen))
        if (known := KeptEstimates.here().get(key)) is not None:
            return int(known)
        words = self.found.by_keys if db.engine.dialect.name == "postgresql" else self.found.condition
        about = estimate(
            keys_where(self.view.model, *self.conditions, *self.alternatives, words), key_of(self.view.model)
        )
        if about > COUNT_CAP * BEYOND_DOUBT:
            KeptEstimates.here().put(key, about)
        return about

    def _is_broad(self) -> bool:
        """Tell whether more rows match than anybody counts: by an estimate that leaves no doubt, or by counting."""
        if self.found.is_common and not self.found.is_few:
            return True
        if db.engine.dialect.name == "postgresql" and self._estimate > COUNT_CAP * BEYOND_DOUBT:
            return True
        if self.counted is None:
            self.counted = db.session.scalar(select(self.counting())) or 0
        return self.counted > COUNT_CAP


__all__ = ["PAGE_SIZES", "Listing", "search_text"]
