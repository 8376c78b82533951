"""What makes every word true: a queue that never stands still, and alerts that count what they say."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"

SQL = Path(__file__).parent.parent / "sql"
PARTS = ("0004_queue.sql", "0004_alerts.sql", "0004_ids.sql", "0004_program.sql")


def upgrade() -> None:
    """Run the parts in order, as one script without parameter markers."""
    script = "\n".join((SQL / name).read_text() for name in PARTS)
    op.get_bind().exec_driver_sql(script.replace("%", "%%"))
