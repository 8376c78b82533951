"""``jobwarden alerts``."""

from datetime import UTC, datetime

import click

from backend.cli.output import Column, print_json, print_table
from backend.cli.say import say
from backend.cli.session import open_session
from backend.errors import Refused
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
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def alerts(test_wanted: bool, json_wanted: bool) -> None:
    """List the alerts that are open. The settings alert_* hold the rules, `jobwarden config` shows them.

    Example: jobwarden alerts --test
    """
    if test_wanted:
        _test(load_settings())
        return
    from backend.alerts.book import open_alerts

    with open_session() as session, session.reading() as conn:
        rows = open_alerts(conn)
    if json_wanted:
        print_json(rows)
    elif rows:
        print_table(COLUMNS, rows)
    else:
        say("no alert is open")


def _test(settings: Settings) -> None:
    """Send what receivers can recognise as a test; Refused says which one did not take it."""
    from backend.alerts.couriers import deliver
    from backend.alerts.records import Notice

    if not settings.alert_command and not settings.alert_webhook:
        raise Refused("nobody would be told: set alert_command or alert_webhook")
    problems = deliver(Notice("test", "test", "", "this is a test", 0, 0, datetime.now(UTC)), settings)
    if problems:
        raise Refused("; ".join(problems))
    say("the test notice was delivered")
