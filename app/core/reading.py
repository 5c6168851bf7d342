"""Many records read without one being made: a statement of plain columns, and what turns its rows into what is shown.

How a column is shown is chosen once for all rows. Where it is made from several columns, as the words of a related
record are, an object that holds only these stands in for the record; which these are is asked of the code that reads
them (``asking``), so that no entity need say it. Where a row cannot hold what a column needs, the records themselves
are loaded, a hundred at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Select, String, select, type_coerce
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.orm import aliased, defer

from app.core.asking import Asked, asked_of, is_to_one
from app.core.catalogs import catalog_rows
from app.core.db import db
from app.core.entity import is_short, key_of
from app.core.interface import is_choice
from app.core.present import masked
from app.core.sealed import beside, sealed_columns

if TYPE_CHECKING:
    from app.core.views import PortalView

REMEMBERED = 4096
"""How many different values of a column are kept with what is shown for them."""
_UNTOLD = object()
Path = tuple[str, ...]
Raw = Sequence[Any]
Tell = Callable[[Any], Any]


@dataclass(frozen=True)
class _Source:
    """Where what a column shows comes from: places in the rows of the statement, and what reads the values there."""

    places: list[int]
    read: Callable[..., Iterable[Any]]
    """Takes the keys of some records, then for each place their values."""


class Reader:
    """How the records of a screen are read for some columns, as its ``value`` shows them to this person.

    ``telling`` says what becomes of a column's values: it gets their type, or ``object`` where only each value tells
    its own, and returns a function of a value, which may be None.
    """

    def __init__(self, view: PortalView, columns: Iterable[str], telling: Callable[[type[Any]], Tell]) -> None:
        self._view, self._model, self._telling = view, view.model, telling
        self._mapper = sa_inspect(self._model)
        self._selected: dict[Path, Any] = {(): key_of(self._model)}
        self._entities: dict[Path, Any] = {(): self._model}
        self._joins: list[Any] = []
        self._from_records: list[str] = []
        self._loaded: tuple[Raw, dict[int, Any]] = ((), {})
        self._sources = [self._source(column) for column in columns]

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
        shown = [source.read(raw[0], *(raw[place] for place in source.places)) for source in self._sources]
        return zip(*shown, strict=True)

    def _source(self, column: str) -> _Source:
        any_value, related = self._telling(object), self._mapper.relationships.get(column)
        if self._view.shows_plainly:
            if column in self._mapper.column_attrs or self._is_hybrid(column):
                return self._plain(column)
            if is_to_one(related):
                tell = self._telling(related.mapper.class_)
                asked = asked_of(related.mapper.class_, tell)
                if asked.is_all:
                    places: list[int] = []
                    return self._made(column, self._finder((), column, asked, places), places, tell)

        def show(record: Any) -> Any:
            return any_value(self._view.value(record, column))

        asked = asked_of(self._model, show)
        if asked.is_all:
            places = []
            return self._made(column, self._maker((), asked, places), places, show)
        self._from_records.append(column)
        return _Source([], lambda keys: self._of_records(column, keys))

    def _is_hybrid(self, name: str) -> bool:
        found = self._mapper.all_orm_descriptors.get(name)
        return found is not None and found.extension_type is HybridExtensionType.HYBRID_PROPERTY

    # -- a column as it stands -----------------------------------------------------------------

    def _plain(self, column: str) -> _Source:
        expression = getattr(self._model, column)
        kind = expression.type
        if column in getattr(self._model, "sensitive", ()):
            mask = self._telling(str)
            return _Source([self._place((column,), expression)], lambda _keys, raw: [mask(masked(one)) for one in raw])
        tell = self._telling(kind.python_type)
        if is_choice(kind):
            # Read by the name that the database keeps: one look-up leads from there to the words.
            words = {None: tell(None), **{name: tell(one) for name, one in kind.enum_class.__members__.items()}}
            place = self._place((column, "name"), type_coerce(expression, String))
            return _Source([place], lambda _keys, raw: map(words.__getitem__, raw))
        if isinstance(kind, Boolean):
            said = {one: tell(one) for one in (None, False, True)}
            return _Source([self._place((column,), expression)], lambda _keys, raw: map(said.__getitem__, raw))
        return _Source([self._place((column,), expression)], lambda _keys, raw: map(tell, raw))

    def _place(self, path: Path, expression: Any) -> int:
        """Return where an expression stands in the rows of the statement, put there if it does not yet."""
        self._selected.setdefault(path, expression)
        return list(self._selected).index(path)

    # -- a column made from what it asks of a record --------------------------------------------

    def _made(self, column: str, make: Callable[[Raw], Any], places: list[int], show: Tell) -> _Source:
        def shown(*raw: Any) -> Any:
            try:
                return show(make(raw))
            except InvalidRequestError:
                # It asks for more than it did at first.
                return _UNTOLD

        known = lru_cache(REMEMBERED)(shown)
        expressions = [*self._selected.values()]
        may_know = all(expressions[place].type.hashable for place in places)

        def read(keys: Raw, *raw: Raw) -> Iterable[Any]:
            # Values that hardly ever return are not looked for among those known.
            so_far = known.cache_info()
            returns = so_far.currsize < REMEMBERED or so_far.hits * 2 > so_far.misses
            found = list(map(known if may_know and returns else shown, *raw)) if raw else [shown() for _key in keys]
            if _UNTOLD in found:
                both = zip(found, self._of_records(column, keys), strict=True)
                found = [of_record if one is _UNTOLD else one for one, of_record in both]
            return found

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
            rows = {row.id: row for row in catalog_rows(relation.mapper.class_)}
            place = self._at(path, relation.parent.get_property_by_column(local).key, places)
            return lambda raw: rows.get(raw[place])
        here = (*path, name)
        if here not in self._entities:
            self._entities[here] = aliased(relation.mapper.class_)
            self._joins.append(getattr(self._entities[path], name).of_type(self._entities[here]))
        return self._maker(here, asked, places)

    def _at(self, path: Path, name: str, places: list[int]) -> int:
        """Return where among ``places`` a column of the record at a path stands, put there."""
        places.append(self._place((*path, name), getattr(self._entities[path], name)))
        return len(places) - 1

    # -- a column that needs the record itself ---------------------------------------------------

    def _of_records(self, column: str, keys: Raw) -> list[Any]:
        """Return what a column shows of the records with these keys, which are loaded once for all such columns."""
        if self._loaded[0] is not keys:
            query = select(self._model).where(key_of(self._model).in_(keys)).options(*self._loading())
            self._loaded = keys, {record.id: record for record in db.session.scalars(query)}
        tell, records = self._telling(object), self._loaded[1]
        # Of a record that somebody deletes meanwhile nothing is shown.
        return [tell(self._view.value(records[key], column) if key in records else None) for key in keys]

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
