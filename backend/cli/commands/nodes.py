"""``jobwarden workers``, ``drain`` and ``resume``."""

import click

from jobwarden.backend.actions.nodes import set_drain
from jobwarden.backend.actions.results import current_actor
from jobwarden.backend.cli.completion_values import nodes
from jobwarden.backend.cli.output import TextColumn, print_json, print_table, printable
from jobwarden.backend.cli.say import say
from jobwarden.backend.domain.states import OUTDATED, WorkerState
from jobwarden.backend.domain.units import format_age, format_memory
from jobwarden.backend.queries.models.jobs import SUBMITTERS, WorkerRow
from jobwarden.backend.queries.workers import NodeRow, node_rows, read_workers
from jobwarden.backend.services.session import open_session

COLUMNS = (
    TextColumn("ID", lambda row: row.id, right=True, spare=True),
    TextColumn("NODE", lambda row: row.worker.node_name, widest=16),
    TextColumn("STATE", lambda row: row.worker.state),
    TextColumn("HOST", lambda row: row.worker.hostname, spare=True),
    TextColumn("PID", lambda row: row.worker.pid, right=True, spare=True),
    TextColumn("JOBS", lambda row: row.worker.running_jobs, right=True),
    TextColumn("CPUS", lambda row: _of_node(row, f"{row.worker.cpus_allocated}/{row.worker.cpus}"), right=True),
    TextColumn("MEMORY", lambda row: _of_node(row, _memory(row.worker)), right=True, spare=True),
    TextColumn(
        "GPUS", lambda row: _of_node(row, f"{row.worker.gpus_allocated}/{row.worker.gpus}"), right=True, spare=True
    ),
    TextColumn(
        "JOBS AS", lambda row: "submitters" if row.worker.jobs_as == SUBMITTERS else row.worker.jobs_as, spare=True
    ),
    TextColumn("HEARTBEAT", lambda row: f"{format_age(row.worker.lease_age)} ago", right=True),
    TextColumn("NOTE", lambda row: _note(row)),
)


def _of_node(row: NodeRow, load: str) -> str:
    """What is granted is the node's, so it stands on the row of its newest worker alone."""
    return load if row.newest else ""


def _memory(worker: WorkerRow) -> str:
    return f"{format_memory(worker.memory_mb_allocated)}/{format_memory(worker.memory_mb)}"


def _note(row: NodeRow) -> str | None:
    worker = row.worker
    if row.newest and worker.drained:
        return worker.drain_reason
    return OUTDATED if worker.outdated and worker.state is not WorkerState.DEAD else worker.end_reason


@click.command()
@click.option("--all", "every", is_flag=True, help="Former workers too, as in --json.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array, with former workers.")
def workers(every: bool, json_wanted: bool) -> None:
    """List the worker of each node, with what the node has and has granted.

    A former worker is listed while it has jobs left. On a narrow terminal NOTE has the room of JOBS AS, GPUS,
    MEMORY, PID, HOST and ID, in this order; a pipe gets every column.

    Example: jobwarden workers
    """
    with open_session() as session, session.reading() as conn:
        rows = read_workers(conn)
    if json_wanted:
        print_json(rows)
    else:
        print_table(COLUMNS, node_rows(rows, every=every))


@click.command()
@click.argument("name", shell_complete=nodes)
@click.option("--reason", metavar="TEXT", help="Reason, kept in the audit and shown by `workers`.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def drain(name: str, reason: str | None, json_wanted: bool) -> None:
    """Give the node NAME no new jobs; running ones go on.

    Example: jobwarden drain node7 --reason 'disk is failing'
    """
    _set(name, True, reason, json_wanted)


@click.command()
@click.argument("name", shell_complete=nodes)
@click.option("--reason", metavar="TEXT", help="Reason, kept in the audit.")
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
