"""Whether anything at all in a database was touched: every row's content, version and lock marks.

Who holds which lock is no content: a clean-up that finds nothing to do has looked under one.
"""

from __future__ import annotations

from jobwarden.backend.database.driver import Connection, Engine, text

TABLES = text("SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
              " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'lock_holders'"
              " ORDER BY 1")  # fmt: skip
SEQUENCES = text("SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences ORDER BY 1")


def fingerprint(engine: Engine) -> dict[str, object]:
    """Something for every table and sequence that differs once anything was written, locked or even drawn."""
    with engine.connect() as conn:
        marks: dict[str, object] = {table: _table(conn, table) for table in conn.scalars(TABLES)}
        return marks | {row[0]: row[1] for row in conn.execute(SEQUENCES)}


def _table(conn: Connection, table: str) -> object:
    rows = "concat_ws('/', t.ctid, t.xmin, t.xmax, t::text)"
    return conn.execute(text(f"SELECT count(*), md5(string_agg({rows}, ',' ORDER BY {rows})) FROM {table} t")).one()
