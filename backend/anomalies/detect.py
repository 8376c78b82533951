"""Where the record of a job and its processes disagree: what the orphan screen and ``jobwarden orphans`` list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobwarden.backend.anomalies.attempts import BY_ID, SUSPECT, Attempt, read_attempts
from jobwarden.backend.anomalies.evidence import Evidence, HostSurvey
from jobwarden.backend.anomalies.strays import SCANNER, Scanner, find_strays, find_unknown
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.states import AnomalyKind, WorkerState
from jobwarden.backend.domain.units import format_age, name_processes
from jobwarden.backend.process.exit_status import end_message
from jobwarden.backend.process.identity import Liveness
from jobwarden.backend.process.procfs import command_line
from jobwarden.backend.process.record import Record, RecordKind
from jobwarden.backend.queries.jobs import compile_filter, matching_ids
from jobwarden.backend.queries.models.jobs import AnomalyRow, WorkerRow
from jobwarden.backend.queries.workers import read_workers

# Where the record of a job and its processes disagree: what the orphan screen and ``jobwarden orphans`` list.

SLACK_SECONDS = 20.0
"""What a live worker may take, over the grace, to end a job whose time is up or whose end was asked for."""

_SEVERITY = {kind: rank for rank, kind in enumerate(AnomalyKind)}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A judged attempt. ``worker`` is its owner, None when that is no longer listed."""

    kind: AnomalyKind
    attempt: Attempt
    evidence: Evidence
    worker: WorkerRow | None


def find(conn: Connection, settings: Settings, scanner: Scanner = SCANNER) -> list[AnomalyRow]:
    """All anomalies that this host can see, worst first, as they are listed."""
    rows = [row(anomaly) for anomaly in look_around(conn, settings, scanner)]
    rows += [unknown.row for unknown in find_unknown(conn, settings, scanner)]
    return sorted(rows, key=lambda found: _SEVERITY[found.kind])  # stable: within a kind by job


def look_around(conn: Connection, settings: Settings, scanner: Scanner = SCANNER) -> list[Anomaly]:
    """All anomalies that this host can see, worst first. Cheap enough for every second: the healthy are not probed.

    The shared scanner looks for strays every few seconds only; whoever is about to act brings a new one.
    """
    workers = read_workers(conn)
    suspects = read_attempts(conn, SUSPECT, dead=dead_ids(workers), slack=_slack(settings))
    known = {attempt.allocation_id for attempt in suspects}
    suspects += [stray for stray in find_strays(conn, scanner) if stray.allocation_id not in known]
    return sorted(_judge_all(suspects, workers, settings), key=lambda a: (_SEVERITY[a.kind], a.attempt.job_id))


def kinds_of(found: Iterable[tuple[int, AnomalyKind]]) -> dict[str, list[int]]:
    """Jobs by what is wrong with them, in the words of a filter."""
    kinds: dict[str, list[int]] = {}
    for job_id, kind in found:
        kinds.setdefault(kind.lower(), []).append(job_id)
    return kinds


def examine(conn: Connection, settings: Settings, allocation_ids: Sequence[int]) -> list[Anomaly]:
    """The anomalies among these allocations, judged anew: for whoever is about to act on them."""
    workers = read_workers(conn)
    return _judge_all(read_attempts(conn, BY_ID, ids=list(allocation_ids)), workers, settings)


def dead_ids(workers: Iterable[WorkerRow]) -> list[int]:
    """Ids of the workers that are DEAD."""
    return [worker.id for worker in workers if worker.state is WorkerState.DEAD]


def _judge_all(attempts: Iterable[Attempt], workers: Iterable[WorkerRow], settings: Settings) -> list[Anomaly]:
    look = HostSurvey()
    by_id = {worker.id: worker for worker in workers}
    judged = []
    for attempt in attempts:
        evidence, worker = look.at(attempt), by_id.get(attempt.worker_id)
        dead = worker is None or worker.state is WorkerState.DEAD
        kind = classify(attempt, evidence, worker_dead=dead, slack=_slack(settings))
        if kind is not None:
            judged.append(Anomaly(kind, attempt, evidence, worker))
    return judged


def _slack(settings: Settings) -> float:
    return settings.kill_grace_seconds + SLACK_SECONDS


def classify(attempt: Attempt, evidence: Evidence, *, worker_dead: bool, slack: float) -> AnomalyKind | None:
    """The kind of anomaly an attempt is, None when all is as it should be."""
    if attempt.stuck and evidence.alive is Liveness.ALIVE:
        return AnomalyKind.STUCK
    if evidence.unkillable and (worker_dead or attempt.state.final or attempt.asked_ago > slack):
        return AnomalyKind.STUCK
    if attempt.state.final:
        return _of_final(attempt, evidence, worker_dead)
    if attempt.released:
        return None
    if worker_dead:
        return _of_orphaned(evidence)
    if attempt.over_limit > slack and evidence.alive is not Liveness.GONE:
        return AnomalyKind.OVERDUE
    return None


def _of_final(attempt: Attempt, evidence: Evidence, worker_dead: bool) -> AnomalyKind | None:
    if evidence.alive is Liveness.ALIVE:
        return AnomalyKind.STRAY
    if attempt.released:
        return None
    if evidence.alive is Liveness.GONE:
        return AnomalyKind.LEAKED
    return AnomalyKind.UNREACHABLE if worker_dead else None


def _of_orphaned(evidence: Evidence) -> AnomalyKind:
    if evidence.alive is Liveness.UNKNOWN:
        return AnomalyKind.UNREACHABLE
    if evidence.alive is Liveness.ALIVE:
        return AnomalyKind.ORPHAN
    return AnomalyKind.LOST if evidence.record is None else AnomalyKind.UNRECORDED


def row(anomaly: Anomaly) -> AnomalyRow:
    """The anomaly as it is listed."""
    attempt = anomaly.attempt
    pid = anomaly.evidence.pids[0] if anomaly.evidence.pids else attempt.process_id
    return AnomalyRow(
        job_id=attempt.job_id,
        kind=anomaly.kind,
        node_name=attempt.node_name,
        process_id=pid,
        detail=explain(anomaly),
        job_name=attempt.job_name,
        allocation_id=attempt.allocation_id,
        cmdline=command_line(pid) if pid and anomaly.evidence.alive is Liveness.ALIVE else "",
    )


def explain(anomaly: Anomaly) -> str:
    """The evidence in one line."""
    attempt, evidence = anomaly.attempt, anomaly.evidence
    left = f"{name_processes(evidence.pids[:5], attempt.process_id)} alive"
    match anomaly.kind:
        case AnomalyKind.ORPHAN:
            ended = f", the script itself has ended ({describe(evidence.record)})" if evidence.record else ""
            return f"{_worker(anomaly)}; {left}{ended}"
        case AnomalyKind.LOST:
            why = "never started" if not attempt.started else "process gone, no exit status"
            return f"{_worker(anomaly)}; {'the host was restarted' if attempt.rebooted else why}"
        case AnomalyKind.UNRECORDED:
            return f"{_worker(anomaly)}; the spool says: {describe(evidence.record)}"
        case AnomalyKind.STRAY:
            return f"job is {attempt.state}; {left}"
        case AnomalyKind.LEAKED:
            return f"job is {attempt.state}, its processes are gone, its resources are not released"
        case AnomalyKind.OVERDUE:
            return f"{format_age(attempt.over_limit)} over its time limit; {_worker(anomaly)}"
        case AnomalyKind.STUCK:
            unkillable = name_processes(evidence.unkillable, attempt.process_id)
            return f"{unkillable} survives KILL (state D)" if unkillable else f"survives KILL: {attempt.stuck}"
        case AnomalyKind.UNREACHABLE:
            return f"{_worker(anomaly)}; its processes can only be seen on host {attempt.hostname}"


def describe(record: Record | None) -> str:
    """What a record says, in words."""
    if record is None or record.kind is RecordKind.NEVER:
        return "never started"
    return f"could not be started ({record.step})" if record.kind is RecordKind.LAUNCH else end_message(record)


def _worker(anomaly: Anomaly) -> str:
    worker = anomaly.worker
    if worker is None:
        return f"worker {anomaly.attempt.worker_id} is dead"
    heard = f"last heartbeat {format_age(worker.lease_age)} ago"
    return f"worker {worker.id} is {'dead' if worker.state is WorkerState.DEAD else 'alive'}, {heard}"


def matching(conn: Connection, typed: str, anomalies: Sequence[tuple[int, AnomalyKind]]) -> frozenset[int]:
    """Return the jobs that match of these with what is wrong with them. Raises InputError for a wrong filter."""
    query = compile_filter(typed, kinds=kinds_of(anomalies))
    return frozenset(matching_ids(conn, query, [job_id for job_id, _ in anomalies]))
