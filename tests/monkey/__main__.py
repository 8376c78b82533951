"""``python -m tests.monkey``: exit code 1 when the monkey broke something."""

from __future__ import annotations

import argparse
import secrets
import tempfile
from pathlib import Path

from tests.monkey.run import SIZES, climb
from tests.monkey.site import Site


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.monkey", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="at each size (default 600)")
    parser.add_argument("--seed", type=int, help="to type the same keys again; a new one when not given")
    parser.add_argument("--size", type=_size, action="append", help="such as 80x24 (default: three sizes)")
    asked = parser.parse_args()
    seed = secrets.randbelow(10**9) if asked.seed is None else asked.seed
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="jwmonkey-") as folder, Site(Path(folder), seed) as site:
        for columns, lines in asked.size or SIZES:
            report = climb(site, seed, columns, lines, asked.seconds)
            print(f"seed {seed}, {columns}x{lines}: {report.typed} strokes, left {report.left} times", flush=True)
            wrong += report.wrong
        log = site.home / "log" / "dashboard.log"
        notes = log.read_text() if log.exists() else ""
        print(f"{notes.count('after it had left the screen')} errors in parts that had left the screen")
        if wrong:
            print(notes[-20_000:])
    print("\n".join(wrong) or "nothing broke")
    return 1 if wrong else 0


def _size(text: str) -> tuple[int, int]:
    columns, _, lines = text.partition("x")
    return int(columns), int(lines)


if __name__ == "__main__":
    raise SystemExit(main())
