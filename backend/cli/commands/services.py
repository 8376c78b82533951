"""``jobwarden up``, ``down``, ``worker`` and ``tui``: start and stop what runs."""

import importlib
import sys

import click

from jobwarden.backend.cli.completion_values import nodes
from jobwarden.backend.cli.say import say
from jobwarden.backend.config.settings import Settings, load_settings
from jobwarden.backend.errors import Refused


@click.command()
@click.option("--no-tui", is_flag=True, help="Do not open the dashboard.")
@click.option("--demo", is_flag=True, help="Submit demonstration jobs and kill a worker, so that there are anomalies.")
@click.option(
    "--shared/--private",
    "shared",
    default=None,
    help="Let every local user submit jobs, each as that user (root only).",
)
@click.option(
    "--take-over", is_flag=True, help="Take over a home whose host is gone for good; never while that host runs."
)
def up(no_tui: bool, demo: bool, shared: bool | None, take_over: bool) -> int:
    """Start the embedded servers and a worker in the background where they do not run, and open the dashboard.

    Leaving the dashboard stops nothing: that is what `jobwarden down` is for. A home stays --shared until it is brought
    up --private.

    Example: jobwarden up --no-tui
    """
    from jobwarden.backend.services.lifecycle import bring_up, danger

    settings = load_settings()
    for line in bring_up(settings, shared=shared, take_over=take_over):
        say(line)
    if ends := danger():
        say(ends, err=True)
    if demo:
        from jobwarden.backend.demo import start

        for line in start(settings):
            say(line)
    return 0 if no_tui else open_dashboard(settings, read_only=False)


@click.command()
def down() -> None:
    """Stop the workers and the embedded servers of this home; jobs go on, and the next `up` finds them.

    Also those that were started with `jobwarden worker`: a service manager that starts one anew must be told itself.

    Example: jobwarden down
    """
    from jobwarden.backend.services.shutdown import take_down

    for line in take_down(load_settings()):
        say(line)


@click.command()
@click.option("--node", metavar="NAME", help="Name of this node. Default: the setting node_name.", shell_complete=nodes)
@click.option("--drain-on-exit", is_flag=True, help="On TERM, take no new jobs and wait for the running ones.")
@click.option("--lock", type=int, hidden=True)
def worker(node: str | None, drain_on_exit: bool, lock: int | None) -> int:
    """Run this node's worker in the foreground until TERM or ctrl-C; its jobs go on without it.

    Example: jobwarden worker --node node7
    """
    from jobwarden.backend.worker.main import run_worker

    return run_worker(load_settings(), node, drain_on_exit, lock)


@click.command()
@click.option("--read-only", is_flag=True, help="Read-only: show everything, change nothing.")
def tui(read_only: bool) -> int:
    """Open the dashboard on a running installation.

    Example: jobwarden tui --read-only
    """
    from jobwarden.backend.embedded.servers import attach

    settings = load_settings()
    attach(settings)
    return open_dashboard(settings, read_only=read_only)


def open_dashboard(settings: Settings, *, read_only: bool) -> int:
    """Run the dashboard until it is left; returns its exit code. By name: the backend does not depend on any screen."""
    if not sys.stdout.isatty():
        raise Refused("the dashboard needs a terminal: use `jobwarden up --no-tui`, `jobs`, `show` and `events`")
    code: int = importlib.import_module("jobwarden.tui.app.main").run(settings, read_only=read_only)
    return code
