"""One PostgreSQL and one Valkey for a whole test run, however many processes it has."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import psycopg2.extensions

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.upgrade import upgrade
from jobwarden.backend.embedded import servers
from tests.support.processes import is_gone

TEMPLATE = "jwtest_template"
PREFIX = f"jwtest-{os.geteuid()}-"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The servers of the run below ``folder``; started by whichever test process needs them first."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings(home=self.folder / "home")

    def urls(self) -> servers.Urls:
        """Start the servers if need be, with a migrated template database. Tests are the superuser of theirs."""
        urls = replace(servers.ensure(self.settings), database_url=servers.setup_url(self.settings))
        with self._locked(), self._admin(urls) as admin, admin.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,))
            if cursor.fetchone() is None:
                for name in ("fsync", "synchronous_commit", "full_page_writes"):
                    cursor.execute(f"ALTER SYSTEM SET {name} = off")  # the data are thrown away
                cursor.execute("SELECT pg_reload_conf()")
                cursor.execute("CREATE DATABASE jwtest_fresh")
                upgrade(renamed(urls.database_url, "jwtest_fresh"))
                cursor.execute(f"ALTER DATABASE jwtest_fresh RENAME TO {TEMPLATE}")
        return urls

    @contextlib.contextmanager
    def database(self, name: str, template: str = TEMPLATE) -> Iterator[str]:
        """The URL of a new database ``name``, dropped at the end whoever is still connected."""
        urls = self.urls()
        with self._admin(urls) as admin, admin.cursor() as cursor:
            with self._locked():  # two copies of one template at once are an error
                cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE {template} STRATEGY file_copy')
            try:
                yield renamed(urls.database_url, name)
            finally:
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def stop(self) -> None:
        """Stop the servers and remove their data."""
        servers.stop(self.settings)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def _admin(self, urls: servers.Urls) -> Iterator[psycopg2.extensions.connection]:
        admin = psycopg2.connect(renamed(urls.database_url, "postgres"))
        admin.autocommit = True
        try:
            yield admin
        finally:
            admin.close()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


ROOM = 4 << 30
"""Bytes of memory for files that must be free for the data to be kept there."""


def data_root() -> Path:
    """Where the servers keep their data: in memory where there is room. Thousands of databases come and go in a run,
    and ext4 is slow to make files for minutes after so many were deleted (it takes their inodes again only later)."""
    memory = Path("/dev/shm")
    try:
        there = os.statvfs(memory)
    except OSError:
        return Path(tempfile.gettempdir())
    roomy = there.f_bavail * there.f_frsize >= ROOM and os.access(memory, os.W_OK)
    return memory if roomy else Path(tempfile.gettempdir())


def new_cluster() -> Cluster:
    """A cluster for this run, in a directory short enough for sockets; servers are not started yet."""
    for former in data_root().glob(f"{PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # another run, starting now, may have cleared it away
            if former.owner() == Path("/proc/self").owner() and is_gone(int(former.name.split("-")[2])):
                Cluster(former).stop()  # of a run that was killed
    return Cluster(Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=data_root())))


def renamed(url: str, database: str) -> str:
    """``url`` with another database."""
    return re.sub(r"@/[^?]+", f"@/{database}", url)
