"""Servers as processes: started as in production, watched from outside, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from config import ROOT

from .client import Client

PATIENCE_S = 60
WORKERS = 2


@dataclass(frozen=True)
class Recipe:
    """How a server is started: gunicorn's words, its environment, and the first page that it answers."""

    words: tuple[str, ...]
    env: dict[str, str]
    first_page: str
    counts: str
    """What counts its statements, see ``counting.py``."""


@dataclass
class Server:
    """One running gunicorn."""

    process: subprocess.Popen[bytes]
    address: str
    started_s: float = 0.0
    idle_mb: float = 0.0
    said: Any = field(default=None, repr=False)

    @property
    def workers(self) -> list[int]:
        """The ids of its worker processes."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def memory_mb(self) -> float:
        """Return the resident memory of its largest worker, in MB."""
        return max(_resident(pid) for pid in self.workers)

    def peak_mb(self) -> float:
        """Return the most that a worker has held since ``forget_peak``, in MB."""
        return max(_status(pid, "VmHWM") for pid in self.workers)

    def forget_peak(self) -> None:
        """Let ``peak_mb`` begin anew."""
        for pid in self.workers:
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def _resident(pid: int) -> float:
    return _status(pid, "VmRSS")


@contextmanager
def served(recipe: Recipe, *, is_counting: bool = False) -> Iterator[Server]:
    """Serve while the block lasts; raises RuntimeError with what the server said if it does not answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "BENCH_"))}
    env |= recipe.env
    words = [*recipe.words, "--bind", address, "--workers", str(1 if is_counting else WORKERS)]
    if is_counting:
        env["BENCH_COUNTS"] = recipe.counts
        words += ["--config", "python:tests.bench.counting"]
    with TemporaryFile() as said:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "gunicorn", *words]
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=said, stderr=said)  # noqa: S603 - our own
        server = Server(process, f"http://{address}", said=said)
        try:
            _wait_for(server, recipe.first_page)
            server.started_s = time.perf_counter() - begun
            _warm(server, recipe.first_page)
            server.idle_mb = server.memory_mb()
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _wait_for(server: Server, page: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            if Client(server.address).get(page).status == 200:
                return
        except OSError:
            pass
        if server.process.poll() is not None or time.monotonic() > end:
            server.said.seek(0)
            raise RuntimeError(server.said.read().decode()[-3000:])
        time.sleep(0.01)


def _warm(server: Server, page: str) -> None:
    """Wait until every worker is there, and has most likely answered once."""
    while len(server.workers) < 1:
        time.sleep(0.01)
    for _time in range(8):
        client = Client(server.address)
        client.get(page)
        client.close()
