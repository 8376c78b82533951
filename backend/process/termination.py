"""End every process of a job: TERM, grace, freeze, KILL, and proof that nothing is left.

Nothing here blocks, so one loop ends thousands of jobs at a time: take one snapshot, give it to every `Termination`
that is due, sleep until the next one is. The shim is left to exit by itself, because it records how the script ended.
A control group is killed as one; freezing and looking again is for those who have none, or have left it.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jobwarden.backend.domain.units import name_processes
from jobwarden.backend.process.cgroup import ControlGroup
from jobwarden.backend.process.identity import Liveness, Stat, liveness, read_stat
from jobwarden.backend.process.members import Family, Target, family
from jobwarden.backend.process.procfs import ProcessSnapshot, command_line, scan
from jobwarden.backend.process.signals import Delivery, deliver, identity_of

# Catch processes that live too briefly for a look at the whole of /proc.
#
# A process that forks and exits at once, over and over, is gone before a scan ends. But each of its generations
# becomes a child of the supervisor as soon as the one before has exited, and those children are one small file to
# read.

_ROUNDS = 100  # about 10 ms: then the loop that calls us has other jobs to serve


def chase_orphans(shim: Stat, frozen: set[tuple[int, int]]) -> list[Stat]:
    """Stop the supervisor's children that are not in ``frozen`` yet, adding them; returns those caught.

    Where the kernel has no list of children (CONFIG_PROC_CHILDREN) nothing is caught and the scans must do.
    """
    caught: list[Stat] = []
    for _ in range(_ROUNDS):
        fresh = [child for child in _children(shim) if (child.pid, child.start_ticks) not in frozen]
        if not fresh:
            break
        for child in fresh:
            deliver(identity_of(child), signal.SIGSTOP)
            frozen.add((child.pid, child.start_ticks))
        caught += fresh
    return caught


def _children(shim: Stat) -> list[Stat]:
    try:
        fd = os.open(f"/proc/{shim.pid}/task/{shim.pid}/children", os.O_RDONLY)
    except OSError:
        return []
    try:
        pids = os.read(fd, 1 << 16).split()
    finally:
        os.close(fd)
    children = [child for pid in pids if (child := _child(int(pid), shim.pid)) is not None]
    # The supervisor verified last: were it gone, these could be children of the next owner of its pid.
    return children if liveness(identity_of(shim)) is Liveness.ALIVE else []


def _child(pid: int, parent: int) -> Stat | None:
    try:
        child = read_stat(pid)
    except OSError:
        return None
    return child if child.ppid == parent and not child.gone else None


STUCK_SECONDS = 15.0  # how long after KILL a process that is still there counts as unkillable
_ENDLESS = 8  # times that long, until a job that forks faster than it can be killed is given up
_FREEZE_SECONDS, _FREEZE_LOOKS = 2.0, 20  # after both a job that keeps forking is killed without being frozen first
_SHIM_SECONDS = 3.0  # how long the supervisor may stay behind alone before it is killed as well
_HIDDEN_SECONDS = 0.25  # how long it may stay until processes too brief for a scan are looked for
_PROOF_SCANS = 3  # looks that must find nothing when the supervisor could not vouch for it
_FIRST_POLL, _LAST_POLL = 0.02, 1.0


@dataclass(frozen=True, slots=True)
class Survivor:
    """A process that is left, and why: for the operator who has to deal with it."""

    pid: int
    state: str
    command: str
    why: str


def tell_survivors(survivors: Sequence[Survivor], supervisor: int | None) -> str:
    """Return the first few processes that are left, each as what it is and with the reason."""
    return "; ".join(
        f"{name_processes([one.pid], supervisor)} ({one.command or '?'}) {one.why}" for one in survivors[:5]
    )


@dataclass(frozen=True, slots=True)
class TerminationResult:
    """What an ending came to. Release an allocation only with ``proven_gone``.

    ``waited``: what is left was given its time after KILL, so that another look at once would see the same.
    ``signalled``: pids that got TERM or KILL. ``already_ended``: the script had ended before anything was signalled,
    so its record counts as it is.
    """

    proven_gone: bool
    signalled: list[int]
    survivors: list[Survivor]
    detail: str
    already_ended: bool
    waited: bool = False


class Phase(StrEnum):
    """How far an ending is."""

    TERM = "TERM"
    GRACE = "GRACE"
    KILL = "KILL"


class Termination:
    """Ends one job; call `step` until it returns None, then read ``result``.

    ``grace_seconds`` is the time between TERM and KILL; 0 kills at once. Nothing is signalled before the first step.
    ``gone_since``: when (boot clock) the supervisor, a child of ours, was dead and not yet reaped, if that is known.
    """

    def __init__(
        self,
        target: Target,
        grace_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        stuck_seconds: float = STUCK_SECONDS,
        gone_since: float | None = None,
    ) -> None:
        self.target = target
        self.phase = Phase.TERM
        self.result: TerminationResult | None = None
        self._gone_since = gone_since
        self._grace_seconds, self._stuck_seconds, self._clock = grace_seconds, stuck_seconds, clock
        self._deadline = 0.0
        self._kill_since: float | None = None
        self._alone_since: float | None = None
        self._poll = _FIRST_POLL
        self._known: dict[tuple[int, int], Stat] = {}
        self._frozen: set[tuple[int, int]] = set()
        self._freeze_looks = 0
        self._killed_at: dict[tuple[int, int], float] = {}
        self._signalled: dict[int, None] = {}  # in order
        self._refused: set[int] = set()
        self._empty_looks = 0
        self._last_look: ProcessSnapshot | None = None
        self._already_ended: bool | None = None
        self._supervisor: Liveness | None = None
        self._vouched = False

    def step(self, now: float | None = None, snapshot: ProcessSnapshot | None = None) -> float | None:
        """Do what is due; returns the seconds until the next step is useful, None when done.

        ``snapshot`` must be newer than the previous step, as what that step did is judged by it. Stepping early
        (the supervisor's pidfd became readable) is always allowed.
        """
        if self.result is not None:
            return None
        if self._out_of_reach():
            return None
        if snapshot is not None and snapshot is self._last_look:
            return 0.0
        now = self._clock() if now is None else now
        self._last_look = snapshot if snapshot is not None else scan()
        return self._act(now, self._look(self._last_look))

    def _out_of_reach(self) -> bool:
        """Settles what no scan of this host can: the job ran before a reboot, or in another PID namespace."""
        if self._already_ended is None:
            self._already_ended = self.target.record() is not None
        if self._supervisor is not Liveness.GONE:  # once gone, always gone: not worth asking thousands of times
            self._supervisor = liveness(self.target.identity)
        if self._supervisor is Liveness.UNKNOWN:
            self._finish(False, "its supervisor is in another PID namespace or hidden from this user")
        return self.result is not None

    def _look(self, snapshot: ProcessSnapshot) -> Family:
        found = family(self.target, snapshot, self._known.values(), self._gone_since)
        self._known = {_key(process): process for process in found.others}
        return found

    def _act(self, now: float, found: Family) -> float | None:
        if found.empty:
            return self._confirm()
        if found.shim is not None and liveness(self.target.identity) is not Liveness.ALIVE:
            return 0.0  # ended since the snapshot: who seems to be its child could be a child of its pid's next owner
        self._empty_looks = 0
        others = [process for process in found.others if process.pid != os.getpid()]
        if not others and (found.group is None or found.others):
            return self._only_the_unsignallable(now, found)
        self._alone_since = None
        if self.phase is Phase.TERM:
            self._term(now, found.shim, others)
        if self.phase is Phase.GRACE and now < self._deadline:
            return min(self._next_poll(), self._deadline - now)
        return self._kill(now, found, others)

    def _confirm(self) -> float | None:
        """Nothing was found. The supervisor's own word settles it, else a second look, as a scan is not atomic."""
        self._empty_looks += 1
        if self._empty_looks == 1:  # what the supervisor had to say it has said: it is gone
            record = self.target.record()
            self._vouched = record is not None and record.gone
        if self._vouched or self._empty_looks >= _PROOF_SCANS:
            self._finish(True, "all processes are gone")
            return None
        return 0.0

    def _only_the_unsignallable(self, now: float, found: Family) -> float | None:
        if found.shim is not None:
            return self._wait_for_shim(now, found.shim)
        if found.others:
            self._finish(False, "this very process belongs to the job and cannot end itself", found.others)
        else:
            self._finish(False, "processes in the job's session bear no proof that they are its own", found.suspects)
        return None

    def _wait_for_shim(self, now: float, shim: Stat) -> float | None:
        """Only the supervisor is left: about to exit, stopped, waiting at its gate, or hiding what forks fast."""
        if self._alone_since is None:
            self._alone_since, self._poll = now, _FIRST_POLL
        alone = now - self._alone_since
        if shim.stopped:
            self._send(shim, signal.SIGCONT)
        if alone > _SHIM_SECONDS + self._stuck_seconds:
            self._finish(False, "the supervisor survives KILL", [shim], waited=True)
            return None
        if alone > _SHIM_SECONDS:
            self._send(shim, signal.SIGKILL)
        elif alone > _HIDDEN_SECONDS and self._chase(shim):
            self._start_kill(now)
            return 0.0
        return self._next_poll()

    def _term(self, now: float, shim: Stat | None, others: Sequence[Stat]) -> None:
        """TERM once, to those there now: what a TERM handler starts to clean up is left to do its work."""
        self.phase, self._deadline = Phase.GRACE, now + self._grace_seconds
        if self._grace_seconds <= 0:
            return
        for process in others:
            self._send(process, signal.SIGTERM)
        for process in [*others, *([shim] if shim else [])]:
            if process.stopped:
                self._send(process, signal.SIGCONT)

    def _kill(self, now: float, found: Family, others: Sequence[Stat]) -> float | None:
        """Kill the group; freeze the others until a look finds nothing new, so that nothing can fork; then kill all."""
        elapsed = now - self._start_kill(now)
        if self._survive(now, elapsed, others):
            who = "processes" if others else "processes out of sight"
            self._finish(False, f"{who} survive KILL", others, waited=True)
            return None
        if found.group is not None:
            self._kill_group(found.group, now, others)
        self._freeze_looks += 1
        freezing = elapsed < _FREEZE_SECONDS or self._freeze_looks < _FREEZE_LOOKS
        if self._freeze(found.shim, others) and freezing:
            return 0.0
        for process in others:
            self._killed_at.setdefault(_key(process), now)
            self._send(process, signal.SIGKILL)
        return self._next_poll()

    def _survive(self, now: float, elapsed: float, others: Sequence[Stat]) -> bool:
        """Whether all that is left had its KILL long ago; what has just been found is given its time."""
        patience = self._stuck_seconds
        if not others:
            return elapsed > patience
        return elapsed > _ENDLESS * patience or all(
            now - self._killed_at.get(_key(process), now) > patience for process in others
        )

    def _kill_group(self, group: ControlGroup, now: float, others: Sequence[Stat]) -> None:
        """KILL reaches all of the group at once, forks included, so that its members need not be frozen."""
        inside = group.pids()
        if os.getpid() in inside or not group.kill():
            return
        for process in [process for process in others if process.pid in inside]:
            self._signalled[process.pid] = None
            self._frozen.add(_key(process))
            self._killed_at.setdefault(_key(process), now)

    def _freeze(self, shim: Stat | None, others: Sequence[Stat]) -> bool:
        """Stop what was not stopped before; whether there was any such process."""
        fresh = [process for process in others if _key(process) not in self._frozen]
        for process in fresh:
            self._send(process, signal.SIGSTOP)
        self._frozen.update(_key(process) for process in fresh)
        return self._chase(shim) or bool(fresh)

    def _chase(self, shim: Stat | None) -> bool:
        caught = chase_orphans(shim, self._frozen) if shim is not None else []
        self._known.update((_key(process), process) for process in caught)
        return bool(caught)

    def _start_kill(self, now: float) -> float:
        """Enter the last phase, once; returns when that was."""
        if self._kill_since is None:
            self.phase, self._kill_since, self._poll = Phase.KILL, now, _FIRST_POLL
        return self._kill_since

    def _send(self, process: Stat, number: int) -> None:
        delivery = deliver(identity_of(process), number)
        if delivery is Delivery.SENT and number in (signal.SIGTERM, signal.SIGKILL):
            self._signalled[process.pid] = None
        if delivery is Delivery.REFUSED:
            self._refused.add(process.pid)

    def _next_poll(self) -> float:
        poll, self._poll = self._poll, min(self._poll * 2, _LAST_POLL)
        return poll

    def _finish(self, proven_gone: bool, detail: str, left: Sequence[Stat] = (), *, waited: bool = False) -> None:
        survivors = [self._survivor(process) for process in left]
        self.result = TerminationResult(
            proven_gone, list(self._signalled), survivors, detail, bool(self._already_ended), waited
        )

    def _survivor(self, process: Stat) -> Survivor:
        if process.pid in self._refused:
            why = "not permitted: it runs as another user"
        elif process.state == "D":
            why = "in an uninterruptible wait of the kernel (state D)"
        else:
            why = f"in state {process.state}"
        return Survivor(process.pid, process.state, command_line(process.pid), why)


def _key(process: Stat) -> tuple[int, int]:
    return process.pid, process.start_ticks


def end_trees(
    targets: Sequence[Target], grace_seconds: float, on_end: Callable[[Target, TerminationResult], None] | None = None
) -> list[TerminationResult]:
    """End many jobs at once and wait for it; ``on_end`` is told of each as it is done. Results in order of targets."""
    endings = [Termination(target, grace_seconds) for target in targets]
    due = dict.fromkeys(endings, 0.0)
    while due:
        snapshot, now = scan(), time.monotonic()
        for ending in [ending for ending, at in due.items() if at <= now]:
            delay = ending.step(now, snapshot)
            if delay is not None:
                due[ending] = now + delay
                continue
            del due[ending]
            if on_end is not None and ending.result is not None:
                on_end(ending.target, ending.result)
        if due:
            time.sleep(max(0.0, min(due.values()) - time.monotonic()))
    return [ending.result for ending in endings if ending.result is not None]


def end_tree(target: Target, grace_seconds: float) -> TerminationResult:
    """End one job and wait for it, at most for the grace and the time after which a process counts as unkillable."""
    return end_trees([target], grace_seconds)[0]
