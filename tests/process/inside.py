"""Run inside a job: tries to end the job that it belongs to."""

import os
from pathlib import Path

from backend.process.ending import Ending
from backend.process.identity import identify
from backend.process.members import Target


def main(*_: str) -> None:
    """Kill everything of this job but this process; says what came of it, then waits for its own end."""
    folder = Path(f"/proc/{os.getpid()}/fd/1").readlink().parent
    supervisor = identify(os.getppid())
    assert supervisor is not None
    ending = Ending(Target(supervisor, os.environ["JOBWARDEN_COOKIE"], str(folder), None), 0.0)
    for _ in range(3):
        ending.step()
    print("still here; cannot end itself" if ending.result is None else ending.result.detail, flush=True)
    os.read(os.pipe()[0], 1)
