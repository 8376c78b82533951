"""Options that scripts carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.domain.directives import parse_directives
from jobwarden.backend.domain.options import Options
from jobwarden.backend.errors import InputError


def test_the_leading_comment_block_is_read() -> None:
    options = parse_directives(
        "#!/bin/sh\n"
        "# a comment\n"
        '#JOBWARDEN --cpus 2 --name "two words"  # don\'t mind me\n'
        "\n"
        "#JOBWARDEN --env A=1 --env 'B=x y'\r\n"
        "#JOBWARDEN\t--time=10m --hold\n"
        "echo\n"
        "#JOBWARDEN --nonsense\n"
    )
    assert options == Options(cpus=2, name="two words", time_limit=600, environment={"A": "1", "B": "x y"}, held=True)


def test_a_later_line_wins() -> None:
    assert parse_directives("#JOBWARDEN --cpus 2\n#JOBWARDEN --cpus 3\n").cpus == 3


def test_other_comments_are_left_alone() -> None:
    assert parse_directives("#JOBWARDENS --x\n##JOBWARDEN --x\n# JOBWARDEN --x\n") == Options()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--cpu 2", "line 2: unknown option '--cpu': did you mean --cpus?"),
        ("--zzzzzz 2", "the options are --name"),
        ("-c 2", "unknown option '-c'"),
        ("cpus 2", "unknown option 'cpus'"),
        ("--cpus", "--cpus needs a value"),
        ("--cpus 0", "--cpus: 0 is out of range"),
        ("--hold=yes", "takes no value"),
        ("--name 'x", "no closing quotation"),
        ("--env HOME", "not set here"),
        ("--name " + "x" * 70_000, "longer than"),
    ],
)
def test_refused_with_the_line_number(line: str, words: str) -> None:
    with pytest.raises(InputError, match="line 2: ") as caught:
        parse_directives(f"#!/bin/sh\n#JOBWARDEN {line}\n")
    assert words in str(caught.value)


@given(st.text(), st.text())
def test_any_script_is_read_or_refused(line: str, rest: str) -> None:
    try:
        parse_directives(f"#JOBWARDEN {line}\n{rest}")
    except InputError as exc:
        assert str(exc).startswith("line ")
        assert str(exc).isprintable()


def test_directives_without_end_are_refused() -> None:
    """A script may have four megabytes, a list of options has not."""
    with pytest.raises(InputError, match="line 5: the #JOBWARDEN lines are longer than 262144 characters together"):
        parse_directives(f"#JOBWARDEN --name {'x' * 60_000}\n" * 50)
