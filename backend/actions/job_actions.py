"""Actions on jobs, each judged at that moment and done with its event: one by one, or PENDING ones in pieces."""

from collections.abc import Callable, Mapping, Sequence

from jobwarden.backend.actions.admission import admit
from jobwarden.backend.actions.catalog import ACTIONS
from jobwarden.backend.actions.results import NO_SUCH_JOB, Context, ItemResult, Undo, done, nothing, refused
from jobwarden.backend.anomalies.attempts import LIVE_OF_JOBS, Attempt, read_attempts
from jobwarden.backend.anomalies.evidence import HostSurvey
from jobwarden.backend.database.driver import Connection, DatabaseError
from jobwarden.backend.database.engine import first_line
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.domain.units import name_processes
from jobwarden.backend.errors import InputError
from jobwarden.backend.process.identity import Liveness
from jobwarden.backend.queries.jobs import read_jobs
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.workers import read_workers
from jobwarden.backend.state import machine


def evidence_against(conn: Connection, name: str, jobs: Sequence[JobRow]) -> dict[int, str]:
    """Jobs that evidence protects from being marked failed or released, with the words that say so."""
    if not ACTIONS[name].forcible:
        return {}
    look, against = HostSurvey(), {}
    for attempt in read_attempts(conn, LIVE_OF_JOBS, ids=[job.id for job in jobs]):
        evidence = look.at(attempt)
        if evidence.alive is Liveness.ALIVE:
            who = name_processes(evidence.pids[:1], attempt.process_id)
            against[attempt.job_id] = f"is alive ({who}): kill it, or use force"
        elif evidence.alive is Liveness.UNKNOWN:
            against[attempt.job_id] = f"may be alive on host {attempt.hostname}: act there, or use force"
    return against


def act_on_one(ctx: Context, name: str, job_id: int, reason: str | None, force: bool) -> ItemResult:
    try:
        with ctx.engine.begin() as conn:
            return _judge_and_do(conn, ctx, name, job_id, reason, force)
    except DatabaseError as exc:
        return refused(job_id, refusal(exc))


def refusal(exc: DatabaseError) -> str:
    """What a rule of the database said against a change. Raises ``exc`` when it was something else that failed."""
    if not str(exc.code).startswith("JW"):
        raise exc
    return first_line(exc)


def _judge_and_do(
    conn: Connection, ctx: Context, name: str, job_id: int, reason: str | None, force: bool
) -> ItemResult:
    job = next(iter(read_jobs(conn, [job_id])), None)
    if job is None:
        return refused(job_id, NO_SUCH_JOB)
    if already := ACTIONS[name].already(job):
        return nothing(job_id, already)
    objection = ACTIONS[name].applies(job)
    if objection is None and not force:
        objection = evidence_against(conn, name, [job]).get(job_id)
    if objection is not None:
        return refused(job_id, objection)
    return DO[name](conn, ctx, job, reason)


def _mark_failed(conn: Connection, ctx: Context, job: JobRow, reason: str | None) -> ItemResult:
    live = read_attempts(conn, LIVE_OF_JOBS, ids=[job.id])
    proven = all(_provably_gone(conn, ctx, attempt) for attempt in live)
    if not machine.fail(conn, job.id, ctx.actor, reason, release=proven):
        return nothing(job.id, "has ended meanwhile: nothing to do")
    return done(job.id, "FAILED" if proven else "FAILED; its resources stay taken until they are released")


def _provably_gone(conn: Connection, ctx: Context, attempt: Attempt) -> bool:
    """Without a committed process a live worker may be about to commit one: then the worker has the last word."""
    if attempt.started:
        return HostSurvey().at(attempt).alive is Liveness.GONE
    owners = read_workers(conn)
    return all(w.state is WorkerState.DEAD for w in owners if w.id == attempt.worker_id)


def _release(conn: Connection, ctx: Context, job: JobRow, reason: str | None) -> ItemResult:
    if not machine.release(conn, job.id, ctx.actor, reason):
        return nothing(job.id, "holds nothing: nothing to do")
    return done(job.id, "released")


def _resubmit(conn: Connection, ctx: Context, job: JobRow, reason: str | None) -> ItemResult:
    try:
        warnings = admit(conn, [job])
    except InputError as exc:
        return refused(job.id, f"cannot be submitted again: {exc}")
    new_id = machine.resubmit(conn, job.id, ctx.actor, reason)
    if new_id is None:
        return refused(job.id, "is not finished")
    return done(job.id, "; ".join((f"submitted again as job {new_id}", *warnings)))


JobActionFunction = Callable[[Connection, Context, JobRow, str | None], ItemResult]
DO: dict[str, JobActionFunction] = {
    "mark-failed": _mark_failed,
    "release": _release,
    "resubmit": _resubmit,
}


# Hold, unhold and priority: what is done to PENDING jobs, a whole piece of them in one transaction.

QueueResults = Mapping[int, ItemResult]
"""Job -> its result, for those that were changed."""
QueueChange = Callable[[Connection, Context, Sequence[int], str | None, int | None], QueueResults]


def act_on_queued(
    ctx: Context, name: str, ids: Sequence[int], reason: str | None, value: int | None
) -> list[ItemResult]:
    """Judge the jobs at this moment and change those that fit; one result for each.

    A job that somebody changed in between says so for itself. What a rule of the database has against one of them
    stops none of the others.
    """
    try:
        with ctx.engine.begin() as conn:
            return _judge_and_do_all(conn, ctx, name, ids, reason, value)
    except DatabaseError as exc:
        said = refusal(exc)
    if len(ids) == 1:
        return [refused(ids[0], said)]
    return [result for job_id in ids for result in act_on_queued(ctx, name, [job_id], reason, value)]


def _judge_and_do_all(
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


def _hold(conn: Connection, ctx: Context, ids: Sequence[int], reason: str | None, _: int | None) -> QueueResults:
    held = machine.set_held(conn, ids, True, ctx.actor, reason)
    return {job_id: done(job_id, "held", Undo("unhold")) for job_id in held}


def _unhold(conn: Connection, ctx: Context, ids: Sequence[int], reason: str | None, _: int | None) -> QueueResults:
    free = machine.set_held(conn, ids, False, ctx.actor, reason)
    return {job_id: done(job_id, "may start", Undo("hold")) for job_id in free}


def _priority(
    conn: Connection, ctx: Context, ids: Sequence[int], reason: str | None, value: int | None
) -> QueueResults:
    assert value is not None
    former = machine.set_priority(conn, ids, value, ctx.actor, reason)
    return {job_id: done(job_id, f"priority {was} > {value}", Undo("priority", was)) for job_id, was in former.items()}


CHANGE: dict[str, QueueChange] = {"hold": _hold, "unhold": _unhold, "priority": _priority}
