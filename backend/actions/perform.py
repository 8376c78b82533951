"""Plan and perform an action of the table: the one way in for the command line and the dashboard."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from backend.actions.ending import end_jobs
from backend.actions.records import Context, ItemResult, Plan, Progress, Victim, done, nothing, refused
from backend.actions.table import ACTIONS, Action
from backend.actions.takeover import Deed, take_over, would
from backend.anomalies import detect
from backend.anomalies.attempts import LIVE_OF_JOBS, Attempt, read_attempts
from backend.anomalies.evidence import Look
from backend.anomalies.strays import Scanner
from backend.domain.states import JobState, WorkerState
from backend.process.identity import Liveness
from backend.process.procfs import command_line
from backend.readmodel.jobs import read_jobs
from backend.readmodel.records import JobRow
from backend.readmodel.workers import read_workers
from backend.state import machine

__all__ = ["Context", "ItemResult", "Plan", "Progress", "Victim", "perform", "plan"]

NO_SUCH_JOB = "does not exist"


def plan(ctx: Context, name: str, ids: Sequence[int], force: bool = False) -> Plan:
    """What ``perform`` would do now; writes nothing."""
    with ctx.engine.connect() as conn:
        if name == "clean":
            return _plan_clean(conn, ctx, ids)
        action, jobs = ACTIONS[name], _jobs(conn, ids)
        against = _evidence_against(conn, name, list(jobs.values()))
    planned = Plan()
    for job_id in dict.fromkeys(ids):
        job = jobs.get(job_id)
        objection = NO_SUCH_JOB if job is None else action.already(job) or action.applies(job)
        if objection is None and not force:
            objection = against.get(job_id)
        if objection is not None or job is None:
            planned.ineligible.append((job_id, objection or NO_SUCH_JOB))
        else:
            planned.eligible.append(_victim(job, action))
    return planned


def perform(
    ctx: Context,
    name: str,
    ids: Sequence[int],
    reason: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
    value: int | None = None,
) -> list[ItemResult]:
    """Do it, job by job, each in its own transaction; a result for every id, in their order.

    Every job is judged again at the moment it is acted on, whatever a plan said. ``value`` is the number that
    ``priority`` sets. Raises only when the database cannot be reached.
    """
    tell = progress or (lambda _: None)
    ids = list(dict.fromkeys(ids))
    if name == "clean":
        results = _clean(ctx, ids, reason, tell)
    elif name in ("cancel", "kill"):
        results = _end(ctx, name, ids, reason, tell)
    else:
        results = [_one(ctx, name, job_id, reason, force, value) for job_id in ids]
    by_id = {result.job_id: result for result in results}
    return [by_id[job_id] for job_id in ids]


def _jobs(conn: Connection, ids: Sequence[int]) -> dict[int, JobRow]:
    return {job.id: job for job in read_jobs(conn, list(ids))}


def _victim(job: JobRow, action: Action) -> Victim:
    cmdline = command_line(job.process_id) if job.process_id is not None and not job.state.final else ""
    # The pid may be of another host: only a command line that names the job is this job's.
    shown = cmdline if f"job_{job.id}.sh" in cmdline else ""
    return Victim(job.id, job.name, job.node_name, job.process_id, shown, action.happens)


def _plan_clean(conn: Connection, ctx: Context, ids: Sequence[int]) -> Plan:
    rows = {row.job_id: row for row in reversed(detect.find(conn, ctx.settings, Scanner()))}
    planned = Plan()
    for job_id in dict.fromkeys(ids):
        row = rows.get(job_id)
        if row is None:
            planned.ineligible.append((job_id, "is no anomaly: nothing to do"))
        else:
            what = would(row.kind, row.detail)
            planned.eligible.append(Victim(job_id, row.job_name, row.node_name, row.process_id, row.cmdline, what))
    return planned


def _clean(ctx: Context, ids: Sequence[int], reason: str | None, tell: Progress) -> list[ItemResult]:
    with ctx.engine.connect() as conn:
        found = {
            row.allocation_id: row.job_id for row in detect.find(conn, ctx.settings, Scanner()) if row.allocation_id
        }
    wanted = [allocation for allocation, job_id in found.items() if job_id in set(ids)]
    results = {r.job_id: r for r in take_over(ctx, wanted, Deed("clean", reason), tell)}
    return [results.get(job_id) or nothing(job_id, "is no anomaly: nothing to do") for job_id in ids]


def _end(ctx: Context, name: str, ids: Sequence[int], reason: str | None, tell: Progress) -> list[ItemResult]:
    results, rest = [], []
    with ctx.engine.connect() as conn:
        jobs = _jobs(conn, ids)
    for job_id in ids:
        job = jobs.get(job_id)
        if job is None:
            results.append(refused(job_id, NO_SUCH_JOB))
        elif job.state.final:
            results.append(nothing(job_id, ACTIONS[name].already(job) or "nothing to do"))
        else:
            rest.append(job_id)
    return results + end_jobs(ctx, name, rest, reason, tell)


def _evidence_against(conn: Connection, name: str, jobs: Sequence[JobRow]) -> dict[int, str]:
    """Jobs that evidence protects from being marked failed or released, with the words that say so."""
    if name not in ("mark-failed", "release"):
        return {}
    look, against = Look(), {}
    for attempt in read_attempts(conn, LIVE_OF_JOBS, ids=[job.id for job in jobs]):
        evidence = look.at(attempt)
        if evidence.alive is Liveness.ALIVE:
            against[attempt.job_id] = f"is alive (pid {evidence.pids[0]}): kill it, or use force"
        elif evidence.alive is Liveness.UNKNOWN:
            against[attempt.job_id] = f"may be alive on host {attempt.hostname}: act there, or use force"
    return against


def _one(ctx: Context, name: str, job_id: int, reason: str | None, force: bool, value: int | None) -> ItemResult:
    try:
        with ctx.engine.begin() as conn:
            return _judge_and_do(conn, ctx, name, job_id, reason, force, value)
    except DBAPIError as exc:
        if not str(getattr(exc.orig, "pgcode", None)).startswith("JW"):
            raise
        return refused(job_id, str(exc.orig).splitlines()[0])


def _judge_and_do(
    conn: Connection, ctx: Context, name: str, job_id: int, reason: str | None, force: bool, value: int | None
) -> ItemResult:
    job = _jobs(conn, [job_id]).get(job_id)
    if job is None:
        return refused(job_id, NO_SUCH_JOB)
    if already := ACTIONS[name].already(job):
        return nothing(job_id, already)
    objection = ACTIONS[name].applies(job)
    if objection is None and not force:
        objection = _evidence_against(conn, name, [job]).get(job_id)
    if objection is not None:
        return refused(job_id, objection)
    return DO[name](conn, ctx, job, reason, value)


def _mark_failed(conn: Connection, ctx: Context, job: JobRow, reason: str | None, _: int | None) -> ItemResult:
    live = read_attempts(conn, LIVE_OF_JOBS, ids=[job.id])
    proven = all(_provably_gone(conn, ctx, attempt) for attempt in live)
    if not machine.fail(conn, job.id, ctx.actor, reason, release=proven):
        return nothing(job.id, "has ended meanwhile: nothing to do")
    return done(job.id, "FAILED" if proven else "FAILED; its resources stay taken until they are released")


def _provably_gone(conn: Connection, ctx: Context, attempt: Attempt) -> bool:
    """Without a committed process a live worker may be about to commit one: then the worker has the last word."""
    if attempt.started:
        return Look().at(attempt).alive is Liveness.GONE
    owners = read_workers(conn, ctx.settings.lease_seconds)
    return all(w.state is WorkerState.DEAD for w in owners if w.id == attempt.worker_id)


def _release(conn: Connection, ctx: Context, job: JobRow, reason: str | None, _: int | None) -> ItemResult:
    if not machine.release(conn, job.id, ctx.actor, reason):
        return nothing(job.id, "holds nothing: nothing to do")
    return done(job.id, "released")


def _resubmit(conn: Connection, ctx: Context, job: JobRow, reason: str | None, _: int | None) -> ItemResult:
    new_id = machine.resubmit(conn, job.id, ctx.actor, reason)
    return refused(job.id, "is not finished") if new_id is None else done(job.id, f"submitted again as job {new_id}")


def _hold(conn: Connection, ctx: Context, job: JobRow, reason: str | None, _: int | None) -> ItemResult:
    return _changed(job, machine.set_held(conn, job.id, True, ctx.actor, reason), "held")


def _unhold(conn: Connection, ctx: Context, job: JobRow, reason: str | None, _: int | None) -> ItemResult:
    return _changed(job, machine.set_held(conn, job.id, False, ctx.actor, reason), "may start")


def _priority(conn: Connection, ctx: Context, job: JobRow, reason: str | None, value: int | None) -> ItemResult:
    if value is None or value == job.priority:
        return nothing(job.id, f"has priority {job.priority} already: nothing to do")
    return _changed(
        job, machine.set_priority(conn, job.id, value, ctx.actor, reason), f"priority {job.priority} > {value}"
    )


def _changed(job: JobRow, changed: bool, message: str) -> ItemResult:
    if changed:
        return done(job.id, message)
    return refused(job.id, f"is not {JobState.PENDING} any more")


Doing = Callable[[Connection, Context, JobRow, str | None, int | None], ItemResult]
DO: dict[str, Doing] = {
    "mark-failed": _mark_failed,
    "release": _release,
    "resubmit": _resubmit,
    "hold": _hold,
    "unhold": _unhold,
    "priority": _priority,
}
