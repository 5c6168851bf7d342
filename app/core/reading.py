"""Many records read without one being made: a statement of plain columns, and what turns its rows into what is shown.

How a column is shown is chosen once for all rows. Where it is made from several columns, as the words of a related
record are, an object that holds only these stands in for the record; which these are is asked of the code that reads
them (``asking``), so that no entity need say it. Where a row cannot hold what a column needs, the records themselves
are loaded, a hundred at a time.

An export reads thousands of rows and remembers what their values told; what reads a page of a list is kept itself, for
everybody who sees these columns, and so remembers nothing: neither language nor time nor rights may stand in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import Boolean, Select, String, func, select, type_coerce
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.orm import aliased, defer

from app.core.asking import Asked, asked_of, bare, is_to_one
from app.core.catalogs import catalog_rows, kept_by_id
from app.core.db import db
from app.core.entity import is_short, key_of
from app.core.interface import is_choice
from app.core.present import masked
from app.core.sealed import beside, sealed_columns

if TYPE_CHECKING:
    from app.core.views import PortalView

MOST_READERS = 500
"""Choices of columns a process keeps a reader for."""
REMEMBERED = 4096
"""How many different values of a column are kept with what is shown for them."""
_UNTOLD = object()
Path = tuple[str, ...]
Raw = Sequence[Any]
Tell = Callable[[Any], Any]


class Telling:
    """How the values of a screen's columns are told."""

    def __init__(self, view: PortalView) -> None:
        self._view = view

    @property
    def is_plain(self) -> bool:
        """Whether columns are told as records hold them, so that their values say all."""
        return self._view.shows_plainly

    def of_value(self, column: str, kind: type[Any]) -> Tell:
        """Return what tells a column's values of one type, or of any (``object``); a value may be None."""
        raise NotImplementedError

    def of_record(self, record: Any, column: str) -> Any:
        """Return what a column tells of a record."""
        raise NotImplementedError


class _Block:
    """Some rows of the statement: the keys of their records, and these once a column has needed them."""

    def __init__(self, keys: Raw) -> None:
        self.keys = keys
        self.records: dict[int, Any] | None = None


@dataclass(frozen=True)
class _Source:
    """Where what a column shows comes from: places in the rows of the statement, and what reads the values there."""

    places: list[int]
    read: Callable[..., Iterable[Any]]
    """Takes some rows, then for each place their values."""


class Reader:
    """How the records of a screen are read for some columns, and told; ``is_kept`` for many requests."""

    def __init__(self, view: PortalView, columns: Iterable[str], telling: Telling, *, is_kept: bool = False) -> None:
        self._view, self._model, self._telling, self._is_kept = view, view.model, telling, is_kept
        self._mapper = sa_inspect(self._model)
        self._selected: dict[Path, Any] = {(): key_of(self._model)}
        self._entities: dict[Path, Any] = {(): self._model}
        self._joins: list[Any] = []
        self._from_records: list[str] = []
        paths = [path.split(".") for path in view.loaded]
        self._collections = [(path[0], path[1]) for path in paths if self._mapper.relationships[path[0]].uselist]
        self._sources = [self._source(column) for column in columns]
        self.needs_records = bool(self._from_records)
        """Whether records are loaded for some columns: from the start, or since a record asked for more."""

    def statement(self, query: Select[Any]) -> Select[Any]:
        """Return a statement for records as one that reads only what is shown, to be executed on a connection."""
        for join in self._joins:
            query = query.outerjoin(join)
        return query.with_only_columns(*self._selected.values())

    def read(self, rows: Iterable[Raw]) -> Iterator[tuple[Any, ...]]:
        """Return what the columns show, for each of some rows of the statement; it is quickest by the hundred."""
        raw = list(zip(*rows, strict=True))
        if not raw:
            return iter(())
        block = _Block(raw[0])
        shown = [source.read(block, *(raw[place] for place in source.places)) for source in self._sources]
        return zip(*shown, strict=True)

    def _source(self, column: str) -> _Source:
        def show(record: Any) -> Any:
            return self._telling.of_record(record, column)

        related = self._mapper.relationships.get(column)
        if self._is_kept and self._collections and self._is_hybrid(column):
            return self._of_collections(column, show)
        if self._telling.is_plain:
            if column in self._mapper.column_attrs or self._is_hybrid(column):
                return self._plain(column)
            if is_to_one(related):
                tell = self._telling.of_value(column, related.mapper.class_)
                asked = asked_of(related.mapper.class_, tell)
                if asked.is_all:
                    places: list[int] = []
                    return self._made(column, self._finder((), column, asked, places), places, tell)
        asked = asked_of(self._model, show)
        if asked.is_all:
            places = []
            return self._made(column, self._maker((), asked, places), places, show)
        self._from_records.append(column)
        return _Source([], lambda block: self._of_records(column, block))

    def _is_hybrid(self, name: str) -> bool:
        found = self._mapper.all_orm_descriptors.get(name)
        return found is not None and found.extension_type is HybridExtensionType.HYBRID_PROPERTY

    # -- a column as it stands -----------------------------------------------------------------

    def _plain(self, column: str) -> _Source:
        expression = getattr(self._model, column)
        kind = expression.type
        if column in getattr(self._model, "sensitive", ()):
            mask = self._telling.of_value(column, str)
            return _Source([self._place((column,), expression)], lambda _block, raw: [mask(masked(one)) for one in raw])
        tell = self._telling.of_value(column, kind.python_type)
        if is_choice(kind):
            # Read by the name that the database keeps: one look-up leads from there to the words.
            members = {None: None, **kind.enum_class.__members__}
            place = self._place((column, "name"), type_coerce(expression, String))
            return _Source([place], self._each(members, tell))
        place = self._place((column,), expression)
        if isinstance(kind, Boolean):
            return _Source([place], self._each({one: one for one in (None, False, True)}, tell))
        return _Source([place], lambda _block, raw: map(tell, raw))

    def _each(self, values: dict[Any, Any], tell: Tell) -> Callable[..., Iterable[Any]]:
        """Return what tells each of few values."""
        if self._is_kept:
            return lambda _block, raw: [tell(values[one]) for one in raw]
        told = {one: tell(value) for one, value in values.items()}
        return lambda _block, raw: map(told.__getitem__, raw)

    def _place(self, path: Path, expression: Any) -> int:
        """Return where an expression stands in the rows of the statement, put there if it does not yet."""
        self._selected.setdefault(path, expression)
        return list(self._selected).index(path)

    # -- a column made from what it asks of a record --------------------------------------------

    def _made(self, column: str, make: Callable[[Raw], Any], places: list[int], show: Tell) -> _Source:
        def shown(*raw: Any) -> Any:
            return _tried(show, make(raw))

        known = lru_cache(REMEMBERED)(shown)
        expressions = [*self._selected.values()]
        may_know = not self._is_kept and all(expressions[place].type.hashable for place in places)

        def read(block: _Block, *raw: Raw) -> Iterable[Any]:
            # Values that hardly ever return are not looked for among those known.
            so_far = known.cache_info()
            returns = so_far.currsize < REMEMBERED or so_far.hits * 2 > so_far.misses
            told = map(known if may_know and returns else shown, *raw) if raw else (shown() for _key in block.keys)
            return self._all_told(column, block, list(told))

        return _Source(places, read)

    def _maker(self, path: Path, asked: Asked, places: list[int]) -> Callable[[Raw], Any]:
        """Return what makes the record at a path, with only what is asked of it, from the values at ``places``.

        What it needs is added to ``places`` and to the statement. Where there is no record, it returns None.
        """
        mapper = sa_inspect(self._entities[path]).mapper
        held = [(name, self._at(path, name, places)) for name in asked.columns]
        related = [(name, self._finder(path, name, beneath, places)) for name, beneath in asked.related.items()]
        filled = [place for name, place in held if not getattr(mapper.column_attrs[name].columns[0], "nullable", True)]
        key = (filled or [self._at(path, "id", places)])[0] if path else None
        kinds = mapper.polymorphic_map if len(list(mapper.self_and_descendants)) > 1 else {}
        kind = self._at(path, mapper.get_property_by_column(mapper.polymorphic_on).key, places) if kinds else None

        def make(raw: Raw) -> Any:
            if key is not None and raw[key] is None:
                return None
            record = object.__new__(mapper.class_ if kind is None else kinds[raw[kind]].class_)
            values = record.__dict__
            for name, place in held:
                values[name] = raw[place]
            for name, find in related:
                values[name] = find(raw)
            return record

        return make

    def _finder(self, path: Path, name: str, asked: Asked, places: list[int]) -> Callable[[Raw], Any]:
        """Return what makes the record at the end of a relation, or finds it: a short catalog is read whole."""
        relation = getattr(self._entities[path], name).property
        if is_short(relation.mapper.class_):
            (local,) = relation.local_columns
            target = relation.mapper.class_
            place = self._at(path, relation.parent.get_property_by_column(local).key, places)
            return lambda raw: kept_by_id(target).get(raw[place])
        here = (*path, name)
        if here not in self._entities:
            self._entities[here] = aliased(relation.mapper.class_)
            self._joins.append(getattr(self._entities[path], name).of_type(self._entities[here]))
        return self._maker(here, asked, places)

    def _at(self, path: Path, name: str, places: list[int]) -> int:
        """Return where among ``places`` a column of the record at a path stands, put there."""
        # A kind's own key stands in a table of its own, which need not be read.
        is_own_key = not path and name == "id"
        places.append(0 if is_own_key else self._place((*path, name), getattr(self._entities[path], name)))
        return len(places) - 1

    # -- a column that needs more than a row -----------------------------------------------------

    def _of_collections(self, column: str, show: Tell) -> _Source:
        """Return what is told of records that hold of each collection no more than the first one's column."""
        places = [0, *(self._place((name, of), self._first(name, of)) for name, of in self._collections)]
        held = [(name, of, sa_inspect(self._model).relationships[name].mapper.class_) for name, of in self._collections]

        def make(raw: Raw) -> Any:
            values = {"id": raw[0]}
            for (name, of, target), first in zip(held, raw[1:], strict=True):
                values[name] = [bare(target, {of: first})] if first is not None else []
            return bare(self._model, values)

        return self._made(column, make, places, show)

    def _first(self, name: str, column: str) -> Any:
        """Return a part of a statement: a column of the first record of a collection."""
        relation = self._mapper.relationships[name]
        shown, order = getattr(relation.mapper.class_, column), list(relation.order_by or ())
        if [getattr(one, "key", None) for one in order] == [column]:
            # The least of the column by which they stand in order: nothing need be sorted for each row.
            first = select(func.min(shown)).where(relation.primaryjoin)
        else:
            first = select(shown).where(relation.primaryjoin).order_by(*order).limit(1)
        return first.correlate(relation.parent.local_table).scalar_subquery()

    def _all_told(self, column: str, block: _Block, found: list[Any]) -> list[Any]:
        """Return what was told of some rows, and in place of what could not be told that of the records themselves."""
        if not any(one is _UNTOLD for one in found):
            return found
        self.needs_records = True
        both = zip(found, self._of_records(column, block), strict=True)
        return [of_record if one is _UNTOLD else one for one, of_record in both]

    def _of_records(self, column: str, block: _Block) -> list[Any]:
        """Return what a column shows of the records of some rows, which are loaded once for all such columns."""
        if block.records is None:
            block.records = self._records(block.keys)
        records = block.records
        # Of a record that somebody deletes meanwhile nothing is shown.
        tell, nothing = self._telling.of_record, self._telling.of_value(column, object)
        return [tell(records[key], column) if key in records else nothing(None) for key in block.keys]

    def _records(self, keys: Raw) -> dict[int, Any]:
        query = select(self._model).where(key_of(self._model).in_(keys)).options(*self._loading())
        return {record.id: record for record in db.session.scalars(query)}

    def _loading(self) -> Iterator[Any]:
        """Return how the records are loaded: with the relations that are read, and no seal opened for nothing."""
        yield from (defer(held) for held in sealed_columns(self._model) if held.key not in self._from_records)
        relations = self._mapper.relationships
        read = [name for name in self._from_records if name.partition(".")[0] in relations]
        for name in dict.fromkeys([*self._view.loaded, *read]):
            if is_short(relations[name.partition(".")[0]].mapper.class_):
                catalog_rows(relations[name.partition(".")[0]].mapper.class_)
            else:
                yield beside(self._model, name)


def kept_reader(view: PortalView, columns: Iterable[str], telling: Callable[[PortalView], Telling]) -> Reader | None:
    """Return what reads some columns of a screen for anybody, made once; None where that takes the records themselves.

    Before the columns it tells ``""``, which the telling says of a record as a whole.
    """
    held: dict[Any, Reader] = current_app.extensions.setdefault("portal_readers", {})
    key = (telling, view.endpoint, *columns)
    if (found := held.get(key)) is None:
        if len(held) >= MOST_READERS:
            held.clear()
        found = held[key] = Reader(view, ["", *columns], telling(view), is_kept=True)
    return None if found.needs_records else found


def _tried(show: Tell, record: Any) -> Any:
    """Return what is told of a record that holds only some columns, or that it asks for more than it did at first."""
    try:
        return show(record)
    except InvalidRequestError:
        return _UNTOLD
