"""A database with as many jobs as wanted, and somebody who goes on changing them."""

from __future__ import annotations

import threading
from types import TracebackType

from jobwarden.backend.database.driver import Engine, text

BATCH = 10
"""Jobs changed at once: one statement, as an operator's bulk action makes it."""
RECENT = 2000
"""The newest waiting jobs are the ones that change: those that are looked at."""

_INSERT = """
INSERT INTO jobs (name, account, partition, state, priority, script, work_dir, memory_mb, submit_time, start_time,
                  end_time, exit_code, node_name)
SELECT 'seed-' || i, 'user' || i % 50, 'main', state::job_state, i % 7, '#!/bin/sh', '/', 64,
       now() - make_interval(secs => :jobs - i),
       CASE WHEN state <> 'PENDING' THEN now() - make_interval(secs => :jobs - i) END,
       CASE WHEN state <> 'PENDING' THEN now() END,
       CASE WHEN state = 'COMPLETED' THEN 0 WHEN state = 'FAILED' THEN 3 END,
       CASE WHEN state <> 'PENDING' THEN 'node' || i % 20 END
FROM generate_series(1, :jobs) i,
     LATERAL (SELECT (ARRAY['PENDING', 'COMPLETED', 'COMPLETED', 'FAILED', 'CANCELLED'])[1 + i % 5] AS state) s
ORDER BY i
"""


def seed(engine: Engine, jobs: int) -> None:
    """Fill the table. Without triggers: a million lines of audit are no part of what is measured."""
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        conn.execute(text(_INSERT), {"jobs": jobs})
        conn.execute(text("SET LOCAL session_replication_role = origin"))
        conn.execute(text("SELECT jw_recount_jobs()"))
    with engine.connect().autocommit() as conn:
        conn.execute(text("VACUUM ANALYZE jobs"))


class Changes:
    """Changes so many jobs a second while the context lasts."""

    def __init__(self, engine: Engine, a_second: int) -> None:
        self._engine = engine
        self._pause = BATCH / a_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)
        self.made = 0

    def __enter__(self) -> Changes:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        with self._engine.connect() as conn:
            newest = text("SELECT id FROM jobs WHERE state = 'PENDING' ORDER BY id DESC LIMIT :recent")
            ids = list(conn.scalars(newest, {"recent": RECENT}))
            conn.rollback()
            while ids and not self._stopping.wait(self._pause):
                at = self.made % len(ids)
                conn.execute(
                    text("UPDATE jobs SET priority = priority + 1 WHERE id = ANY(:ids)"), {"ids": ids[at : at + BATCH]}
                )
                conn.commit()
                self.made += BATCH
