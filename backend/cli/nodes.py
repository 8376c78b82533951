"""``jobwarden workers``, ``drain`` and ``resume``."""

import click

from backend.actions.actor import current_actor
from backend.actions.nodes import set_drain
from backend.cli.candidates import nodes
from backend.cli.output import Column, print_json, print_table, printable
from backend.cli.say import say
from backend.cli.session import open_session
from backend.domain.units import format_age, format_memory
from backend.readmodel.records import SUBMITTERS
from backend.readmodel.workers import read_workers

COLUMNS = (
    Column("ID", lambda w: w.id, right=True),
    Column("NODE", lambda w: w.node_name),
    Column("STATE", lambda w: w.state),
    Column("HOST", lambda w: w.hostname),
    Column("PID", lambda w: w.pid, right=True),
    Column("JOBS", lambda w: w.running_jobs, right=True),
    Column("CPUS", lambda w: f"{w.cpus_allocated}/{w.cpus}", right=True),
    Column("MEMORY", lambda w: f"{format_memory(w.memory_mb_allocated)}/{format_memory(w.memory_mb)}", right=True),
    Column("GPUS", lambda w: f"{w.gpus_allocated}/{w.gpus}", right=True),
    Column("JOBS AS", lambda w: "submitters" if w.jobs_as == SUBMITTERS else w.jobs_as),
    Column("HEARTBEAT", lambda w: f"{format_age(w.lease_age)} ago", right=True),
    Column("NOTE", lambda w: w.drain_reason if w.drained else w.end_reason),
)


@click.command()
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def workers(json_wanted: bool) -> None:
    """List workers, the newest of each node first, with what their nodes have and have granted.

    Example: jobwarden workers
    """
    with open_session() as session, session.reading() as conn:
        rows = read_workers(conn)
    if json_wanted:
        print_json(rows)
    else:
        print_table(COLUMNS, rows)


@click.command()
@click.argument("name", shell_complete=nodes)
@click.option("--reason", metavar="TEXT", help="Why, for the audit and for whoever wonders.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def drain(name: str, reason: str | None, json_wanted: bool) -> None:
    """Give the node NAME no new jobs; running ones go on.

    Example: jobwarden drain node7 --reason 'disk is failing'
    """
    _set(name, True, reason, json_wanted)


@click.command()
@click.argument("name", shell_complete=nodes)
@click.option("--reason", metavar="TEXT", help="Why, for the audit.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def resume(name: str, reason: str | None, json_wanted: bool) -> None:
    """Give the node NAME new jobs again.

    Example: jobwarden resume node7
    """
    _set(name, False, reason, json_wanted)


def _set(name: str, drained: bool, reason: str | None, json_wanted: bool) -> None:
    with open_session() as session:
        result = set_drain(session.engine, name, drained, current_actor(), reason)
    if json_wanted:
        print_json([result])
    else:
        say(printable(result.message))
