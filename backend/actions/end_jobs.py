"""Cancel and kill: at once when nothing runs, by the worker that owns the job, or from here when that is dead."""

import time
from collections.abc import Iterable, Mapping, Sequence

from jobwarden.backend.actions.results import Context, ItemResult, ResultTally, done, nothing, refused
from jobwarden.backend.actions.takeover import AuditedAction, take_over
from jobwarden.backend.anomalies.attempts import LIVE_OF_JOBS, Attempt, read_attempts
from jobwarden.backend.anomalies.detect import SLACK_SECONDS, dead_ids
from jobwarden.backend.domain.states import JobState, with_message
from jobwarden.backend.process.exit_status import EndCause
from jobwarden.backend.queries.jobs import read_jobs
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.workers import read_workers
from jobwarden.backend.state import machine
from jobwarden.backend.state.machine import EndCommand

CAUSES: dict[str, EndCause] = {"cancel": EndCause.CANCELLED, "kill": EndCause.KILLED}
_POLL_SECONDS = 0.1


def end_jobs(ctx: Context, name: str, ids: Iterable[Sequence[int]], reason: str | None, tally: ResultTally) -> None:
    """End jobs that were not final a moment ago; waits, in bounds, until their workers are done.

    ``ids`` come in pieces, and a stop is heeded between two of them and while waiting.
    """
    action: EndCommand = "kill" if name == "kill" else "cancel"
    here: list[int] = []
    asked: dict[int, bool] = {}
    for piece in ids:
        running = _end_unstarted(ctx, action, piece, reason, tally)
        mine, theirs = _ask_workers(ctx, action, running, reason, tally)
        here += mine
        asked |= theirs
    take_over(ctx, here, AuditedAction(action, reason, CAUSES[action]), tally)
    _wait(ctx, asked, tally)


def _end_unstarted(
    ctx: Context, action: EndCommand, ids: Sequence[int], reason: str | None, tally: ResultTally
) -> list[int]:
    """End what has no process yet; the others."""
    if not ids or tally.stop_asked():
        return []
    with ctx.engine.begin() as conn:
        ended = machine.end_unstarted(conn, ids, action, ctx.actor, reason)
    tally.extend(done(job_id, f"{_final_state(action)}: it had not started") for job_id in ids if job_id in ended)
    return [job_id for job_id in ids if job_id not in ended]


def _final_state(action: EndCommand) -> JobState:
    return JobState.FAILED if action == "kill" else JobState.CANCELLED


def _ask_workers(
    ctx: Context, action: EndCommand, ids: Sequence[int], reason: str | None, tally: ResultTally
) -> tuple[list[int], dict[int, bool]]:
    """Leave a command for each job that this host cannot end.

    Returns the allocations to end here, and the jobs to wait for: False for one that somebody else asked for before,
    or has ended.
    """
    if not ids:
        return [], {}
    with ctx.engine.connect() as conn:
        dead = set(dead_ids(read_workers(conn)))
        attempts = {a.job_id: a for a in read_attempts(conn, LIVE_OF_JOBS, ids=list(ids))}
    lost = {job_id: a for job_id, a in attempts.items() if a.worker_id in dead}
    here = [a.allocation_id for a in lost.values() if a.here]
    by_worker = [job_id for job_id in ids if job_id not in lost or not lost[job_id].here]
    with ctx.engine.begin() as conn:
        asked = machine.request_end(conn, by_worker, action, ctx.actor, reason)
    tally.extend(_queued(lost[job_id]) for job_id in by_worker if job_id in lost)
    return here, {job_id: job_id in asked for job_id in by_worker if job_id not in lost}


def _queued(attempt: Attempt) -> ItemResult:
    return refused(
        attempt.job_id,
        f"worker {attempt.worker_id} of {attempt.node_name} is dead: asked for, done when a worker is back on host"
        f" {attempt.hostname}",
    )


def _wait(ctx: Context, asked: Mapping[int, bool], tally: ResultTally) -> None:
    """Wait until the workers have ended the jobs, at most for the grace and what KILL may take."""
    waiting = list(asked)
    deadline = time.monotonic() + ctx.settings.kill_grace_seconds + SLACK_SECONDS
    while waiting and time.monotonic() < deadline:
        with ctx.engine.connect() as conn:
            ended = [job for job in read_jobs(conn, waiting) if job.state is not JobState.RUNNING]
        tally.extend(_ended(job, asked[job.id]) for job in ended)
        gone = {job.id for job in ended}
        waiting = [job_id for job_id in waiting if job_id not in gone]
        if waiting and tally.stop_asked():
            break
        if waiting:
            tally.say(f"waiting for {len(waiting)} to end")
            time.sleep(_POLL_SECONDS)
    why = "not waited for any longer" if tally.stopped else "but has not ended it yet"
    tally.extend(refused(job_id, f"its worker was asked, {why}") for job_id in waiting)


def _ended(job: JobRow, by_us: bool) -> ItemResult:
    if job.state is JobState.PENDING:
        return refused(job.id, "went back to PENDING meanwhile: try again")
    if not by_us:
        return nothing(job.id, f"became {job.state} meanwhile, not by this request: nothing to do")
    result = nothing if job.state is JobState.COMPLETED else done
    return result(job.id, with_message(job.state, job.error_msg))
