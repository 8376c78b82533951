"""Homes where nothing can run: one clear line each."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import binaries, postgres, servers
from jobwarden.backend.embedded import home as homes
from jobwarden.backend.embedded.home import Home
from jobwarden.backend.embedded.servers import Urls
from jobwarden.backend.embedded.workers import named_in_files
from jobwarden.backend.errors import InputError, JobwardenError, Refused, Unavailable
from jobwarden.backend.process.identity import this_host
from tests.embedded.conftest import postmaster, query
from tests.support.processes import kill_hard, working_below

Mount = Callable[[str], Path]
Up = tuple[Settings, Urls]


def refusal(own: Settings, kind: type[JobwardenError] = Refused) -> str:
    """The one line with which ``ensure`` refuses."""
    with pytest.raises(kind) as caught:
        servers.ensure(own)
    line = str(caught.value)
    assert "\n" not in line
    assert str(own.home) in line or "JOBWARDEN" in line
    return line


def test_read_only_file_system(mounted: Mount) -> None:
    assert "read-only file system: set JOBWARDEN_HOME" in refusal(Settings(home=mounted("ro") / "h"))


def test_home_whose_disk_turned_read_only(mounted: Mount) -> None:
    disk = mounted("size=200m")
    own = Settings(home=disk / "h")
    servers.ensure(own)
    servers.stop(own)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert "read-only file system" in refusal(own)


def test_disk_too_small_for_a_database(mounted: Mount) -> None:
    line = refusal(Settings(home=mounted("size=4m") / "h"))
    assert line.endswith("MB of disk left and a new database needs 100")


def test_disk_without_a_single_free_file(mounted: Mount) -> None:
    assert "is on a full disk: free some space" in refusal(Settings(home=mounted("nr_inodes=1") / "h"))


def test_disk_that_filled_up_since(mounted: Mount) -> None:
    disk = mounted("size=200m")
    own = Settings(home=disk / "h")
    urls = servers.ensure(own)
    query(urls.database_url, "CREATE TABLE kept ()")
    servers.stop(own)
    fill(disk / "filler")
    assert "is on a full disk: free some space" in refusal(own, Refused)  # its owner cannot be written down
    (disk / "filler").unlink()
    servers.ensure(own)
    assert query(urls.database_url, "SELECT to_regclass('kept')") == "kept"


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    out.write(b"x" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC


def test_home_that_is_a_file(own: Settings) -> None:
    own.home.write_text("")
    assert "is not a directory" in refusal(own)


def test_home_below_a_file(home: Path) -> None:
    (home / "file").write_text("")
    assert "is not a directory" in refusal(Settings(home=home / "file" / "h"))


@pytest.mark.usefixtures("as_root")
def test_home_of_somebody_else(own: Settings) -> None:
    own.home.mkdir()
    os.chown(own.home, 65534, 65534)
    assert "run jobwarden as that user or set JOBWARDEN_HOME" in refusal(own)
    assert list(own.home.iterdir()) == []


@pytest.mark.parametrize("version", ["9", "12", "99"])
def test_data_of_another_major_version(own: Settings, version: str) -> None:
    (own.home / "postgres").mkdir(parents=True)
    (own.home / "postgres" / "PG_VERSION").write_text(f"{version}\n")
    line = refusal(own)
    assert f"made by PostgreSQL {version}" in line
    assert "found: 18, 16" in line
    assert [path.name for path in (own.home / "postgres").iterdir()] == ["PG_VERSION"]


def test_data_of_an_older_major_version_that_is_here_are_used(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    older = [found for found in binaries.postgres_installations() if found.major == 16]
    with monkeypatch.context() as patched:
        patched.setattr(postgres, "postgres_for", lambda data: older[0])
        servers.ensure(own)
    servers.stop(own)
    assert (own.home / "postgres" / "PG_VERSION").read_text() == "16\n"
    assert str(query(servers.ensure(own).database_url, "SHOW server_version")).startswith("16.")


def test_directory_that_is_no_database(own: Settings) -> None:
    (own.home / "postgres").mkdir(parents=True)
    assert "is not a PostgreSQL data directory" in refusal(own)


def test_damaged_configuration_is_reported_in_the_servers_words(up: Up) -> None:
    own, _ = up
    servers.stop(own)
    with (own.home / "postgres" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    assert "no_such_setting" in refusal(own, Unavailable)


def test_damaged_valkey_data_are_reported_in_the_servers_words(up: Up) -> None:
    own, _ = up
    servers.stop(own)
    manifest = next((own.home / "valkey" / "appendonlydir").glob("*.manifest"))
    manifest.write_text("nonsense\n")
    assert "Valkey" in refusal(own, Unavailable)


def test_no_server_programs(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_package_folder", lambda name: None)
    monkeypatch.setattr(binaries, "DEBIAN", own.home / "none")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert list(binaries.postgres_installations()) == []
    with pytest.raises(Unavailable, match="or set DATABASE_URL"):
        binaries.postgres_for(own.home / "postgres")
    with pytest.raises(Unavailable, match="or set REDIS_URL"):
        binaries.valkey_server()


@pytest.mark.parametrize("name", ["with space and 'quotes'", "ünïcode ☂", 'a"b,c\\d', "dollar $HOME `id`", "x" * 120])
def test_unusual_paths_work(home: Path, name: str) -> None:
    own = Settings(home=home / name)
    urls = servers.ensure(own)
    assert query(urls.database_url, "SELECT 1") == 1
    kill_hard(postmaster(own))
    assert servers.attach(own) == urls
    assert query(urls.database_url, "SELECT 1") == 1
    assert len(servers.stop(own)) == 2
    shutil.rmtree(homes.locate(own).sockets)


def test_long_home_gets_a_short_private_socket_directory(home: Path) -> None:
    long = homes.locate(Settings(home=home / ("x" * 120), socket_dir=home))
    homes.prepare(long)
    assert long.sockets.parent == home
    assert long.sockets.stat().st_mode & 0o777 == 0o700
    assert long == homes.locate(Settings(home=home / ("x" * 120), socket_dir=home))
    assert long.sockets != homes.locate(Settings(home=home / ("y" * 120), socket_dir=home)).sockets


def test_the_limit_is_the_kernels(home: Path) -> None:
    """The longest home that keeps its sockets inside can really bind the longest of them, and one byte more cannot."""
    longest = homes.SOCKET_PATH_LIMIT - len(os.fsencode(home)) - len("//run/" + homes.LONGEST_SOCKET)
    inside = homes.locate(Settings(home=home / ("x" * longest)))
    outside = homes.locate(Settings(home=home / ("x" * (longest + 1))))
    assert inside.sockets == inside.run
    assert outside.sockets != outside.run
    for located, fits in ((inside, True), (outside, False)):
        located.run.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as server:
            if fits:
                server.bind(str(located.run / homes.LONGEST_SOCKET))
            else:
                with pytest.raises(OSError, match="too long"):
                    server.bind(str(located.run / homes.LONGEST_SOCKET))


def test_two_spellings_of_a_home_are_one_installation(up: Up, home: Path) -> None:
    own, urls = up
    (home / "link").symlink_to(own.home)
    assert servers.attach(Settings(home=home / "link")) == urls


def test_socket_directory_that_is_too_long(home: Path) -> None:
    own = Settings(home=home / ("x" * 120), socket_dir=home / ("y" * 120))
    assert "107 bytes" in refusal(own, InputError)


@pytest.mark.usefixtures("as_root")
def test_socket_directory_laid_as_a_trap(home: Path) -> None:
    own = Settings(home=home / ("x" * 120), socket_dir=home)
    trap = homes.locate(own).sockets
    trap.mkdir()
    os.chown(trap, 65534, 65534)
    assert "set JOBWARDEN_SOCKET_DIR to a directory of your own" in refusal(own)
    trap.rmdir()
    trap.symlink_to(home)
    assert "is not a directory but a symbolic link: set JOBWARDEN_SOCKET_DIR" in refusal(own)
    assert working_below(home) == []


def test_another_process_holds_the_lock_for_ever(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    own, _ = up
    monkeypatch.setattr(homes, "LOCK_TIMEOUT_SECONDS", 0.1)
    with homes.exclusive(homes.locate(own)), pytest.raises(Unavailable, match="another jobwarden"):
        servers.stop(own)


def test_a_process_id_that_no_process_can_have(tmp_path: Path) -> None:
    """The kernel takes 32 bits: asking it about more raised OverflowError in `up` and `down`."""
    host = this_host()
    (tmp_path / "run").mkdir()
    file = tmp_path / "run" / "worker-a.pid"
    file.write_text(f"{2**70} 1 {host.boot_id} {host.pid_namespace} a\n")
    assert list(named_in_files(tmp_path)) == []
    (tmp_path / "postgres").mkdir()
    for pid in (str(2**70), "²", "9" * 5000):
        (tmp_path / "postgres" / "postmaster.pid").write_text(f"{pid}\n")
        assert postgres._recorded_pid(Home(tmp_path, tmp_path / "run")) is None
