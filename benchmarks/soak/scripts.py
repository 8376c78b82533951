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
HOSTILE_NAME = "hostile"
_FOLDER = (
    'echo "$JOBWARDEN_JOB_ID $JOBWARDEN_ALLOCATION_ID" >> "$1"\nfolder=$(dirname "$0")\nstatus=$folder/exit_status\n'
)
_KILL_SHIM = 'kill -9 $(cut -d" " -f4 /proc/$$/stat)\n'
_FORGE = 'rm -f "$status"; printf "{}" > "$status"\n'
HOSTILE = (
    _FORGE.format("exit 0 1 1 1 1\\ngone\\n") + _KILL_SHIM + "sleep 3",
    _FORGE.format("exit 0 1 1 1 1\\ngone\\n") + _KILL_SHIM,
    _FORGE.format("never 1\\ngone\\n") + _KILL_SHIM,
    _FORGE.format("launch x 2147483648 1\\ngone\\n") + _KILL_SHIM + "sleep 2",
    'rm -f "$status"; mkfifo "$status"; sleep 3',
    'rm -f "$status"; mkdir "$status"; sleep 2',
    'rm -f "$status"; ln -s "$status" "$status"; sleep 2',
    'rm -f "$status"; ln -s /dev/zero "$status"; sleep 2',
    'chmod 000 "$folder"; sleep 2',
    'rm -f "$folder/control_group"; mkfifo "$folder/control_group"; sleep 3',
    'rm -f "$folder/control_group"; yes x/ | head -c 100000 | tr -d "\\n" > "$folder/control_group"; sleep 2',
    'rm -f "$folder/output.log"; mkfifo "$folder/output.log"; sleep 2',
    'rm -rf "$folder"; sleep 2',
    "i=0; d=$folder; while [ $i -lt 300 ]; do mkdir d && cd d; i=$((i+1)); done; sleep 1",
    "timeout 2 yes",
    "kill -STOP $PPID; sleep 2",
    "cd /; env -i sleep 600 </dev/null >/dev/null 2>&1 & " + _KILL_SHIM,
    "(setsid env -i sleep 600 &) ; trap '' TERM; sleep 2",
    "n=0; while [ $n -lt 100 ]; do sleep 5 & n=$((n+1)); done",
)
"""What one hostile or broken job does; each ends with exit code 7, if it lives so long."""


def hostile_fields(luck: float, starts: str) -> dict[str, Any]:
    """Script and name of a hostile job; ``luck`` in [0, 1) says which."""
    body = HOSTILE[int(luck * len(HOSTILE))]
    script = f'#!/bin/sh\n{_FOLDER}cd "$folder"\n{body}\nexit 7\n'
    return {"script": script, "name": HOSTILE_NAME, "arguments": (starts,), "cpus": 1, "memory_mb": 16}


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
