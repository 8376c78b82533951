"""Errors that a user sees as one line, each with its exit code."""


class JobwardenError(Exception):
    """A condition the user can act on; its text is the one line shown. ``exit_code`` is the command's status."""

    exit_code = 1


class InputError(JobwardenError):
    """Wrong usage or bad input: nothing was changed."""

    exit_code = 2


class Refused(JobwardenError):
    """The request was understood and could not be done; the text says why and what to do."""


class Unavailable(JobwardenError):
    """A dependency (database, Redis, a host) cannot be reached; the text names it and what to do."""


class LostSight(JobwardenError):
    """What was watched can no longer be seen, and may go on; EX_TEMPFAIL of sysexits.h, which few jobs use."""

    exit_code = 75


# The error of a job that could not be launched.


class LaunchError(Exception):
    """A job could not be launched; ``step`` says where, the text what a person can do about it."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step
        self.message = message


class Postponed(LaunchError):
    """No fault of the job, and none that lasts: it goes back to the queue."""


class FolderTaken(Postponed):
    """The allocation has a folder before it was ever launched: its id was given before the database was restored."""
