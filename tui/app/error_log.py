"""What the dashboard keeps of its own mistakes: a screen full of jobs is no place for a traceback."""

import contextlib
import logging
import os
import threading
from pathlib import Path

from jobwarden.backend.files import Untrusted, check_folder, open_trusted
from jobwarden.backend.log_format import TextLines

_log = logging.getLogger(__name__)
_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"


class ErrorLogHandler(logging.Handler):
    """Appends to ``<home>/log/dashboard.log``; the file is made by the first thing that is worth it."""

    def __init__(self, home: Path) -> None:
        super().__init__(logging.WARNING)
        self.path = home / "log" / "dashboard.log"
        self.setFormatter(TextLines(_FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record. On a full or read-only disk, or where others can write, it is lost: the screen said it."""
        with contextlib.suppress(OSError, Untrusted):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_folder(self.path.parent)
            fd = open_trusted(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            with os.fdopen(fd, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{self.format(record)}\n")


def keep_diary(home: Path) -> None:
    """Send every warning and error of this process there instead of to stderr, which would be over the screen."""
    logging.getLogger().addHandler(ErrorLogHandler(home))
    threading.excepthook = _thread_died


def note_error(message: str, error: BaseException) -> Path | None:
    """Write an internal error down with its traceback; the file it is in, None where nothing is kept."""
    _log.error(message, exc_info=error)
    return next(
        (handler.path for handler in logging.getLogger().handlers if isinstance(handler, ErrorLogHandler)), None
    )


def _thread_died(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread is not None else "unknown"
    _log.error("thread %s ended with an internal error", name, exc_info=args.exc_value)
