"""Small disks that can be full."""

from __future__ import annotations

import contextlib
import errno
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.support.processes import reap, wait_until, working_below


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system of its own, mounted at ``place``."""

    place: Path

    def fill(self) -> None:
        """Take every byte that is left."""
        with (self.place / "filler").open("ab", buffering=0) as out:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while out.write(b"x" * size):
                        pass
        with (self.place / "one more").open("wb", buffering=0) as out:
            try:
                out.write(b"x")
            except OSError as error:
                assert error.errno == errno.ENOSPC
            else:
                raise AssertionError("the disk is not full")

    def clear(self) -> None:
        """Give the space back."""
        for name in ("filler", "one more"):
            (self.place / name).unlink(missing_ok=True)


@contextlib.contextmanager
def mounted() -> Iterator[Callable[[Path, int], Disk]]:
    """Call it with a directory and a size in MiB; all is unmounted at the end, whoever works there."""
    places: list[Path] = []

    def mount(place: Path, size_mb: int) -> Disk:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0700", "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"mounting a file system is not allowed here: {done.stderr.strip()}")
        places.append(place)
        return Disk(place)

    try:
        yield mount
    finally:
        for place in reversed(places):
            reap(partial(working_below, place))
            wait_until(partial(_unmounted, place), what=f"{place} to be unmounted")


def _unmounted(place: Path) -> bool:
    return subprocess.run(["umount", place], capture_output=True, check=False).returncode == 0
