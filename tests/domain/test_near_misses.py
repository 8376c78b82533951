"""Lines of a script that look like options and are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.domain.directives import near_misses


@pytest.mark.parametrize(
    "line",
    [
        "#jobwarden --time 1m", " #JOBWARDEN --time 1m", "\t#JOBWARDEN --time 1m", "# JOBWARDEN --time 1m",
        "#JOBWARDN --time 1m", "#JOBWARDEN: --time 1m", "#JOBWARDEN--time 1m", "#JOBWARDENS --time 1m",
        "#Jobwarden: --time 1m", "#JOBWARDEN=--time 1m", "#JOBWRADEN --time 1m", "#jobwarden --time=1m\r",
    ],
)  # fmt: skip
def test_a_near_miss_is_told_with_its_line_and_what_to_write(line: str) -> None:
    [said] = near_misses(f"#!/bin/sh\n{line}\n#JOBWARDEN --cpus 2\necho\n")
    assert said.startswith("line 2: ")
    assert "'#JOBWARDEN --time" in said
    assert said.endswith("at the beginning of the line")


@pytest.mark.parametrize("line", ["#JOBWARDEN --cpus 2", "  #JOBWARDEN --cpus 2", "#jobwarden --cpus 2"])
def test_an_option_below_the_first_command(line: str) -> None:
    assert list(near_misses(f"#!/bin/sh\n\necho\n{line}\n")) == [
        f"line 4: '{line.strip()}' is ignored: it is below the first command"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "#JOBWARDEN --cpus 2", "#JOBWARDEN\t--cpus 2", "##JOBWARDEN --cpus 2", "# #JOBWARDEN --cpus 2", "# a comment",
        "# jobwarden submit --cpus 2 this.sh", "# jobwarden runs this --time and again", "# jobwarden --version",
        "# the warden --time", "#SBATCH --time 1", "echo '#JOBWARDEN --cpus 2'", "# see jobwarden(1)", "#",
        "cat > other.sh <<'END'\n#JOBWARDEN --cpus 2\nEND", "cat <<-END\n\t#JOBWARDEN --time 1m\n\tEND",
    ],
)  # fmt: skip
def test_no_false_alarm(line: str) -> None:
    assert list(near_misses(f"#!/bin/sh\n{line}\n")) == []


def test_after_a_here_document_lines_count_again() -> None:
    assert len(list(near_misses("cat <<X\n#JOBWARDEN --cpus 2\nX\n#JOBWARDEN --cpus 2\n"))) == 1


@given(st.text(), st.text())
def test_any_script_is_looked_at(head: str, line: str) -> None:
    for said in near_misses(f"{head}\n#JOBWARDEN{line} --cpus 1\n #JOBWARDEN {line}"):
        assert said.isprintable()
