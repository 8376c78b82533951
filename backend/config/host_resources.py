"""What this host has to give, as far as this process may use it."""

import os
import re
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MIB = 1 << 20
_DIGITS = len(str(2**64))


def cpus() -> int:
    """CPUs this process may use: its affinity, and the CPU quota of its control group rounded down, at least 1."""
    allowed = len(os.sched_getaffinity(0))
    first, _, second = _read(CGROUP / "cpu.max").strip().partition(" ")
    quota, period = _number(first), _number(second)
    if quota is not None and period:
        allowed = min(allowed, quota // period)
    return max(1, allowed)


def memory_mb() -> int:
    """MiB of memory: all of the host's, or the limit of the control group when that is lower."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _number(_read(CGROUP / "memory.max").strip())
    if limit is not None:
        total = min(total, limit)
    return max(1, total // MIB)


def gpus(devices: Path = Path("/dev")) -> int:
    """NVIDIA GPUs whose device node is here."""
    return sum(re.fullmatch(r"nvidia\d+", path.name) is not None for path in devices.glob("nvidia*"))


def _read(path: Path) -> str:
    """The text of a control file, or nothing where there is no such file (cgroup v1, no cgroup)."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _number(word: str) -> int | None:
    """A number as the kernel writes it; None for ``max`` and for anything else, which limits nothing."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= _DIGITS else None
