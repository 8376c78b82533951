"""``python -m benchmarks.soak``: exit status 0 only when every count is zero."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.soak.report import report
from benchmarks.soak.run import soak


def main() -> int:
    """Run a soak and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--duration", type=float, default=600.0, help="seconds of faults (default 600)")
    parser.add_argument("--seed", type=int, default=None, help="replay the faults of this seed (default: a new one)")
    parser.add_argument("--rate", type=float, default=8.0, help="jobs submitted per second (default 8)")
    parser.add_argument("--drain", type=float, default=180.0, help="seconds that the rest may take (default 180)")
    parser.add_argument("--cgroup", choices=("auto", "off"), default="auto", help="control groups (default auto)")
    parser.add_argument("--keep", type=Path, help="leave everything in this new directory, for a look at what happened")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    print(f"soak: seed {seed}, {options.duration:.0f} s of faults", flush=True)
    with tempfile.TemporaryDirectory(prefix="jwsoak-") as temporary:
        folder = Path(temporary)
        if options.keep:
            options.keep.mkdir()
            folder = options.keep
        result = soak(folder, seed, options.duration, options.rate, options.drain, options.cgroup)
    print(report(result))
    return 0 if result.clean else 1


if __name__ == "__main__":
    sys.exit(main())
