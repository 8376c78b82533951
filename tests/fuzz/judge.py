"""What one input may not do: raise what was not declared, take more than a second, or more than 100 MB of memory."""

from __future__ import annotations

import gc
import resource
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CPU_SECONDS = 1.0
"""Of processor time: how busy the host is does not matter."""
WAIT_SECONDS = 20.0
"""Of real time, for who waits and uses no processor."""
MEMORY = 100 << 20
"""Bytes that one input may take beyond what was there before it."""
_ROOM = 1 << 30
"""Bytes after which a runaway is refused more, so that it cannot take the host with it."""


class Overtime(BaseException):
    """Raised into a target by the alarm; no handler of ordinary errors may take it for one."""


class Judge:
    """Gives inputs to one target, in the main thread of this process."""

    def __init__(self, give: Callable[[Any], None], declared: tuple[type[Exception], ...]) -> None:
        self._give, self._declared = give, declared
        self._before = _memory()[0]

    def verdict(self, made: Any) -> str:
        """What is wrong with how the target took an input, in a few lines; empty when nothing is."""
        try:
            with _alarms():
                self._give(made)
        except self._declared:
            pass
        except Overtime as late:
            return f"{late} at\n{_where(late)}"
        except MemoryError as short:
            return f"more than {_ROOM >> 20} MB of memory at\n{_where(short)}"
        except (Exception, SystemExit) as error:
            return f"{type(error).__name__}: {ascii(str(error))[:300]} at\n{_where(error)}"
        return self._memory_verdict()

    def _memory_verdict(self) -> str:
        now, peak = _memory()
        grown, self._before = peak - self._before, now
        if grown <= MEMORY:
            return ""
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._before = _memory()[0]
        return f"{grown >> 20} MB of memory"


@contextmanager
def bounded() -> Iterator[None]:
    """Refuse a runaway more memory, and catch the alarms; restores both."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    former = {number: signal.signal(number, _ring) for number in (signal.SIGPROF, signal.SIGALRM)}
    resource.setrlimit(resource.RLIMIT_AS, (size + _ROOM, hard))
    Path("/proc/self/clear_refs").write_text("5")
    try:
        with warnings.catch_warnings(action="error"):  # a warning is printed across a screen
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def _alarms() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WAIT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(number: int, _: object) -> None:
    raise Overtime(f"more than {CPU_SECONDS:g} s of work" if number == signal.SIGPROF else "it waits")


def _memory() -> tuple[int, int]:
    """Bytes this process has in memory now, and had at most."""
    found = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(found["VmRSS"].split()[0]) << 10, int(found["VmHWM"].split()[0]) << 10


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return "\n".join(f"    {frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
