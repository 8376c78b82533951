"""The metrics, as Prometheus families."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from backend.alerts.watch import alerts_now
from backend.anomalies import detect
from backend.domain.states import AnomalyKind, WorkerState
from backend.metrics import sql
from backend.metrics.tally import Tally
from backend.readmodel.jobs import count_held, read_counts
from backend.readmodel.overview import read_capacity
from backend.readmodel.records import WorkerRow
from backend.readmodel.workers import lost_nodes, read_workers
from backend.settings import Settings


class Installation(Collector):
    """Reads everything anew at each scrape. With the database down there is ``jobwarden_up 0`` and nothing else."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings, self._tally = engine, settings, Tally()

    def describe(self) -> Iterable[Metric]:
        """Name nothing at registration: that would be a scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Read and yield all families."""
        began = time.monotonic()
        try:
            families = self._read()
        except DBAPIError:
            yield _gauge("up", "Whether the database answers.", 0)
            return
        yield _gauge("up", "Whether the database answers.", 1)
        yield from families
        yield _gauge("scrape_seconds", "Seconds this reading took.", time.monotonic() - began)

    def _read(self) -> list[Metric]:
        with self._engine.connect() as conn:
            conn = conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
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


def _totals(tally: Tally) -> Iterator[Metric]:
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
    yield _gauge("workers_alive", "Workers that live.", sum(w.state is not WorkerState.DEAD for w in serving))
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
