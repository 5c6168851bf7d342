"""Number series: one per kind and year, without gaps."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Integer, String, Table, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Model, db
from app.core.entity import Numbered


class NumberSeries(Model):
    """The last number given out for one kind in one year."""

    __tablename__ = "number_series"

    prefix: Mapped[str] = mapped_column(String(8), primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(Integer)


def next_number(prefix: str, year: int) -> str:
    """Return the next number of a series, as ``RP-2026-00017``.

    The series' row stays locked until the transaction ends, so a number whose record is rolled back
    is given out again.
    """
    series = (NumberSeries.prefix == prefix, NumberSeries.year == year)
    table = cast("Table", NumberSeries.__table__)
    take = update(table).where(*series).values(last=table.c.last + 1).returning(table.c.last)
    last = db.session.execute(take).scalar()
    if last is None:
        try:
            with db.session.begin_nested():
                db.session.execute(insert(NumberSeries).values(prefix=prefix, year=year, last=0))
        except IntegrityError:
            # Another transaction opened this year's series first: its row is there now.
            pass
        last = db.session.execute(take).scalar_one()
    return f"{prefix}-{year}-{last:05d}"


def give_number(item: Numbered) -> None:
    """Give a new record its number in this year's series, unless it has one."""
    if not item.number:
        item.number = next_number(item.number_prefix, clock.today().year)
