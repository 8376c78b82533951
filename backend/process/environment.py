"""The environment and the limits of a job, by rule and not by accident of who started the worker (docs/jobs.md)."""

import logging
import os
import pwd
import resource
import shutil
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jobwarden.backend.process.user import STANDARD_PATH, JobUser

MARKS = frozenset(("JOBWARDEN_JOB_ID", "JOBWARDEN_ALLOCATION_ID", "JOBWARDEN_COOKIE", "JOBWARDEN_NODE"))
"""Variables that tell whose a process is; the supervisor has them too."""
_OF_THE_PLACE = ("LANG", "TZ")
_DEFAULT_LANGUAGE = "C.UTF-8"
"""Where the worker has none, as after a start by cron: programs write UTF-8 all the same."""


def job_environment(
    own: Mapping[str, str],
    *,
    job_id: int,
    allocation_id: int,
    cookie: str,
    node: str,
    user: JobUser | None = None,
    installation: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Environment of a job, a later source over an earlier one.

    The language and time zone of the worker, who the user is (the worker's own without a ``user``), where the
    ``installation`` is, what the job was submitted with, and the marks that tell whose it is.
    """
    return {
        **_of_the_place(),
        **(_of_the_worker() if user is None else {**user.environment, "PATH": _reaching_us(STANDARD_PATH)}),
        "JOBWARDEN_SCRIPT": "",
        "JOBWARDEN_SUBMIT_DIR": "",
        **(installation or {}),
        **own,
        "JOBWARDEN_JOB_ID": str(job_id),
        "JOBWARDEN_ALLOCATION_ID": str(allocation_id),
        "JOBWARDEN_COOKIE": cookie,
        "JOBWARDEN_NODE": node,
    }


@cache
def _of_the_place() -> dict[str, str]:
    found = {
        key: value for key, value in os.environ.items() if value and (key in _OF_THE_PLACE or key.startswith("LC_"))
    }
    return found if "LC_ALL" in found else {"LANG": _DEFAULT_LANGUAGE, **found}


@cache
def _of_the_worker() -> dict[str, str]:
    """What the user of this process is by the passwd database, and its own PATH and TMPDIR.

    A user without an entry, as in a container with a number for a user, is what its variables say; without any it has
    the root directory for a home, as with Docker and login(1).
    """
    env = os.environ
    try:
        entry = pwd.getpwuid(os.geteuid())
        name, home, shell = entry.pw_name, entry.pw_dir, entry.pw_shell
    except KeyError:
        name, home, shell = env.get("USER") or str(os.geteuid()), env.get("HOME") or "/", env.get("SHELL") or ""
    found = {"HOME": home or "/", "USER": name, "LOGNAME": name, "SHELL": shell or "/bin/sh"}
    if temporary := env.get("TMPDIR"):
        found["TMPDIR"] = temporary
    return {**found, "PATH": _reaching_us(env.get("PATH") or STANDARD_PATH)}


@cache
def _reaching_us(path: str) -> str:
    """``path`` with the directory of the command ``jobwarden`` behind it, if that is not found already."""
    if shutil.which("jobwarden", path=path) is not None:
        return path
    folder = Path(sys.executable).parent
    return f"{path}:{folder}" if (folder / "jobwarden").exists() else path


# Limits of a job, by rule and not by accident of who started the worker; umask and core dumps are set by shim.c.
#
# Open files: a watched job costs the worker a descriptor, so it raises its own soft limit, as systemd advises
# daemons. Jobs begin with the usual 1,024, for the sake of programs that use select(2), and may raise it up to the
# hard limit.

OPEN_FILES = 1024
"""Soft limit of a job, where the setting job_open_files says nothing else."""
STACK_BYTES = 8 << 20
"""Soft limit of a job's stack: what Linux gives."""
WANTED = 65_536

log = logging.getLogger(__name__)


def set_own_limits() -> None:
    """For a worker: up to WANTED open files, as far as the hard limit allows, and the stack that its jobs are to have.

    Jobs inherit the stack: an exec that is under way would undo what somebody else sets of it (finalize_exec).
    """
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (_within(STACK_BYTES, hard), hard))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _within(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _within(wanted: int, hard: int) -> int:
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


@cache
def _tell_of_nice() -> None:
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    log.warning("this worker runs at nice %d and may not lower it: so do its jobs; start it without nice", nice)
