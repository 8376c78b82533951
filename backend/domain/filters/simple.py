"""Filters of short lists, ``field:value text !text``, and the fields of the two that have them: audit and nodes.

Terms are separated by blanks and all must hold; ``!`` in front negates one, ``a,b`` after ``:`` means either, ``*``
stands for any text.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from jobwarden.backend.domain.filters.jobs import Field, Kind
from jobwarden.backend.domain.states import JobState, WorkerState
from jobwarden.backend.domain.units import is_id, shorten
from jobwarden.backend.errors import InputError

MAX_FILTER = 500
"""Characters in a filter."""


@dataclass(frozen=True, slots=True)
class PlainTerm:
    """One condition; ``field`` None is free text, any of the ``values`` will do."""

    field: str | None
    values: tuple[str, ...]
    negated: bool = False


def parse_terms(typed: str, fields: Mapping[str, Field]) -> tuple[PlainTerm, ...]:
    """Return the terms of a filter as typed. Raises InputError that names the word which is wrong.

    >>> parse_terms("job:12 !retry", {"job": Field("job", Kind.NUMBER, "")})[1]
    PlainTerm(field=None, values=('retry',), negated=True)
    """
    if len(typed) > MAX_FILTER or not typed.isprintable():
        raise InputError(f"filter: longer than {MAX_FILTER} characters, or not printable")
    return tuple(_term(word, fields) for word in typed.split())


def _term(word: str, fields: Mapping[str, Field]) -> PlainTerm:
    negated, said = word.startswith("!"), word.removeprefix("!")
    name, colon, rest = said.partition(":")
    if not said or (colon and not rest):
        raise InputError(f"filter: nothing to look for in {shorten(word)}")
    if not colon:
        return PlainTerm(None, (said,), negated)
    field = fields.get(name.lower())
    if field is None:
        nearest = difflib.get_close_matches(name.lower(), fields, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]}?" if nearest else f"valid are {', '.join(fields)}"
        raise InputError(f"filter: no field {shorten(name)}; {hint}")
    values = tuple(value for value in rest.split(",") if value)
    _check(field, values)
    return PlainTerm(field.name, values, negated)


def _check(field: Field, values: tuple[str, ...]) -> None:
    if not values:
        raise InputError(f"filter: {field.name} needs a value")
    for value in values:
        if field.kind is Kind.NUMBER and not is_id(value):
            raise InputError(f"filter: {field.name} is a number, not {shorten(value)}")
        if field.kind is Kind.WORD and value.lower() not in field.values:
            raise InputError(f"filter: no {field.name} {shorten(value)}; valid are {', '.join(field.values)}")


# The filter of the audit: ``job:12 actor:alice* action:kill,clean state:failed node:gpu* text !text``.
#
# A word without a field is looked for in actor, action and reason; a number also matches the job.

DONE = (
    "submit", "allocate", "start", "finish", "requeue", "adopt", "sql", "worker-started", "worker-stopped",
    "worker-lost", "cancel", "kill", "mark-failed", "release", "clean", "resubmit", "hold", "unhold",
    "priority", "drain", "resume", "users",
)  # fmt: skip
"""What is done most, to be offered; any other word may be looked for too."""
EVENT_FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("job", Kind.NUMBER, "job id"),
        Field("actor", Kind.TEXT, "actor"),
        Field("action", Kind.TEXT, "action", DONE),
        Field("state", Kind.WORD, "new job state", tuple(state.lower() for state in JobState)),
        Field("node", Kind.TEXT, "node concerned"),
    )
}
"""Names that may stand before the colon."""


def parse_event_filter(typed: str) -> tuple[PlainTerm, ...]:
    """Return the terms of a filter of the audit. Raises InputError."""
    return parse_terms(typed, EVENT_FIELDS)


# The filter of the nodes: ``state:dead node:gpu* host:rack7* text !text``.
#
# A word without a field is looked for in the node's name, its host and the reason for which it is drained. The nodes
# are few and held as a whole: they are compared here, without a query.

NODE_FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("node", Kind.TEXT, "name of the node"),
        Field("state", Kind.WORD, "state of its worker", tuple(state.lower() for state in WorkerState)),
        Field("host", Kind.TEXT, "host the worker runs on"),
    )
}
"""Names that may stand before the colon."""


class Node(Protocol):
    """What is compared."""

    @property
    def node_name(self) -> str: ...
    @property
    def hostname(self) -> str: ...
    @property
    def state(self) -> WorkerState: ...
    @property
    def drain_reason(self) -> str | None: ...


def parse_node_filter(typed: str) -> tuple[PlainTerm, ...]:
    """Return the terms of a filter of the nodes. Raises InputError."""
    return parse_terms(typed, NODE_FIELDS)


def node_matches(terms: Iterable[PlainTerm], node: Node) -> bool:
    """Whether all terms hold for a node, whatever the case of the letters."""
    return all(_holds(term, node) is not term.negated for term in terms)


def _holds(term: PlainTerm, node: Node) -> bool:
    match term.field:
        case "state":
            return node.state.lower() in (value.lower() for value in term.values)
        case None:
            searched = (node.node_name, node.hostname, node.drain_reason or "")
            return any(_like(text, f"*{term.values[0]}*") for text in searched)
        case field:
            text = node.node_name if field == "node" else node.hostname
            return any(_like(text, value) for value in term.values)


def _like(text: str, pattern: str) -> bool:
    """Only ``*`` stands for other letters, as in every filter."""
    plain = pattern.lower().replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(text.lower(), plain)
