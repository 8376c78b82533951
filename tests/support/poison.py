"""Text that acts on a terminal, a spreadsheet or a reader, and whether any of it came through."""

from __future__ import annotations

import re
from typing import Any

from jobwarden.backend.database.driver import Connection, DatabaseError, text

MARK = "HOSTILE"
"""In every string that a terminal would keep: a clipboard, a title, the target of a link."""
NUMBER = "7731"
"""A parameter that no sequence of our own has."""
SEQUENCES = (
    f"\x1b]52;c;{MARK}\x1b\\\x1b]0;{MARK}\x07\x1b]8;;http://{MARK}\x1b\\\x1bP{MARK}\x1b\\\x1b[?{NUMBER}h\x1b[{NUMBER};2t"
    f"\x1bc\x9b{NUMBER}m\x9d52;c;{MARK}\x9c\x90{MARK}\x9c\x0e\x08\x7f\r\n"
)
INVISIBLE = (
    "\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2028\u2029\u2060\u2066\u2067\u2068\u2069"
)
OTHERS = "\ufeff\u00ad\u3164\U000e0041" + "\u0300" * 40
MARKUP = f"[/b][link=http://{MARK}]x[/link][bold]"
POISON = f"={SEQUENCES}{INVISIBLE}{OTHERS}{MARKUP}"
MEGABYTE = POISON + "x" * (1 << 20)

_OSC = re.compile("\x1b\\](?:2;[^\x07\x1b]*\x07|\\d+;[^\x07\x1b]*(?:\x07|\x1b\\\\))")
_COLUMNS = """
    SELECT table_name, column_name, udt_name FROM information_schema.columns
    WHERE table_schema = 'public' AND is_generated = 'NEVER' AND udt_name IN ('text', 'varchar', '_text', 'jsonb')
      AND table_name IN (SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE')
      AND table_name <> 'alembic_version'
    ORDER BY table_name, column_name
"""
_CHECKS = """
    SELECT conrelid::regclass::text AS relation, conname FROM pg_constraint
    WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conrelid <> 0
"""

_INDEXES = """
    SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c ON c.oid = indexrelid
    WHERE NOT indisunique AND relnamespace = 'public'::regnamespace
"""


def poison_everything(conn: Connection, longest: str) -> list[str]:
    """Put the poison into every text there is, ``longest`` where no index is in the way; names of the columns.

    As another program or an old row could: without triggers, foreign keys and checks.
    """
    conn.execute(text("SET session_replication_role = replica"))
    for relation, name in conn.execute(text(_CHECKS)).all():
        conn.execute(text(f'ALTER TABLE {relation} DROP CONSTRAINT "{name}"'))
    for (index,) in conn.execute(text(_INDEXES)).all():
        conn.execute(text(f"DROP INDEX {index}"))  # it has no room for a megabyte
    done = []
    for table, column, kind in conn.execute(text(_COLUMNS)).all():
        same = column == "node_name" or (table, column) == ("nodes", "name")  # equal, or no row finds its node
        for words in (POISON,) if same else (longest, POISON):
            try:
                conn.execute(text("SAVEPOINT before"))
                statement = f"UPDATE {table} SET {column} = {_expression(table, column, kind)}"
                if conn.execute(text(statement), {"words": words}).rowcount:
                    done.append(f"{table}.{column}")
                conn.execute(text("RELEASE SAVEPOINT before"))
                break
            except DatabaseError as exc:
                if "index row" not in str(exc):
                    raise
                conn.execute(text("ROLLBACK TO SAVEPOINT before"))
    return done


def _expression(table: str, column: str, kind: str) -> str:
    if kind == "_text":
        return "ARRAY[CAST(:words AS text)]"
    if kind != "jsonb":
        return "CAST(:words AS text)"
    if column == "arguments":
        return "jsonb_build_array(CAST(:words AS text))"
    return "jsonb_build_object(left(:words, 400), CAST(:words AS text))"


def harm(output: bytes) -> list[str]:
    """What of the poison a terminal would obey, or a reader not see, in what a program wrote; empty if all is well."""
    said = output.decode("utf-8", "surrogateescape")
    found = [match[0][:60] for match in _OSC.finditer(said) if MARK in match[0]]
    found += re.findall(f"\x1b[^\x1b]{{0,3}}{NUMBER}", said) + re.findall(f"\x1bP{MARK}|\x1bc", said)
    unseen = f"[\x80-\x9f\x0e\x08\x7f\udc80-\udcff{INVISIBLE}\ufeff\u00ad\u3164\U000e0041]"
    found += sorted(set(re.findall(unseen, said)))
    return found + re.findall("\u0300{5,}", said)[:1]


def plant(conn: Connection, longest: str, spool_dir: str, machine_id: str, boot_id: str) -> dict[str, Any]:
    """A row of every kind, hostile in all its words but those that say where the log of one job is; its jobs."""
    from tests.support import rows

    worker = rows.add_node(conn)
    waiting = rows.pending(conn)
    ran, allocation = rows.running(conn, worker)
    lost, _ = rows.running(conn, worker)
    conn.execute(
        text("INSERT INTO alerts (rule, subject, message, value, threshold) VALUES ('orphans', 'n', 'm', 1, 0)")
    )
    conn.execute(
        text(
            "INSERT INTO archives (hostname, path, sha256, bytes, event_count, jobs, loose_events)"
            " VALUES ('h', '/p', repeat('0', 64), 1, 1, '{}', '{}')"
        )
    )
    conn.execute(
        text("INSERT INTO commands (job_id, node_name, action, actor) VALUES (:id, 'node1', 'kill', 'a')"), {"id": lost}
    )
    conn.execute(text("INSERT INTO unix_users (login, unix_user) VALUES ('l', 'u')"))
    columns = poison_everything(conn, longest)
    conn.execute(text("UPDATE workers SET machine_id = :machine, boot_id = :boot"),
                 {"machine": machine_id, "boot": boot_id})  # fmt: skip
    conn.execute(
        text("UPDATE resource_allocations SET spool_dir = :dir, boot_id = :boot WHERE id = :id"),
        {"dir": spool_dir, "boot": boot_id, "id": allocation},
    )
    return {"waiting": waiting, "ran": ran, "lost": lost, "columns": columns}
