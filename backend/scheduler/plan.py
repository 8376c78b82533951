"""The decision, free of any I/O: which waiting jobs go to which nodes now.

First fit in queue order (priority, then submit order), with backfilling: a job that fits nowhere lets smaller
ones pass, until it has waited for ``patience`` seconds. From then on it reserves the node that frees up first,
and only jobs that end before that moment, or that use what the reservation leaves over, may still start there
(the rule of EASY backfilling, Lifka 1995, as Slurm's sched/backfill applies it to more than one resource).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite

from jobwarden.backend.state.records import Placement


@dataclass(frozen=True, slots=True)
class Size:
    """An amount of CPUs, memory (MiB) and GPUs."""

    cpus: int
    memory_mb: int
    gpus: int

    def fits(self, room: "Size") -> bool:
        """Whether this much can be taken out of ``room``."""
        return self.cpus <= room.cpus and self.memory_mb <= room.memory_mb and self.gpus <= room.gpus

    def __add__(self, other: "Size") -> "Size":
        return Size(self.cpus + other.cpus, self.memory_mb + other.memory_mb, self.gpus + other.gpus)

    def __sub__(self, other: "Size") -> "Size":
        return Size(self.cpus - other.cpus, self.memory_mb - other.memory_mb, self.gpus - other.gpus)


@dataclass(frozen=True, slots=True)
class PendingJob:
    """A PENDING job that is not held. ``waited`` and ``time_limit`` are in seconds; no limit is None."""

    job_id: int
    partition: str
    size: Size
    time_limit: float | None
    waited: float
    priority: int = 0


@dataclass(frozen=True, slots=True)
class RunningJob:
    """When a running job will have ended at the latest: ``left`` seconds from now, infinity without a limit."""

    size: Size
    left: float


@dataclass(slots=True)
class NodeCapacity:
    """A node that takes jobs: what is free on it now, and what its running jobs will give back, once that is known."""

    node_name: str
    worker_id: int
    partitions: frozenset[str]
    total: Size
    free: Size
    running: Sequence[RunningJob] = ()
    reservations: list["Reservation"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A big job's claim on a node: from ``after`` seconds on, all but ``spare`` is its own."""

    after: float
    spare: Size


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides whether a job may start: two of one shape fit, or do not fit, alike. ``time_limit`` in seconds."""

    size: Size
    time_limit: float


class Planner:
    """One turn. Offer it jobs in queue order; ``rooms`` is used up: their ``free`` is what is left over.

    What does not fit once does not fit later in the turn either, nor does what asks for at least as much: so such
    jobs are passed over, and ``failed`` tells readers of the queue which ones they need not bring.

    ``look_at_running`` gives the rooms their running jobs, once, when a reservation is to be made: nothing else asks.
    """

    def __init__(
        self, rooms: Sequence[NodeCapacity], patience: float, look_at_running: Callable[[], None] = lambda: None
    ) -> None:
        self._patience = patience
        self._look_at_running: Callable[[], None] | None = look_at_running
        self._rooms: defaultdict[str, list[NodeCapacity]] = defaultdict(list)
        for room in rooms:
            for partition in room.partitions:
                self._rooms[partition].append(room)
        self._failed: defaultdict[str, set[Shape]] = defaultdict(set)
        self._given_up: defaultdict[str, set[Size]] = defaultdict(set)
        self.placements: list[Placement] = []

    @property
    def partitions(self) -> list[str]:
        """Those that have a node."""
        return sorted(self._rooms)

    def most(self, partition: str) -> Size | None:
        """The most that any one node of the partition has free of each; None when nothing at all can start there."""
        free = [room.free for room in self._rooms[partition] if room.free.cpus > 0 and room.free.memory_mb > 0]
        return _largest(free) if free else None

    def reservable(self, partition: str) -> Size | None:
        """The same of what may still be reserved for a job that has waited long: all of a node."""
        totals = [room.total for room in self._rooms[partition] if not room.reservations]
        return _largest(totals) if totals else None

    def failed(self, partition: str) -> list[Shape]:
        """The smallest shapes that do not fit."""
        return list(self._failed[partition])

    def offer(self, job: PendingJob) -> None:
        """Place the job, or reserve a node for it when it has waited long enough, or pass it over."""
        rooms = self._rooms[job.partition]
        shape = Shape(job.size, inf if job.time_limit is None else job.time_limit)
        if not any(_asks_as_much(shape, failed) for failed in self._failed[job.partition]):
            room = next((room for room in rooms if _may_start(job, room)), None)
            if room is not None:
                _take(job, room)
                self.placements.append(Placement(job.job_id, room.node_name, room.worker_id))
                return
            self._note_failed(job.partition, shape)
        if job.waited >= self._patience and job.size not in self._given_up[job.partition]:
            able = [room for room in rooms if job.size.fits(room.total)]
            if self._look_at_running is not None:
                self._look_at_running()
                self._look_at_running = None
            if not _reserve(job, able):
                self._given_up[job.partition].add(job.size)

    def _note_failed(self, partition: str, shape: Shape) -> None:
        smaller = {failed for failed in self._failed[partition] if not _asks_as_much(failed, shape)}
        self._failed[partition] = smaller | {shape}


def plan(queue: Iterable[PendingJob], rooms: Sequence[NodeCapacity], patience: float) -> list[Placement]:
    """Placements for as much of the queue as fits."""
    planner = Planner(rooms, patience)
    for job in queue:
        planner.offer(job)
    return planner.placements


def _asks_as_much(shape: Shape, as_: Shape) -> bool:
    return as_.size.fits(shape.size) and as_.time_limit <= shape.time_limit


def _largest(sizes: Sequence[Size]) -> Size:
    return Size(*(max(getattr(size, name) for size in sizes) for name in ("cpus", "memory_mb", "gpus")))


def _may_start(job: PendingJob, room: NodeCapacity) -> bool:
    if not job.size.fits(room.free):
        return False
    return all(_ends_before(job, reserved) or job.size.fits(reserved.spare) for reserved in room.reservations)


def _ends_before(job: PendingJob, reserved: Reservation) -> bool:
    """Whether the job is sure to be over by then; of a node that may never free up, nothing is sure."""
    return job.time_limit is not None and isfinite(reserved.after) and job.time_limit <= reserved.after


def _take(job: PendingJob, room: NodeCapacity) -> None:
    length = inf if job.time_limit is None else job.time_limit
    room.free -= job.size
    room.running = [*room.running, RunningJob(job.size, length)]
    room.reservations = [
        reserved if _ends_before(job, reserved) else Reservation(reserved.after, reserved.spare - job.size)
        for reserved in room.reservations
    ]


def _reserve(job: PendingJob, able: Sequence[NodeCapacity]) -> bool:
    """Reserve the node where the job can start soonest; one reservation a node, the first in the queue has it."""
    open_rooms = [room for room in able if not room.reservations]
    if not open_rooms:
        return False
    after, room = min(((_soonest(job.size, room), room) for room in open_rooms), key=lambda pair: pair[0])
    later = room.free
    for ending in room.running:
        if ending.left <= after:
            later += ending.size
    room.reservations.append(Reservation(after, later - job.size))
    return True


def _soonest(size: Size, room: NodeCapacity) -> float:
    """Seconds until ``size`` is free on the node, if every running job takes all its time."""
    free = room.free
    for ending in sorted(room.running, key=lambda running: running.left):
        free += ending.size
        if size.fits(free):
            return ending.left
    return inf
