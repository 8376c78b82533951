"""What keeps strangers out of the database and lies out of the audit."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"

SQL = Path(__file__).parent.parent / "sql"
PARTS = (
    "0003_checks.sql",
    "0003_submitters.sql",
    "0003_locks.sql",
    "0003_audit.sql",
    "0003_rights.sql",  # last: it takes from PUBLIC what every function before it was given
)


def upgrade() -> None:
    """Run the parts in order, as one script without parameter markers: a part alone may be nothing but a comment."""
    script = "\n".join((SQL / name).read_text() for name in PARTS)
    op.get_bind().exec_driver_sql(script.replace("%", "%%"))
