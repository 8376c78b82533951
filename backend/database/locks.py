"""Locks that go with the session that holds them: what each kind means.

Two integers name one, as with PostgreSQL's own advisory locks, and such a lock is behind it; but whose login may not
hold it neither takes nor keeps it: migrations/sql/0003_locks.sql says how. ``jw_lock_holders(kind)`` lists the holders.
"""

from jobwarden.backend.database.driver import Connection, text

WORKER_LOCK = 19031
"""Held for life by the liveness connection of worker ``workers.id``: free means that the worker's session ended."""
LEADER_LOCK = 19032
"""Held (second key 0) by the scheduler that allocates, on the very connection it allocates over."""
NODE_LOCK = 19033
"""Held by the one worker that serves the node ``nodes.id``."""
ALLOCATION_LOCK = 19034
"""Held by whoever ends the processes of an allocation (its id, modulo 2**31) on behalf of a dead worker; the one kind
that operators may hold, too."""
HOUSEKEEPING_LOCK = 19035
"""Held by a clean-up: with second key 0 while it archives, with that of its host while it tidies that host."""


def try_session_lock(conn: Connection, kind: int, key: int) -> bool:
    """Take the lock for the life of the session; False when another session holds it.

    Others can take it once the transaction of ``conn``, if there is one, has ended. Raises DatabaseError (JW005, 42501)
    when this login may not hold it.
    """
    return bool(conn.scalar(text("SELECT jw_take_lock(:kind, :key)"), {"kind": kind, "key": key}))


def release_session_lock(conn: Connection, kind: int, key: int) -> None:
    """Give back a lock taken by :func:`try_session_lock` on the same connection, if it is held."""
    conn.execute(text("SELECT jw_release_lock(:kind, :key)"), {"kind": kind, "key": key})


def allocation_key(allocation_id: int) -> int:
    """Second key of ALLOCATION_LOCK: ids are bigint, keys are int. A shared key only makes two clean-ups take turns."""
    return allocation_id % 2**31
