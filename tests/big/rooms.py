"""The smaller rooms: equipment and repairs, training, appraisals."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from .catalogs import Catalogs, endless, phrases, rows_of
from .people import Person, Staff
from .sheets import Batch, Row, Sheet
from .size import Size
from .tasks import Owed, Tasks
from .times import HOUR, YEARS, Series, Times

SEATS = ("3F-A", "3F-B", "3F-C", "4F-A")
PATIENCE = {"STOPS_WORK": 0.8, "HINDERS": 4, "NONE": 7}
WORK = {"STOPS_WORK": 3, "HINDERS": 9, "NONE": 16}
"""Working hours until a fault is accepted, and until it is fixed from there."""
IN_SESSION = 18
CYCLES = 24
EDITIONS = YEARS + 1

EQUIPMENT = Sheet(
    "equipment",
    "id created_at changed_at version tag name kind_id area_id seat keeper_id supplier_id model_name serial_number"
    " bought_on warranty_until cost",
    status="IN_SERVICE",
)
REPAIR = Sheet(
    "repair",
    "id created_at changed_at version created_by_id number equipment_id fault_kind_id fault impact reporter_id owner_id"
    " status reported_at part remedy cost returned_at",
)
PLAN = Sheet(
    "training_plan",
    "id created_at changed_at version year edition goals budget status author_id approver_id approved_at",
)
ITEM = Sheet("plan_item", "id created_at changed_at version plan_id quarter topic_area_id title method audience hours")
COURSE = Sheet("course", "id created_at changed_at version code title topic_area_id level hours summary")
SESSION = Sheet(
    "training_session",
    "id created_at changed_at version course_id plan_item_id starts_at ends_at place method trainer_id team_id capacity"
    " status notified_at notice_days",
)
ENROLMENT = Sheet("enrolment", "id created_at changed_at version session_id person_id status notified_at read_at")
CYCLE = Sheet("appraisal_cycle", "id created_at changed_at version first_on last_on", kind="MONTHLY", status="CLOSED")
APPRAISAL = Sheet(
    "appraisal",
    "id created_at changed_at version cycle_id person_id strengths weaknesses improvement self_assessed_at scorer_id"
    " comment total scored_at settled_at",
    status="SETTLED",
)
SCORE = Sheet("score_line", "id created_at changed_at version appraisal_id indicator_id weight score")


class Rooms:
    """What happens beside tickets and rosters."""

    def __init__(self, rng: Random, times: Times, series: Series, catalogs: Catalogs, staff: Staff, tasks: Tasks,
                 size: Size) -> None:  # fmt: skip
        self.rng, self.times, self.series, self.catalogs = rng, times, series, catalogs
        self.staff, self.tasks, self.size = staff, tasks, size
        self.phrases = phrases()

    def batches(self) -> Iterator[Batch]:
        """Yield all of it."""
        yield from self._workplace()
        yield from self._training()
        yield from self._appraisals()
        yield from self.tasks.batches()

    # -- workplace -----------------------------------------------------------------------------

    def _workplace(self) -> Iterator[Batch]:
        things = list(self._equipment())
        yield EQUIPMENT, [row for row, _kind, _keeper in things]
        faults: dict[str, list[dict[str, str]]] = {}
        for row in rows_of("faults"):
            faults.setdefault(row["kind"], []).append(row)
        draw = {kind: endless(self.rng, rows, [int(row["weight"]) for row in rows]) for kind, rows in faults.items()}
        moments = self.times.spread(self.rng, self.size.repairs)
        yield REPAIR, [self._repair(number, at, things, draw) for number, at in enumerate(moments, start=1)]

    def _equipment(self) -> Iterator[tuple[Row, str, Person | None]]:
        """Yield each piece with its kind and who keeps it: what every seat has, then what each area shares."""
        rng, times, ids = self.rng, self.times, self.catalogs.ids
        rows = rows_of("equipment")
        wanted = [(row, one) for one in self.staff.people if one.left is None for row in rows if row["per"] == "seat"]
        wanted += [(row, None) for row in rows if row["per"] == "area" for _area in SEATS]
        for number, (row, keeper) in enumerate(wanted, start=1):
            bought = times.until_day - rng.randrange(30, 2500)
            made = times.moment(times.at(bought, 10 * HOUR))
            place = (keeper.team or 0 if keeper else number) % len(SEATS)
            yield (
                (
                    number, made, made, 1, f"{row['prefix']}-{number:05d}", row["name"],
                    ids["equipment_kind"][row["kind"]], ids["area"][SEATS[place]],
                    f"{'ABCD'[place]}-{keeper.id:03d}" if keeper else None, keeper.id if keeper else None,
                    ids["supplier"][row["supplier"]], row["model_name"], f"{row['serial']}{rng.randrange(10**7):07d}",
                    times.day(bought), times.day(bought + 365 * int(row["warranty_years"])), row["cost"]
                ),
                row["kind"],
                keeper,
            )  # fmt: skip

    def _repair(
        self,
        number: int,
        at: int,
        things: list[tuple[Row, str, Person | None]],
        draw: dict[str, Iterator[dict[str, str]]],
    ) -> Row:
        rng, times, ids = self.rng, self.times, self.catalogs.ids
        # Some things break all the time.
        thing, kind, keeper = things[int(len(things) * rng.random() ** 1.4)]
        fault = next(draw[kind])
        reporter = keeper or rng.choice(self.staff.rostered)
        mechanic = rng.choice(self.staff.role("facility"))
        slow = 6 if rng.random() < 0.12 else 1
        accepted = times.worked(at, int(PATIENCE[fault["impact"]] * slow * HOUR * (0.75 + rng.random() / 2)))
        fixed = times.worked(accepted, int(WORK[fault["impact"]] * slow * HOUR * (0.75 + rng.random() / 2)))
        confirmed = times.worked(fixed, int(4 * HOUR * (0.75 + rng.random() / 2)))
        taken = [(state, when) for state, when in (("IN_REPAIR", accepted), ("FIXED", fixed), ("CLOSED", confirmed))
                 if when < times.until]  # fmt: skip
        status, changed = taken[-1] if taken else ("REPORTED", at)
        called = self.series.number("RP", at)
        condition = "impact=STOPS_WORK" if fault["impact"] == "STOPS_WORK" else ""
        subject = f"{called} {thing[4]} {thing[5]}"
        done = dict(taken)
        owed = [Owed("repair_response", condition, at, done.get("IN_REPAIR"))]
        if "IN_REPAIR" in done:
            owed.append(Owed("repair_return", condition, accepted, done.get("FIXED")))
        for one in owed:
            self.tasks.add(one, "repair", number, subject, mechanic.id if taken else None, "facility")
        is_fixed = "FIXED" in done
        cost = str(rng.randint(int(fault["least_cost"]), int(fault["most_cost"])))
        moment = times.moment(at)
        return (
            number, moment, times.moment(changed), 1 + len(taken), reporter.id, called, thing[0],
            ids["fault_kind"][fault["fault_kind"]], fault["fault"], fault["impact"], reporter.id,
            mechanic.id if taken else None, status, moment, fault["part"] or None,
            fault["remedy"] if is_fixed else None, cost if is_fixed else None,
            times.moment(fixed) if is_fixed else None,
        )  # fmt: skip

    # -- training ------------------------------------------------------------------------------

    def _training(self) -> Iterator[Batch]:
        """Yield a plan each year with the items of the demo's, its courses, and sessions until the places are given."""
        times, areas = self.times, self.catalogs.ids["topic_area"]
        rows = rows_of("training")
        author, approver = self.staff.role("supervisor")[:2]
        this_year = int(times.day(times.until_day)[:4])
        plans: list[Row] = []
        items: list[Row] = []
        begun = times.moment(times.start)
        for nth in range(EDITIONS):
            made = times.moment(times.start + nth * 86_400 * 364)
            plans.append((nth + 1, made, made, 3, this_year - EDITIONS + 1 + nth, 1, self.phrases["training_goals"][0],
                          480_000 + 10_000 * nth, "APPROVED", author.id, approver.id, made))  # fmt: skip
            items += [
                (nth * len(rows) + place, made, made, 1, nth + 1, row["quarter"], areas[row["area"]], row["title"],
                 row["method"], row["audience"], row["hours"])
                for place, row in enumerate(rows, start=1)
            ]  # fmt: skip
        yield PLAN, plans
        yield ITEM, items
        yield COURSE, [
            (nth, begun, begun, 1, row["code"], row["title"], areas[row["area"]], row["level"], row["hours"],
             row["summary"])
            for nth, row in enumerate(rows, start=1)
        ]  # fmt: skip
        yield from self._sessions(rows)

    def _sessions(self, rows: list[dict[str, str]]) -> Iterator[Batch]:
        rng, times = self.rng, self.times
        sessions: list[Row] = []
        places: list[Row] = []
        people = [one for one in self.staff.rostered if one.left is None]
        group = min(IN_SESSION, len(people))
        count = -(-self.size.enrolments // group)
        for number in range(1, count + 1):
            # The last ones are still to come.
            day = times.workday_before(times.until_day + 14 - (count - number) * (YEARS * 365) // count)
            year = min(
                max(int(times.day(day)[:4]) - int(times.day(times.until_day)[:4]) + EDITIONS - 1, 0), EDITIONS - 1
            )
            nth = rng.randrange(len(rows))
            starts = times.at(day, rng.choice((10, 14, 15)) * HOUR)
            notified = times.at(day - 9, 11 * HOUR)
            status = "HELD" if starts < times.until else "NOTIFIED" if notified < times.until else "PLANNED"
            made, told = (
                times.moment(times.at(day - 28, 15 * HOUR)),
                times.moment(notified) if status != "PLANNED" else None,
            )
            lead = self.staff.leads[rng.randrange(self.staff.teams) + 1]
            sessions.append(
                (
                    number, made, made, 2, nth + 1, year * len(rows) + nth + 1, times.moment(starts),
                    times.moment(starts + int(float(rows[nth]["hours"]) * HOUR)),
                    rng.choice(self.phrases["training_place"]), rows[nth]["method"], lead.id, lead.team, 20, status,
                    told, 9 if told else None
                )
            )  # fmt: skip
            for one in rng.sample(people, min(group, self.size.enrolments - len(places))):
                places.append(self._place(len(places) + 1, number, one, status, made, notified))
        yield SESSION, sessions
        yield ENROLMENT, places

    def _place(self, number: int, session: int, person: Person, held: str, made: str, notified: int) -> Row:
        rng, times = self.rng, self.times
        read = times.worked(notified, int(rng.random() * 20 * HOUR) + 60)
        has_read = held != "PLANNED" and read < times.until and rng.random() < 0.93
        match held:
            case "HELD":
                status = "ATTENDED" if rng.random() < 0.94 else "ABSENT"
            case "NOTIFIED":
                status = "READ" if has_read else "NOTIFIED"
            case _:
                status = "ENROLLED"
        told = times.moment(notified) if held != "PLANNED" else None
        if told and (has_read or held == "NOTIFIED"):
            owed = Owed("training_receipt", "", notified, read if has_read else None)
            self.tasks.add(owed, "enrolment", number, person.name, person.id, None)
        return number, made, made, 2, session, person.id, status, told, times.moment(read) if has_read else None

    # -- appraisal -----------------------------------------------------------------------------

    def _appraisals(self) -> Iterator[Batch]:
        """Yield a cycle for each of the last months, with everybody's appraisal settled."""
        rng, times = self.rng, self.times
        people = [one for one in self.staff.rostered if one.left is None]
        supervisor = self.staff.role("supervisor")[0]
        appraisals: list[Row] = []
        scores: list[Row] = []
        cycles: list[Row] = []
        weights = self.catalogs.weights
        for number, (first, last) in enumerate(self._months(), start=1):
            opened = times.moment(min(times.at(last + 1, 10 * HOUR), times.until))
            ended = times.moment(min(times.at(last + 20, 16 * HOUR), times.until))
            cycles.append((number, opened, ended, 4, times.day(first), times.day(last)))
            for one in people:
                key = len(appraisals) + 1
                level = 3.2 + one.id * 37 % 11 / 10
                points = [round(min(5.0, max(2.0, rng.gauss(level, 0.4))) * 2) / 2 for _indicator in weights]
                total = sum(float(weight) * point for (_id, weight), point in zip(weights, points, strict=True))
                total /= sum(float(weight) for _id, weight in weights)
                scorer = self.staff.leads[one.team] if not one.leads else supervisor
                appraisals.append(
                    (
                        key, opened, ended, 4, number, one.id, rng.choice(self.phrases["strengths"]),
                        rng.choice(self.phrases["weaknesses"]), rng.choice(self.phrases["improvement"]), ended,
                        scorer.id, rng.choice(self.phrases["appraisal_comment"]), f"{total:.2f}", ended, ended
                    )
                )  # fmt: skip
                scores += [
                    (len(scores) + place, opened, ended, 2, key, indicator, weight, str(point))
                    for place, ((indicator, weight), point) in enumerate(zip(weights, points, strict=True), start=1)
                ]
        yield CYCLE, cycles
        yield APPRAISAL, appraisals
        yield SCORE, scores

    def _months(self) -> list[tuple[int, int]]:
        """Return the first and last days of the last whole months, oldest first."""
        found: list[tuple[int, int]] = []
        after = self.times.until_day - self.times.date(self.times.until_day).day + 1
        for _nth in range(CYCLES):
            last = after - 1
            after = last - self.times.date(last).day + 1
            found.append((after, last))
        return found[::-1]
