"""How texts are compared in a search: width, case and script do not matter, and every two characters are a key.

Chinese has no spaces between words, so the index knows a text by its single characters and its pairs of neighbours
(bigrams): a word of one or two characters is found by its key alone, a longer one by all its pairs and a look at the
text. Which script a text is written in stays as it is; a search asks for every spelling of its characters instead, so
that 理赔 finds 理賠 and neither the index nor the database needs a table of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache
from importlib.resources import files
from itertools import pairwise, product

MOST_WORDS = 8


def fold(text: str) -> str:
    """Return a text as it is compared: Unicode NFKC, small letters. PostgreSQL's ``search_fold`` does the same."""
    return unicodedata.normalize("NFKC", text).lower()


def words_of(text: str) -> list[str]:
    """Return the words of a search, folded, each once and no more than ``MOST_WORDS``: all of them must be found."""
    return list(dict.fromkeys(fold(text).split()))[:MOST_WORDS]


def grams(text: str) -> list[str]:
    """Return the keys of a text: its characters and its pairs of neighbours, without blanks."""
    letters = fold(text)
    keys = [*letters, *(first + second for first, second in pairwise(letters))]
    return [key for key in keys if " " not in key]


@cache
def _simplified() -> dict[str, str]:
    """Return the Simplified form of each Traditional character, by OpenCC's table."""
    table = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text(encoding="utf-8")
    pairs = (line.split() for line in table.splitlines() if "\t" in line)
    return {traditional: forms[0] for traditional, *forms in pairs}


@cache
def _spellings() -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for traditional, simplified in _simplified().items():
        found[simplified] |= {traditional, simplified}
    return {simplified: tuple(sorted(forms)) for simplified, forms in found.items()}


def spellings(letter: str) -> tuple[str, ...]:
    """Return the characters that are the same in the other script, the character itself among them."""
    simplified = _simplified().get(letter, letter)
    return tuple(dict.fromkeys((letter, *_spellings().get(simplified, ()))))


def keys_of(word: str) -> list[list[str]]:
    """Return what a text must have to contain a word: of each list one key, in whichever spelling."""
    forms = [spellings(letter) for letter in word]
    if len(forms) == 1:
        return [list(forms[0])]
    return [["".join(pair) for pair in product(*both)] for both in pairwise(forms)]


def needs_look(word: str) -> bool:
    """Tell whether a word is longer than a key, so that the text must be looked at as well."""
    return len(word) > len("理賠")


def pattern(word: str) -> str:
    """Return a regular expression, alike for Python and PostgreSQL, that finds a word in a folded text."""
    return "".join(_either(spellings(letter)) for letter in word)


def _either(letters: tuple[str, ...]) -> str:
    return f"[{''.join(letters)}]" if len(letters) > 1 else re.escape(letters[0])
