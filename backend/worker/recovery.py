"""Take over what earlier workers of the node left: adopt what lives, conclude what died, requeue what never began.

The decision for one allocation rests on evidence of this host alone and is a pure function; the same pass runs at
start, over everything, and as a sweep, over what has slipped out of the worker's hands.
"""

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jobwarden.backend.database.driver import Connection, DatabaseError, Engine
from jobwarden.backend.database.engine import refused
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.faults import point
from jobwarden.backend.process import cgroup
from jobwarden.backend.process.identity import HostIdentity, Liveness, ProcessIdentity, liveness, ran_here, this_host
from jobwarden.backend.process.members import supervisor_liveness
from jobwarden.backend.process.record import Record, RecordKind, read_record
from jobwarden.backend.state import machine
from jobwarden.backend.worker import sql
from jobwarden.backend.worker.crash_guard import contained
from jobwarden.backend.worker.launcher import deadline
from jobwarden.backend.worker.registration import Registration
from jobwarden.backend.worker.watched_job import WatchedJob

log = logging.getLogger(__name__)

RING_PATIENCE_SECONDS = 3.0
"""An allocation of ours that no message has announced for so long is launched without one."""
CLAIM_PATIENCE_SECONDS = 15.0
"""A claim of ours that led to no launch for so long is void: the answer of its transaction was lost."""


class Fate(StrEnum):
    """What becomes of an allocation that nobody watches."""

    ADOPT = "adopted"
    CONCLUDE = "concluded"
    REQUEUE = "requeued"
    LAUNCH = "launched"
    WAIT = "left for later"
    FOREIGN = "left to their own host"
    UNKNOWN = "left, for want of evidence"


@dataclass(frozen=True, slots=True)
class ProcessEvidence:
    """What this host shows of an allocation's process."""

    alive: Liveness
    record: Record | None


def decide(row: Any, me: Registration, host: HostIdentity, look: Callable[[Any], ProcessEvidence]) -> Fate:
    """The fate of the unreleased allocation ``row`` (of ``LIVE_ON_NODE``); ``look`` gathers evidence when needed."""
    if row.process_id is None:
        return _fate_of_unstarted(row, me)
    ids = {"machine_id": row.machine_id, "boot_id": row.boot_id, "hostname": row.hostname}
    if not ran_here(**ids, folder=row.spool_dir, host=host):
        return Fate.FOREIGN
    evidence = look(row)
    if evidence.record is not None and evidence.record.gone:
        return Fate.REQUEUE if evidence.record.kind is RecordKind.NEVER else Fate.CONCLUDE
    if row.boot_id != host.boot_id or evidence.alive is Liveness.GONE:
        return Fate.CONCLUDE
    return Fate.ADOPT if evidence.alive is Liveness.ALIVE else Fate.UNKNOWN


def _fate_of_unstarted(row: Any, me: Registration) -> Fate:
    """No pid was committed, so the script never ran; only our own launches may still be under way."""
    if row.worker_id != me.worker_id:
        return Fate.REQUEUE
    if row.claimed:
        return Fate.REQUEUE if row.age > CLAIM_PATIENCE_SECONDS else Fate.WAIT
    return Fate.LAUNCH if row.age > RING_PATIENCE_SECONDS else Fate.WAIT


class Recovery:
    """Carries the decisions out. ``watch`` takes what must be watched, ``launch`` what nobody rang for."""

    def __init__(
        self,
        engine: Engine,
        me: Registration,
        groups: cgroup.Groups,
        watch: Callable[[WatchedJob], None],
        launch: Callable[[Sequence[int]], None],
    ) -> None:
        self._engine, self._me, self._groups, self._watch, self._launch = engine, me, groups, watch, launch

    def run(self, except_for: Callable[[], Collection[int]]) -> Counter[Fate]:
        """One pass over the node's live allocations but those in hand. Raises DatabaseError when the database is down.

        ``except_for`` is asked after the rows are read: what came into hand meanwhile is left alone.
        """
        groups = self._groups.made()  # before the rows: a group without a live allocation is then of an ended one
        with self._engine.connect() as conn:
            rows = conn.execute(sql.LIVE_ON_NODE, {"node": self._me.node_name}).all()
        in_hand = except_for()
        cgroup.sweep(groups, {row.allocation_id for row in rows} | set(in_hand))
        fates: defaultdict[Fate, list[Any]] = defaultdict(list)
        host = this_host()
        for row in rows:
            if row.allocation_id not in in_hand:
                with contained(f"the recovery of job {row.job_id}"):
                    fates[decide(row, self._me, host, gather)].append(row)
        self._carry_out(fates, host)
        return Counter({fate: len(found) for fate, found in fates.items()})

    def _carry_out(self, fates: dict[Fate, list[Any]], host: HostIdentity) -> None:
        unstarted = [row.allocation_id for row in fates.get(Fate.REQUEUE, ()) if row.process_id is None]
        recorded = [row.allocation_id for row in fates.get(Fate.REQUEUE, ()) if row.process_id is not None]
        adopt = [row.allocation_id for row in fates.get(Fate.ADOPT, ())]
        why = "its worker died before the script started"
        self._each(unstarted, lambda conn, ids: machine.requeue(conn, ids, self._me.actor, why, uncommitted=True))
        said = "its supervisor says that it never started"
        self._each(recorded, lambda conn, ids: machine.requeue(conn, ids, self._me.actor, said))
        adopted = self._each(adopt, lambda conn, ids: machine.adopt(conn, self._me.worker_id, ids, self._me.actor))
        if adopt:
            with contained("what follows an adoption"):
                point("adopted")
        for row in (row for row in fates.get(Fate.ADOPT, ()) if row.allocation_id in adopted):
            with contained(f"the adoption of job {row.job_id}"):
                self._watch(_survivor(row))
        for row in fates.get(Fate.CONCLUDE, ()):
            with contained(f"the recovery of job {row.job_id}"):
                self._watch(_departed(row, host))
        if unrung := [row.allocation_id for row in fates.get(Fate.LAUNCH, ())]:
            self._launch(unrung)

    def _each(
        self, allocation_ids: Sequence[int], write: Callable[[Connection, Sequence[int]], object]
    ) -> frozenset[int]:
        """Write for all of them at once; when something is wrong with one of them, for each by itself.

        Returns those that were written for; the others are left to the next sweep.
        """
        if not allocation_ids:
            return frozenset()
        try:
            with self._engine.begin() as conn:
                write(conn, allocation_ids)
        except Exception as exc:
            if isinstance(exc, DatabaseError) and not refused(exc):
                raise
            if len(allocation_ids) == 1:
                log.critical("allocation %d cannot be recovered: the worker goes on", allocation_ids[0], exc_info=True)
                return frozenset()
            return frozenset().union(*(self._each([allocation_id], write) for allocation_id in allocation_ids))
        return frozenset(allocation_ids)


def gather(row: Any) -> ProcessEvidence:
    """Look at the process and the spool of an allocation on this host."""
    alive = supervisor_liveness(_identity(row), row.spool_dir, row.record_key, row.cookie)
    return ProcessEvidence(alive, read_record(row.spool_dir, row.record_key))


def summary(fates: Counter[Fate]) -> str:
    """One line for the log: what a recovery did."""
    return ", ".join(f"{count} {fate}" for fate, count in sorted(fates.items())) or "nothing to take over"


def _identity(row: Any) -> ProcessIdentity:
    return ProcessIdentity.from_row(row.asdict(), "process_id")


def _departed(row: Any, host: HostIdentity) -> WatchedJob:
    return WatchedJob(
        allocation_id=row.allocation_id,
        job_id=row.job_id,
        identity=_identity(row),
        cookie=row.cookie,
        spool_dir=row.spool_dir,
        record_key=row.record_key,
        work_dir=row.work_dir,
        rebooted=row.boot_id != host.boot_id,
        group=cgroup.group_of(row.spool_dir, row.cookie),
    )


def _survivor(row: Any) -> WatchedJob:
    """Watch a process that is not our child. The pidfd is opened first and the identity checked after."""
    watched = _departed(row, this_host())
    try:
        pidfd = os.pidfd_open(row.process_id)
    except ProcessLookupError:
        return watched
    if liveness(watched.identity) is Liveness.GONE:
        os.close(pidfd)
        return watched
    watched.pidfd = pidfd
    if not JobState(row.state).final:
        watched.deadline = deadline(row.time_limit, row.process_start)
    return watched
