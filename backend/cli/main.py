"""The command ``jobwarden``: finds the verb, runs it, and turns every error into one line and an exit code.

Verbs are imported when they are called, so that ``--help`` and completion never load a database driver or a screen.
"""

import difflib
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from jobwarden.backend.cli.say import say
from jobwarden.backend.errors import JobwardenError
from jobwarden.backend.harmless import hide_password, one_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERBS: dict[str, tuple[str, str]] = {
    "up": ("services", "Start the servers and a worker, and open the dashboard."),
    "down": ("services", "Stop the worker and the servers; jobs keep running."),
    "worker": ("services", "Run this node's worker in the foreground."),
    "tui": ("services", "Open the dashboard."),
    "submit": ("submit", "Submit a script as a job and print its id."),
    "jobs": ("jobs", "List jobs."),
    "show": ("jobs", "Show everything about one job."),
    "logs": ("logs", "Print or follow the output of a job."),
    "cancel": ("actions", "Cancel jobs: they become CANCELLED."),
    "kill": ("actions", "Kill jobs: they become FAILED."),
    "mark-failed": ("actions", "Mark jobs FAILED whose processes are gone."),
    "release": ("actions", "Release the resources that finished jobs still hold."),
    "resubmit": ("actions", "Resubmit finished jobs as new jobs."),
    "hold": ("actions", "Hold pending jobs: they do not start."),
    "unhold": ("actions", "Unhold held jobs: they may start again."),
    "priority": ("actions", "Set the priority of pending jobs."),
    "orphans": ("orphans", "List anomalies: jobs whose record and processes disagree."),
    "clean": ("orphans", "Clean up the anomalies that `orphans` lists."),
    "workers": ("nodes", "List the workers and the resources of their nodes."),
    "drain": ("nodes", "Drain a node: no new jobs, running jobs go on."),
    "resume": ("nodes", "Resume a drained node: it gets new jobs again."),
    "users": ("users", "Show or map which Unix user the jobs of a login run as."),
    "events": ("events", "Print the audit: who did what, when and why."),
    "alerts": ("monitoring", "List open alerts, or send a test notice."),
    "metrics": ("monitoring", "Print or serve metrics for Prometheus."),
    "health": ("monitoring", "Check everything and say what to do."),
    "housekeeping": ("cleanup", "Release stale allocations, remove old files, archive old jobs."),
    "db": ("db", "Upgrade, inspect or open the database."),
    "config": ("info", "Show the settings and where each comes from."),
    "help": ("info", "Show the help of a verb."),
    "completion": ("info", "Print the shell completion script."),
}
"""Verb -> module of ``cli.commands`` that defines it (under the same name, ``-`` as ``_``), and its line of help."""
ALIASES = {"cleanup": "housekeeping"}
"""Former names, which still work and are not listed."""

COMPLETION = "_JOBWARDEN_COMPLETE"
"""Set by the shell's completion function, see click's documentation."""
INTERRUPTED = 130
BROKEN_PIPE = 141


class LazyGroup(click.Group):
    """A group whose commands are imported on use; its help is written from VERBS alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Verbs in the order a newcomer meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the verb, None when there is none of that name."""
        cmd_name = ALIASES.get(cmd_name, cmd_name)
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"jobwarden.backend.cli.commands.{VERBS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Offer verbs from VERBS alone, and the options once a dash was typed."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from click.shell_completion import CompletionItem

        found = [(name, line) for name, (_, line) in VERBS.items() if name.startswith(incomplete)]
        return [CompletionItem(name, help=line) for name, line in found]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb of a command line; names the nearest one when it is unknown."""
        args = [ALIASES.get(args[0], args[0]), *args[1:]] if args else args
        completing = ctx.resilient_parsing  # then nobody has typed to the end yet
        if args and args[0] not in VERBS and not args[0].startswith("-") and not completing:
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"did you mean {near[0]}?" if near else "see `jobwarden --help`"
            raise click.UsageError(f"no verb {args[0]!a}: {hint}")
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"jobwarden {version('jobwarden')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.option(
    "--version",
    "-V",
    "-v",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version.",
)
def cli() -> None:
    """Run scripts as jobs, never lose track of one, and see them live.

    Start here: `jobwarden up`, then `jobwarden submit SCRIPT` in another terminal.
    """


def main() -> NoReturn:
    """Entry point of the console script."""
    replace_what_cannot_be_shown()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _reader_left()
    sys.exit(code)


def replace_what_cannot_be_shown() -> None:
    """Let no character end a listing: what the encoding of standard output or error has not is a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # else it is closed, or not ours
            stream.reconfigure(errors="replace")


def run(args: Sequence[str]) -> int:
    """Run one command line; the exit code. Whatever happens, a user sees at most one line of it on stderr."""
    try:
        if COMPLETION in os.environ:
            _complete()
        # Not cli.main: that one has ideas of its own about a reader that leaves and about ctrl-C.
        with cli.make_context("jobwarden", list(args)) as ctx:
            result = cli.invoke(ctx)
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as exc:
        say(exc.format_message(), err=True)
        return 2
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as exc:
        return _complain(exc.format_message(), 2)
    except JobwardenError as exc:
        return _complain(str(exc), exc.exit_code)
    except BrokenPipeError:
        return _reader_left()
    except Exception as exc:
        return _unexpected(exc)


def _complete() -> None:
    """Print candidates for what a shell was typed so far. click gives the words back encoded and knows UTF-8 alone; a
    file with another name is found by the shell itself."""
    for variable in ("COMP_WORDS", "COMP_CWORD"):
        if variable in os.environ:
            os.environ[variable] = os.fsencode(os.environ[variable]).decode(errors="replace")
    cli.main(prog_name="jobwarden", complete_var=COMPLETION)


def _complain(message: str, code: int) -> int:
    say(f"jobwarden: {one_line(hide_password(message))}", err=True)
    return code


def _reader_left() -> int:
    """Like a program that SIGPIPE ended; the rest of the output goes nowhere, also at interpreter exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return BROKEN_PIPE


def _note(exc: Exception) -> Path:
    """Write the traceback down; the file it went to."""
    from jobwarden.backend.config.settings import load_settings
    from jobwarden.backend.embedded.home import prepare, trusted_home
    from jobwarden.backend.files import open_trusted

    home = trusted_home(load_settings())
    prepare(home)
    log = home.log / "cli.log"
    fd = open_trusted(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with os.fdopen(fd, "a", encoding="utf-8", errors="backslashreplace") as file:
        traceback.print_exception(exc, file=file)
    return log


def _unexpected(exc: Exception) -> int:
    """An internal error: the traceback goes to the log of the home, the user gets a line that says where."""
    try:
        what = one_line(f"{type(exc).__name__}: {exc}", 200)
    except Exception:  # one that cannot even be shown
        what = type(exc).__name__
    try:
        log = _note(exc)
    except Exception:  # settings, disk, the error itself: whatever it is, this is no time for a second one
        return _complain(f"internal error: {what}", 1)
    return _complain(f"internal error: {what} (details in {log})", 1)
