"""Homes with servers of their own, for tests that kill them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import psutil
import psycopg2
import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import home as homes
from jobwarden.backend.embedded import postgres, servers, valkey
from tests.support.cli import clean_environment
from tests.support.processes import reap, wait_until, working_below

ENSURE = """\
import json, sys
from pathlib import Path
from jobwarden.backend.embedded import servers
from jobwarden.backend.errors import JobwardenError
from jobwarden.backend.config.settings import Settings
try:
    urls = getattr(servers, sys.argv[1])(Settings(home=Path(sys.argv[2])))
    print(json.dumps([urls.database_url, urls.redis_url]) if sys.argv[1] != "stop" else json.dumps(urls), flush=True)
except JobwardenError as error:
    sys.exit(f"{type(error).__name__}: {error}")
if "stay" in sys.argv:
    sys.stdin.read()
"""
"""A process of its own that calls one function of jobwarden.backend.embedded.servers on a home."""


def query(url: str, sql: str) -> object:
    """The first value of ``sql``, committed."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            if not cursor.description:
                return None
            row = cursor.fetchone()
            assert row is not None, sql
            return row[0]


def postmaster(settings: Settings) -> int:
    """The postmaster of a home that runs."""
    pid = postgres.running_pid(homes.locate(settings))
    assert pid is not None
    return pid


def valkey_pid(settings: Settings) -> int:
    """The Valkey process of a home that runs."""
    pid = valkey.running_pid(homes.locate(settings))
    assert pid is not None
    return pid


def in_process(function: str, home: Path, *more: str, pass_fds: Sequence[int] = ()) -> subprocess.Popen[str]:
    """Call ``servers.<function>`` for ``home`` in a process of its own with piped input and output."""
    return subprocess.Popen(
        [sys.executable, "-c", ENSURE, function, str(home), *more], text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2],
        env=clean_environment(), pass_fds=pass_fds,
    )  # fmt: skip


def leaders(folder: Path) -> list[int]:
    """Processes that work in ``folder`` and are not children of each other: one for each server on these data."""
    pids = working_below(folder)
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since
            if psutil.Process(pid).ppid() not in pids:
                found.append(pid)
    return found


def answer(process: subprocess.Popen[str]) -> list[str]:
    """What ``in_process`` printed on its first line."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    return list(json.loads(line))


@pytest.fixture
def own(home: Path) -> Settings:
    """Settings of an empty home with embedded servers, none started."""
    return Settings(home=home / "h")


@pytest.fixture
def up(own: Settings) -> tuple[Settings, servers.Urls]:
    """A home with running servers."""
    return own, servers.ensure(own)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small file system with the given options; skips where mounting is not allowed."""
    places: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"mount{len(places)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"mounting a file system is not allowed here: {done.stderr.strip()}")
        places.append(place)
        return place

    yield mount
    for place in places:
        reap(partial(working_below, place))
        wait_until(partial(_unmounted, place))


def _unmounted(place: Path) -> bool:
    return subprocess.run(["umount", place], capture_output=True).returncode == 0


@pytest.fixture
def as_root() -> None:
    """For what root alone can do or try."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
