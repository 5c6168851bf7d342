"""What every answer has: security headers, error pages in the person's language, static files that may be kept."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import stat
import time
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, current_app, g, has_request_context, jsonify, render_template, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError

from app.core import catalogs, receipts, routing
from app.core.db import Trouble, db, transactions, trouble_of
from app.core.sealed import WrongKeyError, require_key

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
KEPT_FOR = timedelta(days=365)
RENEWED, RENEWED_EVERY = "renewed", 60.0
"""Where a session keeps when its cookie was renewed, and after how many seconds it is again."""
FORM_BYTES = 2**20
"""What a form may weigh beside its files. The browser counts these first: a refusal here could not keep the form."""
WITH_PASSWORDS = frozenset({"LoginView", "AccountView"})
RESENT = frozenset({400, 401, 503})
"""Answers after which the same form may be taken: the page was too old, nobody was signed in, the database was busy."""


def init_app(app: Flask) -> None:
    """Put headers, error pages and fingerprints on an application."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = KEPT_FOR
    app.session_interface = Sessions()
    app.after_request(_headers)
    app.after_request(_send_on)
    app.url_defaults(_fingerprint(app))
    routing.init_app(app)
    catalogs.init_app(app)
    app.register_error_handler(CSRFError, _csrf_page)
    app.register_error_handler(HTTPException, _error_page)
    app.register_error_handler(Exception, _bug_page)
    app.register_error_handler(WrongKeyError, _wrong_key_page)
    app.context_processor(lambda: {"file_bounds": _file_bounds, "page_layout": page_layout(), "once": receipts.token})
    app.before_request(_check_address)
    app.before_request(_check_key)
    app.before_request(_only_look)


def is_check() -> bool:
    """Tell whether a form is only looked over while it is filled in."""
    return request.headers.get("X-Check") == "1"


def _only_look() -> None:
    """Let nobody wait for what only looks; it may be answered after the save that followed, whose message stays."""
    if is_check():
        g.portal_by_itself = g.portal_reads = True


def is_fragment() -> bool:
    """Tell whether a script of a page asks for this answer, to show it within that page."""
    return request.headers.get("X-Fragment") == "1"


def page_layout() -> str:
    """Return the template that a page extends if it may be shown within another: the whole frame, or none."""
    return "portal/fragment.html" if has_request_context() and is_fragment() else "portal/layout.html"


def _send_on(answer: Response) -> Response:
    """Tell a script where to go: a redirect it would follow by itself, and never learn the address."""
    if is_fragment() and 300 <= answer.status_code < 400 and answer.location:  # noqa: PLR2004 - redirects
        sent = Response(status=204, headers={"X-Location": answer.location})
        for cookie in answer.headers.getlist("Set-Cookie"):
            sent.headers.add("Set-Cookie", cookie)
        return sent
    return answer


class Sessions(SecureCookieSessionInterface):
    """Sessions that static files have no part in: an answer that goes with a cookie is kept until the next cookie.

    They are renewed by whatever a person does, and not by what an open page asks by itself.
    """

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Renew the session's cookie, and tell caches that the answer is for its bearer alone."""
        if request.endpoint == "static":
            return
        now = int(time.time() // RENEWED_EVERY)
        if session.permanent and session.get(RENEWED) != now and not g.get("portal_by_itself"):
            session[RENEWED] = now
        super().save_session(app, session, response)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Tell whether an answer carries the cookie anew: once a minute is enough, and signing it takes its time."""
        del app
        return session.modified


def _file_bounds() -> dict[str, Any]:
    """Return the attributes of an input for photos and documents: what it takes, how much, and what it says to more."""
    limit = current_app.config["MAX_CONTENT_LENGTH"] - FORM_BYTES
    told = _("Photos and files may have %(limit)s MB together at most.", limit=limit // 2**20)
    return {"accept": "image/*,.pdf,.docx,.xlsx,.csv,.txt", "data-limit": limit, "data-too-large": told}


def _check_address() -> None:
    """Refuse an address that no row can have: PostgreSQL takes no NUL in a text."""
    if "\x00" in request.path:
        abort(404)


def _check_key() -> None:
    """Ask once whether this process has the key that the database's personal data are sealed with."""
    if request.endpoint != "static" and not current_app.extensions.get("portal_key_fits"):
        require_key()
        current_app.extensions["portal_key_fits"] = True


def _headers(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    answer.headers.setdefault("Referrer-Policy", "same-origin")
    answer.headers.setdefault("X-Frame-Options", "DENY")
    if answer.mimetype == "text/html":
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _fingerprint(app: Flask) -> Any:
    """Give static files a version in their address, so that browsers may keep them for a year."""

    @lru_cache(maxsize=256)
    def digest(path: str, changed: float) -> str:  # noqa: ARG001 - a changed file gets a new entry
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]

    def version_of(name: str) -> str | None:
        path = f"{app.static_folder}/{name}"
        try:
            found = os.stat(path)  # noqa: PTH116 - a dozen for a page, and a Path costs as much as asking
        except OSError:
            return None
        return digest(path, found.st_mtime) if stat.S_ISREG(found.st_mode) else None

    def add(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values and (version := version_of(values.get("filename", ""))):
            values["v"] = version

    app.extensions["portal_static_version"] = version_of
    return add


def _titles() -> dict[int, tuple[str, str]]:
    return {
        400: (_("The request cannot be read"), _("Please go back and try again.")),
        401: (_("Please sign in"), _("This page is for people who are signed in.")),
        403: (_("This is not open to you"), _("Your roles do not allow it. Ask an administrator if they should.")),
        404: (_("Not found"), _("The page or record does not exist, or is not yours to see.")),
        405: (_("Not possible this way"), _("Please use the buttons of the page.")),
        413: (_("Too large"), _("The file is larger than the portal accepts.")),
        429: (_("Too many tries"), _("Please wait a minute and try again.")),
    }


def _trouble_page(trouble: Trouble) -> Any:
    if trouble is Trouble.BUSY:
        with transactions(read=True):
            told = _("Something large is being saved. Please try again in a minute.")
            return _page(503, _("The portal is busy"), told)
    return _closed(_("Its database does not answer or is not prepared. Please tell an administrator."))


def _wrong_key_page(error: WrongKeyError) -> Any:
    log.error("%s", error)
    return _closed(_("It has not been given the key of its data. Please tell an administrator."))


def _closed(told: str) -> Any:
    """Answer without the database: nobody can be asked who this is."""
    g._login_user = AnonymousUserMixin()  # noqa: SLF001 - where flask-login keeps who makes this request
    return _page(503, _("The portal is not available"), told)


def _wants_json() -> bool:
    return request.path.startswith("/api/")


def _page(code: int, title: str, told: str, reference: str | None = None) -> Any:
    if _wants_json():
        return jsonify(message=title, detail=told, reference=reference), code
    again = typed() if code in RESENT else []
    page = render_template("portal/error.html", code=code, title=title, told=told, reference=reference, typed=again)
    return page, code


def _csrf_page(_error: CSRFError) -> Any:
    told = _("For your safety please go back, reload the page and send it once more.")
    if typed():
        told = _("What you typed is kept on this page: send it once more.")
    return _page(400, _("The page was open too long"), told)


def typed() -> list[tuple[str, str]]:
    """Return what a person typed into a form of ours that cannot be taken now, to be sent once more by a button.

    Nothing that came from another site: the button would lend it a token. No passwords: they stay in their fields.
    """
    if request.method != "POST" or request.endpoint is None or request.endpoint.partition(".")[0] in WITH_PASSWORDS:
        return []
    ours = request.headers.get("Sec-Fetch-Site", "") == "same-origin" or (
        "Sec-Fetch-Site" not in request.headers and request.headers.get("Origin") == request.host_url.rstrip("/")
    )
    return [(name, text) for name, text in request.form.items(multi=True) if name != "csrf_token"] if ours else []


def sign_in_page() -> Any:
    """Ask a stranger who sent a form to sign in; the form waits on the page meanwhile."""
    return _page(401, _("Please sign in"), _("Sign in on another page, then come back: what you typed is kept here."))


def _error_page(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    code = error.code or 500
    if code == InternalServerError.code:
        return _bug_page(error)
    if 300 <= code < 400:  # noqa: PLR2004 - redirects are answers, not errors
        return error
    title, told = _titles().get(code, (_("That did not work"), _("Please go back and try again.")))
    return _page(code, title, told)


def _bug_page(error: Exception) -> Any:
    """Log a bug with its traceback under a reference; the person sees the reference, never the cause."""
    with suppress(SQLAlchemyError):
        db.session.rollback()
    trouble = trouble_of(error)
    if trouble is not None:
        log.error("the database is %s: %s", trouble.name.lower(), type(getattr(error, "orig", error)).__name__)
        return _trouble_page(trouble)
    reference = secrets.token_hex(4)
    log.error("bug %s at %s %s", reference, request.method, request.endpoint, exc_info=error)
    return _page(
        500,
        _("Something went wrong in the portal"),
        _("Nothing was changed. Please tell an administrator this number:"),
        reference,
    )
