"""What this host shows of an attempt: living processes, the record of its end, or nothing that could be trusted."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jobwarden.backend.anomalies.attempts import Attempt
from jobwarden.backend.process.identity import Liveness
from jobwarden.backend.process.members import family, supervisor_liveness
from jobwarden.backend.process.procfs import ProcessSnapshot, scan
from jobwarden.backend.process.record import Record

_SIGKILL_BIT = 1 << 8


@dataclass(frozen=True, slots=True)
class Evidence:
    """``alive`` is about all processes of the attempt, ``unkillable`` those that KILL was sent to in vain."""

    alive: Liveness
    pids: tuple[int, ...] = ()
    record: Record | None = None
    unkillable: tuple[int, ...] = ()


GONE = Evidence(Liveness.GONE)
UNKNOWN = Evidence(Liveness.UNKNOWN)


class HostSurvey:
    """One look at this host, shared by all attempts that are judged by it; /proc is scanned at most once."""

    @cached_property
    def snapshot(self) -> ProcessSnapshot:
        """The processes of this host."""
        return scan()

    def at(self, attempt: Attempt) -> Evidence:
        """What is seen of one attempt. A living supervisor settles it without a scan."""
        if not attempt.started:
            return GONE
        if not attempt.here:
            return UNKNOWN
        record = attempt.record()
        if attempt.rebooted:
            return Evidence(Liveness.GONE, record=record)
        target = attempt.target
        shim = supervisor_liveness(target.identity, attempt.spool_dir, attempt.record_key, attempt.cookie)
        if shim is Liveness.UNKNOWN:
            return Evidence(Liveness.UNKNOWN, record=record)
        if shim is Liveness.ALIVE:
            return Evidence(shim, (target.identity.pid,), record, self._unkillable(attempt))
        return self._without_supervisor(attempt, record)

    def _without_supervisor(self, attempt: Attempt, record: Record | None) -> Evidence:
        found = family(attempt.target, self.snapshot)
        if found.others:
            oldest_first = sorted(found.others, key=lambda process: (process.start_ticks, process.pid))
            pids = tuple(process.pid for process in oldest_first)
            return Evidence(Liveness.ALIVE, pids, record, tuple(filter(_survives_kill, pids)))
        return Evidence(Liveness.UNKNOWN if found.suspects else Liveness.GONE, record=record)

    def _unkillable(self, attempt: Attempt) -> tuple[int, ...]:
        """Only where somebody wanted its end: looking through every process of a healthy job would cost a scan."""
        if not (attempt.state.final or attempt.asked_ago > 0 or attempt.over_limit > 0):
            return ()
        return tuple(p.pid for p in family(attempt.target, self.snapshot).others if _survives_kill(p.pid))


def _survives_kill(pid: int) -> bool:
    """Whether KILL is pending for a process that waits in the kernel (proc_pid_status(5): SigPnd, ShdPnd)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    pending = int(fields.get("SigPnd", "0"), 16) | int(fields.get("ShdPnd", "0"), 16)
    return fields.get("State", "").startswith("D") and bool(pending & _SIGKILL_BIT)
