"""A node of this host with a past: finished jobs, their folders, and workers that are gone."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobwarden.backend.actions.results import Context
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.housekeeping.records import CleanupReport, CleanupStep, Limits, StepReport
from jobwarden.backend.housekeeping.run import clean_up
from jobwarden.backend.process.members import cookie_index
from jobwarden.backend.process.spool import prepare_root
from jobwarden.backend.state import machine
from tests.support.cli import Cli
from tests.support.processes import reap
from tests.support.rows import request
from tests.support.scene import Running, Scene, scene

EVERYTHING = Limits(max_age_hours=0, retention_days=0)
ALL_BUT_ARCHIVE = Limits(max_age_hours=0, retention_days=36_500)


@dataclass
class Past:
    """The scene, with what these tests ask of it."""

    stage: Scene
    engine: Engine
    settings: Settings
    cli: Cli

    @property
    def spool(self) -> Path:
        return self.settings.home / "spool" / "node1"

    @property
    def archives(self) -> list[Path]:
        return sorted(self.settings.archives.glob("*.jsonl.gz"))

    def run(self, limits: Limits = ALL_BUT_ARCHIVE, *, dry_run: bool = False) -> CleanupReport:
        """A clean-up in this process."""
        return clean_up(Context(self.engine, self.settings, "tester@here"), limits, dry_run=dry_run)

    def step(self, step: CleanupStep, limits: Limits = ALL_BUT_ARCHIVE, *, dry_run: bool = False) -> StepReport:
        """The report of one of its steps."""
        return next(one for one in self.run(limits, dry_run=dry_run).steps if one.step is step)

    def old_job(self, worker: int, hours: float = 1000, state: str = "FAILED") -> Running:
        """A job that really ran, ended so long ago, and holds nothing."""
        job = self.stage.run(worker, "echo said\n")
        job.ended()
        self.end(job.id, hours, state)
        return job

    def end(self, job_id: int, hours: float = 1000, state: str = "FAILED", *, release: bool = True) -> None:
        """Make the job's end a thing of the past."""
        self.stage.execute(
            "UPDATE jobs SET state = CAST(:state AS job_state), end_time = now() - make_interval(hours => :h)"
            " WHERE id = :id",
            state=state, h=hours, id=job_id,
        )  # fmt: skip
        if release:
            self.stage.execute(
                "UPDATE resource_allocations SET released = true, released_time = now() - make_interval(hours => :h)"
                " WHERE job_id = :id",
                h=hours, id=job_id,
            )  # fmt: skip

    def old_rows(self, count: int, hours: int = 1000) -> list[int]:
        """Jobs that were cancelled before they ran."""
        with self.engine.begin() as conn:
            ids = machine.submit(conn, [request(name=f"n{i}", script="true\n" * 20) for i in range(count)], "t@h")
        self.stage.execute(
            "UPDATE jobs SET state = 'CANCELLED', end_time = now() - make_interval(hours => :h) WHERE id = ANY(:ids)",
            h=hours, ids=ids,
        )  # fmt: skip
        return ids

    def count(self, table: str) -> int:
        return int(self.stage.execute(f"SELECT count(*) FROM {table}"))

    def jobs(self) -> set[int]:
        with self.engine.connect() as conn:
            return set(conn.scalars(text("SELECT id FROM jobs")))

    def vanish(self, job: Running) -> None:
        """Kill the job with all its processes, so that nothing records its end."""
        job.kill_supervisor()
        cookie = self.stage.execute("SELECT cookie FROM resource_allocations WHERE id = :id", id=job.allocation_id)
        reap(lambda: cookie_index().get(cookie, []))

    def folder(self, name: str, *, hours: float = 1000) -> Path:
        """A folder that no allocation has, last changed so long ago."""
        made = self.spool / name
        made.mkdir(parents=True)
        (made / "output.log").write_bytes(b"x" * 10_000)
        age(made, hours)
        return made


def age(folder: Path, hours: float) -> None:
    """Give a folder and what is in it old times."""
    then = time.time() - hours * 3600
    for path in [*folder.iterdir(), folder]:
        os.utime(path, (then, then), follow_symlinks=False)


@pytest.fixture
def past(engine: Engine, settings: Settings, mark: str, cli: Cli) -> Iterator[Past]:
    """A node, and workers in name only; its spool is where a real worker has it."""
    with scene(engine, settings, mark) as stage:
        stage.spool = str(settings.home / "spool" / "node1")
        prepare_root(stage.spool)
        yield Past(stage, engine, settings, cli)


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of an archive."""
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]
