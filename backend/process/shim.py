"""Where the built supervisor program is."""

import sys
from functools import lru_cache
from importlib.resources import files
from os import X_OK, access
from pathlib import Path

from backend.errors import Refused

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
    path = str(files("backend.process").joinpath(SHIM_NAME))
    if not access(path, X_OK):
        raise Refused(f"the job supervisor {path} is not built: run `make install`")
    return path
