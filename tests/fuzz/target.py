"""A target: one reader of what others wrote, and how to try it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from jobwarden.backend.errors import InputError
from tests.fuzz.maker import Maker

Cut = TypeVar("Cut", str, bytes, list[Any])

SHORT = 200
"""Parts of an input that is short enough to be tried without each of them."""


@dataclass(frozen=True)
class Target:
    """One line of the table of all targets."""

    name: str
    make: Callable[[Maker], Any]
    """Makes an input: bytes, a text, or a list or tuple of such."""
    give: Callable[[Any, Path], None]
    """Gives it to the reader; the folder is this target's own and may be used for files."""
    declared: tuple[type[Exception], ...] = (InputError,)
    """What the reader may raise: its answer to bad input."""
    words: Sequence[str] = ()
    examples: Sequence[str] = ()
    share: float = 1.0
    """Of the inputs that others get in the suite, for one that takes longer; `make fuzz` gives all the same."""

    def input(self, seed: int, number: int) -> Any:
        """The input of that number; the same for ever."""
        return self.make(Maker(Random(f"{seed} {self.name} {number}"), self.words, self.examples))


def smaller(made: Any) -> Iterator[Any]:
    """Yield what is left of an input when a part of it is taken away, large ones first."""
    match made:
        case str():
            yield from _shorter(made)
        case bytes():
            yield from _shorter(made)
        case list():
            yield from _shorter(made)
    if isinstance(made, list | tuple):
        for at in range(len(made)):
            for part in smaller(made[at]):
                yield type(made)((*made[:at], part, *made[at + 1 :]))


def _shorter(made: Cut) -> Iterator[Cut]:
    for size in sorted({len(made) // part for part in (1, 2, 4, 16, 64)} - {0}, reverse=True):
        for at in range(0, len(made), size):
            yield made[:at] + made[at + size :]
    if len(made) <= SHORT:
        for at in range(len(made)):
            yield made[:at] + made[at + 1 :]
