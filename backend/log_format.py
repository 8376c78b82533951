"""What a worker says: lines for people, or JSON on request, with job, allocation and actor as fields of their own."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any, Literal

from jobwarden.backend.harmless import escaped, hide_password, json_escaped

FIELDS = ("job_id", "allocation_id", "actor", "counts")
"""Extra fields a record may carry: ``log.info("...", extra={"job_id": 7})``."""

REPEAT_SECONDS = 600.0
"""A warning that says the very same again within this time is counted, and not written."""
MOST_REMEMBERED = 256

TEXT = "%(asctime)s %(levelname)-7s %(threadName)s: %(message)s"


def configure(level: str, form: Literal["text", "json"]) -> None:
    """Send this process's log to standard error in the form that the setting ``log_format`` names."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines(TEXT))
    handler.addFilter(Repeats())
    logging.basicConfig(level=level, handlers=[handler])


class Repeats(logging.Filter):
    """Keeps what is tried once a second from filling the disk while it fails: every warning is said when it begins, and
    again, with how often it was meanwhile, each REPEAT_SECONDS. Other levels, and tracebacks, pass."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record; one that stands for others says so."""
        if record.levelno != logging.WARNING or record.exc_info:
            return True
        now, what = time.monotonic(), (record.name, record.getMessage())
        at, times = self._said.get(what, (now - REPEAT_SECONDS, 0))
        if now - at < REPEAT_SECONDS:
            self._said[what] = (at, times + 1)
            return False
        self._said.pop(what, None)  # at the end of the order again
        self._said[what] = (now, 0)
        if len(self._said) > MOST_REMEMBERED:
            del self._said[next(iter(self._said))]
        if times:
            record.msg, record.args = f"{what[1]} ({times:,} more since then)", ()
        return True


class TextLines(logging.Formatter):
    """One line for each record, and those of its traceback: no word in it begins another, or drives a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (of logging)
        """Return the line."""
        return escaped(hide_password(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:  # noqa: N802 (of logging)
        """Return the traceback."""
        return escaped(hide_password(super().formatException(ei)), keep="\n")


class JsonLines(logging.Formatter):
    """One JSON object a line: ``at`` (ISO 8601, UTC), ``level``, ``thread``, ``message``, and the fields it carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "thread": record.threadName,
            "logger": record.name,
            "message": hide_password(record.getMessage()),
        }
        line |= {name: getattr(record, name) for name in FIELDS if getattr(record, name, None) is not None}
        if record.exc_info:
            line["traceback"] = hide_password(self.formatException(record.exc_info))
        return json_escaped(json.dumps(line, default=str))
