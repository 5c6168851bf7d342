"""Tables written as files: what goes out comes back, no text is a formula, memory stays small."""

import csv
import io
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from app.core import tabular_write
from app.core.tabular import TableError, clean, neutralise, restore
from app.core.tabular_read import Row, read_table
from app.core.tabular_write import Value, csv_lines, xlsx_file

HEADER = ["編號", "姓名", "備註"]

# Beginnings that matter are tried far more often than chance would.
STARTS = ["", "=", "+", "-", "@", "＝", "＋", "－", "＠", "'", "''", " =", "\u3000@", "\t", "\r\n"]
texts = st.builds(
    str.__add__,
    st.sampled_from(STARTS),
    st.text(max_size=20) | st.text("王小明保險,;\"'=\r\n\t <r>&</r>", max_size=20),
)
tables = st.lists(st.tuples(texts, texts, texts), max_size=6).map(lambda rows: [*rows, ("1", "王小明", "")])


def as_csv(header: Sequence[str], rows: Sequence[Sequence[Value]]) -> bytes:
    return b"".join(csv_lines(header, rows))


def through_csv(header: Sequence[str], rows: Sequence[Sequence[Value]]) -> list[Row]:
    return list(read_table(io.BytesIO(as_csv(header, rows)), "a.csv"))


def through_xlsx(header: Sequence[str], rows: Sequence[Sequence[Value]]) -> list[Row]:
    with xlsx_file(header, rows, "案件") as file:
        return list(read_table(file, "a.xlsx"))


def as_kept(rows: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """Line breaks become line feeds, unprintable characters and cells and rows of nothing go."""
    kept = [[clean(text) if clean(text).strip() else None for text in row] for row in rows]
    return [row for row in kept if any(row)]


cells = texts | st.none() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.dates()


@given(st.lists(st.tuples(texts, cells, st.sampled_from(["", "已結案", "a|=1", "a|b"])), max_size=4))
def test_cells_looked_through_together_are_written_as_each_by_itself(rows: list[tuple[Value, ...]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([[tabular_write._plain(cell) for cell in row] for row in [HEADER, *rows]])
    assert as_csv(HEADER, rows).decode("utf-8-sig") == file.getvalue()


# --- There and back -----------------------------------------------------------------------------


@given(tables)
def test_any_text_comes_back_from_csv(rows: list[tuple[str, str, str]]) -> None:
    assert [row.cells for row in through_csv(HEADER, rows)] == as_kept(rows)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(tables)
def test_any_text_comes_back_from_xlsx(rows: list[tuple[str, str, str]]) -> None:
    assert [row.cells for row in through_xlsx(HEADER, rows)] == as_kept(rows)


numbers = st.decimals(-(10**9), 10**9, places=4) | st.integers(-(10**30), 10**30).map(Decimal)
moments = st.builds(
    datetime.combine,
    st.dates(date(1900, 1, 1)),
    st.times().map(lambda moment: moment.replace(microsecond=0)),
)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(number=numbers, day=st.dates(date(1850, 1, 1)), moment=moments)
def test_numbers_dates_and_moments_come_back_from_xlsx(number: Decimal, day: date, moment: datetime) -> None:
    [row] = through_xlsx(HEADER, [[number, day, moment]])
    # Excel keeps 15 digits and no year before 1900; what it cannot keep is written as text.
    short = len(re.sub(r"\D", "", f"{number:f}").strip("0")) <= 15
    assert type(row.cells[0]) is (Decimal if short else str)
    assert Decimal(str(row.cells[0])) == number
    assert row.cells[1] == (day if day.year >= 1900 else day.isoformat())
    assert row.cells[2] == moment


@pytest.mark.parametrize("through", [through_csv, through_xlsx])
def test_row_numbers_are_those_of_the_sheet(through: Callable[..., list[Row]]) -> None:
    rows = through(HEADER, [["1", "一\n二", ""], ["", "", ""], ["3", "三", ""]])
    assert [row.number for row in rows] == [2, 4]


def test_headings_are_neutralised_and_come_back() -> None:
    header = ["=編號", "  姓名 ", "'-備註"]
    data = as_csv(header, [["1"]])
    assert data.decode("utf-8-sig").startswith("'=編號,  姓名 ,''-備註\r\n")
    with xlsx_file(header, [["1"]], "表") as file:
        for table in (read_table(io.BytesIO(data), "a.csv"), read_table(file, "a.xlsx")):
            assert table.header == ["=編號", "姓名", "'-備註"]


# --- Formulas -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-5",
        "+886912345678",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        "  =1",
        "\u3000=1",
        "＝1",
        "＋1",
        "－1",
        "＠a",
        "'=1",
        "''=1",
    ],
)
def test_what_could_be_a_formula_gets_one_apostrophe_and_loses_it_again(text: str) -> None:
    assert neutralise(text) == f"'{text}"
    assert restore(f"'{text}") == text


@pytest.mark.parametrize("text", ["", "王小明", "'tis", "a=1", "1-2", "0912-345-678", "'", "#=1"])
def test_any_other_text_stays(text: str) -> None:
    assert neutralise(text) == text
    assert restore(text) == text


@given(texts)
def test_no_csv_cell_begins_like_a_formula(text: str) -> None:
    lines = io.StringIO(as_csv(["欄"], [[text + "x"]]).decode("utf-8-sig"), newline="")
    [_, [cell]] = csv.reader(lines)
    assert cell.lstrip()[0] not in "=+-@＝＋－＠"
    assert cell[0] not in "\t\r\n"


def test_a_hostile_text_is_a_plain_text_in_a_workbook() -> None:
    hostile = [
        "=1+1",
        "{=SUM(A1)}",
        "https://example.org",
        "mailto:a@example.org",
        "<r>&</r>",
        '<r></r></is></c><c r="B9"><f>1+1</f></c><c r="B10" t="inlineStr"><is><r></r>',
        "_x0041_",
        "00123",
        "'=1",
    ]
    with xlsx_file(["欄"], [[text] for text in hostile], "表") as file:
        assert [row.cells for row in read_table(file, "a.xlsx")] == [[text] for text in hostile]
        parts = zipfile.ZipFile(file)
        sheet = parts.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet
        assert b"hyperlink" not in sheet
        assert not [name for name in parts.namelist() if "worksheets/_rels" in name]


def test_characters_no_spreadsheet_can_hold_are_dropped() -> None:
    rows = [["a\x00b\x0bc\x1fd\ufffee\ud800f"]]
    assert through_csv(["欄"], rows)[0].cells == ["abcdef"]
    assert through_xlsx(["欄"], rows)[0].cells == ["abcdef"]


def test_a_text_beyond_what_a_cell_holds_is_cut_visibly() -> None:
    [short, long, wide] = through_xlsx(["欄"], [["好" * 32_767], ["好" * 32_768], ["😀" * 20_000]])
    assert short.cells == ["好" * 32_767]
    assert long.cells == ["好" * 32_766 + "…"]
    assert wide.cells == ["😀" * 16_383 + "…"]


# --- How the files look -------------------------------------------------------------------------


def test_csv_opens_in_excel() -> None:
    afternoon = datetime(2026, 11, 22, 13, 5, 0, 999, timezone(timedelta(hours=8)))
    row: list[Value] = ["王, 小明", 'a"b', "c\r\nd", date(2026, 11, 2), afternoon, None]
    assert (
        as_csv(list("甲乙丙丁戊己"), [row])
        == ('\ufeff甲,乙,丙,丁,戊,己\r\n"王, 小明","a""b","c\nd",2026-11-02,2026-11-22 13:05:00,\r\n').encode()
    )


def test_numbers_are_not_neutralised() -> None:
    row: list[Value] = [-12.5, -3, Decimal("-0.10"), 1e-7, Decimal("1E+3")]
    assert as_csv(list("abcde"), [row]).endswith(b"\r\n-12.5,-3,-0.10,0.0000001,1000\r\n")
    assert through_xlsx(list("abcde"), [row])[0].cells == [Decimal(str(cell)) for cell in row]


def test_workbook_has_a_fixed_bold_heading_filters_and_real_types() -> None:
    day = date(2026, 1, 2)
    rows: list[list[Value]] = [["0912", day, datetime.combine(day, time(3, 4)), 1.5]] * 2
    with xlsx_file(["電話", "日", "時", "金額"], rows, "a/b:[案件]*?" + "長" * 40, widths=[9] * 4) as file:
        sheet = load_workbook(file).active
        assert sheet.title == "a b 案件 " + "長" * 24
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == "A1:D3"
        assert sheet["A1"].font.bold
        assert [cell.data_type for cell in sheet[2]] == ["s", "d", "d", "n"]
        assert [cell.number_format for cell in sheet[2]] == [
            "@",
            "yyyy-mm-dd",
            "yyyy-mm-dd hh:mm:ss",
            "General",
        ]


def test_a_workbook_without_rows_opens() -> None:
    with xlsx_file(HEADER, [], "") as file:
        sheet = load_workbook(file).active
        assert sheet.title == "Sheet1"
        assert [cell.value for cell in sheet[1]] == HEADER


# --- Size ---------------------------------------------------------------------------------------


def test_more_rows_than_a_sheet_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular_write, "_SHEET_ROWS", 4)
    xlsx_file(HEADER, [["1"]] * 3, "表").close()
    with pytest.raises(TableError, match="at most 3 rows"):
        xlsx_file(HEADER, [["1"]] * 4, "表")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[list[str]]:
        yield ["1"]
        raise LookupError

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    xlsx_file(HEADER, [["1"]], "表").close()
    with pytest.raises(LookupError):
        xlsx_file(HEADER, broken(), "表")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_two_hundred_thousand_rows_take_little_memory() -> None:
    def rows() -> Iterator[list[str]]:
        for number in range(200_000):
            yield [f"客戶表示理賠金額不符 {number}"]

    header = ["說明"]
    tracemalloc.start()
    try:
        size = sum(len(block) for block in csv_lines(header, rows()))
        xlsx_file(header, rows(), "案件").close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 5_000_000
    assert peak < 20_000_000
