"""Gather the portal's texts, merge them into both Chinese catalogs, check them and compile them.

Run ``python translations/check.py extract|update|check|compile``; README.md beside this file tells
when. English is the source language and has no catalog. The texts of Flask-AppBuilder, Flask-WTF
and WTForms are gathered too: their own catalogs are incomplete, partly wrong, and never found for
``zh_Hant_TW``, so the portal's catalogs carry every text a person can meet.
"""

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_from_file
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
TEMPLATE: Final = HERE / "messages.pot"

TAIWAN: Final = "zh_Hant_TW"
MAINLAND: Final = "zh_Hans_CN"
LOCALES: Final = (TAIWAN, MAINLAND)

LIBRARIES: Final = ("flask_appbuilder", "flask_wtf", "wtforms")
KEYWORDS: Final = {
    **DEFAULT_KEYWORDS,
    "_l": None,
    "__": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}

# A fixed header: dates and tool versions in it would make every run a change.
HEADER: Final = """\
msgid ""
msgstr ""
"Project-Id-Version: Kefu Portal\\n"
"Language: {locale}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""

HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff"
WIDE: Final = HAN + "\u3000-\u301f\uff00-\uffef"
MARKS: Final = ",:;?!()\"'"
NARROW: Final = re.compile(rf"[{WIDE}] ?[{MARKS}]|[{MARKS}] ?[{WIDE}]|[{HAN}]\.(?!\w)")
IS_HAN: Final = re.compile(rf"[{HAN}]")
LETTER: Final = re.compile(r"[A-Za-z]")
TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>")
PLACEHOLDER: Final = re.compile(
    r"%\(\w+\)[-#0 +]*\d*(?:\.\d+)?[A-Za-z]"  # %(name)s
    r"|%[-#0+]*\d*(?:\.\d+)?[%sdrfx]"  # %s, %.2f, %%
    r"|\{\w*(?:[.\[!:][^{}]*)?\}"  # {}, {name}, {value:.1f}
    r"|&#?\w+;"  # &nbsp;
)
QUOTES: Final = {TAIWAN: "\u2018\u2019\u201c\u201d", MAINLAND: "\u300c\u300d\u300e\u300f"}

# The conversion table knows an older form of each, yet Taiwan writes these every day.
LEGAL_IN_TAIWAN: Final = frozenset("雇晒霉肴虱")
BIG5_COMMON: Final = (b"\xa4\x40", b"\xc6\x7e")


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one text, as it is printed."""

    file: str
    msgid: str
    fault: str

    def __str__(self) -> str:
        """Return ``file:msgid: fault`` on one line."""
        return f"{self.file}:{self.msgid!r}: {self.fault}"


@dataclass(frozen=True, slots=True)
class Avoid:
    """One word the glossary rules out in one language."""

    word: str
    better: str
    legal: tuple[str, ...] = ()
    """Longer words that contain the avoided one and are right, longest first."""
    when: re.Pattern[str] | None = None
    """The English term that must be in the msgid; None: the word is wrong everywhere."""

    def is_used(self, english: str, text: str) -> bool:
        """Tell whether the translation ``text`` of ``english`` uses the word in a wrong place."""
        if self.when is not None and not self.when.search(english):
            return False
        for word in self.legal:
            text = text.replace(word, " ")
        return self.word in text


@dataclass(frozen=True, slots=True)
class Rules:
    """What the texts of one language are held to."""

    locale: str
    avoided: tuple[Avoid, ...] = ()
    same: frozenset[str] = frozenset()
    """Msgids that read the same in every language."""

    def faults(self, message: Message, texts: Sequence[str]) -> Iterator[str]:
        """Yield what is wrong with the translation ``texts`` of ``message``."""
        english = _several(message.id)
        for text in texts:
            if _placeholders(text) != _placeholders(english[-1]):
                yield f"placeholders differ: {text!r}"
            plain = _plain(text)
            if english[0] not in self.same and LETTER.search(plain) and not IS_HAN.search(plain):
                yield f"not translated: {text!r}"
            if foreign := "".join(sorted({c for c in plain if is_foreign(self.locale, c)})):
                yield f"characters of the other script: {foreign}"
            if quotes := "".join(sorted({c for c in plain if c in QUOTES[self.locale]})):
                yield f"quotation marks of the other script: {quotes}"
            if narrow := NARROW.search(plain):
                yield f"half-width punctuation: {narrow[0]!r}"
            for avoid in self.avoided:
                if avoid.is_used(" ".join(english), plain):
                    yield f"avoid {avoid.word}, use {avoid.better}"


def extract() -> Catalog:
    """Return every text in the code: app, top-level scripts, libraries and the dynamic list."""
    with (HERE / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    template = Catalog()
    for folder in (ROOT / "app", *map(_library, LIBRARIES)):
        for _, _, msgid, _, context in extract_from_dir(folder, methods, options, KEYWORDS):
            template.add(msgid, context=context)
    for script in ROOT.glob("*.py"):
        for _, msgid, _, context in extract_from_file("python", script, KEYWORDS):
            template.add(msgid, context=context)
    for line in _lines("dynamic.txt"):
        template.add(line)
    return template


def read(path: Path, locale: str | None = None) -> Catalog:
    """Return the catalog in the file ``path``; raise FileNotFoundError if there is none."""
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def merge(template: Catalog, catalog: Catalog) -> Catalog:
    """Bring ``catalog`` in place to the texts of ``template``, without guesses; return it."""
    catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
    return catalog


def write(path: Path, catalog: Catalog, locale: str | None = None) -> None:
    """Write ``catalog`` sorted, without locations and, but for a locale's fixed one, no header."""
    body = BytesIO()
    write_po(body, catalog, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    header = HEADER.format(locale=locale) if locale else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.encode() + body.getvalue().rstrip(b"\n") + b"\n")


def problems(template: Catalog, catalog: Catalog, rules: Rules) -> Iterator[Problem]:
    """Yield every fault of ``catalog``, which must translate exactly the texts of ``template``."""
    file = f"{rules.locale}/LC_MESSAGES/messages.po"
    for wanted in _messages(template):
        message = catalog.get(wanted.id, wanted.context)
        if message is None:
            yield Problem(file, _name(wanted), "missing")
            continue
        texts = _several(message.string)
        if message.fuzzy:
            yield Problem(file, _name(wanted), "fuzzy")
        if isinstance(wanted.id, str) != isinstance(message.id, str):
            yield Problem(file, _name(wanted), "singular and plural differ from the template")
        elif not all(text.strip() for text in texts):
            yield Problem(file, _name(wanted), "empty")
        else:
            for fault in rules.faults(wanted, texts):
                yield Problem(file, _name(wanted), fault)
    unused = (m for m in _messages(catalog) if template.get(m.id, m.context) is None)
    for message in chain(unused, catalog.obsolete.values()):
        yield Problem(file, _name(message), "obsolete")


def template_problems(code: Catalog, template: Catalog) -> Iterator[Problem]:
    """Yield msgids that are not English, and differences between the code and messages.pot."""
    for message in _messages(code):
        if IS_HAN.search("".join(_several(message.id))):
            yield Problem(TEMPLATE.name, _name(message), "a msgid is English")
    in_code = {(m.id, m.context): m for m in _messages(code)}
    in_file = {(m.id, m.context): m for m in _messages(template)}
    for key in in_code.keys() ^ in_file.keys():
        where = "in the code only" if key in in_code else "in this file only"
        message = in_code.get(key) or in_file[key]
        yield Problem(TEMPLATE.name, _name(message), f"{where}: run extract and update")


def load_rules(locale: str) -> Rules:
    """Return the rules of ``locale`` from glossary.csv and same.txt."""
    with (HERE / "glossary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Rules(locale, tuple(avoided(rows, locale)), frozenset(_lines("same.txt")))


def avoided(rows: Sequence[Mapping[str, str]], locale: str) -> Iterator[Avoid]:
    """Yield the words the glossary ``rows`` rule out in ``locale``.

    Raises ValueError for a row whose scope is neither ``term`` nor ``everywhere``.
    """
    column = {TAIWAN: "avoid_in_TW", MAINLAND: "avoid_in_CN"}[locale]
    approved = {word for row in rows for word in _cell(row[locale])}
    for row in rows:
        if row["scope"] not in {"term", "everywhere"}:
            raise ValueError(f"glossary row {row['english']!r}: scope {row['scope']!r}")
        when = _term(_cell(row["english"])) if row["scope"] == "term" else None
        for word in _cell(row[column]):
            legal = {w for w in approved | set(_cell(row["except"])) if word in w and word != w}
            longest_first = tuple(sorted(legal, key=len, reverse=True))
            yield Avoid(word, " / ".join(_cell(row[locale])), longest_first, when)


@cache
def is_foreign(locale: str, character: str) -> bool:
    """Tell whether a Han character is not written in the script of ``locale``.

    Taiwan: outside Big5, or simplified by the OpenCC table. A character that is legal in both
    scripts, such as 台 or 只, passes if it is among the common characters of Big5.
    Mainland: outside GB 2312, or traditional by the OpenCC table.
    """
    if not IS_HAN.match(character):
        return False
    if locale == MAINLAND:
        simplified = _table("TSCharacters").get(character, (character,))
        return character not in simplified or not _encoded(character, "gb2312")
    big5 = _encoded(character, "big5")
    if not big5:
        return True
    forms = _table("STCharacters").get(character, ())
    if not forms or character in LEGAL_IN_TAIWAN:
        return False
    if any(character in _table("TWVariants").get(form, ()) for form in forms):
        return False
    common = BIG5_COMMON[0] <= big5 <= BIG5_COMMON[1]
    return character not in forms or not common


@cache
def _table(name: str) -> Mapping[str, Sequence[str]]:
    text = (files("opencc") / "dictionary" / f"{name}.txt").read_text(encoding="utf-8")
    pairs = (line.split("\t") for line in text.splitlines() if "\t" in line)
    return {key: forms.split() for key, forms in pairs}


def _encoded(character: str, encoding: str) -> bytes:
    return character.encode(encoding, errors="ignore")


def _term(english: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the English terms, also inflected (policies, saving)."""
    forms = []
    for term in english:
        word = re.escape(re.sub(r"\s*\(.*?\)", "", term).removesuffix("."))
        last = word[-1]
        forms.append(rf"{word}(?:s|es|d|ed|ing|er|r|{last}ed|{last}ing)?")
        if last in "ey":
            forms.append(rf"{word[:-1]}(?:ing|ies|ied)")
    return re.compile(rf"\b(?:{'|'.join(forms)})\b", re.IGNORECASE)


def _cell(cell: str) -> list[str]:
    return [word.strip() for word in cell.split("|") if word.strip()]


def _lines(name: str) -> list[str]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _library(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{name} is not installed")
    return Path(spec.submodule_search_locations[0])


def _messages(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def _several(text: str | Iterable[str | None] | None) -> tuple[str, ...]:
    """Return Babel's one text, or the forms of a plural, as a tuple; a missing text is empty."""
    forms = (text,) if text is None or isinstance(text, str) else text
    return tuple(form or "" for form in forms)


def _name(message: Message) -> str:
    return _several(message.id)[0]


def _placeholders(text: str) -> Counter[str]:
    return Counter(TAG.findall(text) + PLACEHOLDER.findall(TAG.sub("", text)))


def _plain(text: str) -> str:
    """Return the words a person reads: without tags, a digit for what a placeholder will hold."""
    return PLACEHOLDER.sub("0", TAG.sub("", text))


def _catalog_path(locale: str) -> Path:
    return HERE / locale / "LC_MESSAGES" / "messages.po"


def run_extract() -> int:
    """Write messages.pot from the code."""
    write(TEMPLATE, extract())
    return 0


def run_update() -> int:
    """Merge messages.pot into both catalogs."""
    for locale in LOCALES:
        path = _catalog_path(locale)
        old = read(path, locale) if path.exists() else Catalog(locale)
        write(path, merge(read(TEMPLATE), old), locale)
    return 0


def run_check() -> int:
    """Print every problem; return 1 if there is one."""
    template = extract()
    found = list(template_problems(template, read(TEMPLATE)))
    for locale in LOCALES:
        catalog = read(_catalog_path(locale), locale)
        found += problems(template, catalog, load_rules(locale))
    sys.stdout.writelines(f"{problem}\n" for problem in sorted(found, key=str))
    return 1 if found else 0


def run_compile() -> int:
    """Write the binary catalogs the portal reads; fuzzy and empty texts stay out of them."""
    for locale in LOCALES:
        path = _catalog_path(locale)
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, read(path, locale))
    return 0


COMMANDS: Final[Mapping[str, Callable[[], int]]] = {
    "extract": run_extract,
    "update": run_update,
    "check": run_check,
    "compile": run_compile,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command named in ``arguments`` (default: the process's); return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    return COMMANDS[parser.parse_args(arguments).command]()


if __name__ == "__main__":
    sys.exit(main())
