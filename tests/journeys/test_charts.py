"""The chart of a list in a browser: it is drawn, its bars open their records, and without scripts the table says it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from test_charts import repair

from app.core.db import db
from app.workplace.models import Impact

from .browser import PHONE
from .conftest import ONE_DATABASE, Browse, Say

pytestmark = [pytest.mark.browser, ONE_DATABASE]
PIXELS = """(selector) => {
    const drawn = document.querySelector(selector);
    const copy = new OffscreenCanvas(drawn.width, drawn.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(drawn, 0, 0);
    const { data } = copy.getImageData(0, 0, drawn.width, drawn.height);
    const seen = new Set();
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) seen.add(data.slice(at, at + 3).join(","));
    return [...seen];
}"""
CHART = "echarts.getInstanceByDom(document.querySelector('[data-chart]'))"
COLOUR = """(name) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    const found = getComputedStyle(probe).color.match(/\\d+/g).join(",");
    probe.remove();
    return found;
}"""


def faults() -> None:
    """Make five faults of two kinds of impact, one a month."""
    for number in range(5):
        month = datetime(2026, number + 1, 10, 2, tzinfo=UTC)
        repair(number, at=month, impact=Impact.STOPS_WORK if number < 2 else Impact.HINDERS)
    db.session.commit()


def colours(page: Page) -> set[str]:
    """Return the colours that stand on the drawn figure."""
    return set(page.evaluate(PIXELS, "[data-chart] canvas"))


def test_a_chart_is_drawn_and_its_bars_open_their_records(app: Flask, browse: Browse, say: Say) -> None:
    faults()
    fan = browse("fan")
    fan.goto("/repair/list/")
    fan.locator(".list-tabs").get_by_role("link", name=say("Chart")).click()
    fan.wait_for_url("**/repair/chart/")
    fan.select_option("#by", "impact")
    fan.get_by_role("button", name=say("Show"), exact=True).click()
    expect(fan.locator("[data-chart] canvas")).to_be_visible()
    expect(fan.locator("[data-bars] tbody tr")).to_have_count(2)
    late, soon = fan.evaluate(COLOUR, "--late"), fan.evaluate(COLOUR, "--soon")
    assert {late, soon} <= colours(fan)

    box = fan.locator("[data-chart]").bounding_box()
    assert box is not None
    # The name of the second bar belongs to it as much as the bar does.
    fan.mouse.click(
        box["x"] + box["width"] / 2, box["y"] + fan.evaluate(f"{CHART}.convertToPixel({{ yAxisIndex: 0 }}, 1)")
    )
    fan.wait_for_url("**/repair/list/?impact=HINDERS")
    expect(fan.locator("table.list tbody tr")).to_have_count(3)
    fan.go_back()
    fan.locator("[data-bars] a").first.click()
    fan.wait_for_url("**/repair/list/?impact=STOPS_WORK")
    expect(fan.locator("table.list tbody tr")).to_have_count(2)


def test_a_chart_follows_the_theme(app: Flask, browse: Browse) -> None:
    faults()
    fan = browse("fan")
    fan.goto("/repair/chart/?by=impact")
    before = fan.evaluate(COLOUR, "--late")
    assert before in colours(fan)
    fan.evaluate("document.documentElement.style.setProperty('--late', 'rgb(1, 2, 3)')")
    fan.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    fan.wait_for_function(f"() => ({PIXELS})('[data-chart] canvas').includes('1,2,3')")
    assert before not in colours(fan)


def test_a_chart_fits_a_phone_and_lies_there(app: Flask, browse: Browse) -> None:
    """Months stand side by side on a desk and one below the other on a phone."""
    faults()
    fan = browse("fan", size=PHONE)
    fan.goto("/repair/chart/?by=reported_at")
    kinds = f"() => {CHART}.getOption().xAxis[0].type"
    expect(fan.locator("[data-chart] canvas")).to_be_visible()
    assert fan.evaluate(kinds) == "value"
    assert fan.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    fan.set_viewport_size({"width": 1366, "height": 800})
    fan.wait_for_function(f"() => ({kinds})() === 'category'")
    assert fan.locator("[data-chart] canvas").bounding_box()["width"] > PHONE["width"]


def test_without_scripts_the_table_says_it_all(app: Flask, browse: Browse, say: Say) -> None:
    faults()
    page = browse.plain("fan")
    page.goto("/repair/chart/")
    page.select_option("#by", "impact")
    page.get_by_role("button", name=say("Show"), exact=True).click()
    expect(page.locator("[data-chart]")).to_be_hidden()
    widths = [bar.bounding_box()["width"] for bar in page.locator("[data-bars] rect").all()]
    assert widths[0] == pytest.approx(widths[1] * 2 / 3, rel=0.02)
    page.locator("[data-bars] a").nth(1).click()
    expect(page.locator("table.list tbody tr")).to_have_count(3)
