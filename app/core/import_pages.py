"""The pages of an import: choose a file, match its columns, see what would happen, import, take back what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from flask import abort, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import delete, select
from wtforms import Field

from app.core import files, import_runs
from app.core.charsets import ENCODINGS
from app.core.db import db
from app.core.errors import RuleError
from app.core.import_runs import Head, ImportMapping, ImportRun, Noted, RunStatus
from app.core.import_template import allowed_values
from app.core.importing import Mode, Outcome
from app.core.interface import parse_key
from app.core.matching import Matching, Source, guess, importable, known_by, settable
from app.core.present import about
from app.core.tabular import clean

if TYPE_CHECKING:
    from app.core.views import PortalView

RUNS_LISTED = 20
WRONG_SHOWN = 20
LONGEST_NAME = 80
LONGEST_CONSTANT = 255


def run_url(view: PortalView, run: ImportRun) -> str:
    """Return the address of a run."""
    return url_for(f"{view.endpoint}.import_run", key=run.id)


def start_url(view: PortalView) -> str:
    """Return the address where imports of a screen begin."""
    return url_for(f"{view.endpoint}.import_")


def _page(view: PortalView, name: str, status: int = 200, **context: Any) -> tuple[str, int]:
    title = _("Import: %(title)s", title=str(view.title))
    return view.render_template(f"portal/import_{name}.html", view=view, title=title, **context), status


# -- the first page ------------------------------------------------------------------------------


def begin(view: PortalView) -> Any:
    """Ask for a file and list the person's own imports; a sent file is kept and leads on to its run."""
    user_id, screen = g.user.id, view.class_permission_name
    problem = None
    if request.method == "POST" and (key := parse_key(request.form.get("forget"))) is not None:
        mine = (ImportMapping.id == key, ImportMapping.owner_id == user_id, ImportMapping.screen == screen)
        db.session.execute(delete(ImportMapping).where(*mine))
        db.session.commit()
        return redirect(start_url(view))
    if request.method == "POST":
        # A large file takes a while to read, and nobody shall wait for the database meanwhile.
        db.session.rollback()
        try:
            run = _received(screen, user_id)
        except RuleError as error:
            problem = str(error)
        else:
            db.session.add(run)
            db.session.commit()
            return redirect(run_url(view, run))
    own = (ImportRun.user_id == user_id, ImportRun.screen == screen)
    runs = list(db.session.scalars(select(ImportRun).where(*own).order_by(ImportRun.id.desc()).limit(RUNS_LISTED)))
    kept = (ImportMapping.owner_id == user_id, ImportMapping.screen == screen)
    mappings = list(db.session.scalars(select(ImportMapping).where(*kept).order_by(ImportMapping.name)))
    return _page(
        view, "start", 422 if problem else 200, runs=runs, mappings=mappings, problem=problem, encodings=ENCODINGS
    )


def _received(screen: str, user_id: int) -> ImportRun:
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise RuleError(_("Choose a file."))
    encoding = request.form.get("encoding")
    name = files.clean_name(upload.filename)
    return import_runs.receive(screen, user_id, upload.stream, name, encoding if encoding in ENCODINGS else None)


# -- a run, where it stands ----------------------------------------------------------------------


def own_run(view: PortalView, key: str) -> ImportRun:
    """Return one of the person's own runs on this screen, or answer 404."""
    mine = (ImportRun.user_id == g.user.id, ImportRun.screen == view.class_permission_name)
    return db.session.scalar(select(ImportRun).where(ImportRun.id == (parse_key(key) or 0), *mine)) or abort(404)


def show(view: PortalView, run: ImportRun) -> Any:
    """Show a run where it stands, or as JSON how far it is."""
    if request.args.get("as") == "json":
        return {"done": run.done_rows, "total": run.total_rows, "busy": run.is_busy}
    if run.is_busy:
        return _page(view, "progress", run=run)
    head = import_runs.head_of(run)
    if run.status is RunStatus.MATCHING and head is not None:
        return _match_page(view, run, head)
    wrong = (line for line in import_runs.noted(run) if line["outcome"] == Outcome.WRONG.name)
    lines = _lines(view, run, head, islice(wrong, WRONG_SHOWN)) if head else []
    labels = [view.label(name) for name in _matched(view, run)]
    if run.status is not RunStatus.CHECKED:
        return _page(view, "result", run=run, lines=lines, labels=labels, has_file=_has_file(run))
    first = _lines(view, run, head, islice(import_runs.noted(run), import_runs.ROWS_SHOWN)) if head else []
    return _page(view, "preview", run=run, lines=lines, first=first, labels=labels)


def step(view: PortalView, run: ImportRun) -> Any:
    """Take a run on: check it, go back to its matching, or import; a second click finds nothing left to do."""
    head, url, run_id, mode = import_runs.head_of(run), run_url(view, run), run.id, None
    if head is None or run.is_busy:
        return redirect(url)
    try:
        match request.form.get("step"), run.status:
            case "check", RunStatus.MATCHING:
                matching = _posted(view, head["columns"], _chosen(view, request.form.get("mapping", "")))
                matching.check(view, head["columns"])
                _keep(view, matching)
                if import_runs.claim(run, RunStatus.CHECKING, matching=matching.as_json()):
                    mode = Mode.TRY
            case "run", RunStatus.CHECKED:
                whole = request.form.get("mode") == "all"
                if import_runs.claim(run, RunStatus.RUNNING, all_or_nothing=whole):
                    mode = Mode.ALL_OR_NOTHING if whole else Mode.GOOD_ROWS
            case "again", _status if _has_file(run):
                import_runs.claim(run, RunStatus.MATCHING)
            case _:
                pass
    except RuleError as error:
        db.session.rollback()
        run = own_run(view, str(run_id))
        if run.status is RunStatus.MATCHING:
            return _match_page(view, run, head, error)
        flash(str(error), "warning")
    if mode is not None:
        # From here on nothing is read: the thread needs the database to itself.
        import_runs.start(run_id, mode)
    return redirect(url)


def _has_file(run: ImportRun) -> bool:
    """Tell whether the file can be matched and imported once more."""
    again = run.status in {RunStatus.CHECKED, RunStatus.REFUSED, RunStatus.FAILED}
    return again and run.folder is not None


def _keep(view: PortalView, matching: Matching) -> None:
    name = clean(request.form.get("keep_as", "")).strip()[:LONGEST_NAME]
    if name:
        is_shared = bool(request.form.get("shared"))
        import_runs.keep_matching(view.class_permission_name, g.user.id, name, matching, is_shared=is_shared)


# -- matching ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldLine:
    """One field on the matching page, and where its values come from."""

    name: str
    label: str
    is_required: bool
    source: Source
    allowed: list[str]
    problem: str | None


def _chosen(view: PortalView, ref: str) -> Matching:
    """Return a kept matching by its reference, if the person may use it, else an empty one."""
    found = import_runs.offers(view.class_permission_name, g.user.id)
    return next((one.matching for one in found if one.ref == ref), Matching({}))


def _posted(view: PortalView, columns: list[str], base: Matching) -> Matching:
    """Return the matching that was sent; translations of values come from the kept one it started from."""
    sources: dict[str, Source] = {}
    names = {name.partition("-")[2] for name in request.form if name.startswith(("column-", "constant-"))}
    for name in [*importable(view), *sorted(names - set(importable(view)))]:
        column = request.form.get(f"column-{name}", "")
        constant = clean(request.form.get(f"constant-{name}", "")).strip()[:LONGEST_CONSTANT]
        before = base.sources.get(name, Source())
        if column or constant:
            same = before.column == column in columns
            sources[name] = Source(column, constant, before.values if same else {}, before.repeats if same else "")
    return Matching(sources, base.key if set(base.key) <= sources.keys() else ())


def _match_page(view: PortalView, run: ImportRun, head: Head, error: RuleError | None = None) -> Any:
    offers = import_runs.offers(view.class_permission_name, g.user.id)
    ref = request.values.get("mapping", "")
    if request.method == "POST":
        matching = _posted(view, head["columns"], _chosen(view, ref))
    elif ref:
        matching = _chosen(view, ref)
    elif run.matching:
        matching = Matching.read(run.matching)
    else:
        matching = guess(view, head["columns"], [one.matching for one in offers])
    entries: dict[str, Field] = {
        entry.name: entry for entry in view.import_form(settable(view))(formdata=None, meta={"csrf": False})
    }
    lines = [
        FieldLine(
            name,
            view.label(name),
            name in entries and bool(entries[name].flags.required),
            matching.sources.get(name, Source()),
            allowed_values(entries[name]) if name in entries else [],
            str(error) if error is not None and error.field == name else None,
        )
        for name in importable(view)
    ]
    used = {source.column for source in matching.sources.values()}
    return _page(
        view,
        "match",
        422 if error else 200,
        run=run,
        head=head,
        lines=lines,
        offers=offers,
        ref=ref,
        problem=str(error) if error else None,
        unused=[column for column in head["columns"] if column not in used],
        key=[view.label(name) for name in matching.key or known_by(view)],
    )


# -- rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One row of the file as a page shows it: its matched cells with what is wrong with each, and with the whole."""

    number: int
    outcome: Outcome
    cells: list[tuple[str, str]]
    problem: str


def _matched(view: PortalView, run: ImportRun) -> dict[str, str]:
    """Return the fields that have a column, and which."""
    known = importable(view)
    sources = Matching.read(run.matching).sources.items() if run.matching else ()
    return {name: source.column for name, source in sources if source.column and name in known}


def _lines(view: PortalView, run: ImportRun, head: Head, found: Iterator[Noted]) -> list[Line]:
    places = {
        name: head["columns"].index(column) for name, column in _matched(view, run).items() if column in head["columns"]
    }
    lines = []
    for one in found:
        cells = [
            (one["cells"][place] if place < len(one["cells"]) else "", " ".join(one["errors"].get(name, ())))
            for name, place in places.items()
        ]
        rest = {name: errors for name, errors in one["errors"].items() if name not in places}
        lines.append(Line(one["row"], Outcome[one["outcome"]], cells, reason(view, rest)))
    return lines


def reason(view: PortalView, errors: dict[str, list[str]]) -> str:
    """Return what is wrong with a row as a sentence for each field."""
    return " ".join(
        about(view.label_columns[name], " ".join(wrong)) if name in view.label_columns else " ".join(wrong)
        for name, wrong in errors.items()
    )


def wrong_name() -> str:
    """Return what the file of wrong rows is called."""
    return _("Rows not imported")


def wrong_header(head: Head) -> list[str]:
    """Return the headings of the file of wrong rows: those of the file, and one for the reasons."""
    return [*head["columns"], _("Why it was not imported")]


def wrong_rows(view: PortalView, run: ImportRun, head: Head) -> Iterator[list[str]]:
    """Yield each wrong row as it stood in the file, with its reason; corrected, it can be imported again."""
    width = len(head["columns"])
    for one in import_runs.noted(run):
        if one["outcome"] == Outcome.WRONG.name:
            cells = [*one["cells"], *[""] * width][:width]
            yield [*cells, reason(view, one["errors"])]
