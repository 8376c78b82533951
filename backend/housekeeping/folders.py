"""Folders of the spool: what is there, how large and how old, and their removal. No link is ever followed."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.process.tree import walk

LONGEST_ID = 18
"""Digits of the longest allocation id: a longer name is none."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One allocation's folder; ``age`` is seconds since the last change in it, ``bytes`` what it takes on the disk."""

    name: str
    bytes: int
    age: float

    @property
    def allocation_id(self) -> int:
        """The allocation it is named after."""
        return int(self.name)


def node_directories(spool: Path) -> tuple[list[Path], list[str]]:
    """The nodes' directories in the spool, and names of what is none of them."""
    try:
        entries = sorted(os.scandir(spool), key=lambda entry: entry.name)
    except FileNotFoundError:
        return [], []
    nodes = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return nodes, [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]


def allocation_folders(root_fd: int) -> tuple[list[str], list[str]]:
    """Names in a node's directory that are an allocation's folder, by id, and names of what is not."""
    folders: list[str] = []
    others: list[str] = []
    with os.scandir(root_fd) as entries:
        for entry in entries:
            ours = entry.is_dir(follow_symlinks=False) and _is_id(entry.name)
            (folders if ours else others).append(entry.name)
    return sorted(folders, key=int), sorted(others)


def _is_id(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) <= LONGEST_ID and str(int(name)) == name


def measure(name: str, root_fd: int) -> Folder:
    """Size and age of a folder; what vanishes while it is looked at counts nothing."""
    size, newest = 0, 0.0
    with suppress(FileNotFoundError):
        for seen in walk(name, root_fd):
            size += seen.st_blocks * 512
            newest = max(newest, seen.st_mtime)
    return Folder(name, size, max(0.0, time.time() - newest))
