"""Tables of the contract, and the guards that hold whoever types."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    """Create everything; the files are sent as they are, without parameter markers."""
    for name in ("0001_tables.sql", "0001_guards.sql"):
        op.get_bind().exec_driver_sql((SQL / name).read_text().replace("%", "%%"))
