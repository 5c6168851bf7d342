"""Rows of a record edited in place: saved together or not at all, within the rights and locks of the single forms."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from conftest import Person, SignIn, inputs, member
from flask import Flask
from samples import sample
from sqlalchemy import select
from test_laws import STATEMENTS_PER_PAGE, screens, statements
from test_training import add_item, area, latest, write_plan

from app.core.audit import AuditEntry, Change
from app.core.db import db
from app.core.rows import MOST_ROWS
from app.customers.models import Customer, InsuranceNeed
from app.roster.models import CoverageRule, ShiftType, Weekday
from app.staff.models import Team
from app.training.models import Enrolment, Method, PlanItem, Quarter, TrainingPlan, TrainingSession

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


def test_rows_are_changed_added_and_deleted_by_one_button_and_the_trail_tells_each(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    plan = plan_with_items(su, "長照險條款", "申訴案例", "保險法")
    keep, change, drop = items(plan)
    url = url_of(plan)
    link = su.page(f"/training-plan/show/{plan.id}").select_one(f"a[data-rows][href='{url}']")
    assert link is not None
    before, gone = latest(AuditEntry).id, drop.id
    data = sent(su.page(url), **{f"r{change.id}_hours": "4.5", f"r{gone}_remove": "y"}, **new("n0"))
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
        (Change.DELETED, gone),
        (Change.CHANGED, change.id),
        (Change.ADDED, added.id),
    ]
    assert told[1].after == {"hours": "4.5"}
    assert keep.version == 1


def test_one_wrong_cell_keeps_every_row_back_and_nothing_typed_is_lost(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    plan = plan_with_items(su, "長照險條款", "申訴案例")
    first, second = items(plan)
    typed = {f"r{first.id}_title": "改好的標題", f"r{second.id}_hours": "-1", **new("n0", hours="", title="新的")}
    answer = su.post(url_of(plan), data=sent(su.page(url_of(plan)), **typed))
    assert answer.status_code == 422
    page = su.read(answer.text, url_of(plan))
    assert [(one.title, str(one.hours)) for one in items(plan)] == [("長照險條款", "3.0"), ("申訴案例", "3.0")]
    wrong = {cell["id"] for cell in page.select("[aria-invalid=true]")}
    assert wrong == {f"r{second.id}-hours", "n0-hours"}
    for cell in wrong:
        told = page.select_one(f"#{cell}-error")
        assert told is not None
        assert told.text
        assert f"{cell}-error" in str(page.select_one(f"#{cell}")["aria-describedby"])
        assert page.select_one(f".note-danger a[href='#{cell}']") is not None
    shown = sent(page)
    assert shown[f"r{first.id}-title"] == "改好的標題"
    assert (shown[f"r{second.id}-hours"], shown["n0-title"], shown["n0-quarter"]) == ("-1", "新的", "Q3")
    # Mended and sent once more, it is saved.
    answer = su.post(url_of(plan), data={**shown, f"r{second.id}-hours": "5", "n0-hours": "1"})
    assert answer.status_code == 302
    assert [(one.title, str(one.hours)) for one in items(plan)] == [
        ("改好的標題", "3.0"),
        ("申訴案例", "5.0"),
        ("新的", "1.0"),
    ]


def test_what_the_database_refuses_is_told_at_its_row_and_the_others_are_not_saved(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    held = rule("T1")
    kind = str(held.shift_type_id)
    url = f"/coverage-rule/rows/team/{held.team_id}"
    twice = {"weekday": "TUESDAY", "shift_type": kind, "least": "1"}
    cells = {f"{key}_{name}": text for key in ("n0", "n1") for name, text in twice.items()}
    answer = su.post(url, data=sent(su.page(url), **cells, **{f"r{held.id}_least": "4"}))
    assert answer.status_code == 422
    page = su.read(answer.text, url)
    (told,) = page.select(".row-told")
    assert "星期" in told.text
    assert told.find_previous_sibling("tr")["data-row"] == "n1"
    assert [(one.id, one.least) for one in rules()] == [(held.id, 2)]
    shown = sent(page)
    assert (shown[f"r{held.id}-least"], shown["n0-weekday"], shown["n1-weekday"]) == ("4", "TUESDAY", "TUESDAY")
    # The best number may not be less than the least: a rule between two cells of a row.
    answer = su.post(url, data=sent(su.page(url), **{f"r{held.id}_best": "1"}))
    assert su.read(answer.text, url).select_one(f"#r{held.id}-best-error") is not None


def test_a_row_that_somebody_else_changed_is_told_and_the_next_save_means_it(app: Flask, sign_in: SignIn) -> None:
    su, an = sign_in("su"), sign_in("su")
    plan = plan_with_items(su, "長照險條款", "申訴案例", "保險法")
    first, second, third = items(plan)
    page = su.page(url_of(plan))
    for item in (first, second, third):
        assert an.submit(f"/plan-item/edit/{item.id}", audience=f"新對象{item.id}").status_code == 200
    typed = sent(page, **{f"r{first.id}_title": "我的標題", f"r{third.id}_remove": "y"})
    answer = su.post(url_of(plan), data=typed)
    assert answer.status_code == 422
    page = su.read(answer.text, url_of(plan))
    assert page.select_one(".note-warning[role=alert]") is not None
    told = [(line.find_previous_sibling("tr")["data-row"], line.text) for line in page.select(".row-told")]
    assert [key for key, _text in told] == [f"r{first.id}", f"r{third.id}"]
    assert "林素" in told[0][1]
    assert f"新對象{first.id}" in told[0][1]
    assert [one.title for one in items(plan)] == ["長照險條款", "申訴案例", "保險法"]
    shown = sent(page)
    assert (shown[f"r{first.id}-title"], shown[f"r{third.id}-remove"]) == ("我的標題", "y")
    # Who did not touch a row sees what it is now.
    assert shown[f"r{second.id}-audience"] == f"新對象{second.id}"
    assert su.post(url_of(plan), data=shown).status_code == 302
    assert [one.title for one in items(plan)] == ["我的標題", "申訴案例"]
    assert items(plan)[1].audience == f"新對象{second.id}"


def test_a_row_nobody_touched_neither_hinders_nor_undoes_somebody_elses_change(app: Flask, sign_in: SignIn) -> None:
    su, other = sign_in("su"), sign_in("su")
    plan = plan_with_items(su, "長照險條款", "申訴案例")
    first, second = items(plan)
    page = su.page(url_of(plan))
    other.submit(f"/plan-item/edit/{first.id}", hours="7")
    assert su.post(url_of(plan), data=sent(page, **{f"r{second.id}_hours": "2"})).status_code == 302
    assert [str(one.hours) for one in items(plan)] == ["7.0", "2.0"]
    assert su.post(url_of(plan), data=sent(su.page(url_of(plan)))).status_code == 302
    assert [one.version for one in items(plan)] == [2, 2]


def test_a_row_that_somebody_else_deleted_is_told_and_not_brought_back_by_accident(app: Flask, sign_in: SignIn) -> None:
    su, other = sign_in("su"), sign_in("su")
    plan = plan_with_items(su, "長照險條款", "申訴案例")
    first, second = items(plan)
    page = su.page(url_of(plan))
    gone = first.id
    other.send(f"/plan-item/delete/{gone}")
    typed = sent(page, **{f"r{gone}_title": "費了心思的標題", f"r{second.id}_hours": "2"})
    answer = su.post(url_of(plan), data=typed)
    assert answer.status_code == 422
    shown = sent(su.read(answer.text, url_of(plan)))
    (key,) = [name.partition("-")[0] for name, text in shown.items() if text == "費了心思的標題"]
    assert shown[f"{key}-remove"] == "y"
    assert [(one.id, str(one.hours)) for one in items(plan)] == [(second.id, "3.0")]
    del shown[f"{key}-remove"]
    assert su.post(url_of(plan), data=shown).status_code == 302
    assert [one.title for one in items(plan)] == ["申訴案例", "費了心思的標題"]


def test_rows_of_another_record_and_outside_the_scope_stay_as_they_are(app: Flask, sign_in: SignIn) -> None:
    su, liang = sign_in("su"), sign_in("liang")
    mine, theirs = rule("T1"), rule("T2")
    url = f"/coverage-rule/rows/team/{mine.team_id}"
    data = sent(liang.page(url), **{f"r{mine.id}_least": "9"})
    stolen = {
        f"r{theirs.id}-version": str(theirs.version),
        f"r{theirs.id}-was": "0",
        f"r{theirs.id}-weekday": "FRIDAY",
        f"r{theirs.id}-shift_type": str(theirs.shift_type_id),
        f"r{theirs.id}-least": "0",
    }
    for person in (liang, su):
        assert person.post(url, data={**data, **stolen, "csrf_token": person.token()}).status_code == 422
    assert liang.post(url, data={**data, **stolen, f"r{theirs.id}-remove": "y"}).status_code == 302
    assert [(one.id, one.weekday, one.least) for one in rules()] == [
        (mine.id, Weekday.MONDAY, 9),
        (theirs.id, Weekday.MONDAY, 2),
    ]
    # The other team's page offers nothing, and what is sent there is refused.
    page = liang.page(f"/team/show/{theirs.team_id}")
    assert not page.select("a[data-rows]")
    assert not page.select(f"a[href*='/coverage-rule/add?team={theirs.team_id}']")
    assert liang.page(f"/team/show/{mine.team_id}").select_one(f"a[data-rows][href='{url}']") is not None
    there = f"/coverage-rule/rows/team/{theirs.team_id}"
    assert liang.get(there).status_code == 403
    further = {"n0-weekday": "SUNDAY", "n0-shift_type": str(mine.shift_type_id), "n0-least": "1"}
    assert liang.send(there, further).status_code == 422
    assert len(rules()) == 2


@pytest.mark.parametrize("login", ["liang", "ao", "an", "mei"])
def test_who_may_change_no_item_has_no_button_and_no_page(app: Flask, sign_in: SignIn, login: str) -> None:
    plan = plan_with_items(sign_in("su"), "長照險條款")
    (item,) = items(plan)
    person = sign_in(login)
    shown = person.get(f"/training-plan/show/{plan.id}")
    assert shown.status_code == (403 if login == "mei" else 200)
    assert "data-rows" not in shown.text
    assert person.get(url_of(plan)).status_code == 403
    forged = {f"r{item.id}-version": "1", f"r{item.id}-was": "0", f"r{item.id}-title": "X", f"r{item.id}-remove": "y"}
    assert person.send(url_of(plan), forged).status_code == 403
    assert [one.title for one in items(plan)] == ["長照險條款"]


def test_who_may_add_and_edit_but_not_delete_has_no_tick(app: Flask, sign_in: SignIn) -> None:
    mei = sign_in("mei")
    customer, need = sample(Customer), sample(InsuranceNeed)
    need.customer = customer
    db.session.commit()
    url = f"/insurance-need/rows/customer/{customer.id}"
    page = mei.page(url)
    assert page.select(f"[name='r{need.id}-need']")
    assert not page.select(f"[name='r{need.id}-remove']")
    assert mei.post(url, data=sent(page, **{f"r{need.id}_remove": "y"})).status_code == 403
    typed = {f"r{need.id}_need": "長期照顧", f"r{need.id}_is_met": "y"}
    assert mei.post(url, data=sent(page, **typed)).status_code == 302
    db.session.expire_all()
    assert (need.need, need.is_met) == ("長期照顧", True)


def test_people_are_enrolled_row_by_row_with_the_hooks_of_the_single_form(app: Flask, sign_in: SignIn) -> None:
    """Places are not edited, so those that are there are told as text, with a tick to take them away."""
    su = sign_in("su")
    session = sample(TrainingSession)
    session.capacity = 2
    db.session.commit()
    url = f"/enrolment/rows/session/{session.id}"
    keys = [str(member(login).id) for login in ("mei", "tao", "kai")]
    three = {f"n{number}_person": key for number, key in enumerate(keys)}
    # The third has no place: nobody is enrolled.
    answer = su.post(url, data=sent(su.page(url), **three))
    assert answer.status_code == 422
    assert not db.session.scalars(select(Enrolment)).all()
    page = su.read(answer.text, url)
    assert [option.text for option in page.select("select option[selected]")][:3] == ["周美", "王濤", "孫凱"]
    assert su.post(url, data=sent(page, n2_remove="y")).status_code == 302
    page = su.page(url)
    first = db.session.scalars(select(Enrolment).order_by(Enrolment.id)).first()
    assert first is not None
    assert not page.select(f"[name='r{first.id}-person']")
    assert "周美" in page.select_one(f"[data-row='r{first.id}']").text
    assert su.post(url, data=sent(page, **{f"r{first.id}_remove": "y"})).status_code == 302
    db.session.expire_all()
    assert [str(one.person) for one in db.session.scalars(select(Enrolment))] == ["王濤"]


def test_the_items_of_a_plan_that_was_submitted_meanwhile_are_locked(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    plan = plan_with_items(su, "長照險條款")
    (item,) = items(plan)
    page = su.page(url_of(plan))
    su.send(f"/training-plan/step/{plan.id}/submit")
    answer = su.post(url_of(plan), data=sent(page, **{f"r{item.id}_title": "太遲了"}, **new("n0")))
    assert answer.status_code == 422
    page = su.read(answer.text, url_of(plan))
    assert [one["data-row"] for one in page.select("tr[data-row]:has(+ .row-told)")] == [f"r{item.id}", "n0"]
    shown = sent(page)
    assert (shown[f"r{item.id}-title"], shown["n0-title"]) == ("太遲了", "同理心表達")
    assert [one.title for one in items(plan)] == ["長照險條款"]
    for change in ({f"r{item.id}-version": "1", f"r{item.id}-remove": "y"}, {"n0-title": "X", "n0-hours": "1"}):
        assert su.send(url_of(plan), change).status_code == 422
    page = su.page(url_of(plan))
    assert page.select_one(".note-warning") is not None
    assert not page.select("form.rows .btn-primary, form.rows input:not([type=hidden])")
    assert not su.page(f"/training-plan/show/{plan.id}").select("a[data-rows]")


def test_a_script_gets_the_grid_alone_and_is_told_where_to_go(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    plan = plan_with_items(su, "長照險條款")
    (item,) = items(plan)
    part = {"X-Fragment": "1"}
    answer = su.get(url_of(plan), headers=part)
    assert "<html" not in answer.text
    grid = BeautifulSoup(answer.text, "html.parser")
    data = sent(grid, **{f"r{item.id}_hours": "8"})
    assert [row["data-row"] for row in grid.select("tbody tr[data-row]")] == [f"r{item.id}", "n0"]
    wrong = su.post(url_of(plan), data={**data, f"r{item.id}-hours": ""}, headers=part)
    assert wrong.status_code == 422
    assert "<html" not in wrong.text
    answer = su.post(url_of(plan), data=data, headers=part)
    there = f"/training-plan/show/{plan.id}"
    assert (answer.status_code, answer.headers["X-Location"], answer.text) == (204, there, "")
    assert su.page(there).select_one(".note-success") is not None
    assert [str(one.hours) for one in items(plan)] == ["8.0"]


@pytest.mark.slow
def test_a_grid_takes_as_many_statements_for_fifty_rows_as_for_one_and_holds_no_more(
    app: Flask, sign_in: SignIn
) -> None:
    su, liang = sign_in("su"), sign_in("liang")
    plan = plan_with_items(su, "長照險條款")
    asked = set()
    for count in (1, MOST_ROWS):
        for number in range(count - 1):
            made = sample(PlanItem)
            made.plan, made.title = plan, f"項目{number}"
        db.session.commit()
        with statements() as found:
            assert su.get(url_of(plan)).status_code == 200
        asked.add(len(found))
        assert len(found) <= STATEMENTS_PER_PAGE, "\n".join(found)
    assert len(asked) == 1
    for number, day in enumerate(Weekday):
        rule("T1", day, number)
    with statements() as found:
        assert liang.get(f"/coverage-rule/rows/team/{team_of('T1').id}").status_code == 200
    assert len(found) <= STATEMENTS_PER_PAGE, "\n".join(found)
    page = su.page(url_of(plan))
    assert len(page.select("tbody tr[data-row^=r]")) == MOST_ROWS
    made = sample(PlanItem)
    made.plan = plan
    db.session.commit()
    # Who opened the grid before the last row came still saves it.
    (first, *_others) = items(plan)
    assert su.post(url_of(plan), data=sent(page, **{f"r{first.id}_hours": "8"})).status_code == 302
    assert str(items(plan)[0].hours) == "8.0"
    page = su.page(url_of(plan))
    assert not page.select("form.rows")
    assert page.select_one(f".note-info a[href='/plan-item/list/?plan={plan.id}']") is not None
    assert su.send(url_of(plan), {"n0-title": "X"}).status_code == 422


def test_every_grid_asks_for_all_that_a_new_row_needs_and_hangs_on_a_page(app: Flask, sign_in: SignIn) -> None:
    grids = [view for view in screens(app) if view.rows_columns]
    assert {view.model for view in grids} >= {PlanItem, CoverageRule, Enrolment, InsuranceNeed}
    for view in grids:
        above = [one for one in screens(app) if view in one._related_views]
        assert above, f"{type(view).__name__} hangs on no page"
        for column in view.rows_columns:
            assert view.label_columns.get(column), f"{type(view).__name__}.{column} has no label"
        relations = {view.datamodel.get_related_fk(one.model) for one in above}
        with app.test_request_context():
            needed = {
                field.name for field in view.add_form(formdata=None, meta={"csrf": False}) if field.flags.required
            }
        assert needed - relations <= {*view.rows_columns}, type(view).__name__
    su = sign_in("su")
    for wrong in (
        "/plan-item/rows/topic_area/1",
        "/plan-item/rows/plan/0",
        "/plan-item/rows/title/1",
        "/note/rows/ticket/1",
    ):
        assert su.get(wrong).status_code == 404, wrong
