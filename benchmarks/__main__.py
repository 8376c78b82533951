"""``python -m benchmarks``: the table of ratios, in one run on one machine."""

import argparse
import os
import platform
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from benchmarks.contenders import FORKING_RQ, LIMIT, REPOSITORY, SCRIPT, Bench, Contender
from benchmarks.long_run import long_run
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
    parser.add_argument(
        "--long", type=int, default=0, help="only ours, that many jobs: over time, and where the CPU goes"
    )
    arguments = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("JOBWARDEN_") or name in ("DATABASE_URL", "REDIS_URL")]:
        del os.environ[name]  # only what is measured here may be used, and nothing else may be touched
    with tempfile.TemporaryDirectory(prefix="jwbench-") as folder:
        if arguments.long:
            with _bench(Path(folder)) as bench:
                print(_machine(), long_run(bench, arguments.long), sep="\n")
            return
        report = _measure(Path(folder), arguments.rounds, arguments.only)
    print(report)
    if not arguments.only:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(report + "\n", "utf-8")


def _measure(folder: Path, rounds: int, only: str) -> str:
    with _bench(folder) as bench:
        contenders = [one for one in bench.contenders() if only in one.name]
        return _report(_interleaved(contenders, rounds), rounds)


@contextmanager
def _bench(folder: Path) -> Iterator[Bench]:
    settings = Settings(home=folder / "home", node_name="bench")
    script = folder / "job.sh"
    script.write_text(SCRIPT, "utf-8")
    urls = ensure(settings)
    try:
        upgrade(urls.database_url)
        yield Bench(settings, urls, script)
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
    heading = ("", "jobs/s", "from - to", "of the limit", "x forking RQ", "one job: p50 ms", "p95 ms", "p99 ms")
    rows = [_row(name, rates, of_rounds, latencies) for name, (of_rounds, latencies) in samples.items()]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, ("---",) + ("---:",) * 7, *rows))
    what = f"Every job runs a file with /bin/sh; all in turn, median of {rounds} rounds."
    return f"{_machine()}\n{what}\n{_versions()}\n\n{table}"


def _row(name: str, rates: dict[str, float], of_rounds: list[float], latencies: list[float]) -> tuple[str, ...]:
    p50, p95, p99 = (statistics.quantiles(latencies, n=100)[i] * 1000 for i in (49, 94, 98))
    return (
        name,
        f"{rates[name]:.0f}",
        f"{min(of_rounds):.0f} - {max(of_rounds):.0f}",
        _ratio(name, LIMIT, rates),
        _ratio(name, FORKING_RQ, rates),
        f"{p50:.1f}",
        f"{p95:.1f}",
        f"{p99:.1f}",
    )


def _ratio(name: str, base: str, rates: dict[str, float]) -> str:
    return f"{rates[name] / rates[base]:.2f}" if base in rates else "-"


def _versions() -> str:
    peers = (REPOSITORY / "benchmarks" / "peers.txt").read_text("utf-8")
    return "Beside " + ", ".join(re.findall(r"^(\S+==\S+)$", peers, re.MULTILINE)) + f" and rq=={version('rq')}."


def _machine() -> str:
    busy = os.getloadavg()[0]
    return (
        f"{len(os.sched_getaffinity(0))} CPUs ({platform.machine()}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, load average at the end {busy:.1f}"
    )


if __name__ == "__main__":
    main()
