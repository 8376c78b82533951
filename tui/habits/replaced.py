"""A part that is loaded only when it is wanted may be gone by then: the program was moved away, or another installed.

Whatever a key or a command leads to passes through here, so that the dashboard says so in a line and goes on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from backend.errors import JobwardenError

SAID = "the program was replaced: start the dashboard again"


class Replaced(JobwardenError):  # noqa: N818 (as the other errors of this program)
    """A part of the program is not there any more."""


@contextmanager
def replaced_explained() -> Iterator[None]:
    """Turn a part that cannot be loaded into the line that says what to do. Raises Replaced."""
    try:
        yield
    except ImportError as error:
        raise Replaced(SAID) from error
