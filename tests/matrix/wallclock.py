"""A wall clock that a test can set, for chosen programs of this host."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("clock.c")
HOUR = 3600


@dataclass(frozen=True, slots=True)
class WallClock:
    """Programs started with ``environment`` are off by what ``set`` said last, also when they run already."""

    file: Path
    library: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "CLOCK_OFFSET_FILE": str(self.file)}

    def set(self, seconds: int) -> None:
        """Off by ``seconds`` from now on; whoever looks sees the old number or the new one."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds}\n")
        new.rename(self.file)


def made(folder: Path) -> WallClock:
    """Compile the library and see that it works; skips where it cannot."""
    clock = WallClock(folder / "offset", folder / "clock.so")
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(clock.library), str(SOURCE)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs a C compiler")
    clock.set(HOUR)
    code = "import time; print(time.time(), time.monotonic())"
    shown = subprocess.run([sys.executable, "-c", code], env=clock.environment, capture_output=True, text=True).stdout
    wall, since_boot = map(float, shown.split())
    if not 0.9 * HOUR < wall - time.time() < 1.1 * HOUR:
        pytest.skip("this Python does not ask the C library for the time")
    assert abs(since_boot - time.monotonic()) < 0.1 * HOUR
    clock.set(0)
    return clock
