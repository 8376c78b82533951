"""The filter of the nodes: ``state:dead node:gpu* host:rack7* text !text``.

A word without a field is looked for in the node's name, its host and the reason for which it is drained. The nodes are
few and held as a whole: they are compared here, without a query.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Protocol

from backend.domain.filters import Field, Kind
from backend.domain.states import WorkerState
from backend.domain.terms import PlainTerm, parse_terms

FIELDS: dict[str, Field] = {
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
    return parse_terms(typed, FIELDS)


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
