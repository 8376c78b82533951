"""Removes old folders of the spool, except those that some process works in or has a file of open."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from jobwarden.backend.actions.results import Context
from jobwarden.backend.anomalies.attempts import BY_ID, Attempt, read_attempts
from jobwarden.backend.anomalies.evidence import HostSurvey
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.units import counted
from jobwarden.backend.files import opened_folder
from jobwarden.backend.housekeeping import sql
from jobwarden.backend.housekeeping.records import CleanupProgress, CleanupStep, Limits, StepReport
from jobwarden.backend.process.identity import Liveness, this_host
from jobwarden.backend.process.spool import FolderUsage, allocation_folders, measure, node_directories
from jobwarden.backend.process.tree import remove_tree

ALLOCATION_VARIABLE = b"JOBWARDEN_ALLOCATION_ID="
NODE_VARIABLE = b"JOBWARDEN_NODE="


@dataclass(frozen=True, slots=True)
class InUse:
    """Names of entries that some process works in, runs from or has open; and allocation ids that processes say they
    are of. The latter may belong to another installation on this host: they only count where nothing better is known.
    """

    opened: frozenset[str]
    claimed: frozenset[str]


def look(root: Path, node_name: str) -> InUse:
    """Look at every process, as far as this user may: it is the one that the jobs run as. ``root`` is a real path."""
    prefix = f"{root}/"
    opened: set[str] = set()
    claimed: set[str] = set()
    for pid in _pids():
        opened.update(link[len(prefix) :].partition("/")[0] for link in _links(pid) if link.startswith(prefix))
        claimed.update(_claimed(pid, node_name))
    return InUse(frozenset(opened), frozenset(claimed))


def _pids() -> Iterator[str]:
    return (name for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 (plain names are enough)


def _links(pid: str) -> Iterator[str]:
    """Working directory, program and open files. Of a process that has ended meanwhile, nothing."""
    for name in ("cwd", "exe"):
        with suppress(OSError):
            yield os.readlink(f"/proc/{pid}/{name}")  # noqa: PTH115 (kept as text: a deleted file is no path)
    with suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
            with suppress(OSError):
                yield os.readlink(f"/proc/{pid}/fd/{fd}")  # noqa: PTH115


def _claimed(pid: str, node_name: str) -> Iterator[str]:
    """The allocation id in the environment of a process of this node's jobs."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return
    if NODE_VARIABLE + os.fsencode(node_name) in entries:
        for entry in entries:
            if entry.startswith(ALLOCATION_VARIABLE):
                yield os.fsdecode(entry[len(ALLOCATION_VARIABLE) :])


# Old spool folders of this host: those of jobs that ended long ago, and those that belong to nothing.

BATCH = 1000
"""Folders that are asked for together."""


class FolderVerdict(StrEnum):
    """What is to become of a folder; the values of those that keep it finish a sentence."""

    REMOVE = "to be removed"
    NEEDED = "of live allocations or young"
    ALIVE = "still used by a process"
    FOREIGN = "of another host"
    UNPROVEN = "whose processes cannot be seen from here"
    ELSEWHERE = "whose allocation has its folder at another place"


QUIET = (FolderVerdict.REMOVE, FolderVerdict.NEEDED)


@dataclass(frozen=True, slots=True)
class Known:
    """What the database has of a folder's allocation; ``age`` is seconds since it was over, None while it is not."""

    attempt: Attempt
    age: float | None


@dataclass(slots=True)
class _Tally:
    """Counts up over all nodes."""

    count: int = 0
    bytes: int = 0
    left: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def tidy_spool(ctx: Context, limits: Limits, dry_run: bool, progress: CleanupProgress) -> StepReport:
    """Remove, or in a dry run count, the old folders below the home's spool."""
    tally = _Tally()
    nodes, others = node_directories(Path(os.path.realpath(ctx.settings.home)) / "spool")
    tally.left += [f"{name} in the spool is no node's directory" for name in others]
    for root in nodes:
        try:
            with opened_folder(str(root)) as root_fd:
                _tidy_node(ctx, root, root_fd, limits.max_age_seconds, dry_run, progress, tally)
        except OSError as exc:
            tally.failed.append(f"{root} cannot be looked through: {exc.strerror}")
    return StepReport(CleanupStep.SPOOL, tally.count, tally.bytes, left=tuple(tally.left), failed=tuple(tally.failed))


def _tidy_node(
    ctx: Context, root: Path, root_fd: int, max_age: float, dry_run: bool, progress: CleanupProgress, tally: _Tally
) -> None:
    # Listed before anything is asked: an allocation is in the database long before its folder is made.
    names, others = allocation_folders(root_fd)
    tally.left += [f"{root}/{name} is no job's folder" for name in others]
    if not names:
        return
    if not _ours(ctx, root.name):
        tally.left.append(
            f"{root}: {counted(len(names), 'folder')} of a node that this database does not know on this host"
        )
        return
    used = look(root, root.name)
    kept: Counter[FolderVerdict] = Counter()
    for batch in _batches(names):
        for folder, verdict in _judged(ctx, root, batch, root_fd, used, max_age):
            if verdict is not FolderVerdict.REMOVE:
                kept[verdict] += 1
            elif dry_run or _removed(folder, root, root_fd, tally):
                tally.count += 1
                tally.bytes += folder.bytes
            progress(CleanupStep.SPOOL, tally.count + kept.total(), len(names))
    tally.left += [
        f"{root}: {counted(count, 'folder')} {verdict}" for verdict, count in kept.items() if verdict not in QUIET
    ]


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + BATCH] for start in range(0, len(names), BATCH))


def _ours(ctx: Context, node_name: str) -> bool:
    """Whether this database has had a worker of this host for the node: another installation's folders look alike."""
    host = this_host()
    with ctx.engine.connect() as conn:
        values = {"node": node_name, "machine": host.machine_id, "boot": host.boot_id, "hostname": host.hostname}
        return bool(conn.scalar(sql.SERVED_HERE, values))


def _judged(
    ctx: Context, root: Path, names: Sequence[str], root_fd: int, used: InUse, max_age: float
) -> Iterator[tuple[FolderUsage, FolderVerdict]]:
    with ctx.engine.connect() as conn:
        known = _known(conn, [int(name) for name in names])
    look = HostSurvey()
    for name in names:
        folder = measure(name, root_fd)
        yield folder, decide(folder, root, known.get(folder.allocation_id), used, max_age, look)


def _known(conn: Connection, ids: list[int]) -> dict[int, Known]:
    ages = {row.id: row.age for row in conn.execute(sql.FOLDER_AGES, {"ids": ids})}
    attempts = read_attempts(conn, BY_ID, ids=ids)
    return {a.allocation_id: Known(a, ages.get(a.allocation_id)) for a in attempts}


def decide(
    folder: FolderUsage, root: Path, known: Known | None, used: InUse, max_age: float, look: HostSurvey
) -> FolderVerdict:
    """The verdict on one folder; whatever is not certain keeps it."""
    if known is None:
        return _of_nothing(folder, used, max_age)
    attempt = known.attempt
    if attempt.spool_dir is not None and Path(attempt.spool_dir).parts[-2:] != (root.name, folder.name):
        return FolderVerdict.ELSEWHERE
    if known.age is None or known.age < max_age:
        return FolderVerdict.NEEDED
    if not attempt.here:
        return FolderVerdict.FOREIGN
    if folder.name in used.opened:
        return FolderVerdict.ALIVE
    return _BY_LIVENESS[look.at(attempt).alive]


_BY_LIVENESS = {
    Liveness.GONE: FolderVerdict.REMOVE,
    Liveness.ALIVE: FolderVerdict.ALIVE,
    Liveness.UNKNOWN: FolderVerdict.UNPROVEN,
}


def _of_nothing(folder: FolderUsage, used: InUse, max_age: float) -> FolderVerdict:
    if folder.name in used.opened | used.claimed:
        return FolderVerdict.ALIVE
    return FolderVerdict.REMOVE if folder.age >= max_age else FolderVerdict.NEEDED


def _removed(folder: FolderUsage, root: Path, root_fd: int, tally: _Tally) -> bool:
    try:
        remove_tree(folder.name, root_fd)
    except OSError as exc:
        tally.failed.append(f"{root}/{folder.name} cannot be removed: {exc.strerror}")
        return False
    return True
