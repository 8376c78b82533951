"""What the dashboard changes on the terminal besides what Textual looks after, and what it says when it has closed."""

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.tui.app.base import POP_TITLE, PUSH_TITLE

LEAVING_SECONDS = 3.0
"""What an orderly end may take once a signal has asked for it, or the terminal is gone."""
GOODBYE = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
"""Signals that end the dashboard as ``q`` does, so that the terminal is left as it was found."""


@contextlib.contextmanager
def title_kept(wanted: bool) -> Iterator[None]:
    """Give the window its own title back at the end, whatever happened."""
    out = sys.__stdout__
    if not wanted or out is None or not out.isatty():
        yield
        return
    out.write(PUSH_TITLE)
    out.flush()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the terminal is gone
            out.write(POP_TITLE)
            out.flush()


def end_anyway(code: int) -> None:
    """End the program soon, even when leaving hangs.

    A terminal that is gone takes no output: the thread that writes to it dies, and whoever waits for it waits for ever.
    """
    timer = threading.Timer(LEAVING_SECONDS, os._exit, (code,))
    timer.daemon = True
    timer.start()


def on_goodbye(leave: Callable[[int], None]) -> None:
    """Call ``leave`` with the exit code when somebody asks for the end by a signal, from then on for the last time.

    A plain handler and no task of the event loop: that one stands still while a terminal that is suspended takes no
    output. ``leave`` may be called at any moment, and must only ask for the end.
    """

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # whoever asks a second time does not want to wait
        end_anyway(128 + number)
        leave(128 + number)

    for number in GOODBYE:
        signal.signal(number, handle)


def on_lost_terminal(fd: int, leave: Callable[[int], None]) -> None:
    """Call ``leave`` from another thread once the terminal behind ``fd`` is gone: nobody is told by a signal whose
    controlling terminal it is not."""
    poll = select.poll()
    poll.register(fd, 0)

    def watch() -> None:
        while not any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(None)):
            pass
        code = 128 + signal.SIGHUP
        end_anyway(code)
        leave(code)

    threading.Thread(target=watch, name="terminal", daemon=True).start()


# What is said when the screen has closed: the work goes on, and how to stop it.

NAMED = 5
"""Workers that are named one by one."""


def farewell(snapshot: Snapshot) -> str:
    """Return the lines to print."""
    if not snapshot.loaded:
        return "The screen is closed."
    alive = [worker for worker in snapshot.workers if worker.state is not WorkerState.DEAD]
    if not alive:
        return "The screen is closed. No worker is running: start one with `jobwarden up`."
    named = ", ".join(f"{worker.node_name} (pid {worker.pid})" for worker in alive[:NAMED])
    more = f" and {len(alive) - NAMED} more" if len(alive) > NAMED else ""
    many = len(alive) > 1
    return (
        f"The screen is closed; worker{'s' if many else ''} {named}{more} keep{'' if many else 's'} running.\n"
        "Open it again with `jobwarden tui`, stop everything here with `jobwarden down`."
    )
