"""Runs targets: each input is made from the seed, given, judged, and shrunk when it was taken badly."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fuzz.judge import Judge, bounded
from tests.fuzz.target import Target, smaller

SHRINKING = 2000
"""Tries to make a bad input smaller."""
MOST = 5
"""Findings of one target, each at another place of the code; then it is given up."""


@dataclass(frozen=True)
class Finding:
    """An input that was taken badly."""

    target: str
    seed: int
    number: int
    why: str
    made: Any

    def __str__(self) -> str:
        shown = ascii(self.made)
        shown = shown if len(shown) <= 1500 else f"{shown[:1500]}… ({len(shown)} characters)"
        again = f"python -m tests.fuzz --target '{self.target}' --seed {self.seed} --only {self.number}"
        return f"{self.target}: {self.why}\n  shrunk to {shown}\n  again: {again}"


def try_target(target: Target, seed: int, numbers: range) -> list[Finding]:
    """Give the inputs of these numbers; what was taken badly, one of each kind."""
    found: dict[str, Finding] = {}
    with bounded(), _folder() as folder:
        judge = Judge(lambda made: target.give(made, folder), target.declared)
        judge.verdict(target.input(seed, numbers.start))  # what is imported late is not the input's doing
        for number in numbers:
            made = target.input(seed, number)
            why = judge.verdict(made)
            if why and _kind(why) not in found:
                found[_kind(why)] = Finding(target.name, seed, number, why, _shrunk(judge, made, _kind(why)))
                if len(found) == MOST:
                    break
    return list(found.values())


def _kind(why: str) -> str:
    """Two inputs show the same fault when it happens at the same place."""
    lines = why.splitlines()
    return lines[0].split(":")[0].lstrip("0123456789 ") + lines[-1]


def _shrunk(judge: Judge, made: Any, kind: str) -> Any:
    tries, smallest = 0, made
    going = not any(slow in kind for slow in ("s of work", "it waits", "of memory"))  # each try would take long
    while going and tries < SHRINKING:
        going = False
        for candidate in smaller(smallest):
            tries += 1
            if tries >= SHRINKING:
                break
            if _kind(judge.verdict(candidate) or "nothing") == kind:
                smallest, going = candidate, True
                break
    return smallest


@contextmanager
def _folder() -> Iterator[Path]:
    """A directory to stand in, and an environment in which nothing is configured."""
    environment, here, folder = dict(os.environ), Path.cwd(), Path(tempfile.mkdtemp(prefix="jw-fuzz-"))
    for name in environment:
        if name.startswith(("JOBWARDEN_", "PG", "XDG_")) or name in ("DATABASE_URL", "REDIS_URL"):
            del os.environ[name]
    os.environ.update(HOME=str(folder), JOBWARDEN_HOME=str(folder / "home"))
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environment)
        shutil.rmtree(folder, ignore_errors=True)
