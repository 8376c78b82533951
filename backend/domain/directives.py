"""``#JOBWARDEN --option value`` lines: options a script carries itself."""

import difflib
import io
import re
import shlex
from collections.abc import Iterator
from difflib import SequenceMatcher

from jobwarden.backend.domain.options import OPTION_NAMES, Options, parse_options
from jobwarden.backend.domain.units import shorten
from jobwarden.backend.errors import InputError

PREFIX = "#JOBWARDEN"
MAX_LINE = 64 * 1024
"""Characters in one line; more is no list of options."""
MAX_ALL = 256 * 1024
"""Characters in all such lines together."""


def parse_directives(script: str) -> Options:
    """Options of the leading comment block.

    As with ``#SBATCH`` (sbatch(1)), lines are read until the first that is neither blank nor a comment, and `` #``
    starts a comment. An InputError names the line. ``--env NAME`` is refused: a script cannot know its submitter.
    """
    options, length = Options(), 0
    for number, line in leading_comments(script):
        if is_directive(line):
            length += len(line)
            try:
                if len(line) > MAX_LINE:
                    raise InputError(f"longer than {MAX_LINE} characters")
                if length > MAX_ALL:
                    raise InputError(f"the {PREFIX} lines are longer than {MAX_ALL} characters together")
                options = _parse_line(line.removeprefix(PREFIX)).over(options)
            except InputError as exc:
                raise InputError(f"line {number}: {exc}") from None
    return options


def is_directive(line: str) -> bool:
    """Whether a line of the leading comments holds options."""
    return line == PREFIX or line.startswith((PREFIX + " ", PREFIX + "\t"))


def leading_comments(script: str) -> Iterator[tuple[int, str]]:
    """The lines before the first command, numbered from 1."""
    for number, line in enumerate(script.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            return
        yield number, line.rstrip("\r")


def _parse_line(text: str) -> Options:
    given: list[tuple[str, str]] = []
    hold = False
    words = _words(text)
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in OPTION_NAMES:
            raise InputError(_unknown(word.partition("=")[0]))
        if name == "hold":
            if equals:
                raise InputError("--hold takes no value")
            hold = True
            continue
        if not equals and (value := next(words, "")) == "":
            raise InputError(f"--{name} needs a value")
        given.append((name, value))
    return parse_options(given, {}, hold=hold)


def _unknown(word: str) -> str:
    nearest = difflib.get_close_matches(word.lstrip("-"), OPTION_NAMES, n=1, cutoff=0.5)
    hint = f": did you mean --{nearest[0]}?" if nearest else f": the options are --{', --'.join(OPTION_NAMES)}"
    return f"unknown option {shorten(word)}{hint}"


def _words(text: str) -> Iterator[str]:
    """Words by shell quoting, up to a word that starts with ``#`` (whose quotes need not be balanced)."""
    stream = io.StringIO(text)
    lexer = shlex.shlex(stream, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    while not text[stream.tell() :].lstrip().startswith("#"):
        try:
            word = lexer.get_token()
        except ValueError as exc:
            raise InputError(f"{exc}".lower()) from None
        if word is None:
            return
        yield word


# Lines that look like options of a script and are none: a submitter should hear that they do nothing.

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
                yield f"line {number}: {shorten(line.strip())} is ignored: it is below the first command"
            elif not is_directive(line):
                right = shorten(f"{PREFIX} {line[found.start(2) - 2 :].strip()}")
                yield f"line {number}: {shorten(line)} is ignored: write {right} at the beginning of the line"
        elif not line.lstrip().startswith("#") and (here := _HERE.search(line)):
            until = here[2]


def _meant(word: str, option: str, line: str) -> bool:
    if line.startswith(PREFIX):
        return True
    return option in OPTION_NAMES and SequenceMatcher(None, word.upper(), _WORD).ratio() >= _ALIKE
