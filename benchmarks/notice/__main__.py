"""``python -m benchmarks.notice``: prints how soon a lost worker is seen, and how often a live one is called dead."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.notice.measure import Alarms, Subject, Times, count_false_alarms, time_kills, time_pauses
from benchmarks.notice.screen import Screen
from benchmarks.site import machine, percentile, site, table

RESULT = Path(__file__).parents[1] / "results" / "notice.md"


def main() -> int:
    """Measure and print; 2 without tmux, which is the terminal of the dashboard."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notice", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="times to kill the worker (default 100)")
    parser.add_argument("--pauses", type=int, default=3, help="times to pause it past its lease (default 3)")
    parser.add_argument("--minutes", type=float, default=10.0, help="of full load without a false alarm (default 10)")
    options = parser.parse_args()
    if shutil.which("tmux") is None:
        print("needs tmux: install it (for Debian: apt-get install tmux)", file=sys.stderr)
        return 2
    report = measure(options.kills, options.pauses, options.minutes)
    print(report)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(report + "\n", "utf-8")
    return 0


def measure(kills: int, pauses: int, minutes: float) -> str:
    """The whole measurement in a temporary home; the report."""
    with tempfile.TemporaryDirectory(prefix="jwnotice-") as folder:
        with site(Path(folder), node_name="notice", node_cpus=64, node_memory_mb=65536) as here:
            with Screen(here) as screen:
                subject = Subject(here, screen)
                try:
                    subject.prepare()
                    killed = time_kills(subject, kills, _tell)
                    paused = time_pauses(subject, pauses, _tell)
                    _tell(f"{minutes:g} minutes of full load")
                    alarms = count_false_alarms(subject, 60 * minutes, 2 * len(os.sched_getaffinity(0)))
                finally:
                    subject.end()
            return report(killed, paused, alarms, minutes, here.settings.lease_seconds)


def report(killed: Times, paused: Times, alarms: Alarms, minutes: float, lease: float) -> str:
    """The figures as a table, with what they are meant to be."""
    rows = [_row(f"killed; {where}", times, "p99 <= 1 s") for where, times in killed.items()]
    rows += [_row(f"paused; {where}", times, f"about {lease:g} s") for where, times in paused.items()]
    watched = f"{minutes:g} minutes of full load, {alarms.looks} looks"
    rows.append((f"{watched}: false alarms of the commands", "0", str(alarms.false), "", "", ""))
    rows.append((f"{watched}: false alarms of the dashboard", "0", str(alarms.on_screen), "", "", ""))
    rows.append((f"{watched}: oldest heartbeat, s", f"< {lease:g}", f"{alarms.oldest_heartbeat:.2f}", "", "", ""))
    heading = ("seconds until it is seen", "target", "n", "p50", "p99", "max")
    return f"{machine()}\n\n{table(heading, rows)}"


def _row(title: str, times: list[float], target: str) -> tuple[str, ...]:
    shown = (f"{percentile(times, share):.2f}" for share in (0.5, 0.99, 1.0))
    return (title, target, str(len(times)), *shown)


def _tell(text: str) -> None:
    print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
