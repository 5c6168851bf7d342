"""A person's browser as far as a server notices it: one kept connection, cookies, forms; it times its own waiting."""

from __future__ import annotations

import gzip
import http.client
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import brotli
from lxml import html

PATIENCE_S = 180
IDLE_S = 1.0
"""After this long an idle connection is opened anew, outside the timing: gunicorn closes it after two seconds."""
ENCODINGS = "gzip, deflate, br"
FIELDS = (
    ".//input[@name and not(@disabled) and not(@type='file' or @type='submit' or @type='button')]"
    " | .//select[@name and not(@disabled)] | .//textarea[@name and not(@disabled)]"
)


class WrongAnswerError(Exception):
    """An answer that is not the page that was asked for."""


@dataclass
class Page:
    """One answer as it came over the wire."""

    path: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """What the answer says, unpacked."""
        match self.headers.get("Content-Encoding"):
            case "br":
                return brotli.decompress(self.body).decode()
            case "gzip":
                return gzip.decompress(self.body).decode()
            case _:
                return self.body.decode()

    def expect(self, *statuses: int) -> Page:
        """Return the page; raises WrongAnswerError for another status."""
        if self.status not in statuses:
            raise WrongAnswerError(f"{self.path.partition('?')[0]}: status {self.status}")
        return self


@dataclass
class Form:
    """A form as it stands: where it goes, how it is packed, and what a browser would send."""

    action: str
    kind: str
    values: list[tuple[str, str]]

    def filled(self, values: dict[str, Any]) -> list[tuple[str, str]]:
        """Return what is sent when a person has filled in some fields; raises WrongAnswerError for one it lacks."""
        told = [(name, str(values.get(name, value))) for name, value in self.values]
        if missing := values.keys() - {name for name, _value in told}:
            raise WrongAnswerError(f"no field {sorted(missing)}")
        return told


class Client:
    """One person at one server. ``took`` and ``sent`` add up seconds waited and bytes received until ``reset``."""

    def __init__(self, address: str, cookies: dict[str, str] | None = None) -> None:
        self.host = urlsplit(address).netloc
        self.cookies = dict(cookies or {})
        self.took, self.received, self._last = 0.0, 0, 0.0
        self._line: http.client.HTTPConnection | None = None

    def reset(self) -> None:
        """Forget what was waited and received so far."""
        self.took, self.received = 0.0, 0

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def get(self, path: str, headers: dict[str, str] | None = None) -> Page:
        """Ask for a page."""
        return self._ask("GET", path, None, headers or {})

    def post(self, path: str, values: list[tuple[str, str]], kind: str = "") -> Page:
        """Send a form as a browser packs it."""
        if kind == "multipart/form-data":
            body, kind = packed(values)
        else:
            body, kind = urlencode(values).encode(), "application/x-www-form-urlencoded"
        return self._ask("POST", path, body, {"Content-Type": kind})

    def send(self, page: Page, form: Form, **values: Any) -> Page:
        """Fill in the form of a page and send it."""
        return self.post(urljoin(page.path, form.action), form.filled(values), form.kind)

    def upload(self, page: Page, form: Form, field: str, name: str, content: bytes) -> Page:
        """Send a form with a file."""
        body, kind = packed(form.values, {field: (name, content)})
        return self._ask("POST", urljoin(page.path, form.action), body, {"Content-Type": kind})

    def _connection(self) -> http.client.HTTPConnection:
        if time.perf_counter() - self._last > IDLE_S:
            self.close()
        if self._line is None:
            self._line = http.client.HTTPConnection(self.host, timeout=PATIENCE_S)
            self._line.connect()
        return self._line

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Page:
        line = self._connection()
        headers = {"Accept-Encoding": ENCODINGS, "Accept-Language": "zh-TW", **headers}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        begun = time.perf_counter()
        line.request(method, path, body, headers)
        answer = line.getresponse()
        content = answer.read()
        self._last = time.perf_counter()
        self.took += self._last - begun
        self.received += len(content)
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _is, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        if answer.will_close:
            self.close()
        return Page(path, answer.status, answer.headers, content)


def packed(values: list[tuple[str, str]], files: dict[str, tuple[str, bytes]] | None = None) -> tuple[bytes, str]:
    """Return fields and files as multipart/form-data, and its content type."""
    mark = secrets.token_hex(16)
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in values]
    for name, (called, content) in (files or {}).items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{called}"\r\nContent-Type: text/csv\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    body = b"".join(f"--{mark}\r\n".encode() + part for part in parts) + f"--{mark}--\r\n".encode()
    return body, f"multipart/form-data; boundary={mark}"


def form_in(page: Page, where: str = "//form") -> Form:
    """Return the first form that an XPath finds in a page; raises WrongAnswerError if there is none."""
    found = html.document_fromstring(page.text).xpath(where)
    if not found:
        raise WrongAnswerError(f"{page.path.partition('?')[0]}: no form")
    form = found[0]
    values = [pair for field in form.xpath(FIELDS) for pair in _sent(field)]
    return Form(form.get("action") or "", form.get("enctype") or "", values)


def _sent(field: Any) -> list[tuple[str, str]]:
    """Return what a browser sends for a field as it stands."""
    name = field.get("name")
    if field.tag == "textarea":
        # Its first line break is the page's, not the text's.
        return [(name, (field.text or "").removeprefix("\n"))]
    if field.tag == "select":
        options = [(one.get("value") or "", one.get("selected")) for one in field.iter("option")]
        chosen = [value for value, selected in options if selected is not None]
        if field.get("multiple") is None:
            chosen = chosen[-1:] or [value for value, _selected in options[:1]]
        return [(name, value) for value in chosen]
    if field.get("type") in {"checkbox", "radio"}:
        return [(name, field.get("value") or "on")] if field.get("checked") is not None else []
    return [(name, field.get("value") or "")]
