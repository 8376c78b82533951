"""The statements behind the metrics, and the bounds of the histograms."""

from jobwarden.backend.database.driver import text

WAIT_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
NOTICE_SECONDS = (0.5, 1, 2, 5, 10, 15, 20, 30, 60, 300, 3600)
RUN_SECONDS = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400, 43200, 86400, 259200, 604800)


# Statements of the metrics.


def _bucket(expression: str, bounds: tuple[float, ...]) -> str:
    """Index of the first bound that is not below the expression: Prometheus' buckets include their upper bound."""
    return " + ".join(f"(({expression}) > {bound})::int" for bound in bounds)


_WAIT = "extract(epoch FROM start_time - submit_time)"
_RUN = "extract(epoch FROM end_time - start_time)"

STARTING = text("SELECT count(*) FROM jobs WHERE state = 'RUNNING' AND start_time IS NULL")

HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")

_CHANGED = "changed_xid >= CAST(CAST(:since AS text) AS xid8)"

STARTED = text(f"""
    SELECT id, {_bucket(_WAIT, WAIT_SECONDS)} AS bucket, {_WAIT}::float AS seconds
    FROM jobs WHERE start_time IS NOT NULL AND ({_CHANGED} OR (:live AND state = 'RUNNING'))
""")

ENDED = text(f"""
    SELECT id, state::text AS state, coalesce(failure_reason::text, '') AS reason,
           CASE WHEN start_time IS NOT NULL THEN {_bucket(_RUN, RUN_SECONDS)} END AS bucket,
           coalesce({_RUN}, 0)::float AS seconds
    FROM jobs WHERE state IN ('COMPLETED', 'FAILED', 'CANCELLED') AND {_CHANGED}
""")

ALL_STARTED = text(f"""
    SELECT {_bucket(_WAIT, WAIT_SECONDS)} AS bucket, count(*) AS jobs, sum({_WAIT})::float AS seconds
    FROM jobs WHERE start_time IS NOT NULL GROUP BY 1
""")

ALL_ENDED = text(f"""
    SELECT state::text AS state, coalesce(failure_reason::text, '') AS reason,
           CASE WHEN start_time IS NOT NULL THEN {_bucket(_RUN, RUN_SECONDS)} END AS bucket,
           count(*) AS jobs, coalesce(sum({_RUN}), 0)::float AS seconds
    FROM jobs WHERE state IN ('COMPLETED', 'FAILED', 'CANCELLED') GROUP BY 1, 2, 3
""")

NOTICED = text(f"""
    SELECT id, {_bucket("noticed_after", NOTICE_SECONDS)} AS bucket, noticed_after AS seconds
    FROM workers WHERE noticed_after IS NOT NULL
""")

LONGEST_WAIT = text("""
    SELECT extract(epoch FROM clock_timestamp() - min(submit_time))::float
    FROM jobs WHERE state = 'PENDING' AND NOT held
""")
