"""A supervisor edits the training plan (clause 4.1.1); nobody approves their own, so another one does."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from conftest import member
from flask import Flask
from flask_appbuilder.security.sqla.models import User
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.staff.models import StaffMember, Task, TaskStatus
from app.training.models import PlanItem, PlanStatus, TrainingPlan

from .conftest import Browse, Say, rows

pytestmark = pytest.mark.browser
ITEMS = (("保險法修正重點", "Q1", "LECTURE", "6"), ("申訴案例研討", "Q2", "CASE", "4.5"))


def second_supervisor() -> str:
    """Let a second supervisor join the department; return the login."""
    with rows() as session:
        su = session.scalars(select(User).where(User.username == "su")).one()
        wen = User(
            username="wen", last_name="何", first_name="文", email="wen@example.com", active=True, password=su.password
        )
        session.add(wen)
        wen.roles = list(su.roles)
        department = member("su").department
        session.add(
            StaffMember(number="E9001", name="何文", user=wen, department=department, hired_on=date(2021, 1, 4))
        )
    return "wen"


def choose(page: Page, name: str, value: str) -> None:
    """Choose one of a closed list, whether the form shows pills or a select."""
    page.locator(f"#{name}").wait_for(state="attached")
    pill = page.locator(f".pills label:has(input[name='{name}'][value='{value}']) span")
    if pill.count():
        pill.click()
    else:
        page.select_option(f"#{name}", value)


def test_a_plan_is_written_submitted_sent_back_mended_and_approved(app: Flask, browse: Browse, say: Say) -> None:
    su, wen = browse("su"), browse(second_supervisor())
    plan = write(su, say)
    with rows() as session:
        found = session.scalars(select(PlanItem).order_by(PlanItem.id)).all()
        assert [(item.title, item.quarter.name, item.method.name, item.hours) for item in found] == [
            (title, quarter, method, Decimal(hours)) for title, quarter, method, hours in ITEMS
        ]

    submit(su, say)
    expect(su.get_by_role("button", name=say("Approve"), exact=True)).to_have_count(0)
    expect(su.locator("main a[href*='/plan-item/add']")).to_have_count(0)
    with rows() as session:
        assert session.scalars(select(Task.status)).one() is TaskStatus.OPEN

    wen.goto("/")
    wen.locator("main tr", has_text="2027").get_by_role("link").click()
    wen.get_by_role("link", name=say("Send back"), exact=True).click()
    wen.fill("#answer", "第三季沒有內容")
    wen.locator(".form-end .btn-primary").click()
    expect(wen.locator(".path [aria-current]")).to_have_text(say("Draft"))

    su.reload()
    expect(su.locator("main")).to_contain_text("第三季沒有內容")
    su.locator("tr", has_text=ITEMS[1][0]).locator("a").first.click()
    su.get_by_role("link", name=say("Edit"), exact=True).click()
    choose(su, "quarter", "Q3")
    su.locator(".form-end .btn-primary").click()
    su.wait_for_url(f"**/training-plan/show/{plan}")
    submit(su, say)

    wen.reload()
    wen.get_by_role("button", name=say("Approve"), exact=True).click()
    expect(wen.locator(".path [aria-current]")).to_have_text(say("In force"))
    expect(wen.locator(".record")).to_contain_text("何文")
    with rows() as session:
        held = session.get_one(TrainingPlan, plan)
        assert (held.status, held.author, str(held.approver)) == (PlanStatus.APPROVED, member("su"), "何文")
        assert [item.quarter.name for item in held.items] == ["Q1", "Q3"]
        assert TaskStatus.OPEN not in set(session.scalars(select(Task.status)))


def write(su: Page, say: Say) -> int:
    """Begin next year's plan and add its items; return the plan's key."""
    su.locator("nav.side a", has_text=say("Training plans")).click()
    su.locator(".page-head .btn-primary").click()
    su.fill("#year", "2027")
    su.fill("#goals", "新進人員三個月內獨立接聽")
    su.fill("#budget", "120000")
    su.locator(".form-end .btn-primary").click()
    su.wait_for_url("**/training-plan/show/*")
    plan = int(su.url.rpartition("/")[2])
    for title, quarter, method, hours in ITEMS:
        su.locator("main a[href*='/plan-item/add']").click()
        su.fill("#title", title)
        su.locator("#topic_area .pills span").first.click()
        choose(su, "quarter", quarter)
        choose(su, "method", method)
        su.fill("#audience", "全體客服")
        su.fill("#hours", hours)
        su.locator(".form-end .btn-primary").click()
        su.wait_for_url(f"**/training-plan/show/{plan}")
        expect(su.locator("main")).to_contain_text(title)
    return plan


def submit(su: Page, say: Say) -> None:
    """Submit the plan whose page is open."""
    su.get_by_role("button", name=say("Submit"), exact=True).click()
    expect(su.locator(".path [aria-current]")).to_have_text(say("Waiting for approval"))
