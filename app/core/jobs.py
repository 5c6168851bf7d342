"""What happens when nobody clicks: named jobs that a scheduler runs every few minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model, db
from app.core.types import Key, Moment, Whole

Job = Callable[[datetime], int]
JOBS: dict[str, Job] = {}


class JobRun(Model):
    """One run of one job: when, and how many records it touched."""

    __tablename__ = "job_run"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(64), index=True)
    started_at: Mapped[Moment]
    touched: Mapped[Whole]


def job(name: str) -> Callable[[Job], Job]:
    """Declare a job: it is given the present moment and returns how many records it touched."""

    def keep(work: Job) -> Job:
        JOBS[name] = work
        return work

    return keep


def run_jobs(now: datetime) -> dict[str, int]:
    """Run every job and commit after each; return how many records each touched."""
    touched = {}
    for name, work in JOBS.items():
        touched[name] = work(now)
        db.session.add(JobRun(name=name, started_at=now, touched=touched[name]))
        db.session.commit()
    return touched
