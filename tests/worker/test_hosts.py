"""Workers on several hosts, which lose their power or their network in the middle of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Placement
from tests.support.cli import Cli, clean_environment
from tests.support.hosts import Hosts, database_on, hosts
from tests.support.processes import MARK, reap_marked, wait_until
from tests.worker.farm import FAST, PATIENCE, Farm, Worker

QUIET = 5.0
"""Seconds without a word after which something hangs that must not: a cut link is given up only after more."""


@dataclass
class Cluster:
    """Hosts, and workers on them that have no Redis at all."""

    net: Hosts
    farm: Farm

    def worker(self, name: str) -> Worker:
        """A host with a worker for a partition of its own."""
        return self.farm.worker(node=name, prefix=self.net.add(name), JOBWARDEN_PARTITIONS=name)

    def power_cut(self, name: str, worker: Worker) -> None:
        """Its kernel says no word to anybody."""
        self.net.cut(name)
        worker.kill()

    def leads(self, worker: Worker) -> None:
        wait_until(lambda: "leading: " in worker.said, PATIENCE, f"{worker.node} to lead; it said\n{worker.said}")


@pytest.fixture
def cluster(home: Path, tmp_path: Path, mark: str) -> Iterator[Cluster]:
    with hosts() as net, database_on(net.address, home) as url:
        settings = Settings(home=home, database_url=url, redis_url=f"unix://{tmp_path}/none", run_jobs_as="worker")
        env = clean_environment(
            JOBWARDEN_HOME=str(home), DATABASE_URL=url, REDIS_URL=str(settings.redis_url),
            JOBWARDEN_RUN_JOBS_AS="worker", HOME=str(tmp_path), **{MARK: mark}, **FAST,
        )  # fmt: skip
        work = tmp_path / "work"
        work.mkdir()
        engine = make_engine(url, application_name="tests")
        farm = Farm(Cli(env, tmp_path), engine, settings, mark, work)
        try:
            yield Cluster(net, farm)
        finally:
            farm.clean_up()
            reap_marked(mark)
            engine.dispose()


def test_a_leader_without_power_is_replaced_and_its_node_comes_back(cluster: Cluster) -> None:
    """PostgreSQL would keep the session of the dead host, and with it the lead and the node, for two hours."""
    first = cluster.worker("n1")
    cluster.leads(first)
    second = cluster.worker("n2")
    cluster.power_cut("n1", first)
    job = cluster.farm.submit("exit 3", partition="n2")
    cluster.leads(second)
    assert cluster.farm.ended(job).exit_code == 3
    cluster.net.heal("n1")
    cluster.farm.worker(
        node="n1", prefix=("ip", "netns", "exec", f"jw{cluster.net.number}-n1"), JOBWARDEN_PARTITIONS="n1"
    )
    again = cluster.farm.submit("exit 4", partition="n1")
    assert cluster.farm.ended(again).exit_code == 4


def test_a_worker_that_was_cut_off_says_so_and_is_back_soon_after(cluster: Cluster) -> None:
    """A half-open connection hangs for as long again as the cut took, if nobody gives it up."""
    worker = cluster.worker("n1")
    job = cluster.farm.submit("exit 5", partition="n1")
    assert cluster.farm.ended(job).exit_code == 5
    cluster.net.cut("n1")
    wait_until(lambda: "lost the database" in worker.said, PATIENCE, f"a word about it; it said\n{worker.said}")
    cluster.net.heal("n1")
    late = cluster.farm.submit("exit 6", partition="n1")
    assert cluster.farm.ended(late).exit_code == 6
    assert worker.process.poll() is None


def test_a_worker_that_is_cut_off_goes_on_telling_systemd_that_it_watches_its_jobs(
    cluster: Cluster, tmp_path: Path
) -> None:
    """It would be killed for a network that is none of its faults, with everything in its hands."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(QUIET)
        cluster.farm.worker(node="n1", prefix=cluster.net.add("n1"), NOTIFY_SOCKET=systemd.getsockname())
        cluster.net.cut("n1")
        for _ in range(12):
            systemd.recv(100)  # raises TimeoutError


def test_what_was_granted_to_a_worker_without_power_and_never_began_runs_elsewhere(cluster: Cluster) -> None:
    """Nobody has to look after it: that its script never ran is in the database."""
    both = {"JOBWARDEN_PARTITIONS": "main"}
    first = cluster.farm.worker(node="n1", prefix=cluster.net.add("n1"), **both)
    cluster.leads(first)
    cluster.power_cut("n1", first)
    job = cluster.farm.submit('echo "ran on $JOBWARDEN_NODE"', partition="main")
    with cluster.farm.engine.begin() as conn:
        assert machine.allocate(conn, [Placement(job, "n1", first.id)])
    cluster.farm.worker(node="n2", prefix=cluster.net.add("n2"), **both)
    assert cluster.farm.ended(job).node_name == "n2"
    assert cluster.farm.events(job).count("requeue") == 1
