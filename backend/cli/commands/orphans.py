"""``jobwarden orphans`` and ``clean``."""

import inspect
from typing import Any

import click

from jobwarden.backend.actions.catalog import ACTIONS
from jobwarden.backend.actions.targets import Scope
from jobwarden.backend.anomalies.detect import find, matching
from jobwarden.backend.cli.commands.actions import act, act_on, options_of
from jobwarden.backend.cli.completion_values import filters
from jobwarden.backend.cli.output import TextColumn, print_json, print_table
from jobwarden.backend.cli.results import parameters
from jobwarden.backend.cli.say import say
from jobwarden.backend.domain.filters.jobs import parse_filter
from jobwarden.backend.services.session import open_session

EVERYTHING = Scope(filter="")
"""Every anomaly, as every job matches the empty filter."""

COLUMNS = (
    TextColumn("JOB", lambda a: a.job_id, right=True),
    TextColumn("KIND", lambda a: a.kind),
    TextColumn("NODE", lambda a: a.node_name),
    TextColumn("PID", lambda a: a.process_id, right=True),
    TextColumn("NAME", lambda a: a.job_name),
    TextColumn("EVIDENCE", lambda a: a.detail),
)


@click.command()
@click.argument("filter_words", metavar="[FILTER]", nargs=-1, shell_complete=filters)
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def orphans(filter_words: tuple[str, ...], json_wanted: bool) -> None:
    """List anomalies: jobs whose record and processes disagree, worst first, with the evidence.

    \b
    ORPHAN       worker dead, process alive     LOST        worker dead, process gone
    UNRECORDED   worker dead, exit status kept  STRAY       job finished, process alive
    LEAKED       finished, not released         OVERDUE     beyond its time limit
    STUCK        survives KILL                  UNREACHABLE on a dead worker of another host

    FILTER is that of `jobs`, and also takes kind:.

    Example: jobwarden orphans kind:lost,unrecorded node:gpu*
    """
    typed = " ".join(filter_words)
    parse_filter(typed, anomalies=True)
    with open_session() as session, session.reading() as conn:
        rows = find(conn, session.settings)
        if typed:
            wanted = matching(conn, typed, [(row.job_id, row.kind) for row in rows])
            rows = [row for row in rows if row.job_id in wanted]
    if json_wanted:
        print_json(rows)
    elif rows:
        print_table(COLUMNS, rows)
    else:
        say("no anomaly matches" if typed else "no anomalies")


def _clean(words: tuple[str, ...], filter_text: str | None, **options: Any) -> int:
    """Clean up anomalies, as `orphans` lists them: end live processes, record the outcome, release.

    Without ID or FILTER: all of them. State and processes are checked again at the moment of acting; a job that a live
    worker owns is left alone. Repeating it changes nothing and says so. A FILTER may name the kind, as in kind:lost.
    It never removes old jobs or files: that is `housekeeping`.

    Example: jobwarden clean --dry-run
    """
    if words or filter_text is not None:
        return act("clean", words, filter_text, **options)
    with open_session() as session:
        return act_on(session, "clean", EVERYTHING, none="no anomalies: nothing to clean up", **options)


clean = click.Command(
    "clean",
    callback=_clean,
    params=[*parameters("[ID...|FILTER]"), *options_of(ACTIONS["clean"])],
    help=inspect.getdoc(_clean),
)
