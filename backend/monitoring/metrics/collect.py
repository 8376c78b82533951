"""The metrics, as Prometheus families, and the counters that only ever grow."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from jobwarden.backend.anomalies import detect
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, DatabaseError, Engine
from jobwarden.backend.domain.states import AnomalyKind, WorkerState
from jobwarden.backend.monitoring.alerts.without_worker import alerts_now
from jobwarden.backend.monitoring.metrics import sql
from jobwarden.backend.monitoring.metrics.sql import NOTICE_SECONDS, RUN_SECONDS, WAIT_SECONDS
from jobwarden.backend.queries.jobs import count_held, read_counts
from jobwarden.backend.queries.models.jobs import WorkerRow
from jobwarden.backend.queries.models.snapshot import lost_nodes
from jobwarden.backend.queries.workers import read_capacity, read_workers

# Running totals of starts and ends, kept by one process from when it first looked.
#
# The first look counts the whole table; every further one only the jobs that changed since, each start and each end
# once. Totals never fall while the process lives, also when finished jobs are archived and deleted.


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


class JobCounters:
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


class Installation(Collector):
    """Reads everything anew at each scrape. With the database down there is ``jobwarden_up 0`` and nothing else."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings, self._tally = engine, settings, JobCounters()

    def describe(self) -> Iterable[Metric]:
        """Name nothing at registration: that would be a scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Read and yield all families."""
        began = time.monotonic()
        try:
            families = self._read()
        except DatabaseError:
            yield _gauge("up", "Whether the database answers.", 0)
            return
        yield _gauge("up", "Whether the database answers.", 1)
        yield from families
        yield _gauge("scrape_seconds", "Seconds this reading took.", time.monotonic() - began)

    def _read(self) -> list[Metric]:
        with self._engine.connect() as conn:
            conn = conn.one_moment()
            workers = read_workers(conn)
            self._tally.update(conn)
            return [
                *self._jobs(conn),
                *_totals(self._tally),
                *_workers(conn, workers),
                _anomalies(conn, self._settings),
                _alerts(conn, self._settings, workers),
            ]

    def _jobs(self, conn: Connection) -> Iterator[Metric]:
        family = GaugeMetricFamily("jobwarden_jobs", "Jobs in the database by state.", labels=["state"])
        for state, count in read_counts(conn).items():
            family.add_metric([state], count)
        yield family
        yield _gauge("jobs_held", "Jobs that are PENDING and held.", count_held(conn))
        yield _gauge("jobs_starting", "Jobs that are RUNNING, without a process yet.", conn.scalar(sql.STARTING) or 0)
        yield _gauge("longest_wait_seconds", "Seconds the first job of the queue waits.", _longest_wait(conn))


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"jobwarden_{name}", help_, value=value)


def _longest_wait(conn: Connection) -> float:
    return float(conn.scalar(sql.LONGEST_WAIT) or 0.0)


def _totals(tally: JobCounters) -> Iterator[Metric]:
    waits = HistogramMetricFamily("jobwarden_job_wait_seconds", "Seconds from submission to start; its count: starts.")
    waits.add_metric([], tally.waits.cumulative(), tally.waits.total)
    yield waits
    notices = HistogramMetricFamily(
        "jobwarden_worker_notice_seconds", "Seconds from a dead worker's last heartbeat until somebody noticed."
    )
    notices.add_metric([], tally.notices.cumulative(), tally.notices.total)
    yield notices
    runs = HistogramMetricFamily("jobwarden_job_run_seconds", "Seconds from start to end.", labels=["state"])
    for state, histogram in sorted(tally.runs.items()):
        runs.add_metric([state], histogram.cumulative(), histogram.total)
    yield runs
    ended = CounterMetricFamily("jobwarden_jobs_ended", "Jobs that ended, by outcome.", labels=["state", "reason"])
    for (state, reason), count in sorted(tally.ended.items()):
        ended.add_metric([state, reason], count)
    yield ended


def _workers(conn: Connection, workers: list[WorkerRow]) -> Iterator[Metric]:
    serving = [worker for worker in workers if worker.ended_at is None]
    lease = GaugeMetricFamily(
        "jobwarden_worker_lease_age_seconds", "Seconds since the last heartbeat.", labels=["node", "state"]
    )
    for worker in serving:
        lease.add_metric([worker.node_name, worker.state], worker.lease_age)
    yield lease
    yield _gauge("workers_alive", "Workers that are alive.", sum(w.state is not WorkerState.DEAD for w in serving))
    yield _gauge("nodes_lost", "Nodes that have lost their worker.", len(lost_nodes(workers)))
    yield from _capacity(conn, workers)


def _capacity(conn: Connection, workers: list[WorkerRow]) -> Iterator[Metric]:
    capacity = read_capacity(conn, workers)
    yield _gauge("leader", "Whether some worker schedules.", capacity.leader)
    for name, help_, has, granted in (
        ("cpus{}", "CPUs", capacity.cpus, capacity.cpus_allocated),
        ("memory{}_bytes", "Bytes of memory", capacity.memory_mb << 20, capacity.memory_mb_allocated << 20),
        ("gpus{}", "GPUs", capacity.gpus, capacity.gpus_allocated),
    ):
        yield _gauge(name.format(""), f"{help_} of the nodes that live.", has)
        yield _gauge(name.format("_allocated"), f"{help_} granted to jobs.", granted)


def _anomalies(conn: Connection, settings: Settings) -> Metric:
    found = Counter(row.kind for row in detect.find(conn, settings))
    family = GaugeMetricFamily("jobwarden_anomalies", "What `jobwarden orphans` lists.", labels=["kind"])
    for kind in AnomalyKind:
        family.add_metric([kind], found[kind])
    return family


def _alerts(conn: Connection, settings: Settings, workers: list[WorkerRow]) -> Metric:
    family = GaugeMetricFamily("jobwarden_alerts", "Alerts that are open.", labels=["rule", "node"])
    for alert in alerts_now(conn, settings, workers):
        family.add_metric([alert.rule, alert.subject], 1)
    return family
