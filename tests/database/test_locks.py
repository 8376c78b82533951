"""Locks that go with a session are free as soon as whoever held them is done."""

import os
import signal

import pytest

from jobwarden.backend.database.driver import Connection, Engine
from jobwarden.backend.database.engine import HOUSEKEEPING_LOCK, locking, try_session_lock


def test_what_was_locked_is_free_at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that is closed holds its locks until its server process has noticed, which a busy machine delays: then
    the next housekeeping run said that another one was under way."""
    pids: list[int] = []
    close = Connection.invalidate

    def close_unnoticed(conn: Connection) -> None:
        pids.append(conn.raw.info.backend_pid)
        os.kill(pids[-1], signal.SIGSTOP)
        close(conn)

    monkeypatch.setattr(Connection, "invalidate", close_unnoticed)
    try:
        with locking(engine) as conn:
            assert try_session_lock(conn, HOUSEKEEPING_LOCK, 7)
        with engine.connect().autocommit() as other:
            assert try_session_lock(other, HOUSEKEEPING_LOCK, 7)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
