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
