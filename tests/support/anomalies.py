"""Every kind of anomaly, made for real: processes run, workers are dead, records lie in the spool."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from jobwarden.backend.domain.states import AnomalyKind
from tests.support.processes import is_gone, wait_until
from tests.support.scene import Running, Scene

FREEZER = Path("/sys/fs/cgroup/freezer")


def orphan(stage: Scene) -> Running:
    """Its worker is dead, it runs on."""
    return stage.run(stage.worker(), "echo up\nexec sleep 600\n")


def lost(stage: Scene) -> Running:
    """Its worker is dead, its supervisor was killed, and its script has ended without a word."""
    job = stage.run(stage.worker(), "kill -9 $PPID; exec true\n")
    job.ended()
    wait_until(lambda: not _living(stage, job), what="the end of the script")
    return job


def unrecorded(stage: Scene) -> Running:
    """Its worker is dead, it has ended, and the spool knows how."""
    job = stage.run(stage.worker(), "exit 7\n")
    job.ended()
    return job


def stray(stage: Scene) -> Running:
    """Somebody typed its end in SQL, and it runs on."""
    return stage.finished(stage.worker(alive=True))


def leaked(stage: Scene) -> Running:
    """Somebody typed its end in SQL, it is gone, and nobody released what it had."""
    job = stage.finished(stage.worker(alive=True), script="exit 0\n")
    job.ended()
    return job


def overdue(stage: Scene) -> Running:
    """Its worker lives but does not end it at its time limit."""
    job = stage.run(stage.worker(alive=True), time_limit=5)
    stage.overrun(job.id, 3600)
    return job


def unreachable(stage: Scene) -> Running:
    """Its worker is dead, and was of another host."""
    return stage.run(stage.worker(machine_id="elsewhere", boot_id="another"), boot_id="another")


MAKE: dict[AnomalyKind, Callable[[Scene], Running]] = {
    AnomalyKind.ORPHAN: orphan,
    AnomalyKind.LOST: lost,
    AnomalyKind.UNRECORDED: unrecorded,
    AnomalyKind.STRAY: stray,
    AnomalyKind.LEAKED: leaked,
    AnomalyKind.OVERDUE: overdue,
    AnomalyKind.UNREACHABLE: unreachable,
}
"""All but STUCK, which lasts only as long as the context of :func:`stuck`."""


@contextlib.contextmanager
def stuck(stage: Scene) -> Iterator[Running]:
    """A process that KILL was sent to in vain: frozen, it is in state D as one that waits in the kernel.

    Where there is no freezer, a job that somebody has flagged.
    """
    job = stage.run(stage.worker(), "echo up; sleep 600\n")
    job.said("up")
    if not os.access(FREEZER / "cgroup.procs", os.W_OK):
        stage.execute("UPDATE resource_allocations SET stuck = 'flagged' WHERE id = :id", id=job.allocation_id)
        yield job
        return
    script = psutil.Process(job.pid).children()[0].pid
    with _frozen(script, f"jobwarden-test-{os.getpid()}"):
        job.kill_supervisor()
        os.kill(script, signal.SIGKILL)
        yield job
    wait_until(lambda: is_gone(script), what="the thawed process")


@contextlib.contextmanager
def _frozen(pid: int, name: str) -> Iterator[None]:
    group = FREEZER / name
    group.mkdir()
    try:
        (group / "cgroup.procs").write_text(str(pid))
        (group / "freezer.state").write_text("FROZEN")
        wait_until(lambda: (group / "freezer.state").read_text() == "FROZEN\n", what="the freeze")
        yield
    finally:
        (group / "freezer.state").write_text("THAWED")
        wait_until(lambda: _removed(group), what="the removal of the group")


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _living(stage: Scene, job: Running) -> list[int]:
    wanted = f"JOBWARDEN_ALLOCATION_ID={job.allocation_id}".encode()
    return [pid for pid in stage.marked() if wanted in _environment(pid) and not is_gone(pid)]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
