"""The command line: ``flask --app run portal …``."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_appbuilder.security.sqla.models import Role, User
from flask_babel import force_locale
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.appraisal.models import Indicator
from app.casework.models import Conclusion, Disposition, PriorityRule, RootCause, Topic
from app.core import catalogs, clock, list_index, migrating, search_index
from app.core.db import Trouble, db, trouble_of
from app.core.errors import RuleError
from app.core.jobs import run_jobs
from app.core.roles import check_matrix, read_matrix, sync_roles
from app.core.sealed import WrongKeyError, keep_check, require_key
from app.core.seeding import seed
from app.customers.models import Channel, ProductLine
from app.handbook.models import Clause, Promise, ServiceHours
from app.lobby.accounts import LOGIN_NAME, lend, new_password, set_password
from app.lobby.import_command import import_command
from app.roster.models import LeaveKind, ShiftType
from app.staff.models import Department, Position
from app.training.models import TopicArea
from app.workplace.models import Area, EquipmentKind, FaultKind, Supplier
from config import ROOT, Settings

SEED = ROOT / "seed"
CODE = ("code",)
SEEDS = (
    ("clauses.csv", Clause, ("number",)),
    ("promises.csv", Promise, ("code", "condition")),
    ("service_hours.csv", ServiceHours, ("weekday", "opens_at")),
    ("departments.csv", Department, CODE),
    ("positions.csv", Position, CODE),
    ("areas.csv", Area, CODE),
    ("suppliers.csv", Supplier, CODE),
    ("equipment_kinds.csv", EquipmentKind, CODE),
    ("fault_kinds.csv", FaultKind, CODE),
    ("shift_types.csv", ShiftType, CODE),
    ("leave_kinds.csv", LeaveKind, CODE),
    ("product_lines.csv", ProductLine, CODE),
    ("channels.csv", Channel, CODE),
    ("topics.csv", Topic, CODE),
    ("dispositions.csv", Disposition, CODE),
    ("conclusions.csv", Conclusion, CODE),
    ("root_causes.csv", RootCause, CODE),
    ("priority_rules.csv", PriorityRule, ("urgency", "complexity")),
    ("topic_areas.csv", TopicArea, CODE),
    ("indicators.csv", Indicator, CODE),
)
PREPARE_LOCK = 7_341_906


class PortalGroup(AppGroup):
    """The commands; what is wrong with the database or its key is one sentence, and no traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except WrongKeyError as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            if (trouble := trouble_of(error)) is None:
                raise
            raise click.ClickException(TROUBLES[trouble]) from error


TROUBLES = {
    Trouble.BUSY: "Others are writing into the database. Please try again in a minute.",
    Trouble.AWAY: "The database does not answer, is none, or is not prepared (portal init). See PORTAL_DATABASE_URL.",
}
portal = PortalGroup("portal", help="Prepare, fill and look after the portal.")


def init_app(app: Flask) -> None:
    """Put the commands on an application."""
    portal.add_command(import_command)
    app.cli.add_command(portal)


def prepare() -> None:
    """Bring tables, roles and catalogs to this release; safe to run again and by several at once."""
    with alone():
        migrating.upgrade()
        indexed = search_index.prepare(db.session.connection())
        list_index.prepare(db.session.connection())
        catalogs.prepare(db.session.connection())
        db.session.commit()
        matrix = read_matrix(SEED / "roles.csv")
        check_matrix(matrix)
        result = sync_roles(matrix)
        made = sum(seed(model, SEED / name, keys) for name, model, keys in SEEDS)
        keep_check()
        db.session.commit()
    click.echo(f"Ready: {len(result.added)} rights added, {len(result.removed)} taken away, {made} catalog rows added.")
    if indexed:
        click.echo(f"Indexed for searching: {', '.join(indexed)}.")


@contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time prepare a database.

    SQLite's own lock would not do: it ends with each commit, and is waited for ten seconds only.
    """
    if db.engine.dialect.name == "postgresql":
        # No transaction stays open for it: an index that is made beside people's work waits for all that are.
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as guard:
            guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": PREPARE_LOCK})
            try:
                yield
            finally:
                guard.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": PREPARE_LOCK})
    else:
        settings: Settings = current_app.config["PORTAL_SETTINGS"]
        with (settings.data_dir / "prepare.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@portal.command()
@click.option("--administrator", metavar="LOGIN", help="Also make a first administrator with this login name.")
@click.option("--email", default=None, help="The administrator's e-mail address.")
def init(administrator: str | None, email: str | None) -> None:
    """Prepare the database: tables, roles, catalogs. Run it once for every release, before the server."""
    prepare()
    if administrator is not None:
        password = new_password()
        made = make_login(
            administrator, administrator, "", email or f"{administrator}@localhost", password, ["administrator"]
        )
        lend(made)
        db.session.commit()
        click.echo(
            f"Administrator {administrator}, password {password} (shown once; the first sign-in asks for another)."
        )


def make_login(login: str, last_name: str, first_name: str, email: str, password: str, roles: list[str]) -> User:
    """Return a new login with roles; the caller commits.

    Raises ClickException if the name is none or taken, the address is taken, or the password breaks the rule.
    """
    if not re.fullmatch(LOGIN_NAME, login):
        message = "A login name has 2 to 64 small letters, digits and . _ - and begins with a letter or digit."
        raise click.ClickException(message)
    if db.session.scalar(select(User.id).where(func.lower(User.email) == email.lower())) is not None:
        message = "Another login has this e-mail address."
        raise click.ClickException(message)
    if db.session.scalar(select(User.id).where(func.lower(User.username) == login.lower())) is not None:
        message = f"There is a login {login} already."
        raise click.ClickException(message)
    user = User(username=login, last_name=last_name, first_name=first_name, email=email, active=True)
    try:
        set_password(user, password)
    except RuleError as error:
        raise click.ClickException(str(error)) from error
    user.roles = list(db.session.scalars(select(Role).where(Role.name.in_(roles))))
    db.session.add(user)
    db.session.flush()
    return user


@portal.command()
@click.option("--if-empty", is_flag=True, help="Do nothing, and say nothing, where the database holds records.")
def demo(*, if_empty: bool) -> None:
    """Fill an empty database with a department that has worked for a year; refused where there are real records."""
    from app.lobby.demo.play import check_demo, is_empty, play  # noqa: PLC0415 - nothing that serves pages needs it

    require_key()
    if not is_empty([model for _name, model, _keys in SEEDS]):
        if if_empty:
            return
        message = "This database holds records of people. The demo is for an empty one: nothing was changed."
        raise click.ClickException(message)
    settings: Settings = current_app.config["PORTAL_SETTINGS"]
    password = settings.demo_password or new_password()
    click.echo("The demo department works through its year; this takes a minute or two ...")
    with force_locale("en"):
        try:
            check_demo(password)
        except RuleError as error:
            raise click.ClickException(str(error)) from error
    logins = play(clock.now(), password)
    db.session.commit()
    for login, name, role in logins:
        click.echo(f"  {login:<16}{name}  {role}")
    click.echo(f"Password of every demo login: {password}")
    click.echo(f"Sign in at http://127.0.0.1:{settings.port}")


@portal.command()
def reindex() -> None:
    """Make the indexes of every search anew. On PostgreSQL people go on working; on SQLite whoever saves waits."""
    require_key()
    db.session.rollback()
    with alone(), db.engine.connect() as connection:
        for table, done, total in search_index.rebuild(connection):
            click.echo(f"\r{table}: {done:,} of {total:,}", nl=done == total)


@portal.command()
def jobs() -> None:
    """Run what happens when nobody clicks: mark tasks that are late. Meant for cron, every few minutes."""
    require_key()
    for name, count in run_jobs(clock.now()).items():
        click.echo(f"{name}: {count}")
    if db.engine.dialect.name == "sqlite":
        # What PostgreSQL does by itself: see anew how many rows each index leads to, where that changed.
        db.session.execute(text("PRAGMA analysis_limit = 1000"))
        db.session.execute(text("PRAGMA optimize"))
        db.session.commit()
