"""The manual: the same chapters in both scripts, each in its own, and each role finds its own by the help button."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from conftest import CAST, SignIn
from flask import Flask
from journeys.manual import BOLD, LOCALES, Chapter
from journeys.pictures import PICTURES
from test_translations import rules

from app.core.i18n import LANGUAGES
from app.lobby.views_help import CHAPTERS, MANUAL
from translations import check

SCRIPTS = {"zh-Hant": "hant", "zh-Hans": "hans"}
WORDS_OF_LANGUAGES = {short for _locale, _lang, short in LANGUAGES}
FEWEST_TASKS = 3
STEP = re.compile(r"^\d+\. ", re.MULTILINE)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_says_the_same_in_both_scripts(name: str) -> None:
    shapes = []
    for script in LOCALES:
        chapter = Chapter(script, name)
        shapes.append((
            [len(BOLD.findall(task)) for task in chapter.tasks],
            [len(STEP.findall(task)) for task in chapter.tasks],
            [picture.replace(f"-{SCRIPTS[script]}.", ".") for picture in chapter.pictures],
        ))  # fmt: skip
        assert len(chapter.headings) >= FEWEST_TASKS
        assert BOLD.findall(chapter.text.partition("\n## ")[0]) == [], "no journey reads what stands before the tasks"
    assert all(one == other for one, other in pairwise(shapes))


def test_there_is_no_chapter_but_those_of_the_help_page() -> None:
    for script in LOCALES:
        assert {path.stem for path in (MANUAL / script).iterdir()} == set(CHAPTERS)


@pytest.mark.parametrize("script", LOCALES)
def test_pictures_are_declared_and_in_the_chapters_script(script: str) -> None:
    declared = set().union(*(picture.files() for picture in PICTURES))
    for name in CHAPTERS:
        chapter = Chapter(script, name)
        assert chapter.pictures, name
        assert chapter.text.count("![") == len(chapter.pictures)
        assert set(chapter.pictures) <= declared, name
        assert all(picture.endswith(f"-{SCRIPTS[script]}.png") for picture in chapter.pictures), name


@pytest.mark.parametrize("script", LOCALES)
def test_a_chapter_is_written_in_its_own_chinese(script: str) -> None:
    """No character of the other script, none of its punctuation, no word that the glossary rules out everywhere."""
    locale = LOCALES[script][0]
    held = rules(locale)
    for name in CHAPTERS:
        text = Chapter(script, name).text
        for word in WORDS_OF_LANGUAGES:
            text = text.replace(f"**{word}**", "")
        assert {sign for sign in text if check.is_foreign(locale, sign)} == set(), name
        assert {sign for sign in text if sign in check.QUOTES[locale]} == set(), name
        assert [one.word for one in held.avoided if one.when is None and one.is_used("", text)] == [], name


@pytest.mark.parametrize("script", LOCALES)
def test_the_help_button_opens_ones_own_chapter_in_ones_own_script(app: Flask, sign_in: SignIn, script: str) -> None:
    for one in {member.role: member for member in CAST}.values():
        page = sign_in(one.login, LOCALES[script][0]).page("/help/")
        article = page.select_one("article")
        assert article["lang"].startswith(script)
        assert article.h1.text == Chapter(script, one.role).text.partition("\n")[0].removeprefix("# ")
        assert page.select_one(".chapters [aria-current]").text == article.h1.text
        assert all(image["src"].startswith("/help/pictures/") for image in article.select("img"))
        assert all(link["href"].startswith("/help/") for link in article.select("a"))


def test_every_chapter_opens_and_no_other(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    for name in CHAPTERS:
        assert mei.page(f"/help/{name}").select("article h2"), name
    mei.page("/help/salary", 404)


def test_who_is_not_signed_in_is_sent_to_sign_in(app: Flask) -> None:
    for address in ("/help/", "/help/agent", "/help/pictures/home-1366-hant.png"):
        answer = app.test_client().get(address)
        assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login/")
