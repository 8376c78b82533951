"""Ends and records attempts that no live worker cares for any more, from this host.

Whoever does it holds the lock of each allocation, so that two operators take turns, and judges everything
anew under the lock: what was seen when the list was drawn is not what is acted on.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jobwarden.backend.actions.preview import (
    ASKED_BEFORE,
    NEVER_STARTED,
    RELEASED,
    asked_now,
    orphan_cause,
    recorded,
    stray_ended,
    stuck,
    unreachable,
    verdict,
)
from jobwarden.backend.actions.results import Context, ItemResult, ResultTally, done, nothing, refused
from jobwarden.backend.anomalies.attempts import BY_ID, read_attempts
from jobwarden.backend.anomalies.detect import Anomaly, examine, explain
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.database.engine import ALLOCATION_LOCK, allocation_key, locking, try_session_lock
from jobwarden.backend.database.roles import OPERATOR, lacking
from jobwarden.backend.domain.states import AnomalyKind, JobState
from jobwarden.backend.domain.units import counted
from jobwarden.backend.errors import Refused
from jobwarden.backend.process.exit_status import EndCause, Verdict
from jobwarden.backend.process.identity_file import from_spool, read_order
from jobwarden.backend.process.members import Target
from jobwarden.backend.process.record import Record
from jobwarden.backend.process.termination import TerminationResult, end_trees, tell_survivors
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Outcome
from jobwarden.backend.state.sql import MAY_END, NOTE

BATCH = 200
"""Allocations that are locked and ended together."""

ENDED_HERE = (AnomalyKind.ORPHAN, AnomalyKind.STRAY)
"""Kinds whose processes are ended; those of the others are gone, unkillable, or a worker's affair."""


@dataclass(frozen=True, slots=True)
class AuditedAction:
    """What is done, as the audit names it. ``cause`` None lets each kind of anomaly say why the job ends.

    ``only`` bounds what is touched: an allocation that turns out to be of another kind is left as it is.
    """

    action: str
    reason: str | None
    cause: EndCause | None = None
    only: frozenset[AnomalyKind] = frozenset(AnomalyKind)


def take_over(ctx: Context, allocation_ids: Sequence[int], action: AuditedAction, tally: ResultTally) -> None:
    """Deal with these allocations, each by what it is now; one result for each, none for those after a stop.

    Raises Refused, before anything is signalled, when the database would not let this user record what was done.
    """
    if allocation_ids:
        _check_rights(ctx)
    for batch in tally.chunks(allocation_ids, BATCH):
        _batch(ctx, batch, action, tally)


def _check_rights(ctx: Context) -> None:
    with ctx.engine.connect() as conn:
        if not conn.scalar(MAY_END):
            raise Refused(lacking(OPERATOR, "end jobs"))


def _batch(ctx: Context, allocation_ids: Sequence[int], action: AuditedAction, tally: ResultTally) -> None:
    with _locks(ctx, allocation_ids) as mine, ctx.engine.connect() as conn:
        found = examine(conn, ctx.settings, allocation_ids)
        conn.rollback()
        tally.extend(_unconcerned(conn, allocation_ids, found))
        conn.rollback()
        busy = [a for a in found if a.attempt.allocation_id not in mine]
        tally.extend(nothing(a.attempt.job_id, "another clean-up is working on it right now") for a in busy)
        spared = [a for a in found if a not in busy and a.kind not in action.only]
        tally.extend(nothing(a.attempt.job_id, f"is {a.kind} by now: left alone") for a in spared)
        _end_and_conclude(ctx, [a for a in found if a not in busy + spared], action, tally)


@contextmanager
def _locks(ctx: Context, allocation_ids: Sequence[int]) -> Iterator[set[int]]:
    """Take the lock of each allocation that is free; the ids taken. All end with the connection."""
    with locking(ctx.engine) as conn:
        yield {a for a in allocation_ids if try_session_lock(conn, ALLOCATION_LOCK, allocation_key(a))}


def _unconcerned(conn: Connection, allocation_ids: Sequence[int], found: Sequence[Anomaly]) -> list[ItemResult]:
    """Results for allocations that are no anomaly (any more)."""
    concerned = {anomaly.attempt.allocation_id for anomaly in found}
    rest = [allocation for allocation in allocation_ids if allocation not in concerned]
    return [
        nothing(attempt.job_id, f"is {attempt.state} and in order: nothing to do")
        if attempt.state.final
        else nothing(attempt.job_id, f"worker {attempt.worker_id} owns it now: left alone")
        for attempt in read_attempts(conn, BY_ID, ids=rest)
    ]


def _end_and_conclude(ctx: Context, found: Sequence[Anomaly], action: AuditedAction, tally: ResultTally) -> None:
    to_end = {anomaly.attempt.cookie: anomaly for anomaly in found if anomaly.kind in ENDED_HERE}
    for anomaly in found:
        if anomaly.kind not in ENDED_HERE:
            tally.add(CONCLUDE[anomaly.kind](ctx, anomaly, None, action))
    if not to_end:
        return

    def on_end(target: Target, ended: TerminationResult) -> None:
        anomaly = to_end[target.cookie]
        tally.add(CONCLUDE[anomaly.kind](ctx, anomaly, ended, action))

    tally.say(f"ending {counted(len(to_end), 'job')}")
    end_trees([a.attempt.target for a in to_end.values()], ctx.settings.kill_grace_seconds, on_end)


def _orphan(ctx: Context, anomaly: Anomaly, ended: TerminationResult | None, action: AuditedAction) -> ItemResult:
    assert ended is not None
    if not ended.proven_gone:
        return _stuck(ctx, anomaly, ended, action)
    cause = None if ended.already_ended else action.cause or orphan_cause(anomaly.attempt)
    return _record_outcome(ctx, anomaly, cause, action, {"signalled": ended.signalled[:100]})


def _lost(ctx: Context, anomaly: Anomaly, _: TerminationResult | None, action: AuditedAction) -> ItemResult:
    attempt = anomaly.attempt
    if not attempt.started and action.cause is None:
        with ctx.engine.begin() as conn:
            why = "its worker died before the script started"
            changed = machine.requeue(conn, [attempt.allocation_id], ctx.actor, why, uncommitted=True)
        if not changed:
            return nothing(attempt.job_id, "its worker is starting it after all: left alone")
        return done(attempt.job_id, NEVER_STARTED)
    return _record_outcome(ctx, anomaly, action.cause, action, {})


def _unrecorded(ctx: Context, anomaly: Anomaly, _: TerminationResult | None, action: AuditedAction) -> ItemResult:
    return _record_outcome(ctx, anomaly, None, action, {})


def _record_outcome(
    ctx: Context, anomaly: Anomaly, cause: EndCause | None, audited: AuditedAction, evidence: dict[str, Any]
) -> ItemResult:
    attempt = anomaly.attempt
    record = attempt.record()
    actor, action, reason = ctx.actor, audited.action, audited.reason
    order = read_order(attempt.spool_dir) if attempt.spool_dir and not evidence.get("signalled") else None
    if order is not None and (record is None or record.end_ns > order.at_ns):  # killed before, without the database
        cause, action = EndCause.KILLED, "kill"
        actor, reason = from_spool(order, str(attempt.spool_dir))
    ended = verdict(attempt, record, cause)
    if ended.state is JobState.PENDING:
        with ctx.engine.begin() as conn:
            machine.requeue(conn, [attempt.allocation_id], ctx.actor, "its supervisor says that it never started")
        return done(attempt.job_id, NEVER_STARTED)
    evidence = {"kind": anomaly.kind, "found": explain(anomaly), **evidence}
    with ctx.engine.begin() as conn:
        outcome = _outcome(anomaly, ended, record, evidence)
        changed = machine.finish(conn, [outcome], actor, action, reason)
    if attempt.group is not None:
        attempt.group.remove()
    if not changed:
        return nothing(attempt.job_id, "its end is already recorded: nothing to do")
    return done(attempt.job_id, recorded(ended))


def _outcome(anomaly: Anomaly, ended: Verdict, record: Record | None, evidence: dict[str, Any]) -> Outcome:
    return Outcome(
        anomaly.attempt.allocation_id,
        anomaly.attempt.job_id,
        ended.state,
        ended.reason,
        ended.exit_code,
        ended.exit_signal,
        ended.message,
        record.end_ns or None if record else None,
        evidence,
    )


def _stray(ctx: Context, anomaly: Anomaly, ended: TerminationResult | None, action: AuditedAction) -> ItemResult:
    assert ended is not None
    attempt = anomaly.attempt
    if not ended.proven_gone:
        return _stuck(ctx, anomaly, ended, action)
    reason = action.reason or "processes that outlived the job were ended"
    with ctx.engine.begin() as conn:
        _note(conn, ctx, attempt.job_id, action.action, reason, {"signalled": ended.signalled[:100]})
        released = machine.release(conn, attempt.job_id, ctx.actor, reason)
    return done(attempt.job_id, stray_ended(released=released))


def _note(conn: Connection, ctx: Context, job_id: int, action: str, reason: str, detail: dict[str, Any]) -> None:
    values = {"jobs": [job_id], "actor": ctx.actor, "action": action, "reason": reason, "detail": json.dumps(detail)}
    conn.execute(NOTE, values)


def _leaked(ctx: Context, anomaly: Anomaly, _: TerminationResult | None, action: AuditedAction) -> ItemResult:
    job_id = anomaly.attempt.job_id
    with ctx.engine.begin() as conn:
        changed = machine.release(conn, job_id, ctx.actor, action.reason or "its processes are gone")
    return done(job_id, RELEASED) if changed else nothing(job_id, "is released already: nothing to do")


def _overdue(ctx: Context, anomaly: Anomaly, _: TerminationResult | None, action: AuditedAction) -> ItemResult:
    """Its worker lives: only that one may end it, or the two would contradict each other in the record."""
    attempt = anomaly.attempt
    with ctx.engine.begin() as conn:
        asked = machine.request_end(conn, [attempt.job_id], "kill", ctx.actor, action.reason or "time limit reached")
    return done(attempt.job_id, asked_now(attempt)) if asked else nothing(attempt.job_id, ASKED_BEFORE)


def _stuck(ctx: Context, anomaly: Anomaly, ended: TerminationResult | None, action: AuditedAction) -> ItemResult:
    """Keeps its allocation, as its CPUs and memory are in use, and its node gets no new jobs."""
    attempt = anomaly.attempt
    left = tell_survivors(ended.survivors, attempt.process_id) if ended else explain(anomaly)
    why = f"{ended.detail}: {left}" if ended and left else ended.detail if ended else left
    with ctx.engine.begin() as conn:
        changed = machine.mark_stuck(conn, attempt.allocation_id, ctx.actor, why)
        if not changed and attempt.stuck is None:
            beyond = f"job {attempt.job_id} cannot be ended"
            changed = machine.set_drain(conn, attempt.node_name, True, ctx.actor, beyond) is not None
    return stuck(attempt, why, changed=changed)


def _unreachable(_ctx: Context, anomaly: Anomaly, _: TerminationResult | None, _deed: AuditedAction) -> ItemResult:
    return refused(anomaly.attempt.job_id, unreachable(anomaly.attempt))


Conclusion = Callable[[Context, Anomaly, TerminationResult | None, AuditedAction], ItemResult]
CONCLUDE: dict[AnomalyKind, Conclusion] = {
    AnomalyKind.ORPHAN: _orphan,
    AnomalyKind.LOST: _lost,
    AnomalyKind.UNRECORDED: _unrecorded,
    AnomalyKind.STRAY: _stray,
    AnomalyKind.LEAKED: _leaked,
    AnomalyKind.OVERDUE: _overdue,
    AnomalyKind.STUCK: _stuck,
    AnomalyKind.UNREACHABLE: _unreachable,
}
