"""Which workers live: lock, lease and process weighed against each other."""

import itertools
import subprocess
from collections.abc import Iterator

import pytest

from jobwarden.backend.database.driver import Engine
from jobwarden.backend.database.engine import WORKER_LOCK, try_session_lock
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.queries.workers import judge, read_workers
from tests.queries.rows import add_jobs, add_worker, start, typed
from tests.support.processes import wait_until


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a worker."""
    with subprocess.Popen(["sleep", "600"]) as sleeping:
        yield sleeping
        sleeping.kill()


def state(engine: Engine) -> WorkerState:
    with engine.connect() as conn:
        (worker,) = read_workers(conn)
    return worker.state


@pytest.mark.parametrize(
    ("ended", "lock_held", "lease_fresh", "gone"), list(itertools.product([False, True], repeat=4))
)
def test_every_case_of_evidence(ended: bool, lock_held: bool, lease_fresh: bool, gone: bool) -> None:
    state = judge(ended=ended, lock_held=lock_held, lease_fresh=lease_fresh, process_gone=lambda: gone, draining=False)
    alive = not ended and lease_fresh and (lock_held or not gone)
    assert state is (WorkerState.ONLINE if alive else WorkerState.DEAD)


def test_a_worker_without_its_lock_lives_while_its_process_does(
    engine: Engine, process: subprocess.Popen[bytes]
) -> None:
    add_worker(engine, "node1", process.pid)
    assert state(engine) is WorkerState.ONLINE


def test_a_killed_worker_is_dead_at_once(engine: Engine, process: subprocess.Popen[bytes]) -> None:
    add_worker(engine, "node1", process.pid)
    process.kill()
    wait_until(lambda: state(engine) is WorkerState.DEAD)


def test_a_worker_that_holds_its_lock_is_not_doubted(engine: Engine, process: subprocess.Popen[bytes]) -> None:
    worker_id = add_worker(engine, "node1", process.pid)
    process.kill()
    process.wait()
    with engine.connect().autocommit() as held:
        assert try_session_lock(held, WORKER_LOCK, worker_id)
        assert state(engine) is WorkerState.ONLINE


def test_a_worker_of_another_host_lives_until_its_lease_ends(engine: Engine, process: subprocess.Popen[bytes]) -> None:
    add_worker(engine, "node1", process.pid)
    process.kill()
    process.wait()
    typed(engine, "UPDATE workers SET machine_id = 'elsewhere'")
    assert state(engine) is WorkerState.ONLINE
    typed(engine, "UPDATE workers SET heartbeat_at = now() - interval '11 seconds'")
    assert state(engine) is WorkerState.DEAD


def test_a_lease_is_as_long_as_its_worker_said(engine: Engine, process: subprocess.Popen[bytes]) -> None:
    add_worker(engine, "node1", process.pid)
    typed(engine, "UPDATE workers SET lease_seconds = 60, heartbeat_at = now() - interval '40 seconds'")
    assert state(engine) is WorkerState.ONLINE
    typed(engine, "UPDATE workers SET lease_seconds = 30")
    assert state(engine) is WorkerState.DEAD


def test_a_drained_node_shows_on_its_worker(engine: Engine, process: subprocess.Popen[bytes]) -> None:
    add_worker(engine, "node1", process.pid)
    typed(engine, "UPDATE nodes SET drained = true, drain_reason = 'new disk'")
    assert state(engine) is WorkerState.DRAINING


def test_a_stopped_worker_is_dead_and_its_successor_online(engine: Engine, process: subprocess.Popen[bytes]) -> None:
    old = add_worker(engine, "node1", process.pid)
    typed(engine, f"UPDATE workers SET ended_at = now(), end_reason = 'stopped' WHERE id = {old}")
    new = add_worker(engine, "node1", process.pid)
    with engine.connect() as conn:
        states = {worker.id: worker.state for worker in read_workers(conn)}
    assert states == {old: WorkerState.DEAD, new: WorkerState.ONLINE}


def test_a_worker_carries_what_its_node_has_granted(engine: Engine, process: subprocess.Popen[bytes]) -> None:
    worker_id = add_worker(engine, "node1", process.pid)
    start(engine, add_jobs(engine, 3, cpus=2), worker_id)
    with engine.connect() as conn:
        (worker,) = read_workers(conn)
    assert (worker.cpus_allocated, worker.memory_mb_allocated, worker.running_jobs) == (6, 192, 3)
