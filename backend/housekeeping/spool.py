"""Old spool folders of this host: those of jobs that ended long ago, and those that belong to nothing."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection

from backend.actions.records import Context
from backend.anomalies.attempts import BY_ID, Attempt, read_attempts
from backend.anomalies.evidence import Look
from backend.files import opened_folder
from backend.housekeeping import sql
from backend.housekeeping.folders import Folder, allocation_folders, measure, node_directories
from backend.housekeeping.in_use import InUse
from backend.housekeeping.in_use import look as look_for_use
from backend.housekeeping.records import Limits, Progress, Step, StepReport
from backend.process.identity import Liveness, this_host
from backend.process.tree import remove_tree

BATCH = 1000
"""Folders that are asked for together."""


class Verdict(StrEnum):
    """What is to become of a folder; the values of those that keep it finish a sentence."""

    REMOVE = "to be removed"
    NEEDED = "of live allocations or young"
    ALIVE = "still used by a process"
    FOREIGN = "of another host"
    UNPROVEN = "whose processes cannot be seen from here"
    ELSEWHERE = "whose allocation has its folder at another place"


QUIET = (Verdict.REMOVE, Verdict.NEEDED)


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


def tidy_spool(ctx: Context, limits: Limits, dry_run: bool, progress: Progress) -> StepReport:
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
    return StepReport(Step.SPOOL, tally.count, tally.bytes, left=tuple(tally.left), failed=tuple(tally.failed))


def _tidy_node(
    ctx: Context, root: Path, root_fd: int, max_age: float, dry_run: bool, progress: Progress, tally: _Tally
) -> None:
    # Listed before anything is asked: an allocation is in the database long before its folder is made.
    names, others = allocation_folders(root_fd)
    tally.left += [f"{root}/{name} is no job's folder" for name in others]
    if not names:
        return
    if not _ours(ctx, root.name):
        tally.left.append(f"{root}: {len(names)} folders of a node that this database does not know on this host")
        return
    used = look_for_use(root, root.name)
    kept: Counter[Verdict] = Counter()
    for batch in _batches(names):
        for folder, verdict in _judged(ctx, root, batch, root_fd, used, max_age):
            if verdict is not Verdict.REMOVE:
                kept[verdict] += 1
            elif dry_run or _removed(folder, root, root_fd, tally):
                tally.count += 1
                tally.bytes += folder.bytes
            progress(Step.SPOOL, tally.count + kept.total(), len(names))
    tally.left += [f"{root}: {count} folders {verdict}" for verdict, count in kept.items() if verdict not in QUIET]


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
) -> Iterator[tuple[Folder, Verdict]]:
    with ctx.engine.connect() as conn:
        known = _known(conn, [int(name) for name in names])
    look = Look()
    for name in names:
        folder = measure(name, root_fd)
        yield folder, decide(folder, root, known.get(folder.allocation_id), used, max_age, look)


def _known(conn: Connection, ids: list[int]) -> dict[int, Known]:
    ages = {row.id: row.age for row in conn.execute(sql.FOLDER_AGES, {"ids": ids})}
    attempts = read_attempts(conn, BY_ID, ids=ids)
    return {a.allocation_id: Known(a, ages.get(a.allocation_id)) for a in attempts}


def decide(folder: Folder, root: Path, known: Known | None, used: InUse, max_age: float, look: Look) -> Verdict:
    """The verdict on one folder; whatever is not certain keeps it."""
    if known is None:
        return _of_nothing(folder, used, max_age)
    attempt = known.attempt
    if attempt.spool_dir is not None and Path(attempt.spool_dir).parts[-2:] != (root.name, folder.name):
        return Verdict.ELSEWHERE
    if known.age is None or known.age < max_age:
        return Verdict.NEEDED
    if not attempt.here:
        return Verdict.FOREIGN
    if folder.name in used.opened:
        return Verdict.ALIVE
    return _BY_LIVENESS[look.at(attempt).alive]


_BY_LIVENESS = {
    Liveness.GONE: Verdict.REMOVE,
    Liveness.ALIVE: Verdict.ALIVE,
    Liveness.UNKNOWN: Verdict.UNPROVEN,
}


def _of_nothing(folder: Folder, used: InUse, max_age: float) -> Verdict:
    if folder.name in used.opened | used.claimed:
        return Verdict.ALIVE
    return Verdict.REMOVE if folder.age >= max_age else Verdict.NEEDED


def _removed(folder: Folder, root: Path, root_fd: int, tally: _Tally) -> bool:
    try:
        remove_tree(folder.name, root_fd)
    except OSError as exc:
        tally.failed.append(f"{root}/{folder.name} cannot be removed: {exc.strerror}")
        return False
    return True
