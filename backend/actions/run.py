"""Plan and perform an action of the table: the one way in for the command line and the dashboard."""

from collections.abc import Container, Iterator, Mapping, Sequence

from jobwarden.backend.actions.catalog import ACTIONS, Action, How
from jobwarden.backend.actions.clean import clean, plan_clean
from jobwarden.backend.actions.end_jobs import end_jobs
from jobwarden.backend.actions.job_actions import act_on_one, act_on_queued, evidence_against
from jobwarden.backend.actions.permissions import NOT_YOURS, may_act_on_all, of_others
from jobwarden.backend.actions.preview import Witness
from jobwarden.backend.actions.results import (
    NO_SUCH_JOB,
    Cancelled,
    Context,
    ItemResult,
    Plan,
    Progress,
    ResultTally,
    nothing,
    pieces,
    refused,
)
from jobwarden.backend.actions.targets import LEFT_THE_FILTER, ActionRequest, Scope, find_ids, still_matching
from jobwarden.backend.anomalies.attempts import LIVE_OF_JOBS, read_attempts
from jobwarden.backend.anomalies.strays import forgotten
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.request import check_reason
from jobwarden.backend.queries.jobs import existing_jobs, read_jobs
from jobwarden.backend.queries.models.jobs import JobRow


def plan(ctx: Context, request: ActionRequest) -> Plan:
    """What ``perform`` would do now; writes nothing. Raises InputError for a filter that says nothing sensible."""
    scope, action = request.scope, ACTIONS[request.action]
    with ctx.engine.connect() as conn:
        if action.how is How.CLEAN:
            return plan_clean(conn, ctx, scope)
        ids = find_ids(conn, scope)
        matching = still_matching(conn, scope, ids) if scope.ids else set(ids)
        planned, witness = Plan(), Witness()
        for piece in pieces(ids):
            fit, against = _judge(conn, action, piece, matching, request.force, planned)
            _name_victims(conn, action, fit, against, witness, planned)
        why = forgotten(conn, ctx.settings, [job_id for job_id, said in planned.ineligible if said == NO_SUCH_JOB])
        planned.ineligible[:] = [(job_id, why.get(job_id, said)) for job_id, said in planned.ineligible]
        return planned


def _judge(
    conn: Connection, action: Action, ids: Sequence[int], matching: Container[int], force: bool, planned: Plan
) -> tuple[list[JobRow], dict[int, str]]:
    """The jobs that the action would change, and the evidence against it; the others are noted with the reason."""
    jobs = _jobs(conn, ids)
    against = evidence_against(conn, action.name, list(jobs.values()))
    fit = []
    for job_id in ids:
        job = jobs.get(job_id)
        if job is None:
            planned.ineligible.append((job_id, NO_SUCH_JOB))
        elif job_id not in matching:
            planned.ineligible.append((job_id, LEFT_THE_FILTER))
        elif objection := action.already(job) or action.applies(job):
            planned.ineligible.append((job_id, objection))
        elif job_id in against and not force:
            planned.ineligible.append((job_id, against[job_id]))
            planned.protected.append(job_id)
        else:
            fit.append(job)
    return fit, against


def _name_victims(
    conn: Connection,
    action: Action,
    jobs: Sequence[JobRow],
    against: Mapping[int, str],
    witness: Witness,
    planned: Plan,
) -> None:
    holding = [job.id for job in jobs if job.allocation_id is not None]
    attempts = {attempt.job_id: attempt for attempt in read_attempts(conn, LIVE_OF_JOBS, ids=holding)}
    for job in jobs:
        happens = action.happens.format(job=job)
        happens += f", although it {against[job.id].partition(':')[0]}" if job.id in against else ""
        victim = witness.victim(job.id, job.name, job.node_name, attempts.get(job.id), happens)
        planned.eligible.append(victim)


def perform(
    ctx: Context, request: ActionRequest, progress: Progress | None = None, cancelled: Cancelled | None = None
) -> list[ItemResult]:
    """Do it; a result for every id, in their order.

    What has no process is changed in pieces, each in one transaction, the rest job by job. Every job is judged again
    at the moment it is acted on, whatever a plan said, and must still match the filter of the scope. Once
    ``cancelled`` says so no further piece is begun.
    Raises InputError for a wrong filter or reason, Refused when this database user may not, else only when the
    database cannot be reached.
    """
    check_reason(request.reason)
    if ACTIONS[request.action].how is How.CLEAN:
        return clean(ctx, request.scope, request.reason, progress, cancelled)
    results = _act(ctx, request, progress, cancelled)
    missing = [result.job_id for result in results if result.message == NO_SUCH_JOB]
    if not missing:
        return results
    with ctx.engine.connect() as conn:
        why = forgotten(conn, ctx.settings, missing)
    return [refused(result.job_id, why[result.job_id]) if result.job_id in why else result for result in results]


def _act(
    ctx: Context, request: ActionRequest, progress: Progress | None, cancelled: Cancelled | None
) -> list[ItemResult]:
    name, scope, reason = request.action, request.scope, request.reason
    with ctx.engine.connect() as conn:
        everyones = may_act_on_all(conn, name)
        tally = ResultTally(find_ids(conn, scope), progress, cancelled)
    how, matching = ACTIONS[name].how, _matching(ctx, scope, tally)
    if how is How.END:
        end_jobs(ctx, name, (_not_final(ctx, name, piece, tally, everyones) for piece in matching), reason, tally)
    elif how is How.IN_PIECES:
        for piece in matching:
            tally.extend(act_on_queued(ctx, name, piece, reason, request.value))
    else:
        for job_id in (job_id for piece in matching for job_id in piece):
            if not tally.stop_asked():
                tally.add(act_on_one(ctx, name, job_id, reason, request.force))
    return tally.results()


def _matching(ctx: Context, scope: Scope, tally: ResultTally) -> Iterator[list[int]]:
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


def _not_final(ctx: Context, name: str, ids: Sequence[int], tally: ResultTally, everyones: bool) -> list[int]:
    """Those of ``ids`` that can be ended; the others get their result, without ``everyones`` also those of others."""
    with ctx.engine.connect() as conn:
        jobs = _jobs(conn, ids)
        others = set() if everyones else of_others(conn, ids)
    for job_id in ids:
        job = jobs.get(job_id)
        if job is None:
            tally.add(refused(job_id, NO_SUCH_JOB))
        elif job.state.final:
            tally.add(nothing(job_id, ACTIONS[name].already(job) or "nothing to do"))
        elif job_id in others:
            tally.add(refused(job_id, NOT_YOURS))
    return [job_id for job_id in ids if job_id in jobs and not jobs[job_id].state.final and job_id not in others]
