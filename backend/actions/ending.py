"""Cancel and kill: at once when nothing runs, by the worker that owns the job, or from here when that is dead."""

import time
from collections.abc import Sequence

from backend.actions.records import Context, ItemResult, Progress, done, nothing, refused
from backend.actions.takeover import Deed, take_over
from backend.anomalies.attempts import LIVE_OF_JOBS, Attempt, read_attempts
from backend.anomalies.detect import SLACK_SECONDS, dead_ids
from backend.domain.states import JobState
from backend.process.outcome import EndCause
from backend.readmodel.jobs import read_jobs
from backend.readmodel.records import JobRow
from backend.readmodel.workers import read_workers
from backend.state import machine
from backend.state.machine import Command

CAUSES: dict[str, EndCause] = {"cancel": EndCause.CANCELLED, "kill": EndCause.KILLED}
_POLL_SECONDS = 0.1


def end_jobs(ctx: Context, name: str, ids: Sequence[int], reason: str | None, tell: Progress) -> list[ItemResult]:
    """End jobs that were not final a moment ago; waits, in bounds, until their workers are done."""
    action: Command = "kill" if name == "kill" else "cancel"
    results: list[ItemResult] = []
    running: list[int] = []
    for job_id in ids:
        with ctx.engine.begin() as conn:
            if machine.end_unstarted(conn, job_id, action, ctx.actor, reason):
                results.append(done(job_id, f"{_final_state(action)}: it had not started"))
            else:
                running.append(job_id)
    return results + _end_running(ctx, action, running, reason, tell)


def _final_state(action: Command) -> JobState:
    return JobState.FAILED if action == "kill" else JobState.CANCELLED


def _end_running(
    ctx: Context, action: Command, ids: Sequence[int], reason: str | None, tell: Progress
) -> list[ItemResult]:
    if not ids:
        return []
    with ctx.engine.connect() as conn:
        dead = set(dead_ids(read_workers(conn, ctx.settings.lease_seconds)))
        attempts = {a.job_id: a for a in read_attempts(conn, LIVE_OF_JOBS, ids=list(ids))}
    here = [a.allocation_id for a in attempts.values() if a.worker_id in dead and a.here]
    by_worker = [job_id for job_id in ids if job_id not in attempts or attempts[job_id].allocation_id not in here]
    for job_id in by_worker:
        with ctx.engine.begin() as conn:
            machine.request_end(conn, job_id, action, ctx.actor, reason)
    results = take_over(ctx, here, Deed(action, reason, CAUSES[action]), tell)
    lost = [job_id for job_id in by_worker if job_id in attempts and attempts[job_id].worker_id in dead]
    results += [_queued(attempts[job_id]) for job_id in lost]
    return results + _wait(ctx, [job_id for job_id in by_worker if job_id not in lost], tell)


def _queued(attempt: Attempt) -> ItemResult:
    return refused(
        attempt.job_id,
        f"worker {attempt.worker_id} of {attempt.node_name} is dead: asked for, done when a worker is back on host"
        f" {attempt.hostname}",
    )


def _wait(ctx: Context, ids: Sequence[int], tell: Progress) -> list[ItemResult]:
    """Wait until the workers have ended the jobs, at most for the grace and what KILL may take."""
    waiting, results = list(ids), []
    deadline = time.monotonic() + ctx.settings.kill_grace_seconds + SLACK_SECONDS
    while waiting and time.monotonic() < deadline:
        with ctx.engine.connect() as conn:
            ended = [job for job in read_jobs(conn, waiting) if job.state is not JobState.RUNNING]
        results += [_ended(job) for job in ended]
        waiting = [job_id for job_id in waiting if job_id not in {job.id for job in ended}]
        if waiting:
            tell(f"waiting for {len(waiting)} to end")
            time.sleep(_POLL_SECONDS)
    return results + [refused(job_id, "its worker was asked but has not ended it yet") for job_id in waiting]


def _ended(job: JobRow) -> ItemResult:
    if job.state is JobState.PENDING:
        return refused(job.id, "went back to PENDING meanwhile: try again")
    result = nothing if job.state is JobState.COMPLETED else done
    return result(job.id, f"{job.state}{f': {job.error_msg}' if job.error_msg else ''}")
