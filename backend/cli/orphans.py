"""``jobwarden orphans`` and ``clean``."""

import inspect
from typing import Any

import click

from backend.actions.scope import Scope
from backend.actions.table import ACTIONS
from backend.anomalies.detect import find
from backend.cli.act import act, act_on, options_of
from backend.cli.candidates import filters
from backend.cli.output import Column, print_json, print_table
from backend.cli.say import say
from backend.cli.session import open_session
from backend.cli.targets import parameters
from backend.domain.filters import parse_filter
from backend.readmodel.anomalies import matching

EVERYTHING = Scope(filter="")
"""Every anomaly, as every job matches the empty filter."""

COLUMNS = (
    Column("JOB", lambda a: a.job_id, right=True),
    Column("KIND", lambda a: a.kind),
    Column("NODE", lambda a: a.node_name),
    Column("PID", lambda a: a.process_id, right=True),
    Column("NAME", lambda a: a.job_name),
    Column("EVIDENCE", lambda a: a.detail),
)


@click.command()
@click.argument("filter_words", metavar="[FILTER]", nargs=-1, shell_complete=filters)
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def orphans(filter_words: tuple[str, ...], json_wanted: bool) -> None:
    """List jobs whose record and processes disagree, worst first, with the evidence.

    \b
    ORPHAN       worker dead, process alive     LOST        worker dead, process gone
    UNRECORDED   worker dead, exit status kept  STRAY       job finished, process alive
    LEAKED       finished, not released         OVERDUE     beyond its time limit
    STUCK        survives KILL                  UNREACHABLE on a dead worker of another host

    FILTER is that of `jobs`, with kind: for what is wrong.

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
        say("no orphans match" if typed else "no orphans")


def _clean(words: tuple[str, ...], filter_text: str | None, **options: Any) -> int:
    """Clean up what ``orphans`` lists: end what is alive, record the outcome, release.

    Without ID or FILTER everything that is listed. State and processes are looked at again at the moment of acting; a
    job that a live worker owns is left alone. Repeating it changes nothing and says so. A FILTER may name what is
    wrong, as in kind:lost.

    Example: jobwarden clean --dry-run
    """
    if words or filter_text is not None:
        return act("clean", words, filter_text, **options)
    with open_session() as session:
        return act_on(session, "clean", EVERYTHING, none="no orphans: nothing to clean up", **options)


clean = click.Command(
    "clean",
    callback=_clean,
    params=[*parameters("[ID...|FILTER]"), *options_of(ACTIONS["clean"])],
    help=inspect.getdoc(_clean),
)
