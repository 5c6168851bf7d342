"""Answers go compressed where it is worth it and safe: pages as they are made, static files once."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Request, Response, g, request
from flask_compress import Compress

FOREIGN = frozenset({"cross-site", "same-site"})


class StaticFiles:
    """What Flask-Compress keeps: static files alone, for a page is one person's and made once."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """Return a file as it was compressed before."""
        return self.kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        """Keep a file; there are as many as the folder has, each in every state that was asked for."""
        if not key.endswith(";"):
            self.kept[key] = value


def _kept_as(_request: Request) -> str:
    """Return what names a static file in the state it has now, and nothing for a page."""
    return str(g.get("static_etag", ""))


def init_app(app: Flask) -> None:
    """Compress the answers of an application that are text and not streamed."""
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_MIMETYPES=["text/html", "text/css", "text/javascript", "application/json", "image/svg+xml"],
        # A page of 40 kB takes a quarter of a millisecond; the next better level takes twenty times as long.
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=5,
        # An export or a document goes out as it is read, and comes compressed already where that helps.
        COMPRESS_STREAMS=False,
        COMPRESS_CACHE_BACKEND=StaticFiles,
        COMPRESS_CACHE_KEY=_kept_as,
    )
    compress = Compress(app)

    def answered(answer: Response) -> Response:
        if request.endpoint == "static":
            if answer.status_code == HTTPStatus.OK:
                # Read whole: what is streamed from the disk would be compressed again for everybody who asks.
                answer.direct_passthrough = False
                answer.make_sequence()
                g.static_etag = answer.get_etag()[0]
        elif request.headers.get("Sec-Fetch-Site") in FOREIGN:
            # Another site may put words into an address and see on the wire how well they fit the page (BREACH).
            return answer
        return compress.after_request(answer)

    app.after_request(answered)
