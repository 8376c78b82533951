"""Lines that look like options of a script and are none: a submitter should hear that they do nothing."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from backend.domain.directives import PREFIX, is_directive, leading_comments
from backend.domain.options import OPTION_NAMES
from backend.domain.units import shorten

_LOOKS = re.compile(r"[ \t]*#[ \t]*([A-Za-z_]{6,12})[ \t:=]*--([a-z-]+)")
_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
_WORD = PREFIX.removeprefix("#")
_ALIKE = 0.8
"""How much of a word must be that of ours, from 0 to 1: one slip of the fingers."""


def near_misses(script: str) -> Iterator[str]:
    """A line for each of them: its number, and how to make it count.

    ``##JOBWARDEN`` and ``# #JOBWARDEN`` are options that somebody turned off, and text for another script
    (a here-document) is not ours. Neither is a comment that speaks of the command.
    """
    leading = {number for number, _ in leading_comments(script)}
    until = None
    for number, line in enumerate(script.split("\n"), start=1):
        line = line.rstrip("\r")
        if until is not None:
            until = None if line.strip() == until else until
        elif (found := _LOOKS.match(line)) and _meant(found[1], found[2], line):
            if number not in leading:
                yield f"line {number}: {shorten(line.strip())} is not heeded: it is below the first command"
            elif not is_directive(line):
                right = shorten(f"{PREFIX} {line[found.start(2) - 2 :].strip()}")
                yield f"line {number}: {shorten(line)} is not heeded: write {right} at the beginning of the line"
        elif not line.lstrip().startswith("#") and (here := _HERE.search(line)):
            until = here[2]


def _meant(word: str, option: str, line: str) -> bool:
    if line.startswith(PREFIX):
        return True
    return option in OPTION_NAMES and SequenceMatcher(None, word.upper(), _WORD).ratio() >= _ALIKE
