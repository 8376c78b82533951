"""The filter of the nodes."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.domain.filters.simple import node_matches, parse_node_filter
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.errors import InputError


@dataclass(frozen=True)
class Node:
    node_name: str
    hostname: str
    state: WorkerState = WorkerState.ONLINE
    drain_reason: str | None = None


NODES = (
    Node("gpu1", "rack7-a"),
    Node("gpu2", "rack7-b", WorkerState.DRAINING, "Disk [sdb] is replaced"),
    Node("cpu1", "rack8-a", WorkerState.DEAD),
)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("", ["gpu1", "gpu2", "cpu1"]),
        ("state:dead", ["cpu1"]),
        ("state:online,draining", ["gpu1", "gpu2"]),
        ("node:gpu*", ["gpu1", "gpu2"]),
        ("node:gpu", []),
        ("NODE:GPU1", ["gpu1"]),
        ("host:rack7* !state:draining", ["gpu1"]),
        ("rack8", ["cpu1"]),
        ("disk", ["gpu2"]),
        ("[sdb]", ["gpu2"]),
        ("!gpu", ["cpu1"]),
        ("node:gpu?", []),
    ],
)
def test_what_matches(typed: str, names: list[str]) -> None:
    terms = parse_node_filter(typed)
    assert [node.node_name for node in NODES if node_matches(terms, node)] == names


@pytest.mark.parametrize(
    ("typed", "words"),
    [("state:deaf", "valid are online"), ("nod:x", "did you mean node?"), ("node:", "nothing"), ("!", "nothing")],
)
def test_refused_with_what_to_do(typed: str, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        parse_node_filter(typed)


@given(st.text(max_size=30))
def test_any_text_is_a_filter_or_refused(typed: str) -> None:
    try:
        terms = parse_node_filter(typed)
    except InputError as exc:
        assert str(exc).isprintable()
        return
    assert [node_matches(terms, node) for node in NODES]
