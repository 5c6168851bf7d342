"""Which language a person reads: their own choice, else this session's, else what the browser asks for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import flask_babel
from babel import Locale
from flask import Flask, abort, current_app, g, has_request_context, redirect, request, session
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import Domain, get_babel, get_locale, refresh
from flask_login import current_user
from markupsafe import Markup

from app.core.accounts import setting_of
from app.core.db import db

# What browsers ask for, and which of our two Chineses it means.
BROWSER_LOCALES = {
    "zh-Hant-TW": "zh_Hant_TW",
    "zh-Hant": "zh_Hant_TW",
    "zh-TW": "zh_Hant_TW",
    "zh-HK": "zh_Hant_TW",
    "zh-MO": "zh_Hant_TW",
    "zh-Hant-HK": "zh_Hant_TW",
    "zh-Hans-CN": "zh_Hans_CN",
    "zh-Hans": "zh_Hans_CN",
    "zh-CN": "zh_Hans_CN",
    "zh-SG": "zh_Hans_CN",
    "zh": "zh_Hans_CN",
    "en": "en",
    "en-US": "en",
    "en-GB": "en",
}
LANGUAGES = (("zh_Hant_TW", "zh-Hant-TW", "繁"), ("zh_Hans_CN", "zh-Hans-CN", "简"), ("en", "en", "EN"))
"""What the switch offers: locale, ``lang``, and what its button says."""
MOST_TEXTS = 10_000
HTML_LANG = {locale: lang for locale, lang, _short in LANGUAGES}
LOCALES = {locale: Locale.parse(locale) for locale, _lang, _short in LANGUAGES}
"""Read once, for each request asks for one."""


def choose_locale() -> Locale:
    """Return the language of this request, one of ``LANGUAGES`` whatever a cookie says."""
    default = LOCALES[current_app.config["BABEL_DEFAULT_LOCALE"]]
    if not has_request_context():
        return default
    kept = g.portal_setting.locale if current_user.is_authenticated and g.get("portal_setting") else None
    for choice in (kept, session.get("locale")):
        if choice in LOCALES:
            return LOCALES[choice]
    wanted = request.accept_languages.best_match(list(BROWSER_LOCALES))
    return LOCALES[BROWSER_LOCALES[wanted]] if wanted else default


def switch_language(locale: str) -> Any:
    """Keep a person's choice of language and stay on the page it was made on."""
    if locale not in current_app.config["LANGUAGES"]:
        abort(404)
    session["locale"] = locale
    if current_user.is_authenticated:
        setting_of(current_user.id).locale = locale
        db.session.commit()
    refresh()
    return redirect(get_safe_redirect(request.form.get("next", "")))


class Catalogs(Domain):
    """The translations, found by the language itself; Flask-Babel writes its name out for every word of a page."""

    def __init__(self, domain: str) -> None:
        super().__init__(domain=domain)  # type: ignore[no-untyped-call]
        self._by_locale: dict[Locale, Any] = {}
        self._markup: dict[Locale | None, dict[str, Markup]] = {}
        self._texts: dict[Locale | None, dict[str, str]] = {}

    def get_translations(self) -> Any:
        """Return the catalog of this request's language."""
        locale = get_locale()
        found = self._by_locale.get(locale) if locale is not None else None
        if found is None:
            found = super().get_translations()  # type: ignore[no-untyped-call]
            if locale is not None:
                self._by_locale[locale] = found
        return found

    def gettext(self, string: str, **variables: Any) -> str:
        """Return a text of the code in this request's language; the code's texts are constants, so they are kept."""
        known = self._texts.setdefault(get_locale(), {})
        found = known.get(string)
        if found is None:
            found = self.get_translations().ugettext(string)
            if len(known) < MOST_TEXTS:
                known[string] = found
        return found % variables if variables else found

    def markup(self, text: str, /, **values: Any) -> Markup:
        """Return a text of a template in this request's language; a template's texts are constants, so they are kept.

        Jinja's own way goes through ten calls for each of the hundreds of words of a page.
        """
        known = self._markup.setdefault(get_locale(), {})
        found = known.get(text)
        if found is None:
            found = known[text] = Markup(self.get_translations().ugettext(text))  # noqa: S704 - written by us
        return found % values if values or "%" in found else found


def _language_context() -> SimpleNamespace | None:
    """Return where Flask-Babel keeps a request's language, as its own function of this purpose does.

    A page has some hundred words, and each asks four times. Flask-Babel goes three times through Flask's stand-in for
    ``g`` then, which made up a tenth of a list page; here it is once.
    """
    try:
        held = g._get_current_object()  # noqa: SLF001 - werkzeug's own way
    except RuntimeError:
        return None
    found: SimpleNamespace | None = held.get("_flask_babel")
    if found is None:
        found = held._flask_babel = SimpleNamespace()  # noqa: SLF001 - the name it keeps it under
    return found


def html_lang() -> str:
    """Return the page's ``lang``: it decides which glyphs Han characters get."""
    return HTML_LANG.get(str(get_locale() or Locale("en")), "en")


def init_app(app: Flask) -> None:
    """Let our choice of language stand in for Flask-AppBuilder's, which knows neither browsers nor people."""
    babel = get_babel(app)
    babel.locale_selector = choose_locale
    catalogs = babel.instance.domain_instance = Catalogs(babel.default_domain)
    app.jinja_env.globals["_"] = catalogs.markup
    flask_babel._get_current_context = _language_context  # noqa: SLF001 - see there
    # Flask-AppBuilder's own way is a link; what is kept for a person takes a form and its token.
    app.view_functions["LocaleView.index"] = lambda locale: abort(404)  # noqa: ARG005 - the route's argument
    app.add_url_rule("/language/<locale>", "language", switch_language, methods=["POST"])
    app.context_processor(lambda: {"html_lang": html_lang, "languages": LANGUAGES})
