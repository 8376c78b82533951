"""How much of what changes a list may show while somebody reads it."""

from enum import IntEnum


class Hold(IntEnum):
    """A higher level holds back more."""

    NONE = 0
    """Everything is shown as it comes."""
    ORDER = 1
    """Rows change where they stand; none comes, goes or moves. For the moments in which the cursor moves."""
    ALL = 2
    """Nothing changes until it is released; changes are counted."""
