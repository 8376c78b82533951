"""Asking on the terminal before much is done."""

import sys

import click

from backend.errors import InputError

TYPED_ABOVE = 20
"""Above so many jobs their number must be typed, or --yes given."""


def confirm(verb: str, count: int) -> bool:
    """Have the number of jobs typed when it is large; whether it was.

    InputError without a terminal, or for another answer.
    """
    if count <= TYPED_ABOVE:
        return False
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(f"this would {verb} {count} jobs: look with --dry-run, then add --yes")
    answer = click.prompt(f"This will {verb} {count} jobs. Type {count} to go on", err=True, default="")
    if str(answer).strip() != str(count):
        raise InputError("not confirmed: nothing was done")
    return True
