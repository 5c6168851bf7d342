"""The index behind the search boxes: right against a look at every row, kept by the database, made anew on command."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import count
from typing import Any

from flask import Flask, g
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import sample
from sqlalchemy import delete, select, text, update

from app.casework.models import Complaint
from app.core import search_index
from app.core.db import db
from app.core.fields_rows import target_of
from app.core.search_words import fold, words_of
from app.customers.models import Customer
from app.training.models import TopicArea

LETTERS = "理賠赔保險险發发髮后後申訴诉台臺為为aAbBｂＢ1２3-_.*[](^$\\%'\"é　 "
CODES = count()
TABLE = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text(encoding="utf-8")
SIMPLIFIED = {ord(line[0]): line.split()[1] for line in TABLE.splitlines()}
NAMES = ("code", "name_zh_hant", "name_zh_hans", "name_en")
texts = st.text(alphabet=LETTERS, min_size=1, max_size=12).filter(lambda one: one.strip() != "")


def simplify(text: str) -> str:
    """Return a text with every character in its Simplified form, by the table itself."""
    return text.translate(SIMPLIFIED)


def add(*names: str) -> list[TopicArea]:
    made = [
        TopicArea(code=f"T{next(CODES)}", name_zh_hant=name, name_zh_hans=name[::-1], name_en=name.swapcase())
        for name in names
    ]
    db.session.add_all(made)
    db.session.flush()
    return made


def looked_for(asked: str) -> set[int]:
    """Look at every row and column: each word must stand in one of them, whatever its width, case and script."""
    rows = db.session.scalars(select(TopicArea)).all()
    return {
        row.id
        for row in rows
        if all(any(simplify(word) in simplify(fold(getattr(row, name))) for name in NAMES) for word in words_of(asked))
    }


def screen() -> Any:
    return target_of(TopicArea)


def found(asked: str) -> set[int]:
    g.pop("portal_search", None)
    return set(db.session.scalars(select(TopicArea.id).where(screen().found(asked).condition)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(texts, min_size=1, max_size=12), asked=st.lists(texts, min_size=1, max_size=4), data=st.data())
def test_a_search_finds_what_a_look_at_every_row_finds(
    app: Flask, names: list[str], asked: list[str], data: st.DataObject
) -> None:
    with app.test_request_context("/"):
        with db.session.begin_nested() as undone:
            add(*names)
            name = data.draw(st.sampled_from(names))
            start = data.draw(st.integers(0, len(name) - 1))
            part = name[start : data.draw(st.integers(start + 1, len(name)))]
            for one in [*asked, part, simplify(part), f"{part} {asked[0]}"]:
                assert found(one) == looked_for(one), one
            undone.rollback()
        db.session.rollback()


def test_the_database_keeps_the_index_whoever_writes(app: Flask) -> None:
    with app.test_request_context("/"):
        first, second = add("理賠進度查詢", "保單借款")
        assert found("理赔") == {first.id}
        db.session.execute(
            update(TopicArea).where(TopicArea.id == second.id).values(name_zh_hant="理賠爭議", name_en="claim")
        )
        assert found("理赔") == {first.id, second.id}
        assert found("借款") == set()
        db.session.execute(delete(TopicArea).where(TopicArea.id == first.id))
        assert found("理赔") == {second.id}
        with db.session.begin_nested() as undone:
            (third,) = add("理賠申請")
            assert found("理赔") == {second.id, third.id}
            undone.rollback()
        assert found("理赔") == {second.id}
        db.session.rollback()
        assert found("理赔") == set()


def test_a_common_word_is_looked_for_along_the_list_and_a_rare_one_by_its_keys(app: Flask) -> None:
    with app.test_request_context("/"):
        add(*(f"理賠 {number}" for number in range(600)), "要保人變更")
        db.session.commit()
        if db.engine.dialect.name == "postgresql":
            db.session.execute(text("ANALYZE topic_area"))
        common, rare = screen().found("理賠"), screen().found("要保")
        assert (common.is_common, rare.is_common) == (True, False)
        assert len(found("理赔")) == 600
        assert found("理赔 7") == looked_for("理賠 7")
        assert found("理賠 599") == looked_for("理賠 599")
        assert len(found("要保")) == 1
        keys = select(TopicArea.id).where(common.by_keys)
        assert len(db.session.scalars(keys).all()) == 600


def test_a_search_reaches_what_a_record_belongs_to(app: Flask) -> None:
    with app.test_request_context("/"):
        own, others = sample(Complaint), sample(Complaint)
        own.customer, others.customer = sample(Customer), sample(Customer)
        own.customer.number, others.customer.number = "C-7788", "C-1234"
        own.external_number, others.external_number = "FOI-2026", None
        db.session.flush()
        view = target_of(Complaint)

        def reached(asked: str) -> set[int]:
            g.pop("portal_search", None)
            return set(db.session.scalars(select(Complaint.id).where(view.found(asked).condition)))

        assert reached("c-77") == {own.id}
        assert reached("foi") == {own.id}
        assert reached("foi c-7788") == {own.id}
        assert reached("foi c-1234") == set()
        db.session.rollback()


def test_the_index_is_made_anew_by_a_command(app: Flask) -> None:
    with app.test_request_context("/"):
        add("理賠進度查詢", "保單借款")
        db.session.commit()
        connection = db.session.connection()
        assert search_index.prepare(connection) == []
        search_index.drop_all(connection)
        db.session.commit()
        assert "topic_area" in search_index.prepare(db.session.connection())
        db.session.commit()
        assert len(found("借款")) == 1
        if db.engine.dialect.name == "sqlite":
            db.session.execute(text("INSERT INTO search_topic_area(search_topic_area) VALUES ('delete-all')"))
            db.session.commit()
            assert found("借款") == set()
        db.session.rollback()

    told = app.test_cli_runner().invoke(args=["portal", "reindex"])
    assert told.exit_code == 0, told.output
    done = re.search(r"topic_area: (\d+) of (\d+)\n", told.output)
    assert done is not None
    assert done[1] == done[2] != "0"
    with app.test_request_context("/"):
        assert len(found("借款")) == 1
