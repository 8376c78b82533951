"""What operating an installation needs of the database: leases, retention, alerts, roles."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

SQL = Path(__file__).parent.parent / "sql"
PARTS = (
    "0002_lease.sql",
    "0002_notice.sql",
    "0002_lists.sql",
    "0002_batches.sql",
    "0002_retention.sql",
    "0002_alerts.sql",
    "0002_roles.sql",  # last: it gives every trigger function its rights
)


def upgrade() -> None:
    """Run the parts in order; the files are sent as they are, without parameter markers."""
    for name in PARTS:
        op.get_bind().exec_driver_sql((SQL / name).read_text().replace("%", "%%"))
