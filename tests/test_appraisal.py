"""Appraisals (chapter 5): a cycle from opening to closing, self-assessment, scores, appeal; and who may."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from conftest import Person, SignIn, inputs, member
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from test_laws import statements

from app.appraisal.models import (
    Appraisal,
    AppraisalStatus,
    Cycle,
    CycleKind,
    CycleStatus,
    Indicator,
    ScoreLine,
    total_of,
)
from app.appraisal.workflow import APPRAISAL
from app.core import actor, clock
from app.core.db import db
from app.core.errors import RuleError
from app.core.measures import MEASURES, Period
from app.staff.models import Task, TaskStatus

WORDS = {"strengths": "結案快", "weaknesses": "條款不熟", "improvement": "每週讀一則條款"}


def lines(*scores: tuple[str, str | None]) -> list[ScoreLine]:
    return [ScoreLine(weight=Decimal(weight), score=Decimal(score) if score else None) for weight, score in scores]


@pytest.mark.parametrize(
    ("given", "total"),
    [
        ([("10", "5"), ("10", "5"), ("10", None)], "5.00"),
        ([("10", "5"), ("30", "3")], "3.50"),
        ([("10", "5"), ("0", "1")], "5.00"),
        ([("10", "4"), ("10", "3"), ("10", "3")], "3.33"),
        ([("1", "4"), ("1", "4.01")], "4.01"),
        ([("10", "0"), ("10", None)], "0.00"),
        ([("10", None)], None),
        ([("0", "5")], None),
        ([], None),
    ],
)
def test_unused_parts_drop_out_of_the_total(given: list[tuple[str, str | None]], total: str | None) -> None:
    assert total_of(lines(*given)) == (Decimal(total) if total is not None else None)


def latest(model: type[Any]) -> Any:
    db.session.expire_all()
    return db.session.scalars(select(model).order_by(model.id.desc())).first()


def of(login: str) -> Appraisal:
    db.session.expire_all()
    return db.session.scalars(select(Appraisal).where(Appraisal.person == member(login))).one()


def open_cycle(su: Person) -> Cycle:
    assert (
        su.submit("/appraisal-cycle/add", kind="MONTHLY", first_on="2026-10-01", last_on="2026-10-31").status_code
        == 200
    )
    made = latest(Cycle)
    assert su.send(f"/appraisal-cycle/step/{made.id}/open").status_code == 302
    return made


def fill(person: Person, appraisal: Appraisal, scores: dict[str, str], form: Any = None) -> Any:
    """Open the score sheet, fill in scores by indicator, and save it."""
    url = f"/appraisal/sheet/{appraisal.id}"
    form = dict(form or inputs(person.page(url).select_one("form.form")))
    for line in appraisal.lines:
        if line.indicator.code in scores:
            form[f"score_{line.id}"] = scores[line.indicator.code]
    return person.post(url, data=form)


def step(person: Person, appraisal: Appraisal, name: str, **asked: str) -> int:
    return person.send(f"/appraisal/step/{appraisal.id}/{name}", asked).status_code


@pytest.mark.slow
def test_a_month_is_appraised_from_opening_to_closing(app: Flask, sign_in: SignIn) -> None:
    su, mei, liang = sign_in("su"), sign_in("mei"), sign_in("liang")
    cycle = open_cycle(su)
    people = {row.person.name for row in db.session.scalars(select(Appraisal))}
    assert people == {"周美", "王濤", "孫凱", "陳亮"}
    mine = of("mei")
    assert len(mine.lines) == db.session.query(Indicator).count() == 11
    task = db.session.scalars(select(Task).where(Task.owner == member("mei"))).one()
    assert (task.promise, task.clause.number) == ("self_assessment", "5.2.3")
    # Nothing is scored before the person had their say.
    assert step(liang, mine, "score", comment="好") == 422
    assert "/appraisal/sheet/" not in str(liang.page(f"/appraisal/show/{mine.id}"))
    assert mei.submit(f"/appraisal/edit/{mine.id}", strengths="草稿").status_code == 200
    assert mei.submit(f"/appraisal/step/{mine.id}/self_assess", **WORDS).status_code == 200
    mine = of("mei")
    assert (mine.status, mine.strengths, mine.self_assessed_at is not None) == (AppraisalStatus.SCORING, "結案快", True)
    assert db.session.get(Task, task.id).status is TaskStatus.KEPT
    scoring = db.session.scalars(select(Task).where(Task.promise == "appraisal_score")).one()
    assert scoring.owner == member("liang")
    # The lead fills in the sheet in one go; what stays empty drops out.
    assert fill(liang, mine, {"ATTITUDE": "5", "COOPERATION": "5"}).status_code == 302
    assert step(liang, mine, "score", comment="穩定") == 302
    mine = of("mei")
    assert (mine.status, mine.total, mine.scorer) == (AppraisalStatus.CONFIRMING, Decimal("5.00"), member("liang"))
    assert db.session.get(Task, scoring.id).status is TaskStatus.KEPT
    assert fill(liang, mine, {"ATTITUDE": "1"}, {"csrf_token": liang.token()}).status_code == 422
    assert total_of(of("mei").lines) == 5
    assert step(mei, mine, "confirm") == 302
    assert of("mei").status is AppraisalStatus.SETTLED
    # Others wrote nothing: once the cycle is collected they are scored without, and it closes when all is settled.
    assert su.refused(f"/appraisal-cycle/step/{cycle.id}/close")
    assert su.send(f"/appraisal-cycle/step/{cycle.id}/collect").status_code == 302
    assert step(sign_in("tao"), of("tao"), "self_assess", **WORDS) == 422
    assert su.refused(f"/appraisal-cycle/step/{cycle.id}/close")
    for login in ("tao", "kai", "liang"):
        one = of(login)
        assert fill(su, one, {"ATTITUDE": "4"}).status_code == 302
        assert step(su, one, "score", comment="可") == 302
        assert step(sign_in(login), of(login), "confirm") == 302
    assert su.send(f"/appraisal-cycle/step/{cycle.id}/close").status_code == 302
    assert latest(Cycle).status is CycleStatus.CLOSED
    assert db.session.scalars(select(Task).where(Task.status == TaskStatus.OPEN)).first() is None


def test_an_appeal_is_settled_with_a_new_total(app: Flask, sign_in: SignIn) -> None:
    su, mei, liang = sign_in("su"), sign_in("mei"), sign_in("liang")
    open_cycle(su)
    mei.submit(f"/appraisal/step/{of('mei').id}/self_assess", **WORDS)
    fill(liang, of("mei"), {"ATTITUDE": "2"})
    step(liang, of("mei"), "score", comment="需改進")
    mei.submit(f"/appraisal/step/{of('mei').id}/object", appeal="漏計一件表揚")
    assert of("mei").status is AppraisalStatus.APPEALED
    task = db.session.scalars(select(Task).where(Task.promise == "appraisal_appeal")).one()
    assert (task.owner, task.role) == (None, "supervisor")
    assert liang.get(f"/appraisal/sheet/{of('mei').id}").status_code == 403
    assert step(liang, of("mei"), "settle", decision="不變") == 403
    assert fill(su, of("mei"), {"ATTITUDE": "3.5"}).status_code == 302
    assert step(su, of("mei"), "settle", decision="補計表揚") == 302
    mine = of("mei")
    assert (mine.status, mine.total, mine.decision) == (AppraisalStatus.SETTLED, Decimal("3.50"), "補計表揚")
    # What is settled never changes again.
    line = mine.lines[3]
    assert su.send(f"/score-line/edit/{line.id}", {"version": str(line.version), "score": "5"}).status_code == 422


def test_nobody_scores_their_own_work(app: Flask, sign_in: SignIn) -> None:
    """Hidden on the page, refused on every path, and the rule itself holds where no page is."""
    liang = sign_in("liang")
    open_cycle(sign_in("su"))
    liang.submit(f"/appraisal/step/{of('liang').id}/self_assess", **WORDS)
    mine = of("liang")
    page = str(liang.page(f"/appraisal/show/{mine.id}"))
    assert f"/appraisal/sheet/{mine.id}" not in page
    assert f"/appraisal/step/{mine.id}/score" not in page
    assert liang.get(f"/appraisal/sheet/{mine.id}").status_code == 403
    assert liang.send(f"/appraisal/sheet/{mine.id}", {f"score_{mine.lines[0].id}": "5"}).status_code == 403
    assert step(liang, mine, "score", comment="很好") == 403
    line = mine.lines[0]
    assert liang.get(f"/score-line/show/{line.id}").status_code == 404
    assert liang.send(f"/score-line/edit/{line.id}", {"version": "1", "score": "5"}).status_code == 404
    assert "/score-line/show/" not in page
    with actor.acting_as(member("liang").user_id), pytest.raises(RuleError):
        APPRAISAL.take(mine, APPRAISAL.steps["score"], clock.now())
    db.session.rollback()
    assert of("liang").status is AppraisalStatus.SCORING
    assert {one.score for one in of("liang").lines} == {None}


@pytest.mark.slow
def test_scores_are_told_when_scoring_is_finished(app: Flask, sign_in: SignIn) -> None:
    mei, liang = sign_in("mei"), sign_in("liang")
    open_cycle(sign_in("su"))
    mei.submit(f"/appraisal/step/{of('mei').id}/self_assess", **WORDS)
    fill(liang, of("mei"), {"ATTITUDE": "2"})
    line = next(one for one in of("mei").lines if one.score is not None)
    assert mei.get(f"/score-line/show/{line.id}").status_code == 404
    assert mei.get("/api/v1/score-line/").json["count"] == 0
    step(liang, of("mei"), "score", comment="可")
    assert mei.get(f"/score-line/show/{line.id}").status_code == 200
    assert mei.get("/api/v1/score-line/").json["count"] == 11


@pytest.mark.parametrize("wrong", ["6", "-1", "abc", "1e9", "NaN"])
def test_a_wrong_score_is_told_at_its_line_and_the_rest_kept(app: Flask, sign_in: SignIn, wrong: str) -> None:
    liang = sign_in("liang")
    open_cycle(sign_in("su"))
    sign_in("mei").submit(f"/appraisal/step/{of('mei').id}/self_assess", **WORDS)
    answer = fill(liang, of("mei"), {"ATTITUDE": wrong, "COOPERATION": "4"})
    assert answer.status_code == 422
    page = liang.read(answer.text, "sheet")
    by_code = {line.indicator.code: line.id for line in of("mei").lines}
    assert page.select_one(f"#score_{by_code['ATTITUDE']}")["aria-invalid"] == "true"
    assert page.select_one(f"#score_{by_code['COOPERATION']}")["value"] == "4"
    assert {line.score for line in of("mei").lines} == {None}


def test_two_scorers_on_one_sheet_are_told(app: Flask, sign_in: SignIn) -> None:
    liang, su = sign_in("liang"), sign_in("su")
    open_cycle(su)
    sign_in("mei").submit(f"/appraisal/step/{of('mei').id}/self_assess", **WORDS)
    old = inputs(liang.page(f"/appraisal/sheet/{of('mei').id}").select_one("form.form"))
    fill(su, of("mei"), {"ATTITUDE": "3"})
    answer = fill(liang, of("mei"), {"ATTITUDE": "5"}, old)
    assert answer.status_code == 422
    attitude = next(line for line in of("mei").lines if line.indicator.code == "ATTITUDE")
    assert attitude.score == 3
    kept = inputs(liang.read(answer.text, "sheet").select_one("form.form"))
    assert kept[f"score_{attitude.id}"] == "5"
    assert fill(liang, of("mei"), {}, kept).status_code == 302
    assert next(line for line in of("mei").lines if line.id == attitude.id).score == 5


def test_appraisals_of_another_team_are_out_of_reach(app: Flask, sign_in: SignIn) -> None:
    open_cycle(sign_in("su"))
    sign_in("kai").submit(f"/appraisal/step/{of('kai').id}/self_assess", **WORDS)
    theirs, mine = of("kai"), of("mei")
    liang, mei = sign_in("liang"), sign_in("mei")
    for person in (liang, mei):
        assert person.get(f"/appraisal/show/{theirs.id}").status_code == 404
        assert person.get(f"/score-line/show/{theirs.lines[0].id}").status_code == 404
    assert liang.get(f"/appraisal/sheet/{theirs.id}").status_code == 404
    assert step(liang, theirs, "score", comment="x") == 404
    assert mei.get(f"/appraisal/sheet/{mine.id}").status_code == 403
    assert step(mei, theirs, "self_assess", **WORDS) == 404
    # A lead does not write the self-assessment of a member of the team.
    assert step(liang, mine, "self_assess", **WORDS) == 404
    assert liang.send(f"/appraisal/edit/{mine.id}", {"version": "1", "strengths": "x"}).status_code == 404
    for login in ("ao", "an", "fan", "du"):
        assert sign_in(login).get("/appraisal/list/").status_code == 403


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "MONTHLY", "first_on": "2026-10-02", "last_on": "2026-10-31"}, "last_on"),
        ({"kind": "QUARTERLY", "first_on": "2026-10-01", "last_on": "2026-10-31"}, "last_on"),
        ({"kind": "SPECIAL", "first_on": "2026-10-01", "last_on": "2026-10-31"}, "subject"),
        ({"kind": "SPECIAL", "subject": "長照險", "first_on": "2026-10-31", "last_on": "2026-10-01"}, "last_on"),
    ],
)
def test_a_wrong_period_is_told_at_its_field(app: Flask, sign_in: SignIn, values: dict[str, str], field: str) -> None:
    su = sign_in("su")
    answer = su.submit("/appraisal-cycle/add", **values)
    assert answer.status_code == 422
    assert su.read(answer.text, "add").select_one(f"#{field}-error") is not None
    assert latest(Cycle) is None


def test_a_month_has_one_cycle_and_a_special_one_its_chosen_people(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    open_cycle(su)
    again = su.submit("/appraisal-cycle/add", kind="MONTHLY", first_on="2026-10-01", last_on="2026-10-31")
    assert again.status_code == 422
    db.session.add(Cycle(kind=CycleKind.MONTHLY, first_on=date(2026, 10, 1), last_on=date(2026, 10, 31)))
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()
    for subject in ("長照險上市", "申訴處理"):
        assert (
            su.submit(
                "/appraisal-cycle/add", kind="SPECIAL", subject=subject, first_on="2026-10-01", last_on="2026-10-31"
            ).status_code
            == 200
        )
    special = latest(Cycle)
    answer = su.submit(f"/appraisal/add?cycle={special.id}", person=str(member("mei").id))
    assert answer.status_code == 422
    su.send(f"/appraisal-cycle/step/{special.id}/open")
    assert su.submit(f"/appraisal/add?cycle={special.id}", person=str(member("mei").id)).status_code == 200
    chosen = db.session.scalars(select(Appraisal).where(Appraisal.cycle == special)).all()
    assert [(one.person, len(one.lines)) for one in chosen] == [(member("mei"), 11)]
    assert sign_in("liang").get("/appraisal-cycle/add").status_code == 403


def test_an_indicator_names_a_measure_that_exists(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    found = db.session.scalars(select(Indicator).where(Indicator.code == "ATTITUDE")).one()
    assert su.submit(f"/indicator/edit/{found.id}", measure_name="no_such").status_code == 422
    answer = su.submit(f"/indicator/edit/{found.id}", measure_name="roster_notice")
    assert answer.status_code == 200
    # People read what it is called, in the facts and in the history.
    assert answer.text.count(str(MEASURES["roster_notice"].label)) >= 2
    db.session.refresh(found)
    assert found.measure_name == "roster_notice"
    assert su.submit(f"/indicator/edit/{found.id}", measure_name="").status_code == 200
    db.session.refresh(found)
    assert found.measure_name is None


def test_a_list_and_a_page_need_few_statements(app: Flask, sign_in: SignIn) -> None:
    su = sign_in("su")
    open_cycle(su)
    for url, most in (
        ("/appraisal/list/", 10),
        ("/score-line/list/", 10),
        (f"/appraisal/show/{of('mei').id}", 20),
        (f"/appraisal/sheet/{of('mei').id}", 20),
    ):
        with statements() as found:
            answer = su.get(url)
        assert answer.status_code in {200, 403}
        assert len(found) <= most, url + "\n" + "\n".join(found)


def test_the_measures_of_appraisals(app: Flask, sign_in: SignIn) -> None:
    open_cycle(sign_in("su"))
    sign_in("mei").submit(f"/appraisal/step/{of('mei').id}/self_assess", **WORDS)
    october = Period.month_of(date(2026, 10, 1))
    names = ("self_assessments_missing", "appraisals_to_score", "special_appraisals_open")
    assert [MEASURES[name].figure(october).part for name in names] == [3, 1, 0]
