"""Locks that mean leadership, liveness or "I am at it": who may not hold them can neither take nor keep one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import psycopg2
import psycopg2.extensions
import pytest

from jobwarden.backend.actions.results import Context
from jobwarden.backend.database.driver import Connection, DatabaseError, Engine, text
from jobwarden.backend.database.engine import (
    ALLOCATION_LOCK,
    HOUSEKEEPING_LOCK,
    LEADER_LOCK,
    NODE_LOCK,
    WORKER_LOCK,
    try_session_lock,
)
from jobwarden.backend.database.upgrade import UPGRADE_LOCK, upgrade
from jobwarden.backend.housekeeping.run import ARCHIVE_KEY, host_key
from tests.support.logins import Login, login
from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, Farm

__all__ = ["login"]

Keys = list[tuple[int, int]]
Squat = Callable[[Keys], int]

LOCKS = text("SELECT count(*), bool_and(granted) FROM pg_locks WHERE pid = :pid AND locktype = 'advisory'")
HELD = text("""
    SELECT l.classid::int, l.objid::int FROM pg_locks l JOIN pg_stat_activity s USING (pid)
    WHERE l.locktype = 'advisory' AND l.classid = :kind AND l.granted AND s.application_name = :name
      AND s.datname = current_database()
""")


@pytest.fixture
def squat(engine: Engine, login: Login) -> Iterator[Squat]:
    """Lets a viewer take these advisory locks in one session, waiting for those that are held; the session's pid."""
    viewer = login("viewer").url
    sessions: list[psycopg2.extensions.connection] = []

    def take(keys: Keys) -> int:
        conn = psycopg2.connect(viewer)
        sessions.append(conn)  # a session that nobody refers to any more is closed
        pid = int(conn.info.backend_pid)

        def run() -> None:
            with contextlib.suppress(psycopg2.Error), conn.cursor() as cursor:  # ended by the test
                for key in keys:
                    cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)

        threading.Thread(target=run, daemon=True).start()
        wait_until(lambda: locks_of(engine, pid) & {(len(keys), True), (len(keys), False)}, PATIENCE, "the locks")
        return pid

    yield take
    with engine.begin() as conn:
        for session in sessions:
            conn.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": session.info.backend_pid})


def everything(farm: Farm) -> Keys:
    """Every key that this installation will ask for."""
    kinds = (WORKER_LOCK, NODE_LOCK, ALLOCATION_LOCK)
    host = host_key(Context(farm.engine, farm.settings, "x"))
    return [
        (LEADER_LOCK, 0), (HOUSEKEEPING_LOCK, ARCHIVE_KEY), (HOUSEKEEPING_LOCK, host),
        *((kind, key) for kind in kinds for key in range(1, 40)),
    ]  # fmt: skip


def locks_of(engine: Engine, pid: int) -> set[tuple[int, bool]]:
    """How many locks the session asked for so far, and whether it has them all."""
    with engine.connect() as conn:
        return {tuple(row) for row in conn.execute(LOCKS, {"pid": pid})}


def granted(engine: Engine, pid: int) -> bool:
    return any(all_of_them for _, all_of_them in locks_of(engine, pid))


def upgrade_and_tell(url: str, done: threading.Event) -> None:
    """Upgrade, and say when it is done."""
    upgrade(url)
    done.set()


def held_by(engine: Engine, kind: int, name: str) -> tuple[int, int]:
    """The advisory lock of a kind that a session of the worker holds, as everybody sees it."""
    with engine.connect() as conn:
        number, key = wait_until(lambda: conn.execute(HELD, {"kind": kind, "name": name}).first(), PATIENCE)
    return number, key


@pytest.mark.attempt("Advisory locks by a viewer: all keys, before anybody needs them", fault=6)
def test_squatting_every_lock_before_the_first_worker(farm: Farm, squat: Squat) -> None:
    """A viewer takes all locks first: no worker starts, nothing is scheduled, no clean-up runs."""
    squat(everything(farm))
    first = farm.worker(node="node1")
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"
    orphan, _ = farm.submit_waiting()
    farm.started(orphan)
    checks = {row["check"]: row["status"] for row in farm.cli("health", "--json").json}
    assert (checks["leader"], checks["workers"]) == ("ok", "ok")
    first.kill()
    assert farm.cli("clean", "--yes").code == 0
    assert farm.ended(orphan).state in ("FAILED", "CANCELLED")
    done = farm.cli("cleanup", "--max-age-hours", 0, "--json")
    assert (done.code, [row["step"] for row in done.json]) == (0, ["allocations", "spool", "archive", "workers"])
    assert not any("right now" in left for row in done.json for left in row["left"])


@pytest.mark.attempt("Advisory locks by a viewer: wait for the leader's", fault=6)
def test_waiting_for_the_leaders_lock_until_it_restarts(farm: Farm, squat: Squat) -> None:
    """A viewer waits in pg_advisory_lock until the leader dies, and holds the lead for ever."""
    worker = farm.worker()
    number = held_by(farm.engine, LEADER_LOCK, "jobwarden worker node1")
    pid = squat([number])
    nominal = squat([(LEADER_LOCK, 0)])
    worker.kill()
    wait_until(lambda: granted(farm.engine, pid) and granted(farm.engine, nominal), PATIENCE, "the impostor's lock")
    assert "no worker is the scheduler" in farm.cli("health").out
    farm.worker()
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"
    assert "one worker is the scheduler" in farm.cli("health").out


@pytest.mark.attempt("Advisory locks by a viewer: wait for the node's", fault=6)
def test_waiting_for_the_nodes_lock(farm: Farm, squat: Squat) -> None:
    """A viewer keeps the node's lock after its worker, so that the next one is refused, naming a dead pid."""
    worker = farm.worker()
    pid = squat([held_by(farm.engine, NODE_LOCK, "jobwarden worker node1")])
    squat([(NODE_LOCK, farm.scalar("SELECT id FROM nodes"))])
    worker.kill()
    wait_until(lambda: granted(farm.engine, pid), PATIENCE, "the impostor's lock")
    farm.worker()
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"


@pytest.mark.attempt("Advisory locks by a viewer: make the dead look alive", fault=6)
def test_making_a_dead_worker_look_alive(farm: Farm, squat: Squat) -> None:
    """A viewer holds a dead worker's lock, so that its jobs are left to it until its lease ends, here an hour."""
    worker = farm.worker(JOBWARDEN_LEASE_SECONDS="3600", JOBWARDEN_HEARTBEAT_SECONDS="1")
    pid = squat([held_by(farm.engine, WORKER_LOCK, "jobwarden worker node1")])
    squat([(WORKER_LOCK, worker.id)])
    worker.kill()
    wait_until(lambda: granted(farm.engine, pid), PATIENCE, "the impostor's lock")
    [row] = farm.cli("workers", "--json").json
    assert row["state"] == "DEAD"


@pytest.mark.attempt("Advisory locks by a viewer: block the upgrade", fault=6)
def test_holding_the_lock_of_the_upgrade(engine: Engine, squat: Squat) -> None:
    """A viewer holds the lock of the upgrade, which then waits for ever."""
    squat([(UPGRADE_LOCK, 0)])
    done = threading.Event()
    url = engine.url
    threading.Thread(target=upgrade_and_tell, args=(url, done), daemon=True).start()
    assert done.wait(PATIENCE)


def test_two_upgrades_take_turns(engine: Engine) -> None:
    """The lock of the upgrade is not simply passed over: one that the owner holds is waited for."""
    url = engine.url
    done = threading.Event()
    with engine.connect().autocommit() as conn:
        conn.execute(text("SELECT pg_advisory_lock(:kind, 0)"), {"kind": UPGRADE_LOCK})
        threading.Thread(target=upgrade_and_tell, args=(url, done), daemon=True).start()
        assert not done.wait(2)
        conn.execute(text("SELECT pg_advisory_unlock(:kind, 0)"), {"kind": UPGRADE_LOCK})
    assert done.wait(PATIENCE)


@pytest.mark.parametrize("role", ["viewer", "submitter", "operator"])
@pytest.mark.parametrize("kind", [WORKER_LOCK, LEADER_LOCK, NODE_LOCK, HOUSEKEEPING_LOCK, ALLOCATION_LOCK])
def test_asking_for_a_lock_the_proper_way(engine: Engine, login: Login, role: str, kind: int) -> None:
    """A login that is no worker's asks our own function; an operator gets the one kind he needs to end orphans."""
    with login(role).connect() as conn:
        if (role, kind) == ("operator", ALLOCATION_LOCK):
            assert try_session_lock(conn, kind, 1)
        else:
            with pytest.raises(DatabaseError, match=r"permission denied|may not hold it"):
                try_session_lock(conn, kind, 1)


def test_who_may_hold_a_lock_excludes_the_others(engine: Engine, login: Login) -> None:
    """Two workers lead at once, or a lock outlives its session, or is had a second time by its holder's release."""
    engines = [login("worker"), login("worker")]
    autocommit = [one.connect().autocommit() for one in engines]
    first, second = autocommit
    assert try_session_lock(first, LEADER_LOCK, 0)
    assert try_session_lock(first, LEADER_LOCK, 0)
    assert not try_session_lock(second, LEADER_LOCK, 0)
    first.invalidate()
    first.close()
    wait_until(lambda: try_session_lock(second, LEADER_LOCK, 0), PATIENCE, "the lock of a session that is gone")
    second.close()


def ask(conn: Connection, key: int, barrier: threading.Barrier, winners: list[Connection]) -> None:
    """Ask for the lock when all others are there, and join the winners when one has it."""
    barrier.wait()
    if try_session_lock(conn, NODE_LOCK, key):
        winners.append(conn)


def test_many_at_once_ask_for_one_lock(engine: Engine, login: Login) -> None:
    """Eight sessions ask at the same moment, over and over: at most one of them has it."""
    member = login("worker")
    for key in range(20):
        barrier = threading.Barrier(8)
        winners: list[Connection] = []
        conns = [member.connect().autocommit() for _ in range(8)]

        threads = [threading.Thread(target=ask, args=(conn, key, barrier, winners)) for conn in conns]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(winners) <= 1
        with member.connect() as conn:
            assert len(conn.execute(text("SELECT * FROM jw_lock_holders(:k) WHERE key = :key"),
                                    {"k": NODE_LOCK, "key": key}).all()) == len(winners)  # fmt: skip
        for conn in conns:
            conn.invalidate()
            conn.close()
