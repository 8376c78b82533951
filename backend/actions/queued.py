"""Hold, unhold and priority: what is done to PENDING jobs, a whole piece of them in one transaction."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from backend.actions.records import NO_SUCH_JOB, Context, ItemResult, Undo, done, nothing, refused
from backend.actions.single import refusal
from backend.actions.table import ACTIONS
from backend.readmodel.jobs import read_jobs
from backend.readmodel.records import JobRow
from backend.state import machine

Results = Mapping[int, ItemResult]
"""Job -> its result, for those that were changed."""
Change = Callable[[Connection, Context, Sequence[int], str | None, int | None], Results]


def act_on_queued(
    ctx: Context, name: str, ids: Sequence[int], reason: str | None, value: int | None
) -> list[ItemResult]:
    """Judge the jobs at this moment and change those that fit; one result for each.

    A job that somebody changed in between says so for itself. What a rule of the database has against one of them
    stops none of the others.
    """
    try:
        with ctx.engine.begin() as conn:
            return _judge_and_do(conn, ctx, name, ids, reason, value)
    except DBAPIError as exc:
        said = refusal(exc)
    if len(ids) == 1:
        return [refused(ids[0], said)]
    return [result for job_id in ids for result in act_on_queued(ctx, name, [job_id], reason, value)]


def _judge_and_do(
    conn: Connection, ctx: Context, name: str, ids: Sequence[int], reason: str | None, value: int | None
) -> list[ItemResult]:
    jobs = {job.id: job for job in read_jobs(conn, ids)}
    results = {job_id: _judge(name, job_id, jobs.get(job_id), value) for job_id in ids}
    fit = [job_id for job_id, objection in results.items() if objection is None]
    changed = CHANGE[name](conn, ctx, fit, reason, value) if fit else {}
    return [
        result or changed.get(job_id) or refused(job_id, "was changed by somebody else meanwhile")
        for job_id, result in results.items()
    ]


def _judge(name: str, job_id: int, job: JobRow | None, value: int | None) -> ItemResult | None:
    """Why nothing is done to a job; None when it fits."""
    if job is None:
        return refused(job_id, NO_SUCH_JOB)
    if already := ACTIONS[name].already(job):
        return nothing(job_id, already)
    if objection := ACTIONS[name].applies(job):
        return refused(job_id, objection)
    if name == "priority" and value in (None, job.priority):
        return nothing(job_id, f"has priority {job.priority} already: nothing to do")
    return None


def _hold(conn: Connection, ctx: Context, ids: Sequence[int], reason: str | None, _: int | None) -> Results:
    held = machine.set_held(conn, ids, True, ctx.actor, reason)
    return {job_id: done(job_id, "held", Undo("unhold")) for job_id in held}


def _unhold(conn: Connection, ctx: Context, ids: Sequence[int], reason: str | None, _: int | None) -> Results:
    free = machine.set_held(conn, ids, False, ctx.actor, reason)
    return {job_id: done(job_id, "may start", Undo("hold")) for job_id in free}


def _priority(conn: Connection, ctx: Context, ids: Sequence[int], reason: str | None, value: int | None) -> Results:
    assert value is not None
    former = machine.set_priority(conn, ids, value, ctx.actor, reason)
    return {job_id: done(job_id, f"priority {was} > {value}", Undo("priority", was)) for job_id, was in former.items()}


CHANGE: dict[str, Change] = {"hold": _hold, "unhold": _unhold, "priority": _priority}
