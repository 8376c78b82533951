"""Clean-up: what it would do, and doing it, to the anomalies that a scope names."""

from collections import Counter
from collections.abc import Iterable, Mapping

from jobwarden.backend.actions.preview import Witness, forecast, would
from jobwarden.backend.actions.results import (
    Cancelled,
    Context,
    ItemResult,
    Plan,
    Progress,
    ResultTally,
    nothing,
    refused,
)
from jobwarden.backend.actions.takeover import AuditedAction, take_over
from jobwarden.backend.actions.targets import Scope, still_matching
from jobwarden.backend.anomalies.detect import Anomaly, explain, kinds_of, look_around
from jobwarden.backend.anomalies.strays import Scanner, find_unknown
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.states import AnomalyKind
from jobwarden.backend.domain.units import counted

NO_ANOMALY = "is not an anomaly: nothing to do"


def plan_clean(conn: Connection, ctx: Context, scope: Scope) -> Plan:
    """What ``clean`` would do now, to each job in the words its result would have."""
    scanner = Scanner()
    anomalies = _worst_of_each(look_around(conn, ctx.settings, scanner))
    planned, witness = Plan(), Witness()
    unknown = _unknown(conn, ctx, scope, scanner)
    planned.ineligible.extend(unknown.items())
    alive: Counter[str] = Counter()
    for job_id, anomaly in _anomalies_of(conn, scope, anomalies).items():
        if job_id in unknown:
            continue
        expected = forecast(anomaly) if anomaly else nothing(job_id, NO_ANOMALY)
        if anomaly is None or not expected.changed:
            planned.ineligible.append((job_id, expected.message))
            continue
        attempt = anomaly.attempt
        alive[attempt.node_name] += anomaly.kind is AnomalyKind.ORPHAN
        what = f"{anomaly.kind}: {would(anomaly)} ({explain(anomaly)})"
        planned.eligible.append(
            witness.victim(job_id, attempt.job_name, attempt.node_name, attempt, what, expected.message)
        )
    planned.instead.extend(_adopt(node, jobs, ctx.settings) for node, jobs in alive.items() if jobs)
    return planned


def _adopt(node: str, jobs: int, settings: Settings) -> str:
    """What keeps jobs whose worker is dead: another worker of its node, which takes them over as they are."""
    own = settings.database_url is None and node == settings.node_name
    command = "jobwarden up --no-tui" if own else f"jobwarden worker --node {node}"
    return f"to keep {counted(jobs, 'job')} running, restart the worker of {node} instead: `{command}`"


def _worst_of_each(found: Iterable[Anomaly]) -> dict[int, Anomaly]:
    """The first anomaly of each job, in the order given."""
    worst: dict[int, Anomaly] = {}
    for anomaly in found:
        worst.setdefault(anomaly.attempt.job_id, anomaly)
    return worst


def _anomalies_of(conn: Connection, scope: Scope, anomalies: Mapping[int, Anomaly]) -> dict[int, Anomaly | None]:
    """The scope's jobs with their anomaly. A filter alone stands for the anomalies that match, not for every job."""
    ids = list(dict.fromkeys(scope.ids)) if scope.ids or scope.filter is None else list(anomalies)
    matching = still_matching(conn, scope, ids, kinds_of((id_, a.kind) for id_, a in anomalies.items()))
    if not scope.ids:
        ids = [job_id for job_id in ids if job_id in matching]
    return {job_id: anomalies.get(job_id) if job_id in matching else None for job_id in ids}


def _unknown(conn: Connection, ctx: Context, scope: Scope, scanner: Scanner) -> dict[int, str]:
    """Jobs in the scope that the database does not know, and why they are left alone. A filter can only say "all"."""
    found = {one.named.job_id: one.refusal for one in find_unknown(conn, ctx.settings, scanner)}
    return {job_id: why for job_id, why in found.items() if job_id in scope.ids or scope.filter == ""}


def clean(
    ctx: Context, scope: Scope, reason: str | None, progress: Progress | None, cancelled: Cancelled | None
) -> list[ItemResult]:
    """Clean up the anomalies in the scope, each judged anew when its turn comes."""
    with ctx.engine.connect() as conn:
        scanner = Scanner()
        found = look_around(conn, ctx.settings, scanner)
        unknown = _unknown(conn, ctx, scope, scanner)
        wanted = _anomalies_of(conn, scope, _worst_of_each(found))
    wanted = {job_id: anomaly for job_id, anomaly in wanted.items() if job_id not in unknown}
    tally = ResultTally([*unknown, *wanted], progress, cancelled)
    tally.extend(refused(job_id, why) for job_id, why in unknown.items())
    tally.extend(nothing(job_id, NO_ANOMALY) for job_id, anomaly in wanted.items() if anomaly is None)
    allocations = [a.attempt.allocation_id for a in found if wanted.get(a.attempt.job_id)]
    take_over(ctx, allocations, AuditedAction("clean", reason), tally)
    return tally.results()
