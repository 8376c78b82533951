"""Why a job waits, in words a user can act on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from jobwarden.backend.domain.units import counted, format_memory


class WaitingJob(Protocol):
    """What is read of a waiting job; a JobRequest and a row of the read model both serve. Memory in MiB."""

    @property
    def partition(self) -> str: ...
    @property
    def cpus(self) -> int: ...
    @property
    def memory_mb(self) -> int: ...
    @property
    def gpus(self) -> int: ...
    @property
    def held(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node as the scheduler sees it: totals, what is granted of them (memory in MiB), and whether it takes jobs."""

    name: str
    partitions: tuple[str, ...]
    cpus: int
    memory_mb: int
    gpus: int
    cpus_allocated: int
    memory_mb_allocated: int
    gpus_allocated: int
    drained: bool
    alive: bool


def why_pending(job: WaitingJob, nodes: Sequence[NodeFacts], ahead: int = 0) -> str:
    """One phrase, the most lasting obstacle first; ``ahead`` counts the jobs scheduled before this one."""
    if job.held:
        return "held"
    if not nodes:
        return "waiting: no worker has joined yet"
    never = never_starts(job, nodes)
    if never:
        return f"waiting: {never}"
    return _why_not_now(job, _able(job, nodes), ahead)


def never_starts(job: WaitingJob, nodes: Sequence[NodeFacts]) -> str | None:
    """Why a job cannot start on any of these nodes, whatever ends on them; None when it can."""
    if _able(job, nodes):
        return None
    inside = _inside(job, nodes)
    return _too_much(job, inside) if inside else f"no node in partition {job.partition}"


def _inside(job: WaitingJob, nodes: Sequence[NodeFacts]) -> list[NodeFacts]:
    return [node for node in nodes if job.partition in node.partitions]


def _able(job: WaitingJob, nodes: Sequence[NodeFacts]) -> list[NodeFacts]:
    return [node for node in _inside(job, nodes) if _fits(job, node.cpus, node.memory_mb, node.gpus)]


def _why_not_now(job: WaitingJob, able: Sequence[NodeFacts], ahead: int) -> str:
    alive = [node for node in able if node.alive]
    if not alive:
        return "waiting: no worker is alive on " + _names(able)
    open_ = [node for node in alive if not node.drained]
    if not open_:
        return f"waiting: {_names(alive)} drained"
    if not any(_fits(job, *_free(node)) for node in open_):
        return "waiting for resources" + _behind(ahead)
    return "waiting for its turn" + _behind(ahead)


def _fits(job: WaitingJob, cpus: int, memory_mb: int, gpus: int) -> bool:
    return job.cpus <= cpus and job.memory_mb <= memory_mb and job.gpus <= gpus


def _free(node: NodeFacts) -> tuple[int, int, int]:
    return (
        node.cpus - node.cpus_allocated,
        node.memory_mb - node.memory_mb_allocated,
        node.gpus - node.gpus_allocated,
    )


def _too_much(job: WaitingJob, inside: Sequence[NodeFacts]) -> str:
    where = "" if job.partition == "main" else f" in partition {job.partition}"
    asked: tuple[tuple[int, str, Callable[[NodeFacts], int]], ...] = (
        (job.cpus, counted(job.cpus, "CPU"), lambda node: node.cpus),
        (job.memory_mb, f"{format_memory(job.memory_mb)} of memory", lambda node: node.memory_mb),
        (job.gpus, counted(job.gpus, "GPU"), lambda node: node.gpus),
    )
    for amount, shown, total in asked:
        if all(amount > total(node) for node in inside):
            return f"no node{where} has {shown}"
    together = " and ".join(shown for amount, shown, _ in asked if amount)
    return f"no single node{where} has {together}"


def _names(nodes: Sequence[NodeFacts]) -> str:
    shown = ", ".join(sorted(node.name for node in nodes)[:3])
    return shown + (f" and {len(nodes) - 3} more" if len(nodes) > 3 else "")


def _behind(ahead: int) -> str:
    return f", {counted(ahead, 'job')} ahead" if ahead else ""
