"""What a worker says: lines for people, or JSON on request, with job, allocation and actor as fields of their own."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from backend.harmless import escaped, json_escaped
from backend.passwords import hide_password

FIELDS = ("job_id", "allocation_id", "actor", "counts")
"""Extra fields a record may carry: ``log.info("...", extra={"job_id": 7})``."""

TEXT = "%(asctime)s %(levelname)-7s %(threadName)s: %(message)s"


def configure(level: str, form: Literal["text", "json"]) -> None:
    """Send this process's log to standard error in the form that the setting ``log_format`` names."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines(TEXT))
    logging.basicConfig(level=level, handlers=[handler])


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
