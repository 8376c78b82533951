"""``jobwarden submit``."""

import json
import os
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import click

from jobwarden.backend.actions import admission
from jobwarden.backend.actions.results import current_actor
from jobwarden.backend.cli.completion_values import files
from jobwarden.backend.cli.say import say
from jobwarden.backend.config.settings import load_settings
from jobwarden.backend.domain.directives import near_misses, parse_directives
from jobwarden.backend.domain.options import Options, parse_options
from jobwarden.backend.domain.script import read_script
from jobwarden.backend.domain.units import MEMORY_UNITS, TIME_UNITS
from jobwarden.backend.errors import InputError
from jobwarden.backend.harmless import one_line
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
@click.argument("script", required=False, shell_complete=files)
@click.argument("arguments", metavar="[ARGUMENT]...", nargs=-1, type=click.UNPROCESSED)
@_value_options
@click.option("--env", metavar="K=V", multiple=True, help="Set a variable; K alone copies yours. May be repeated.")
@click.option("--hold", is_flag=True, help="Submit held: do not start before `jobwarden unhold`.")
@click.option(
    "--from",
    "source",
    metavar="FILE",
    shell_complete=files,
    help="Submit many: a JSON object a line (- reads standard input), all of them or none; prints their ids.",
)
@click.option(
    "--wait",
    is_flag=True,
    help="Wait until the job ends and exit with its code: 128+n for signal n, 75 if it lost sight of the job.",
)
def submit(
    script: str | None,
    arguments: tuple[str, ...],
    env: tuple[str, ...],
    hold: bool,
    source: str | None,
    wait: bool,
    **values: str | None,
) -> int:
    """Submit SCRIPT (- reads it from standard input) with its ARGUMENTS and print the new job's id.

    Options come before SCRIPT. The script's leading comments may hold them too, as `#JOBWARDEN --cpus 2`; the command
    line wins, `##JOBWARDEN` turns a line off. What runs is a copy: JOBWARDEN_SCRIPT holds the path of the original.

    With --from every line of FILE is one job in the words of the options, as {"script": "train.sh", "memory": "2G",
    "arguments": ["7"], "env": {"SEED": "7"}}, or with the "text" of a script. What is given here holds for all of them.

    Example: jobwarden submit --cpus 2 --time 10m train.sh --epochs 3
    """
    given = [(name.replace("_", "-"), value) for name, value in values.items() if value is not None]
    typed = parse_options([*given, *(("env", text) for text in env)], os.environ, hold=hold)
    if source is not None:
        if script is not None or wait:
            raise InputError("--from takes its scripts from the file: it goes with options, not with SCRIPT or --wait")
        return _submit_many(source, typed)
    if script is None:
        raise InputError("name the script to submit (- for standard input), or many with --from FILE")
    text = read_script(script)
    options = typed.over(_directives(script, text))
    with open_session() as session:
        job_id = _submit(session, admission.submitted_path(script), text, arguments, options)
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


def _submit_many(source: str, typed: Options) -> int:
    settings = load_settings()
    requests = admission.requests_of(_items(source), settings, typed)  # no connection waits for what is still typed
    with open_session(settings) as session, session.engine.begin() as conn:
        taken = admission.submit(conn, requests, current_actor())
    for warning in taken.warnings[:MOST_WARNINGS]:
        say(f"some of them cannot start on any node: {warning}", err=True)
    if taken.ids:
        say("\n".join(map(str, taken.ids)))
    return 0


def _items(source: str) -> Iterator[tuple[str, object]]:
    """The objects of a file of JSON lines, each with how to call it; empty lines are none."""
    try:
        with click.open_file(source, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"line {number}", _object(number, line)
    except OSError as exc:
        raise InputError(f"{one_line(source)}: cannot be read: {exc.strerror or exc}") from None
    except UnicodeDecodeError:
        raise InputError(f"{one_line(source)}: is not UTF-8") from None


def _object(number: int, line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise InputError(f"line {number}: is not JSON: {exc}") from None


def _submit(session: Session, submitted: str, text: str, arguments: tuple[str, ...], options: Options) -> int:
    named = options if submitted else options.over(Options(name="stdin"))
    request = admission.request_of(session.settings, text, arguments, named, submitted)
    with session.engine.begin() as conn:
        taken = admission.submit(conn, [request], current_actor())
    for warning in taken.warnings:
        say(f"job {taken.ids[0]} cannot start on any node: {warning}", err=True)
    return taken.ids[0]
