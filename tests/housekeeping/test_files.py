"""More than fits into one file: everything is archived once, and what looks at every event is asked no oftener."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jobwarden.backend.database.driver import Connection, Row, Statement, text
from jobwarden.backend.housekeeping import archive, sql
from jobwarden.backend.housekeeping.records import CleanupStep, Limits
from tests.housekeeping.conftest import Past, read

MONTH = Limits(max_age_hours=0, retention_days=30)


@pytest.fixture
def loose(past: Past) -> list[int]:
    """Eight old events of no job."""
    with past.engine.begin() as conn:
        return list(
            conn.scalars(
                text("INSERT INTO events (actor, action, at) SELECT 'x', 'x', now() - interval '1 year'"
                     " FROM generate_series(1, 8) RETURNING id")
            )
        )  # fmt: skip


@contextmanager
def counted(statement: Statement) -> Iterator[list[Statement]]:
    """Collects every execution of a statement."""
    seen: list[Statement] = []

    stream = Connection.stream

    def note(conn: Connection, said: Statement, *values: Any) -> Iterator[Row]:
        if said is statement:
            seen.append(said)
        return stream(conn, said, *values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "stream", note)
        yield seen


@pytest.mark.parametrize(("events_per_file", "asked"), [(3, 3), (8, 2), (100, 1)])
def test_several_files(
    past: Past, loose: list[int], monkeypatch: pytest.MonkeyPatch, events_per_file: int, asked: int
) -> None:
    monkeypatch.setattr(archive, "JOBS_PER_FILE", 5)
    monkeypatch.setattr(archive, "EVENTS_PER_FILE", events_per_file)
    jobs = past.old_rows(23)
    would = past.step(CleanupStep.ARCHIVE, MONTH, dry_run=True)
    with counted(sql.EXPORT_EVENTS) as asks:
        report = past.step(CleanupStep.ARCHIVE, MONTH)
    assert len(asks) == asked
    lines = [line for path in past.archives for line in read(path)]
    assert sorted(line["job"]["id"] for line in lines if "job" in line) == jobs
    assert sorted(line["event"]["id"] for line in lines if "event" in line) == loose
    assert (report.count, report.events) == (would.count, would.events) == (23, past_events(lines))
    assert (past.count("jobs"), past.count("archives")) == (0, 5)
    assert past.stage.execute("SELECT count(*) FROM events WHERE id = ANY(:ids)", ids=loose) == 0


def past_events(lines: list[dict[str, Any]]) -> int:
    """Events in the files, of jobs and of none."""
    return sum(len(line["events"]) if "job" in line else 1 for line in lines)
