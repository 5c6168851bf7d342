"""The administrators' chapter, followed."""

from __future__ import annotations

from pathlib import Path

from flask_appbuilder.security.sqla.models import ApiKey, Role, User
from playwright.sync_api import expect
from sqlalchemy import select
from test_roster import DAY, MONDAY

from app.casework.models import Topic
from app.core import clock
from app.core.db import db
from app.handbook.models import CalendarException
from app.staff.models import Department, StaffMember
from journeys.conftest import Browse, rows
from journeys.manual import Reader

from .rows import any_of, newest

LOGIN = "an"


def follow(manual: Reader, browse: Browse, folder: Path) -> None:
    """What an administrator looks after: logins, rights, choices, imports, promises and calendar, keys."""
    make_a_login(manual)
    change_a_role(manual)
    add_a_choice(manual)
    import_people(manual, folder)
    set_the_calendar(manual)
    make_a_key(manual)


def make_a_login(manual: Reader) -> None:
    """Add a login with its roles, let a staff record know it, give it another password."""
    manual.task()
    page = manual.page
    role = db.session.scalars(select(Role.id).where(Role.name == "agent")).one()
    db.session.add(
        StaffMember(number="E0100", name="林佳穎", department=any_of(Department), hired_on=MONDAY - 2000 * DAY)
    )
    db.session.commit()
    manual.menu("Logins")
    manual.click("Add a login")
    manual.set("User name", "lin.jiaying")
    manual.set("Family name", "林")
    manual.set("Given name", "佳穎")
    manual.set("E-mail", "lin@example.com")
    manual.set("Roles", str(role))
    manual.click("Save")
    expect(page.locator(".password")).to_be_visible()
    with rows():
        made = newest(User)
        assert ([one.name for one in made.roles], made.username) == (["agent"], "lin.jiaying")
        key, first = made.id, made.password
    manual.menu("Staff")
    page.get_by_role("link", name="E0100", exact=True).click()
    manual.click("Edit")
    manual.set("Login", "lin.jiaying")
    manual.send()
    page.wait_for_url("**/staff-member/show/*")
    manual.open(f"/user/show/{key}")
    manual.see("What this person may do")
    manual.see("Switch off")
    manual.click("Reset the password")
    expect(page.locator(".password")).to_be_visible()
    with rows() as session:
        assert session.get_one(User, key).password != first
        assert session.scalars(select(StaffMember.user_id).where(StaffMember.number == "E0100")).one() == key


def change_a_role(manual: Reader) -> None:
    """Take a right away, give it back, make a role (clause 7.3.2)."""
    manual.task()
    page = manual.page
    manual.menu("Roles")
    page.locator(".role-tabs a", has_text=manual.say("Agent")).first.click()
    manual.see("Whose records")
    page.locator("[name='can_list:ClauseView']").uncheck(force=True)
    manual.click("Save the role")
    manual.see("Set back")
    manual.click("Back to the shipped matrix")
    expect(page.locator(".differs")).to_have_count(0)
    manual.click("New role")
    manual.set("Name (Traditional Chinese)", "夜班客服")
    manual.enter("name_zh_hans", "夜班客服")
    manual.enter("name_en", "Night agent")
    manual.set("Begin with the rights of")
    manual.send()
    page.wait_for_url("**/role/**")
    with rows():
        assert newest(Role).permissions


def add_a_choice(manual: Reader) -> None:
    """Add a topic in three languages."""
    manual.task()
    page = manual.page
    manual.click("Lists of choices", "nav.side")
    manual.see("Product lines")
    manual.menu("Topics")
    manual.click("Add")
    manual.enter("code", "NIGHT")
    manual.set("Name (Traditional Chinese)", "夜間服務")
    manual.set("Name (Simplified Chinese)", "夜间服务")
    manual.set("Name (English)", "Night service")
    manual.see("Retired on")
    manual.send()
    page.wait_for_url("**/topic/show/*")
    with rows():
        assert newest(Topic).name_zh_hans == "夜间服务"


def import_people(manual: Reader, folder: Path) -> None:
    """Import a file with a preview."""
    manual.task()
    page = manual.page
    names = [manual.say(name) for name in ("Staff number", "Department", "Hired on")]
    heads = [names[0], manual.say("Name", "person"), *names[1:]]
    file = folder / "people.csv"
    file.write_text(f"{','.join(heads)}\nE0200,何文,CS,2024-01-02\n", encoding="utf-8-sig")
    manual.menu("Staff")
    manual.click("Import")
    manual.see("Template")
    manual.see("File")
    page.set_input_files("#file", file)
    manual.click("Continue")
    manual.click("Check the rows")
    manual.see("import nothing")
    manual.see("import the good rows, hand back the others")
    with rows() as session:
        assert session.scalars(select(StaffMember).where(StaffMember.number == "E0200")).first() is None
    manual.click("Import", "main form")
    expect(page.locator(".tone-done")).not_to_have_count(0)
    expect(page.get_by_role("link", name=manual.say("To the list"))).to_be_visible()
    with rows() as session:
        assert session.scalars(select(StaffMember.name).where(StaffMember.number == "E0200")).one() == "何文"


def set_the_calendar(manual: Reader) -> None:
    """Look at promises and hours, and close the office for a day."""
    manual.task()
    manual.menu("Service promises")
    manual.see("Length")
    manual.see("Counted in")
    manual.menu("Service hours")
    manual.menu("Calendar exceptions")
    manual.click("Add")
    manual.set("Day", "2031-03-03")
    manual.set("Reason", "颱風停班")
    manual.send()
    manual.page.wait_for_url("**/calendar-exception/show/*")
    with rows():
        assert (newest(CalendarException).day, newest(CalendarException).opens_at) == (MONDAY, None)


def make_a_key(manual: Reader) -> None:
    """Make a key for a program, and revoke it."""
    manual.task()
    manual.open("/account/")
    manual.see("My account")
    manual.see("What programs may do with a key")
    manual.set("What the key is for", "夜間報表")
    manual.set("Last day", f"{clock.today() + 30 * DAY}")
    manual.click("Make a key")
    manual.see("Your new key")
    manual.click("Revoke")
    expect(manual.page.locator(".note-success")).to_be_visible()
    with rows():
        key = newest(ApiKey)
        assert (key.name, key.revoked_on is not None) == ("夜間報表", True)
