"""The roster board: one team's week as a grid of people and days, with its gaps and rule breaks (clause 2.2.1).

A cell knows what the database holds, what the form started from and what the person chose. Only cells that were
changed are written, and a cell that someone else changed meanwhile is told instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from flask_babel import format_date, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.catalogs import catalog_rows
from app.core.db import db
from app.core.errors import RuleError
from app.core.interface import parse_key
from app.handbook.models import Weekday
from app.roster import operations
from app.roster.models import (
    DAYS_OF_WEEK,
    CoverageRule,
    LeaveRequest,
    LeaveStatus,
    RosterWeek,
    Shift,
    ShiftType,
    WeekStatus,
)
from app.staff.models import StaffMember, Team

WEEK = timedelta(days=DAYS_OF_WEEK)
DAY = timedelta(days=1)
LEAST_REST = timedelta(hours=11)
REST_ARTICLE = _l("Labor Standards Act, article 34")


@dataclass(eq=False)
class Cell:
    """One person's day on the board; shift types go by their id, None is a day off."""

    person: StaffMember
    day: date
    team_id: int
    shift: Shift | None = None
    leave: LeaveRequest | None = None
    started: int | None = None
    chosen: int | None = None
    problem: str | None = None
    is_short_rest: bool = False

    @property
    def name(self) -> str:
        """What the cell is called in the form."""
        return f"shift-{self.person.id}-{self.day.isoformat()}"

    @property
    def held(self) -> int | None:
        """The shift type in the database."""
        return self.shift.shift_type_id if self.shift is not None else None

    @property
    def is_foreign(self) -> bool:
        """Whether the person works for another team on this day: that team's board holds the cell."""
        return self.shift is not None and self.shift.team_id != self.team_id

    @property
    def is_changed(self) -> bool:
        """Whether the form differs from what it started from."""
        return self.chosen != self.started


@dataclass(frozen=True)
class Cover:
    """How far one day's shifts meet the team's coverage rules."""

    day: date
    parts: tuple[tuple[ShiftType, int, int], ...]
    """Shift type, people on it, least number."""

    @property
    def missing(self) -> int:
        """How many people are missing over the day's shifts."""
        return sum(max(0, least - count) for _type, count, least in self.parts)


@dataclass
class Row:
    """One person's week, with the day before and the day after it."""

    person: StaffMember
    cells: list[Cell]
    before: ShiftType | None = None
    after: ShiftType | None = None


@dataclass
class Board:
    """One team's week."""

    team: Team
    monday: date
    week: RosterWeek | None
    types: dict[int, ShiftType]
    rows: list[Row]
    rules: list[CoverageRule]
    problems: list[str] = field(default_factory=list)

    @property
    def days(self) -> list[date]:
        """The seven days, Monday first."""
        return [self.monday + DAY * number for number in range(DAYS_OF_WEEK)]

    @property
    def status(self) -> WeekStatus:
        """Draft until it is published."""
        return self.week.status if self.week is not None else WeekStatus.DRAFT

    def cells(self) -> Iterator[Cell]:
        """Yield every cell."""
        for row in self.rows:
            yield from row.cells

    def day_words(self, day: date) -> str:
        """Return a day as the board's head shows it: 一 23, Mon 23."""
        locale = get_locale()
        narrow = locale is not None and locale.language == "zh"
        return str(format_date(day, "EEEEE d" if narrow else "EEE d"))

    def offered(self, cell: Cell) -> list[ShiftType]:
        """Return the shift types a cell may be given: those not retired by its day, and the one it has."""
        return [
            one for one in self.types.values() if not one.is_retired(cell.day) or one.id in {cell.held, cell.chosen}
        ]

    def work(self, row: Row) -> Decimal:
        """Return a person's hours of the week."""
        work = sum((self.types[cell.chosen].work for cell in row.cells if cell.chosen is not None), timedelta())
        return Decimal(work // timedelta(minutes=1)) / 60

    def cover(self) -> list[Cover]:
        """Return how far each day meets the coverage rules, as the form stands."""
        counts: dict[tuple[date, int], int] = defaultdict(int)
        for cell in self.cells():
            if cell.chosen is not None and not cell.is_foreign:
                counts[cell.day, cell.chosen] += 1
        found = []
        for number, day in enumerate(self.days):
            weekday = list(Weekday)[number]
            parts = tuple(
                (self.types[rule.shift_type_id], counts[day, rule.shift_type_id], rule.least)
                for rule in self.rules
                if rule.weekday is weekday and rule.shift_type_id in self.types
            )
            found.append(Cover(day, parts))
        return found

    def short_rests(self) -> list[str]:
        """Return a sentence for each rest between two shifts below eleven hours, and mark the later cell.

        By the Labor Standards Act, article 34, whoever changes shift rests at least eleven hours on end.
        """
        told = []
        zone = clock.office_zone()
        for row in self.rows:
            line: list[tuple[date, ShiftType | None, Cell | None]] = [(self.monday - DAY, row.before, None)]
            line += [(cell.day, self.types.get(cell.chosen or 0), cell) for cell in row.cells]
            line += [(self.monday + WEEK, row.after, None)]
            for (day, one, cell), (next_day, other, next_cell) in pairwise(line):
                if one is None or other is None:
                    continue
                rest = other.span(next_day, zone)[0] - one.span(day, zone)[1]
                if rest >= LEAST_REST:
                    continue
                if (marked := next_cell or cell) is not None:
                    marked.is_short_rest = True
                told.append(_rest_words(row.person, (day, one), (next_day, other), rest))
        return told

    def doubts(self) -> list[str]:
        """Return what speaks against publishing the week as it stands: every gap, every rest that is too short."""
        gaps = [
            _(
                "%(day)s, %(shift)s: %(count)s of at least %(least)s people.",
                day=f"{one.day:%m-%d}",
                shift=kind.name,
                count=count,
                least=least,
            )
            for one in self.cover()
            for kind, count, least in one.parts
            if count < least
        ]
        return [*gaps, *self.short_rests()]

    def read(self, form: Mapping[str, str]) -> None:
        """Take over what a form holds; what cannot be is told at its cell or above the grid, and nothing is lost."""
        known = set()
        for cell in self.cells():
            known |= {cell.name, f"was-{cell.name}"}
            if cell.name not in form or cell.is_foreign:
                continue
            cell.started = parse_key(form.get(f"was-{cell.name}", cell.held))
            text = form[cell.name].strip()
            wanted = parse_key(text)
            if text and wanted not in {one.id for one in self.offered(cell)}:
                cell.problem = _("%(cell)s: this is not one of the shifts.", cell=self.words(cell))
                continue
            # A cell nobody touched follows the database, so that it never undoes what someone else did.
            cell.chosen = cell.held if wanted == cell.started else wanted
            cell.started = cell.held if wanted == cell.started else cell.started
        if any(name.startswith("shift-") and name not in known for name in form):
            self.problems.append(_("Some cells are of people who are not on this team's board; they were left out."))

    def check(self) -> None:
        """Tell every changed cell that cannot be saved: changed by someone else meanwhile, on leave, of another team.

        The cell keeps what was chosen and starts anew from what the database holds: who saves again means it.
        """
        for cell in self.cells():
            if cell.problem is not None or not cell.is_changed:
                continue
            if cell.held not in {cell.started, cell.chosen}:
                cell.problem = _(
                    "%(cell)s: someone else has made it “%(shift)s” meanwhile. Save again to keep what you chose.",
                    cell=self.words(cell),
                    shift=self.type_words(cell.held),
                )
                cell.started = cell.held
            elif cell.leave is not None and cell.chosen is not None:
                cell.problem = _("%(cell)s: on leave (%(kind)s).", cell=self.words(cell), kind=cell.leave.kind.name)

    def copy(self, earlier: list[Shift]) -> int:
        """Put last week's shifts into the cells that are empty, unsaved; return how many cells were filled."""
        types = {(shift.person_id, shift.day + WEEK): shift.shift_type_id for shift in earlier}
        filled = 0
        for cell in self.cells():
            wanted = types.get((cell.person.id, cell.day))
            free = cell.chosen is None and cell.leave is None and not cell.is_foreign
            if free and wanted is not None and wanted in {one.id for one in self.offered(cell)}:
                cell.chosen = wanted
                filled += 1
        return filled

    def words(self, cell: Cell) -> str:
        """Return whose day a cell is."""
        return f"{cell.person.name} {cell.day:%m-%d}"

    def type_words(self, type_id: int | None) -> str:
        """Return a shift type's name, or that it is a day off."""
        return str(self.types[type_id]) if type_id in self.types else str(_("Off"))


def _rest_words(
    person: StaffMember, one: tuple[date, ShiftType], other: tuple[date, ShiftType], rest: timedelta
) -> str:
    return str(
        _(
            "%(person)s: %(hours)s hours of rest between %(one)s on %(day)s and %(other)s on %(next_day)s, "
            "less than %(least)s (%(article)s).",
            person=person.name,
            hours=f"{max(rest, timedelta()) / timedelta(hours=1):g}",
            one=one[1].name,
            day=f"{one[0]:%m-%d}",
            other=other[1].name,
            next_day=f"{other[0]:%m-%d}",
            least=f"{LEAST_REST / timedelta(hours=1):g}",
            article=str(REST_ARTICLE),
        )
    )


def read_board(team: Team, monday: date, week: RosterWeek | None) -> Board:
    """Return a team's week as the database holds it, with five statements however large the team is."""
    sunday = monday + WEEK - DAY
    types: dict[int, ShiftType] = {row.id: row for row in catalog_rows(ShiftType)}
    here = select(Shift.person_id).where(Shift.team_id == team.id, Shift.monday == monday)
    employed = or_(StaffMember.left_on.is_(None), StaffMember.left_on >= monday)
    people = list(
        db.session.scalars(
            select(StaffMember)
            .where(
                or_(
                    (StaffMember.team_id == team.id) & (StaffMember.hired_on <= sunday) & employed,
                    StaffMember.id.in_(here),
                )
            )
            .order_by(StaffMember.number)
        )
    )
    ids = [person.id for person in people]
    shifts = db.session.scalars(
        select(Shift).where(Shift.person_id.in_(ids), Shift.day.between(monday - DAY, monday + WEEK))
    )
    by_cell = {(shift.person_id, shift.day): shift for shift in shifts}
    leaves: dict[tuple[int, date], LeaveRequest] = {}
    for leave in db.session.scalars(
        select(LeaveRequest)
        .where(
            LeaveRequest.person_id.in_(ids),
            LeaveRequest.status == LeaveStatus.APPROVED,
            LeaveRequest.hours.is_(None),
            LeaveRequest.first_on <= sunday,
            LeaveRequest.last_on >= monday,
        )
        .options(joinedload(LeaveRequest.kind))
    ):
        leaves |= {
            (leave.person_id, day): leave for day in _days(max(leave.first_on, monday), min(leave.last_on, sunday))
        }
    rules = db.session.scalars(
        select(CoverageRule).where(CoverageRule.team_id == team.id).order_by(CoverageRule.shift_type_id)
    )
    rows = [_row(person, monday, team, by_cell, leaves, types) for person in people]
    return Board(team, monday, week, types, rows, list(rules))


def _days(first: date, last: date) -> list[date]:
    return [first + DAY * number for number in range((last - first).days + 1)]


def _row(
    person: StaffMember,
    monday: date,
    team: Team,
    shifts: dict[tuple[int, date], Shift],
    leaves: dict[tuple[int, date], LeaveRequest],
    types: dict[int, ShiftType],
) -> Row:
    def type_on(day: date) -> ShiftType | None:
        shift = shifts.get((person.id, day))
        return types.get(shift.shift_type_id) if shift is not None else None

    cells = []
    for day in _days(monday, monday + WEEK - DAY):
        cell = Cell(person, day, team.id, shifts.get((person.id, day)), leaves.get((person.id, day)))
        cell.started = cell.chosen = cell.held
        cells.append(cell)
    return Row(person, cells, type_on(monday - DAY), type_on(monday + WEEK))


def publish(week: RosterWeek, now: datetime) -> None:
    """Publish a week; raises RuleError for one with gaps or short rests, unless whoever does it has seen them."""
    operations.publish(week, now)
    if not week.is_waived and read_board(week.team, week.monday, week).doubts():
        raise RuleError(
            _("This week has gaps or rests that are too short. The board lists them, and can publish it all the same.")
        )


def shifts_of_week_before(board: Board) -> list[Shift]:
    """Return the team's shifts of the week before the board's."""
    earlier = select(Shift).where(Shift.team_id == board.team.id, Shift.monday == board.monday - WEEK)
    return list(db.session.scalars(earlier))


def save(board: Board) -> int:
    """Write the changed cells; return how many. The caller has checked the board, and commits."""
    operations.begin_week(board.team.id, board.monday)
    written = 0
    for cell in board.cells():
        if cell.chosen == cell.held or not cell.is_changed:
            continue
        written += 1
        if cell.shift is None:
            made = Shift(person=cell.person, day=cell.day, team=board.team, shift_type=board.types[cell.chosen or 0])
            db.session.add(made)
        elif cell.chosen is None:
            db.session.delete(cell.shift)
        else:
            cell.shift.shift_type = board.types[cell.chosen]
    db.session.flush()
    return written
