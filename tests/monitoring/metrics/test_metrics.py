"""What is scraped agrees with the database, and totals count every start and end once."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.monitoring.metrics.collect import Histogram, Installation, JobCounters
from jobwarden.backend.state import machine
from tests.support.cli import Cli
from tests.support.processes import wait_until
from tests.support.rows import ACTOR, add_node, allocated, pending, running

DEPLOY = Path(__file__).parents[3] / "deploy"
NONE: frozenset[str] = frozenset()


def parsed(page: str) -> dict[tuple[str, frozenset[str]], float]:
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def look(tally: JobCounters, engine: Engine) -> None:
    with engine.connect() as conn:
        tally.update(conn.one_moment(read_only=False))


def starts(tally: JobCounters) -> int:
    return sum(tally.waits.counts)


def test_buckets_include_their_upper_bound_and_what_is_below() -> None:
    histogram = Histogram((1.0, 5.0))
    for bucket, seconds in ((0, 1.0), (1, 3.0), (1, 5.0), (2, 9.0)):
        histogram.add(bucket, seconds)
    assert histogram.cumulative() == [("1.0", 1.0), ("5.0", 3.0), ("+Inf", 4.0)]
    assert histogram.total == 18.0


def test_every_start_and_end_is_counted_once(engine: Engine) -> None:
    tally = JobCounters()
    with engine.begin() as conn:
        worker_id = add_node(conn, cpus=16, memory_mb=65536)
        first, _ = running(conn, worker_id)
    look(tally, engine)
    assert starts(tally) == 1
    with engine.begin() as conn:
        second, _ = running(conn, worker_id)
        machine.fail(conn, first, ACTOR, None, release=True)
    for _ in range(3):
        look(tally, engine)
        assert (starts(tally), dict(tally.ended)) == (2, {("FAILED", "OPERATOR"): 1})
    with engine.begin() as conn:
        machine.fail(conn, second, ACTOR, None, release=True)
        conn.execute(text("DELETE FROM resource_allocations WHERE job_id = :job"), {"job": first})
        conn.execute(text("DELETE FROM commands WHERE job_id = :job"), {"job": first})
        conn.execute(text("DELETE FROM jobs WHERE id = :job"), {"job": first})
    for _ in range(2):
        look(tally, engine)
        assert (starts(tally), dict(tally.ended)) == (2, {("FAILED", "OPERATOR"): 2})
    assert sum(tally.runs["FAILED"].counts) == 2


def test_an_end_that_was_open_during_the_first_look_is_counted(engine: Engine) -> None:
    tally = JobCounters()
    with engine.begin() as conn:
        job_id, _ = running(conn, add_node(conn))
    with engine.begin() as conn:
        machine.fail(conn, job_id, ACTOR, None, release=True)
        look(tally, engine)
        assert not tally.ended
    look(tally, engine)
    assert dict(tally.ended) == {("FAILED", "OPERATOR"): 1}
    assert starts(tally) == 1


def test_the_page_agrees_with_the_database(cli: Cli, engine: Engine) -> None:
    with engine.begin() as conn:
        worker_id = add_node(conn, cpus=16, memory_mb=65536)
        pending(conn)
        pending(conn, held=True)
        allocated(conn, worker_id)
        running(conn, worker_id)
        ended, _ = running(conn, worker_id)
        machine.fail(conn, ended, ACTOR, None, release=True)
    page = parsed(cli("metrics").out)
    assert page["jobwarden_up", NONE] == 1
    states = {"PENDING": 2, "RUNNING": 2, "FAILED": 1, "COMPLETED": 0, "CANCELLED": 0}
    found = {next(iter(labels)): count for (name, labels), count in page.items() if name == "jobwarden_jobs"}
    assert found == states, "each job in one state, the one its row says"
    assert page["jobwarden_jobs_held", NONE] == page["jobwarden_jobs_starting", NONE] == 1
    assert page["jobwarden_job_wait_seconds_count", NONE] == 2
    assert page["jobwarden_jobs_ended_total", frozenset(("FAILED", "OPERATOR"))] == 1
    assert page["jobwarden_job_run_seconds_bucket", frozenset(("FAILED", "+Inf"))] == 1
    assert page["jobwarden_worker_lease_age_seconds", frozenset(("node1", "ONLINE"))] >= 0
    assert page["jobwarden_anomalies", frozenset(("ORPHAN",))] == 0


@pytest.fixture
def page(cli: Cli, engine: Engine) -> str:
    """What is scraped of an installation in which something has happened."""
    with engine.begin() as conn:
        worker_id = add_node(conn, cpus=16, memory_mb=65536)
        ended, _ = running(conn, worker_id, memory_mb=3)
        running(conn, worker_id, memory_mb=5)
        machine.fail(conn, ended, ACTOR, None, release=True)
        conn.execute(
            text("INSERT INTO alerts (rule, subject, message, value, threshold) VALUES ('disk', 'x', 'm', 1, 0)")
        )
    return cli("metrics").out


def test_memory_is_counted_in_bytes(page: str) -> None:
    assert parsed(page)["jobwarden_memory_bytes", NONE] == 65536 << 20
    assert parsed(page)["jobwarden_memory_allocated_bytes", NONE] == 5 << 20


UNITS = {"seconds", "bytes"}
ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "mib", "gib", "percent", "pct"}
SCALED = {"milliseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "mebibytes", "gigabytes", "kibibytes"}


def test_names_follow_the_rules_of_prometheus(page: str) -> None:
    """Those of `promtool check metrics`, and of its naming page: a base unit at the end, _total for counters alone."""
    families = list(text_string_to_metric_families(page))
    assert len({family.name for family in families}) == len(families) > 15
    for family in families:
        words = family.name.split("_")
        assert words[0] == "jobwarden" and family.name == family.name.lower()
        assert family.documentation.endswith(".") and family.type != "unknown", family.name
        assert not (set(words) & (ABBREVIATED | SCALED)), family.name
        assert not (set(words[:-1]) & UNITS), family.name
        assert not (set(words) & {"counter", "gauge", "histogram", "summary", "total", "count", "sum", "bucket"})
        for sample in family.samples:
            ends = ("_total",) if family.type == "counter" else ("_bucket", "_count", "_sum")
            assert sample.name.endswith(ends) is (family.type != "gauge"), sample.name
            assert all(label.islower() and label not in ("job", "instance") for label in sample.labels)


def test_promtool_has_nothing_to_say(page: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_dashboard_asks_for_what_there_is(page: str) -> None:
    names = {sample.name for family in text_string_to_metric_families(page) for sample in family.samples}
    asked = set(re.findall(r"jobwarden_[a-z_]+", (DEPLOY / "grafana.json").read_text()))
    assert asked - names == set()


@pytest.mark.parametrize("address", ["x", "0", "70000", "host:", ":-1", "1.5"])
def test_a_wrong_address_is_bad_input(cli: Cli, address: str) -> None:
    done = cli("metrics", "--listen", address)
    assert (done.code, done.err.count("\n")) == (2, 1)


def test_served_over_http(cli: Cli, engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli("metrics", "--listen", str(port)).code == 1
    with cli.start("metrics", "--listen", str(port)) as server:
        try:
            wait_until(lambda: _get(port) is not None, 60, "the metrics")
            assert parsed(_get(port) or "")["jobwarden_up", NONE] == 1
            assert server.poll() is None
        finally:
            server.terminate()
            server.wait()


def test_a_database_that_is_down_is_a_metric(settings: Settings) -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:9/nothing")
    registry = CollectorRegistry()
    registry.register(Installation(engine, settings))
    assert parsed(generate_latest(registry).decode()) == {("jobwarden_up", NONE): 0.0}
    engine.dispose()


def _get(port: int) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return str(answer.read().decode())
    except OSError:
        return None
