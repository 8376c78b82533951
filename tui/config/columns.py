"""Which columns each table has, for the preferences."""

from collections.abc import Mapping, Sequence
from typing import Any

from tui.columns.events import EVENT_COLUMNS
from tui.columns.nodes import NODE_COLUMNS
from tui.columns.orphans import ORPHAN_COLUMNS
from tui.columns.queue import QUEUE_COLUMNS
from tui.widgets.jobs.columns import JOB_COLUMNS

_DECLARED: Mapping[str, Sequence[Any]] = {
    "jobs": JOB_COLUMNS,
    "orphans": ORPHAN_COLUMNS,
    "nodes": NODE_COLUMNS,
    "queue": QUEUE_COLUMNS,
    "events": EVENT_COLUMNS,
}
TABLES = {table: tuple(column.name for column in columns) for table, columns in _DECLARED.items()}
"""Screen -> names of the columns of its table."""
