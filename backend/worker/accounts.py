"""Whom this worker's jobs run as, and within which limits.

A worker that is not root can only run them as itself. One that is root gives each job to the Unix user of the login
that submitted it, except in a home that nobody but root can reach: there every submitter is root.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded.home import locate
from jobwarden.backend.errors import Refused
from jobwarden.backend.process.spawn import Orders, runs_without_loader
from jobwarden.backend.process.spool import PASSAGE_MODE
from jobwarden.backend.process.user import JobUser, find_user
from jobwarden.backend.state.records import LaunchOrder

PROCESSES = 4096
"""What one job, or the user of one, may have of processes where the setting pids_limit says nothing."""


class Accounts:
    """Answers for one worker. ``separate``: whether jobs run as the users that submitted them."""

    def __init__(self, settings: Settings) -> None:
        """Raises Refused for settings that ask for what this worker cannot do."""
        self._settings = settings
        self.separate = runs_as_submitter(settings)
        self._shared = locate(settings).shared
        self._for_own_jobs = {"JOBWARDEN_HOME": str(settings.home)}
        if config := os.environ.get("JOBWARDEN_CONFIG"):
            self._for_own_jobs["JOBWARDEN_CONFIG"] = os.path.abspath(config)  # noqa: PTH100 (keeps links)
        self._umask = int(settings.job_umask, 8)
        self._log_bytes = settings.log_limit_mb << 20 or None

    def of(self, order: LaunchOrder) -> JobUser | None:
        """The user of a job; None for the worker's own. Raises LaunchError for one that may not be had."""
        if not self.separate:
            return None
        return find_user(order.unix_user, login=order.login, allow_root=self._settings.allow_root_jobs)

    def installation(self, user: JobUser | None) -> Mapping[str, str]:
        """The variables that lead a job's own `jobwarden` back to this installation.

        Never an URL: with it a job would have the worker's rights on the database. Another user's job is led to a home
        that is shared, and otherwise to an installation of that user.
        """
        if user is None:
            return self._for_own_jobs
        return {"JOBWARDEN_HOME": self._for_own_jobs["JOBWARDEN_HOME"]} if self._shared else {}

    def orders(self, record_key: str, user: JobUser | None, *, limited: bool) -> Orders:
        """What the supervisor of a job is told. ``limited``: a control group bounds its processes already."""
        most = self._settings.pids_limit
        if most is None and user is not None:
            most = PROCESSES
        processes = None if limited or not most else most
        files = self._settings.job_open_files
        return Orders(record_key, self._umask, processes, user, files, self._log_bytes)


def open_way(home: Path, spool: str) -> None:
    """Let other users pass from ``home`` to their own files in ``spool``, and see nothing else of either.

    Raises Refused where they could not even come to the home.
    """
    closed = next((folder for folder in home.parents if not folder.stat().st_mode & stat.S_IXOTH), None)
    if closed is not None:
        raise Refused(
            f"jobs of other users cannot pass {closed} to their scripts: set JOBWARDEN_HOME to a directory that all can"
            " reach, such as /var/lib/jobwarden, or run_jobs_as = worker"
        )
    for folder in (home, Path(spool).parent):
        folder.mkdir(mode=0o700, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) & 0o077 != PASSAGE_MODE & 0o077:
            folder.chmod(PASSAGE_MODE)


def runs_as_submitter(settings: Settings) -> bool:
    """Whether a worker of this process, with these settings, runs each job as the user that submitted it.

    Raises Refused where that is asked for and cannot be done.
    """
    root = os.geteuid() == 0
    if settings.run_jobs_as == "worker" or (settings.run_jobs_as == "auto" and not root):
        return False
    if settings.run_jobs_as == "auto" and settings.database_url is None and not locate(settings).shared:
        return False
    if not root:
        raise Refused("run_jobs_as = submitter needs a worker that runs as root: only root can start jobs as others")
    if not runs_without_loader():
        raise Refused(
            "run_jobs_as = submitter needs a job supervisor that is linked statically: install the static C library"
            " (Debian: libc6-dev) and run `make install` again"
        )
    return True
