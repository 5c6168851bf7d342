"""Two Chineses and English: chosen by the browser at first, by the person from then on."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select
from test_repairs import equipment

from app.core.accounts import UserSetting

from .conftest import ONE_DATABASE, Browse, Say, rows

pytestmark = [pytest.mark.browser, ONE_DATABASE]
SHORT = {"zh-Hant-TW": "繁", "zh-Hans-CN": "简", "en": "EN"}


@pytest.mark.parametrize(
    ("asked", "locale", "lang"),
    [("zh-TW", "zh_Hant_TW", "zh-Hant-TW"), ("zh-CN", "zh_Hans_CN", "zh-Hans-CN"), ("en-GB", "en", "en")],
)
def test_the_login_page_follows_the_browser(
    app: Flask, browse: Browse, say: Say, asked: str, locale: str, lang: str
) -> None:
    page = browse.visit(asked)
    page.goto("/login/")
    expect(page.locator("html")).to_have_attribute("lang", lang)
    expect(page.locator(".languages [aria-current]")).to_have_text(SHORT[lang])
    expect(page.locator("main button")).to_have_text(say("Sign in", locale))


def test_a_switch_of_language_keeps_the_page_and_is_kept(app: Flask, browse: Browse, say: Say) -> None:
    equipment()
    fan = browse("fan")
    fan.goto("/equipment/list/?q=PH-0231&order=name&dir=desc")
    for lang, locale in (("zh-Hans-CN", "zh_Hans_CN"), ("en", "en"), ("zh-Hant-TW", "zh_Hant_TW")):
        fan.locator(".languages").get_by_text(SHORT[lang], exact=True).click()
        expect(fan.locator("html")).to_have_attribute("lang", lang)
        expect(fan.locator("h1")).to_have_text(say("Equipment", locale))
        expect(fan.locator("#q")).to_have_value("PH-0231")
        expect(fan.locator("th[aria-sort=descending]")).to_have_text(say("Name", locale) + " ▼")
        assert "/equipment/list/?" in fan.url
        with rows() as session:
            assert session.scalars(select(UserSetting.locale)).one() == locale
    fan.locator(".languages").get_by_text("EN", exact=True).click()
    elsewhere = browse("fan", locale="zh-CN")
    expect(elsewhere.locator("html")).to_have_attribute("lang", "en")


def test_han_characters_come_from_the_font_of_their_script(app: Flask, browse: Browse) -> None:
    """The same code point looks different in Taiwan and on the mainland: ``lang`` decides the face."""
    faces = {}
    for locale in ("zh-TW", "zh-CN"):
        page = browse.visit(locale)
        page.goto("/login/")
        faces[locale] = page.locator("body").evaluate("(e) => getComputedStyle(e).fontFamily")
    assert faces["zh-TW"].startswith('"Noto Sans TC"')
    assert faces["zh-CN"].startswith('"Noto Sans SC"')
