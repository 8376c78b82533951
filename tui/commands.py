"""Command lines of job processes as an operator reads them."""

import re

WIDEST = 48
"""Characters of one path that are shown whole."""

_SHIM = re.compile(r"^\S*/jobwarden-shim (?P<folder>.*?/\d+) .* (?=(?P=folder)/job_\d+\.sh)")


def shown_command(cmdline: str) -> str:
    """Return a command line without our shim before it, with the middle of long paths left out.

    The shim is started as ``jobwarden-shim FOLDER WORK_DIR FOLDER/job_ID.sh ARGUMENTS``: the job is what is last.

    >>> shown_command("/opt/backend/process/jobwarden-shim /spool/7 / /spool/7/job_35.sh --epochs 10")
    '/spool/7/job_35.sh --epochs 10'
    """
    return " ".join(elided(word) for word in _SHIM.sub("", cmdline, count=1).split(" "))


def elided(path: str) -> str:
    """Return a long path with its first and last directories, so that the name of the file is always there.

    >>> elided("/var/lib/jobwarden/installations/production/spool/node1/35/job_35.sh")
    '/var/…/35/job_35.sh'
    """
    parts = path.split("/")
    if len(path) <= WIDEST or not path.startswith("/") or len(parts) < 6:
        return path
    return "/".join([*parts[:2], "…", *parts[-2:]])
