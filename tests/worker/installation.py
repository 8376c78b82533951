"""A home with embedded servers and a worker in the background, for tests that break all of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import psycopg2.extensions

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import servers
from tests.support.cli import COMMAND, Cli, clean_environment
from tests.support.processes import MARK, kill_hard, reap_marked, wait_until
from tests.worker.farm import FAST, PATIENCE


class Installation:
    """What one can do to it, and see of it."""

    def __init__(self, cli: Cli, home: Path, mark: str) -> None:
        self.cli, self.mark, self.home = cli, mark, home
        self.settings = Settings(home=home)

    def pid(self, server: str) -> int | None:
        return next(row.process_id for row in servers.status(self.settings) if row.name == server)

    def crash(self, server: str) -> int:
        """kill -9; its pid."""
        pid = self.pid(server)
        assert pid is not None
        kill_hard(pid)
        return pid

    def recovered(self, server: str, former: int) -> None:
        """Wait until the worker, and nobody else here, has started it again."""
        wait_until(lambda: self.pid(server) not in (None, former), PATIENCE, f"{server} to come back")

    def submit(self, script: str, *arguments: str, options: Sequence[str] = ()) -> int:
        marked = ["--env", f"{MARK}={self.mark}", *options]
        done = self.cli("submit", *marked, "-", *arguments, input=f"#!/bin/sh\n{script}\n")
        assert done.code == 0, done
        return int(done.out)

    def show(self, job_id: int) -> dict[str, Any]:
        done = self.cli("show", "--json", job_id)
        assert done.code == 0, done
        shown: dict[str, Any] = done.json
        return shown

    def until(self, job_id: int, *states: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            job = self.show(job_id)
            return job if job["state"] in states and (job["start_time"] or "RUNNING" not in states) else None

        return wait_until(there, PATIENCE, f"job {job_id} to be {states}")

    @property
    def worker(self) -> dict[str, Any]:
        one: dict[str, Any]
        [one] = self.cli("workers", "--json").json
        return one

    def ended(self, job_id: int) -> Any:
        """The job, once it is final, with its columns as attributes."""
        return SimpleNamespace(**self.until(job_id, "COMPLETED", "FAILED", "CANCELLED"))

    @cached_property
    def urls(self) -> servers.Urls:
        """Where its servers are. Ask for the first time while they run: asking starts them."""
        return servers.attach(self.settings)

    @contextlib.contextmanager
    def superuser(self) -> Iterator[psycopg2.extensions.cursor]:
        """As `cursor`, for what an administrator of the server does."""
        with contextlib.closing(psycopg2.connect(servers.setup_url(self.settings))) as conn:
            conn.autocommit = True
            with conn.cursor() as cursor:
                yield cursor

    @contextlib.contextmanager
    def cursor(self) -> Iterator[psycopg2.extensions.cursor]:
        """A session of its own on the database, which commits by itself."""
        with contextlib.closing(psycopg2.connect(self.urls.database_url)) as conn:
            conn.autocommit = True
            with conn.cursor() as cursor:
                yield cursor

    @property
    def worker_log(self) -> str:
        return (self.home / "log" / "worker.log").read_text(errors="replace")

    def online(self) -> None:
        """Wait until a worker of it is ONLINE; every command works by then."""

        def there() -> bool:
            done = self.cli("workers", "--json")
            return done.code == 0 and "ONLINE" in {one["state"] for one in done.json}

        wait_until(there, PATIENCE, "the worker to be ONLINE")


@contextlib.contextmanager
def brought_up(
    home: Path,
    tmp_path: Path,
    mark: str,
    *,
    command: Path = COMMAND,
    options: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Iterator[Installation]:
    """Bring one up in ``home``, and take it down at the end whatever the test has broken.

    ``command`` is the one that is installed, ``variables`` are of its environment.
    """
    env = clean_environment(JOBWARDEN_HOME=str(home), JOBWARDEN_NODE_NAME="node1", HOME=str(tmp_path), **FAST)
    made = Installation(Cli({**env, MARK: mark, **(variables or {})}, tmp_path, command), home, mark)
    try:
        done = made.cli("up", "--no-tui", *options)
        assert done.code == 0, done
        assert home.stat().st_uid != os.geteuid() or made.urls
        yield made
    finally:
        made.cli("down")
        reap_marked(mark)
