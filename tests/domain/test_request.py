"""A request that exists is valid; everything else is an InputError that names what is wrong."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.domain.options import Options, build_request, parse_options
from jobwarden.backend.domain.request import JobRequest, check_work_dir
from jobwarden.backend.errors import InputError


def request(**changes: Any) -> JobRequest:
    return JobRequest(**{"script": "echo", "work_dir": "/", "account": "alice", **changes})


def built(**options: Any) -> JobRequest:
    return build_request("echo", ("a b",), Options(**options), account="alice", memory_mb=64, time_limit=30)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cpus": 0}, "--cpus: 0 is out of range"),
        ({"cpus": -4}, "--cpus: -4"),
        ({"cpus": 10**30}, "out of range"),
        ({"cpus": True}, "not a whole number"),
        ({"cpus": 1.5}, "not a whole number"),
        ({"memory_mb": 0}, "--memory"),
        ({"memory_mb": 2**40}, "--memory"),
        ({"gpus": -1}, "--gpus"),
        ({"time_limit": 0}, "--time"),
        ({"time_limit": 10**10}, "--time"),
        ({"priority": 10**7}, "--priority"),
        ({"name": ""}, "1 to 200"),
        ({"name": "   "}, "1 to 200"),
        ({"name": "x" * 201}, "1 to 200"),
        ({"name": "evil\x1b[2J"}, "control characters"),
        ({"name": "rtl\u202e"}, "control characters"),
        ({"name": "\udc80"}, "UTF-8"),
        ({"account": "two words"}, "spaces"),
        ({"partition": ""}, "1 to 64"),
        ({"work_dir": "relative"}, "not absolute"),
        ({"script": "  "}, "empty script"),
        ({"script": "a\0b"}, "NUL"),
        ({"arguments": ("a\0",)}, "argument .* NUL"),
        ({"arguments": ("\udc80",)}, "UTF-8"),
        ({"arguments": ("x" * 131_072,)}, "longer than 127 KiB"),
        ({"arguments": ("x" * 100_000,) * 11}, "longer than 1024 KiB"),
        ({"environment": {"": "x"}}, "not the name"),
        ({"environment": {"A=B": "x"}}, "not the name"),
        ({"environment": {"A": "\0"}}, "NUL"),
    ],
)
def test_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        request(**changes)
    assert str(caught.value).isprintable()


def test_more_than_any_node_has_is_accepted() -> None:
    assert request(cpus=512).cpus == 512


def test_awkward_strings_are_kept_as_they_are() -> None:
    words = ("two words", "quo'te\"s", "new\nline", "ünïcode", "")
    assert request(arguments=words).arguments == words
    assert request(environment={"A b": "x\ny"}).environment == {"A b": "x\ny"}


def test_options_say_and_defaults_fill() -> None:
    job = built(cpus=2, name="n")
    assert (job.name, job.cpus, job.account, job.memory_mb, job.time_limit) == ("n", 2, "alice", 64, 30)
    assert job.arguments == ("a b",)
    assert job.work_dir == str(Path.cwd().resolve())


def test_unlimited_overrides_a_default_limit() -> None:
    assert built(time_limit="unlimited").time_limit is None


def test_the_command_line_wins_over_the_script_and_environments_join() -> None:
    script = parse_options([("cpus", "2"), ("name", "s"), ("env", "A=1"), ("env", "B=1")], {})
    line = parse_options([("cpus", "4"), ("env", "B=2"), ("env", "HOME")], {"HOME": "/h"})
    both = line.over(script)
    assert (both.cpus, both.name, both.environment) == (4, "s", {"A": "1", "B": "2", "HOME": "/h"})


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("cpus", "many", "--cpus: 'many' is not a whole number"),
        ("cpus", "9" * 5000, "not a whole number"),
        ("memory", "0", "--memory"),
        ("time", "-5", "--time"),
        ("env", "=x", "names no variable"),
        ("env", "UNSET", "is not set here"),
    ],
)
def test_bad_option_text_names_the_option(option: str, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_options([(option, text)], {})


@given(st.sampled_from(["name", "cpus", "memory", "gpus", "time", "priority", "env", "account"]), st.text())
def test_any_option_text_builds_or_is_refused(option: str, text: str) -> None:
    try:
        build_request("x", (), parse_options([(option, text)], {}), account="a", memory_mb=1, time_limit=None)
    except InputError as exc:
        assert str(exc).isprintable()


def test_work_dir_must_be_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    assert check_work_dir(str(tmp_path / "link")) == str(tmp_path.resolve())
    for path, words in [
        ("none", "does not exist"),
        ("file", "not a directory"),
        ("a\0", "NUL"),
        ("file/x", "work dir"),
    ]:
        with pytest.raises(InputError, match=words):
            check_work_dir(f"{tmp_path}/{path}")
