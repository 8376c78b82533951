"""What the supervisor knows of one running job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobwarden.backend.process.cgroup import ControlGroup
from jobwarden.backend.process.exit_status import EndCause, Verdict, judge
from jobwarden.backend.process.identity import ProcessIdentity
from jobwarden.backend.process.identity_file import from_spool, read_order
from jobwarden.backend.process.members import Target
from jobwarden.backend.process.record import Record, RecordKind, doubt, read_record
from jobwarden.backend.process.termination import Termination
from jobwarden.backend.state.records import Outcome


@dataclass(frozen=True, slots=True)
class EndRequest:
    """Why a job is to be ended before its time; ``actor`` None means the worker itself, by a rule."""

    cause: EndCause
    actor: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class WatchedJob:
    """One allocation under watch. ``deadline`` is on the boot clock, in seconds; None without a time limit.

    ``pidfd`` is -1 when there is no process to wait for. ``never_ran``: the gate was never opened. ``wait_status``:
    what the supervising process exited with, if it was our child and no signal ended it. ``group``: its control group,
    if it has one. ``gone_since``: boot clock at which its supervisor, our child, was still unreaped; whatever
    of its session began before is the job's. ``looks``: how often it could not be ended and was looked at again.
    ``flagged``: the database says that its worker could not deal with it.
    """

    allocation_id: int
    job_id: int
    identity: ProcessIdentity
    cookie: str
    spool_dir: str
    record_key: str | None
    work_dir: str
    pidfd: int = -1
    deadline: float | None = None
    never_ran: bool = False
    wait_status: int | None = None
    gone_since: float | None = None
    looks: int = 0
    flagged: bool = False
    rebooted: bool = False
    request: EndRequest | None = None
    ending: Termination | None = None
    due: float | None = None
    signalled: set[int] = field(default_factory=set)
    concluded: bool = False
    group: ControlGroup | None = None

    @property
    def target(self) -> Target:
        """What the kill logic is to end."""
        return Target(self.identity, self.cookie, self.spool_dir, self.record_key)

    def record(self) -> Record | None:
        """How its script ended, once its supervisor has recorded that."""
        return read_record(self.spool_dir, self.record_key)

    def group_populated(self) -> bool:
        """Whether a process lives in its control group."""
        return self.group is not None and self.group.populated()

    @property
    def script(self) -> str:
        """Path of the script in the spool."""
        return f"{self.spool_dir}/job_{self.job_id}.sh"

    def judge(self, record: Record | None) -> Verdict:
        """The verdict, now that all its processes are gone. What ended by itself before we acted keeps its outcome."""
        if self.never_ran and (record is None or record.kind is RecordKind.NEVER):
            record = Record(RecordKind.NEVER)
        elif record is None and self.wait_status is not None:  # its folder was deleted, but we are the parent
            record = Record(RecordKind.EXIT, self.wait_status)
        group = self.group
        return judge(
            record,
            cause=self.request.cause if self.request else None,
            out_of_memory=group is not None and group.out_of_memory(),
            rebooted=self.rebooted,
            script=self.script,
            work_dir=self.work_dir,
            doubt=doubt(self.spool_dir, self.record_key) if record is None else "",
        )

    def heed_order(self, record: Record | None) -> None:
        """Take up the order that an operator without the database left in the spool, unless it had ended before."""
        if self.request is not None or (record is not None and record.kind is RecordKind.LAUNCH):
            return
        order = read_order(self.spool_dir)
        if order is not None and (record is None or record.end_ns > order.at_ns):
            self.request = EndRequest(EndCause.KILLED, *from_spool(order, self.spool_dir))

    def outcome(self, verdict: Verdict, record: Record | None) -> Outcome:
        """The verdict as the state machine takes it, with the evidence for the event."""
        from_record = record is not None and record.end_ns > 0
        return Outcome(
            allocation_id=self.allocation_id,
            job_id=self.job_id,
            state=verdict.state,
            reason=verdict.reason,
            exit_code=verdict.exit_code,
            exit_signal=verdict.exit_signal,
            error_msg=verdict.message,
            end_time_ns=record.end_ns if record is not None and from_record else None,
            evidence=self._evidence(record),
        )

    def _evidence(self, record: Record | None) -> Mapping[str, Any]:
        evidence: dict[str, Any] = {}
        if record is not None and record.kind in (RecordKind.EXIT, RecordKind.SIGNAL):
            evidence["cpu_seconds"] = round((record.user_us + record.system_us) / 1e6, 3)
            evidence["max_rss_mb"] = record.max_rss_kib // 1024
        if self.signalled:
            evidence["signalled_pids"] = sorted(self.signalled)[:50]
        return evidence
