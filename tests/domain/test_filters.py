"""The filter grammar: what it says, and that every mistake is pointed at."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.domain.filters.jobs import FIELDS, Filter, Term, Value, parse_filter
from jobwarden.backend.errors import InputError
from jobwarden.backend.queries.filter_sql import to_sql


def only(text: str) -> Term:
    (term,) = parse_filter(text).terms
    return term


def test_every_word_of_the_contract() -> None:
    found = parse_filter("state:failed node:gpu* name:train account:bob reason:timeout age>1h exit!=0 text !text")
    assert found.terms == (
        Term("state", "=", (Value("failed"),)),
        Term("node", "=", (Value("gpu*", glob=True),)),
        Term("name", "=", (Value("train"),)),
        Term("account", "=", (Value("bob"),)),
        Term("reason", "=", (Value("timeout"),)),
        Term("age", ">", (Value("1h", 3600),)),
        Term("exit", "!=", (Value("0", 0),)),
        Term(None, "=", (Value("text"),)),
        Term(None, "=", (Value("text"),), negated=True),
    )


def test_alternatives_quotes_and_literal_stars() -> None:
    assert only("state:failed,CANCELLED").values == (Value("failed"), Value("cancelled"))
    assert only('name:"two words, one"').values == (Value("two words, one"),)
    assert only("'state:failed'") == Term(None, "=", (Value("state:failed"),))
    assert only('name:a"*"*').values == (Value("a\\**", glob=True),)
    assert only("!state:held").negated
    assert only("memory>=2G").values[0].number == 2048


def test_nothing_matches_everything() -> None:
    assert to_sql(parse_filter("  ")) == ("true", {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("state:faild", "did you mean failed? (column 1: 'state:faild')"),
        ("a sttae:x", "no field 'sttae'; did you mean state? (column 3:"),
        ("foo:bar", "valid are state"),
        ("state>failed", "state has no order"),
        ("exit:abc", "'abc' is not a whole number"),
        ("age>soon", "not a length of time"),
        ("name:", "name needs a value"),
        ("name:a,,b", "name needs a value"),
        ("a !", "nothing to look for (column 3:"),
        ('name:"open', "never closed (column 1)"),
        (":x", "no field ''"),
        ("cpus>99999999999999999999", "not a whole number"),
        ("memory>99999999999999T", "too large"),
        ("x\x1b[2J", "control characters"),
        ("x" * 1001, "longer than"),
    ],
)
def test_refused_and_pointed_at(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_filter(text)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


WORDS = st.one_of(
    st.text(max_size=20),
    st.builds("{}{}{}".format, st.sampled_from(list(FIELDS)), st.sampled_from(":=!<>"), st.text(max_size=10)),
)


@given(st.lists(WORDS).map(" ".join))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        found = parse_filter(text)
    except InputError as exc:
        assert str(exc).isprintable()
        return
    sql, params = to_sql(found)
    assert isinstance(found, Filter)
    assert set(re.findall(r":(f\d+)", sql)) == set(params)


@given(st.text(alphabet="';\"\\%_)(*-", min_size=1, max_size=12))
def test_values_never_reach_the_statement(text: str) -> None:
    harmless = to_sql(parse_filter("name:harmless"))[0]
    quoted = '"' + text.replace('"', "") + 'x"'
    assert to_sql(parse_filter(f"name:{quoted}"))[0] == harmless


def test_two_signs_make_no_number() -> None:
    with pytest.raises(InputError, match="'--5' is not a whole number"):
        parse_filter("exit=--5")
