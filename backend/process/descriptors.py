"""Open files: a watched job costs the worker a descriptor, and the worker's higher limit is not the job's.

The soft limit is 1,024 for the sake of programs that use select(2), so a daemon that needs more raises its own, as
systemd advises, and gives the old one to its children.
"""

import resource

WANTED = 65_536

_former: tuple[int, int] | None = None


def raise_limit() -> None:
    """Use what the hard limit of this process allows, up to WANTED."""
    global _former
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        _former = (soft, hard)


def restore_limit(pid: int) -> None:
    """Give our child ``pid`` the limit that this process was started with. Raises ProcessLookupError when it ended."""
    if _former is not None:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, _former)
