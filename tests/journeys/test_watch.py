"""The watch over every page: what it must notice is done here on purpose."""

from __future__ import annotations

import pytest
from flask import Flask

from .conftest import Browse

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("deed", "noticed"),
    [
        ("console.error('broken')", "console at"),
        ("setTimeout(() => { throw new Error('broken'); })", "script: "),
        ("document.body.setAttribute('onclick', 'x()')", "policy: script-src"),
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')", "policy: style-src"),
        ("fetch('/no/such/page')", "answer 404"),
        ("new Image().src = 'http://outside.example/x.png'", "foreign host"),
    ],
)
def test_nothing_a_page_does_wrong_goes_unnoticed(app: Flask, browse: Browse, deed: str, noticed: str) -> None:
    page = browse.visit()
    page.goto("/login/")
    assert browse.wrong == []
    page.evaluate(f"() => {{ {deed}; }}")
    page.wait_for_timeout(300)
    assert any(noticed in line for line in browse.wrong), browse.wrong
    browse.wrong.clear()
