"""What a job is started with: the program that becomes its supervisor, and the order that the launch server gets."""

import os
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from os import X_OK, access
from pathlib import Path

from jobwarden.backend.errors import LaunchError, Refused
from jobwarden.backend.process.environment import MARKS, OPEN_FILES
from jobwarden.backend.process.identity import this_host
from jobwarden.backend.process.spool import Folder
from jobwarden.backend.process.user import JobUser

SHIM_NAME = "jobwarden-shim"
PT_INTERP = 3
"""The kind of an ELF segment that names the loader."""


@lru_cache(maxsize=1)
def runs_without_loader() -> bool:
    """Whether the supervisor is linked statically: a loader would obey variables such as LD_PRELOAD, which are the
    job's, before the supervisor has given up the rights of its worker."""
    image = Path(shim_path()).read_bytes()
    width, start, size, count = (8, 32, 54, 56) if image[4] == 2 else (4, 28, 42, 44)  # elf(5): e_phoff, sizes
    table = int.from_bytes(image[start : start + width], sys.byteorder)
    entry, entries = (int.from_bytes(image[at : at + 2], sys.byteorder) for at in (size, count))
    kinds = (image[table + entry * index : table + entry * index + 4] for index in range(entries))
    return all(int.from_bytes(kind, sys.byteorder) != PT_INTERP for kind in kinds)


def shim_is_there() -> bool:
    """Whether the supervisor lies where it was: the program may be moved away or replaced under a running worker."""
    return access(shim_path(), X_OK)


@lru_cache(maxsize=1)
def shim_path() -> str:
    """Path of the supervisor that is every job's parent (see ``shim.c``).

    Raises Refused when it was not built, which only happens in a source tree that was never installed.
    """
    path = str(files("jobwarden.backend.process").joinpath(SHIM_NAME))
    if not access(path, X_OK):
        raise Refused(f"the job supervisor {path} is not built: run `make install`")
    return path


# What a job is started with, as message.h and orders.h read it.

HEAD = struct.Struct("=7Ii")
_LAUNCH = 1


@dataclass(frozen=True, slots=True)
class Orders:
    """What the supervisor is told before its script may start.

    ``record_key`` seals its record. ``umask`` and ``processes`` (the most that the user of the job may have) are None
    where the worker's own stay; so is ``user``. ``open_files`` is the soft limit. A log of more than ``log_bytes`` on
    the disk grows slowly until it was cut; None for no such ceiling.
    """

    record_key: str
    umask: int | None = None
    processes: int | None = None
    user: JobUser | None = None
    open_files: int = OPEN_FILES
    log_bytes: int | None = None

    def line(self) -> bytes:
        """As orders.h reads it."""
        umask = "-" if self.umask is None else f"{self.umask:o}"
        most = "-" if self.processes is None else str(self.processes)
        who = "- - -"
        if self.user is not None:
            who = f"{self.user.uid} {self.user.gid} {','.join(map(str, self.user.groups))}"
        ceiling = "-" if self.log_bytes is None else str(self.log_bytes)
        return f"{self.record_key} {umask} {most} {ceiling} {who}".encode("ascii")


@dataclass(frozen=True, slots=True)
class Launch:
    """One attempt to start a job, in a folder that is made for it. ``group``: path of its control group, if any."""

    folder: Folder
    allocation_id: int
    cookie: str
    script: str | bytes
    arguments: Sequence[str]
    environment: Mapping[str, str]
    work_dir: str
    orders: Orders
    group: str = ""

    def message(self, place: int) -> bytes:
        """As message.h reads it. Raises LaunchError for what no process can be given."""
        marks = [f"{name}={self.environment[name]}" for name in MARKS if name in self.environment]
        others = [f"{name}={value}" for name, value in self.environment.items() if name not in MARKS]
        if not all(isinstance(text, str) for text in (*self.arguments, *self.environment.values())):
            raise LaunchError("environment", "arguments or environment of the job are unusable: one is no text")
        if any(not name or "=" in name for name in self.environment):
            raise LaunchError("environment", "the environment of the job is unusable: a name is empty or has a '='")
        host, folder = this_host(), self.folder
        named = f"{folder.job_id} {self.allocation_id} {self.cookie}"
        texts = [
            folder.path, self.work_dir, folder.script, folder.script_name, named,
            f"{host.boot_id} {host.pid_namespace}", self.group, *self.arguments, *marks, *others,
        ]  # fmt: skip
        script = self.script if isinstance(self.script, bytes) else self.script.encode("utf-8", "surrogateescape")
        body = b"%b\0%b\0" % (self.orders.line(), os.fsencode("\0".join(texts)))
        if body.count(b"\0") != len(texts) + 1:
            raise LaunchError("environment", "arguments or environment of the job are unusable: one has a NUL byte")
        counts = (len(self.arguments), len(self.environment), len(marks), len(script))
        return HEAD.pack(_LAUNCH, len(body) + len(script), place, *counts, self.orders.open_files) + body + script
