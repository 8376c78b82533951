"""A home of its own with embedded servers and two nodes, and somebody who starts dead workers again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, TypeVar

from benchmarks.site import outer_environment, remove_groups, start_worker
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import DatabaseError, Engine, text
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.database.upgrade import upgrade
from jobwarden.backend.embedded import servers
from jobwarden.backend.errors import JobwardenError

NODES = ("soak1", "soak2")
CPUS = 24


class Quick(TypedDict):
    """Settings with which a loss is noticed soon."""

    heartbeat_seconds: float
    lease_seconds: float
    kill_grace_seconds: float


SETTINGS: Quick = {"heartbeat_seconds": 1.0, "lease_seconds": 5.0, "kill_grace_seconds": 1.0}
OUTAGE_SECONDS = 60.0

T = TypeVar("T")


@dataclass(slots=True)
class Node:
    """One node's worker process, whichever it is now."""

    name: str
    process: subprocess.Popen[bytes]
    suspended: bool = False

    @property
    def running(self) -> bool:
        """Whether the process lives, and is not stopped by us."""
        return self.process.poll() is None and not self.suspended


@dataclass(slots=True)
class Installation:
    """Everything that runs. Use as a context; leaving it stops all of it."""

    folder: Path
    seed: int
    cgroup: str = "auto"
    nodes: dict[str, Node] = field(default_factory=dict)
    ended_alone: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _killed: set[int] = field(default_factory=set)

    settings: Settings = field(init=False)
    engine: Engine = field(init=False)
    _keeper: threading.Thread = field(init=False)

    def __enter__(self) -> Installation:
        self.settings = Settings(home=self.folder / "home", node_name=NODES[0], **SETTINGS)
        (self.folder / "work").mkdir()
        urls = servers.ensure(self.settings)
        upgrade(urls.database_url)
        self.engine = make_engine(urls.database_url, application_name="soak", pool_size=10)
        self.nodes = {name: Node(name, self._start(name)) for name in NODES}
        self._wait_until_known()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        self._keeper.join()
        for node in self.nodes.values():
            node.process.kill()
            node.process.wait()
        self.engine.dispose()
        servers.stop(self.settings)
        remove_groups(self.spool)

    @property
    def spool(self) -> Path:
        """Where the nodes have their spools."""
        return self.settings.home / "spool"

    @property
    def starts(self) -> Path:
        """The file to which every script appends its job and allocation."""
        return self.folder / "starts"

    def kill(self, node: Node) -> int:
        """Kill a worker; its pid."""
        self._killed.add(node.process.pid)
        node.process.kill()
        return node.process.pid

    def insist(self, action: Callable[[], T]) -> T:
        """Do something in the database, again and again while it is down."""
        deadline = time.monotonic() + OUTAGE_SECONDS
        while True:
            try:
                return action()
            except DatabaseError as exc:
                if str(exc.code).startswith("JW") or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _wait_until_known(self) -> None:
        """Operators name only nodes that there are."""
        deadline = time.monotonic() + OUTAGE_SECONDS
        while True:
            with self.engine.connect() as conn:
                known = set(conn.scalars(text("SELECT node_name FROM workers")))
            if known >= set(NODES):
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"not every node has a worker: {sorted(known)}")
            time.sleep(0.05)

    def stop_workers(self, seconds: float) -> list[str]:
        """Ask the workers to stop, and say which did not, or not well."""
        self._stopping.set()
        self._keeper.join()
        wrong = []
        for node in self.nodes.values():
            node.process.terminate()
        for node in self.nodes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                node.process.wait(seconds)
            if node.process.poll() != 0:
                wrong.append(f"worker {node.name} stopped with {node.process.poll()}")
        return wrong

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        given = {f"JOBWARDEN_{key.upper()}": str(value) for key, value in SETTINGS.items()}
        env = {**outer_environment(), **given, "JOBWARDEN_CGROUP": self.cgroup}
        env |= {"JOBWARDEN_HOME": str(self.settings.home), "JOBWARDEN_NODE_NAME": name}
        env |= {"JOBWARDEN_NODE_CPUS": str(CPUS), "JOBWARDEN_NODE_MEMORY_MB": "65536"}
        return start_worker(env, self.folder / f"{name}.log")

    def _keep(self) -> None:
        """Start workers again a moment after they died, and the servers as any command of a user would."""
        rng = random.Random(f"keeper {self.seed}")
        while not self._stopping.wait(0.1):
            for node in self.nodes.values():
                if node.process.poll() is not None and not self._stopping.wait(rng.uniform(0.0, 1.5)):
                    if node.process.pid not in self._killed:
                        self.ended_alone.append(f"{node.name} ended by itself with {node.process.returncode}")
                    node.process, node.suspended = self._start(node.name), False
            with contextlib.suppress(JobwardenError):
                servers.attach(self.settings)


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; False when the process is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
