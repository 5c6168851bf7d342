"""Laws: what holds for every screen, table and word, also for one that is born tomorrow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import CAST, Person, SignIn, member
from flask import Flask
from flask_babel import force_locale
from page import HAN, judge, links
from samples import sample
from sqlalchemy import Engine, create_engine, event
from sqlalchemy import inspect as sa_inspect

from app import create_app
from app.core import exporting, migrating
from app.core.db import Model, db
from app.core.entity import Recorded
from app.core.interface import is_choice
from app.core.listing import Listing
from app.core.roles import check_matrix, guarded_views, read_matrix
from app.core.standin import standing_in
from app.core.views import PortalView
from app.lobby.commands import SEED
from config import Settings

LOCALES = ("zh_Hant_TW", "zh_Hans_CN", "en")
QUICK, SLOW = "zh_Hans_CN", pytest.mark.slow
STATEMENTS_PER_LIST = 10
# A form asks once for each short catalog it offers; a page of a record reads what hangs on it.
STATEMENTS_PER_PAGE = 14
MOST_OPTIONS = 120


def screens(app: Flask) -> list[PortalView]:
    """Return every entity's screen, or that of one entity where the run is about it alone (``PORTAL_TEST_SCREEN``)."""
    found = [view for view in app.appbuilder.baseviews if isinstance(view, PortalView)]  # type: ignore[attr-defined]
    only = os.environ.get("PORTAL_TEST_SCREEN")
    return [view for view in found if only in {None, type(view).__name__}]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements run inside the block."""
    found: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.slow
def test_start_up_runs_no_statement(settings: Settings) -> None:
    with statements() as found:
        create_app(settings)
    assert found == []


@pytest.mark.slow
def test_two_portals_in_one_process_both_have_their_screens(settings: Settings, portal: Flask) -> None:
    other = create_app(settings)
    assert {rule.rule for rule in other.url_map.iter_rules()} == {rule.rule for rule in portal.url_map.iter_rules()}
    mine, theirs = screens(portal), screens(other)
    assert [type(view) for view in mine] == [type(view) for view in theirs]
    for one, two in zip(mine, theirs, strict=True):
        for name, unbound in one.add_form.__dict__.items():
            checks = getattr(unbound, "kwargs", {}).get("validators")
            if checks is not None:
                shared = checks is two.add_form.__dict__[name].kwargs["validators"]
                assert not shared, f"{type(one).__name__}.{name} shares its validators between portals"


def test_every_screen_has_its_row_in_the_matrix(app: Flask) -> None:
    check_matrix(read_matrix(SEED / "roles.csv"))


def test_every_column_shown_or_asked_for_has_a_label(app: Flask) -> None:
    for view in screens(app):
        steps = view.workflow.steps.values() if view.workflow else ()
        asked = [column for step in steps for column in step.asks]
        for column in [
            *view.list_columns,
            *view.show_columns,
            *view.add_columns,
            *view.edit_columns,
            *view.search_columns,
            *view.order_columns,
            *asked,
        ]:
            assert view.label_columns.get(column), f"{type(view).__name__}.{column} has no label"


def test_a_status_is_in_no_form(app: Flask) -> None:
    for view in screens(app):
        if view.workflow:
            assert view.workflow.column not in [*view.add_columns, *view.edit_columns], type(view).__name__


@pytest.mark.parametrize("locale", LOCALES)
def test_a_step_is_not_called_like_a_state(app: Flask, locale: str) -> None:
    """A button says what it does; the word of a state there reads as if it were so already."""
    with force_locale(locale):
        for view in screens(app):
            if view.workflow:
                both = {str(step.label) for step in view.workflow.steps.values()} & {
                    str(state.label) for state in view.workflow.states
                }
                assert not both, f"{type(view).__name__}: {both}"


def test_searched_columns_and_scopes_exist(app: Flask) -> None:
    for view in screens(app):
        for path in [*view.searched, *(path for paths in view.scopes.values() for path in paths)]:
            model = view.model
            for name in path.split("."):
                attribute = getattr(model, name)
                model = attribute.property.mapper.class_ if hasattr(attribute.property, "mapper") else model


def test_every_foreign_key_is_indexed_and_says_what_a_delete_does(app: Flask) -> None:
    for table in Model.metadata.sorted_tables:
        if table.name.startswith("ab_"):
            continue
        firsts = {next(iter(index.columns)).name for index in table.indexes if len(index.columns)}
        firsts |= {column.name for column in table.columns if column.unique or column.primary_key}
        for constraint in table.constraints:
            columns = list(getattr(constraint, "columns", []))
            if type(constraint).__name__ in {"UniqueConstraint", "PrimaryKeyConstraint"} and columns:
                firsts.add(columns[0].name)
        for key in table.foreign_key_constraints:
            assert key.ondelete, f"{table.name}.{key.column_keys}: nothing said for a delete"
            if key.column_keys[0] not in {"created_by_id", "changed_by_id", "added_by_id"}:
                assert key.column_keys[0] in firsts, f"{table.name}.{key.column_keys[0]} has no index"


def test_every_entity_is_recorded_and_says_what_a_row_is(app: Flask) -> None:
    for view in screens(app):
        if view.model.__tablename__.startswith("ab_"):
            continue
        assert view.model.__doc__, view.model
        assert issubclass(view.model, Recorded), view.model
        assert HAN.search(view.model.__doc__), f"{view.model.__name__} does not give the Chinese term"


def test_closed_lists_are_text_with_a_check(app: Flask) -> None:
    for table in Model.metadata.sorted_tables:
        for column in table.columns:
            if is_choice(column.type):
                assert not column.type.native_enum, f"{table.name}.{column.name}"  # type: ignore[attr-defined]
                assert column.type.create_constraint, f"{table.name}.{column.name}"  # type: ignore[attr-defined]


@pytest.mark.slow
def test_migrations_and_models_say_the_same(tmp_path: Any, databases: Any) -> None:
    """An empty database brought up by migrations has no difference to the models, on either engine."""
    url = databases.fresh("drift")
    drifted = create_app(Settings.from_env({"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DATABASE_URL": url}))
    with drifted.app_context():
        migrating.upgrade()
        engine = create_engine(url)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, Model.metadata) == []
        engine.dispose()
        db.engine.dispose()


def one_of_each(app: Flask, login: str) -> dict[type[Any], Any]:
    """Make one row of every entity that belongs to one of the cast."""
    made = {}
    for view in screens(app):
        if view.model.__tablename__.startswith("ab_"):
            continue
        made[view.model] = row_of(view, login)
    db.session.commit()
    return made


def row_of(view: PortalView, login: str) -> Any:
    """Return a row of one of the cast; of a list that belongs to nobody, the first that the release brought along."""
    seeded = None if view.scopes else db.session.query(view.model).order_by(view.model.id).first()
    return seeded or sample(view.model, member(login))


def urls(view: PortalView, row: Any) -> Iterator[tuple[str, str]]:
    """Yield each page of a screen with the verb it asks for."""
    yield "list", f"{view.route_base}/list/"
    yield "list", f"{view.route_base}/chart/"
    if "can_add" in view.base_permissions:
        yield "add", f"{view.route_base}/add"
    if row is not None:
        yield "show", f"{view.route_base}/show/{row.id}"
        if "can_edit" in view.base_permissions:
            yield "edit", f"{view.route_base}/edit/{row.id}"


ROLES = {one.role: one.login for one in reversed(CAST)}


# One language is quick enough for every day, and no other test tells as much.
@pytest.mark.parametrize("locale", [pytest.param(one, marks=() if one == QUICK else SLOW) for one in LOCALES])
def test_every_screen_opens_for_every_role_or_refuses(app: Flask, sign_in: SignIn, locale: str) -> None:
    """Every role tries every page in the first language; in the others each page is read once."""
    rows = one_of_each(app, "mei")
    opened = 0
    read: set[str] = set()
    for login in ROLES.values():
        person = sign_in(login, locale)
        granted = grants_of(person, app)
        for view in screens(app):
            for verb, url in urls(view, rows.get(view.model)):
                allowed = (f"can_{verb}", view.class_permission_name) in granted
                if locale != LOCALES[0] and (not allowed or url in read):
                    continue
                with statements() as found:
                    answer = person.get(url)
                wanted = {200, 404} if allowed else {403}
                assert answer.status_code in wanted, f"{login} {url}: {answer.status_code}"
                budget = STATEMENTS_PER_LIST if verb == "list" else STATEMENTS_PER_PAGE
                assert len(found) <= budget, f"{login} {url}: {len(found)} statements\n" + "\n".join(found)
                if answer.status_code == 200:
                    opened += 1
                    read.add(url)
                    judge(answer.text, url)
    assert opened > len(screens(app)) * 2


# What answers with a file or another language, not with a page of its own.
NO_PAGE = re.compile(r"/export/|/file/|/api/|/template/|\.(csv|xlsx)$")
FEWEST_PAGES = 5


def kind_of(link: str) -> str:
    """Return an address without its arguments and with all numbers alike, as every page of its kind has it."""
    return re.sub(r"\d+", "1", link.partition("?")[0])


@pytest.mark.slow
def test_every_link_that_a_role_is_shown_leads_to_a_page(app: Flask, sign_in: SignIn) -> None:
    """From the first page on, one page of each kind, also those that are no entity's; nobody meets a refusal."""
    one_of_each(app, "mei")
    for login in ROLES.values():
        person = sign_in(login)
        seen: set[str] = set()
        waiting = ["/"]
        while waiting:
            url = waiting.pop(0)
            answer = person.get(url, follow_redirects=True)
            assert answer.status_code == 200, f"{login} {url}: {answer.status_code}"
            judge(answer.text, f"{login} {url}")
            for link in links(answer.text, answer.request.path):
                kind = kind_of(link)
                if kind not in seen and not NO_PAGE.search(kind):
                    seen.add(kind)
                    waiting.append(link)
        assert len(seen) >= FEWEST_PAGES, login


def grants_of(person: Person, app: Flask) -> set[tuple[str, str]]:
    """Return the permissions of one of the cast, read apart from the code under test."""
    query = """
        SELECT p.name, v.name FROM ab_user u
        JOIN ab_user_role ur ON ur.user_id = u.id JOIN ab_permission_view_role pr ON pr.role_id = ur.role_id
        JOIN ab_permission_view pv ON pv.id = pr.permission_view_id
        JOIN ab_permission p ON p.id = pv.permission_id JOIN ab_view_menu v ON v.id = pv.view_menu_id
        WHERE u.username = :login
    """
    return {(p, v) for p, v in db.session.execute(db.text(query), {"login": person.name})}


@pytest.mark.slow
def test_no_form_loads_a_whole_table(app: Flask, sign_in: SignIn) -> None:
    """With hundreds of staff no page offers them in a select; type-ahead finds them."""
    department = member("mei").department
    for number in range(300):
        row = sample(type(member("mei")))
        row.name, row.department = f"同仁{number:03d}", department
    db.session.commit()
    read: set[str] = set()
    for login in ("fan", "su", "an", "mei"):
        person = sign_in(login)
        for view in screens(app):
            for verb, url in urls(view, None):
                if url in read or (answer := person.get(url)).status_code != 200:
                    continue
                read.add(url)
                soup = person.read(answer.text, url)
                for select_ in soup.select("select"):
                    assert len(select_.select("option")) <= MOST_OPTIONS, f"{url}: {select_.get('name')}"
                if verb == "add":
                    assert "同仁007" not in answer.text, url
    found = sign_in("fan").get("/staff-member/lookup?q=同仁007").json
    assert [row["text"] for row in found["rows"]] == ["同仁007"]


@pytest.mark.slow
def test_nothing_is_chosen_by_accident_on_a_new_record(app: Flask, sign_in: SignIn) -> None:
    """A required choice starts empty, and no option reads like a program's value."""
    read: set[str] = set()
    for login in ("fan", "su", "an", "liang", "mei"):
        person = sign_in(login)
        for view in screens(app):
            url = f"{view.route_base}/add"
            if url in read or (answer := person.get(url)).status_code != 200:
                continue
            read.add(url)
            assert "__None" not in answer.text
            soup = person.read(answer.text, view.route_base)
            for select_ in soup.select("main select"):
                column = sa_inspect(view.model).attrs.get(str(select_["name"]))
                chosen = [option for option in select_.select("option[selected]") if option.get("value")]
                default = column is not None and hasattr(column, "columns") and column.columns[0].default is not None
                assert not chosen or default, f"{view.route_base}/add: {select_['name']}"


def test_every_label_of_a_matrix_word_is_known(app: Flask) -> None:
    for name, view in guarded_views().items():
        assert getattr(view, "title", None) is not None, f"{name} has no name a person could read"


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES)
def test_an_export_reads_no_record_and_yet_shows_what_records_show(app: Flask, locale: str) -> None:
    for view in screens(app):
        for related in (True, False):
            sample(view.model, related=related and issubclass(view.model, Recorded))
    db.session.flush()
    with app.test_request_context(), standing_in(None), force_locale(locale):
        for view in screens(app):
            listing = Listing(view, {})
            listing.columns = [*dict.fromkeys([*view.column_choices(), *view.show_columns])]
            records = db.session.scalars(listing.statement()).all()
            shown = [tuple(exporting.cell(view.value(item, name)) for name in listing.columns) for item in records]
            db.session.expunge_all()
            rows = list(exporting.rows(view, listing))
            assert rows == shown, type(view).__name__
            assert [[*map(type, row)] for row in rows] == [[*map(type, row)] for row in shown], type(view).__name__


@pytest.mark.slow
def test_an_export_asks_no_more_for_many_rows_than_for_few(app: Flask) -> None:
    for view in screens(app):
        told = []
        for _more in range(3):
            for related in (True, False, True):
                sample(view.model, related=related and issubclass(view.model, Recorded))
            with app.test_request_context(), standing_in(None), statements() as found:
                listing = Listing(view, {})
                listing.columns = view.column_choices()
                db.session.expunge_all()
                list(exporting.rows(view, listing))
            told.append(len(found))
        # The first also reads the catalogs.
        assert told[2] <= told[1], f"{type(view).__name__}: {found}"
        db.session.rollback()
