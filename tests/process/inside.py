"""Run inside a job: tries to end the job that it belongs to."""

import os
from pathlib import Path

from jobwarden.backend.process.identity import identify
from jobwarden.backend.process.members import Target
from jobwarden.backend.process.termination import Termination


def main(*_: str) -> None:
    """Kill everything of this job but this process; says what came of it, then waits for its own end."""
    folder = Path(f"/proc/{os.getpid()}/fd/1").readlink().parent
    supervisor = identify(os.getppid())
    assert supervisor is not None
    ending = Termination(Target(supervisor, os.environ["JOBWARDEN_COOKIE"], str(folder), None), 0.0)
    for _step in range(3):
        ending.step()
    print("still here; cannot end itself" if ending.result is None else ending.result.detail, flush=True)
    os.read(os.pipe()[0], 1)
