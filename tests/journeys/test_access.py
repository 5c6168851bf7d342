"""An administrator gives a role, and the right works at once in a window that was open already (clause 1.2)."""

from __future__ import annotations

import pytest
from conftest import PASSWORD
from flask import Flask
from flask_appbuilder.security.sqla.models import Role, User
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from app.core.db import db
from app.workplace.models import Area

from .conftest import Browse, Say, rows

pytestmark = pytest.mark.browser


def role_id(name: str) -> int:
    """Return the key of a role."""
    with rows() as session:
        return session.scalars(select(Role.id).where(Role.name == name)).one()


def tick(page: Page, role: int) -> None:
    """Click a role's pill on the page of somebody's roles, and save."""
    page.locator(f".pills label:has(input[value='{role}']) span").click()
    page.locator(".form-end .btn-primary").click()
    page.wait_for_url("**/user/show/*")
    expect(page.locator(".note-success")).to_be_visible()


def roles_of(login: str) -> set[str]:
    """Return the roles somebody holds, as the database has it."""
    with rows():
        return {role.name for role in db.session.scalars(select(User).where(User.username == login)).one().roles}


def test_a_role_that_is_given_works_with_the_next_click_and_ends_with_it_too(
    app: Flask, browse: Browse, say: Say
) -> None:
    facility = role_id("facility")
    kai, an = browse("kai"), browse("an")
    areas = kai.locator("nav.side").get_by_role("link", name=say("Areas"), exact=True)
    expect(areas).to_have_count(0)
    browse.expected.add(403)
    kai.goto("/area/list/")
    expect(kai.locator("h1")).to_have_text(say("This is not open to you"))

    an.locator("nav.side").get_by_role("link", name=say("Logins"), exact=True).click()
    an.fill("#q", "kai")
    an.press("#q", "Enter")
    an.locator("table.list tbody a", has_text="kai").click()
    an.locator("main").get_by_role("link", name=say("Roles"), exact=True).click()
    tick(an, facility)
    assert roles_of("kai") == {"agent", "facility"}

    kai.reload()
    kai.goto("/")
    expect(areas).to_be_visible()
    areas.click()
    kai.locator(".page-head .btn-primary").click()
    fill_area(kai, "KAI1")
    kai.locator(".form-end .btn-primary").click()
    expect(kai.locator(".note-success")).to_be_visible()

    kai.goto("/area/add")
    fill_area(kai, "KAI2")
    an.locator("main").get_by_role("link", name=say("Roles"), exact=True).click()
    tick(an, facility)
    assert roles_of("kai") == {"agent"}
    kai.locator(".form-end .btn-primary").click()
    expect(kai.locator("h1")).to_have_text(say("This is not open to you"))
    expect(areas).to_have_count(0)
    with rows() as session:
        assert set(session.scalars(select(Area.code).where(Area.code.startswith("KAI")))) == {"KAI1"}


def fill_area(page: Page, code: str) -> None:
    """Fill the form of a new area."""
    page.fill("#code", code)
    for name in ("name_zh_hant", "name_zh_hans", "name_en"):
        page.fill(f"#{name}", f"{code} {name}")


def test_a_right_ticked_in_the_matrix_works_with_the_next_click_and_ends_with_it_too(
    app: Flask, browse: Browse, say: Say
) -> None:
    kai, an = browse("kai"), browse("an")
    role = role_id("agent")
    suppliers = kai.locator("nav.side").get_by_role("link", name=say("Suppliers"), exact=True)
    expect(suppliers).to_have_count(0)

    an.locator("nav.side").get_by_role("link", name=say("Roles"), exact=True).click()
    an.locator(f".role-tabs a[href='/role/show/{role}']").click()
    box = an.locator("input[name='can_list:SupplierView']")
    expect(box).not_to_be_checked()
    save(an, box)
    expect(an.locator("#SupplierView .differs")).to_be_visible()
    kai.reload()
    kai.locator("nav.side summary").click()
    suppliers.click()
    expect(kai.locator("h1")).to_have_text(say("Suppliers"))

    save(an, box)
    expect(an.locator("#SupplierView .differs")).to_have_count(0)
    browse.expected.add(403)
    kai.reload()
    expect(kai.locator("h1")).to_have_text(say("This is not open to you"))
    expect(suppliers).to_have_count(0)


def save(page: Page, box: Locator) -> None:
    """Click one box of the matrix and save the role."""
    box.click()
    page.locator(".matrix .form-end .btn-primary").click()
    expect(page.locator(".note-success")).to_be_visible()


def test_switching_a_login_off_ends_its_open_windows(app: Flask, browse: Browse, say: Say) -> None:
    kai, an = browse("kai"), browse("an")
    an.goto("/user/list/?q=kai")
    an.locator("table.list tbody a", has_text="kai").click()
    an.on("dialog", lambda dialog: dialog.accept())
    an.get_by_role("button", name=say("Switch off"), exact=True).click()
    expect(an.locator(".note-success")).to_be_visible()
    kai.reload()
    kai.wait_for_url("**/login/**")
    kai.fill("#username", "kai")
    kai.fill("#password", PASSWORD)
    kai.click("main button")
    expect(kai.locator(".note-warning")).to_be_visible()
    with rows() as session:
        assert session.scalars(select(User.active).where(User.username == "kai")).one() is False
