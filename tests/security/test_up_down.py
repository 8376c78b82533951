"""`up` and `down` at once, interleaved and killed: one installation in the end or none, and never a stray worker."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import servers, workers
from jobwarden.backend.embedded.home import prepare, trusted_home
from jobwarden.backend.process.identity import Liveness, identify, liveness
from tests.support.cli import Cli, clean_environment
from tests.support.processes import MARK, is_gone, kill_hard, reap_marked, wait_until
from tests.worker.farm import FAST

PATIENCE = 120.0
NOTHING = "nothing of this home was running\n"
ROUNDS = int(os.environ.get("JWTEST_DOWN_ROUNDS", "2"))


@pytest.fixture
def embedded(home: Path, tmp_path: Path, mark: str) -> Iterator[Cli]:
    """The command on a home with servers of its own."""
    env = clean_environment(JOBWARDEN_HOME=str(home), JOBWARDEN_NODE_NAME="node1", HOME=str(tmp_path), **FAST)
    made = Cli({**env, MARK: mark}, tmp_path)
    yield made
    made("down", timeout=PATIENCE)
    reap_marked(mark)


def living(home: Path) -> list[int]:
    """Every worker process of the home."""
    return [found.who.pid for found in workers.seen_running(home)]


def all_gone(home: Path) -> bool:
    return not living(home) and not any(server.process_id for server in servers.status(Settings(home=home)))


def end(process: subprocess.Popen[str]) -> int:
    """Its exit code."""
    process.communicate(timeout=PATIENCE)
    return process.returncode


@pytest.mark.attempt("`up` x20 at once", fault=9)
def test_twenty_at_once_make_two_workers_or_a_lost_pid_file(embedded: Cli, home: Path) -> None:
    """The loser of a race must not take the place of the winner in the pid file."""
    started = [embedded.start("up", "--no-tui") for _ in range(20)]
    assert {end(process) for process in started} == {0}
    [pid] = living(home)
    [row] = [row for row in embedded("workers", "--json").json if row["state"] == "ONLINE"]
    [named] = workers.named_in_files(home)
    assert row["pid"] == named.who.pid == pid
    assert embedded("down").out.startswith(f"stopped the worker of node node1 (pid {pid})\n")
    assert all_gone(home)
    assert not list((home / "run").glob("worker-*"))


@pytest.mark.attempt("`up` and `down` interleaved and killed", fault=9)
def test_interleaved_and_killed_they_leave_half_an_installation(embedded: Cli, home: Path) -> None:
    """Whoever is killed while he holds the lock blocks nobody, and nothing is forgotten."""
    chance = random.Random(9)
    for _ in range(ROUNDS):
        going = [embedded.start(*words) for words in (["up", "--no-tui"], ["down"], ["up", "--no-tui"])]
        victim = chance.choice(going)
        with pytest.raises(subprocess.TimeoutExpired):
            victim.wait(chance.uniform(0.05, 0.15))
        victim.send_signal(signal.SIGKILL)
        for process in going:
            end(process)
        last = embedded("down", timeout=PATIENCE)
        assert last.code == 0, last.err
        assert all_gone(home), last
        assert embedded("down").out.startswith(NOTHING)


@pytest.mark.attempt("`down` while a killed `up`'s worker is starting", fault=9)
def test_a_worker_that_has_not_yet_registered_escapes(embedded: Cli, home: Path) -> None:
    """`up` is killed as soon as its worker is a process; `down` waits for it and stops it."""
    assert embedded("up", "--no-tui", timeout=PATIENCE).code == 0
    kill_hard(living(home)[0])
    starting = embedded.start("up", "--no-tui")
    worker = wait_until(lambda: living(home), PATIENCE, "the worker's process")[0]
    starting.kill()
    starting.wait()
    down = embedded("down", timeout=PATIENCE)
    assert down.code == 0, down.err
    assert is_gone(worker)
    assert all_gone(home)


@pytest.mark.attempt("`down` after PostgreSQL was killed", fault=9)
def test_with_the_database_killed_and_the_files_gone_a_worker_escapes(embedded: Cli, home: Path) -> None:
    """Neither the pid file nor the database can name it: the process itself is seen."""
    assert embedded("up", "--no-tui", timeout=PATIENCE).code == 0
    [pid] = living(home)
    for file in (home / "run").glob("worker-*.pid"):
        file.unlink()
    (home / "run" / "wanted").unlink()  # so that nobody brings it back
    [postgres] = [one.process_id for one in servers.status(Settings(home=home)) if one.name == "PostgreSQL"]
    assert postgres is not None
    kill_hard(postgres)
    down = embedded("down", timeout=PATIENCE)
    assert (down.code, is_gone(pid)) == (0, True), down
    assert f"(pid {pid})" in down.out
    assert all_gone(home)


@pytest.mark.attempt("`down` after a failed `up`", fault=9)
def test_a_failed_up_leaves_its_worker(cli: Cli, settings: Settings) -> None:
    """The worker cannot use its spool: `up` fails, and nothing of it is left."""
    (settings.home / "spool").write_text("in the way")
    assert cli("up", "--no-tui").code == 1
    assert living(settings.home) == []
    assert cli("down").out == NOTHING


@pytest.mark.attempt("pid file that names a stranger", fault=9)
def test_a_pid_file_makes_down_end_a_stranger(cli: Cli, settings: Settings, mark: str) -> None:
    """A reused pid, another boot, nonsense: whoever has the number now is let be."""
    prepare(trusted_home(settings))
    with subprocess.Popen(["sleep", "600"], env={**os.environ, MARK: mark}) as stranger:
        who = identify(stranger.pid)
        assert who is not None
        run = settings.home / "run"
        (run / "worker-a.pid").write_text(f"{who.pid} {who.start_ticks + 1} {who.boot_id} {who.pid_namespace} a\n")
        (run / "worker-b.pid").write_text(f"{who.pid} {who.start_ticks} another-boot {who.pid_namespace} b\n")
        (run / "worker-c.pid").write_text(f"{who.pid}\n")
        assert cli("down").out == NOTHING
        assert liveness(who) is Liveness.ALIVE
        assert not list(run.glob("*.pid"))
        stranger.kill()


@pytest.mark.attempt("second worker of a node overwrites the pid file", fault=9)
def test_a_second_worker_of_the_node_takes_the_pid_file(cli: Cli, settings: Settings) -> None:
    """External servers, workers in the foreground: the refused one changes nothing, and `down` finds every node's."""
    going = [cli.start("worker", "--node", name) for name in ("node1", "node2")]
    wait_until(lambda: len(list(workers.named_in_files(settings.home))) == 2, PATIENCE, "both workers")
    refused = cli("worker", "--node", "node1")
    assert (refused.code, refused.err.count("\n")) == (1, 1), refused.err
    named = {found.node: found.who.pid for found in workers.named_in_files(settings.home)}
    assert named == {"node1": going[0].pid, "node2": going[1].pid}
    assert cli("down").out.count("stopped the worker of node") == 2
    assert [end(process) for process in going] == [0, 0]
    assert not list((settings.home / "run").glob("*.pid"))
    assert not [pid for pid in psutil.pids() if pid in named.values()]


@pytest.mark.attempt("node name too long for a file", fault=9)
def test_a_node_name_that_fills_a_file_name(cli: Cli, settings: Settings) -> None:
    """255 characters are a name for a node, and with more around it none for a file."""
    name = "n" * 255
    worker = cli.start("worker", "--node", name)
    [found] = wait_until(lambda: list(workers.named_in_files(settings.home)), PATIENCE, "the pid file")
    assert (found.who.pid, found.node) == (worker.pid, name)
    assert f"stopped the worker of node {name} (pid {worker.pid})\n" in cli("down").out
