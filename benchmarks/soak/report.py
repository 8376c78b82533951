"""The result as a table."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.site import percentile
from benchmarks.soak.run import Result

SHOWN = 10


def report(result: Result) -> str:
    """Counts that must be zero, then what was done and how long things took."""
    jobs = sum(result.outcomes.values())
    lines = [f"soak: seed {result.seed}, {result.seconds:.0f} s, {jobs} jobs, {sum(result.faults.values())} faults", ""]
    for title, found in result.wrong.counts().items():
        lines.append(f"{title:<28} {len(found):>6}")
        lines += [f"    {line}" for line in found[:SHOWN]]
    lines.append(f"{'other complaints':<28} {len(result.complaints):>6}")
    lines += [f"    {line}" for line in result.complaints[:SHOWN]]
    if not result.drained:
        lines.append("NOT DRAINED: jobs or anomalies were left when the time was up")
    lines += ["", *_table("faults", result.faults), "", *_table("operators", result.actions)]
    lines += ["", *_table("jobs by outcome", result.outcomes), "", *_times(result.times)]
    lines += ["", "clean" if result.clean else "NOT CLEAN", f"replay: make soak SEED={result.seed}"]
    return "\n".join(lines)


def _table(title: str, counts: Mapping[str, int]) -> list[str]:
    return [title, *(f"  {name:<32} {number:>6}" for name, number in sorted(counts.items()) if number)]


def _times(times: Mapping[str, list[float]]) -> list[str]:
    lines = [f"{'seconds':<40} {'n':>4} {'p50':>7} {'p90':>7} {'p99':>7} {'max':>7}"]
    for title, values in times.items():
        shown = " ".join(f"{percentile(values, share):>7.2f}" for share in (0.5, 0.9, 0.99, 1.0)) if values else ""
        lines.append(f"  {title:<38} {len(values):>4} {shown}")
    return lines
