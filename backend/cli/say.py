"""The one way to standard output and error: lines in which nothing drives a terminal."""

import click

from jobwarden.backend.harmless import escaped

LAYOUT = "\n\t"
"""What a text of ours may hold besides printable characters."""
_AGAIN = "\r\x1b[K"
"""Back to the beginning of the line, and empty it."""


def say(text: object = "", *, err: bool = False, end: str = "\n") -> None:
    """Print a line, or a text of several; what came into it from elsewhere cannot act on the terminal."""
    click.echo(escaped(str(text), keep=LAYOUT) + end, err=err, nl=False)


def redraw(line: str = "", end: str = "") -> None:
    """Draw over the line of standard error, which is a terminal; without a text it is empty then."""
    click.echo(f"{_AGAIN}{escaped(line)}{end}", err=True, nl=False)
