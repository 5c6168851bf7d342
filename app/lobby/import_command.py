"""``portal import``: the import of the pages on the command line, with the same checks, rights and history."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import click
from flask import current_app
from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from sqlalchemy import func, select

from app.core import import_pages, import_runs
from app.core.accounts import UserSetting
from app.core.db import db
from app.core.errors import RuleError
from app.core.import_runs import ImportRun, Offer, RunStatus
from app.core.importing import Mode, Outcome
from app.core.matching import Matching, guess
from app.core.sealed import require_key
from app.core.standin import standing_in
from app.core.tabular_write import csv_lines, xlsx_file
from app.core.views import PortalView

REASONS_SHOWN = 10
TOLD_EVERY = 500


@click.command("import")
@click.argument("entity")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mapping", "mapping_name", metavar="NAME", help="A kept or shipped matching; else columns are guessed.")
@click.option("--as", "login", metavar="LOGIN", help="Whose rights and name count; without it the portal's own.")
@click.option("--good-rows/--all-or-nothing", default=True, show_default=True, help="What to do if rows are wrong.")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Where wrong rows go (.csv or .xlsx).")
@click.option("--dry-run", is_flag=True, help="Tell what would happen and save nothing.")
def import_command(
    *,
    entity: str,
    file: Path,
    mapping_name: str | None,
    login: str | None,
    good_rows: bool,
    rejects: Path | None,
    dry_run: bool,
) -> None:
    """Import a CSV or XLSX file into an ENTITY, such as equipment; ends with 1 if rows are wrong."""
    require_key()
    if rejects is not None and not rejects.absolute().parent.is_dir():
        raise click.ClickException(f"There is no folder {rejects.absolute().parent} for the wrong rows.")
    mode = Mode.TRY if dry_run else Mode.GOOD_ROWS if good_rows else Mode.ALL_OR_NOTHING
    view = _screen(entity)
    user_id, locale = _acting(login)
    with force_locale(locale), standing_in(user_id):
        if not view.may("import"):
            raise click.ClickException(f"{login} may not import here.")
        try:
            run = _received(view, user_id, file, mapping_name)
        except RuleError as error:
            raise click.ClickException(str(error)) from error
        run_id = run.id
        busy = RunStatus.CHECKING if dry_run else RunStatus.RUNNING
        import_runs.claim(run, busy, all_or_nothing=mode is Mode.ALL_OR_NOTHING)
        import_runs.carry_out(run_id, mode, _progress())
        wrong = _report(view, db.session.get_one(ImportRun, run_id), rejects)
        if dry_run:
            import_runs.discard(db.session.get_one(ImportRun, run_id))
    sys.exit(1 if wrong else 0)


def _screen(entity: str) -> PortalView:
    screens = [
        view
        for view in current_app.appbuilder.baseviews  # type: ignore[attr-defined]
        if isinstance(view, PortalView) and "can_import" in view.base_permissions
    ]
    for view in screens:
        if entity in {view.model.__tablename__, view.class_permission_name, str(view.route_base).strip("/")}:
            return view
    known = ", ".join(sorted(str(view.route_base).strip("/") for view in screens))
    raise click.ClickException(f"There is no entity {entity}. Known are: {known}.")


def _acting(login: str | None) -> tuple[int | None, str]:
    """Return whose rights count and the language of the reasons."""
    if login is None:
        return None, "en"
    query = select(User, UserSetting.locale).outerjoin(UserSetting, UserSetting.user_id == User.id)
    row = db.session.execute(query.where(func.lower(User.username) == login.lower())).first()
    if row is None or not row[0].active:
        raise click.ClickException(f"There is no active login {login}.")
    return row[0].id, row[1] or "en"


def _received(view: PortalView, user_id: int | None, file: Path, mapping_name: str | None) -> ImportRun:
    with file.open("rb") as stream:
        run = import_runs.receive(view.class_permission_name, user_id, stream, file.name, None)
    db.session.add(run)
    db.session.commit()
    try:
        head = import_runs.head_of(run)
        columns = head["columns"] if head else []
        offers = import_runs.offers(view.class_permission_name, user_id)
        matching = _matching(view, columns, offers, mapping_name)
        matching.check(view, columns)
    except (RuleError, click.ClickException):
        import_runs.discard(run)
        raise
    for name, source in matching.sources.items():
        click.echo(f"  {view.label(name)} ← {source.column or repr(source.constant)}")
    run.matching = matching.as_json()
    db.session.commit()
    return run


def _matching(view: PortalView, columns: list[str], offers: list[Offer], name: str | None) -> Matching:
    if name is None:
        return guess(view, columns, [offer.matching for offer in offers])
    for offer in offers:
        if name in {offer.ref, offer.name}:
            return offer.matching
    raise click.ClickException(
        f"There is no matching {name}. Known are: {', '.join(one.ref for one in offers) or '-'}."
    )


def _progress() -> Callable[[Counter[Outcome]], None]:
    told = 0

    def tell(counts: Counter[Outcome]) -> None:
        nonlocal told
        if counts.total() >= told + TOLD_EVERY:
            told = counts.total()
            click.echo(f"{told} rows", err=True)

    return tell


def _report(view: PortalView, run: ImportRun, rejects: Path | None) -> int:
    """Tell the counts and the first reasons, write the wrong rows, and return how many there are."""
    for outcome, count in run.counts:
        click.echo(f"{outcome.name.lower()}: {count}")
    if run.status is RunStatus.FAILED:
        raise click.ClickException(run.message or "broken off")
    if run.status is RunStatus.REFUSED:
        click.echo("Nothing was imported, since rows are wrong.")
    wrong = (line for line in import_runs.noted(run) if line["outcome"] == Outcome.WRONG.name)
    for line in islice(wrong, REASONS_SHOWN):
        click.echo(f"row {line['row']}: {import_pages.reason(view, line['errors'])}", err=True)
    head = import_runs.head_of(run)
    if rejects is not None and run.wrong_rows and head is not None:
        header, rows = import_pages.wrong_header(head), import_pages.wrong_rows(view, run, head)
        with rejects.open("wb") as file:
            if rejects.suffix.lower() == ".xlsx":
                with xlsx_file(header, rows, str(view.title)) as made:
                    file.write(made.read())
            else:
                file.writelines(csv_lines(header, rows))
        click.echo(f"The wrong rows are in {rejects}.")
    return run.wrong_rows
