"""Records for the screens beside the list of jobs, at the time that stands still."""

from dataclasses import replace
from datetime import timedelta

from jobwarden.backend.actions.preview import EvidenceView
from jobwarden.backend.anomalies.process_tree import ProcessRow, ProcessTree
from jobwarden.backend.domain.states import AnomalyKind, JobState, WorkerState
from jobwarden.backend.queries.models.jobs import AnomalyRow, EventRow
from jobwarden.backend.queries.models.pages import EventsPage, EventsWanted
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.backend.queries.queue import Bell, Bells, QueueRow, QueueView
from tests.tui.fakes import NOW, job, orphan, snapshot, worker

KINDS = (
    (946, AnomalyKind.ORPHAN, "worker 2 is dead, last heartbeat 4m ago; supervisor pid 4946 alive"),
    (941, AnomalyKind.ORPHAN, "worker 2 is dead, last heartbeat 4m ago; supervisor pid 4941 alive"),
    (936, AnomalyKind.LOST, "worker 2 is dead, last heartbeat 4m ago; process gone, no exit status"),
    (931, AnomalyKind.UNRECORDED, "worker 2 is dead, last heartbeat 4m ago; the spool says: exit code 3"),
    (926, AnomalyKind.STRAY, "job is FAILED; supervisor pid 4926, script pid 4927 alive"),
    (921, AnomalyKind.LEAKED, "job is COMPLETED, its processes are gone, its resources are not released"),
    (916, AnomalyKind.OVERDUE, "12m over its time limit; worker 1 is alive, last heartbeat 1s ago"),
    (911, AnomalyKind.STUCK, "script pid 4911 survives KILL (state D)"),
    (906, AnomalyKind.UNREACHABLE, "worker 3 is dead; its processes can only be seen on host gamma"),
)


def anomalies() -> tuple[AnomalyRow, ...]:
    """One or two of each kind, worst first."""
    return tuple(replace(orphan(number), kind=kind, detail=said) for number, kind, said in KINDS)


def dead_worker() -> Snapshot:
    """Three nodes: one serves, one is drained, one has lost its worker and five jobs."""
    alpha = worker()
    beta = replace(worker(2, "beta", WorkerState.DEAD), lease_age=251.0, running_jobs=5, cpus_allocated=8)
    gamma = replace(
        worker(4, "gamma", WorkerState.DRAINING), drained=True, drain_reason="disk is being replaced", gpus=4,
        gpus_allocated=1, cpus=64, cpus_allocated=2, memory_mb=262144, memory_mb_allocated=4096,
    )  # fmt: skip
    former = replace(worker(3, "gamma", WorkerState.DEAD), running_jobs=1, lease_age=90000.0, ended_at=NOW)
    return snapshot(workers=(alpha, beta, gamma, former), anomalies=anomalies())


def evidence(job_id: int) -> EvidenceView:
    """What is seen of an orphan with a tree of processes."""
    script = f"/bin/sh /var/lib/jobwarden/spool/{job_id}/job_{job_id}.sh"
    rows = (
        _process(4000 + job_id, 0, 0.0, 1.2, f"/usr/lib/jobwarden-shim /spool {script}", supervisor=True),
        _process(4001 + job_id, 1, 0.4, 3.1, script),
        _process(4002 + job_id, 2, 97.6, 812.0, "python train.py --epochs 10 --data /srv/data/imagenet"),
        _process(4003 + job_id, 3, 12.3, 145.0, "python train.py --loader 1", state="D"),
        _process(4004 + job_id, 2, None, None, "tee progress.txt"),
    )
    return EvidenceView(
        job_id, AnomalyKind.ORPHAN, "worker 2 is dead; pid alive", "TERM, grace, KILL, then FAILED and released",
        replace(worker(2, "beta", WorkerState.DEAD), lease_age=251.0), 2, "beta", "beta", True, 4000 + job_id, script,
        "", f"/var/lib/jobwarden/spool/{job_id}", ProcessTree(rows),
    )  # fmt: skip


def _process(
    pid: int, depth: int, cpu: float | None, memory: float | None, command: str, *, state: str = "S",
    supervisor: bool = False,
) -> ProcessRow:  # fmt: skip
    return ProcessRow(pid, 1, depth, state, 4321.0 - depth, command, "alice", cpu, memory, supervisor)


def queue() -> QueueView:
    """Jobs that wait for all reasons."""
    reasons = ("for resources", "for resources, 1 job ahead", "held", "no node has 512 CPUs", "beta, gamma drained")
    rows = [
        QueueRow(
            job(900 - number, JobState.PENDING, held=why == "held", priority=50 - 20 * number, gpus=number % 2),
            0 if why == "held" else number + 1,
            why,
        )
        for number, why in enumerate(reasons)
    ]
    bells = (Bell("alpha", 0, 1, 0), Bell("beta", 7, 0, 2, NOW - timedelta(minutes=4)))
    return QueueView(tuple(rows), 1234, 1, Bells(bells, "Valkey 8.1.0", 2.4, 9, 93784))


def audit() -> EventsPage:
    """Some events of jobs and one of a node."""
    at = NOW - timedelta(minutes=3)
    rows = (
        EventRow(9, NOW, 946, "root@alpha", "clean", JobState.RUNNING, JobState.FAILED, "the node died"),
        EventRow(8, at, None, "alice@build", "drain", None, None, "disk is being replaced", {"node_name": "gamma"}),
        EventRow(7, at, 900, "alice@build", "priority", JobState.PENDING, JobState.PENDING, None, {"priority": 50}),
        EventRow(6, at, 941, "worker:alpha", "exit", JobState.RUNNING, JobState.COMPLETED, None, {"exit_code": 0}),
        EventRow(5, at - timedelta(days=2), 900, "bob@build", "submit", None, JobState.PENDING, None),
    )
    return EventsPage(EventsWanted(), rows)
