"""The recipe of ``docs/adding-an-entity.md``, followed to the letter in a copy of the house."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DATABASE, Databases

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs" / "adding-an-entity.md").read_text(encoding="utf-8")
COPIED = ("app", "config.py", "migrations", "pyproject.toml", "run.py", "seed", "tests", "translations", "docs")


def block(heading: str) -> str:
    """Return the Python of a section of the guide."""
    section = GUIDE.split(f"## {heading}", 1)[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None, heading
    return found.group(1)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy."""
    environment = {**os.environ, "PORTAL_DATA_DIR": str(folder / "var"), "PORTAL_TEST_DATABASE": DATABASE}
    # All other screens are judged by the run that this test is a part of.
    environment["PORTAL_TEST_SCREEN"] = "BadgeView"
    environment.pop("PYTEST_XDIST_WORKER", None)
    environment.pop("PORTAL_DATABASE_URL", None)
    return subprocess.run(  # noqa: S603 - our own commands in our own copy
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900, check=False
    )


@pytest.mark.slow
def test_a_made_up_entity_is_complete_in_every_law(tmp_path: Path, databases: Databases) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    room = tmp_path / "app" / "workplace"
    models, views = room / "models.py", room / "views.py"
    models.write_text(models.read_text(encoding="utf-8") + "\n\n" + block("1. The model"), encoding="utf-8")
    screen = views.read_text(encoding="utf-8")
    screen = screen.replace("\ndef register(", "\n" + block("2. The screen") + "\n\ndef register(", 1)
    screen = screen.replace("from app.workplace.models import ", "from app.workplace.models import Badge, ", 1)
    screen = re.sub(r"import \(\n", "import (\n", screen)
    opening = re.search(r"`(open_screen\(builder, BadgeView, \"workplace\"\))`", GUIDE)
    assert opening is not None
    views.write_text(f"{screen.rstrip()}\n    {opening.group(1)}\n", encoding="utf-8")
    if "from app.workplace.models import Badge, (" in screen:
        views.write_text(
            views.read_text(encoding="utf-8").replace(
                "from app.workplace.models import Badge, (",
                "from app.workplace.models import Badge\nfrom app.workplace.models import (",
            ),
            encoding="utf-8",
        )
    cell = re.search(r"^ {4}(list show add .*@.*)$", GUIDE, re.MULTILINE)
    assert cell is not None
    with (tmp_path / "seed" / "roles.csv").open("a", encoding="utf-8") as matrix:
        matrix.write(f"BadgeView,{cell.group(1)},{cell.group(1).replace('@own', '@team')},,list show export @all,,,\n")
    python = sys.executable
    migrated = run(tmp_path, python, "-m", "flask", "--app", "run", "portal", "init")
    assert migrated.returncode == 0, migrated.stderr
    migrated = run(tmp_path, python, "-m", "flask", "--app", "run", "db", "migrate", "-m", "visitor badges")
    assert migrated.returncode == 0, migrated.stderr
    laws = run(
        tmp_path,
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not browser",
        "tests/test_laws.py",
        "tests/test_scope.py",
        "tests/test_traps.py",
    )
    assert laws.returncode == 0, laws.stdout[-6000:]
    spoken = run(tmp_path, python, "translations/check.py", "check")
    assert spoken.returncode != 0
    assert "Visitor badges" in spoken.stdout + spoken.stderr, "the words of a new entity are missed by the check"
    cost = len((block("1. The model") + block("2. The screen")).strip().splitlines())
    assert cost <= 55, f"an entity costs {cost} lines"


def test_the_guide_names_only_what_exists() -> None:
    """Every file, verb, type and target the guide names is there."""
    for path in re.findall(r"`((?:app|seed|translations|docs)/[\w./-]+)`", GUIDE):
        assert (ROOT / path).exists(), path
    types = re.search(r"`app\.core\.types`: (.*?)\.\n", GUIDE, re.DOTALL)
    assert types is not None
    from app.core import types as known  # noqa: PLC0415 - only here

    for name in re.findall(r"`(\w+)`", types.group(1)):
        assert hasattr(known, name), name
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\w+)", GUIDE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
