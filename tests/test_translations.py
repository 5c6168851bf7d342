"""The catalogs are whole and in the right words, and each kind of fault in one is caught.

No application and no database: the checker reads code and catalogs.
"""

import csv
import gettext
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog

from translations import check
from translations.check import MAINLAND, TAIWAN, Rules

GLOSSARY = [
    {
        "english": "Appraisal",
        TAIWAN: "績效考核",
        MAINLAND: "绩效考核|绩效评估",
        "avoid_in_TW": "評價",
        "avoid_in_CN": "",
        "scope": "term",
        "except": "",
    },
    {
        "english": "User",
        TAIWAN: "使用者",
        MAINLAND: "用户",
        "avoid_in_TW": "用戶",
        "avoid_in_CN": "使用者",
        "scope": "everywhere",
        "except": "費用戶",
    },
    {
        "english": "Policy",
        TAIWAN: "保單",
        MAINLAND: "保单",
        "avoid_in_TW": "政策",
        "avoid_in_CN": "班表",
        "scope": "term",
        "except": "",
    },
    {
        "english": "Roster",
        TAIWAN: "班表",
        MAINLAND: "排班表",
        "avoid_in_TW": "",
        "avoid_in_CN": "班表",
        "scope": "everywhere",
        "except": "",
    },
]


def rules(locale: str) -> Rules:
    """Return the rules of a language with the small glossary above."""
    return Rules(locale, tuple(check.avoided(GLOSSARY, locale)), frozenset({"CSV", "REST API"}))


def catalog(*pairs: tuple[str | tuple[str, ...], str], locale: str = TAIWAN) -> Catalog:
    """Return a catalog of msgids and their translations."""
    made = Catalog(locale)
    for msgid, text in pairs:
        made.add(msgid, text)
    return made


def faults(locale: str, msgid: str, text: str) -> list[str]:
    """Return what the checker says of one translation."""
    one = catalog((msgid, text), locale=locale)
    return [problem.fault for problem in check.problems(one, one, rules(locale))]


def at(folder: Path) -> ModuleType:
    """Return the checker as it works on a copy of the catalogs, in ``folder``."""
    shutil.copytree(check.HERE, folder / "translations")
    spec = spec_from_file_location("copied_check", folder / "translations" / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_catalogs_are_without_fault(capsys: pytest.CaptureFixture[str]) -> None:
    status = check.main(["check"])
    assert capsys.readouterr().out == ""
    assert status == 0


@pytest.mark.slow
def test_the_libraries_are_whole_and_the_four_commands_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool = at(tmp_path)
    dynamic = tmp_path / "translations" / "dynamic.txt"
    dynamic.write_text("# told only at run time\nA text of the portal\n", encoding="utf-8")
    (tmp_path / "config.py").write_text('TITLE = _l("Title of the site")\n', encoding="utf-8")

    assert tool.main(["extract"]) == 0
    assert tool.main(["update"]) == 0
    assert tool.main(["check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{locale}/LC_MESSAGES/messages.po:'{msgid}': empty"
        for locale in (MAINLAND, TAIWAN)
        for msgid in ("A text of the portal", "Title of the site")
    ]

    dynamic.write_text("", encoding="utf-8")
    (tmp_path / "config.py").unlink()
    assert tool.main(["check"]) == 1
    assert "'Title of the site': in this file only" in capsys.readouterr().out

    assert tool.main(["extract"]) == 0
    assert tool.main(["update"]) == 0
    assert tool.main(["check"]) == 0

    assert tool.main(["compile"]) == 0
    for locale, required, too_long in (
        (TAIWAN, "此欄位為必填。", "長度不得超過 %(max)d 個字元。"),
        (MAINLAND, "此字段为必填项。", "长度不能超过 %(max)d 个字符。"),
    ):
        texts = gettext.translation("messages", tmp_path / "translations", [locale])
        assert texts.gettext("This field is required.") == required
        for count in (1, 2):
            assert too_long == texts.ngettext(
                "Field cannot be longer than %(max)d character.",
                "Field cannot be longer than %(max)d characters.",
                count,
            )


@pytest.mark.slow
def test_the_libraries_texts_are_gathered() -> None:
    gathered = check.extract()
    for msgid in (
        "Are you sure you want to delete this item?",  # a template of Flask-AppBuilder
        "Integrity error, probably unique constraint",  # its code
        "Number must be at least %(min)s.",  # WTForms
        "File does not have an approved extension.",  # Flask-WTF
    ):
        assert gathered.get(msgid) is not None


def test_files_carry_no_place_no_date_and_no_trace_of_their_writer(tmp_path: Path) -> None:
    made = catalog(("Save", "儲存"))
    made.add("Close", "結案", locations=[("/somewhere/views.py", 12)])
    path = tmp_path / TAIWAN / "messages.po"
    check.write(path, made, TAIWAN)
    text = path.read_text(encoding="utf-8")
    assert "views.py" not in text
    assert "Date" not in text
    assert "Generated" not in text
    assert text.index('"Close"') < text.index('"Save"')
    check.write(path, check.read(path, TAIWAN), TAIWAN)
    assert path.read_text(encoding="utf-8") == text


def test_merging_adds_drops_and_never_guesses() -> None:
    template = catalog(("Save it", ""), ("Close", ""))
    merged = check.merge(template, catalog(("Save", "儲存"), ("Close", "結案")))
    assert {message.id: message.string for message in merged if message.id} == {
        "Save it": "",
        "Close": "結案",
    }
    assert not any(message.fuzzy for message in merged if message.id)


def test_missing_empty_fuzzy_and_obsolete_texts_are_caught(tmp_path: Path) -> None:
    template = catalog(("Save", ""), ("Close", ""), ("Open", ""), (("%(n)s row", "%(n)s rows"), ""))
    path = tmp_path / "messages.po"
    path.write_text(
        '#, fuzzy\nmsgid "Save"\nmsgstr "儲存"\n\n'
        'msgid "Close"\nmsgstr " "\n\n'
        'msgid "%(n)s row"\nmsgid_plural "%(n)s rows"\nmsgstr[0] ""\n\n'
        'msgid "Gone"\nmsgstr "不在了"\n\n'
        '#~ msgid "Long gone"\n#~ msgstr "早已不在"\n',
        encoding="utf-8",
    )
    found = check.problems(template, check.read(path, TAIWAN), rules(TAIWAN))
    assert sorted(str(problem).partition(":")[2] for problem in found) == [
        "'%(n)s row': empty",
        "'Close': empty",
        "'Gone': obsolete",
        "'Long gone': obsolete",
        "'Open': missing",
        "'Save': fuzzy",
    ]


def test_a_text_that_became_a_plural_is_caught() -> None:
    template = catalog((("%(n)s row", "%(n)s rows"), ""))
    (problem,) = check.problems(template, catalog(("%(n)s row", "%(n)s 列")), rules(TAIWAN))
    assert problem.fault == "singular and plural differ from the template"


def test_the_template_must_hold_the_texts_of_the_code_in_english() -> None:
    found = check.template_problems(catalog(("Save", ""), ("儲存", "")), catalog(("Gone", "")))
    assert sorted(str(problem) for problem in found) == [
        "messages.pot:'Gone': in this file only: run extract and update",
        "messages.pot:'Save': in the code only: run extract and update",
        "messages.pot:'儲存': a msgid is English",
        "messages.pot:'儲存': in the code only: run extract and update",
    ]


@pytest.mark.parametrize(
    ("locale", "msgid", "text", "fault"),
    [
        (TAIWAN, "Hello %(name)s", "你好 %(nmae)s", "placeholders differ"),
        (TAIWAN, "%(n)d left", "剩 %(n)s", "placeholders differ"),
        (TAIWAN, "By {name}", "由他", "placeholders differ"),
        (TAIWAN, "Name '%s'", "名稱 %s %s", "placeholders differ"),
        (TAIWAN, "Press <b>save</b>", "按<b>儲存", "placeholders differ"),
        (TAIWAN, '<a href="%(url)s">Help</a>', "<a>說明</a> %(url)s", "placeholders differ"),
        (TAIWAN, "Save", "Save", "not translated"),
        (TAIWAN, "Saved %(n)s", "Saved %(n)s", "not translated"),
        (TAIWAN, "Price", "价格", "characters of the other script: 价"),
        (TAIWAN, "Confirm", "确認", "characters of the other script: 确"),
        (TAIWAN, "Record", "记录", "characters of the other script: 录记"),
        (TAIWAN, "Next", "接着", "characters of the other script: 着"),
        (MAINLAND, "Record", "記录", "characters of the other script: 記"),
        (MAINLAND, "Later", "以後", "characters of the other script: 後"),
        (MAINLAND, "Inside", "裡面", "characters of the other script: 裡"),
        (TAIWAN, "Not “x”", "不是\u201c甲\u201d", "quotation marks of the other script"),
        (MAINLAND, "Not “x”", "不是「甲」", "quotation marks of the other script"),
        (TAIWAN, "State: open", "狀態: 待處理", "half-width punctuation: '態:'"),
        (TAIWAN, "State: %(s)s", "狀態:%(s)s", "half-width punctuation: '態:'"),
        (TAIWAN, "%(a)s, next", "%(a)s, 下一個", "half-width punctuation: ', 下'"),
        (TAIWAN, "Import (CSV)", "匯入 (CSV)", "half-width punctuation: '入 ('"),
        (MAINLAND, "Really?", "真的吗?", "half-width punctuation: '吗?'"),
        (MAINLAND, "Done.", "完成.", "half-width punctuation: '成.'"),
        (TAIWAN, "Appraisal", "評價", "avoid 評價, use 績效考核"),
        (TAIWAN, "Open appraisals", "進行中的評價", "avoid 評價, use 績效考核"),
        (TAIWAN, "Both policies", "兩個政策", "avoid 政策, use 保單"),
        (TAIWAN, "Everyone", "所有用戶", "avoid 用戶, use 使用者"),
        (MAINLAND, "Everyone", "所有使用者", "avoid 使用者, use 用户"),
        (MAINLAND, "Roster", "班表", "avoid 班表, use 排班表"),
    ],
)
def test_a_fault_is_caught(locale: str, msgid: str, text: str, fault: str) -> None:
    assert any(said.startswith(fault) for said in faults(locale, msgid, text))


@pytest.mark.parametrize(
    ("locale", "msgid", "text"),
    [
        (TAIWAN, "Staff in Taiwan, weekly", "台灣的雇員，每周系統只表面干預秘密群組"),
        (MAINLAND, "Staff, weekly", "员工，每周系统只表面干预，显著，乾坤"),
        (TAIWAN, "%(a)s of %(b)s", "%(b)s 之 %(a)s"),
        (TAIWAN, "%(n)s %%", "%(n)s %%"),
        (TAIWAN, "Press <b>save</b>", "按<b>儲存</b>"),
        (TAIWAN, "CSV", "CSV"),
        (TAIWAN, ", ", "、"),
        (TAIWAN, "From 9:30 (UTC) on", "自 9:30 起"),
        (TAIWAN, "Import (CSV)", "匯入（CSV）"),
        (TAIWAN, "Not “x”", "不是「甲」"),
        (MAINLAND, "Not “x”", "不是\u201c甲\u201d"),
        (TAIWAN, "Rating by customers", "客戶評價"),
        (TAIWAN, "Policeman", "警政策略"),
        (TAIWAN, "By the payer's household", "由繳費用戶長支付"),
        (MAINLAND, "Roster", "排班表"),
    ],
)
def test_a_right_text_passes(locale: str, msgid: str, text: str) -> None:
    assert faults(locale, msgid, text) == []


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        ("Save", "Saving failed"),
        ("Save", "It was saved."),
        ("Policy", "All policies"),
        ("Submit", "Submitted by"),
        ("Closed (case)", "Closed last week"),
        ("Serial no.", "Serial no. of the device"),
    ],
)
def test_a_term_is_found_in_its_forms(term: str, sentence: str) -> None:
    row = {**GLOSSARY[0], "english": f"Other|{term}"}
    (avoid,) = check.avoided([row], TAIWAN)
    assert avoid.is_used(sentence, "評價")
    assert not avoid.is_used("Something else", "評價")


def test_a_glossary_row_without_a_scope_is_refused() -> None:
    with pytest.raises(ValueError, match="Appraisal"):
        list(check.avoided([{**GLOSSARY[0], "scope": ""}], TAIWAN))


def test_the_glossary_is_whole_and_keeps_its_own_rules() -> None:
    with (check.HERE / "glossary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [(row["english"], row["scope"]) for row in rows]
    assert len(names) == len(set(names))
    for locale in check.LOCALES:
        everywhere = [avoid for avoid in check.load_rules(locale).avoided if avoid.when is None]
        for row in rows:
            assert row["english"]
            for word in row[locale].split("|"):
                assert word, row
                assert not any(check.is_foreign(locale, character) for character in word), row
                assert not [avoid.word for avoid in everywhere if avoid.is_used("", word)], row
