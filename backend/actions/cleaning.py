"""Clean-up: what it would do, and doing it, to the anomalies that a scope names."""

from collections.abc import Mapping

from sqlalchemy import Connection

from backend.actions.records import Cancelled, Context, ItemResult, Plan, Progress, Victim, nothing
from backend.actions.scope import Scope, still_matching
from backend.actions.takeover import Deed, take_over, would
from backend.actions.tally import Tally
from backend.anomalies import detect
from backend.anomalies.strays import Scanner
from backend.readmodel.records import AnomalyRow

NO_ANOMALY = "is no anomaly: nothing to do"


def plan_clean(conn: Connection, ctx: Context, scope: Scope) -> Plan:
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


def clean(
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
