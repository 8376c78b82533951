"""The decision, free of any I/O: which waiting jobs go to which nodes now.

First fit in queue order (priority, then submit order), with backfilling: a job that fits nowhere lets smaller
ones pass, until it has waited for ``patience`` seconds. From then on it reserves the node that frees up first,
and only jobs that end before that moment, or that use what the reservation leaves over, may still start there
(the rule of EASY backfilling, Lifka 1995, as Slurm's sched/backfill applies it to more than one resource).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite

from backend.state.records import Placement


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
class Waiting:
    """A PENDING job that is not held. ``waited`` and ``time_limit`` are in seconds; no limit is None."""

    job_id: int
    partition: str
    size: Size
    time_limit: float | None
    waited: float


@dataclass(frozen=True, slots=True)
class Ending:
    """When a running job will have ended at the latest: ``left`` seconds from now, infinity without a limit."""

    size: Size
    left: float


@dataclass(slots=True)
class Room:
    """A node that takes jobs: what is free on it now, and what its running jobs will give back."""

    node_name: str
    worker_id: int
    partitions: frozenset[str]
    total: Size
    free: Size
    running: Sequence[Ending] = ()
    reservations: list["Reservation"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A big job's claim on a node: from ``after`` seconds on, all but ``spare`` is its own."""

    after: float
    spare: Size


def plan(queue: Iterable[Waiting], rooms: Sequence[Room], patience: float) -> list[Placement]:
    """Placements for as much of the queue as fits. ``rooms`` is used up: their ``free`` is what is left over."""
    placements = []
    for job in queue:
        able = [room for room in rooms if job.partition in room.partitions and job.size.fits(room.total)]
        room = next((room for room in able if _may_start(job, room)), None)
        if room is not None:
            _take(job, room)
            placements.append(Placement(job.job_id, room.node_name, room.worker_id))
        elif able and job.waited >= patience:
            _reserve(job, able)
    return placements


def _may_start(job: Waiting, room: Room) -> bool:
    if not job.size.fits(room.free):
        return False
    return all(_ends_before(job, reserved) or job.size.fits(reserved.spare) for reserved in room.reservations)


def _ends_before(job: Waiting, reserved: Reservation) -> bool:
    """Whether the job is sure to be over by then; of a node that may never free up, nothing is sure."""
    return job.time_limit is not None and isfinite(reserved.after) and job.time_limit <= reserved.after


def _take(job: Waiting, room: Room) -> None:
    length = inf if job.time_limit is None else job.time_limit
    room.free -= job.size
    room.running = [*room.running, Ending(job.size, length)]
    room.reservations = [
        reserved if _ends_before(job, reserved) else Reservation(reserved.after, reserved.spare - job.size)
        for reserved in room.reservations
    ]


def _reserve(job: Waiting, able: Sequence[Room]) -> None:
    """Reserve the node where the job can start soonest; one reservation a node, the first in the queue has it."""
    open_rooms = [room for room in able if not room.reservations]
    if not open_rooms:
        return
    after, room = min(((_soonest(job.size, room), room) for room in open_rooms), key=lambda pair: pair[0])
    later = room.free
    for ending in room.running:
        if ending.left <= after:
            later += ending.size
    room.reservations.append(Reservation(after, later - job.size))


def _soonest(size: Size, room: Room) -> float:
    """Seconds until ``size`` is free on the node, if every running job takes all its time."""
    free = room.free
    for ending in sorted(room.running, key=lambda running: running.left):
        free += ending.size
        if size.fits(free):
            return ending.left
    return inf
