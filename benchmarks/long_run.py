"""Many jobs in a row: whether the last ones are as fast as the first, and which process takes the CPU."""

import os
from collections import defaultdict

import psutil

from benchmarks.contenders import Bench

PARTS = 10
CPUS = 64


def long_run(bench: Bench, jobs: int) -> str:
    """Run them in ten parts; a table of jobs per second and of milliseconds of CPU for each job, by process."""
    rows: list[tuple[str, ...]] = []
    with bench.jobwarden(CPUS) as run:
        run(20)
        for part in range(PARTS):
            number = jobs // PARTS
            before, idle = _cpu(), psutil.cpu_times().idle
            seconds = run(number)
            after = _cpu()
            spent = [f"{(after[name] - before[name]) * 1000 / number:.2f}" for name in NAMES]
            idled = (psutil.cpu_times().idle - idle) * 1000 / number
            rows.append((f"{number * (part + 1):,}", f"{number / seconds:.0f}", *spent, f"{idled:.2f}"))
    heading = ("jobs", "jobs/s", *(f"{name}, ms" for name in NAMES), "nobody, ms")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ("---:",) * len(heading), *rows))


NAMES = ("worker", "launch server", "supervisors and scripts", "PostgreSQL", "Valkey", "this benchmark")


def _cpu() -> defaultdict[str, float]:
    """Seconds of CPU so far, by what used them."""
    used: defaultdict[str, float] = defaultdict(float)
    for process in psutil.process_iter(["pid", "name", "cmdline", "cpu_times"]):
        times, name = process.info["cpu_times"], _name(process.info)
        if name is None or times is None:
            continue
        used[name] += times.user + times.system
        if name == "worker":
            used["supervisors and scripts"] += times.children_user + times.children_system
    return used


def _name(info: dict[str, object]) -> str | None:
    words = info["cmdline"] if isinstance(info["cmdline"], list) else []
    name = str(info["name"])
    if info["pid"] == os.getpid():
        return "this benchmark"
    if "--serve" in words:
        return "launch server"
    if name.startswith("postgres"):
        return "PostgreSQL"
    if name.startswith(("valkey", "redis")):
        return "Valkey"
    return "worker" if "jobwarden" in " ".join(words) and "worker" in words else None
