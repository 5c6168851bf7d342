"""The command line: ``flask --app run portal …``."""

from __future__ import annotations

import secrets

import click
from flask import Flask
from flask.cli import AppGroup
from flask_appbuilder.security.sqla.models import Role, User
from flask_migrate import upgrade
from sqlalchemy import select, text
from werkzeug.security import generate_password_hash

from app.core import clock
from app.core.db import db
from app.core.jobs import run_jobs
from app.core.roles import check_matrix, read_matrix, sync_roles
from app.core.seeding import seed
from app.handbook.models import Clause, Promise, ServiceHours
from app.staff.models import Department, Position
from app.workplace.models import Area, EquipmentKind, FaultKind, Supplier
from config import ROOT

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
)
PREPARE_LOCK = 7_341_906

portal = AppGroup("portal", help="Prepare, fill and look after the portal.")


def init_app(app: Flask) -> None:
    """Put the commands on an application."""
    app.cli.add_command(portal)


def prepare() -> None:
    """Bring tables, roles and catalogs to this release; safe to run again and by several at once."""
    with db.engine.connect() as guard:
        if guard.dialect.name == "postgresql":
            guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": PREPARE_LOCK})
        upgrade(directory=str(ROOT / "migrations"))
        matrix = read_matrix(SEED / "roles.csv")
        check_matrix(matrix)
        result = sync_roles(matrix)
        made = sum(seed(model, SEED / name, keys) for name, model, keys in SEEDS)
        db.session.commit()
    click.echo(f"Ready: {len(result.added)} rights added, {len(result.removed)} taken away, {made} catalog rows added.")


@portal.command()
@click.option("--administrator", metavar="LOGIN", help="Also make a first administrator with this login name.")
@click.option("--email", default=None, help="The administrator's e-mail address.")
def init(administrator: str | None, email: str | None) -> None:
    """Prepare the database: tables, roles, catalogs. Run it once for every release, before the server."""
    prepare()
    if administrator:
        password = secrets.token_urlsafe(12)
        make_login(administrator, administrator, "", email or f"{administrator}@localhost", password, ["administrator"])
        db.session.commit()
        click.echo(f"Administrator {administrator}, password {password} (shown once; change it after signing in).")


def make_login(login: str, last_name: str, first_name: str, email: str, password: str, roles: list[str]) -> User:
    """Return a new login with roles; the caller commits. Raises ClickException if the name is taken."""
    if db.session.scalar(select(User.id).where(User.username == login)) is not None:
        message = f"There is a login {login} already."
        raise click.ClickException(message)
    user = User(
        username=login,
        last_name=last_name,
        first_name=first_name,
        email=email,
        active=True,
        password=generate_password_hash(password),
    )
    user.roles = list(db.session.scalars(select(Role).where(Role.name.in_(roles))))
    db.session.add(user)
    db.session.flush()
    return user


@portal.command()
def jobs() -> None:
    """Run what happens when nobody clicks: mark tasks that are late. Meant for cron, every few minutes."""
    for name, count in run_jobs(clock.now()).items():
        click.echo(f"{name}: {count}")
