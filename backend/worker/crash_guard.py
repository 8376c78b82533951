"""Errors that no part of the worker foresaw: never unnoticed, and never a worker that lives on half dead.

An error in the care for one job stays with that job; what has no job ends the worker, for the next one to take over.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from jobwarden.backend.database.driver import DatabaseError

log = logging.getLogger(__name__)

EXIT_SECONDS = 25.0
"""How long an orderly end may take; a database that is frozen, rather than down, could hold it up for ever."""


@contextmanager
def contained(where: str) -> Iterator[None]:
    """Log an internal error with its traceback, and go on: what was done for ``where`` is done again later, or told.

    A lost database is foreseen, and passes through.
    """
    try:
        yield
    except DatabaseError:
        raise
    except Exception:
        log.critical("internal error in %s: the worker goes on", where, exc_info=True)


def told(error: BaseException) -> str:
    """An internal error in one line, for whoever looks at the job."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{text[:300]} (the worker's log has the details)"


class CrashGuard:
    """Ends the worker on an error of any of its threads; a new worker starts from what is in the database and spool.

    ``end`` is called from the thread that failed, at most once, and must only ask for the end.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self._end, self._once = end, threading.Lock()

    def install(self) -> None:
        """Guard every thread of this process but the main one."""
        threading.excepthook = self._on_thread_error

    def failed(self, where: str, error: BaseException) -> None:
        """Log ``error`` with its traceback and ask for the end of the worker."""
        trace: TracebackType | None = error.__traceback__
        log.critical(
            "internal error in %s, the worker ends and its jobs go on", where, exc_info=(type(error), error, trace)
        )
        if self._once.acquire(blocking=False):
            self._end()

    def _on_thread_error(self, args: threading.ExceptHookArgs) -> None:
        where = args.thread.name if args.thread is not None else "a thread"
        self.failed(where, args.exc_value or args.exc_type())


def exit_at_the_latest(seconds: float = EXIT_SECONDS, code: int = 1) -> None:
    """End this process with ``code`` after ``seconds`` unless it has ended by then; jobs are not touched."""
    timer = threading.Timer(seconds, _give_up, (seconds, code))
    timer.daemon = True
    timer.start()


def _give_up(seconds: float, code: int) -> None:
    log.error("the worker could not stop within %.0f s and ends as it is; the next one takes over", seconds)
    os._exit(code)
