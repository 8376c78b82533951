"""``python -m benchmarks.scale``: a table of what was aimed at and what was measured."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.scale import crowd
from benchmarks.scale.measure import Cleaned, Recovered, Sizes, Weights, clean, recover, weigh
from benchmarks.site import machine, site, table

RESULT = Path(__file__).parents[1] / "results" / "scale.md"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--running", type=int, default=2000, help="jobs that run under one worker (default 2000)")
    parser.add_argument("--orphans", type=int, default=1000, help="orphans to clean up at once (default 1000)")
    parser.add_argument("--recovered", type=int, default=10_000, help="jobs of a dead worker (default 10000)")
    parser.add_argument("--alive", type=int, default=500, help="how many of those still run (default 500)")
    options = parser.parse_args()
    text = measure(Sizes(options.running, options.orphans, options.recovered, options.alive))
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text + "\n", "utf-8")


def measure(sizes: Sizes) -> str:
    """All of it in a temporary home; the report."""
    capacity = {"node_cpus": 60_000, "node_memory_mb": 1 << 20}
    with tempfile.TemporaryDirectory(prefix="jwscale-") as folder:
        with site(Path(folder), node_name="scale", **capacity) as here:
            process = None
            try:
                weights, process = weigh(here, sizes, _tell)
                process.kill()
                process.wait()
                cleaned = clean(here, sizes, _tell)
                recovered, process = recover(here, sizes, _tell)
            finally:
                if process is not None:
                    process.kill()
                    process.wait()
                crowd.end_everything(here)
    return report(sizes, weights, cleaned, recovered)


def report(sizes: Sizes, weights: Weights, cleaned: Cleaned, recovered: Recovered) -> str:
    """The figures beside their targets."""
    rows = [
        (f"recovery of {sizes.recovered} RUNNING jobs, {sizes.alive} alive", "<= 5 s", f"{recovered.seconds:.1f} s"),
        ("its peak of memory over a worker with nothing to do", "flat", f"+{recovered.peak - weights.empty:.0f} MiB"),
        ("jobs that had ended well meanwhile and count as COMPLETED", "all", str(recovered.completed)),
        (f"clean-up of {sizes.orphans} orphans", "<= 10 s", f"{cleaned.seconds:.1f} s"),
        ("jobs it ended and released", str(sizes.orphans), str(cleaned.results)),
        ("counts that its progress showed meanwhile", "> 1", str(cleaned.progress)),
        (f"worker with {sizes.running} running jobs", "< 200 MiB", f"{weights.full:.0f} MiB"),
        ("worker with nothing to do", "", f"{weights.empty:.0f} MiB"),
    ]
    return f"{machine()}\n\n{table(('', 'target', 'measured'), rows)}"


def _tell(text: str) -> None:
    print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
