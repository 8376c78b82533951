"""A program in a pseudo terminal: keys go in, what it writes is read with the time at which it came."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

QUIET_SECONDS = 0.03
"""Silence after which a paint counts as finished."""
_SWITCH = re.compile(rb"\x1b\[\?(\d+)([hl])")


class Terminal:
    """Starts a program on a terminal of its own. Use as a context; leaving it kills what still runs."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        columns: int = 160,
        lines: int = 48,
        cwd: Path | None = None,
    ) -> None:
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.output = bytearray()
        """Everything that was written so far."""
        self.before = termios.tcgetattr(slave)
        """Attributes of the terminal before the program ran."""
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command, env={**env, "TERM": "xterm-256color"}, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=_take_terminal, cwd=cwd,
        )  # fmt: skip
        self._slave = slave

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for descriptor in (self.master, self._slave):
            os.close(descriptor)

    @property
    def attributes(self) -> list[object]:
        """Attributes of the terminal now."""
        return termios.tcgetattr(self._slave)

    def press(self, keys: str) -> float:
        """Type; returns when that was."""
        at = time.perf_counter()
        os.write(self.master, keys.encode())
        return at

    def read(self, seconds: float) -> float | None:
        """Read what comes within so many seconds; returns when it came, None when nothing did."""
        if not select.select([self.master], [], [], max(0.0, seconds))[0]:
            return None
        try:
            self.output += os.read(self.master, 1 << 16)
        except OSError:
            return None
        return time.perf_counter()

    def until(self, met: Callable[[], bool], seconds: float = 60.0) -> float:
        """Read until a condition is met; returns when it was. Raises TimeoutError with the end of the output."""
        deadline = time.perf_counter() + seconds
        while not met():
            if time.perf_counter() > deadline or (self.read(0.1) is None and self.process.poll() is not None):
                if met():
                    break
                raise TimeoutError(f"not met; the end of the output is {bytes(self.output[-400:])!r}")
        return time.perf_counter()

    def drain(self, seconds: float = QUIET_SECONDS, most: float = 5.0) -> float | None:
        """Read until nothing came for so long; returns when the last came."""
        last, deadline = None, time.perf_counter() + most
        while (came := self.read(seconds)) is not None and came < deadline:
            last = came
        return last

    def wait(self, seconds: float = 60.0) -> int:
        """Read until the program has ended; returns its exit code."""
        self.until(lambda: self.process.poll() is not None, seconds)
        self.drain()
        return self.process.wait()

    def switches(self) -> dict[int, bool]:
        """Return every private mode that was switched (1049 alternate screen, 25 cursor ...) and how it is now."""
        return {int(number): state == b"h" for number, state in _SWITCH.findall(bytes(self.output))}


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
