"""Addresses that are made ready late, of some 1,400 a worker ever builds a few dozen, and built once for all pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, has_request_context, request
from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


class LateRule(Rule):
    """A rule whose builder is compiled when an address is first built from it.

    Werkzeug compiles two for each rule as it is added: two of every five calls of the start, and two megabytes.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Builder:  # noqa: FBT001, FBT002 - werkzeug's own
        compiled = super()._compile_builder

        def build(rule: LateRule, /, **values: Any) -> tuple[str, str]:
            builder: Builder = compiled(append_unknown).__get__(rule, None)
            setattr(rule, "_build_unknown" if append_unknown else "_build", builder)
            return builder(**values)

        return build


def init_app(app: Flask) -> None:
    """Let templates build an address that is the same on every page, of a screen or a static file, only once."""
    built: dict[tuple[str, str, str], str] = {}
    version_of = app.extensions["portal_static_version"]

    def url_for(endpoint: str, **values: Any) -> str:
        is_static = endpoint == "static" and values.keys() == {"filename"}
        if (values and not is_static) or not has_request_context():
            return app.url_for(endpoint, **values)
        # A file that was changed has another address at once.
        of = f"{values['filename']} {version_of(values['filename'])}" if is_static else ""
        key = request.script_root, endpoint, of
        if (found := built.get(key)) is None:
            found = built[key] = app.url_for(endpoint, **values)
        return found

    app.jinja_env.globals["url_for"] = url_for
