"""What went wrong, counted from the database, the spool, the starts file and the process table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.soak.installation import Installation
from benchmarks.soak.scripts import HOSTILE_NAME, last_line
from jobwarden.backend.database.driver import text
from jobwarden.backend.process.procfs import command_line, scan
from jobwarden.backend.process.record import Record, RecordKind, read_record
from jobwarden.backend.process.spool import log_path

ATTEMPTS = text("""
    SELECT j.id AS job_id, j.state, j.failure_reason, j.exit_code, j.exit_signal, a.id AS allocation_id, a.spool_dir,
           a.process_id, a.record_key, j.name,
           (SELECT array_agg(e.action ORDER BY e.id) FROM events e WHERE e.job_id = j.id AND e.to_state = j.state
            AND e.from_state <> j.state) AS ended_by
    FROM jobs j JOIN resource_allocations a ON a.id =
        (SELECT max(id) FROM resource_allocations last WHERE last.job_id = j.id)
    ORDER BY j.id
""")
HUMAN = {"cancel", "kill", "mark-failed", "sql", "clean"}


@dataclass(frozen=True, slots=True)
class Wrong:
    """Everything that must not be; each list says what was found, one line each."""

    lost: list[str] = field(default_factory=list)
    started_twice: list[str] = field(default_factory=list)
    leaked_allocations: list[str] = field(default_factory=list)
    leaked_processes: list[str] = field(default_factory=list)
    false_outcomes: list[str] = field(default_factory=list)
    incomplete_logs: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, list[str]]:
        """Title of each count, with what it counted."""
        return {
            "lost": self.lost,
            "started twice": self.started_twice,
            "leaked allocations": self.leaked_allocations,
            "leaked processes": self.leaked_processes,
            "false FAILED or COMPLETED": self.false_outcomes,
            "incomplete logs": self.incomplete_logs,
        }


def count_wrong(installation: Installation, submitted: list[int]) -> Wrong:
    """Count, after everything was drained and the workers have stopped."""
    wrong = Wrong()
    with installation.engine.connect() as conn:
        states = {row.id: row.state for row in conn.execute(text("SELECT id, state FROM jobs"))}
        attempts = conn.execute(ATTEMPTS).all()
        held = conn.execute(text("SELECT id, job_id FROM resource_allocations WHERE NOT released")).all()
        found = conn.execute(text("SELECT cookie, job_id FROM resource_allocations"))
        cookies = {row.cookie: row.job_id for row in found}
    wrong.lost.extend(f"job {job} was submitted and is not there" for job in submitted if job not in states)
    wrong.lost.extend(f"job {job} is {s}" for job, s in states.items() if s in ("PENDING", "RUNNING"))
    wrong.leaked_allocations.extend(f"allocation {row.id} of job {row.job_id}" for row in held)
    wrong.leaked_processes.extend(_processes(cookies, installation.settings.home))
    starts = read_starts(installation.starts)
    wrong.started_twice.extend(f"job {job} was started {n} times" for job, n in starts.items() if n > 1)
    for attempt in attempts:
        record = read_record(attempt.spool_dir, attempt.record_key) if attempt.spool_dir else None
        if attempt.name == HOSTILE_NAME:
            if attempt.state == "COMPLETED":
                wrong.false_outcomes.append(f"job {attempt.job_id} lied: every hostile script ends with exit code 7")
            continue
        if attempt.state == "COMPLETED" and starts[attempt.job_id] == 0 and "sql" not in (attempt.ended_by or ()):
            wrong.lost.append(f"job {attempt.job_id} is COMPLETED and never ran")
        if untruth := _untruth(attempt, record):
            wrong.false_outcomes.append(f"job {attempt.job_id}: {untruth}")
        if record is not None and (record.kind, record.value) == (RecordKind.EXIT, 0):
            wrong.incomplete_logs.extend(_log_fault(attempt))
    return wrong


def read_starts(path: Path) -> Counter[int]:
    """How often each job's script began."""
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(int(line.split()[0]) for line in lines)


def _untruth(attempt: Any, record: Record | None) -> str | None:
    """What the record of the supervisor contradicts, where no person or time limit explains it."""
    by_hand = HUMAN & set(attempt.ended_by or ()) and (
        attempt.failure_reason == "OPERATOR" or attempt.state == "CANCELLED"
    )
    if by_hand or attempt.failure_reason == "TIMEOUT":
        return None
    said = f"{attempt.state} {attempt.failure_reason or ''} {attempt.exit_code}:{attempt.exit_signal}"
    if record is None or record.kind in (RecordKind.NEVER, RecordKind.LAUNCH):
        return f"{said}, with no exit status" if attempt.failure_reason in (None, "SCRIPT_ERROR") else None
    truth = (record.value, None) if record.kind is RecordKind.EXIT else (None, record.value)
    good = attempt.state == ("COMPLETED" if truth == (0, None) else "FAILED")
    if good and (attempt.exit_code, attempt.exit_signal) == truth and attempt.failure_reason in (None, "SCRIPT_ERROR"):
        return None
    return f"{said}, but its exit status says {record.kind} {record.value}"


def _log_fault(attempt: Any) -> list[str]:
    log = Path(log_path(attempt.spool_dir))
    if log.exists() and log.read_bytes().endswith(last_line(attempt.job_id)):
        return []
    return [f"{log} of job {attempt.job_id} lacks its last line"]


def _processes(cookies: dict[str, int], home: Path) -> list[str]:
    """Processes with the mark of one of these jobs, or at work in this home's spool under any name."""
    snapshot = scan()
    found = {p.pid: cookies[c] for c, group in snapshot.cookies.items() if c in cookies for p in group}
    spool = str(home / "spool")
    for process in snapshot.processes.values():
        if not process.gone and spool in command_line(process.pid):
            found.setdefault(process.pid, 0)
    return [f"pid {pid} of job {job or '?'}: {command_line(pid)}" for pid, job in found.items()]
