"""A running installation as a user meets it: only the command, its exit codes, its JSON and its bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import MARK, wait_until
from tests.worker.conftest import farm
from tests.worker.farm import PATIENCE, Farm

__all__ = ["farm"]


@dataclass
class Desk:
    """Where a user sits: scripts are written, submitted and looked at here. ``folder`` is the work directory."""

    farm: Farm

    @property
    def folder(self) -> Path:
        return self.farm.work

    def write(self, name: str, content: str | bytes) -> Path:
        """A script, not even executable: that is not asked of it."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def submit(
        self, script: Path, *arguments: str, options: tuple[str, ...] = (), wait: bool = False
    ) -> tuple[int, int]:
        """Submit; the job's id and the exit code of the command."""
        marked = ("--env", f"{MARK}={self.farm.mark}", "--work-dir", str(self.folder), *options)
        waiting = ("--wait",) if wait else ()
        done = self.farm.cli("submit", *waiting, *marked, script, *arguments, timeout=PATIENCE * 4)
        assert done.out.strip().isdecimal(), done
        assert done.err == "", done
        return int(done.out), done.code

    def run(self, script: Path, *arguments: str, options: tuple[str, ...] = ()) -> tuple[dict[str, Any], int]:
        """Submit and wait; the job as ``show --json`` has it, and the exit code of ``submit --wait``."""
        job_id, code = self.submit(script, *arguments, options=options, wait=True)
        return self.show(job_id), code

    def show(self, job_id: int) -> dict[str, Any]:
        done = self.farm.cli("show", "--json", job_id)
        assert done.code == 0, done
        shown: dict[str, Any] = done.json
        return shown

    def state(self, job_id: int, *states: str) -> dict[str, Any]:
        """Wait until the job is in one of these states."""

        def there() -> dict[str, Any] | None:
            [job] = [row for row in self.farm.cli("jobs", "--json").json if row["id"] == job_id]
            return self.show(job_id) if job["state"] in states else None

        return wait_until(there, PATIENCE, f"job {job_id} to be {states}")

    def logs(self, job_id: int, *options: str) -> bytes:
        """What ``jobwarden logs`` writes into a pipe."""
        command = self.farm.cli.command("logs", job_id, *options)
        done = subprocess.run(command, env=dict(self.farm.cli.env), capture_output=True, timeout=PATIENCE, check=True)
        assert done.stderr == b""
        return done.stdout


@pytest.fixture
def desk(farm: Farm) -> Iterator[Desk]:
    """With one worker running."""
    farm.worker()
    yield Desk(farm)
