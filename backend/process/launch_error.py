"""The error of a job that could not be launched."""


class LaunchError(Exception):
    """A job could not be launched; ``step`` says where, the text what a person can do about it."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step
        self.message = message


class Postponed(LaunchError):  # noqa: N818 (what becomes of the job)
    """No fault of the job, and none that lasts: it goes back to the queue."""


class FolderTaken(Postponed):
    """The allocation has a folder before it was ever launched: its id was given before the database was restored."""
