"""What every record has in common: who made it when, its version, its number, its names in three languages."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from flask_babel import get_locale
from sqlalchemy import CheckConstraint, ForeignKey, Integer, Select, String, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.core import actor, clock
from app.core.types import Day, Key, UtcDateTime


class Recorded:
    """A record that is kept: every change is audited, and two people never overwrite each other.

    ``version`` counts the saves. A save that started from an older version is refused by the database layer
    (``StaleDataError``), which the screens turn into a page that shows what the other person changed.
    """

    __tablename__: str
    sensitive: ClassVar[frozenset[str]] = frozenset()
    """Columns with personal data: masked on every page, export and in the audit trail."""

    id: Mapped[Key]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now, onupdate=clock.now)
    version: Mapped[int] = mapped_column(Integer)

    @declared_attr
    def created_by_id(self) -> Mapped[int | None]:
        """User who made the record; None is the system."""
        return mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), default=actor.user_id)

    @declared_attr
    def changed_by_id(self) -> Mapped[int | None]:
        """User who saved it last; None is the system."""
        return mapped_column(
            ForeignKey("ab_user.id", ondelete="SET NULL"), default=actor.user_id, onupdate=actor.user_id
        )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.version}


def reader_name(row: Any) -> str:
    """Return whichever of a row's three names is in the reader's language."""
    locale = get_locale()
    if locale is None or locale.language == "en":
        return str(row.name_en)
    return str(row.name_zh_hans if locale.script == "Hans" else row.name_zh_hant)


class Catalog(Recorded):
    """A list that people may extend: code, three names, order. Retired rows stay where they are used."""

    is_long: ClassVar[bool] = False
    """Whether it has too many rows to be offered whole; it is then found by typing."""

    code: Mapped[str] = mapped_column(String(40), unique=True)
    name_zh_hant: Mapped[str] = mapped_column(String(120))
    name_zh_hans: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    position: Mapped[int] = mapped_column(Integer, default=100)
    retired_on: Mapped[Day | None]

    def is_retired(self, on: date) -> bool:
        """Tell whether the row is no longer offered on a day."""
        return self.retired_on is not None and self.retired_on <= on

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return reader_name(self)

    def __str__(self) -> str:
        return self.name


def is_short(model: type[Any]) -> bool:
    """Tell whether a table is a catalog short enough to be offered whole."""
    return issubclass(model, Catalog) and not model.is_long


def in_memory(model: type[Any]) -> bool:
    """Tell whether a table is so short and still that each process keeps its rows (see ``core.catalogs``)."""
    return is_short(model) or getattr(model, "stays_in_memory", False)


def key_of(model: type[Any]) -> Any:
    """Return the key column of the table that a model's rows stand in; a kind of another model stands in that one's."""
    return sa_inspect(model).base_mapper.local_table.c.id


def kind_of(model: type[Any]) -> Any | None:
    """Return the column that tells a kind among those that share its table, or None for a model with its own."""
    mapper = sa_inspect(model)
    return mapper.polymorphic_on if mapper.inherits is not None else None


def keys_where(model: type[Any], *conditions: Any) -> Select[Any]:
    """Return the statement for the keys of rows; a kind's own table is read only where a condition asks for it."""
    query = select(key_of(model)).where(*conditions)
    return query if len(query.get_final_froms()) == 1 else query.select_from(sa_inspect(model).selectable)


class Numbered:
    """A record that people call by its number, as RP-2026-00017: kind, year, and a series without gaps."""

    number_prefix: ClassVar[str]

    number: Mapped[str] = mapped_column(String(32), unique=True)

    def __str__(self) -> str:
        return self.number


def length_check(column: str, least: int = 1) -> CheckConstraint:
    """Return a CHECK that a text column is not blank; both engines know ``length`` and ``trim``."""
    return CheckConstraint(f"length(trim({column})) >= {least}", name=f"{column}_not_blank")
