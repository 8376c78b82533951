"""``jobwarden health``: one look at everything, for cron, a container probe or a watchdog."""

import click

from backend.cli.output import Column, print_json, print_table
from backend.errors import InputError
from backend.health.look import TIMEOUT_SECONDS, look
from backend.health.records import Status
from backend.settings import load_settings

COLUMNS = (
    Column("STATUS", lambda c: c.status if c.status is Status.OK else c.status.upper()),
    Column("CHECK", lambda c: c.check),
    Column("FOUND", lambda c: c.summary),
    Column("WHAT TO DO", lambda c: c.advice),
)
LONGEST_SECONDS = 300.0


@click.command()
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array with an object for each check.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what is not well: nothing at all when all is.")
@click.option(
    "--timeout", type=float, default=TIMEOUT_SECONDS, show_default=True, metavar="SECONDS",
    help="Longest time to wait for answers.",
)  # fmt: skip
def health(json_wanted: bool, quiet: bool, timeout: float) -> int:
    """Check database, schema, clock, Redis, leader, workers, anomalies, queue and disks; what is worst comes first.

    Exit code 0: healthy. 1: degraded. 2: cannot tell, because something does not answer. Nothing is changed, and the
    answer comes in time even when a server hangs.

    Example: jobwarden health --quiet
    """
    if not 0 < timeout <= LONGEST_SECONDS:
        raise InputError(f"--timeout: {timeout:g} is not a time to wait: write seconds, at most {LONGEST_SECONDS:.0f}")
    found = look(load_settings(), timeout)
    shown = [check for check in found.worst_first if not (quiet and check.status is Status.OK)]
    if json_wanted:
        print_json(shown)
    elif shown:
        print_table(COLUMNS, shown)
    return found.status.exit_code
