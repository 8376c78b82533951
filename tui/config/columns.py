"""Which columns each table has, for the preferences."""

from tui.widgets.jobs.columns import JOB_COLUMNS

TABLES: dict[str, tuple[str, ...]] = {"jobs": tuple(column.name for column in JOB_COLUMNS)}
"""Table -> names of its columns."""
