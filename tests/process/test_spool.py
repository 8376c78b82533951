"""The folder of an allocation, its record, and launches that fail."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.errors import LaunchError, Refused
from jobwarden.backend.process import spawn as shim
from jobwarden.backend.process import spool
from jobwarden.backend.process.exit_status import launch_message
from jobwarden.backend.process.record import RECORD_SIZE, Record, RecordKind, doubt, parse_record, read_record, seal
from tests.process.jobs import Jobs
from tests.support.launching import KEY, attempt, folder_of
from tests.support.processes import is_gone, wait_until


def sealed(raw: bytes) -> bytes:
    """``raw`` as the supervisor seals it, each line with all before it."""
    lines, done = raw.split(b"\n"), b""
    for line in lines[:-1]:
        done += line + b" " + seal(done + line, KEY).encode() + b"\n"
    return done + lines[-1]


ENDED = b"exit 3 1700000000000000001 20 30 4096\n"


def mode(path: str | Path) -> int:
    return Path(path).stat().st_mode & 0o777


def test_folder_is_private_and_complete(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "spool"
    spool.prepare_root(str(root))
    folder = folder_of(root, 7, "#!/bin/sh\n# \udcff ü\n", job_id=12345)
    assert (mode(root), mode(folder.path), mode(folder.script)) == (0o700, 0o700, 0o700)
    assert folder.script == f"{root}/7/job_12345.sh"
    assert Path(folder.script).read_bytes() == b"#!/bin/sh\n# \xff \xc3\xbc\n"
    assert (root / "7/exit_status").stat().st_size == RECORD_SIZE
    record = read_record(folder.path, KEY)
    assert record is not None and record.kind is RecordKind.NEVER


def test_open_spool_directory_is_closed_to_others(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    root.mkdir(mode=0o755)
    spool.prepare_root(str(root))
    assert mode(root) == 0o700


def test_an_attempt_is_made_once(tmp_path: Path) -> None:
    first = folder_of(tmp_path, 7, "echo first\n")
    with pytest.raises(LaunchError, match="is there already") as caught:
        folder_of(tmp_path, 7, "echo second\n")
    assert caught.value.step == "folder"
    assert Path(first.script).read_text() == "echo first\n"


def test_spool_that_is_a_file_or_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LaunchError, match="cannot use the spool directory"):
        spool.prepare_root(str(tmp_path / "file"))
    with pytest.raises(LaunchError, match="No such file or directory"):
        folder_of(tmp_path / "missing")


def test_remove_twice(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    spool.remove(folder.path)
    spool.remove(folder.path)
    assert not Path(folder.path).exists()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (ENDED, Record(RecordKind.EXIT, 3, 1700000000000000001, 20, 30, 4096)),
        (ENDED + b"gone\n", Record(RecordKind.EXIT, 3, 1700000000000000001, 20, 30, 4096, gone=True)),
        (ENDED + b" " * 90, Record(RecordKind.EXIT, 3, 1700000000000000001, 20, 30, 4096)),
        (b"signal 11 5 1 2 3 core\n", Record(RecordKind.SIGNAL, 11, 5, 1, 2, 3, core=True)),
        (b"launch exec 2 77\n", Record(RecordKind.LAUNCH, 2, 77, step="exec")),
        (b"never 77\ngone\n", Record(RecordKind.NEVER, end_ns=77, gone=True)),
    ],
)
def test_records_are_read(tmp_path: Path, raw: bytes, expected: Record) -> None:
    (tmp_path / "exit_status").write_bytes(sealed(raw))
    assert read_record(str(tmp_path), KEY) == expected


@pytest.mark.parametrize(
    "raw", [b"", ENDED[:-1], b" " * 128, b"\n", b"exit\n", b"exit x 1 2 3 4\n", b"\0" * 128, b"\xff\n"]
)
def test_half_a_record_is_none(raw: bytes) -> None:
    assert parse_record(sealed(raw), KEY) is None
    assert parse_record(raw, None) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_none(raw: bytes) -> None:
    assert parse_record(raw, KEY) is None
    assert parse_record(raw, None) is None or b"\n" in raw


def test_no_folder_no_record(tmp_path: Path) -> None:
    assert read_record(str(tmp_path / "missing"), KEY) is None


@pytest.fixture
def small_disk(jobs: Jobs) -> Iterator[Path]:
    """A disk of 256 KiB at the place of the spool."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    jobs.root.mkdir()
    options = ["-o", "size=256k", "tmpfs"]
    if subprocess.run(["mount", "-t", "tmpfs", *options, str(jobs.root)], check=False).returncode:
        pytest.skip("cannot mount a disk here")
    yield jobs.root
    jobs.clean_up_processes()
    subprocess.run(["umount", str(jobs.root)], check=True)


def fill(disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"), (disk / "fill").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_full_disk_does_not_lose_the_exit_status(jobs: Jobs, small_disk: Path) -> None:
    go = small_disk.parent / "go"
    job = jobs.start(f"echo up; while [ ! -e '{go}' ]; do sleep 0.02; done; exit 42\n")
    job.said("up")
    fill(small_disk)
    go.touch()
    record = job.end()
    assert (record.kind, record.value, record.gone) == (RecordKind.EXIT, 42, True)


def test_record_waits_for_a_disk_that_takes_nothing(jobs: Jobs) -> None:
    go = jobs.root.parent / "go"
    job = jobs.start(f"echo up; while [ ! -e '{go}' ]; do sleep 0.02; done; exit 42\n")
    job.said("up")
    former = resource.prlimit(job.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    go.touch()
    wait_until(lambda: Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text() == "", what="the script's end")
    assert job.record is None
    assert not is_gone(job.pid), "the outcome would be lost"
    resource.prlimit(job.pid, resource.RLIMIT_FSIZE, former)
    assert job.end().value == 42


def test_a_disk_does_not_become_read_only_under_a_job(jobs: Jobs, small_disk: Path) -> None:
    go = small_disk.parent / "go"
    script = f"echo up; exec >/dev/null 2>&1; while [ ! -e '{go}' ]; do sleep 0.02; done; exit 42\n"
    job = jobs.start(script)
    job.said("up")
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    assert subprocess.run(remount, check=False, capture_output=True).returncode != 0
    go.touch()
    assert job.end().value == 42


def test_create_on_a_full_disk_says_so_and_leaves_nothing(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(LaunchError, match="No space left on device") as caught:
        folder_of(small_disk, 1, "echo x\n" * 2000)
    assert caught.value.step in ("folder", "script")
    assert [path.name for path in small_disk.iterdir()] == ["fill"]


def test_spool_deleted_under_a_running_job_does_not_keep_it_for_ever(jobs: Jobs) -> None:
    go = jobs.root.parent / "go"
    job = jobs.start(f"echo up; while [ ! -e '{go}' ]; do sleep 0.02; done; exit 42\n")
    job.said("up")
    shutil.rmtree(jobs.root)
    go.touch()
    assert os.waitstatus_to_exitcode(job.reap()) == 42
    assert job.record is None


def test_a_record_that_the_job_deletes_is_its_own_loss(jobs: Jobs) -> None:
    job = jobs.start('rm -f "$(dirname "$0")"/exit_status; exit 5\n')
    assert os.waitstatus_to_exitcode(job.reap()) == 5
    assert job.record is None
    assert doubt(job.folder.path, KEY) == "exit_status was removed from its folder"


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["nul\0byte"], {}, "NUL byte"),
        ([], {"A": "nul\0byte"}, "NUL byte"),
        ([], {"A=B": "C"}, "'='"),
        ([], {"": "C"}, "name is empty"),
    ],
)
def test_what_cannot_be_given_to_a_process(arguments: list[str], environment: dict[str, str], words: str) -> None:
    launch = attempt("/", arguments=arguments, environment=environment)
    with pytest.raises(LaunchError, match=words) as caught:
        launch.message(0)
    assert caught.value.step == "environment"


def test_arguments_that_are_too_large_end_a_job_with_the_reason(jobs: Jobs) -> None:
    record = jobs.start("echo ran\n", "x" * 200_000).end()
    assert (record.kind, record.step, record.value) == (RecordKind.LAUNCH, "exec", errno.E2BIG)
    assert "too large for this system" in launch_message(record)


def test_worker_without_free_descriptors(tmp_path: Path) -> None:
    """In a process of its own, whose limit is then lowered to what it has open, and some more."""
    code = """
import os, resource, sys
from jobwarden.backend.errors import LaunchError
from jobwarden.backend.process.launch_server import LaunchServer
from jobwarden.backend.process.spawn import shim_path
from tests.support.launching import attempt, launched
shim_path()
before = os.listdir("/proc/self/fd")
for extra in range(10):
    server = LaunchServer()
    highest = max(int(fd) for fd in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + extra, 4096))
    try:
        job = launched(server, attempt(sys.argv[1], extra, "echo ran"))
    except LaunchError as error:
        print(error.step)
    else:
        job.give_up()
        print("spawned")
    server.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    left = [fd for fd in os.listdir("/proc/self/fd") if fd not in before]
    print("childless", *(os.readlink(f"/proc/self/fd/{fd}") for fd in left))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=30)
    steps = done.stdout.split()
    assert len(steps) == 11, done.stdout + done.stderr
    assert steps[0] == "descriptors"
    assert set(steps[:9]) == {"descriptors", "spawned"}
    assert steps[9:] == ["spawned", "childless"]
    assert {path.read_bytes() for path in tmp_path.glob("*/output.log")} == {b""}


def test_supervisor_that_was_never_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shim, "SHIM_NAME", "not-built")
    shim.shim_path.cache_clear()
    try:
        with pytest.raises(Refused, match="run `make install`"):
            shim.shim_path()
    finally:
        shim.shim_path.cache_clear()


def test_descriptors_are_given_back(jobs: Jobs) -> None:
    job = jobs.start("exit 0\n")
    job.end()
    before = open_descriptors()
    for _ in range(3):
        job = jobs.start("exit 0\n")
        job.end()
    assert open_descriptors() == before + 3, "the pidfd of each, which its owner closes"
