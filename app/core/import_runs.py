"""Runs of imports: the uploaded file while it is needed, how far a run is, and the matchings that people keep."""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import IO, Any, TypedDict, cast

from flask import Flask, current_app
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CursorResult, ForeignKey, Integer, String, UniqueConstraint, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Model, db
from app.core.errors import RuleError
from app.core.fields import text_of
from app.core.importing import Importer, Judged, Mode, Outcome
from app.core.jobs import job
from app.core.matching import Matching, column_names
from app.core.roles import guarded_views
from app.core.standin import standing_in
from app.core.tabular_read import Table, read_table
from app.core.types import Choice, Flag, Key, Moment, Prose, choice_column
from config import ROOT

log = logging.getLogger(__name__)

SHIPPED = ROOT / "seed" / "mappings"
KEPT_FOR = timedelta(days=7)
SILENT_FOR = timedelta(minutes=10)
"""A run that has said nothing for so long has died with its server."""
WAIT_SECONDS = 2.0
ROWS_SHOWN = 10
COPY_BYTES = 2**20


class RunStatus(Choice):
    """Where an import stands."""

    MATCHING = _l("To be matched"), "soon"
    CHECKING = _l("Being checked"), "progress"
    CHECKED = _l("Checked"), "soon"
    RUNNING = _l("Being imported"), "progress"
    DONE = _l("Imported"), "done"
    REFUSED = _l("Nothing imported"), "late"
    FAILED = _l("Broken off"), "late"


BUSY = (RunStatus.CHECKING, RunStatus.RUNNING)


class ImportRun(Model):
    """One file that one person imports into one entity (匯入)."""

    __tablename__ = "import_run"

    id: Mapped[Key]
    screen: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str] = mapped_column(String(255))
    encoding: Mapped[str | None] = mapped_column(String(20))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)
    status: Mapped[RunStatus] = choice_column(RunStatus, default=RunStatus.MATCHING)
    all_or_nothing: Mapped[Flag]
    matching: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[Moment] = mapped_column(default=clock.now)
    beat_at: Mapped[Moment] = mapped_column(default=clock.now)
    finished_at: Mapped[Moment | None]
    total_rows: Mapped[int] = mapped_column(Integer, default=0)
    new_rows: Mapped[int] = mapped_column(Integer, default=0)
    changed_rows: Mapped[int] = mapped_column(Integer, default=0)
    unchanged_rows: Mapped[int] = mapped_column(Integer, default=0)
    wrong_rows: Mapped[int] = mapped_column(Integer, default=0)
    message: Mapped[Prose | None]
    folder: Mapped[str | None] = mapped_column(String(40))

    @property
    def is_busy(self) -> bool:
        """Whether it is being worked on now."""
        return self.status in BUSY

    @property
    def done_rows(self) -> int:
        """How many rows have been judged."""
        return self.new_rows + self.changed_rows + self.unchanged_rows + self.wrong_rows

    @property
    def counts(self) -> list[tuple[Outcome, int]]:
        """How many rows became what."""
        return [(outcome, getattr(self, column)) for outcome, column in COUNT_COLUMNS.items()]


COUNT_COLUMNS = {
    Outcome.NEW: "new_rows",
    Outcome.CHANGED: "changed_rows",
    Outcome.UNCHANGED: "unchanged_rows",
    Outcome.WRONG: "wrong_rows",
}


class ImportMapping(Model):
    """A matching that somebody keeps for the next file of the same kind (匯入對應)."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("owner_id", "screen", "name"),)

    id: Mapped[Key]
    screen: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(80))
    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    is_shared: Mapped[Flag]
    matching: Mapped[dict[str, Any]] = mapped_column(JSON)


@dataclass(frozen=True)
class Offer:
    """A kept matching as a person may choose it: own, shared by another, or shipped."""

    ref: str
    name: str
    matching: Matching


def offers(screen: str, user_id: int | None) -> list[Offer]:
    """Return the matchings for a screen that a person may use."""
    mine = or_(ImportMapping.owner_id == user_id, ImportMapping.is_shared)
    rows = db.session.scalars(
        select(ImportMapping).where(ImportMapping.screen == screen, mine).order_by(ImportMapping.name, ImportMapping.id)
    )
    found = [Offer(str(row.id), row.name, Matching.read(row.matching)) for row in rows]
    for path in sorted(SHIPPED.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["screen"] == screen:
            found.append(Offer(path.stem, data["name"], Matching.read(data)))
    return found


def keep_matching(screen: str, owner_id: int, name: str, matching: Matching, *, is_shared: bool) -> None:
    """Keep a matching under a name, in place of the owner's earlier one of that name; does not commit."""
    same = (ImportMapping.screen == screen, ImportMapping.owner_id == owner_id, ImportMapping.name == name)
    row = db.session.scalar(select(ImportMapping).where(*same))
    if row is None:
        row = ImportMapping(screen=screen, owner_id=owner_id, name=name)
        db.session.add(row)
    row.matching, row.is_shared = matching.as_json(), is_shared


# -- the file and what is noted about its rows --------------------------------------------------


class Head(TypedDict):
    """What the pages show of a file without reading it again."""

    columns: list[str]
    rows: list[list[str]]
    remarks: list[str]


class Noted(TypedDict):
    """What is kept about a row that is shown or handed back."""

    row: int
    outcome: str
    errors: dict[str, list[str]]
    cells: list[str]


def _folder(token: str) -> Path:
    settings = current_app.config["PORTAL_SETTINGS"]
    return cast("Path", settings.data_dir) / "imports" / token


def receive(screen: str, user_id: int | None, stream: IO[bytes], file_name: str, encoding: str | None) -> ImportRun:
    """Keep an uploaded table in the data folder and return its run, not yet in the session; raises TableError."""
    token = secrets.token_hex(16)
    folder = _folder(token)
    folder.mkdir(mode=0o700, parents=True)
    try:
        with (folder / "table").open("wb") as file:
            shutil.copyfileobj(stream, file, COPY_BYTES)
        table = _table(token, file_name, encoding)
        head = Head(
            columns=column_names(table.header),
            rows=[[text_of(cell) for cell in row.cells] for row in islice(table, 3)],
            remarks=[str(remark) for remark in table.remarks],
        )
        (folder / "head.json").write_text(json.dumps(head), encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder)
        raise
    return ImportRun(screen=screen, user_id=user_id, file_name=file_name, encoding=encoding, folder=token)


def _table(token: str, file_name: str, encoding: str | None) -> Table:
    with (_folder(token) / "table").open("rb") as file:
        return read_table(file, file_name, encoding=encoding)


def head_of(run: ImportRun) -> Head | None:
    """Return what the file begins with, or None when it is no longer kept."""
    path = _folder(run.folder or "") / "head.json"
    return cast("Head", json.loads(path.read_text(encoding="utf-8"))) if run.folder and path.exists() else None


def noted(run: ImportRun) -> Iterator[Noted]:
    """Yield what the last check or import noted: the first rows, and every wrong one."""
    path = _folder(run.folder or "") / "rows.jsonl"
    if run.folder and path.exists():
        with path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


@contextmanager
def _notes(token: str) -> Iterator[Callable[[Judged], None]]:
    shown = 0
    with (_folder(token) / "rows.jsonl").open("w", encoding="utf-8") as file:

        def note(judged: Judged) -> None:
            nonlocal shown
            shown += 1
            if judged.outcome is Outcome.WRONG or shown <= ROWS_SHOWN:
                cells = [text_of(cell) for cell in judged.row.cells]
                kept = Noted(row=judged.row.number, outcome=judged.outcome.name, errors=judged.errors, cells=cells)
                file.write(json.dumps(kept) + "\n")

        yield note


def _forget_file(run_id: int, token: str, *, wrong: int) -> None:
    """Keep no personal data longer than needed: after an import, only rows that are handed back."""
    if wrong:
        (_folder(token) / "table").unlink(missing_ok=True)
        return
    shutil.rmtree(_folder(token), ignore_errors=True)
    db.session.execute(update(ImportRun).where(ImportRun.id == run_id).values(folder=None))
    db.session.commit()


def discard(run: ImportRun) -> None:
    """Forget a run and its file; commits."""
    shutil.rmtree(_folder(run.folder or "-"), ignore_errors=True)
    db.session.delete(run)
    db.session.commit()


# -- carrying out ------------------------------------------------------------------------------


def claim(run: ImportRun, status: RunStatus, **values: Any) -> bool:
    """Move a run on from where it stands; False if someone else was quicker, so that a second click has no effect.

    Raises RuleError while another import of the same person is running. Commits.
    """
    if status in BUSY:
        others = select(ImportRun.id).where(ImportRun.user_id == run.user_id, ImportRun.status.in_(BUSY))
        if db.session.scalar(others.where(ImportRun.id != run.id).limit(1)) is not None:
            raise RuleError(_("Another import of yours is still running. Wait until it has ended."))
        values |= dict.fromkeys(COUNT_COLUMNS.values(), 0)
    now = clock.now()
    here = (ImportRun.id == run.id, ImportRun.status == run.status)
    moved = _changed(update(ImportRun).where(*here).values(status=status, beat_at=now, message=None, **values))
    db.session.commit()
    return moved


def _changed(statement: Any) -> bool:
    return cast("CursorResult[Any]", db.session.execute(statement)).rowcount == 1


def start(run_id: int, mode: Mode) -> None:
    """Carry out a claimed run in a thread of its own; returns when it ends, or earlier if it takes long."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's way
    thread = Thread(target=_in_background, args=(app, str(get_locale()), run_id, mode), daemon=True)
    thread.start()
    thread.join(WAIT_SECONDS)


def _in_background(app: Flask, locale: str, run_id: int, mode: Mode) -> None:
    with app.app_context(), force_locale(locale):
        user_id = db.session.get_one(ImportRun, run_id).user_id
        if user_id is None:
            # A login deleted meanwhile has no rights; without a login the portal itself would import, with all.
            break_off(run_id, _("This import was given up."))
            return
        with standing_in(user_id):
            carry_out(run_id, mode)


def carry_out(run_id: int, mode: Mode, tell: Callable[[Counter[Outcome]], None] = lambda _counts: None) -> None:
    """Check or import a claimed run's file with the rights of whoever acts; commits, and notes how it ended.

    ``tell`` hears the counts now and then.
    """
    run = db.session.get_one(ImportRun, run_id)
    screen, token, file_name, encoding = run.screen, run.folder or "", run.file_name, run.encoding
    matching = Matching.read(run.matching)
    db.session.rollback()
    try:
        table = _table(token, file_name, encoding)

        def beat() -> None:
            _note_progress(run_id, importer)
            tell(importer.counts)

        importer = Importer(guarded_views()[screen], table, column_names(table.header), matching, mode, beat)
        with _notes(token) as note:
            importer.run(note)
        if not importer.is_kept:
            db.session.rollback()
        _note_end(run_id, importer)
        db.session.commit()
        if importer.is_kept:
            _forget_file(run_id, token, wrong=importer.counts[Outcome.WRONG])
    except RuleError as error:
        break_off(run_id, str(error))
    except Exception as error:  # noqa: BLE001 - in a thread nobody above would tell the person
        number = secrets.token_hex(4)
        # The stack alone: the message of a database error would tell the row's contents.
        stack = "".join(traceback.format_tb(error.__traceback__))
        log.error("import %s broke off, bug %s, %s\n%s", run_id, number, type(error).__name__, stack)  # noqa: TRY400
        told = _(
            "Something went wrong in the portal. Please tell an administrator this number: %(number)s.", number=number
        )
        break_off(run_id, told)


def _counted(counts: Counter[Outcome]) -> dict[str, int]:
    return {column: counts[outcome] for outcome, column in COUNT_COLUMNS.items()}


def _note_progress(run_id: int, importer: Importer) -> None:
    """Note how far a run is; raises RuleError if it was given up meanwhile.

    By a connection of its own, since with all-or-nothing the run's transaction is open; then SQLite, which has one
    writer, tells nothing until the end.
    """
    whole = importer.mode is Mode.ALL_OR_NOTHING
    if whole and db.engine.dialect.name == "sqlite":
        return
    here = (ImportRun.id == run_id, ImportRun.status.in_(BUSY))
    values = {"beat_at": clock.now(), **_counted(importer.counts)}
    with db.engine.begin() as connection:
        if connection.execute(update(ImportRun).where(*here).values(**values)).rowcount != 1:
            raise RuleError(_("This import was given up."))


def _note_end(run_id: int, importer: Importer) -> None:
    """Note how a run ended, in the transaction of its last rows; raises RuleError if it was given up meanwhile."""
    counts = _counted(importer.counts)
    if importer.mode is Mode.TRY:
        values: dict[str, Any] = {"status": RunStatus.CHECKED, "total_rows": importer.counts.total(), **counts}
    else:
        status = RunStatus.DONE if importer.is_kept else RunStatus.REFUSED
        values = {"status": status, "finished_at": clock.now(), **counts}
    here = (ImportRun.id == run_id, ImportRun.status.in_(BUSY))
    if not _changed(update(ImportRun).where(*here).values(**values)):
        raise RuleError(_("This import was given up."))


def break_off(run_id: int, message: str) -> None:
    """Note that a run ended early and why; what it saved before stays and is counted."""
    db.session.rollback()
    values = {"status": RunStatus.FAILED, "finished_at": clock.now(), "message": message}
    db.session.execute(update(ImportRun).where(ImportRun.id == run_id, ImportRun.status.in_(BUSY)).values(**values))
    db.session.commit()


@job("imports")
def tidy(now: datetime) -> int:
    """Mark runs whose server died, and remove files that were kept long enough; return how many runs it touched."""
    silent = (ImportRun.status.in_(BUSY), ImportRun.beat_at < now - SILENT_FOR)
    dead = cast(
        "CursorResult[Any]",
        db.session.execute(update(ImportRun).where(*silent).values(status=RunStatus.FAILED, finished_at=now)),
    ).rowcount
    old = (ImportRun.folder.is_not(None), ImportRun.created_at < now - KEPT_FOR, ImportRun.status.not_in(BUSY))
    runs = list(db.session.scalars(select(ImportRun).where(*old)))
    for run in runs:
        shutil.rmtree(_folder(run.folder or ""), ignore_errors=True)
        run.folder = None
        if run.status in {RunStatus.MATCHING, RunStatus.CHECKED}:
            db.session.delete(run)
    return dead + len(runs)
