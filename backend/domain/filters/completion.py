"""What can stand at the cursor of a filter that is being typed: names of fields, then the values of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobwarden.backend.domain.filters.jobs import FIELDS, KIND, OPERATORS, Field, Kind
from jobwarden.backend.domain.filters.simple import EVENT_FIELDS, NODE_FIELDS

_NUMBER_HINTS = {"age": "1h 30m 2d", "elapsed": "1h 30m", "ended": "10m 1d", "limit": "1h", "memory": "512M 4G"}


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a filter may name, where a word without a field is looked for, and what one looks like."""

    fields: Mapping[str, Field]
    searched: str
    example: str


_IN_JOBS = "name, account, node or error"
_OF_JOBS = {name: field for name, field in FIELDS.items() if name != KIND}
JOBS = Grammar(_OF_JOBS, _IN_JOBS, "state:failed  node:gpu*  name:train  age>1h  !text")
ANOMALIES = Grammar(FIELDS, _IN_JOBS, "kind:lost,orphan  node:gpu*  account:bob  !text")
EVENTS = Grammar(EVENT_FIELDS, "actor, action or reason", "job:12  actor:alice*  action:kill,clean  node:gpu*  !text")
NODES = Grammar(NODE_FIELDS, "node, host or reason", "state:dead  node:gpu*  host:rack7*  !text")


@dataclass(frozen=True, slots=True)
class Option:
    """One continuation: ``text`` takes the place of what was typed from ``Completion.start`` on."""

    text: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """Options for the stretch ``start`` to ``end`` of the line; ``hint`` says what fits when there are none."""

    start: int
    end: int
    options: tuple[Option, ...] = ()
    hint: str = ""

    def apply(self, line: str, option: Option) -> str:
        """Return the line with an option taken."""
        return line[: self.start] + option.text + line[self.end :]


def complete(line: str, cursor: int, words: Mapping[str, Sequence[str]], grammar: Grammar = JOBS) -> Completion:
    """Return what can stand at the cursor; ``words`` has the values known now, by field.

    >>> [option.text for option in complete("state:fa", 8, {}).options]
    ['failed']
    """
    start = _word_start(line, cursor)
    start += line[start:cursor].startswith("!")
    typed = line[start:cursor]
    for operator in OPERATORS:
        name, found, value = typed.partition(operator)
        if found and name.lower() in grammar.fields:
            field = grammar.fields[name.lower()]
            begin = start + len(name) + len(operator) + value.rfind(",") + 1
            return _values(field, line[begin:cursor], begin, cursor, words)
    return _fields(typed, start, cursor, grammar)


def _word_start(line: str, cursor: int) -> int:
    """The begin of the word at the cursor; blanks between quotes are part of it."""
    start, quote = 0, ""
    for position, char in enumerate(line[:cursor]):
        if char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        elif not quote and char.isspace():
            start = position + 1
    return start


def _fields(typed: str, start: int, cursor: int, grammar: Grammar) -> Completion:
    fields = [field for name, field in grammar.fields.items() if name.startswith(typed.lower())]
    options = tuple(Option(field.name + _operator(field), field.help) for field in fields)
    return Completion(start, cursor, options, "" if options else f"any text in {grammar.searched}")


def _operator(field: Field) -> str:
    return ">" if field.kind is Kind.NUMBER and field.name in _NUMBER_HINTS else ":"


def _values(field: Field, typed: str, start: int, cursor: int, words: Mapping[str, Sequence[str]]) -> Completion:
    known = field.values or tuple(words.get(field.name, ()))
    begin = typed.lower().strip("\"'")
    fitting = [value for value in known if value.lower().startswith(begin)]
    fitting += [value for value in known if begin and begin in value.lower() and value not in fitting]
    if [value.lower() for value in fitting] == [typed.lower()]:
        fitting = []
    options = tuple(Option(_quoted(value), field.help) for value in fitting)
    example = _NUMBER_HINTS.get(field.name, "3" if field.kind is Kind.NUMBER else "word or gpu*")
    return Completion(start, cursor, options, "" if options else f"{field.help}, as {example}")


def _quoted(value: str) -> str:
    """The value as it must be typed."""
    plain = value and not any(char.isspace() or char in "\"',*?" for char in value)
    return value if plain else ('"' + value + '"' if '"' not in value else f"'{value}'")
