"""Tables read from files as people have them: encodings, separators, workbooks, hostile files."""

import io
import random
import zipfile
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import tabular_read
from app.core.tabular import Cell, TableError
from app.core.tabular_read import LIMIT_BYTES, LIMIT_ROWS, Table, read_table

TAIWAN = "姓名,電話,備註\n王小明,0912345678,理賠金額與承諾不符\n陳怡君,0223456789,請於三日內回覆\n"
MAINLAND = "姓名,电话,备注\n王小明,13800138000,理赔金额与承诺不符\n陈静,01012345678,请三日内回复\n"


def read(
    data: bytes | str,
    name: str = "a.csv",
    *,
    encoding: str | None = None,
    limit_rows: int = LIMIT_ROWS,
    limit_bytes: int = LIMIT_BYTES,
) -> Table:
    stream = io.BytesIO(data.encode() if isinstance(data, str) else data)
    return read_table(stream, name, encoding=encoding, limit_rows=limit_rows, limit_bytes=limit_bytes)


def body(table: Table) -> list[list[Cell]]:
    return [row.cells for row in table]


def grid(table: Table) -> list[list[Cell]]:
    return [list(table.header), *body(table)]


# --- Encodings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (TAIWAN, "utf-8"),
        (TAIWAN, "utf-8-sig"),
        (TAIWAN, "utf-16"),
        (TAIWAN, "cp950"),
        (TAIWAN, "gb18030"),
        (MAINLAND, "utf-8"),
        (MAINLAND, "utf-8-sig"),
        (MAINLAND, "utf-16"),
        (MAINLAND, "gb18030"),
    ],
)
def test_each_encoding_is_found_out(text: str, codec: str) -> None:
    table = read(text.encode(codec))
    assert table.encoding == ("utf-8-sig" if codec == "utf-8" else codec)
    assert grid(table) == [line.split(",") for line in text.splitlines()]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_of_either_order_is_read(codec: str) -> None:
    data = ("\ufeff" + TAIWAN.replace(",", "\t")).encode(codec)
    assert read(data).header == ["姓名", "電話", "備註"]


@pytest.mark.parametrize(
    ("codec", "lines"),
    [
        ("cp950", ["姓名", "林志豪", "蔡佩珊"]),
        ("cp950", ["id,name", "1,許雅婷", "2,謝宗翰"]),
        ("cp950", ["狀態,件數", "待審核,3", "已結案,12"]),
        ("cp950", ["note", "客戶說:「請儘快處理。」"]),
        ("cp950", ["note", "諮詢"]),
        ("cp950", ["note", "備註"]),
        ("gb18030", ["姓名", "李伟", "张敏"]),
        ("gb18030", ["id,name", "1,刘建国", "2,赵丽颖"]),
        ("gb18030", ["状态,件数", "待审核,3", "已结案,12"]),
        ("gb18030", ["note", "客户说:“请尽快处理。”"]),
        ("gb18030", ["note", "客户"]),
        ("gb18030", ["姓名,備註", "陳怡君,請於三日內回覆"]),
        ("gb18030", ["名称,说明", "𠮷野家,生僻字"]),
    ],
)
def test_a_few_short_lines_are_enough(codec: str, lines: list[str]) -> None:
    table = read("\r\n".join(lines).encode(codec))
    assert table.encoding == codec
    assert grid(table) == [line.split(",") for line in lines]


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp950", "客服人員應於接獲申訴後三個工作日內聯絡客戶並記錄處理結果"),
        ("cp950", "車險續保退費申請辦理進度查詢滿意度調查保單號碼"),
        ("gb18030", "客服人员应当在接到投诉后三个工作日内联系客户并记录处理结果"),
        ("gb18030", "车险续保退费申请办理进度查询满意度调查保单号码"),
    ],
)
def test_any_six_characters_of_a_sentence_tell_the_script(codec: str, text: str) -> None:
    for start in range(len(text) - 6):
        assert read(f"no\n{text[start : start + 6]}".encode(codec)).encoding == codec


@pytest.mark.slow
def test_chinese_far_down_in_the_file_counts() -> None:
    data = b"id,name\n" + b"1,Wang\n" * 100_000 + "2,臺北市中山區\n".encode("cp950")
    table = read(data)
    assert table.encoding == "cp950"
    assert body(table)[-1] == ["2", "臺北市中山區"]


def test_a_person_may_choose_the_encoding() -> None:
    data = "名\n初审".encode("gb18030")
    assert body(read(data, encoding="gb18030")) == [["初审"]]
    with pytest.raises(TableError, match="Line 2 holds characters that are not Big5 text"):
        read("a\n确".encode("gb18030"), encoding="cp950")


@pytest.mark.parametrize(("codec", "known"), [("utf-8", "UTF-8"), ("cp950", "Big5")])
def test_a_damaged_file_is_refused_and_not_misread(codec: str, known: str) -> None:
    data = TAIWAN.encode(codec).replace(b"0912", b"\xff912")
    with pytest.raises(TableError, match=f"Line 2 holds characters that are not {known} text"):
        read(data)


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp1252", "name\nJosé Müller\n"),
        ("cp1251", "имя\nИван\n"),
        ("shift_jis", "名前\nカタカナです\n"),
    ],
)
def test_other_encodings_are_refused(codec: str, text: str) -> None:
    with pytest.raises(TableError, match="characters of this file cannot be read"):
        read(text.encode(codec))


# --- CSV ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(separator: str, newline: str) -> None:
    rows = ["姓名|備註|金額", '王|"a,b;c\t""d""\n第二行"|"1,5"', "李||2"]
    data = newline.join(row.replace("|", separator) for row in rows)
    assert body(read(data)) == [["王", 'a,b;c\t"d"\n第二行', "1,5"], ["李", None, "2"]]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("名稱\n甲,乙\n", ["名稱"]),
        ("a;b;c\n1,5;2,5;3\n", ["a", "b", "c"]),
        ('a,"b;c;d"\n1,2\n3,4\n', ["a", "b;c;d"]),
        ("Name, full\tCity\n王\t台北\n李\t高雄\n", ["Name, full", "City"]),
        ("\n\n,,\n編號,姓名,,\n1,王\n", ["編號", "姓名"]),
    ],
)
def test_the_heading_decides_the_separator(text: str, header: list[str]) -> None:
    assert read(text).header == header


def test_rows_keep_their_numbers_texts_and_surplus() -> None:
    table = read('編號,姓名\n\n001, 王 ,多\n"二\n行",\n  ,\n')
    assert list(table) == [(3, ["001", " 王 ", "多"]), (4, ["二\n行", None])]
    assert list(table) == list(table)


def test_doubtful_headings_are_remarked() -> None:
    assert [str(remark) for remark in read("姓名,,姓名,電話\n王,a,李,1\n").remarks] == [
        "The heading “姓名” stands over more than one column: A, C.",
        "There is no heading over column B.",
    ]
    assert read("姓名,電話,\n王,1,\n").remarks == []


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('"a,b\n1,2\n', 1),
        ('a,b\n"1"x,2\n3,4\n', 2),
        ('a,b\n1,2\n3,"4\n5,6\n', 3),
        ("a,b\n1,2\n3,4\n5," + "6" * 140_000, 4),
    ],
)
def test_a_broken_row_is_told_by_its_number(text: str, row: int) -> None:
    with pytest.raises(TableError, match=f"Row {row} cannot be read"):
        list(read(text))


# --- Workbooks ----------------------------------------------------------------------------------


def workbook(fill: Callable[[xlsxwriter.Workbook], object], *, date_1904: bool = False) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"date_1904": date_1904}) as book:
        fill(book)
    return file.getvalue()


def one_row(
    values: list[object], formats: Mapping[int, str | int] | None = None, *, date_1904: bool = False
) -> list[Cell]:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        for column, value in enumerate(values):
            number_format = (formats or {}).get(column, "General")
            sheet.write(0, column, "欄")
            sheet.write(1, column, value, book.add_format({"num_format": number_format}))

    return body(read(workbook(fill, date_1904=date_1904), "a.xlsx"))[0]


def test_values_are_those_a_person_sees() -> None:
    values: list[object] = ["00123", 1, 0.1 + 0.2, 12345678901.5, True, "a\r\nb", "'=1", 1e300]
    assert one_row(values) == [
        "00123",
        Decimal(1),
        Decimal("0.3"),
        Decimal("12345678901.5"),
        "TRUE",
        "a\nb",
        "=1",
        Decimal("1e300"),
    ]


@pytest.mark.parametrize("date_1904", [False, True])
def test_dates_are_told_from_moments_by_their_format(*, date_1904: bool) -> None:
    day = date(2026, 11, 2)
    midnight, morning = datetime.combine(day, time()), datetime.combine(day, time(9, 30))
    cases: list[tuple[object, str | int, Cell]] = [
        (day, "yyyy-mm-dd", day),
        (day, '[$-zh-TW]e"年"m"月"d"日";@', day),
        (day, "yyyy-mm-dd hh:mm", midnight),
        (morning, "yyyy/m/d", day),
        (morning, "yyyy/m/d h:mm", morning),
        (time(9, 30), "h:mm", "09:30:00"),
        (timedelta(hours=26), "[h]:mm:ss", "26:00:00"),
        # These numbers are dates and times in East Asian Excel only.
        (day, 31, day),
        (morning, 58, morning),
        (time(9, 30), 32, "09:30:00"),
    ]
    formats = {column: number_format for column, (_, number_format, _) in enumerate(cases)}
    row = one_row([value for value, _, _ in cases], formats, date_1904=date_1904)
    assert row == [seen for _, _, seen in cases]
    assert [type(cell) for cell in row] == [type(seen) for _, _, seen in cases]


def test_formulas_give_their_last_result() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["甲", "乙", "丙"])
        sheet.write_formula(1, 0, "=1+1", None, 2)
        sheet.write_formula(1, 1, '="a"&"b"', None, "ab")
        sheet.write_formula(1, 2, "=1/0", None, "#DIV/0!")

    assert body(read(workbook(fill), "a.xlsx")) == [[Decimal(2), "ab", "#DIV/0!"]]


def test_only_the_first_visible_sheet_is_read_without_its_empty_edges() -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        red = book.add_format({"bg_color": "red"})
        book.add_worksheet("隱藏").hide()
        sheet = book.add_worksheet("案件")
        book.add_worksheet("其他").write(0, 0, "x")
        sheet.activate()
        sheet.set_first_sheet()
        sheet.write_row(2, 0, ["編號", "姓名"])
        sheet.write_row(4, 0, ["1", "王"])
        sheet.write_row(7, 0, ["2", None, "多"])
        for line in range(20):
            sheet.write_blank(line, 300, None, red)
        sheet.write_blank(1000, 0, None, red)

    table = read(workbook(fill), "a.xlsx")
    assert table.header == ["編號", "姓名"]
    assert list(table) == [(5, ["1", "王"]), (8, ["2", None, "多"])]
    assert [str(remark) for remark in table.remarks] == ["Only the first sheet, “案件”, is read."]


# --- Files that are no tables -------------------------------------------------------------------


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return file.getvalue()


SOUND = zipfile.ZipFile(io.BytesIO(workbook(lambda book: book.add_worksheet())))


def with_sheet(rows: str, before: str = "", after: str = "</sheetData></worksheet>") -> bytes:
    """Return a workbook whose one sheet says that it is a single cell, and holds the rows."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'{before}<worksheet xmlns="{space}"><dimension ref="A1"/><sheetData>{rows}{after}'
    return archive({name: SOUND.read(name) for name in SOUND.namelist()} | {"xl/worksheets/sheet1.xml": sheet})


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(10))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b" \r\n\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xff\xfe", "is empty"),
        (",,\n,\n", "is empty"),
        ("姓名,電話\n", "headings but no rows"),
        ("姓名,電話\n,\n\n", "headings but no rows"),
        (b"%PDF-1.7\n1,2", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\xff\xd8\xff\xe0JFIF", "a picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel workbook"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        ("<!DOCTYPE html><html><table><tr><td>1", "a web page"),
        ("\n <TABLE border=1>\n<tr>".encode("utf-16"), "a web page"),
        ('<?xml version="1.0"?><Workbook/>', "a web page"),
        (b"a,b\n1,\0\n", "a binary file"),
        ("a,b\n1,\0\n".encode("utf-16"), "a binary file"),
        (b"MZ\x90\x00\x03\x00\xff\xff", "a binary file"),
        (b"\x1f\x8b\x08\x00", "an archive"),
        (archive({"word/document.xml": "<w/>"}), "another program"),
        (b"PK\x03\x04 not a zip", "is damaged"),
        (archive({"xl/workbook.xml": "<no"}), "is damaged"),
        (with_sheet("<no"), "is damaged"),
        (with_sheet('<row><c t="s"><v>9999</v></c></row>'), "is damaged"),
        (with_sheet("<row><c><v>x</v></c></row>"), "is damaged"),
        (with_sheet("<row><c t='str'><v>x</v></c></row>", after=""), "is damaged"),
        (with_sheet("<row><c><v>&l9;</v></c></row>", f"<!DOCTYPE w [{LAUGHS}]>"), "is damaged"),
        (with_sheet(" " * 5_000_000), "unpacks to 4 MB, more than can be read"),
        (with_sheet('<row r="999999999"><c><v>1</v></c></row>'), "is empty"),
        (with_sheet(""), "is empty"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.XLSX"])
def test_what_is_no_table_is_told_by_its_contents(data: bytes | str, reason: str, name: str) -> None:
    with pytest.raises(TableError, match=reason):
        read(data, name)


def test_what_a_sheet_says_of_its_size_is_not_believed() -> None:
    row = "<row><c><v>1</v></c><c><v>2</v></c></row>"
    assert body(read(with_sheet(row * 3), "a.xlsx")) == [[1, 2], [1, 2]]


def test_a_bad_cell_far_down_is_told_when_the_reader_gets_there() -> None:
    rows = "<row><c><v>1</v></c></row>" * 1000 + '<row><c t="s"><v>9999</v></c></row>'
    table = read(with_sheet(rows), "a.xlsx")
    with pytest.raises(TableError, match="is damaged"):
        list(table)


@pytest.mark.parametrize("name", ["a.pdf", "a.csv.exe", "報表", ""])
def test_the_name_must_be_a_tables_too(name: str) -> None:
    with pytest.raises(TableError, match="is not a table"):
        read(TAIWAN, name)


@pytest.mark.parametrize("name", ["匯出.XLS", "a.xlsx", "a.txt"])
def test_a_csv_file_may_have_another_tables_name(name: str) -> None:
    assert len(body(read(TAIWAN, name))) == 2


def test_limits_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(body(read("a\n1\n2\n3\n", limit_rows=3))) == 3
    with pytest.raises(TableError, match="more than 3 rows"):
        list(read("a\n1\n2\n3\n4\n", limit_rows=3))
    assert len(body(read("a\n1\n", limit_bytes=4))) == 1
    with pytest.raises(TableError, match="larger than 1 MB"):
        read("a\n" + "1\n" * 1024**2, limit_bytes=1024**2)
    wide = ",".join("a" * 257)
    with pytest.raises(TableError, match="Row 1 has more than 256 columns"):
        read(f"{wide}\n1\n")
    with pytest.raises(TableError, match="Row 2 has more than 256 columns"):
        read(f"a\n{wide}\n")
    monkeypatch.setattr(tabular_read, "LIMIT_UNPACKED", 1000)
    with pytest.raises(TableError, match="more than can be read"):
        read(with_sheet(""), "a.xlsx")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        list(read(data))
    except TableError:
        return


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_workbook_with_changed_bytes_is_read_or_refused(chance: random.Random) -> None:
    file = bytearray(with_sheet("<row><c><v>1</v></c></row>" * 2))
    for _ in range(chance.randint(1, 4)):
        file[chance.randrange(len(file))] = chance.randrange(256)
    try:
        list(read(bytes(file), "a.xlsx"))
    except TableError:
        return
