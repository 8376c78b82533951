"""The one module through which a job changes state and an allocation begins and ends.

Every function works on a connection inside the caller's transaction, compares before it sets, and returns what
it changed: calling it again changes nothing and returns nothing. The event is written by triggers in the same
transaction, with the actor, action and reason said here.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Literal

from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.request import JobRequest, storable
from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.faults import point
from jobwarden.backend.state import sql
from jobwarden.backend.state.records import FormerValue, LaunchOrder, Outcome, Placement, Started

MOST_ATTEMPTS = 20
"""How often a job is given out that never starts, before it counts as one that cannot be."""

EndCommand = Literal["cancel", "kill"]
"""What an operator may ask a worker to do to a running job."""


def submit(conn: Connection, requests: Sequence[JobRequest], actor: str) -> list[int]:
    """Insert the jobs as PENDING; their ids, in the order given."""
    if not requests:
        return []
    _say(conn, actor, "submit")
    ids = list(conn.scalars(sql.SUBMIT, {"rows": json.dumps([_request_row(request) for request in requests])}))
    point("submit", conn)
    return ids


def _request_row(request: JobRequest) -> dict[str, Any]:
    return {one.name: getattr(request, one.name) for one in fields(request)}


def resubmit(conn: Connection, job_id: int, actor: str, reason: str | None = None) -> int | None:
    """A new job like the final job ``job_id``, pointing back at it; None while that one is not final."""
    _say(conn, actor, "resubmit", reason or f"again from job {job_id}")
    new_id: int | None = conn.scalar(sql.RESUBMIT, {"job": job_id})
    return new_id


# Scheduler and worker -------------------------------------------------------------------------------------------


def allocate(conn: Connection, placements: Sequence[Placement]) -> list[tuple[int, int, str]]:
    """Grant resources: PENDING to RUNNING (*starting*). Returns (allocation id, job id, node) of those granted.

    Jobs that changed meanwhile, and workers that ended or drain, are left out. The database raises (JW003) when
    a node would be over capacity: then nothing is granted.
    """
    if not placements:
        return []
    columns = {
        "jobs": [p.job_id for p in placements],
        "nodes": [p.node_name for p in placements],
        "workers": [p.worker_id for p in placements],
    }
    _say(conn, "scheduler", "allocate")
    granted = [(row.id, row.job_id, row.node_name) for row in conn.execute(sql.GRANT, columns)]
    if granted:
        detail = {str(job): {"allocation_id": allocation} for allocation, job, _ in granted}
        _say(conn, "scheduler", "allocate", detail=detail)
        conn.execute(
            sql.MARK_ALLOCATED, {"jobs": [job for _, job, _ in granted], "nodes": [node for *_, node in granted]}
        )
    point("allocate", conn)
    return granted


def claim(conn: Connection, worker_id: int, allocation_ids: Sequence[int]) -> list[LaunchOrder]:
    """Take up allocations for launching, each once: a second message for one of them gets nothing."""
    if not allocation_ids:
        return []
    rows = conn.execute(sql.CLAIM, {"allocations": list(allocation_ids), "worker": worker_id})
    orders = [LaunchOrder(**row.asdict()) for row in rows]
    point("claim", conn)
    return orders


def commit_start(conn: Connection, worker_id: int, started: Sequence[Started], actor: str) -> set[int]:
    """Record the identities of shims waiting at their gates; the allocation ids whose gate may open.

    What is missing from the answer was cancelled, released or taken over meanwhile: its gate must stay shut.
    """
    if not started:
        return set()
    conn.execute(sql.LOCK_JOBS_OF, {"allocations": [s.allocation_id for s in started]})
    rows = list(
        conn.execute(sql.COMMIT_PIDS, {"started": json.dumps([asdict(s) for s in started]), "worker": worker_id})
    )
    detail = {str(row.job_id): {"allocation_id": row.id, "process_id": row.process_id} for row in rows}
    _say(conn, actor, "start", detail=detail)
    conn.execute(sql.MARK_STARTED, {"jobs": [row.job_id for row in rows]})
    point("commit-pid", conn)
    return {row.id for row in rows}


def finish(
    conn: Connection, outcomes: Sequence[Outcome], actor: str, action: str = "finish", reason: str | None = None
) -> set[int]:
    """RUNNING to final with the release and the event; the allocation ids recorded.

    The caller has proof that no process of the allocation lives. An allocation whose job somebody already made
    final is released all the same.
    """
    if not outcomes:
        return set()
    allocations = [outcome.allocation_id for outcome in outcomes]
    conn.execute(sql.LOCK_JOBS, {"jobs": [outcome.job_id for outcome in outcomes]})
    detail = {str(o.job_id): {"allocation_id": o.allocation_id, **o.evidence} for o in outcomes}
    _say(conn, actor, action, reason, detail)
    done = set(conn.scalars(sql.FINISH, {"outcomes": json.dumps([_outcome_row(o) for o in outcomes])}))
    point("finish", conn)
    released = list(conn.execute(sql.RELEASE, {"allocations": list(done)})) if done else []
    point("release", conn)
    if len(done) < len(allocations):
        _say(conn, actor, "release", "the job was already final and its processes are gone")
        released += conn.execute(sql.RELEASE_OF_FINAL_JOBS, {"allocations": allocations})
    conn.execute(sql.CLOSE_COMMANDS, {"jobs": [outcome.job_id for outcome in outcomes]})
    _lift_drains(conn, released, actor)
    return done


def requeue(
    conn: Connection, allocation_ids: Sequence[int], actor: str, reason: str, *, uncommitted: bool = False
) -> set[int]:
    """Back to PENDING, for allocations whose script provably never ran; the ids released.

    ``uncommitted``: the proof is that no process was committed, so it is asked for again here; without it the
    caller has another (the supervisor's own record). A cancel or kill that was waiting for the job is carried out
    instead.
    """
    if not allocation_ids:
        return set()
    conn.execute(sql.LOCK_JOBS_OF, {"allocations": list(allocation_ids)})
    _say(conn, actor, "requeue", reason)
    values = {"allocations": list(allocation_ids), "uncommitted": uncommitted}
    released = {row.id: row.job_id for row in conn.execute(sql.RELEASE_UNSTARTED, {**values, "running": True})}
    jobs = list(released.values())
    hopeless = list(conn.scalars(sql.TRIED_TOO_OFTEN, {"jobs": jobs, "most": MOST_ATTEMPTS}))
    conn.execute(sql.REQUEUE, {"jobs": [job for job in jobs if job not in hopeless]})
    for job in hopeless:
        _give_up(conn, job, actor, reason)
    point("requeue", conn)
    for command in list(conn.execute(sql.OPEN_COMMANDS, {"jobs": jobs})):
        end_unstarted(conn, [command.job_id], command.action, command.actor, command.reason)
    if len(released) < len(allocation_ids):
        _say(conn, actor, "release", "the job was already final and never started")
        released |= {row.id: row.job_id for row in conn.execute(sql.RELEASE_UNSTARTED, {**values, "running": False})}
    return set(released)


def adopt(conn: Connection, worker_id: int, allocation_ids: Sequence[int], actor: str) -> set[int]:
    """Make ``worker_id`` the owner of live allocations of a dead worker; the ids that changed hands."""
    if not allocation_ids:
        return set()
    rows = list(conn.execute(sql.ADOPT, {"allocations": list(allocation_ids), "worker": worker_id}))
    _note(conn, [row.job_id for row in rows], actor, "adopt", "process survived its worker", {"worker_id": worker_id})
    point("adopt", conn)
    return {row.id for row in rows}


def _give_up(conn: Connection, job_id: int, actor: str, reason: str) -> None:
    """End a job that was given out over and over and never started: it would go on so for ever."""
    _say(conn, actor, "finish", reason)
    message = f"was given out {MOST_ATTEMPTS} times and never started: {reason}"
    values = {"job": job_id, "failure_reason": FailureReason.LAUNCH_ERROR, "message": message}
    conn.execute(sql.FAIL, values)
    conn.execute(sql.CLOSE_COMMANDS, {"jobs": [job_id]})
    _say(conn, actor, "requeue", reason)


def mark_stuck(conn: Connection, allocation_id: int, actor: str, detail: str, *, drain: bool = True) -> bool:
    """Flag an allocation that cannot be ended, and drain its node; False when it was flagged already.

    ``drain`` False: the fault is not in the job's processes, so the node goes on.
    """
    detail = storable(detail)
    row = conn.execute(sql.MARK_STUCK, {"allocation": allocation_id, "detail": detail}).one_or_none()
    if row is None:
        return False
    _note(conn, [row.job_id], actor, "stuck", detail, {"allocation_id": allocation_id})
    if drain:
        set_drain(conn, row.node_name, True, actor, _unkillable(row.job_id))
    return True


def clear_stuck(conn: Connection, allocation_id: int, actor: str) -> bool:
    """Take back that an allocation is stuck, and the drain that followed from it; False when it was not."""
    row = conn.execute(sql.CLEAR_STUCK, {"allocation": allocation_id}).one_or_none()
    if row is None:
        return False
    _note(conn, [row.job_id], actor, "unstuck", None, {"allocation_id": allocation_id})
    _lift_drains(conn, [row], actor)
    return True


def _unkillable(job_id: int) -> str:
    """The reason of the drain that a stuck job brings about, by which it is known again."""
    return f"job {job_id} has unkillable processes"


def _lift_drains(conn: Connection, released: Iterable[Any], actor: str) -> None:
    """Give nodes back that were drained for what was stuck and is gone; another job that is stuck keeps its node so."""
    for row in released:
        if row.stuck is None:
            continue
        other = conn.scalar(sql.OTHER_STUCK, {"node": row.node_name, "job": row.job_id})
        reason = None if other is None else _unkillable(other)
        former = _unkillable(row.job_id)
        values = {"node": row.node_name, "drained": other is not None, "reason": reason, "former": former}
        if conn.scalar(sql.LIFT_DRAIN, values) is not None and other is None:
            note_node(conn, row.node_name, actor, "resume", f"the processes of job {row.job_id} are gone")


# Users and operators --------------------------------------------------------------------------------------------


def end_unstarted(
    conn: Connection, job_ids: Sequence[int], action: EndCommand, actor: str, reason: str | None
) -> set[int]:
    """End jobs that never ran: CANCELLED for a cancel, FAILED (OPERATOR) for a kill. Those that have a process stay.

    Returns the ids of the jobs that were ended.
    """
    conn.execute(sql.LOCK_JOBS, {"jobs": list(job_ids)})
    _say(conn, actor, action, reason)
    killed = action == "kill"
    values = {
        "jobs": list(job_ids),
        "state": JobState.FAILED if killed else JobState.CANCELLED,
        "failure_reason": FailureReason.OPERATOR if killed else None,
    }
    ended = set(conn.scalars(sql.END_UNSTARTED, values))
    if ended:
        _release_all(conn, ended)
        conn.execute(sql.CLOSE_COMMANDS, {"jobs": list(ended)})
    return ended


def request_end(
    conn: Connection, job_ids: Sequence[int], action: EndCommand, actor: str, reason: str | None
) -> set[int]:
    """Leave durable commands for the workers that own the running jobs; the jobs that got one.

    The others are not RUNNING, or have one that is open.
    """
    values = {"jobs": list(job_ids), "action": action, "actor": actor, "reason": reason}
    asked = set(conn.scalars(sql.REQUEST, values))
    _note(conn, sorted(asked), actor, f"{action}-requested", reason, {})
    return asked


def fail(
    conn: Connection,
    job_id: int,
    actor: str,
    reason: str | None,
    *,
    failure_reason: FailureReason = FailureReason.OPERATOR,
    release: bool,
) -> bool:
    """An operator's word: PENDING or RUNNING to FAILED. ``release`` only with proof that nothing of the job lives."""
    conn.execute(sql.LOCK_JOBS, {"jobs": [job_id]})
    _say(conn, actor, "mark-failed", reason, {"*": {"released": release}})
    values = {"job": job_id, "failure_reason": failure_reason, "message": reason or "marked failed by an operator"}
    if conn.scalar(sql.FAIL, values) is None:
        return False
    if release:
        _release_all(conn, [job_id])
    conn.execute(sql.CLOSE_COMMANDS, {"jobs": [job_id]})
    return True


def release(conn: Connection, job_id: int, actor: str, reason: str | None) -> bool:
    """End the allocation that a final job still holds. False when there is none, or the job is not final."""
    conn.execute(sql.LOCK_JOBS, {"jobs": [job_id]})
    live = conn.execute(sql.LIVE_ALLOCATIONS, {"jobs": [job_id]}).all()
    held = [row.id for row in live if JobState(row.state).final]
    if not held:
        return False
    _say(conn, actor, "release", reason or "released by an operator")
    released = conn.execute(sql.RELEASE_OF_FINAL_JOBS, {"allocations": held}).all()
    _lift_drains(conn, released, actor)
    return bool(released)


def set_held(conn: Connection, job_ids: Sequence[int], held: bool, actor: str, reason: str | None) -> set[int]:
    """Hold PENDING jobs back from the scheduler, or end that; the ids of those that were not so already."""
    conn.execute(sql.LOCK_JOBS, {"jobs": list(job_ids)})
    _say(conn, actor, "hold" if held else "unhold", reason)
    return set(conn.scalars(sql.SET_HELD, {"jobs": list(job_ids), "held": held}))


def set_priority(
    conn: Connection, job_ids: Sequence[int], priority: int, actor: str, reason: str | None
) -> dict[int, int]:
    """Move PENDING jobs in the queue; higher runs first. Returns the jobs that changed, with the priority each had."""
    conn.execute(sql.LOCK_JOBS, {"jobs": list(job_ids)})
    _say(conn, actor, "priority", reason, {"*": {"priority": priority}})
    rows = conn.execute(sql.SET_PRIORITY, {"jobs": list(job_ids), "priority": priority})
    return {row.id: row.priority for row in rows}


def set_drain(
    conn: Connection, node_name: str, drained: bool, actor: str, reason: str | None
) -> FormerValue[str | None] | None:
    """Drain a node (running jobs go on, no new ones come) or resume it.

    Returns the reason its drain had, if any; None when it was so already.
    """
    values = {"node": node_name, "drained": drained, "reason": reason if drained else None}
    row = conn.execute(sql.SET_DRAIN, values).one_or_none()
    if row is None:
        return None
    note_node(conn, node_name, actor, "drain" if drained else "resume", reason)
    return FormerValue(row.drain_reason)


def note_node(
    conn: Connection,
    node_name: str,
    actor: str,
    action: str,
    reason: str | None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write an event about a node or its worker rather than about a job."""
    body = json.dumps({"node_name": node_name, **(detail or {})})
    conn.execute(sql.NOTE_NODE, {"actor": actor, "action": action, "reason": reason, "detail": body})


# ----------------------------------------------------------------------------------------------------------------


def _say(
    conn: Connection,
    actor: str,
    action: str,
    reason: str | None = None,
    detail: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Tell the audit triggers, for the rest of the transaction, who does what and why."""
    conn.execute(
        sql.SAY, {"actor": actor, "action": action, "reason": reason or "", "detail": json.dumps(detail or {})}
    )


def _note(
    conn: Connection, jobs: Sequence[int], actor: str, action: str, reason: str | None, detail: Mapping[str, Any]
) -> None:
    """Write an event that goes with no change of the job's row."""
    values = {"jobs": list(jobs), "actor": actor, "action": action, "reason": reason, "detail": json.dumps(detail)}
    if jobs:
        conn.execute(sql.NOTE, values)


def _release_all(conn: Connection, job_ids: Iterable[int]) -> None:
    live: Iterable[Any] = conn.execute(sql.LIVE_ALLOCATIONS, {"jobs": list(job_ids)})
    conn.execute(sql.RELEASE, {"allocations": [row.id for row in live]})


def _outcome_row(outcome: Outcome) -> dict[str, Any]:
    row = {name: getattr(outcome, name) for name in Outcome.__slots__ if name != "evidence"}
    return {**row, "error_msg": None if outcome.error_msg is None else storable(outcome.error_msg)}
