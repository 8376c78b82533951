"""``jobwarden health``: one look at everything, for cron, a container probe or a watchdog."""

import click

from backend.cli.output import print_json, printable
from backend.cli.say import say
from backend.errors import InputError
from backend.health.look import TIMEOUT_SECONDS, look
from backend.health.records import Check, Status
from backend.settings import load_settings

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
    settings = load_settings()
    if settings.warning:
        say(f"jobwarden: warning: {settings.warning}", err=True)
    found = look(settings, timeout)
    shown = [check for check in found.worst_first if not (quiet and check.status is Status.OK)]
    if json_wanted:
        print_json(shown)
    else:
        for check in shown:
            say(_line(check))
    return found.status.exit_code


def _line(check: Check) -> str:
    """Never cut, also on a narrow terminal: what to do stands at the end."""
    status = check.status if check.status is Status.OK else check.status.upper()
    advice = f": {check.advice}" if check.advice else ""
    return printable(f"{status:<8}  {check.check:<9}  {check.summary}{advice}")
