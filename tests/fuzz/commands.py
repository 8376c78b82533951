"""The command line itself: every verb and option there is, in any order, with anything behind it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import click

from jobwarden.backend.cli.main import COMPLETION, VERBS, cli, run
from tests.fuzz.maker import Maker
from tests.fuzz.target import Target

STARTING = frozenset({"up", "down", "worker", "tui"})
"""Verbs that start or stop something when their arguments are right."""
STAYING = frozenset({"shell", "--follow", "-f", "--wait", "--listen", "--test"})
"""Words with which a verb stays, opens something, or calls somebody."""
VALUES = ("1", "2-9", "main", "state:running", "10m", "2G", "A=B", "n1", "json", "/nonexistent", ".", "why", "9" * 30)


def vocabulary() -> dict[str, tuple[str, ...]]:
    """Verb -> the words it knows: names of its options and of its own verbs."""
    context = click.Context(cli)
    return {verb: tuple(sorted(_words(cli.get_command(context, verb)))) for verb in VERBS if verb not in STARTING}


def _words(command: click.Command | None) -> Iterator[str]:
    assert command is not None
    for parameter in command.params:
        yield from (name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("-"))
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from (name, *_words(below))


_VOCABULARY = vocabulary()


def line(maker: Maker) -> list[str]:
    """A command line as the kernel can hand it over."""
    verb = maker.random.choice(tuple(_VOCABULARY)) if maker.chance(95) else maker.text()[:200]
    known = (*_VOCABULARY.get(verb, ()), "--help", "--", "--json", "--yes")
    words = [
        maker.random.choice(known) if maker.chance(60) else _value(maker) for _ in range(maker.random.randrange(7))
    ]
    return [_handed(word) for word in (verb, *words) if word not in STARTING | STAYING]


def _value(maker: Maker) -> str:
    return maker.random.choice(VALUES) if maker.chance(60) else maker.text()[:3000]


def _handed(word: str) -> str:
    """Bytes that are no UTF-8 come as surrogates, and a word ends at a NUL."""
    return os.fsdecode(word.encode("utf-8", "surrogatepass").partition(b"\0")[0])


def told(args: list[str]) -> None:
    """Run it; whatever it is, the answer has a known exit code and at most one line of complaint."""
    err = io.StringIO()
    with _no_input(), redirect_stdout(_nowhere()), redirect_stderr(err):
        code = run(args)
    said = err.getvalue()
    assert code in (0, 1, 2), code
    assert "Traceback" not in said and "internal error" not in said, said
    assert "\x1b" not in said, said
    assert said.count("\n") <= 1 or said.startswith("Usage"), said


def _nowhere() -> io.TextIOWrapper:
    """Takes text and bytes, as standard output does."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


@contextmanager
def _no_input() -> Iterator[None]:
    former, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO())
    try:
        yield
    finally:
        sys.stdin = former


def _completed(words: list[str], _: Path) -> None:
    """TAB behind a command line: candidates or none, never a complaint in the midst of what is being typed."""
    made = {COMPLETION: "bash_complete", "COMP_WORDS": " ".join(["jobwarden", *words]), "COMP_CWORD": str(len(words))}
    former = dict(os.environ)
    os.environ.update(made)
    err = io.StringIO()
    try:
        with redirect_stdout(_nowhere()), redirect_stderr(err):
            run([])
    except SystemExit:
        pass
    finally:
        os.environ.clear()
        os.environ.update(former)
    assert not err.getvalue(), err.getvalue()


COMMANDS = (
    Target("command line", line, lambda args, _: told(args), (), words=VALUES, examples=VALUES, share=0.2),
    Target("completion of a command line", line, _completed, (), words=VALUES, examples=VALUES, share=0.2),
)
