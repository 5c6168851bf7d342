"""What a search box finds: every word in one of the searched columns, of the record itself or of one it belongs to.

A rare word is found by its keys (``search_index``). A common one is not: hundreds of thousands of rows would be fetched
to show the newest twenty-five, so the list is walked in its own order and each row looked at, which soon finds enough.
Which of the two a word is, the database estimates beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import isqrt
from typing import TYPE_CHECKING, Any

from flask import g
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Table,
    TableClause,
    and_,
    any_,
    case,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy import inspect as sa_inspect
from sqlalchemy import table as sa_table
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from app.core.db import db
from app.core.entity import key_of, keys_where
from app.core.estimates import KeptEstimates, estimated_rows
from app.core.interface import COUNT_CAP
from app.core.search_index import column_at, token
from app.core.search_words import keys_of, needs_look, pattern, words_of

if TYPE_CHECKING:
    from app.core.views_read import ReadView

MOST_COMMON = 8_000
"""From this many rows on a word is common in the largest tables; in smaller ones sooner (see ``_limit``)."""
MOST_KEYS = 500
"""How many related records are named one by one; of more the database is asked again in the search itself."""


@dataclass(frozen=True)
class Own:
    """Columns of one table in which a word may stand."""

    table: Table
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Beside:
    """A relation to records in which a word may stand; without one, the part of a record in a further table."""

    model: type[Any]
    relation: str
    paths: tuple[str, ...]


@dataclass
class Found:
    """What a screen finds for a text."""

    condition: ColumnElement[bool] = field(default_factory=true)
    """What the list is asked with."""
    by_keys: ColumnElement[bool] = field(default_factory=true)
    """The same by the index alone, as the database estimates it best."""
    is_common: bool = False
    """Whether some word is so common that the list is walked."""
    is_few: bool = False
    """Whether that is so in a table too small for a common word to be in more rows than are counted."""


@dataclass(frozen=True)
class _Parts:
    """The columns a screen searches: those of the table its rows stand in, and what lies beside."""

    own: Own | None
    beside: tuple[Beside, ...]


def found(view: ReadView, text: str) -> Found:
    """Return what a screen finds for a text; asks the database at most twice how common its words are."""
    expect([view], text)
    return _Search.of_request().found(view, text)


def unseen(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition that the database looks at row by row, and neither seeks an index for nor estimates."""
    return case((condition, true()), else_=false())


def first(model: type[Any], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition of few rows that the database answers before all others, by its indexes alone.

    Else PostgreSQL, which takes keys for cheap, would make them of row after row along the list's order. As an array
    the rows found are looked up; joined with them, the list would be read through where that seems no dearer.
    """
    if db.engine.dialect.name != "postgresql":
        return condition
    keys = func.array(keys_where(model, condition).scalar_subquery(), type_=ARRAY(Integer))
    return key_of(model) == any_(keys)  # type: ignore[no-any-return]


def expect(views: Iterable[ReadView], text: str) -> None:
    """Ask how common a text's words are for several screens at once."""
    _Search.of_request().ask([_parts(view) for view in views], words_of(text))


def _parts(view: ReadView) -> _Parts:
    """Return what a screen searches: its own table's columns, then relations and further tables."""
    model: type[Any] = view.model
    base = key_of(model).table
    own, beside = [], []
    for relation, paths in groupby(sorted(view.searched, key=_relation), key=_relation):
        if relation:
            beside.append(Beside(model, relation, tuple(paths)))
            continue
        for path in paths:
            if column_at(model, path).table is base:
                own.append(path)
            else:
                beside.append(Beside(model, "", (path,)))
    columns = tuple(column_at(model, path).name for path in own)
    return _Parts(Own(base, columns) if own else None, tuple(beside))


def _relation(path: str) -> str:
    return path.partition(".")[0] if "." in path else ""


class _Search:
    """What this request knows of how common words are."""

    def __init__(self) -> None:
        self.common: dict[tuple[Own, str], bool] = {}
        self.few: set[tuple[Own, str]] = set()
        self.keys: dict[tuple[Beside, str], list[int] | None] = {}

    @classmethod
    def of_request(cls) -> _Search:
        if "portal_search" not in g:
            g.portal_search = cls()
        made: _Search = g.portal_search
        return made

    def ask(self, parts: list[_Parts], words: list[str]) -> None:
        own = [(part.own, word) for part in parts for word in words if part.own is not None]
        for one in own:
            if (limit := KeptEstimates.here().get(one)) is not None:
                self._is_over(one, limit)
        beside = [(one, word) for part in parts for word in words for one in part.beside]
        self._ask_own([one for one in dict.fromkeys(own) if one not in self.common])
        self._ask_beside([one for one in dict.fromkeys(beside) if one not in self.keys])

    def _ask_own(self, asked: list[tuple[Own, str]]) -> None:
        if not asked:
            return
        tables = list(dict.fromkeys(own.table for own, _word in asked))
        told = estimated_rows(
            [_found_in(own.table, own.columns, word) for own, word in asked],
            tables,
            MOST_COMMON + 1,
        )
        for (own, word), rows in zip(asked, told.matching, strict=True):
            limit = _limit(told.in_all[own.table])
            self.common[own, word] = False
            if rows > limit:
                self._is_over((own, word), limit)
                # Pages further down ask again. Whether a rare word has become common is asked each time.
                KeptEstimates.here().put((own, word), limit)

    def _is_over(self, one: tuple[Own, str], limit: int) -> None:
        """Note that a word is in more rows than a limit, and so is common."""
        self.common[one] = True
        if limit < COUNT_CAP:
            self.few.add(one)

    def _ask_beside(self, asked: list[tuple[Beside, str]]) -> None:
        if not asked:
            return
        arms = [
            select(literal(place).label("place"), _keys(one, word).limit(MOST_KEYS + 1).subquery().c.id)
            for place, (one, word) in enumerate(asked)
        ]
        found: list[list[int]] = [[] for _one in asked]
        for place, key in db.session.execute(union_all(*arms)):
            found[place].append(key)
        for one, keys in zip(asked, found, strict=True):
            self.keys[one] = keys if len(keys) <= MOST_KEYS else None

    def found(self, view: ReadView, text: str) -> Found:
        parts, words = _parts(view), words_of(text)
        common = [self._is_common(parts, word) for word in words]
        either = [self._word(parts, word, by_keys=not is_common) for word, is_common in zip(words, common, strict=True)]
        if not any(common):
            return Found(and_(true(), *either), and_(true(), *either))
        by_keys = [self._word(parts, word, by_keys=True) for word in words]
        is_few = any((parts.own, word) in self.few for word in words)
        return Found(and_(true(), *either), and_(true(), *by_keys), is_common=all(common), is_few=is_few)

    def _is_common(self, parts: _Parts, word: str) -> bool:
        """Tell whether many rows have a word, themselves or by what they belong to."""
        if parts.own is not None and self.common[parts.own, word]:
            return True
        return any(self.keys[one, word] is None for one in parts.beside)

    def _word(self, parts: _Parts, word: str, *, by_keys: bool) -> ColumnElement[bool]:
        clauses: list[ColumnElement[bool]] = []
        if parts.own is not None:
            own = parts.own
            look = _in_table if by_keys else _looked_at
            clauses.append(look(own.table, own.columns, word))
        for one in parts.beside:
            keys, local = self.keys[one, word], _local(one)
            if keys is None:
                clauses.append(local.in_(_keys(one, word)))
            elif keys:
                clauses.append(local.in_(keys))
        return or_(*clauses) if clauses else false()


def _limit(rows: int) -> int:
    """Return how many rows may have a word before walking the list is the shorter way.

    Walking looks at rows / matches rows for each that is found, the index fetches all that match: they cost the same at
    the square root of the rows, times what one costs more than the other.
    """
    return min(MOST_COMMON, 8 * isqrt(max(rows, 1)))


def _local(one: Beside) -> ColumnElement[Any]:
    """Return the column by which rows refer to what lies beside."""
    if not one.relation:
        return key_of(one.model)  # type: ignore[no-any-return]
    mapper = sa_inspect(one.model)
    (local,) = mapper.relationships[one.relation].local_columns
    return getattr(one.model, mapper.get_property_by_column(local).key)  # type: ignore[no-any-return]


def _keys(one: Beside, word: str) -> Any:
    """Return the statement for the keys of what lies beside and has the word."""
    if not one.relation:
        (path,) = one.paths
        held = column_at(one.model, path)
        return _found_in(held.table, (held.name,), word)
    target = sa_inspect(one.model).relationships[one.relation].mapper.class_
    return select(target.id).where(_anywhere(target, [path.partition(".")[2] for path in one.paths], word))


def _anywhere(model: type[Any], paths: Sequence[str], word: str) -> ColumnElement[bool]:
    """Return that one of a model's columns, dotted through relations, contains a word, by the index."""
    clauses: list[ColumnElement[bool]] = []
    for relation, under in groupby(sorted(paths, key=_relation), key=_relation):
        if relation:
            step = getattr(model, relation)
            rests = [path.partition(".")[2] for path in under]
            condition = _anywhere(step.property.mapper.class_, rests, word)
            clauses.append(step.any(condition) if step.property.uselist else step.has(condition))
            continue
        held = [column_at(model, path) for path in under]
        tables = dict.fromkeys(one.table for one in held)
        clauses += [_in_table(table, tuple(one.name for one in held if one.table is table), word) for table in tables]
    return or_(*clauses)


# -- one table -----------------------------------------------------------------------------------


def _found_in(table: Table, columns: Sequence[str], word: str) -> Select[Any]:
    """Return the statement for the keys of the rows that have a word, to be read no further than it is asked for.

    Where SQLite need not look at the rows it reads the index alone: as a part of a condition it would gather, for a
    word that every fourth row has, all of them first.
    """
    if db.engine.dialect.name != "postgresql" and not needs_look(word):
        fts, clause = _match(table, columns, word)
        return select(fts.c.rowid.label("id")).where(clause)
    return select(table.c.id).where(_in_table(table, columns, word))


def _in_table(table: Table, columns: Sequence[str], word: str) -> ColumnElement[bool]:
    """Return that one of a table's columns contains a word, found by its keys."""
    if db.engine.dialect.name == "postgresql":
        return or_(*(_by_gin(table.c[name], word) for name in columns))
    clause = _by_fts(table, columns, word)
    return and_(clause, _looked_at(table, columns, word)) if needs_look(word) else clause


def _looked_at(table: Table, columns: Sequence[str], word: str) -> ColumnElement[bool]:
    """Return that one of a table's columns contains a word, by looking at each."""
    return unseen(or_(*(func.search_fold(table.c[name]).regexp_match(pattern(word)) for name in columns)))


def _by_gin(held: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    grams, keys = func.search_grams(held), keys_of(word)
    single = [forms[0] for forms in keys if len(forms) == 1]
    clauses: list[ColumnElement[bool]] = [
        grams.op("&&", is_comparison=True)(_array(forms)) for forms in keys if len(forms) > 1
    ]
    if single:
        clauses.append(grams.op("@>", is_comparison=True)(_array(single)))
    if needs_look(word):
        clauses.append(func.search_fold(held).regexp_match(pattern(word)))
    return and_(*clauses)


def _array(keys: list[str]) -> ColumnElement[Any]:
    return cast(literal(keys, ARRAY(Text)), ARRAY(Text))


def _by_fts(table: Table, columns: Sequence[str], word: str) -> ColumnElement[bool]:
    fts, clause = _match(table, columns, word)
    return table.c.id.in_(select(fts.c.rowid).where(clause))


def _match(table: Table, columns: Sequence[str], word: str) -> tuple[TableClause, ColumnElement[bool]]:
    """Return SQLite's index of a table, and the condition for its entries that have a word in one of the columns."""
    told = " AND ".join(f"({' OR '.join(map(token, forms))})" for forms in keys_of(word))
    asked = " OR ".join(f'("{name}" : ({told}))' for name in columns)
    fts = sa_table(f"search_{table.name}", column("rowid"))
    return fts, literal_column(fts.name).op("MATCH")(asked)
