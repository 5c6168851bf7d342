"""The floor: bare Flask routes with the plain SQL of each page and a Jinja table; no rights, no audit but one entry.

What a page asks for (whose team, which filter) stands in its address. Served as ``tests.bench.floor:app`` over the
database of ``BENCH_DATABASE_URL``.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import xlsxwriter
from flask import Flask, Response, redirect, render_template, request, send_file, session
from werkzeug.security import check_password_hash

from . import floor_sql as sql

BLOCK = 64 * 1024


def rows_of(database: sql.Database, asked: Any) -> list[tuple[Any, ...]]:
    """Return a page of the list: its rows, and beside each when the next thing is due."""
    rows = database.ask(*sql.listing(asked)).fetchall()
    due = dict(database.ask(*sql.due([row[0] for row in rows])).fetchall())
    return [(*row, due.get(row[0])) for row in rows]


def create(database: sql.Database) -> Flask:
    """Return the floor over a database."""
    app = Flask(__name__, template_folder="floor_pages")
    app.secret_key = secrets.token_bytes()

    @app.get("/")
    def home() -> str:
        return render_template("home.html", tasks=database.ask(sql.INBOX, {"me": request.args["me"]}).fetchall())

    @app.get("/list")
    def listed() -> str:
        return render_template("list.html", rows=rows_of(database, request.args), page=request.args.get("page", "1"))

    @app.get("/api")
    def api() -> dict[str, Any]:
        names = (*sql.COLUMNS, "due_at")
        return {"result": [dict(zip(names, row, strict=True)) for row in rows_of(database, request.args)]}

    @app.get("/chart")
    def chart() -> str:
        return render_template("chart.html", bars=database.ask(*sql.by_status(request.args)).fetchall())

    @app.get("/search")
    def search() -> str:
        return render_template("search.html", hits=database.ask(*sql.search(request.args)).fetchall())

    @app.get("/lookup")
    def lookup() -> dict[str, Any]:
        found = database.ask(*sql.lookup(request.args["q"]))
        return {"rows": [{"value": str(key), "text": f"{number} {name}"} for key, number, name in found]}

    @app.get("/record/<int:key>")
    def record(key: int) -> str:
        notes = database.ask(sql.NOTES, {"id": key}).fetchall()
        return render_template("record.html", record=_record(database, key), notes=notes)

    _add_forms(app, database)
    _add_exports(app, database)
    return app


def _record(database: sql.Database, key: int) -> dict[str, Any]:
    cursor = database.ask(sql.RECORD, {"id": key})
    return dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))


def _add_forms(app: Flask, database: sql.Database) -> None:
    def options() -> dict[str, Any]:
        return {
            "channels": database.ask(sql.CHANNELS).fetchall(),
            "product_lines": database.ask(sql.PRODUCT_LINES).fetchall(),
        }

    def sent() -> dict[str, Any]:
        values = {name: request.form.get(name) or None for name in ("customer", "channel", "product_line", "story")}
        return values | {
            "subject": request.form["subject"],
            "next_action": request.form.get("next_action") or None,
            "now": datetime.now(UTC).isoformat(sep=" ") if database.is_postgresql else str(datetime.now(UTC))[:26],
        }

    def noted(values: dict[str, Any], change: str) -> None:
        told = {"change": change, "before": "{}", "after": app.json.dumps({"subject": values["subject"]})}
        database.ask(sql.NOTE_CHANGE, {name: values[name] for name in ("now", "id", "version")} | told)

    @app.get("/add")
    def add_form() -> str:
        return render_template("form.html", record={}, **options())

    @app.post("/add")
    def add() -> Any:
        number = f"CS-{datetime.now(UTC):%Y}-{secrets.randbelow(10**9) + 10**8}"
        values = sent() | {"number": number, "me": request.args["me"], "team": request.args["team"], "version": 1}
        with database.transaction():
            values["id"] = database.ask(sql.ADD, values).fetchone()[0]
            database.ask(sql.ADD_CONSULTATION, {"id": values["id"]})
            noted(values, "ADDED")
        return redirect(f"/record/{values['id']}")

    @app.get("/edit/<int:key>")
    def edit_form(key: int) -> str:
        return render_template("form.html", record=_record(database, key), **options())

    @app.post("/edit/<int:key>")
    def edit(key: int) -> Any:
        values = sent() | {"id": key, "version": int(request.form["version"])}
        with database.transaction():
            if database.ask(sql.CHANGE, values).rowcount != 1:
                return "somebody else saved it", 409
            noted(values, "CHANGED")
        return redirect(f"/record/{key}")

    @app.get("/login")
    def login_form() -> str:
        return render_template("login.html")

    @app.post("/login")
    def login() -> Any:
        user = database.ask(sql.LOGIN, {"username": request.form["username"]}).fetchone()
        if user is None or not check_password_hash(user[1], request.form["password"]):
            return "no", 401
        session["user"] = user[0]
        return redirect("/")


def _add_exports(app: Flask, database: sql.Database) -> None:
    header = [*sql.COLUMNS[1:], "due_at"]

    @app.get("/csv")
    def as_csv() -> Response:
        statement, values = sql.everything(request.args)

        def blocks() -> Iterator[str]:
            block = io.StringIO(newline="")
            writer = csv.writer(block)
            writer.writerow(header)
            with database.stream(statement, values) as rows:
                for row in rows:
                    writer.writerow(row[1:])
                    if block.tell() >= BLOCK:
                        yield block.getvalue()
                        block.seek(0)
                        block.truncate()
            yield block.getvalue()

        return Response(blocks(), mimetype="text/csv")

    @app.get("/xlsx")
    def as_xlsx() -> Response:
        statement, values = sql.everything(request.args)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the answer
        with xlsxwriter.Workbook(file, {"constant_memory": True, "remove_timezone": True}) as book:
            sheet = book.add_worksheet()
            moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
            sheet.write_row(0, 0, header)
            with database.stream(statement, values) as rows:
                for line, row in enumerate(rows, start=1):
                    for column, value in enumerate(row[1:]):
                        if isinstance(value, datetime):
                            sheet.write_datetime(line, column, value, moment)
                        elif value is not None:
                            sheet.write_string(line, column, value)
        file.seek(0)
        return send_file(file, download_name="tickets.xlsx")


if "BENCH_DATABASE_URL" in os.environ:
    app = create(sql.Database(os.environ["BENCH_DATABASE_URL"]))
