"""What a worker asks of the kernel, tried once at its start: a container may filter system calls (seccomp)."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

from backend.errors import Refused


def check_calls() -> None:
    """Raise Refused, naming the call, where one is filtered that a worker cannot do without."""
    for name, attempt in _NEEDED:
        try:
            attempt()
        except (OSError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise Refused(
                f"a worker cannot do without the system call {name}, which fails here ({why}): allow it, for example in"
                " the seccomp profile of the container"
            ) from error


def keep_descriptors() -> None:
    """Let no job inherit what this process was given: a supervisor that may not call close_range(2) keeps it."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (names only)
        if int(name) > 2:
            with suppress(OSError):  # that of the listing itself is closed by now
                os.set_inheritable(int(name), False)


def _pidfd_open() -> None:
    os.close(os.pidfd_open(os.getpid()))


def _pidfd_send_signal() -> None:
    pidfd = os.pidfd_open(os.getpid())
    try:
        signal.pidfd_send_signal(pidfd, 0)
    finally:
        os.close(pidfd)


def _thread() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


_NEEDED: tuple[tuple[str, Callable[[], None]], ...] = (
    ("pidfd_open", _pidfd_open),
    ("pidfd_send_signal", _pidfd_send_signal),
    ("clone3 (threads)", _thread),
)
