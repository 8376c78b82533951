"""Plan and perform an action of the table: the one way in for the command line and the dashboard."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from backend.actions.ending import end_jobs
from backend.actions.records import (
    Cancelled,
    Context,
    ItemResult,
    Plan,
    Progress,
    Step,
    Undo,
    Victim,
    done,
    nothing,
    refused,
)
from backend.actions.scope import LEFT_THE_FILTER, Scope, Targets, as_scope, find_ids, still_matching
from backend.actions.table import ACTIONS, Action
from backend.actions.takeover import Deed, take_over, would
from backend.actions.tally import Tally, pieces
from backend.anomalies import detect
from backend.anomalies.attempts import LIVE_OF_JOBS, Attempt, read_attempts
from backend.anomalies.evidence import Look
from backend.anomalies.strays import Scanner
from backend.domain.states import WorkerState
from backend.process.identity import Liveness
from backend.process.procfs import command_line
from backend.readmodel.export import existing_jobs
from backend.readmodel.jobs import read_jobs
from backend.readmodel.records import AnomalyRow, JobRow
from backend.readmodel.workers import read_workers
from backend.state import machine

__all__ = ["Context", "ItemResult", "Plan", "Progress", "Scope", "Step", "Undo", "Victim", "perform", "plan"]

NO_SUCH_JOB = "does not exist"
NO_ANOMALY = "is no anomaly: nothing to do"


def plan(ctx: Context, name: str, targets: Targets, force: bool = False) -> Plan:
    """What ``perform`` would do now; writes nothing. Raises InputError for a filter that says nothing sensible."""
    scope = as_scope(targets)
    with ctx.engine.connect() as conn:
        if name == "clean":
            return _plan_clean(conn, ctx, scope)
        ids = find_ids(conn, scope)
        matching = still_matching(conn, scope, ids) if scope.ids else set(ids)
        planned = Plan()
        for piece in pieces(ids):
            _plan_piece(conn, ACTIONS[name], piece, matching, force, planned)
        return planned


def _plan_piece(
    conn: Connection, action: Action, ids: Sequence[int], matching: Container[int], force: bool, planned: Plan
) -> None:
    jobs = _jobs(conn, ids)
    against = {} if force else _evidence_against(conn, action.name, list(jobs.values()))
    for job_id in ids:
        job = jobs.get(job_id)
        if job is None:
            planned.ineligible.append((job_id, NO_SUCH_JOB))
        elif job_id not in matching:
            planned.ineligible.append((job_id, LEFT_THE_FILTER))
        elif objection := action.already(job) or action.applies(job) or against.get(job_id):
            planned.ineligible.append((job_id, objection))
        else:
            planned.eligible.append(_victim(job, action))


def perform(
    ctx: Context,
    name: str,
    targets: Targets,
    reason: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
    *,
    cancelled: Cancelled | None = None,
    value: int | None = None,
) -> list[ItemResult]:
    """Do it, job by job, each in its own transaction; a result for every id, in their order.

    Every job is judged again at the moment it is acted on, whatever a plan said, and must still match the filter of
    the scope. ``value`` is the number that ``priority`` sets. Once ``cancelled`` says so no further job is begun.
    Raises InputError for a wrong filter, else only when the database cannot be reached.
    """
    scope = as_scope(targets)
    if name == "clean":
        return _clean(ctx, scope, reason, progress, cancelled)
    with ctx.engine.connect() as conn:
        tally = Tally(find_ids(conn, scope), progress, cancelled)
    if name in ("cancel", "kill"):
        end_jobs(
            ctx, name, (_not_final(ctx, name, piece, tally) for piece in _matching(ctx, scope, tally)), reason, tally
        )
        return tally.results()
    for piece in _matching(ctx, scope, tally):
        for job_id in piece:
            if not tally.stop_asked():
                tally.add(_one(ctx, name, job_id, reason, force, value))
    return tally.results()


def _matching(ctx: Context, scope: Scope, tally: Tally) -> Iterator[list[int]]:
    """The ids in pieces, each asked anew for the filter just before its turn."""
    for piece in tally.chunks():
        with ctx.engine.connect() as conn:
            keep = still_matching(conn, scope, piece)
            known = keep if len(keep) == len(piece) else existing_jobs(conn, piece)
        tally.extend(
            nothing(job_id, LEFT_THE_FILTER) if job_id in known else refused(job_id, NO_SUCH_JOB)
            for job_id in piece
            if job_id not in keep
        )
        yield [job_id for job_id in piece if job_id in keep]


def _jobs(conn: Connection, ids: Sequence[int]) -> dict[int, JobRow]:
    return {job.id: job for job in read_jobs(conn, list(ids))}


def _victim(job: JobRow, action: Action) -> Victim:
    cmdline = command_line(job.process_id) if job.process_id is not None and not job.state.final else ""
    # The pid may be of another host: only a command line that names the job is this job's.
    shown = cmdline if f"job_{job.id}.sh" in cmdline else ""
    return Victim(job.id, job.name, job.node_name, job.process_id, shown, action.happens)


def _plan_clean(conn: Connection, ctx: Context, scope: Scope) -> Plan:
    rows = {row.job_id: row for row in reversed(detect.find(conn, ctx.settings, Scanner()))}
    planned = Plan()
    for job_id, row in _anomalies_of(conn, scope, rows).items():
        if row is None:
            planned.ineligible.append((job_id, NO_ANOMALY))
        else:
            what = would(row.kind, row.detail)
            planned.eligible.append(Victim(job_id, row.job_name, row.node_name, row.process_id, row.cmdline, what))
    return planned


def _anomalies_of(conn: Connection, scope: Scope, rows: Mapping[int, AnomalyRow]) -> dict[int, AnomalyRow | None]:
    """The scope's jobs with their anomaly. A filter alone stands for the anomalies that match, not for every job."""
    ids = list(dict.fromkeys(scope.ids)) if scope.ids or scope.filter is None else sorted(rows)
    matching = still_matching(conn, scope, ids)
    if not scope.ids:
        ids = [job_id for job_id in ids if job_id in matching]
    return {job_id: rows.get(job_id) if job_id in matching else None for job_id in ids}


def _clean(
    ctx: Context, scope: Scope, reason: str | None, progress: Progress | None, cancelled: Cancelled | None
) -> list[ItemResult]:
    with ctx.engine.connect() as conn:
        found = detect.find(conn, ctx.settings, Scanner())
        wanted = _anomalies_of(conn, scope, {row.job_id: row for row in found})
    tally = Tally(list(wanted), progress, cancelled)
    tally.extend(nothing(job_id, NO_ANOMALY) for job_id, row in wanted.items() if row is None)
    allocations = [row.allocation_id for row in found if row.allocation_id and wanted.get(row.job_id)]
    take_over(ctx, allocations, Deed("clean", reason), tally)
    return tally.results()


def _not_final(ctx: Context, name: str, ids: Sequence[int], tally: Tally) -> list[int]:
    """Those of ``ids`` that can be ended; the others get their result."""
    with ctx.engine.connect() as conn:
        jobs = _jobs(conn, ids)
    for job_id in ids:
        job = jobs.get(job_id)
        if job is None:
            tally.add(refused(job_id, NO_SUCH_JOB))
        elif job.state.final:
            tally.add(nothing(job_id, ACTIONS[name].already(job) or "nothing to do"))
    return [job_id for job_id in ids if job_id in jobs and not jobs[job_id].state.final]


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
    owners = read_workers(conn)
    return all(w.state is WorkerState.DEAD for w in owners if w.id == attempt.worker_id)


def _release(conn: Connection, ctx: Context, job: JobRow, reason: str | None, _: int | None) -> ItemResult:
    if not machine.release(conn, job.id, ctx.actor, reason):
        return nothing(job.id, "holds nothing: nothing to do")
    return done(job.id, "released")


def _resubmit(conn: Connection, ctx: Context, job: JobRow, reason: str | None, _: int | None) -> ItemResult:
    new_id = machine.resubmit(conn, job.id, ctx.actor, reason)
    return refused(job.id, "is not finished") if new_id is None else done(job.id, f"submitted again as job {new_id}")


def _hold(conn: Connection, ctx: Context, job: JobRow, reason: str | None, _: int | None) -> ItemResult:
    return _changed(job, machine.set_held(conn, job.id, True, ctx.actor, reason), "held", Undo("unhold"))


def _unhold(conn: Connection, ctx: Context, job: JobRow, reason: str | None, _: int | None) -> ItemResult:
    return _changed(job, machine.set_held(conn, job.id, False, ctx.actor, reason), "may start", Undo("hold"))


def _priority(conn: Connection, ctx: Context, job: JobRow, reason: str | None, value: int | None) -> ItemResult:
    if value is None or value == job.priority:
        return nothing(job.id, f"has priority {job.priority} already: nothing to do")
    replaced = machine.set_priority(conn, job.id, value, ctx.actor, reason)
    old = job.priority if replaced is None else replaced.value
    return _changed(job, replaced is not None, f"priority {old} > {value}", Undo("priority", old))


def _changed(job: JobRow, changed: bool, message: str, undo: Undo) -> ItemResult:
    return done(job.id, message, undo) if changed else refused(job.id, "was changed by somebody else meanwhile")


Doing = Callable[[Connection, Context, JobRow, str | None, int | None], ItemResult]
DO: dict[str, Doing] = {
    "mark-failed": _mark_failed,
    "release": _release,
    "resubmit": _resubmit,
    "hold": _hold,
    "unhold": _unhold,
    "priority": _priority,
}
