"""Another local user lays out a home, a settings file or a socket, and waits for root (or anybody) to use it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from jobwarden.backend.config.settings import Settings, load_settings
from jobwarden.backend.embedded import home as homes
from jobwarden.backend.embedded import postgres, servers, valkey
from jobwarden.backend.errors import InputError, JobwardenError, Refused
from jobwarden.backend.files import Untrusted, read_trusted
from tests.support.cli import Cli
from tests.support.ordinary import NOBODY, run_python
from tests.support.processes import working_below

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who can become another user")

TOML = 'database_url = "postgresql://trap/x"\nredis_url = "redis://trap"\n'
USES: tuple[Callable[[Settings], object], ...] = (servers.ensure, servers.attach, servers.status, servers.stop)

LISTEN = """\
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
server.listen()
print("listening", flush=True)
while True:
    client, _ = server.accept()
    print("got", client.recv(100), flush=True)
"""


def as_nobody(code: str, *args: str) -> None:
    """Run plain Python as the attacker."""
    subprocess.run(
        ["/usr/bin/env", "python3", "-c", code, *args], user=NOBODY, group=NOBODY, extra_groups=[], check=True
    )


@pytest.fixture
def shared(home: Path) -> Path:
    """A folder as /tmp is: everybody may make things in it."""
    home.chmod(0o755)
    place = home / "shared"
    place.mkdir()
    place.chmod(0o1777)
    return place


@contextlib.contextmanager
def listener(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of the attacker that listens on ``path`` and says what it is sent first."""
    process = subprocess.Popen(
        ["/usr/bin/env", "python3", "-c", LISTEN, str(path)], text=True, stdout=subprocess.PIPE,
        user=NOBODY, group=NOBODY, extra_groups=[],
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield process
    finally:
        process.kill()
        process.wait()


def refused(use: Callable[[], object], kind: type[JobwardenError] = Refused) -> str:
    """The one line with which ``use`` refuses."""
    with pytest.raises(kind) as caught:
        use()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.attempt("home made by somebody else first", fault=4)
def test_somebody_makes_the_home_with_a_settings_file_first(cli: Cli, shared: Path) -> None:
    """Whoever makes /tmp/x first would name the servers from which root gets its jobs."""
    place = shared / "x"
    as_nobody("import os,sys; os.mkdir(sys.argv[1]); open(sys.argv[1]+'/jobwarden.toml','w').write(sys.argv[2])",
              str(place), TOML)  # fmt: skip
    done = cli("config", JOBWARDEN_HOME=str(place))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"{place} belongs to " in done.err
    (place / "jobwarden.toml").unlink()
    for use in USES:
        assert f"{place} belongs to " in refused(partial(use, Settings(home=place)))
    for words in (["up", "--no-tui"], ["down"], ["worker"]):
        done = cli(*words, JOBWARDEN_HOME=str(place))
        assert (done.code, done.err.count("\n")) == (1, 1), done
    assert list(place.iterdir()) == []


@pytest.mark.attempt("home that others can write to", fault=4)
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_somebody_can_write_to_the_home(shared: Path, mode: int) -> None:
    """Whoever can write to the home can exchange any part of it."""
    place = shared / "x"
    place.mkdir()
    place.chmod(mode)
    for use in USES:
        assert f"others can write to {place}: " in refused(partial(use, Settings(home=place)))
    place.chmod(0o711)
    assert [one.running for one in servers.status(Settings(home=place))] == [False, False]


@pytest.mark.attempt("settings file of somebody else", fault=4)
@pytest.mark.parametrize("variable", ["JOBWARDEN_CONFIG", "JOBWARDEN_HOME", "XDG_CONFIG_HOME"])
def test_somebody_can_change_the_settings_file(shared: Path, variable: str) -> None:
    """By owner, by mode, by a folder on the way, by a link: wherever the file is looked for."""
    folder = shared / "c" / "jobwarden"
    folder.mkdir(parents=True, mode=0o755)
    file = folder / "jobwarden.toml"
    file.write_text(TOML)
    named = {"JOBWARDEN_CONFIG": file, "JOBWARDEN_HOME": folder, "XDG_CONFIG_HOME": folder.parent}[variable]
    env = {"JOBWARDEN_HOME": str(shared / "none"), variable: str(named)}

    def try_it() -> str:
        return refused(lambda: load_settings(env), InputError)

    assert load_settings(env).redis_url == "redis://trap"
    os.chown(file, NOBODY, NOBODY)
    assert f"{file} belongs to" in try_it()
    os.chown(file, 0, 0)
    for mode in (0o664, 0o646):
        file.chmod(mode)
        assert f"`chmod go-w {file}`" in try_it()
    file.chmod(0o644)
    folder.parent.chmod(0o777)
    assert f"others can write to {folder.parent}" in try_it()
    folder.parent.chmod(0o755)
    os.chown(folder, NOBODY, NOBODY)
    assert f"{folder} belongs to" in try_it()
    os.chown(folder, 0, 0)
    elsewhere = shared / "elsewhere.toml"
    as_nobody("import sys; open(sys.argv[1], 'w').write('node_cpus = 3')", str(elsewhere))
    file.unlink()
    file.symlink_to(elsewhere)
    assert f"{elsewhere} belongs to" in try_it()


@pytest.mark.attempt("link of somebody else to a settings file", fault=4)
def test_somebody_links_to_a_good_settings_file(shared: Path, home: Path) -> None:
    """Whoever made the link can point it elsewhere at any time; root's own link is as good as the file."""
    good = home / "good.toml"
    good.write_text("node_cpus = 3\n")
    theirs, ours = shared / "theirs.toml", home / "ours.toml"
    as_nobody("import os, sys; os.symlink(sys.argv[1], sys.argv[2])", str(good), str(theirs))
    ours.symlink_to(good)
    assert "who can replace" in refused(lambda: load_settings({"JOBWARDEN_CONFIG": str(theirs)}), InputError)
    assert load_settings({"JOBWARDEN_CONFIG": str(ours), "HOME": "/root"}).node_cpus == 3


def test_an_ordinary_user_reads_the_settings_that_root_wrote(home: Path) -> None:
    """Root's file and a container's volume: owner root is as good as oneself, and 0644 is no fault without a secret."""
    home.chmod(0o755)
    file = home / "jobwarden.toml"
    file.write_text("node_cpus = 3\n")
    code = (
        "from jobwarden.backend.config.settings import load_settings\n"
        "found = load_settings()\nprint(found.node_cpus, found.warning)"
    )
    done = run_python(code, JOBWARDEN_CONFIG=str(file))
    assert done.stdout == "3 None\n", done.stderr


@pytest.mark.parametrize("line", ['database_url = "postgresql://u:secret@h/d"', 'alert_webhook = "https://h/token"'])
def test_somebody_reads_the_password_in_the_settings_file(line: str, home: Path, cli: Cli) -> None:
    """The owner is told, by the settings, by `health` and in the worker's log; as psql does it is no refusal."""
    file = home / "jobwarden.toml"
    file.write_text(line + "\n")
    file.chmod(0o644)
    warning = str(load_settings({"JOBWARDEN_CONFIG": str(file)}).warning)
    assert f"`chmod go-r {file}`" in warning
    assert "secret" not in warning
    assert warning in cli("health").err
    for mode in (0o600, 0o640):  # of root's file the group is root's choice
        file.chmod(mode)
        assert load_settings({"JOBWARDEN_CONFIG": str(file)}).warning is None


@pytest.fixture
def crashed(shared: Path) -> Iterator[Settings]:
    """An installation with a long home whose machine crashed: `wanted` and postmaster.pid stay, /tmp is empty."""
    deep = shared.parent / ("x" * 120)
    own = Settings(home=deep, socket_dir=shared)
    located = homes.locate(own)
    homes.prepare(located)
    located.sockets.rmdir()
    homes.want(located)
    located.postgres.mkdir(mode=0o700)
    (located.postgres / "postmaster.pid").write_text("1\n\n\n\n\n\n\nready   \n")
    yield own
    shutil.rmtree(located.sockets, ignore_errors=True)


@pytest.mark.attempt("socket directory made by somebody else after a reboot", fault=4)
def test_somebody_makes_the_socket_directory_after_a_crash(crashed: Settings) -> None:
    """Its name in /tmp can be foretold; a stale postmaster.pid says `ready` and the attacker listens."""
    sockets = homes.locate(crashed).sockets
    as_nobody("import os, sys; os.mkdir(sys.argv[1])", str(sockets))
    with listener(sockets / homes.LONGEST_SOCKET), listener(sockets / "valkey.sock") as queue:
        for use in USES:
            line = refused(partial(use, crashed))
            assert f"{sockets} belongs to" in line
            assert "JOBWARDEN_SOCKET_DIR" in line
        assert queue.poll() is None, "it was never called"
    assert working_below(crashed.home) == []


@pytest.mark.attempt("socket of somebody else in our directory", fault=4)
@pytest.mark.parametrize("server", [postgres, valkey])
def test_somebody_listens_in_our_directory(crashed: Settings, server: ModuleType) -> None:
    """As when the directory was open for a moment: the kernel says who listens, and he is sent nothing."""
    located = homes.locate(crashed)
    located.sockets.mkdir()
    located.sockets.chmod(0o777)
    with listener(server.socket_path(located)) as process:
        located.sockets.chmod(0o700)
        assert "listens on" in refused(lambda: server.ready(located))
        assert process.stdout is not None
        assert process.stdout.readline() == "got b''\n"


@pytest.mark.attempt("full queue of a stranger's socket", fault=4)
def test_somebody_listens_and_never_accepts(crashed: Settings) -> None:
    """A connection that has to wait shows no peer; then the owner of the socket tells."""
    located = homes.locate(crashed)
    located.sockets.mkdir()
    path = located.sockets / homes.LONGEST_SOCKET
    with socket.socket(socket.AF_UNIX) as server, contextlib.ExitStack() as waiting:
        server.bind(str(path))
        server.listen(0)
        os.chown(path, NOBODY, NOBODY)
        for _ in range(2):
            client = waiting.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(str(path))
        assert "listens on" in refused(lambda: postgres.ready(located))


@pytest.mark.attempt("traps among the files of a home", fault=4)
@pytest.mark.parametrize("name", ["run/wanted", "servers.lock", "postgres/postmaster.pid"])
@pytest.mark.parametrize("trap", ["fifo", "link", "foreign", "open"])
def test_somebody_lays_a_trap_among_our_files(crashed: Settings, name: str, trap: str) -> None:
    """A FIFO would hang us, a link lead us elsewhere, a file of somebody else lie to us."""
    file = crashed.home / name
    file.unlink(missing_ok=True)
    if trap == "fifo":
        os.mkfifo(file)
    elif trap == "link":
        file.symlink_to("/proc/version")
    else:
        file.touch()
        os.chown(file, NOBODY if trap == "foreign" else 0, 0)
        file.chmod(0o666 if trap == "open" else 0o600)
    located = homes.locate(crashed)
    located.sockets.mkdir(mode=0o700, exist_ok=True)
    with pytest.raises(Untrusted, match=file.name):
        homes.is_wanted(located)
        postgres.running_pid(located)
        with homes.exclusive(located):
            pass


@pytest.mark.attempt("links among the files that root writes", fault=4)
def test_somebody_lets_root_write_through_a_link(shared: Path, cli: Cli) -> None:
    """The dashboard's state and the log of errors in a home that is not root's."""
    from jobwarden.tui.config.state import State

    victim = shared.parent / "victim"
    victim.write_text("untouched")
    place = shared / "x"
    as_nobody("""import os, sys
os.makedirs(sys.argv[1] + "/tui"); os.makedirs(sys.argv[1] + "/log")
for name in ("tui/state.json", "tui/state.lock", "log/cli.log", "log/dashboard.log"):
    os.symlink(sys.argv[2], sys.argv[1] + "/" + name)""", str(place), str(victim))  # fmt: skip
    state = State.of_home(place)
    state.put("jobs", "filter", "x")
    state.save()
    assert "not saved" in state.notice
    assert victim.read_text() == "untouched"
    assert (place / "tui" / "state.json").is_symlink()


def test_reading_is_bounded(home: Path) -> None:
    """A file that grows without end is none of ours."""
    (home / "f").write_bytes(b"x" * 101)
    assert len(read_trusted(home / "f", limit=101)) == 101
    with pytest.raises(Untrusted, match="more than"):
        read_trusted(home / "f", limit=100)
