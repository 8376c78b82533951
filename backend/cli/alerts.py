"""``jobwarden alerts``."""

from datetime import UTC, datetime

import click

from backend.cli.output import Column, print_json, print_table, printable
from backend.cli.say import say
from backend.cli.session import Session, open_session
from backend.errors import InputError, Refused
from backend.settings import Settings, load_settings

COLUMNS = (
    Column("SINCE", lambda a: f"{a.raised_at.astimezone():%Y-%m-%d %H:%M:%S}"),
    Column("RULE", lambda a: a.rule),
    Column("NODE", lambda a: a.subject),
    Column("VALUE", lambda a: f"{a.value:g}", right=True),
    Column("LIMIT", lambda a: f"{a.threshold:g}", right=True),
    Column("WHAT", lambda a: a.message),
)


@click.command()
@click.option("--test", "test_wanted", is_flag=True, help="Send a test notice to the command and the webhook.")
@click.option("--notify", is_flag=True, help="When no worker lives, tell the command and the webhook. For cron.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def alerts(test_wanted: bool, notify: bool, json_wanted: bool) -> int:
    """List the alerts that are open. The settings alert_* hold the rules, `jobwarden config` shows them.

    Workers judge the rules and tell who is to be told. When none is left, the loss of the last one is judged here; and
    told once, and with each reminder, by --notify, which does nothing while a worker lives.

    Example: jobwarden alerts --test
    """
    if sum((test_wanted, notify, json_wanted)) > 1:
        raise InputError("--test, --notify and --json go alone: choose one of them")
    if test_wanted:
        _test(load_settings())
        return 0
    with open_session() as session:
        return _notify(session) if notify else _list(session, json_wanted)


def _list(session: Session, json_wanted: bool) -> int:
    from backend.alerts.book import closed_untold
    from backend.alerts.watch import alerts_now

    with session.reading() as conn:
        rows, closed = alerts_now(conn, session.settings), closed_untold(conn)
    if json_wanted:
        print_json(rows)
        return 0
    if rows:
        print_table(COLUMNS, rows)
    else:
        say("no alert is open")
    for row in [*rows, *closed]:
        if row.undelivered:
            say(printable(f"not delivered, {row.rule} of {row.raised_at.astimezone():%H:%M:%S}: {row.undelivered}"))
    return 0


def _notify(session: Session) -> int:
    from backend.alerts.instead import tell_instead

    found = tell_instead(session.engine, session.settings)
    if found is not None:
        notices, problems = found
        if problems:
            raise Refused("; ".join(problems))
        for notice in notices:
            say(printable(f"told, {notice.status}: {notice.message}"))
    return 0


def _test(settings: Settings) -> None:
    """Send what receivers can recognise as a test; Refused says which one did not take it."""
    from backend.alerts.couriers import NOBODY, deliver, receivers
    from backend.alerts.records import Notice

    if not receivers(settings):
        raise Refused(NOBODY)
    problems = deliver(Notice("test", "test", "", "this is a test", 0, 0, datetime.now(UTC)), settings)
    if problems:
        raise Refused("; ".join(problems))
    say("the test notice was delivered")
