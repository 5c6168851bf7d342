"""How many rows a list tells of: exactly up to a thousand, about above it, and never by counting them all."""

from __future__ import annotations

import re

from conftest import SignIn
from flask import Flask
from sqlalchemy import insert, select, text
from test_laws import statements

from app.core.db import db
from app.core.estimates import tally
from app.core.present import Tally
from app.training.models import TopicArea

ROWS = 1_300


def fill(rows: int = ROWS) -> None:
    """Add topic areas, every tenth of them about claims."""
    names = [f"理賠 {number}" if number % 10 == 0 else f"保單 {number}" for number in range(rows)]
    db.session.execute(
        insert(TopicArea),
        [
            {
                "code": f"N{number}",
                "name_zh_hant": name,
                "name_zh_hans": "-",
                "name_en": "-",
                "position": number,
                "version": 1,
            }
            for number, name in enumerate(names)
        ],
    )
    db.session.commit()
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("ANALYZE topic_area"))
        db.session.commit()


def test_a_list_says_about_above_a_thousand_and_exactly_below(app: Flask, sign_in: SignIn) -> None:
    fill()
    su = sign_in("an")
    with statements() as asked:
        whole = su.page("/topic-area/list/?size=100")
    told = whole.select_one(".page-head .muted").get_text()
    assert "1,300" in told
    assert "約" in told
    counts = [one for one in asked if "count(" in one.lower() and "topic_area" in one]
    assert counts
    # Bounded by a limit, or by the keys of the sample.
    assert all("LIMIT" in one or "topic_area.id IN (" in one for one in counts)

    claims = su.page("/topic-area/list/?q=理赔")
    assert re.search(r"\b130\b", claims.select_one(".page-head .muted").get_text())
    assert "約" not in claims.select_one(".pager").get_text()


def test_a_common_word_of_a_small_table_is_counted(app: Flask, sign_in: SignIn) -> None:
    """Common is what many rows of a table have; only of a large one are these more than anybody counts."""
    fill(1_000)
    an = sign_in("an")
    for _time in range(2):
        found = an.page("/topic-area/list/?q=保單")
        told = found.select_one(".page-head .muted").get_text()
        assert re.search(r"\b900\b", told), told
        assert "約" not in told


def test_pages_end_where_the_rows_end_whatever_was_estimated(app: Flask, sign_in: SignIn) -> None:
    fill()
    su = sign_in("an")
    held = len(su.page("/topic-area/list/?size=100&page=13").select("tbody tr"))
    last = su.page("/topic-area/list/?size=100&page=14")
    rows = len(last.select("tbody tr"))
    assert held == 100
    assert 0 < rows < 100
    assert last.select_one("a[rel=next]") is None
    # On the last page the number is known without an estimate.
    assert f"{1_300 + rows:,}" in last.select_one(".pager").get_text()
    assert su.page("/topic-area/list/?size=100&page=15").select("tbody tr") == []


def test_an_estimate_is_told_with_two_digits(app: Flask, sign_in: SignIn) -> None:
    with app.test_request_context("/"):
        assert str(Tally(1_234_567, is_about=True)) == "約 1,200,000"
        assert str(Tally(999)) == "999"
        fill()
        some = tally(select(TopicArea).where(TopicArea.name_zh_hant.like("保單%")), TopicArea.id)
        assert some.is_about
        assert 1_001 <= some.number <= 1_310
