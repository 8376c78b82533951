"""An installation of its own for a measurement: a temporary home, its servers, and workers started by hand."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobwarden.backend.config.settings import RULES, Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.database.engine import make_engine
from jobwarden.backend.database.upgrade import upgrade
from jobwarden.backend.embedded import servers
from jobwarden.backend.process.cgroup import groups_there, sweep

PATIENCE = 120.0
"""Seconds to wait for anything before a measurement is given up."""


@dataclass(frozen=True, slots=True)
class Site:
    """A running installation in ``folder``, without a worker."""

    folder: Path
    settings: Settings
    engine: Engine

    def command(self, *arguments: str) -> list[str]:
        """The ``jobwarden`` command with these arguments."""
        return [str(Path(sys.executable).with_name("jobwarden")), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """For commands that are to find this installation, with its settings."""
        fresh = Settings()
        given = {name: value for name in RULES if (value := getattr(self.settings, name)) != getattr(fresh, name)}
        return {**outer_environment(), **{f"JOBWARDEN_{key.upper()}": str(value) for key, value in given.items()}}

    def worker(self) -> subprocess.Popen[bytes]:
        """Start the node's worker; it has recovered once its log says so."""
        return start_worker(self.environment, self.folder / "worker.log")

    @property
    def worker_log(self) -> str:
        """What all the workers said so far."""
        return (self.folder / "worker.log").read_text(errors="replace")


@contextmanager
def site(folder: Path, **settings: Any) -> Iterator[Site]:
    """An installation with these settings in ``folder``; its servers stop at the end."""
    chosen = Settings(home=folder / "home", **settings)
    urls = servers.ensure(chosen)
    # As the superuser: rows by the million are put in with the triggers off.
    engine = make_engine(servers.setup_url(chosen), application_name="benchmark", pool_size=10)
    try:
        upgrade(urls.database_url)
        yield Site(folder, chosen, engine)
    finally:
        engine.dispose()
        servers.stop(chosen)
        remove_groups(chosen.home / "spool")


def remove_groups(spools: Path) -> None:
    """Leave no control group behind where the workers were killed; those with processes stay."""
    for spool in spools.glob("*"):
        sweep(groups_there(str(spool)).made(), live=())


def start_worker(environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a worker of this source tree with its output appended to ``log``."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "jobwarden", "worker"], env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip


def outer_environment() -> dict[str, str]:
    """The environment, less what would lead a command anywhere but into the installation that is measured."""
    ours = ("JOBWARDEN_", "PG", "TMUX")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and name not in ("DATABASE_URL", "REDIS_URL")
    }


def wait_for(what: str, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until ``condition`` holds. Raises TimeoutError that names ``what``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.02)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that ``share`` of all do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-int(share * 1000) * len(ranked) // 1000) - 1)]


def machine() -> str:
    """One line on what was measured on."""
    return (
        f"{len(os.sched_getaffinity(0))} CPUs ({platform.machine()}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, load average at the end {os.getloadavg()[0]:.1f}"
    )


def table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table, the first column to the left and the others to the right."""
    line = ("---",) + ("---:",) * (len(heading) - 1)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, line, *rows))
