"""Running totals of starts and ends, kept by one process from when it first looked.

The first look counts the whole table; every further one only the jobs that changed since, each start and each end
once. Totals never fall while the process lives, also when finished jobs are archived and deleted.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from backend.metrics import sql
from backend.metrics.buckets import NOTICE_SECONDS, RUN_SECONDS, WAIT_SECONDS


class Histogram:
    """Counts by bucket, and the sum of what was counted, in seconds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, bucket: int, seconds: float, jobs: int = 1) -> None:
        """Count ``jobs`` that fall into one bucket and took ``seconds`` together."""
        self.counts[bucket] += jobs
        self.total += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Return the buckets as Prometheus wants them: each with all that is below it."""
        below, found = 0, []
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            below += count
            found.append((bound, float(below)))
        return found


class Tally:
    """What has started and ended so far. Not safe for two threads at once."""

    def __init__(self) -> None:
        self.waits = Histogram(WAIT_SECONDS)
        self.notices = Histogram(NOTICE_SECONDS)
        self.runs: dict[str, Histogram] = defaultdict(lambda: Histogram(RUN_SECONDS))
        self.ended: Counter[tuple[str, str]] = Counter()
        self._since: int | None = None
        self._counted_starts: set[int] = set()
        self._counted_ends: set[int] = set()
        self._counted_deaths: set[int] = set()

    def update(self, conn: Connection) -> None:
        """Count what is new. ``conn`` must see one moment (REPEATABLE READ): no job may change between two reads."""
        horizon = int(conn.scalar(sql.HORIZON) or 0)
        if self._since is None:
            self._count_all(conn)
            self._remember(conn, horizon)
        else:
            self._count_new(conn, self._since)
        self._since = horizon
        self._count_deaths(conn)

    def _count_all(self, conn: Connection) -> None:
        for row in conn.execute(sql.ALL_STARTED):
            self.waits.add(row.bucket, row.seconds, row.jobs)
        for row in conn.execute(sql.ALL_ENDED):
            self.ended[row.state, row.reason] += row.jobs
            if row.bucket is not None:
                self.runs[row.state].add(row.bucket, row.seconds, row.jobs)

    def _remember(self, conn: Connection, horizon: int) -> None:
        """Keep the ids that the next look will meet again."""
        starts = conn.execute(sql.STARTED, {"since": horizon, "live": True})
        self._counted_starts = {row.id for row in starts}
        self._counted_ends = {row.id for row in conn.execute(sql.ENDED, {"since": horizon})}

    def _count_new(self, conn: Connection, since: int) -> None:
        met: set[int] = set()
        for row in conn.execute(sql.STARTED, {"since": since, "live": True}):
            met.add(row.id)
            if row.id not in self._counted_starts:
                self.waits.add(row.bucket, row.seconds)
        self._counted_starts = met
        met = set()
        for row in conn.execute(sql.ENDED, {"since": since}):
            met.add(row.id)
            if row.id not in self._counted_ends:
                self._count_end(row.state, row.reason, row.bucket, row.seconds)
        self._counted_ends = met

    def _count_end(self, state: str, reason: str, bucket: int | None, seconds: float) -> None:
        self.ended[state, reason] += 1
        if bucket is not None:
            self.runs[state].add(bucket, seconds)

    def _count_deaths(self, conn: Connection) -> None:
        """Of all workers: there are few, and an old one may be noticed late."""
        for row in conn.execute(sql.NOTICED):
            if row.id not in self._counted_deaths:
                self._counted_deaths.add(row.id)
                self.notices.add(row.bucket, row.seconds)
