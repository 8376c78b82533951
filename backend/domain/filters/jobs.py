"""The filter grammar used everywhere: ``state:failed node:gpu* age>1h exit!=0 text !text``.

Terms are separated by blanks and all must hold; ``!`` in front negates one; ``a,b`` after ``:`` means either. ``*`` and
``?`` stand for any text and any character; quotes take everything between them as it is. A word without a field is
looked for in name, account, node and error message, and a number also matches the job with that id.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from jobwarden.backend.domain.states import AnomalyKind, FailureReason, JobState
from jobwarden.backend.domain.units import parse_duration, parse_memory, shorten
from jobwarden.backend.errors import InputError

MAX_FILTER = 1000
"""Characters in a filter."""
STATE_WORDS = (*(state.lower() for state in JobState), "starting", "held")
"""The states a job has, and two that narrow one: a held job is PENDING, one that is starting RUNNING."""
REASON_WORDS = tuple(reason.lower() for reason in FailureReason)
KIND_WORDS = tuple(kind.lower() for kind in AnomalyKind)
KIND = "kind"
"""The field that only anomalies have: what is wrong is seen by looking at processes, no column of ``jobs`` knows it."""


class FilterError(InputError):
    """A filter that says nothing sensible: ``reason``, and the word that is wrong by its column and length (from 1)."""

    def __init__(self, reason: str, column: int, length: int, word: str = "") -> None:
        self.reason = reason
        self.column = column
        self.length = length
        super().__init__(f"filter: {reason} (column {column}{': ' + word if word else ''})")


class Kind(StrEnum):
    """What the values of a field are."""

    WORD = "word"
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Field:
    """A name that may stand before the operator. ``values`` are the known words, for completion."""

    name: str
    kind: Kind
    help: str
    values: tuple[str, ...] = ()
    parse: Callable[[str], int] | None = None


def _integer(text: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 18):
        raise InputError(f"{shorten(text)} is not a whole number")
    return int(text)


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("state", Kind.WORD, "job state; pending includes held", STATE_WORDS),
        Field("reason", Kind.WORD, "why it FAILED", REASON_WORDS),
        Field("name", Kind.TEXT, "job name"),
        Field("account", Kind.TEXT, "account charged"),
        Field("partition", Kind.TEXT, "group of nodes"),
        Field("node", Kind.TEXT, "node it runs or ran on"),
        Field("id", Kind.NUMBER, "job id", parse=_integer),
        Field("age", Kind.NUMBER, "time since it was submitted", parse=parse_duration),
        Field("elapsed", Kind.NUMBER, "time it runs or ran", parse=parse_duration),
        Field("ended", Kind.NUMBER, "time since it ended", parse=parse_duration),
        Field("limit", Kind.NUMBER, "time limit", parse=parse_duration),
        Field("exit", Kind.NUMBER, "exit code; 128+n for signal n", parse=_integer),
        Field("signal", Kind.NUMBER, "signal that ended it", parse=_integer),
        Field("cpus", Kind.NUMBER, "CPUs requested", parse=_integer),
        Field("memory", Kind.NUMBER, "memory requested", parse=parse_memory),
        Field("gpus", Kind.NUMBER, "GPUs requested", parse=_integer),
        Field("priority", Kind.NUMBER, "priority", parse=_integer),
        Field(KIND, Kind.WORD, "kind of an anomaly", KIND_WORDS),
    )
}
OPERATORS = ("!=", ">=", "<=", ":", "=", ">", "<")


@dataclass(frozen=True, slots=True)
class Value:
    """One value to compare with; ``glob`` says that ``*`` and ``?`` in ``text`` stand for other characters."""

    text: str
    number: int | None = None
    glob: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; ``field`` None is free text, ``operator`` one of ``= != > >= < <=``, values are alternatives."""

    field: str | None
    operator: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: all terms must hold; no term matches every job."""

    terms: tuple[Term, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class _Letter:
    """A character of the input; ``literal`` when quotes took its special meaning."""

    char: str
    literal: bool


def parse_filter(text: str, *, anomalies: bool = False) -> Filter:
    """The filter ``text`` says, or an InputError that points at the word which is wrong.

    ``kind`` is a field of ``anomalies`` alone.
    """
    if len(text) > MAX_FILTER:
        raise InputError(f"filter: longer than {MAX_FILTER} characters")
    if not text.isprintable():
        raise InputError("filter: holds control characters")
    terms = []
    for column, word in _words(text):
        try:
            terms.append(_term(word))
            if terms[-1].field == KIND and not anomalies:
                raise InputError(f"{KIND} only works for anomalies: on Orphans, in `orphans` and in `clean`")
        except InputError as exc:
            raise FilterError(str(exc), column, _length(text, column), shorten(_plain(word))) from None
    return Filter(tuple(terms), text)


def _words(text: str) -> list[tuple[int, list[_Letter]]]:
    """Words with their column, counted from 1; quotes removed, what they held marked literal."""
    words: list[tuple[int, list[_Letter]]] = []
    quote = ""
    open_word = False
    for column, char in enumerate(text, start=1):
        if not quote and char.isspace():
            open_word = False
            continue
        if not open_word:
            words.append((column, []))
            open_word = True
        if char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
            words[-1][1].append(_Letter("", True))
        else:
            words[-1][1].append(_Letter(char, bool(quote)))
    if quote:
        raise FilterError(f"the quote {quote} is never closed", words[-1][0], len(text) - words[-1][0] + 1)
    return words


def _length(text: str, column: int) -> int:
    """Characters of the word at a column, up to the next blank."""
    return len(text[column - 1 :].split(maxsplit=1)[0])


def _plain(letters: list[_Letter]) -> str:
    return "".join(letter.char for letter in letters)


def _term(word: list[_Letter]) -> Term:
    negated = bool(word) and word[0] == _Letter("!", False)
    if negated:
        word = word[1:]
    if not _plain(word):
        raise InputError("nothing to look for")
    name, operator, rest = _split(word)
    if not operator:
        return Term(None, "=", (_text_value(word),), negated)
    field = FIELDS.get(name.lower())
    if field is None:
        nearest = difflib.get_close_matches(name.lower(), FIELDS, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]}?" if nearest else f"valid are {', '.join(FIELDS)}"
        raise InputError(f"no field {shorten(name)}; {hint}")
    return Term(field.name, "=" if operator == ":" else operator, _values(field, operator, rest), negated)


def _split(word: list[_Letter]) -> tuple[str, str, list[_Letter]]:
    """Field, operator and value at the first unquoted operator after at least one letter; no operator is free text."""
    for position, letter in enumerate(word):
        if letter.literal:
            break
        for operator in OPERATORS:
            if _plain(word[position : position + len(operator)]) == operator:
                return _plain(word[:position]), operator, word[position + len(operator) :]
    return "", "", word


def _values(field: Field, operator: str, letters: list[_Letter]) -> tuple[Value, ...]:
    if operator in (">", ">=", "<", "<=") and field.kind is not Kind.NUMBER:
        raise InputError(f"{field.name} has no order: use {field.name}:value")
    alternatives: list[list[_Letter]] = [[]]
    for letter in letters:
        if letter == _Letter(",", False) and operator in (":", "=", "!="):
            alternatives.append([])
        else:
            alternatives[-1].append(letter)
    if not all(_plain(part) for part in alternatives):
        raise InputError(f"{field.name} needs a value")
    return tuple(_value(field, part) for part in alternatives)


def _value(field: Field, letters: list[_Letter]) -> Value:
    text = _plain(letters)
    if field.parse is not None:
        number = field.parse(text)
        if abs(number) >= 2**63:
            raise InputError(f"{shorten(text)} is too large")
        return Value(text, number)
    if field.kind is Kind.WORD:
        return Value(_known_word(field, text.lower()))
    return _text_value(letters)


def _known_word(field: Field, text: str) -> str:
    if text in field.values:
        return text
    nearest = difflib.get_close_matches(text, field.values, n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]}?" if nearest else f"valid are {', '.join(field.values)}"
    raise InputError(f"no {field.name} {shorten(text)}; {hint}")


def _text_value(letters: list[_Letter]) -> Value:
    """Text with its literal ``*``, ``?`` and backslashes escaped by a backslash when it is a pattern."""
    if not any(letter.char in "*?" and letter.char and not letter.literal for letter in letters):
        return Value(_plain(letters))
    escaped = (f"\\{x.char}" if x.char == "\\" or (x.literal and x.char in ("*", "?")) else x.char for x in letters)
    return Value("".join(escaped), glob=True)
