"""``python -m benchmarks``: the table of ratios, in one run on one machine."""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.contenders import FORKING_RQ, LIMIT, SCRIPT, Bench, Contender
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.upgrade import upgrade
from jobwarden.backend.embedded.servers import ensure, stop

RESULT = Path(__file__).with_name("results") / "latest.md"
WARM_UP = 20
"""Jobs before the clock starts, so that nobody pays for imports, caches and connections."""
SINGLES = 15
"""Jobs a round that run alone on an idle system, for the latency."""
PAUSE_SECONDS = 0.03
"""Between two single jobs, so that the system is idle again."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=3, help="every contender in turn, that many times; the median counts"
    )
    parser.add_argument("--only", default="", help="contenders whose name contains this text")
    arguments = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("JOBWARDEN_") or name in ("DATABASE_URL", "REDIS_URL")]:
        del os.environ[name]  # only what is measured here may be used, and nothing else may be touched
    with tempfile.TemporaryDirectory(prefix="jwbench-") as folder:
        report = _measure(Path(folder), arguments.rounds, arguments.only)
    print(report)
    if not arguments.only:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(report + "\n", "utf-8")


def _measure(folder: Path, rounds: int, only: str) -> str:
    settings = Settings(home=folder / "home", node_name="bench")
    script = folder / "job.sh"
    script.write_text(SCRIPT, "utf-8")
    urls = ensure(settings)
    try:
        upgrade(urls.database_url)
        contenders = [one for one in Bench(settings, urls, script).contenders() if only in one.name]
        return _report(_interleaved(contenders, rounds), rounds)
    finally:
        stop(settings)


Samples = dict[str, tuple[list[float], list[float]]]
"""Contender -> jobs per second of each round, seconds of each single job."""


def _interleaved(contenders: list[Contender], rounds: int) -> Samples:
    """All contenders take turns, so that a slow moment of the machine hits each of them."""
    samples: Samples = defaultdict(lambda: ([], []))
    for _ in range(rounds):
        for contender in contenders:
            with contender.open() as run:
                run(WARM_UP)
                rates, latencies = samples[contender.name]
                for _ in range(SINGLES):
                    time.sleep(PAUSE_SECONDS)
                    latencies.append(run(1))
                rates.append(contender.jobs / run(contender.jobs))
    return samples


def _report(samples: Samples, rounds: int) -> str:
    rates = {name: statistics.median(of_rounds) for name, (of_rounds, _) in samples.items()}
    heading = ("", "jobs/s", "of the limit", "x forking RQ", "one job: p50 ms", "p95 ms")
    rows = [_row(name, rates, latencies) for name, (_, latencies) in samples.items()]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ("---",) + ("---:",) * 5, *rows))
    return f"{_machine()}\nEvery job runs a file with /bin/sh; all in turn, median of {rounds} rounds.\n\n{table}"


def _row(name: str, rates: dict[str, float], latencies: list[float]) -> tuple[str, ...]:
    p50, p95 = (statistics.quantiles(latencies, n=20)[i] * 1000 for i in (9, 18))
    return (
        name,
        f"{rates[name]:.0f}",
        _ratio(name, LIMIT, rates),
        _ratio(name, FORKING_RQ, rates),
        f"{p50:.1f}",
        f"{p95:.1f}",
    )


def _ratio(name: str, base: str, rates: dict[str, float]) -> str:
    return f"{rates[name] / rates[base]:.2f}" if base in rates else "-"


def _machine() -> str:
    busy = os.getloadavg()[0]
    return (
        f"{len(os.sched_getaffinity(0))} CPUs ({platform.machine()}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, load average at the end {busy:.1f}"
    )


if __name__ == "__main__":
    main()
