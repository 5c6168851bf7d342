"""``docs/benchmarks.md``: each target writes its own section and leaves the others as they are."""

from __future__ import annotations

import re

from config import ROOT

NOTES = ROOT / "docs" / "benchmarks.md"


def keep(target: str, section: str) -> None:
    """Put a section into the file in place of the one that the same target of the Makefile wrote before."""
    begin, end = f"<!-- make {target} -->", f"<!-- end of make {target} -->"
    text = NOTES.read_text(encoding="utf-8") if NOTES.exists() else "# Benchmarks\n"
    before, is_there, rest = text.partition(begin)
    after = rest.partition(end)[2] if is_there else ""
    kept = f"{before.rstrip()}\n\n{begin}\n{section.strip()}\n{end}\n{after}"
    NOTES.write_text(re.sub(r"\n{3,}", "\n\n", kept), encoding="utf-8")
