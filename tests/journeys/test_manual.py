"""The chapters of the manual, followed by those they are for, in both scripts.

Chromium shows the same words on either database, so one database is enough; what the steps write is tried on both
by the journeys and tests of the rooms.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from conftest import DATABASE
from flask import Flask

from app.lobby.views_help import CHAPTERS

from .conftest import Browse
from .manual import LOCALES, Chapter, Reader

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(DATABASE != "sqlite", reason="words are the same on both databases; the rooms try the steps"),
]


@pytest.mark.parametrize("script", LOCALES)
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_is_followed(app: Flask, browse: Browse, tmp_path: Path, name: str, script: str) -> None:
    journey = import_module(f".chapters.{name}", __package__)
    locale = LOCALES[script][1]
    page = browse(journey.LOGIN, locale) if journey.LOGIN else browse.visit(locale)
    manual = Reader(page, Chapter(script, name))
    journey.follow(manual, browse, tmp_path)
    manual.end()
