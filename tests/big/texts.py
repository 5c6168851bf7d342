"""What customers say and what is written down: the demo's sentences, with words by Zipf's law and details put in.

A few words stand in many tickets, most in some, and the names, places and numbers in hardly any, as in real records.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from .catalogs import endless, own_rows, rows_of, zipf

COMMON_WORD = {"hant": "理賠", "hans": "理赔"}
"""Stands in about a sixth of the subjects."""
RARE_WORD = {"hant": "龍捲風", "hans": "龙卷风"}
"""Stands in the subject and story of RARE_TICKETS tickets and nowhere else, however large the department is."""
RARE_TICKETS = 12
RARE_SUBJECT = {"hant": "{word}後，{subject}", "hans": "{word}后，{subject}"}
RARE_STORY = {"hant": "昨天{word}經過。{story}", "hans": "昨天{word}经过。{story}"}
SCRIPTS = ("hant", "hans")
WORD_ZIPF, NAME_ZIPF = 1.35, 0.8
COMMON_AGAIN = 0.7
"""Subjects with the common word are drawn that much more seldom than in the demo, where half the year is claims."""
SUBJECTS = {
    "hant": (("{subject}", 50), ("{subject}（{word}）", 18), ("{product}：{subject}", 12), ("{subject}，{word}", 6),
             ("再次來電：{subject}", 4), ("{place} {subject}", 4), ("{subject} {number}", 3), ("代{name}{subject}", 3)),
    "hans": (("{subject}", 50), ("{subject}（{word}）", 18), ("{product}：{subject}", 12), ("{subject}，{word}", 6),
             ("再次来电：{subject}", 4), ("{place} {subject}", 4), ("{subject} {number}", 3), ("代{name}{subject}", 3)),
}  # fmt: skip
MORE_DETAIL = (0, 1, 1, 1, 2, 2, 3)
Case = dict[str, str]


class Texts:
    """Sentences of both scripts, without end."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        own: dict[tuple[str, str], list[str]] = {}
        for row in own_rows():
            for script in SCRIPTS:
                own.setdefault((script, row["part"]), []).append(row[script])
        self.words = {
            script: endless(rng, own[script, "word"], zipf(len(own[script, "word"]), WORD_ZIPF)) for script in SCRIPTS
        }
        self.parts = {key: endless(rng, rows, zipf(len(rows), 0.5)) for key, rows in own.items()}
        self.names = {script: endless(rng, *_names(rng, script)) for script in SCRIPTS}
        places = {"hant": "TW", "hans": "CN"}
        self.places = {
            script: endless(rng, found, zipf(len(found), 1.0))
            for script in SCRIPTS
            if (found := [row["place"] for row in rows_of("places") if row["jurisdiction"] == places[script]])
        }
        self.hospitals = {
            script: endless(rng, [row["name"] for row in rows_of("hospitals") if row["script"] == script])
            for script in SCRIPTS
        }
        self.subjects = {
            script: endless(rng, [text for text, _weight in rows], [weight for _text, weight in rows])
            for script, rows in SUBJECTS.items()
        }
        self.more = endless(rng, MORE_DETAIL)
        self.amounts = {
            "hant": endless(rng, [f"{round(rng.lognormvariate(9.4, 0.9), -2) or 300:,.0f}" for _nth in range(2000)]),
            "hans": endless(rng, [f"{round(rng.lognormvariate(7.6, 0.9), -2) or 300:,.0f}" for _nth in range(2000)]),
        }
        self.cases = {name: _cases(rng, name) for name in ("consultations", "complaints", "requests")}
        self.notes: dict[tuple[str, str], Iterator[Case]] = {}
        for row in rows_of("notes"):
            key = row["script"], row["kind"]
            if key not in self.notes:
                fitting = [one for one in rows_of("notes") if (one["script"], one["kind"]) == key]
                self.notes[key] = endless(rng, fitting)

    def case(self, name: str, script: str, line: str) -> Case:
        """Return a row of the demo's cases that fits a line of insurance."""
        cases = self.cases[name]
        return next(cases.get((script, line)) or cases[script, "*"])

    def told(self, case: Case, script: str, product: str) -> tuple[str, str, str]:
        """Return subject, story and answer (or remedy) of a case, told anew."""
        blanks = {
            "product": f"“{product}”" if script == "hans" else f"「{product}」",
            "amount": next(self.amounts[script]),
            "days": str(self.rng.randrange(3, 25)),
            "day": str(self.rng.randrange(1, 29)),
            "hospital": next(self.hospitals[script]),
        }
        subject = self._filled(next(self.subjects[script]), script, subject=case["subject"], product=product)
        story = next(self.parts[script, "opening"]) + case["story"].format_map(blanks)
        for _nth in range(next(self.more)):
            story += self._filled(next(self.parts[script, "detail"]), script)
        story += self._filled(next(self.parts[script, "closing"]), script)
        return subject, story, (case.get("answer") or case.get("remedy") or "").format_map(blanks)

    def rare(self, script: str, subject: str, story: str) -> tuple[str, str]:
        """Return a subject and a story with the rare word in them."""
        word = RARE_WORD[script]
        return (
            RARE_SUBJECT[script].format(word=word, subject=subject),
            RARE_STORY[script].format(word=word, story=story),
        )

    def note(self, kind: str, script: str) -> tuple[str, int, int]:
        """Return the text of a note, whether the customer was told, whether it is internal."""
        if self.rng.random() < 0.5:
            row = next(self.notes[script, kind])
            return row["text"], int(row["told"] == "yes"), int(row["internal"] == "yes")
        return self._filled(next(self.parts[script, "note"]), script), 0, int(self.rng.random() < 0.4)

    def _filled(self, text: str, script: str, **given: str) -> str:
        """Return a text with its blanks filled; only those it has are drawn."""
        if "{" not in text:
            return text
        if "{word}" in text:
            given["word"] = next(self.words[script])
            given["other"] = next(self.words[script])
        if "{name}" in text:
            given["name"] = next(self.names[script])
        if "{place}" in text:
            given["place"] = next(self.places[script])
        if "{number}" in text:
            given["number"] = f"{self.rng.choice('ABCDFGHK')}{self.rng.randrange(10**7):07d}"
        if "{count}" in text:
            given["count"] = str(self.rng.randrange(1, 12))
        if "{day}" in text:
            given["day"] = str(self.rng.randrange(1, 29))
        return text.format_map(given)


def _names(rng: Random, script: str) -> tuple[list[str], list[float]]:
    place = "CN" if script == "hans" else "TW"
    parts = {row["part"]: row["names"].split() for row in rows_of("names") if row["jurisdiction"] == place}
    found = [surname + given for surname in parts["surname"] for given in parts["woman"] + parts["man"]]
    rng.shuffle(found)
    return found, zipf(len(found), NAME_ZIPF)


def _cases(rng: Random, name: str) -> dict[tuple[str, str], Iterator[Case]]:
    """Return the demo's cases of one kind by script and line, those of any line among them."""
    rows = rows_of(name)
    found: dict[tuple[str, str], Iterator[Case]] = {}
    for script in SCRIPTS:
        mine = [row for row in rows if row["script"] == script]
        for line in sorted({row["line"] for row in mine}):
            fitting = [row for row in mine if row["line"] in {line, "*"}]
            found[script, line] = endless(rng, fitting, [_weight(row) for row in fitting])
        found.setdefault((script, "*"), endless(rng, mine, [_weight(row) for row in mine]))
    return found


def _weight(row: Case) -> float:
    return int(row["weight"]) * (COMMON_AGAIN if COMMON_WORD[row["script"]] in row["subject"] else 1)
