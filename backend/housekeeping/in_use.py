"""Which folders below a directory some process works in or has a file of open, whatever the database says."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

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
