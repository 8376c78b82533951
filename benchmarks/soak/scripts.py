"""The jobs: each notes its start where it can be counted, and ends its log with a line that can be looked for."""

from __future__ import annotations

import random
from typing import Any

HEAD = """#!/bin/sh
echo "$JOBWARDEN_JOB_ID $JOBWARDEN_ALLOCATION_ID" >> "$1"
i=0
while [ $i -lt {lines} ]; do echo "line $i of job $JOBWARDEN_JOB_ID"; i=$((i + 1)); done
"""
TAIL = """
echo "last line of job $JOBWARDEN_JOB_ID"
exit {code}
"""
BODIES: tuple[tuple[float, str, dict[str, Any]], ...] = (
    (8, "", {}),
    (8, "sleep {short}", {}),
    (3, "sleep {long}", {}),
    (2, "(sleep {long} & ) ; setsid sleep {short} &\nsleep {short}", {}),
    (2, "for n in 1 2 3; do sleep {short} & done; wait", {}),
    (1, "trap '' TERM; sleep {long}; sleep {short}", {}),
    (1, "sleep 600", {"time_limit": 3}),
    (1, "kill -SEGV $$", {}),
)
"""Weight, what the script does between its first and its last line, and what it asks for."""


def request_fields(rng: random.Random, starts: str) -> dict[str, Any]:
    """Script and resources of one more job; ``starts`` is the file in which it notes its start."""
    [(_, body, asked)] = rng.choices(BODIES, [weight for weight, *_ in BODIES])
    text = HEAD.format(lines=rng.choice((1, 10, 200))) + body.format(
        short=f"{rng.uniform(0.1, 1.5):.2f}", long=f"{rng.uniform(2, 8):.2f}"
    )
    return {
        "script": text + TAIL.format(code=rng.choice((0, 0, 0, 0, 3))),
        "arguments": (starts,),
        "cpus": rng.choice((1, 1, 1, 2, 4)),
        "memory_mb": 16,
        "priority": rng.choice((0, 0, 0, 1, -1)),
        **asked,
    }


def last_line(job_id: int) -> bytes:
    """What the log of a job that exits with 0 ends in."""
    return f"last line of job {job_id}\n".encode()
