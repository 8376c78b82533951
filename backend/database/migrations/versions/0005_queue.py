"""What makes the scheduler look only when a job may start."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    """Run the script without parameter markers."""
    op.get_bind().exec_driver_sql((SQL / "0005_queue.sql").read_text().replace("%", "%%"))
