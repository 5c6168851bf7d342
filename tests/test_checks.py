"""Formats of customers' numbers: published examples, and what must hold for every number there could be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.core.errors import RuleError
from app.core.sealed import normalise
from app.customers import checks
from app.customers.models import CustomerKind, IdKind, Jurisdiction

TODAY = date(2026, 11, 22)
TW, CN = Jurisdiction.TW, Jurisdiction.CN
DIGITS = "0123456789"
digits = st.text(DIGITS, min_size=1, max_size=1)
in_app = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def numbers(length: int) -> st.SearchStrategy[str]:
    """Return texts of so many digits."""
    return st.text(DIGITS, min_size=length, max_size=length)


@pytest.mark.parametrize(("number", "right"), [
    ("A123456789", True), ("F131104093", True), ("A800000014", True), ("AB12345677", True),
    ("A123456788", False), ("A323456789", False), ("A12345678", False), ("A1234567890", False), ("1123456789", False),
    ("Ａ123456789", False), ("", False),
])  # fmt: skip
def test_taiwan_id_numbers(number: str, right: bool) -> None:  # noqa: FBT001 - a table of cases
    assert checks.is_tw_id(number) is right


@given(st.sampled_from(checks.TW_LETTERS), st.sampled_from("12AB89CD"), numbers(7))
def test_a_taiwan_id_has_exactly_one_check_digit(place: str, sex: str, series: str) -> None:
    assert sum(checks.is_tw_id(f"{place}{sex}{series}{check}") for check in DIGITS) == 1


@pytest.mark.parametrize(("number", "right"), [
    ("04595257", True), ("10458575", True), ("10458574", True), ("22099131", True), ("12345678", False),
    ("00000000", False), ("0459525", False), ("0459525A", False),
])  # fmt: skip
def test_taiwan_business_numbers(number: str, right: bool) -> None:  # noqa: FBT001 - a table of cases
    assert checks.is_tw_business_number(number) is right


@given(numbers(7))
def test_a_taiwan_business_number_has_few_check_digits(series: str) -> None:
    """Since 2023 two of ten; a seventh digit of 7 may be counted in two ways."""
    assume(series != "0000000")
    found = sum(checks.is_tw_business_number(series + check) for check in DIGITS)
    assert found == (4 if series[6] == "7" else 2)


births = st.dates(checks.EARLIEST_BIRTH, TODAY)


def resident(region: str, born: date, series: str) -> str:
    """Return a mainland resident number, its sign worked out the way the standard writes it."""
    body = f"{region}{born:%Y%m%d}{series}"
    return body + "10X98765432"[sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body)) % 11]


regions = st.integers(110000, 659999).map(str)


@given(regions, births, numbers(3))
def test_a_mainland_number_has_one_sign_and_no_wrong_digit_passes(region: str, born: date, series: str) -> None:
    number = resident(region, born, series)
    assert checks.is_cn_resident_number(number, TODAY)
    assert checks.cn_birth_date(number) == born
    assert sum(checks.is_cn_resident_number(number[:17] + sign, TODAY) for sign in DIGITS + "X") == 1
    for place in range(17):
        for digit in DIGITS:
            wrong = number[:place] + digit + number[place + 1 :]
            assert wrong == number or not checks.is_cn_resident_number(wrong, TODAY)
    for place in range(16):
        swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        assert swapped == number or not checks.is_cn_resident_number(swapped, TODAY)


def test_a_mainland_number_needs_a_birth_that_has_been() -> None:
    assert checks.is_cn_resident_number("360426199101010071", TODAY)
    assert checks.is_cn_resident_number("11010519491231002X", TODAY)
    assert not checks.is_cn_resident_number(resident("110105", TODAY + timedelta(days=1), "002"), TODAY)
    assert not checks.is_cn_resident_number("110105194912310021", TODAY)
    assert not checks.is_cn_resident_number("11010519491331002X", TODAY)


@given(st.text(checks.CN_CREDIT_LETTERS, min_size=2, max_size=2), numbers(6),
       st.text(checks.CN_CREDIT_LETTERS, min_size=9, max_size=9))  # fmt: skip
def test_a_credit_code_has_exactly_one_check_sign(office: str, region: str, series: str) -> None:
    body = office + region + series
    assert sum(checks.is_cn_credit_code(body + sign) for sign in checks.CN_CREDIT_LETTERS) == 1


@pytest.mark.parametrize(("number", "right"), [
    ("91110000600037341L", True), ("91350100M000100Y43", True), ("91110000600037341M", False),
    ("9111000060003734IL", False), ("9111000060003734", False),
])  # fmt: skip
def test_credit_codes(number: str, right: bool) -> None:  # noqa: FBT001 - a table of cases
    assert checks.is_cn_credit_code(number) is right


@pytest.mark.parametrize(("typed", "jurisdiction", "kept"), [
    ("0912345678", TW, "0912-345-678"), ("0912 345 678", TW, "0912-345-678"), ("+886 912-345-678", TW, "0912-345-678"),
    ("０９１２３４５６７８", TW, "0912-345-678"), ("+886912345678", CN, "+886-912-345-678"),
    ("(02)2700-0001", TW, "02-2700-0001"), ("0227000001#123", TW, "02-2700-0001#123"),
    ("02-2700-0001 轉123", TW, "02-2700-0001#123"), ("02-2700-0001分機123", TW, "02-2700-0001#123"),
    ("0826-66668", TW, "0826-66668"), ("13800138000", CN, "138-0013-8000"), ("+86 138 0013 8000", CN, "138-0013-8000"),
    ("010-65527366", CN, "010-6552-7366"), ("0755-26554321", CN, "0755-2655-4321"),
    ("400-810-8888", CN, "400-810-8888"), ("+1 650 253 0000", TW, "+1-650-253-0000"),
])  # fmt: skip
def test_phone_numbers_are_kept_in_one_form(app: Flask, typed: str, jurisdiction: Jurisdiction, kept: str) -> None:
    assert checks.phone_number(typed, jurisdiction) == kept
    assert checks.phone_number(kept, jurisdiction) == kept


@pytest.mark.parametrize(("typed", "jurisdiction"), [
    ("09123", TW), ("4128", TW), ("abc", TW), ("0912345678", CN), ("13800138000", TW), ("12345", CN), ("#123", TW),
    ("0912-345-678-9", TW), ("-", CN),
])  # fmt: skip
def test_what_no_numbering_plan_knows_is_no_phone(app: Flask, typed: str, jurisdiction: Jurisdiction) -> None:
    with pytest.raises(RuleError):
        checks.phone_number(typed, jurisdiction)


def test_a_landline_is_no_mobile(app: Flask) -> None:
    with pytest.raises(RuleError):
        checks.phone_number("02-2700-0001", TW, mobile=True)
    assert checks.phone_number("0912345678", TW, mobile=True) == "0912-345-678"


@in_app
@given(mobile=numbers(8), shape=st.sampled_from(["{}", "+886{}", "({}", " {} ", "{} 轉 9"]), cut=st.integers(1, 8))
def test_however_a_mobile_is_typed_a_search_finds_it(app: Flask, mobile: str, shape: str, cut: int) -> None:
    number = f"09{mobile}"
    kept = checks.phone_number(number, TW)
    assert checks.phone_number(kept, TW) == kept
    assert normalise(kept) == number
    typed = shape.format(number[1:] if "886" in shape else f"{number[:cut]}-{number[cut:]}")
    assert number in {normalise(form) for form in checks.national_forms(typed)}


def said(read: Callable[[], str]) -> str:
    """Return the kept form of a text, or the sentence that refuses it."""
    try:
        return read()
    except RuleError as error:
        return str(error)


@in_app
@given(text=st.text(max_size=40), jurisdiction=st.sampled_from(Jurisdiction), kind=st.sampled_from(CustomerKind),
       id_kind=st.sampled_from(IdKind))  # fmt: skip
def test_any_text_is_read_or_refused_with_a_sentence(
    app: Flask, text: str, jurisdiction: Jurisdiction, kind: CustomerKind, id_kind: IdKind
) -> None:
    for read in (
        lambda: checks.phone_number(text, jurisdiction),
        lambda: checks.id_number(text, kind, id_kind, jurisdiction),
        lambda: checks.birth_date(text, TODAY),
    ):
        assert said(read)
    assert text in checks.national_forms(text)


@pytest.mark.parametrize(("typed", "kept"), [
    ("1985-03-02", "1985-03-02"), ("1985/3/2", "1985-03-02"), ("1985年3月2日", "1985-03-02"),
    ("１９８５.３.２", "1985-03-02"), ("2026-11-23", None), ("1879-12-31", None), ("1985-02-30", None),
    ("85-3-2", None),
])  # fmt: skip
def test_birth_dates(app: Flask, typed: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(RuleError):
            checks.birth_date(typed, TODAY)
    else:
        assert checks.birth_date(typed, TODAY) == kept


@pytest.mark.parametrize(("typed", "kind", "id_kind", "jurisdiction", "kept"), [
    (" a123-456789", "PERSON", "NATIONAL", TW, "A123456789"), ("A123456789", "PERSON", "NATIONAL", CN, None),
    ("11010519491231002x", "PERSON", "NATIONAL", CN, "11010519491231002X"),
    ("04595257", "ORGANISATION", "NATIONAL", TW, "04595257"), ("04595257", "PERSON", "NATIONAL", TW, None),
    ("9111 0000 6000 3734 1l", "ORGANISATION", "NATIONAL", CN, "91110000600037341L"),
    ("e12345678", "PERSON", "PASSPORT", TW, "E12345678"), ("E1", "PERSON", "PASSPORT", CN, None),
    ("04595257", "ORGANISATION", "PASSPORT", TW, "04595257"),
])  # fmt: skip
def test_an_id_number_is_judged_by_who_and_where(
    app: Flask, typed: str, kind: str, id_kind: str, jurisdiction: Jurisdiction, kept: str | None
) -> None:
    who, document = CustomerKind[kind], IdKind[id_kind]
    if kept is None:
        with pytest.raises(RuleError):
            checks.id_number(typed, who, document, jurisdiction)
    else:
        assert checks.id_number(typed, who, document, jurisdiction) == kept
