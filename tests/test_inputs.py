"""What an address or a forged field says never breaks a page: it is taken, refused at its field, or left out."""

from __future__ import annotations

import pytest
from conftest import SignIn
from flask import Flask
from flask_babel import force_locale, gettext
from sqlalchemy import select
from test_laws import screens
from test_repairs import equipment, first, report
from test_traps import BAD_VALUES

from app.core.clock import local
from app.core.db import db
from app.customers.models import Policy
from app.handbook.models import Clause
from app.roster.models import Shift
from app.workplace.models import Repair


def force(locale: str, text: str) -> str:
    with force_locale(locale):
        return str(gettext(text))


def test_no_address_breaks_an_empty_form(app: Flask, sign_in: SignIn) -> None:
    """Every column of every form is filled in by an address with what it may be, and with what it cannot be."""
    people = [sign_in(login) for login in ("su", "an", "fan", "mei", "liang")]
    tried = 0
    for view in screens(app):
        person = next((one for one in people if one.get(f"{view.route_base}/add").status_code == 200), None)
        if person is None:
            continue
        for value in ("2026-12-01", "2026-12-01T09:30", "09:30", "12.5", *BAD_VALUES):
            url = f"{view.route_base}/add?" + "&".join(f"{name}={value}" for name in view.add_columns)
            answer = person.get(url)
            assert answer.status_code == 200, url
            tried += 1
    assert tried > 300


def test_an_address_fills_a_form_in(app: Flask, sign_in: SignIn) -> None:
    page = sign_in("mei").page("/consultation/add?contact_at=2026-11-01T10:00&subject=保費")
    assert page.select_one("[name=contact_at]")["value"] == "2026-11-01T10:00"
    assert page.select_one("[name=subject]")["value"] == "保費"
    assert sign_in("liang").page("/shift/add?day=2026-12-01").select_one("[name=day]")["value"] == "2026-12-01"


@pytest.mark.parametrize("version", ["99999999999999999999", "3000000000", "-1", "abc", ""])
def test_a_forged_version_overwrites_nothing(app: Flask, sign_in: SignIn, version: str) -> None:
    mei = sign_in("mei")
    repair = report(mei, equipment())
    fan = sign_in("fan")
    answer = fan.submit(f"/repair/edit/{repair.id}", version=version, fault="還是沒有聲音")
    assert answer.status_code == 422
    assert "還是沒有聲音" in answer.text
    db.session.rollback()
    assert first(Repair).fault != "還是沒有聲音"
    user = sign_in("an").submit("/user/edit/1", version=version, last_name="別")
    assert user.status_code == 422


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9999-12-31T23:59", "1899-12-31T00:00"])
def test_a_year_nobody_means_is_told_at_its_field(app: Flask, sign_in: SignIn, moment: str) -> None:
    answer = sign_in("mei").submit("/consultation/add", contact_at=moment, subject="保費怎麼繳")
    assert answer.status_code == 422
    assert "年份請填 1900 到 2199。" in answer.text
    assert "保費怎麼繳" in answer.text
    shift = sign_in("liang").submit("/shift/add", day=moment[:10])
    assert "年份請填 1900 到 2199。" in shift.text
    assert db.session.scalars(select(Shift)).all() == []


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "2026-13", "abc", "%00"])
def test_a_month_nobody_means_is_this_one(app: Flask, sign_in: SignIn, month: str) -> None:
    page = sign_in("su").page(f"/measures/list/?month={month}")
    assert page.select_one("#month")["value"] == f"{local(first(Clause).created_at):%Y-%m}"


def test_a_download_leaves_no_filter_out(app: Flask, sign_in: SignIn) -> None:
    """A filter that cannot be read would make the file hold more than was asked for."""
    report(sign_in("mei"), equipment())
    fan = sign_in("fan")
    answer = fan.get("/repair/export/csv?status=NOPE&q=按鍵")
    assert answer.status_code == 302
    told = fan.page(answer.headers["Location"])
    assert "狀態" in told.select_one(".note-warning").text
    assert told.select_one("#q")["value"] == "按鍵"


def test_yes_and_no_are_asked_for_by_what_they_are(app: Flask, sign_in: SignIn) -> None:
    an = sign_in("an")
    assert "可登入" in an.page("/user/list/?active=banana").select_one(".note-warning").text
    assert len(an.page("/user/list/?active=1").select("tbody tr")) == 9


@pytest.mark.parametrize("text", ["\x00", "CU\x00", "\ud800"])
def test_a_look_up_of_what_cannot_be_stored_finds_nothing(app: Flask, sign_in: SignIn, text: str) -> None:
    mei = sign_in("mei")
    answer = mei.post("/api/v1/policy/", json={"holder": text}, headers={"X-CSRFToken": mei.token()})
    assert answer.status_code == 422
    assert answer.json["errors"]["holder"]
    assert db.session.scalars(select(Policy)).all() == []
    assert mei.send("/account/keys/%00/revoke").status_code == 404


@pytest.mark.parametrize(
    ("locale", "told"), [("zh_Hant_TW", "找不到頁面"), ("zh_Hans_CN", "页面不存在"), ("en", "Not found")]
)
def test_the_rest_api_refuses_in_the_callers_language(app: Flask, sign_in: SignIn, locale: str, told: str) -> None:
    mei = sign_in("mei", locale)
    assert mei.get("/api/v1/repair/99").json["message"] == told
    refused = mei.delete(f"/api/v1/equipment/{equipment().id}", headers={"X-CSRFToken": mei.token()})
    assert refused.status_code == 403
    assert set(refused.json) == {"message", "detail", "reference"}
    assert refused.json["message"] == str(force(locale, "This is not open to you"))


@pytest.mark.parametrize("header", ["Bearer abc", "Bearer kefu_abc", "bearer eyJhbGciOiJIUzI1NiJ9.e30.x"])
def test_a_key_that_is_none_is_told_alike(app: Flask, sign_in: SignIn, header: str) -> None:
    for client in (app.test_client(), sign_in("mei")):
        answer = client.get("/api/v1/repair/", headers={"Authorization": header, "Accept-Language": "zh-TW"})
        assert answer.status_code == 401
        assert answer.json["message"] == "請先登入"
