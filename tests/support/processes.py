"""Waiting for things, and leaving no process of a test behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

MARK = "JWTEST_MARK"
"""Environment variable whose value marks everything that one test starts, however far it has detached."""

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], timeout: float = 20.0, what: str = "") -> T:
    """The first true value of ``condition``; AssertionError when there is none in ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout:.0f} s in vain for {what or condition}"
        time.sleep(0.01)
    return value


def is_gone(pid: int) -> bool:
    """Whether no process ``pid`` runs any more; a zombie is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith(("Z", "X"))
    except (FileNotFoundError, ProcessLookupError):
        return True


def has_child(pid: int) -> bool:
    """Whether a process has started another one, or is gone."""
    try:
        return bool(Path(f"/proc/{pid}/task/{pid}/children").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return is_gone(pid)


def kill_hard(pid: int) -> None:
    """kill -9 and wait until the process is gone."""
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_gone(pid), what=f"the end of {pid}")


def marked(value: str) -> list[int]:
    """Processes whose environment at their start held the mark ``value``; this one excepted."""
    wanted = f"{MARK}={value}".encode()
    return [pid for pid, environ in _environments() if wanted in environ.split(b"\0") and pid != os.getpid()]


def working_below(folder: Path) -> list[int]:
    """Processes whose working directory is ``folder`` or below it: servers rewrite their environment, so not marked."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink().is_relative_to(folder):
                    found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def reap_marked(value: str) -> None:
    """Kill everything marked with ``value`` until a scan finds nothing new."""
    reap(lambda: marked(value))


def reap(find: Callable[[], list[int]]) -> None:
    """Kill all that ``find`` finds until it finds nothing new."""
    for _ in range(50):
        pids = [pid for pid in find() if not is_gone(pid)]
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    raise AssertionError(f"processes of the test survive KILL: {pids}")


def _environments() -> Iterator[tuple[int, bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / "environ").read_bytes()
