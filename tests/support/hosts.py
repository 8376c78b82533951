"""Hosts made of network namespaces around one PostgreSQL, whose links are cut without a word, as a power cut does."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.upgrade import upgrade
from jobwarden.backend.embedded import servers
from tests.support.cluster import renamed


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@dataclass
class Hosts:
    """A bridge with the database on it; hosts come and go. Names and addresses are this test process's own."""

    number: int
    names: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the database listens."""
        return f"10.88.{self.number}.1"

    @property
    def bridge(self) -> str:
        return f"jwbr{self.number}"

    def add(self, name: str) -> tuple[str, ...]:
        """A host that reaches the database; the command that runs another one on it."""
        self.names.append(name)
        place, link = f"jw{self.number}-{name}", f"jw{self.number}{name}"
        _run("ip", "netns", "add", place)
        _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", place)
        _run("ip", "link", "set", link, "master", self.bridge, "up")
        _run("ip", "-n", place, "addr", "add", f"10.88.{self.number}.{10 + len(self.names)}/24", "dev", "eth0")
        _run("ip", "-n", place, "link", "set", "eth0", "up")
        return self.on(name)

    def on(self, name: str) -> tuple[str, ...]:
        """The command that runs another one on a host."""
        return "ip", "netns", "exec", f"jw{self.number}-{name}"

    def cut(self, name: str) -> None:
        """Nothing gets in or out any more, and nobody is told."""
        _run("ip", "link", "set", f"jw{self.number}{name}", "down")

    def heal(self, name: str) -> None:
        """The link is back."""
        _run("ip", "link", "set", f"jw{self.number}{name}", "up")

    def clear_away(self) -> None:
        for name in self.names or ("n0", "n1", "n2", "n3"):  # or what a test left that was killed
            subprocess.run(["ip", "link", "del", f"jw{self.number}{name}"], check=False, capture_output=True)
            subprocess.run(["ip", "netns", "del", f"jw{self.number}-{name}"], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self.bridge], check=False, capture_output=True)


@contextmanager
def hosts() -> Iterator[Hosts]:
    """The bridge; skips where there can be none."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and ip(8)")
    made = Hosts(1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))
    made.clear_away()
    try:
        try:
            _run("ip", "link", "add", made.bridge, "type", "bridge")
            _run("ip", "addr", "add", f"{made.address}/24", "dev", made.bridge)
            _run("ip", "link", "set", made.bridge, "up")
            made.add("n0")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no hosts can be made here: {error.stderr.decode().strip()}")
        yield made
    finally:
        made.clear_away()


@contextmanager
def database_on(address: str, home: Path) -> Iterator[str]:
    """A PostgreSQL of its own in ``home`` that listens there, migrated; its URL over TCP."""
    settings = Settings(home=home)
    servers.ensure(settings)
    servers.stop(settings)
    data = home / "postgres"
    with (data / "postgresql.conf").open("a") as file:
        file.write(f"\nlisten_addresses = '{address}'\nhba_file = '{data}/hosts.conf'\nfsync = off\n")
    (data / "hosts.conf").write_text(
        f"{(data / 'pg_hba.conf').read_text()}\nhost all all {address.rpartition('.')[0]}.0/24 trust\n"
    )
    urls = servers.ensure(settings)
    try:
        upgrade(urls.database_url)
        login, _, _ = servers.setup_url(settings).removeprefix("postgresql://").partition("@")
        yield renamed(f"postgresql://{login.partition(':')[0]}@/jobwarden", "jobwarden").replace("@/", f"@{address}/")
    finally:
        servers.stop(settings)
