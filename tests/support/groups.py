"""The control groups of a test's jobs: none is left, whatever still lives in it."""

from pathlib import Path

from jobwarden.backend.process.cgroup import groups_there
from tests.support.processes import wait_until


def remove_groups(spools: Path) -> None:
    """Kill what lives in the groups of the nodes below ``spools``, and remove them."""
    for spool in spools.glob("*"):
        for group in groups_there(str(spool)).made().values():
            group.kill()
            wait_until(group.remove, what="the removal of a control group")
