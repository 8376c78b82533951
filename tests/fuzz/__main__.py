"""``python -m tests.fuzz``: every target, many inputs; exit code 1 when one was taken badly."""

from __future__ import annotations

import argparse
import logging
import secrets
import time

from tests.fuzz.run import try_target
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Run the command."""
    asked = _asked()
    logging.disable(logging.CRITICAL)
    seed = secrets.randbelow(10**9) if asked.seed is None else asked.seed
    bad = 0
    for target in TARGETS:
        if asked.target and target.name not in asked.target:
            continue
        count = asked.inputs
        numbers = range(asked.only, asked.only + 1) if asked.only is not None else range(count)
        print(f"{target.name}: seed {seed}, {len(numbers)} inputs", flush=True)
        began = time.monotonic()
        findings = try_target(target, seed, numbers)
        for finding in findings:
            print(finding, flush=True)
        print(f"{target.name}: {len(findings)} findings in {time.monotonic() - began:.0f} s", flush=True)
        bad += len(findings)
    print(f"{bad} findings")
    return 1 if bad else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="for each target")
    parser.add_argument("--seed", type=int, help="to make the same inputs again; a new one when not given")
    parser.add_argument("--target", action="append", choices=[target.name for target in TARGETS], help="only this one")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="only the input of this number")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
