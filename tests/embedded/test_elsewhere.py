"""One home, one owner: what another host, container or private /tmp may do with a home that is run elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import servers
from tests.embedded.conftest import leaders, postmaster, query, valkey_pid
from tests.support.apart import Apart, apart
from tests.support.cli import COMMAND, Cli, Completed, clean_environment
from tests.support.processes import kill_hard, wait_until, working_below

__all__ = ["apart"]
READERS = (
    ["jobs"], ["workers"], ["orphans"], ["events"], ["health"], ["metrics"], ["up", "--no-tui"], ["worker"],
    ["db", "current"], ["clean", "--yes"], ["cleanup", "--dry-run"],
)  # fmt: skip


@pytest.fixture
def command(own: Settings, tmp_path: Path) -> Callable[..., Completed]:
    """``jobwarden`` on the home, within a container where one is given."""
    env = clean_environment(JOBWARDEN_HOME=str(own.home), JOBWARDEN_NODE_NAME="node1", HOME=str(tmp_path))

    return lambda apart, *words: inside(apart, Cli(env, tmp_path), *words)


def inside(apart: Apart | None, cli: Cli, *words: str) -> Completed:
    """Run to the end, within a container where one is given."""
    prefix = apart.prefix() if apart else []
    done = subprocess.run(
        [*prefix, *cli.command(*words)], env=cli.env, cwd=cli.cwd, text=True, capture_output=True, check=False,
        stdin=subprocess.DEVNULL, timeout=100,
    )  # fmt: skip
    return Completed(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def unreachable(apart: Apart, own: Settings, tmp_path: Path) -> Apart:
    """A container that sees the home and a ``run`` of its own: no socket of the first one answers there."""
    (tmp_path / "run").mkdir()
    return apart.named("second").over(own.home / "run", tmp_path / "run")


def refusals(done: Completed, *named: str) -> None:
    """That the command was refused with one line that names who runs the home."""
    said = done.err or done.out
    assert done.code == (2 if done.out.startswith("UNKNOWN") else 1), done  # health: what cannot be told
    assert done.err.count("jobwarden: ") == (0 if done.code == 2 else 1), done
    assert all(name in said for name in named), done


def test_a_second_container_is_refused_and_touches_nothing(
    up: tuple[Settings, servers.Urls], unreachable: Apart, command: Callable[..., Completed]
) -> None:
    own, urls = up
    query(urls.database_url, "CREATE TABLE kept AS SELECT 1 AS id")
    before = postmaster(own), valkey_pid(own), (own.home / "postgres" / "postmaster.pid").read_text()
    for words in READERS:
        refusals(command(unreachable, *words), f"is run by host {os.uname().nodename} since", "use it there")
    refusals(command(unreachable, "down"), "stop it there with `jobwarden down`")
    refusals(command(unreachable, "up", "--no-tui", "--take-over"), "something of it lives")
    assert (postmaster(own), valkey_pid(own), (own.home / "postgres" / "postmaster.pid").read_text()) == before
    assert len(leaders(own.home / "postgres")) == len(leaders(own.home / "valkey")) == 1
    assert query(urls.database_url, "SELECT id FROM kept") == 1


def test_another_machine_is_refused_until_it_is_told_to_take_over(
    up: tuple[Settings, servers.Urls], apart: Apart, command: Callable[..., Completed]
) -> None:
    """Its own boot id proves nothing of the first machine, and neither does a lock that NFS may have lost."""
    own, _ = up
    machine = apart.of_another_machine("machine2")
    kill_hard(postmaster(own))
    kill_hard(valkey_pid(own))
    wait_until(lambda: not working_below(own.home))
    here = os.uname().nodename
    refusals(command(machine, "jobs"), f"is run by host {here} since", "`jobwarden up --take-over`")
    refusals(command(machine, "up", "--no-tui"), f"is run by host {here} since")
    refusals(command(machine, "down"), f"is run by host {here} since")
    assert not working_below(own.home)
    code = (
        "import sys\nfrom jobwarden.backend.cli.main import run\nsys.exit(run(sys.argv[1:]) or run(['jobs', '--json']))"
    )
    done = subprocess.run(
        [*machine.prefix(), sys.executable, "-c", code, "up", "--no-tui", "--take-over"], text=True, check=False,
        env=clean_environment(JOBWARDEN_HOME=str(own.home), JOBWARDEN_NODE_NAME="node2"), capture_output=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done
    assert f"is run by host {here} since" in done.stdout.splitlines()[0]
    assert done.stdout.splitlines()[0].endswith(": taken over")
    refusals(command(None, "jobs"), "is run by host machine2 since")


def test_a_container_that_is_gone_is_followed_by_the_next(
    own: Settings, apart: Apart, command: Callable[..., Completed]
) -> None:
    """On one kernel a free lock proves the end of everything in the first one."""
    done = command(apart.named("c1"), "up", "--no-tui")  # ends with its namespace
    assert done.code == 0, done
    wait_until(lambda: not working_below(own.home))
    assert json.loads((own.home / "owner").read_text())["host"] == "c1"
    assert command(None, "up", "--no-tui").code == 0
    assert json.loads((own.home / "owner").read_text())["host"] == os.uname().nodename
    done = command(None, "down")
    assert (done.code, "stopped PostgreSQL" in done.out) == (0, True), done
    assert not (own.home / "owner").exists()


def test_a_lost_record_opens_the_home_to_nobody(
    up: tuple[Settings, servers.Urls], unreachable: Apart, command: Callable[..., Completed]
) -> None:
    own, _ = up
    (own.home / "owner").unlink()
    refusals(command(unreachable, "up", "--no-tui"), "cannot be seen from here", "owner.lock")
    kill_hard(postmaster(own))
    servers.attach(own)  # here what holds the lock is to be seen
    assert len(leaders(own.home / "postgres")) == 1
    assert (own.home / "owner").exists()


@pytest.fixture
def long(home: Path) -> Settings:
    """Settings of a home whose path is too long for sockets: they lie in a folder for temporary files."""
    (home / "tmp").mkdir()
    path = home / ("l" * 60) / ("m" * 40)
    path.parent.mkdir()
    return Settings(home=path, socket_dir=home / "tmp")


def test_a_private_tmp_ends_and_starts_no_server(long: Settings, apart: Apart, tmp_path: Path) -> None:
    servers.ensure(long)
    before = postmaster(long), valkey_pid(long)
    hidden = Apart(tmp_path, (f"mount -t tmpfs -o mode=1777 none {long.socket_dir}",), ("-m",))
    env = clean_environment(
        JOBWARDEN_HOME=str(long.home), JOBWARDEN_SOCKET_DIR=str(long.socket_dir), JOBWARDEN_NODE_NAME="node1",
        HOME=str(tmp_path),
    )  # fmt: skip
    run = Cli(env, tmp_path)
    for words in READERS:
        done = inside(hidden, run, *words)
        refusals(done, "another", "(a private /tmp)", "`jobwarden down`")
        assert (postmaster(long), valkey_pid(long)) == before
    done = inside(hidden, run, "down")
    assert (done.code, "stopped PostgreSQL" in done.out) == (0, True), done
    assert not working_below(long.home)


def test_down_says_which_worker_it_cannot_see_and_stops_the_rest(
    own: Settings, apart: Apart, command: Callable[..., Completed], tmp_path: Path
) -> None:
    """The file of a worker in another container, and of one on another host: no reason to leave everything up."""
    env = clean_environment(JOBWARDEN_HOME=str(own.home), PATH=f"{COMMAND.parent}:{os.environ['PATH']}")
    wait = "until [ -e go ]; do sleep 0.1; done"
    life = f"jobwarden up --no-tui; touch up; {wait}; jobwarden down >said 2>&1; echo $? >rc"
    second = subprocess.Popen([*apart.named("c2").prefix(), "sh", "-c", life], env=env, cwd=tmp_path)
    wait_until((tmp_path / "up").exists, 60, "the second container")
    first = subprocess.Popen(
        [*apart.named("c1").prefix(), "jobwarden", "worker"], env=env, stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    try:
        file = own.home / "run" / "worker-c1.pid"
        wait_until(file.exists, 60, "the worker in the first container")
        far = file.with_name("worker-far.pid")
        far.write_text("43 77 11111111-2222-3333-4444-555555555555 4026531836 far 0123 host2\n")
        (tmp_path / "go").touch()
        second.wait(100)
        said = (tmp_path / "said").read_text()
        assert (tmp_path / "rc").read_text() == "0\n", said
        assert "stopped the worker of node c2" in said
        assert "stopped PostgreSQL\nthe worker of node c1 (pid " in said
        assert said.endswith("node far (pid 43) cannot be seen from here: if it lives, stop it there (on host host2)\n")
        assert not leaders(own.home / "postgres")
        assert far.exists()
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


def test_down_forgets_the_worker_of_a_container_that_is_gone(
    own: Settings, apart: Apart, command: Callable[..., Completed]
) -> None:
    assert command(apart.named("c1"), "up", "--no-tui").code == 0  # ends with its namespace
    wait_until(lambda: not working_below(own.home))
    assert (own.home / "run" / "worker-c1.pid").exists()
    assert command(None, "up", "--no-tui").code == 0
    done = command(None, "down")
    assert (done.code, "stopped the worker of node node1" in done.out, "(pid 1)" in done.out) == (0, True, False), done
    assert not list((own.home / "run").glob("worker-*"))
