"""Completion as a real shell asks for it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable

import pytest

from jobwarden.backend.cli.commands.info import SHELLS
from jobwarden.backend.cli.main import COMPLETION, VERBS
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from tests.support.cli import COMMAND, Cli
from tests.support.rows import add_node, pending, running, without_rules

PATIENCE = 60.0
ASK = r"""
source <(jobwarden completion bash)
COMP_LINE=$1 COMP_POINT=${#1}
complete -p jobwarden > /dev/null || exit 9
_jobwarden_completion jobwarden
printf '%s\n' "${COMPREPLY[@]}"
"""
"""What readline does when TAB is pressed."""

Complete = Callable[..., list[str]]


def with_path(cli: Cli, **more: str) -> dict[str, str]:
    return {**cli.env, "PATH": f"{COMMAND.parent}:{os.environ['PATH']}", **more}


@pytest.fixture
def complete(cli: Cli) -> Complete:
    """The candidates for what was typed so far; nothing may be said besides."""

    def ask(typed: str, **more: str) -> list[str]:
        done = subprocess.run(
            ["bash", "--norc", "-c", ASK, "bash", typed], env=with_path(cli, **more), capture_output=True, text=True,
            timeout=PATIENCE, check=False, cwd=cli.cwd,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.split()

    return ask


@pytest.fixture
def jobs(engine: Engine) -> tuple[int, int]:
    """One that runs on node1, one that waits."""
    with engine.begin() as conn:
        return running(conn, add_node(conn))[0], pending(conn)


def test_verbs_and_options(complete: Complete) -> None:
    assert complete("jobwarden ") == list(VERBS)
    assert complete("jobwarden re") == ["release", "resubmit", "resume"]
    assert complete("jobwarden health --ti") == ["--timeout"]
    assert complete("jobwarden completion ") == list(SHELLS)
    assert complete("jobwarden db up") == ["upgrade"]


def test_ids_are_those_that_the_verb_is_for(complete: Complete, jobs: tuple[int, int]) -> None:
    runs, waits = map(str, jobs)
    assert complete("jobwarden kill ") == [waits, runs]
    assert complete(f"jobwarden kill {waits} ") == [waits, runs]
    assert complete(f"jobwarden show {runs}") == [runs]
    assert complete("jobwarden hold ") == [waits]
    assert complete("jobwarden resubmit ") == []
    assert complete("jobwarden events --job ") == [waits, runs]


def test_nodes(complete: Complete, jobs: tuple[int, int]) -> None:
    assert complete("jobwarden drain ") == ["node1"]
    assert complete("jobwarden drain x") == []
    assert complete("jobwarden worker --node n") == ["node1"]
    assert complete("jobwarden jobs node:") == ["node1"]


def test_words_of_a_filter_go_on_behind_the_colon(complete: Complete) -> None:
    assert complete("jobwarden jobs state:ca") == ["cancelled"]
    assert complete("jobwarden kill reason:time") == ["timeout"]
    assert "state:running" in complete("jobwarden jobs st")
    assert complete("jobwarden kill --filter state:run") == ["running"]


@pytest.mark.parametrize("typed", ["jobwarden ", "jobwarden ki", "jobwarden --ver"])
def test_verbs_are_offered_without_loading_any(cli: Cli, typed: str) -> None:
    words = str(len(typed.split()) - (not typed.endswith(" ")))
    done = cli(COMP_WORDS=typed, COMP_CWORD=words, _JOBWARDEN_COMPLETE="bash_complete", PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in done.err.splitlines()}
    assert done.out.strip()
    assert "jobwarden.backend.cli.main" in loaded
    assert not loaded & {
        "sqlalchemy",
        "psycopg2",
        "pydantic",
        "jobwarden.backend.config.settings",
        "jobwarden.backend.services.session",
    }


def test_without_a_database_there_is_no_candidate_and_no_word(complete: Complete) -> None:
    assert complete("jobwarden kill ", DATABASE_URL="postgresql://nobody@127.0.0.1:9/nothing") == []
    assert complete("jobwarden drain ", DATABASE_URL="nonsense") == []
    assert complete("jobwarden show ", JOBWARDEN_LEASE_SECONDS="none") == []


def test_nothing_is_started_for_it(cli: Cli, settings: Settings) -> None:
    """A home without servers stays one."""
    env = {name: value for name, value in cli.env.items() if not name.endswith("_URL")}
    bare = Cli(env, cli.cwd)
    done = bare("kill", COMP_WORDS="jobwarden kill ", COMP_CWORD="2", _JOBWARDEN_COMPLETE="bash_complete")
    assert (done.code, done.out.strip(), done.err) == (0, "", "")
    assert list(settings.home.rglob("*")) == []


def test_names_that_drive_a_terminal_stay_out(engine: Engine, cli: Cli) -> None:
    with engine.begin() as conn:
        job_id = pending(conn, name="ok")
        without_rules(conn, "jobs")
        conn.execute_script(f"UPDATE jobs SET name = E'a\\nplain,evil\\x1b[2J' WHERE id = {job_id}")
    done = cli(COMP_WORDS="jobwarden show", COMP_CWORD="", _JOBWARDEN_COMPLETE="fish_complete")
    assert "\x1b" not in done.out
    assert "\nplain,evil" not in done.out
    assert str(job_id) in done.out


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_is_one_of_its_shell(cli: Cli, shell: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    done = cli("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert "_JOBWARDEN_COMPLETE" in done.out
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path_factory.mktemp("scripts") / shell
    script.write_text(done.out)
    assert subprocess.run([shell, "-n", script], check=False, timeout=PATIENCE).returncode == 0


def test_another_shell_is_bad_input(cli: Cli) -> None:
    done = cli("completion", "tcsh")
    assert (done.code, done.err.count("\n")) == (2, 1)


def test_tab_in_an_interactive_bash(cli: Cli, jobs: tuple[int, int]) -> None:
    main, side = pty.openpty()
    shell = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"], env=with_path(cli, TERM="dumb"), stdin=side, stdout=side,
        stderr=side, cwd=cli.cwd, start_new_session=True,
    )  # fmt: skip
    os.close(side)
    try:
        answer(main, "source <(jobwarden completion bash); echo read''y\n", "\nready")
        answer(main, "jobwarden hol\t", "jobwarden hold ")
        answer(main, "\t", f"{jobs[1]} ")
        answer(main, "\n", f"job {jobs[1]}: held")
        answer(main, "jobwarden jobs state:cance\t", "state:cancelled ")
    finally:
        shell.kill()
        shell.wait()
        os.close(main)


def answer(terminal: int, typed: str, expected: str) -> None:
    """Type, and wait until the terminal has shown what is expected since."""
    os.write(terminal, typed.encode())
    shown, deadline = "", time.monotonic() + PATIENCE
    while expected not in shown.replace("\r", "").replace("\a", ""):
        assert select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0], f"only {shown!r}"
        shown += os.read(terminal, 4096).decode(errors="replace")


@pytest.mark.parametrize("typed", ["nonsense ", "nonsense --j", "job state"])
def test_an_unknown_verb_is_no_reason_to_complain_in_the_midst_of_typing(typed: str, cli: Cli) -> None:
    """bash is told to throw complaints away; the functions for zsh and fish show them at the prompt."""
    words = ["jobwarden", *typed.split(" ")]
    asked = {"_JOBWARDEN_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    assert cli.with_env(asked)().err == ""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("verb", ["submit", "jobs", "show", "logs", "clean"])
def test_a_name_that_is_no_text_is_left_to_the_shell(cli: Cli, shell: str, verb: str) -> None:
    """A file of another encoding begins with bytes that are no UTF-8: never a complaint amid what is typed."""
    word = os.fsdecode(b"\xab")
    asked = {COMPLETION: f"{shell}_complete", "COMP_WORDS": f"jobwarden {verb} {word}"}
    done = cli.with_env(asked)(COMP_CWORD=word if shell == "fish" else "2")
    assert (done.code, done.err) == (0, "")
