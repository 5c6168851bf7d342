"""Rows of a record edited in place: saved together or not at all, within the rights and locks of the single forms."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from conftest import Person, SignIn, inputs, member
from flask import Flask
from sqlalchemy import inspect as sa_inspect
from sqlalchemy import select
from test_laws import screens, statements
from test_training import add_item, area, latest, write_plan

from app.core.audit import AuditEntry, Change
from app.core.db import db
from app.core.fields_rows import target_of
from app.core.rows import MOST_ROWS
from app.roster.models import CoverageRule, ShiftType, Weekday
from app.staff.models import Team
from app.training.models import Method, PlanItem, PlanStatus, Quarter, TrainingPlan, TrainingSession
from app.training.models import Enrolment

NEW = {"title": "同理心表達", "method": "SIMULATION", "quarter": "Q3", "audience": "新進同仁", "hours": "1.5"}


def plan_with_items(su: Person, *titles: str) -> TrainingPlan:
    """Return a draft with items."""
    plan = write_plan(su)
    for title in titles:
        add_item(su, plan, title=title)
    return latest(TrainingPlan)


def items(plan: TrainingPlan) -> list[PlanItem]:
    db.session.expire_all()
    return list(db.session.scalars(select(PlanItem).where(PlanItem.plan_id == plan.id).order_by(PlanItem.id)))


def rules() -> list[CoverageRule]:
    db.session.expire_all()
    return list(db.session.scalars(select(CoverageRule).order_by(CoverageRule.id)))


def rule(team: str, weekday: Weekday = Weekday.MONDAY, least: int = 2) -> CoverageRule:
    """Make a coverage rule."""
    kind = db.session.scalars(select(ShiftType).order_by(ShiftType.id)).first()
    made = CoverageRule(team=team_of(team), weekday=weekday, shift_type=kind, least=least)
    db.session.add(made)
    db.session.commit()
    return made


def team_of(code: str) -> Team:
    return db.session.scalars(select(Team).where(Team.code == code)).one()


def url_of(plan: TrainingPlan) -> str:
    return f"/plan-item/rows/plan/{plan.id}"


def sent(page: BeautifulSoup, **changes: str) -> dict[str, Any]:
    """Return what the grid sends with some cells typed into: ``r12_title`` is the title of row 12."""
    form = page.select_one("form.rows")
    assert form is not None
    for template in form.select("template"):
        template.extract()
    typed = {name.replace("_", "-", 1): text for name, text in changes.items()}
    return {**inputs(form), **typed}


def new(key: str, **more: str) -> dict[str, str]:
    """Return the cells of a new item."""
    cells = {**NEW, "topic_area": str(area().id), **more}
    return {f"{key}_{name}": text for name, text in cells.items()}


def notes(answer: Any, kind: str = "danger") -> str:
    return " ".join(note.text for note in BeautifulSoup(answer.text, "html.parser").select(f".note-{kind}"))


def test_rows_are_changed_added_and_deleted_by_one_button_and_the_trail_tells_each(
    app: Flask, sign_in: SignIn
) -> None:
    su = sign_in("su")
    plan = plan_with_items(su, "長照險條款", "申訴案例", "保險法")
    keep, change, drop = items(plan)
    url = url_of(plan)
    link = su.page(f"/training-plan/show/{plan.id}").select_one(f"a[data-rows][href='{url}']")
    assert link is not None
    before = latest(AuditEntry).id
    data = sent(su.page(url), **{f"r{change.id}_hours": "4.5", f"r{drop.id}_remove": "y"}, **new("n0"))
    answer = su.post(url, data=data)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/training-plan/show/{plan.id}")
    assert [(one.title, str(one.hours)) for one in items(plan)] == [
        ("長照險條款", "3.0"),
        ("申訴案例", "4.5"),
        ("同理心表達", "1.5"),
    ]
    added = items(plan)[-1]
    assert (added.method, added.quarter, added.created_by_id) == (Method.SIMULATION, Quarter.Q3, member("su").user_id)
    told = db.session.scalars(select(AuditEntry).where(AuditEntry.id > before).order_by(AuditEntry.id)).all()
    assert [(one.change, one.record_id) for one in told] == [
        (Change.DELETED, drop.id),
        (Change.CHANGED, change.id),
        (Change.ADDED, added.id),
    ]
    assert told[1].after == {"hours": "4.5"}
    assert keep.version == 1
