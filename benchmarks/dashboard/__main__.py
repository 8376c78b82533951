"""``python -m benchmarks.dashboard``: prints every figure of the dashboard beside what it is meant to be."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from benchmarks.dashboard.delta import draw_deltas
from benchmarks.dashboard.measure import Figures, start_up, use
from benchmarks.dashboard.seed import seed
from benchmarks.site import Site, machine, percentile, site, table

RESULT = Path(__file__).parents[1] / "results" / "dashboard.md"
DELTAS_AT = (10_000, 100_000)
"""Numbers of jobs at which a delta is drawn, besides the number asked for."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="jobs in the table (default 1,000,000)")
    parser.add_argument("--changes", type=int, default=100, help="changed jobs a second (default 100)")
    parser.add_argument("--keys", type=int, default=200, help="keys to press (default 200)")
    parser.add_argument("--starts", type=int, default=7, help="times to open it (default 7)")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds to let it stand (default 20)")
    parser.add_argument("--deltas", type=int, default=20, help="deltas to draw at each number of jobs (default 20)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jwbench-", ignore_cleanup_errors=True) as folder:
        report = measure(Path(folder), options)
    print(report)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(report + "\n", "utf-8")


def measure(folder: Path, options: argparse.Namespace) -> str:
    """Measure in a home of its own; returns the report."""
    deltas: dict[int, list[float]] = {}
    with site(folder, node_name="bench") as place:
        before = 0
        for jobs in sorted({*(number for number in DELTAS_AT if number < options.jobs), options.jobs}):
            seed(place.engine, jobs - before)
            before = jobs
            deltas[jobs] = draw_deltas(place.engine, jobs, options.deltas)
        figures = _in_terminal(place, options)
    heading = ("", "target", "measured")
    title = f"{options.jobs:,} jobs, {options.changes} changes a second, terminal of 160x48"
    return f"{machine()}\n{title}\n\n{table(heading, rows(figures, deltas))}"


def _in_terminal(place: Site, options: argparse.Namespace) -> Figures:
    command, env = place.command("tui"), {**place.environment, "COLORTERM": "truecolor", "JOBWARDEN_TUI_THEME": "dark"}
    env = {name: value for name, value in env.items() if name != "NO_COLOR"}
    figures = use(command, env, place.engine, options.keys, options.idle, options.changes)
    start_up(command, env, options.starts, figures)
    return figures


def rows(figures: Figures, deltas: dict[int, list[float]]) -> list[tuple[str, ...]]:
    """One line for each figure."""
    lines: list[tuple[str, ...]] = [
        ("first paint", "1.0 s", f"{statistics.median(figures.first_paint):.2f} s"),
        ("first rows", "1.3 s", f"{statistics.median(figures.first_rows):.2f} s"),
        ("cursor key to paint, p50", "", _ms(percentile(figures.key, 0.5))),
        ("cursor key to paint, p95", "16 ms", _ms(percentile(figures.key, 0.95))),
        ("page key to rows, p50", "", _ms(percentile(figures.page, 0.5))),
        ("page key to rows, p95", "50 ms", _ms(percentile(figures.page, 0.95))),
        ("filter to first page, slowest", "200 ms", _ms(max(figures.filter))),
        ("order by state, name, account to first page, slowest", "200 ms", _ms(max(figures.order))),
        ("cursor key while a filter looks at every job, slowest", "", _ms(max(figures.meanwhile, default=0.0))),
        ("processor while idle", "3 %", f"{figures.idle_cpu:.1%}"),
        ("processor with the changes", "", f"{figures.busy_cpu:.1%}"),
        ("memory", "150 MiB", f"{figures.memory:.0f} MiB"),
    ]
    for jobs, seconds in deltas.items():
        lines.append((f"delta of 300 rows at {jobs:,} jobs, p95", "15 ms", _ms(percentile(seconds, 0.95))))
    return lines


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    main()
