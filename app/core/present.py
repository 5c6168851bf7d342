"""How values look to a person: words in their language, office time, masks over personal data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import Enum, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import RelationshipProperty
from sqlalchemy.orm.util import identity_key

from app.core import clock
from app.core.accounts import names_of
from app.core.audit import MASK, AuditEntry, Change
from app.core.db import db
from app.core.interface import is_choice
from app.core.types import Choice, UtcDateTime

NOTHING = "—"
SHORTENED_AT = 80
STEP_TAKES = timedelta(seconds=2)
SOON = timedelta(hours=4)
"""How long before it is due a task counts as pressing."""
DECIMALS = 3
SHORT_NUMBER = 8
SHORT_NAME = 2


def masked(value: str | None) -> str:
    """Return personal data as everyone may see it: 林○穎, 0912•••678, a•••@mail.tw."""
    if not value:
        return NOTHING
    name, at, domain = value.partition("@")
    if at:
        return f"{name[:1]}{MASK}@{domain}"
    if not value.isalpha() and any(letter.isdigit() for letter in value):
        return f"{value[:4]}{MASK}{value[-3:]}" if len(value) > SHORT_NUMBER else f"{MASK}{value[-2:]}"
    if len(value) <= SHORT_NAME:
        return f"{value[:1]}○"
    if " " in value:
        return " ".join(f"{part[:1]}○" for part in value.split(" "))
    return f"{value[0]}{'○' * (len(value) - 2)}{value[-1]}"


def words(value: object) -> str:
    """Return a value as plain words in the reader's language, for pages, exports and history alike."""
    match value:
        case None | "":
            return NOTHING
        case bool():
            return _("Yes") if value else _("No")
        # Days, times and numbers are written alike in the portal's three languages.
        case datetime():
            return f"{clock.local(value if value.tzinfo else value.replace(tzinfo=UTC)):%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
        case time():
            return f"{value:%H:%M}"
        case Decimal():
            return f"{round(value, DECIMALS):,f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
        case int():
            return f"{value:,}"
        case timedelta():
            return span(value)
        case list() | set() | frozenset():
            return _(", ").join(words(one) for one in value) or NOTHING
        case _:
            return str(value)


def about(what: object, text: object) -> str:
    """Return what is said about something: «Serial number: This field is required.»."""
    return _("%(what)s: %(text)s", what=str(what), text=str(text))


def span(length: timedelta) -> str:
    """Return a length of time as people say it: 2 days 3 hours, 38 minutes."""
    minutes = int(abs(length).total_seconds() // 60)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    if days:
        return _("%(days)s d %(hours)s h", days=days, hours=hours) if hours else _("%(days)s d", days=days)
    if hours:
        return _("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes) if minutes else _("%(h)s h", h=hours)
    return _("%(minutes)s min", minutes=minutes)


def due_words(due: datetime) -> tuple[str, str]:
    """Return how a due moment stands now, and its tone: «38 min left» soon, «2 h overdue» late."""
    left = due - clock.now()
    if left < timedelta(0):
        return _("%(span)s overdue", span=span(left)), "late"
    return _("%(span)s left", span=span(left)), "soon" if left < SOON else "calm"


@dataclass(frozen=True)
class Tally:
    """How many there are: exactly, or about."""

    number: int
    is_about: bool = False

    def __str__(self) -> str:
        if not self.is_about:
            return words(self.number)
        # Two digits: an estimate knows no more.
        unit = 10 ** max(len(str(self.number)) - 2, 0)
        return _("about %(count)s", count=words(self.number // unit * unit))


def capped(count: int, most: int) -> str:
    """Return a count beside a word, where more than ``most`` are not told apart: 7, 99+."""
    return f"{most}+" if count > most else str(count)


def value_of(item: object, path: str) -> Any:
    """Return the value at a dotted path, None where a link is missing; methods are called."""
    value: Any = item
    for name in path.split("."):
        value = getattr(value, name) if value is not None else None
    return value() if callable(value) and not isinstance(value, type) else value


def shown(item: Any, path: str) -> Any:
    """Return a column's value as everyone who may see the record sees it: personal data as a mask."""
    value = value_of(item, path)
    owner, _dot, last = path.rpartition(".")
    holder = value_of(item, owner) if owner else item
    if holder is not None and last in getattr(holder, "sensitive", ()):
        return masked(value)
    return value


def badge(choice: Choice) -> Markup:
    """Return a closed list's member as a coloured word."""
    return _badge(choice, get_locale())


@cache
def _badge(choice: Choice, _locale: Locale | None) -> Markup:
    return Markup('<span class="tone tone-{}">{}</span>').format(choice.tone, str(choice.label))


def due(moment: datetime) -> Markup:
    """Return a due moment as a coloured word for how it stands, with the exact time on hover."""
    told, tone = due_words(moment)
    return Markup(f'<span class="tone tone-{tone}" title="{words(moment)}">{escape(told)}</span>')  # noqa: S704 - escaped


def unbroken(value: object) -> Markup:
    """Return a number or a name so that it stays on one line."""
    # Markup.format would take several times as long, for some cells of each row.
    return Markup(f'<span class="text-nowrap">{escape(str(value))}</span>')  # noqa: S704 - escaped


def code(value: str) -> Markup:
    """Return a code or formula so that it reads as one."""
    return Markup("<code>{}</code>").format(value)


def html_of(kind: type[Any]) -> Callable[[Any], Markup]:
    """Return what ``html`` does with the values of one type, chosen once where there are many."""
    if issubclass(kind, Choice):
        return lambda value: badge(value) if value is not None else escape(NOTHING)
    if issubclass(kind, datetime):
        return lambda value: _moment(value) if value is not None else escape(NOTHING)
    if issubclass(kind, str):
        return lambda value: escape(value or NOTHING)
    return html


def _moment(value: datetime) -> Markup:
    stamp = clock.local(value).isoformat(timespec="minutes")
    return Markup(f'<time datetime="{stamp}">{stamp[:10]} {stamp[11:16]}</time>')  # noqa: S704 - digits


def html(value: Any) -> Markup:
    """Return a value as it stands in a table or on a show page."""
    if isinstance(value, Choice):
        return badge(value)
    if isinstance(value, Markup):
        return value
    if isinstance(value, datetime):
        return _moment(value)
    return escape(words(value))


@dataclass(frozen=True)
class Line:
    """One readable line of a record's history."""

    at: datetime
    who: str
    what: str
    changes: list[tuple[str, str, str]]

    @property
    def sentences(self) -> Iterator[str]:
        """What changed, a sentence each: «Seat: changed from B11 to B12»."""
        for label, before, after in self.changes:
            if before == NOTHING:
                yield about(label, after)
            elif after == NOTHING:
                yield _("%(label)s: removed (it was “%(before)s”)", label=label, before=before)
            else:
                yield _("%(label)s: from “%(before)s” to “%(after)s”", label=label, before=before, after=after)


def history(
    model: type[Any],
    entries: Iterable[AuditEntry],
    labels: Mapping[str, Any],
    steps: Mapping[str, Any],
    readers: Mapping[str, Callable[[Any], str]] | None = None,
) -> list[Line]:
    """Return history as sentences: who did what when, and each column's value before and after in words.

    ``readers`` turn into words what is kept under keys that are no columns.
    """
    entries = list(entries)
    reader = _Reader(model, entries, readers or {})
    who = names_of({entry.user_id for entry in entries if entry.user_id is not None})
    lines: list[Line] = []
    step: AuditEntry | None = None
    for entry in entries:
        what = str(entry.change.label)
        if entry.step is not None and entry.step in steps:
            what = str(steps[entry.step].label)
        changes = [
            (
                str(labels.get(reader.label_key(key), reader.label_key(key))),
                reader.words(key, entry.before.get(key)),
                reader.words(key, entry.after.get(key)),
            )
            for key in {**entry.before, **entry.after}
            # What a new record began with stands among its facts, or in the line that changed it.
            if reader.label_key(key) in labels and entry.change is not Change.ADDED
        ]
        name = who.get(entry.user_id, _("former user")) if entry.user_id is not None else _("System")
        if is_of_step(entry, step):
            # Newest first: what a step changed was written just before the step itself.
            lines[-1].changes[:0] = changes
            continue
        step = entry if entry.step is not None else None
        lines.append(Line(entry.at, name, what, changes))
    return lines


def is_of_step(entry: AuditEntry, step: AuditEntry | None) -> bool:
    """Tell whether a change was made by the step whose entry follows it."""
    if step is None or entry.change is not Change.CHANGED or entry.user_id != step.user_id:
        return False
    return step.at - entry.at < STEP_TAKES


class _Reader:
    """Turns what the trail keeps (names of members, keys of rows, ISO dates) back into words."""

    def __init__(
        self, model: type[Any], entries: list[AuditEntry], readers: Mapping[str, Callable[[Any], str]]
    ) -> None:
        mapper = sa_inspect(model)
        self._readers = readers
        self._columns = dict(mapper.columns.items())
        self._relations: dict[str, RelationshipProperty[Any]] = {}
        for relation in mapper.relationships:
            if not relation.uselist and len(relation.local_columns) == 1:
                (local,) = relation.local_columns
                self._relations[mapper.get_property_by_column(local).key] = relation
        self._rows: dict[tuple[str, int], str] = {}
        told = [entry for entry in entries if entry.change is not Change.ADDED]
        for key, relation in self._relations.items():
            wanted = {side[key] for entry in told for side in (entry.before, entry.after) if side.get(key)}
            self._read(key, relation.mapper.class_, wanted)

    def _read(self, key: str, target: type[Any], wanted: set[int]) -> None:
        """Read how rows are called; those that the page holds anyway are not asked for."""
        held = {one: db.session.identity_map.get(identity_key(target, one)) for one in wanted}
        missing = [one for one, row in held.items() if row is None]
        rows = db.session.scalars(select(target).where(target.id.in_(missing))).all() if missing else []
        for row in [*rows, *(row for row in held.values() if row is not None)]:
            self._rows[key, row.id] = str(row)

    def label_key(self, key: str) -> str:
        """Return the name under which a column is labelled: a foreign key goes by its relation."""
        return self._relations[key].key if key in self._relations else key

    def words(self, key: str, value: Any) -> str:
        """Return one kept value in words."""
        if value is None:
            return NOTHING
        if key in self._readers:
            return self._readers[key](value)
        if key in self._relations:
            return self._rows.get((key, value), _("deleted record"))
        kind = self._columns[key].type if key in self._columns else None
        if isinstance(kind, Enum) and is_choice(kind):
            member = kind.enum_class.__members__.get(value)  # type: ignore[union-attr]
            return words(member) if member is not None else str(value)
        if isinstance(kind, UtcDateTime):
            return words(datetime.fromisoformat(value))
        text = words(value)
        return text if len(text) <= SHORTENED_AT else f"{text[:SHORTENED_AT]}…"
