"""Actions on one job in one transaction: judged at that moment, then done with its event."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from backend.actions.admission import admit
from backend.actions.records import NO_SUCH_JOB, Context, ItemResult, done, nothing, refused
from backend.actions.table import ACTIONS
from backend.anomalies.attempts import LIVE_OF_JOBS, Attempt, read_attempts
from backend.anomalies.evidence import Look
from backend.domain.pids import name_processes
from backend.domain.states import WorkerState
from backend.errors import InputError
from backend.process.identity import Liveness
from backend.readmodel.jobs import read_jobs
from backend.readmodel.records import JobRow
from backend.readmodel.workers import read_workers
from backend.state import machine


def evidence_against(conn: Connection, name: str, jobs: Sequence[JobRow]) -> dict[int, str]:
    """Jobs that evidence protects from being marked failed or released, with the words that say so."""
    if name not in ("mark-failed", "release"):
        return {}
    look, against = Look(), {}
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
    except DBAPIError as exc:
        return refused(job_id, refusal(exc))


def refusal(exc: DBAPIError) -> str:
    """What a rule of the database said against a change. Raises ``exc`` when it was something else that failed."""
    if not str(getattr(exc.orig, "pgcode", None)).startswith("JW"):
        raise exc
    return str(exc.orig).splitlines()[0]


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
        return Look().at(attempt).alive is Liveness.GONE
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


Doing = Callable[[Connection, Context, JobRow, str | None], ItemResult]
DO: dict[str, Doing] = {
    "mark-failed": _mark_failed,
    "release": _release,
    "resubmit": _resubmit,
}
