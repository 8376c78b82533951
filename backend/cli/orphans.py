"""``jobwarden orphans`` and ``clean``."""

import click

from backend.anomalies.detect import find
from backend.cli.act import act, act_on
from backend.cli.output import Column, print_json, print_table
from backend.cli.session import open_session

COLUMNS = (
    Column("JOB", lambda a: a.job_id, right=True),
    Column("KIND", lambda a: a.kind),
    Column("NODE", lambda a: a.node_name),
    Column("PID", lambda a: a.process_id, right=True),
    Column("NAME", lambda a: a.job_name),
    Column("EVIDENCE", lambda a: a.detail),
)


@click.command()
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def orphans(json_wanted: bool) -> None:
    """List jobs whose record and processes disagree, worst first, with the evidence.

    \b
    ORPHAN       worker dead, process alive     LOST        worker dead, process gone
    UNRECORDED   worker dead, exit status kept  STRAY       job finished, process alive
    LEAKED       finished, not released         OVERDUE     beyond its time limit
    STUCK        survives KILL                  UNREACHABLE on a dead worker of another host

    Example: jobwarden orphans
    """
    with open_session() as session, session.reading() as conn:
        rows = find(conn, session.settings)
    if json_wanted:
        print_json(rows)
    elif rows:
        print_table(COLUMNS, rows)
    else:
        click.echo("no orphans")


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--reason", metavar="TEXT", help="Why; kept in the audit.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask, even for many.")
def clean(ids: tuple[str, ...], reason: str | None, dry_run: bool, yes: bool) -> int:
    """Clean up the jobs ID, or everything that `orphans` lists: end what is alive, record the outcome, release.

    State and processes are looked at again at the moment of acting; a job that a live worker owns is left alone.

    Example: jobwarden clean --dry-run
    """
    if ids:
        return act("clean", ids, reason=reason, dry_run=dry_run, yes=yes)
    with open_session() as session:
        with session.reading() as conn:
            found = list(dict.fromkeys(row.job_id for row in find(conn, session.settings)))
        if not found:
            click.echo("no orphans: nothing to clean up")
            return 0
        return act_on(session, "clean", found, reason=reason, dry_run=dry_run, yes=yes)
