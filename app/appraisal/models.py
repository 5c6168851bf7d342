"""Chapter 5: indicators, cycles, appraisals and their score lines (績效考核)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Numeric, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model
from app.core.entity import Catalog, Recorded
from app.core.types import Choice, Day, Line, Moment, Prose, choice_column
from app.staff.models import StaffMember, lead_over

LEAST_SCORE, BEST_SCORE = 0, 5
HUNDREDTH = Decimal("0.01")


class IndicatorGroup(Choice):
    """The four groups of clause 5.1."""

    QUALITY = _l("Service quality"), "calm"
    EFFICIENCY = _l("Efficiency"), "calm"
    KNOWLEDGE = _l("Knowledge"), "calm"
    TEAMWORK = _l("Teamwork"), "calm"


class Direction(Choice):
    """Which way an indicator is good."""

    HIGHER = _l("Higher is better"), "calm"
    LOWER = _l("Lower is better"), "calm"


class FigureUnit(Choice):
    """What an indicator's figure counts."""

    PERCENT = _l("%"), "calm"
    POINTS = _l("points"), "calm"
    MINUTES = _l("minutes"), "calm"
    HOURS = _l("hours"), "calm"
    COUNT = _l("times"), "calm"


class Indicator(Catalog, Model):
    """Something people are appraised by, worked out from a measure or judged (考核指標, clauses 5.1.1 to 5.1.4)."""

    __tablename__ = "indicator"
    __table_args__ = (CheckConstraint("weight >= 0", name="weight_not_negative"),)

    group: Mapped[IndicatorGroup] = choice_column(IndicatorGroup)
    direction: Mapped[Direction] = choice_column(Direction, default=Direction.HIGHER)
    unit: Mapped[FigureUnit] = choice_column(FigureUnit, default=FigureUnit.PERCENT)
    weight: Mapped[Decimal] = mapped_column(Numeric(5, 2), default=Decimal(10))
    measure_name: Mapped[str | None] = mapped_column(String(64))
    """The measure its figure comes from; empty for one that is judged."""


class CycleKind(Choice):
    """How often a cycle comes round (clauses 5.2.1 and 5.2.2)."""

    MONTHLY = _l("Monthly"), "calm"
    QUARTERLY = _l("Quarterly"), "calm"
    SPECIAL = _l("Special"), "calm"


class CycleStatus(Choice):
    """Where a cycle stands."""

    PLANNED = _l("Planned"), "soon"
    OPEN = _l("Open for self-assessment"), "progress"
    COLLECTED = _l("Being scored"), "progress"
    CLOSED = lazy_pgettext("cycle", "Closed"), "done"


class Cycle(Recorded, Model):
    """One round of appraisals of a period: of everyone or, on one subject, of chosen people (考核週期, clause 5.2)."""

    __tablename__ = "appraisal_cycle"
    __table_args__ = (
        CheckConstraint("last_on >= first_on", name="last_not_before_first"),
        CheckConstraint("kind != 'SPECIAL' OR subject IS NOT NULL", name="special_has_subject"),
        Index(
            "uq_appraisal_cycle_regular",
            "kind",
            "first_on",
            unique=True,
            sqlite_where=text("kind != 'SPECIAL'"),
            postgresql_where=text("kind != 'SPECIAL'"),
        ),
    )

    kind: Mapped[CycleKind] = choice_column(CycleKind)
    subject: Mapped[Line | None]
    first_on: Mapped[Day] = mapped_column(index=True)
    last_on: Mapped[Day]
    status: Mapped[CycleStatus] = choice_column(CycleStatus, default=CycleStatus.PLANNED, index=True)

    def __str__(self) -> str:
        return f"{self.subject or self.kind} {self.first_on:%Y-%m}"


class AppraisalStatus(Choice):
    """Where an appraisal stands."""

    SELF_ASSESSMENT = _l("Waiting for self-assessment"), "soon"
    SCORING = _l("Waiting for a score"), "progress"
    CONFIRMING = _l("Waiting for confirmation"), "progress"
    APPEALED = _l("Appealed"), "late"
    SETTLED = _l("Settled"), "done"


class Appraisal(Recorded, Model):
    """One person's appraisal in one cycle: what they say, how they are scored, do they agree (考核表, clause 5.2)."""

    __tablename__ = "appraisal"
    __table_args__ = (
        UniqueConstraint("cycle_id", "person_id"),
        CheckConstraint("status NOT IN ('CONFIRMING', 'SETTLED') OR total IS NOT NULL", name="scored_has_total"),
        CheckConstraint("status != 'SETTLED' OR settled_at IS NOT NULL", name="settled_has_moment"),
    )
    queue_role: ClassVar[str] = "supervisor"

    cycle_id: Mapped[int] = mapped_column(ForeignKey("appraisal_cycle.id", ondelete="RESTRICT"), index=True)
    cycle: Mapped[Cycle] = relationship(lazy="joined", innerjoin=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("staff_member.id", ondelete="RESTRICT"), index=True)
    person: Mapped[StaffMember] = relationship(foreign_keys=person_id, lazy="joined", innerjoin=True)
    status: Mapped[AppraisalStatus] = choice_column(
        AppraisalStatus, default=AppraisalStatus.SELF_ASSESSMENT, index=True
    )
    strengths: Mapped[Prose | None]
    weaknesses: Mapped[Prose | None]
    improvement: Mapped[Prose | None]
    self_assessed_at: Mapped[Moment | None]
    scorer_id: Mapped[int | None] = mapped_column(ForeignKey("staff_member.id", ondelete="SET NULL"), index=True)
    scorer: Mapped[StaffMember | None] = relationship(foreign_keys=scorer_id)
    comment: Mapped[Prose | None]
    total: Mapped[Decimal | None] = mapped_column(Numeric(4, 2))
    scored_at: Mapped[Moment | None]
    appeal: Mapped[Prose | None]
    decision: Mapped[Prose | None]
    settled_at: Mapped[Moment | None]
    lines: Mapped[list[ScoreLine]] = relationship(viewonly=True, order_by="ScoreLine.id")

    @property
    def owner(self) -> StaffMember | None:
        """Who owes the next step: the person, then their lead; a lead's and an appeal wait for a supervisor."""
        if self.status is AppraisalStatus.SELF_ASSESSMENT and self.cycle.status is CycleStatus.OPEN:
            return self.person
        return None if self.status is AppraisalStatus.APPEALED else lead_over(self.person)

    def __str__(self) -> str:
        return f"{self.person} · {self.cycle}"


class ScoreLine(Recorded, Model):
    """One indicator in one appraisal: its weight, its figure and its score (考核項目, clause 5.1)."""

    __tablename__ = "score_line"
    __table_args__ = (
        UniqueConstraint("appraisal_id", "indicator_id"),
        CheckConstraint("weight >= 0", name="weight_not_negative"),
        CheckConstraint(f"score IS NULL OR (score >= {LEAST_SCORE} AND score <= {BEST_SCORE})", name="score_in_range"),
    )

    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id", ondelete="CASCADE"), index=True)
    appraisal: Mapped[Appraisal] = relationship()
    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id", ondelete="RESTRICT"), index=True)
    indicator: Mapped[Indicator] = relationship()
    weight: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    figure: Mapped[Decimal | None] = mapped_column(Numeric(14, 4))
    figure_count: Mapped[int | None] = mapped_column(Integer)
    score: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    comment: Mapped[Line | None]

    def __str__(self) -> str:
        return str(self.indicator)


def total_of(lines: Iterable[ScoreLine]) -> Decimal | None:
    """Return the weighted mean of the scores, to the hundredth; None if nothing was scored.

    A line without a score or without weight drops out of the sum and of the weights alike: two fives and a line
    not used are a five.
    """
    used = [(line.weight, line.score) for line in lines if line.score is not None and line.weight > 0]
    weights = sum((weight for weight, _score in used), Decimal())
    if not weights:
        return None
    return (sum((weight * score for weight, score in used), Decimal()) / weights).quantize(HUNDREDTH, ROUND_HALF_UP)
