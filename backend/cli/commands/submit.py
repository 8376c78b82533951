"""``jobwarden submit``."""

import os
from collections.abc import Callable
from itertools import islice
from typing import Any

import click

from jobwarden.backend.actions import admission
from jobwarden.backend.actions.results import current_actor, user_name
from jobwarden.backend.cli.completion_values import files
from jobwarden.backend.cli.say import say
from jobwarden.backend.domain.directives import near_misses, parse_directives
from jobwarden.backend.domain.options import Options, build_request, parse_options
from jobwarden.backend.domain.script import read_script
from jobwarden.backend.domain.units import MEMORY_UNITS, TIME_UNITS
from jobwarden.backend.errors import InputError
from jobwarden.backend.harmless import one_line
from jobwarden.backend.process.spool import script_name
from jobwarden.backend.services.session import Session, open_session

MOST_WARNINGS = 10
"""Lines about what a script says in vain; more are of no more use."""

VALUES: tuple[tuple[str, str, str], ...] = (
    ("name", "TEXT", "Name in listings. Default: the script's file name."),
    ("account", "NAME", "Account charged. Default: your user name."),
    ("partition", "NAME", "Group of nodes. Default: main."),
    ("cpus", "N", "CPUs. Default: 1."),
    (
        "memory",
        "SIZE",
        f"Memory like 512M or 2G: {MEMORY_UNITS}; rounded up to MiB. Default: the setting default_memory_mb.",
    ),
    ("gpus", "N", "GPUs. Default: 0."),
    ("time", "TIME", f"Time limit: {TIME_UNITS}; unlimited or infinite. Then the job is ended with TIMEOUT."),
    ("priority", "N", "Higher starts first. Default: 0."),
    ("work-dir", "DIR", "Working directory. Default: the current one."),
)


def _value_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, metavar, words in reversed(VALUES):
        command = click.option(f"--{name}", metavar=metavar, help=words)(command)
    return command


@click.command(context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.argument("script", shell_complete=files)
@click.argument("arguments", metavar="[ARGUMENT]...", nargs=-1, type=click.UNPROCESSED)
@_value_options
@click.option("--env", metavar="K=V", multiple=True, help="Set a variable; K alone copies yours. May be repeated.")
@click.option("--hold", is_flag=True, help="Submit held: do not start before `jobwarden unhold`.")
@click.option(
    "--wait",
    is_flag=True,
    help="Wait until the job ends and exit with its code: 128+n for signal n, 75 if it lost sight of the job.",
)
def submit(
    script: str, arguments: tuple[str, ...], env: tuple[str, ...], hold: bool, wait: bool, **values: str | None
) -> int:
    """Submit SCRIPT (- reads it from standard input) with its ARGUMENTS and print the new job's id.

    Options come before SCRIPT. The script's leading comments may hold them too, as `#JOBWARDEN --cpus 2`; the command
    line wins, `##JOBWARDEN` turns a line off. What runs is a copy: JOBWARDEN_SCRIPT holds the path of the original.

    Example: jobwarden submit --cpus 2 --time 10m train.sh --epochs 3
    """
    given = [(name.replace("_", "-"), value) for name, value in values.items() if value is not None]
    typed = parse_options([*given, *(("env", text) for text in env)], os.environ, hold=hold)
    text = read_script(script)
    options = typed.over(_directives(script, text))
    with open_session() as session:
        job_id = _submit(session, submitted_path(script), text, arguments, options)
        say(job_id)
        if not wait:
            return 0
        from jobwarden.backend.cli.waiting import wait_for  # here: most submissions do not wait

        return wait_for(session, job_id)


def _directives(script: str, text: str) -> Options:
    shown = "standard input" if script == "-" else script
    try:
        options = parse_directives(text)
    except InputError as exc:
        raise InputError(f"{shown}: {exc}") from None
    for line in islice(near_misses(text), MOST_WARNINGS):
        say(f"jobwarden: warning: {one_line(f'{shown}: {line}')}", err=True)
    return options


def submitted_path(script: str) -> str:
    """The absolute path of what was named to submit, nothing for standard input.

    In a job, whose ``$0`` is a copy below the spool, the copy stands for the file that it was made of.
    """
    if script == "-":
        return ""
    path = os.path.abspath(script)  # noqa: PTH100 (keeps links)
    allocation, job = os.environ.get("JOBWARDEN_ALLOCATION_ID"), os.environ.get("JOBWARDEN_JOB_ID")
    if allocation and job and path.endswith(f"/{allocation}/{script_name(job)}"):
        return os.environ.get("JOBWARDEN_SCRIPT", "")
    return path


def _submit(session: Session, submitted: str, text: str, arguments: tuple[str, ...], options: Options) -> int:
    request = build_request(
        text,
        arguments,
        options.over(Options(name=default_name(submitted))),
        account=user_name(),
        memory_mb=session.settings.default_memory_mb,
        time_limit=session.settings.default_time_limit,
        submitted=submitted,
    )
    with session.engine.begin() as conn:
        taken = admission.submit(conn, [request], current_actor())
    for warning in taken.warnings:
        say(f"job {taken.ids[0]} cannot start on any node: {warning}", err=True)
    return taken.ids[0]


def default_name(submitted: str) -> str:
    """The script's file name, as far as it can be a job's name."""
    base = os.path.basename(submitted)  # noqa: PTH119 (what was typed, not a file)
    return "".join(char for char in base if char.isprintable())[:200].strip() if submitted else "stdin"
