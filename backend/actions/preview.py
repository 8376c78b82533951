"""What an action would do to each job, in the words its result would have, and the evidence behind it."""

from collections.abc import Sequence
from functools import cached_property

from jobwarden.backend.actions.results import ItemResult, Victim, done, nothing, refused
from jobwarden.backend.anomalies.attempts import Attempt
from jobwarden.backend.anomalies.detect import Anomaly, describe, examine, explain
from jobwarden.backend.anomalies.process_tree import ProcessReader, ProcessTree, targets_of
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.states import AnomalyKind, JobState
from jobwarden.backend.domain.units import name_processes
from jobwarden.backend.process.exit_status import EndCause, Verdict, judge
from jobwarden.backend.process.procfs import ProcessSnapshot, command_line, scan
from jobwarden.backend.process.record import Record, doubt
from jobwarden.backend.queries.models.jobs import WorkerRow
from jobwarden.backend.queries.models.processes import EvidenceView

# What clean-up does to an anomaly, in the very words of the result: a dry run and the action share them.

NEVER_STARTED = "never started: back to PENDING"
RELEASED = "released"
ASKED_BEFORE = "its worker has already been asked to end it"

_HOW = {AnomalyKind.ORPHAN: "TERM, grace, KILL, then ", AnomalyKind.STRAY: "TERM, grace, KILL: "}


def forecast(anomaly: Anomaly) -> ItemResult:
    """The result that clean-up has when nothing changes in between; looks, and writes nothing."""
    attempt = anomaly.attempt
    match anomaly.kind:
        case AnomalyKind.ORPHAN | AnomalyKind.LOST | AnomalyKind.UNRECORDED:
            return done(attempt.job_id, _forecast_end(anomaly))
        case AnomalyKind.STRAY:
            return done(attempt.job_id, stray_ended(released=not attempt.released))
        case AnomalyKind.LEAKED:
            return done(attempt.job_id, RELEASED)
        case AnomalyKind.OVERDUE:
            asked = attempt.asked_ago > 0
            return nothing(attempt.job_id, ASKED_BEFORE) if asked else done(attempt.job_id, asked_now(attempt))
        case AnomalyKind.STUCK:
            news = attempt.stuck is None and not (attempt.released and attempt.node_drained)
            return stuck(attempt, explain(anomaly), changed=news)
        case AnomalyKind.UNREACHABLE:
            return refused(attempt.job_id, unreachable(attempt))


def would(anomaly: Anomaly) -> str:
    """What clean-up would do, with the way there: ``TERM, grace, KILL, then FAILED (OPERATOR), released``."""
    return f"{_HOW.get(anomaly.kind, '')}{forecast(anomaly).message}"


def _forecast_end(anomaly: Anomaly) -> str:
    if not anomaly.attempt.started:
        return NEVER_STARTED
    record = anomaly.evidence.record
    cause = orphan_cause(anomaly.attempt) if anomaly.kind is AnomalyKind.ORPHAN and record is None else None
    return recorded(verdict(anomaly.attempt, record, cause))


def orphan_cause(attempt: Attempt) -> EndCause:
    """Why clean-up ends an orphan: a time limit that nobody watched over counts as reached."""
    return EndCause.TIMEOUT if attempt.over_limit > 0 else EndCause.KILLED


def verdict(attempt: Attempt, record: Record | None, cause: EndCause | None) -> Verdict:
    """How an attempt ended whose processes are gone."""
    group = attempt.group
    return judge(
        record,
        cause=cause,
        out_of_memory=group is not None and group.out_of_memory(),
        rebooted=attempt.rebooted,
        script=f"{attempt.spool_dir}/job_{attempt.job_id}.sh" if attempt.spool_dir else "",
        work_dir=attempt.work_dir,
        doubt=doubt(attempt.spool_dir, attempt.record_key) if attempt.spool_dir and record is None else "",
    )


def recorded(ended: Verdict) -> str:
    """``FAILED (OPERATOR), released``."""
    if ended.state is JobState.PENDING:
        return NEVER_STARTED
    return f"{ended.state}{f' ({ended.reason})' if ended.reason else ''}, {RELEASED}"


def stray_ended(*, released: bool) -> str:
    """The words for processes that outlived their job and were ended."""
    return f"ended the processes that outlived it{f', {RELEASED}' if released else ''}"


def asked_now(attempt: Attempt) -> str:
    """The words for a command left to a live worker."""
    return f"asked the worker of {attempt.node_name} to end it"


def stuck(attempt: Attempt, why: str, *, changed: bool) -> ItemResult:
    """The result for processes that cannot be ended; what changes is that the node is drained."""
    drained = changed or attempt.node_drained
    node = f", node {attempt.node_name} {'is drained' if drained else 'still takes jobs'}"
    return ItemResult(attempt.job_id, False, changed, f"cannot be ended{node}: {why}")


def unreachable(attempt: Attempt) -> str:
    """Why nothing is done from here, and what can be."""
    return (
        f"its processes can only be seen on host {attempt.hostname}: start its worker there, or, when that host is"
        " gone for good, use mark-failed --force and release --force"
    )


__all__ = ["EvidenceView", "read_evidence"]


def read_evidence(
    conn: Connection, settings: Settings, job_id: int, workers: Sequence[WorkerRow], processes: ProcessReader
) -> EvidenceView:
    """Look at the latest attempt of a job; signals and writes nothing."""
    attempt = targets_of(conn, [job_id]).get(job_id)
    if attempt is None:
        return EvidenceView(job_id)
    record = attempt.record() if attempt.here else None
    found = examine(conn, settings, [attempt.allocation_id])
    return EvidenceView(
        job_id,
        kind=found[0].kind if found else None,
        detail=explain(found[0]) if found else "",
        would=would(found[0]) if found else "",
        worker=next((worker for worker in workers if worker.id == attempt.worker_id), None),
        worker_id=attempt.worker_id,
        node_name=attempt.node_name,
        hostname=attempt.hostname,
        here=attempt.here,
        process_id=attempt.process_id,
        command=command_line(attempt.process_id) if attempt.process_id and attempt.here else "",
        record=_said(attempt, record),
        spool_dir=attempt.spool_dir or "",
        tree=processes.of_attempt(attempt, scan()),
    )


def _said(attempt: Attempt, record: Record | None) -> str:
    if not attempt.started:
        return "never started"
    return describe(record) if record is not None else ""


# Who would be hit: the supervisor of the job, as lists and evidence name it, and the script it watches.

NAMED = 20
"""Processes of one job that are named."""


class Witness:
    """Names the victims of one plan; /proc is read at most once for all of them."""

    def __init__(self) -> None:
        self._reader = ProcessReader()

    @cached_property
    def _snapshot(self) -> ProcessSnapshot:
        return scan()

    def victim(
        self, job_id: int, name: str, node: str | None, attempt: Attempt | None, happens: str, outcome: str = ""
    ) -> Victim:
        """The job with its processes, so far as they can be seen from here."""
        tree = self._tree(attempt)
        script = next(iter(tree.own), None)
        supervisor = next((row.pid for row in tree.rows if row.supervisor), None)
        if not tree.rows and attempt and not attempt.released:  # cannot be seen from here
            supervisor = attempt.process_id
        named = [pid for pid in (supervisor, script.pid if script else None) if pid is not None]
        return Victim(
            job_id,
            name,
            node,
            next(iter(named), None),
            script.cmdline if script else next((row.cmdline for row in tree.rows), ""),
            happens,
            outcome,
            tree.own,
            tree.more,
            name_processes(named, supervisor),
        )

    def _tree(self, attempt: Attempt | None) -> ProcessTree:
        if attempt is None or not attempt.started or not attempt.here:
            return ProcessTree()
        return self._reader.of_attempt(attempt, self._snapshot, NAMED + 1)
