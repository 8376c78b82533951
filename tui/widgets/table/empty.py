"""What a list says when a filter leaves nothing of it."""

from tui.widgets.table.cursor import Message_

_WAY = ("/ to change it, esc to clear it", "dim")


def none_matches(what: str, typed: str) -> Message_:
    """Return what to say when no such thing matches.

    >>> none_matches("job", "name:x")[0]
    ('no job matches  name:x', 'plain')
    """
    return [(f"no {what} matches  {typed}", "plain"), ("", "dim"), _WAY]


def could_not_run(error: str) -> Message_:
    """Return what to say when the database could not answer."""
    return [("this filter could not be run", "failed"), (error, "dim"), _WAY]
