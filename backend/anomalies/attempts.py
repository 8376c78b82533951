"""Attempts to run jobs, as the database knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jobwarden.backend.database.driver import Connection, Statement, text
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.process.cgroup import ControlGroup, group_of
from jobwarden.backend.process.identity import ProcessIdentity, elapsed_seconds, ran_here, this_host
from jobwarden.backend.process.members import Target
from jobwarden.backend.process.record import Record, read_record

SUSPECT = """NOT a.released AND (a.worker_id = ANY(:dead) OR a.stuck IS NOT NULL OR j.state <> 'RUNNING'
    OR extract(epoch FROM now() - j.start_time) > j.time_limit + :slack
    OR extract(epoch FROM now() - c.requested_at) > :slack)"""
"""Whatever a live worker in time would not leave as it is."""
BY_ID = "a.id = ANY(:ids)"
LIVE_OF_JOBS = "NOT a.released AND a.job_id = ANY(:ids)"
LATEST_OF_JOBS = "a.id IN (SELECT max(id) FROM resource_allocations WHERE job_id = ANY(:ids) GROUP BY job_id)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One allocation. ``over_limit`` and ``asked_ago`` (an open command's age) are seconds; 0 or less means no.

    ``stuck`` says which processes survived KILL when somebody tried to end it.
    """

    allocation_id: int
    job_id: int
    job_name: str
    state: JobState
    work_dir: str
    node_name: str
    worker_id: int
    cookie: str
    process_id: int | None
    process_start: int | None
    boot_id: str | None
    pid_namespace: int | None
    spool_dir: str | None
    record_key: str | None
    released: bool
    stuck: str | None
    machine_id: str
    hostname: str
    over_limit: float
    asked_ago: float
    node_drained: bool

    @property
    def started(self) -> bool:
        """Whether a process was committed; without one the script provably never ran."""
        return self.process_id is not None

    @property
    def here(self) -> bool:
        """Whether its processes ran on this host, before or after a restart, or in another container of it."""
        return ran_here(machine_id=self.machine_id, boot_id=self.boot_id, hostname=self.hostname, folder=self.spool_dir)

    @property
    def rebooted(self) -> bool:
        """Whether this machine was started anew since."""
        return self.started and self.boot_id != this_host().boot_id

    @property
    def group(self) -> ControlGroup | None:
        """Its control group on this host, if it has one."""
        return group_of(self.spool_dir, self.cookie) if self.spool_dir else None

    def record(self) -> Record | None:
        """How its script ended, as its supervisor recorded it on this host."""
        return read_record(self.spool_dir, self.record_key) if self.spool_dir else None

    @property
    def target(self) -> Target:
        """What its processes are known by. Only for a started attempt."""
        assert self.process_id is not None
        assert self.process_start is not None
        identity = ProcessIdentity(self.process_id, self.process_start, self.boot_id or "", self.pid_namespace or 0)
        return Target(identity, self.cookie, self.spool_dir or "", self.record_key)


def read_attempts(conn: Connection, which: str, **params: object) -> list[Attempt]:
    """Attempts by one of the conditions above."""
    rows = conn.execute(_statement(which), params).mappings()
    return [_attempt(dict(row)) for row in rows]


def _attempt(values: dict[str, Any]) -> Attempt:
    over_limit = _over_limit(values, values.pop("time_limit"), values.pop("ran"))
    return Attempt(**{**values, "state": JobState(values["state"]), "over_limit": over_limit})


def _over_limit(values: Mapping[str, Any], limit: int | None, ran: float | None) -> float:
    """Counted as the worker does, from the start of a process of this boot: a clock that jumps makes none late."""
    if limit is None or ran is None:
        return 0.0
    if values["process_start"] is not None and values["boot_id"] == this_host().boot_id:
        ran = elapsed_seconds(values["process_start"])
    return ran - limit


@cache
def _statement(which: str) -> Statement:
    source = files("jobwarden.backend.anomalies").joinpath("attempts.sql").read_text(encoding="utf-8")
    return text(source.replace("{which}", which))
