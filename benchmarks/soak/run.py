"""One soak from beginning to end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak import plan
from benchmarks.soak.count import Wrong, count_wrong
from benchmarks.soak.faults import Saboteur
from benchmarks.soak.installation import Installation
from benchmarks.soak.people import People
from benchmarks.soak.watch import Watch
from jobwarden.backend.database.driver import DatabaseError, text

OPEN = text("SELECT count(*) FROM jobs WHERE state IN ('PENDING', 'RUNNING')")
OUTCOMES = text("SELECT state || coalesce(' ' || failure_reason, ''), count(*) FROM jobs GROUP BY 1 ORDER BY 1")
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a soak found. ``seconds`` and the lists of times are seconds."""

    seed: int
    seconds: float
    drained: bool
    wrong: Wrong
    complaints: list[str]
    faults: Counter[str]
    actions: Counter[str]
    outcomes: dict[str, int]
    times: dict[str, list[float]] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether every count is zero."""
        return self.drained and not self.complaints and not any(self.wrong.counts().values())


def soak(folder: Path, seed: int, seconds: float, rate: float, drain_seconds: float, cgroup: str = "auto") -> Result:
    """Run an installation in ``folder`` under faults for ``seconds``, drain it, and count.

    ``cgroup`` is the setting of the workers, ``rate`` jobs per second, ``drain_seconds`` how long what is left may
    take. The same seed causes the same faults at the same times; which job they hit depends on what runs then.
    """
    began = time.monotonic()
    with Installation(folder, seed, cgroup) as installation:
        watch = Watch(installation)
        people, saboteur = People(installation), Saboteur(installation, watch)
        watch.start()
        _act(people, saboteur, seed, seconds, rate)
        saboteur.relent()
        drained = _drain(installation, people, drain_seconds)
        watch.stop()
        complaints = installation.stop_workers(STOP_SECONDS) + installation.ended_alone + people.failures
        complaints += _tracebacks(folder)
        with installation.engine.connect() as conn:
            outcomes = {row[0]: row[1] for row in conn.execute(OUTCOMES)}
        return Result(
            seed,
            time.monotonic() - began,
            drained,
            count_wrong(installation, people.submitted),
            complaints,
            saboteur.done,
            people.done,
            outcomes,
            {
                "worker killed > noticed": watch.noticed,
                "worker killed > its jobs taken over": watch.taken_over,
                "PostgreSQL broken > answers again": watch.outages,
            },
        )


def _act(people: People, saboteur: Saboteur, seed: int, seconds: float, rate: float) -> None:
    began = time.monotonic()
    threads = [
        threading.Thread(target=people.submit, args=(rate, seconds, began), name="users"),
        threading.Thread(target=people.operate, args=(plan.actions(seed, seconds), began), name="operators"),
    ]
    for thread in threads:
        thread.start()
    saboteur.cause(plan.faults(seed, seconds), began)
    for thread in threads:
        thread.join()


def _drain(installation: Installation, people: People, seconds: float) -> bool:
    """No more faults: all that is left must end, with no more help than the one-key clean-up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            people.settle()
            anomalies = people.clean_all()
            with installation.engine.connect() as conn:
                if conn.scalar(OPEN) == 0 and anomalies == 0:
                    return True
        except DatabaseError:
            pass  # just being recovered from the last fault
        time.sleep(0.5)
    return False


def _tracebacks(folder: Path) -> list[str]:
    """Errors that nobody handled, from the workers' logs."""
    found: Counter[str] = Counter()
    for log in folder.glob("*.log"):
        lines = log.read_text(errors="replace").splitlines()
        for place, line in enumerate(lines):
            if line.startswith("Traceback"):
                last = next((later for later in lines[place + 1 :] if not later.startswith(" ")), "?")
                found[f"{log.name}: {last[:150]}"] += 1
    return [f"{line} ({times} times)" for line, times in found.items()]
