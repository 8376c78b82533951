"""What a filter that is being typed can go on with."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.actions.catalog import ACTIONS
from jobwarden.backend.domain.filters.completion import ANOMALIES, EVENTS, JOBS, NODES, Grammar, complete
from jobwarden.backend.domain.filters.jobs import FilterError, parse_filter
from jobwarden.backend.domain.filters.simple import DONE, parse_event_filter, parse_node_filter
from jobwarden.backend.errors import InputError

WORDS = {"account": ("alice", "bob", "Bobby", "a b"), "node": ("gpu1", "gpu2", "cpu1"), "partition": ("main",)}


def offered(line: str) -> list[str]:
    return [option.text for option in complete(line, len(line), WORDS).options]


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("st", ["state:"]),
        ("!sta", ["state:"]),
        ("e", ["elapsed>", "ended>", "exit:"]),
        ("state:", ["pending", "running", "completed", "failed", "cancelled", "starting", "held"]),
        ("state:c", ["completed", "cancelled"]),
        ("state:failed,c", ["completed", "cancelled"]),
        ("STATE!=f", ["failed"]),
        ("state:failed", []),
        ("account:bo", ["bob", "Bobby"]),
        ("node:pu1", ["gpu1", "cpu1"]),
        ("account:a", ["alice", '"a b"']),
        ('name:"a b" part', ["partition:"]),
        ("reason:time", ["timeout"]),
        ("age>", []),
        ("nothing of this", []),
    ],
)
def test_options(line: str, options: list[str]) -> None:
    assert offered(line) == options


def test_an_empty_line_offers_every_field() -> None:
    assert [text.rstrip(":>") for text in offered("")] == list(JOBS.fields)


def test_what_is_wrong_is_offered_of_anomalies_alone() -> None:
    assert offered("ki") == []
    assert [option.text for option in complete("kind:lo", 7, {}, ANOMALIES).options] == ["lost"]


def test_what_an_operator_can_do_is_offered_for_the_audit() -> None:
    assert {*ACTIONS, "drain", "resume"} <= set(DONE)
    assert [option.text for option in complete("action:mark", 11, {}, EVENTS).options] == ["mark-failed"]


@pytest.mark.parametrize(
    ("grammar", "parse"),
    [
        (JOBS, parse_filter),
        (ANOMALIES, lambda typed: parse_filter(typed, anomalies=True)),
        (EVENTS, parse_event_filter),
        (NODES, parse_node_filter),
    ],
)
def test_the_example_of_a_grammar_says_something_in_it(grammar: Grammar, parse: Callable[[str], object]) -> None:
    parse(grammar.example)


def test_a_taken_option_stands_in_place_of_what_was_typed() -> None:
    line = "age>1h state:failed,ca node:gpu1"
    completion = complete(line, line.index(" node"), WORDS)
    assert completion.apply(line, completion.options[0]) == "age>1h state:failed,cancelled node:gpu1"


def test_where_nothing_can_be_offered_it_is_said_what_fits() -> None:
    assert complete("age>", 4, WORDS).hint == "time since it was submitted, as 1h 30m 2d"
    assert "any text" in complete("zebra", 5, WORDS).hint


@given(st.text(max_size=30), st.integers(0, 30))
def test_whatever_is_typed_an_option_only_replaces_what_is_before_the_cursor(line: str, cursor: int) -> None:
    cursor = min(cursor, len(line))
    completion = complete(line, cursor, WORDS)
    assert 0 <= completion.start <= completion.end == cursor
    for option in completion.options:
        assert completion.apply(line, option).endswith(line[cursor:])


@pytest.mark.parametrize("field", ["state", "reason", "account", "node"])
def test_every_offered_value_is_understood(field: str) -> None:
    for text in offered(f"{field}:"):
        parse_filter(f"{field}:{text}")


@pytest.mark.parametrize(
    ("typed", "column", "length"),
    [("state:foo", 1, 9), ("name:x  sate:failed !y", 9, 11), ("a exit:x", 3, 6), ('x "abc', 3, 4), ("!", 1, 1)],
)
def test_an_error_points_at_its_word(typed: str, column: int, length: int) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(typed)
    assert (caught.value.column, caught.value.length) == (column, length)
    assert isinstance(caught.value, InputError)
    assert f"(column {column}" in str(caught.value)
