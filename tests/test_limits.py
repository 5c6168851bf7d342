"""Values that cannot be are told at their field, as the tables' CHECKs say, before the database refuses them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conftest import SignIn
from flask import Flask

from app.core import clock
from app.core.inputs import filled, problems
from app.core.views import PortalView

BEFORE, CHANGE = "2026-03-01", "2026-03-02"


def told(app: Flask, screen: str, given: dict[str, object]) -> set[str]:
    """Return which of the given fields a form refuses."""
    view = next(view for view in app.appbuilder.baseviews if type(view).__name__ == screen)  # type: ignore[attr-defined]
    assert isinstance(view, PortalView)
    with app.test_request_context():
        form, unread = filled(view.add_form, given)
        return set(problems(form, unread)) & set(given)


@pytest.mark.parametrize(
    ("screen", "given", "wrong"),
    [
        ("LeaveRequestView", {"first_on": CHANGE, "last_on": BEFORE}, "last_on"),
        ("LeaveRequestView", {"first_on": CHANGE, "last_on": CHANGE}, None),
        ("StaffMemberView", {"hired_on": CHANGE, "left_on": BEFORE}, "left_on"),
        ("PolicyView", {"starts_on": CHANGE, "ends_on": BEFORE}, "ends_on"),
        ("ConsentView", {"given_on": CHANGE, "withdrawn_on": BEFORE}, "withdrawn_on"),
        ("CycleView", {"first_on": CHANGE, "last_on": BEFORE}, "last_on"),
        ("PromiseView", {"in_force_from": CHANGE, "in_force_to": BEFORE}, "in_force_to"),
        ("PromiseView", {"length_number": 3661}, "length_number"),
        ("PromiseView", {"length_number": 0}, None),
        ("ClauseView", {"in_force_from": CHANGE, "in_force_to": BEFORE}, "in_force_to"),
        ("ServiceHoursView", {"opens_at": "09:00", "closes_at": "09:00"}, "closes_at"),
        ("ServiceHoursView", {"opens_at": "09:00", "closes_at": "09:01"}, None),
        ("CalendarExceptionView", {"opens_at": "12:00", "closes_at": "09:00"}, "closes_at"),
        ("TrainingSessionView", {"starts_at": f"{CHANGE}T09:00", "ends_at": f"{BEFORE}T10:00"}, "ends_at"),
        ("TrainingSessionView", {"capacity": 0}, "capacity"),
        ("PlanItemView", {"hours": "0"}, "hours"),
        ("PlanItemView", {"hours": "0.1"}, None),
        ("TrainingPlanView", {"budget": "-1"}, "budget"),
        ("CoverageRuleView", {"least": 2, "best": 1}, "best"),
        ("CoverageRuleView", {"least": -1}, "least"),
        ("CoverageRuleView", {"least": 2, "best": 2}, None),
        ("ShiftTypeView", {"break_minutes": -1}, "break_minutes"),
        ("AttendanceDayView", {"clocked_in_at": f"{CHANGE}T09:00", "clocked_out_at": f"{CHANGE}T08:00"},
         "clocked_out_at"),
        ("EquipmentView", {"bought_on": CHANGE, "warranty_until": BEFORE}, "warranty_until"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_told_at_their_field(
    app: Flask, screen: str, given: dict[str, object], wrong: str | None
) -> None:
    assert told(app, screen, given) == ({wrong} if wrong else set())


@pytest.mark.parametrize(
    ("screen", "column"),
    [
        ("ComplaintView", "event_on"),
        ("EquipmentView", "bought_on"),
        ("ConsentView", "given_on"),
        ("AttendanceDayView", "clocked_in_at"),
    ],
)
def test_what_happened_did_not_happen_tomorrow(app: Flask, screen: str, column: str) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    assert told(app, screen, {column: str(tomorrow)}) == {column}
    assert told(app, screen, {column: str(clock.today())}) == set()


@pytest.mark.parametrize(("locale", "words"), [("zh_Hant_TW", "不能早於「第一日」。"), ("zh_Hans_CN", "不能早于“")])
def test_the_sentence_names_the_other_field(app: Flask, sign_in: SignIn, locale: str, words: str) -> None:
    answer = sign_in("mei", locale).submit("/leave-request/add", first_on=CHANGE, last_on=BEFORE)
    assert answer.status_code == 422
    page = sign_in("mei", locale).read(answer.text, "add")
    assert words in page.select_one("#last_on-error").text
