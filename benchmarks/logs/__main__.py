"""``python -m benchmarks.logs``: the figures of the log screen over one large generated log, beside what is wanted."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks.logs.generate import generate
from benchmarks.logs.measure import Figure, measure
from benchmarks.site import machine, table

RESULT = Path(__file__).parents[1] / "results" / "logs.md"
GIB = 1 << 30


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs", description=__doc__)
    parser.add_argument("--size", type=float, default=1.0, help="GiB of the log; 10 is what the figures are for")
    parser.add_argument("--rounds", type=int, default=20, help="lines appended and places gone to (default 20)")
    parser.add_argument("--folder", type=Path, help="where there is room for the log (default: the temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jwlogs-", dir=options.folder) as folder:
        log = Path(folder) / "output.log"
        print(f"writing {options.size:g} GiB", file=sys.stderr, flush=True)
        generate(log, int(options.size * GIB))
        figures = asyncio.run(measure(log, options.rounds))
        text = report(figures, log.stat().st_size)
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text + "\n", "utf-8")
    return 0


def report(figures: list[Figure], size: int) -> str:
    """The figures as a table, with what they are meant to be."""
    rows: list[tuple[str, ...]] = [(one.what, one.wanted, one.median, one.worst) for one in figures]
    figures_table = table(("", "wanted", "median", "worst"), rows)
    return f"A log of {size / GIB:.2f} GiB, in the page cache as far as memory goes; {machine()}\n\n{figures_table}"


if __name__ == "__main__":
    sys.exit(main())
