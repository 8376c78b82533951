"""``jobwarden health``, ``alerts`` and ``metrics``."""

import sys
import threading
from datetime import UTC, datetime

import click

from jobwarden.backend.cli.output import TextColumn, print_json, print_table, printable
from jobwarden.backend.cli.say import say
from jobwarden.backend.config.settings import Settings, load_settings
from jobwarden.backend.errors import InputError, Refused
from jobwarden.backend.monitoring.health.checks import TIMEOUT_SECONDS, look
from jobwarden.backend.monitoring.health.records import Check, Status
from jobwarden.backend.services.session import Session, open_session

COLUMNS = (
    TextColumn("SINCE", lambda a: f"{a.raised_at.astimezone():%Y-%m-%d %H:%M:%S}"),
    TextColumn("RULE", lambda a: a.rule),
    TextColumn("NODE", lambda a: a.subject),
    TextColumn("VALUE", lambda a: f"{a.value:g}", right=True),
    TextColumn("LIMIT", lambda a: f"{a.threshold:g}", right=True),
    TextColumn("WHAT", lambda a: a.message),
)


@click.command()
@click.option("--test", "test_wanted", is_flag=True, help="Send a test notice to the command and the webhook.")
@click.option("--notify", is_flag=True, help="If no worker is alive, notify the command and the webhook. For cron.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def alerts(test_wanted: bool, notify: bool, json_wanted: bool) -> int:
    """List the alerts that are open. The settings alert_* hold the rules, `jobwarden config` shows them.

    Workers judge the rules and tell who is to be told. When none is left, the loss of the last one is judged here; and
    told once, and with each reminder, by --notify, which does nothing while a worker lives.

    Example: jobwarden alerts --test
    """
    if sum((test_wanted, notify, json_wanted)) > 1:
        raise InputError("--test, --notify and --json exclude each other: choose one")
    if test_wanted:
        _test(load_settings())
        return 0
    with open_session() as session:
        return _notify(session) if notify else _list(session, json_wanted)


def _list(session: Session, json_wanted: bool) -> int:
    from jobwarden.backend.monitoring.alerts.store import closed_untold
    from jobwarden.backend.monitoring.alerts.without_worker import alerts_now

    with session.reading() as conn:
        rows, closed = alerts_now(conn, session.settings), closed_untold(conn)
    if json_wanted:
        print_json(rows)
        return 0
    if rows:
        print_table(COLUMNS, rows)
    else:
        say("no open alerts")
    for row in [*rows, *closed]:
        if row.undelivered:
            say(printable(f"not delivered, {row.rule} of {row.raised_at.astimezone():%H:%M:%S}: {row.undelivered}"))
    return 0


def _notify(session: Session) -> int:
    from jobwarden.backend.monitoring.alerts.without_worker import tell_instead

    found = tell_instead(session.engine, session.settings)
    if found is not None:
        notices, problems = found
        if problems:
            raise Refused("; ".join(problems))
        for notice in notices:
            say(printable(f"notified, {notice.status}: {notice.message}"))
    return 0


def _test(settings: Settings) -> None:
    """Send what receivers can recognise as a test; Refused says which one did not take it."""
    from jobwarden.backend.monitoring.alerts.delivery import NOBODY, deliver, receivers
    from jobwarden.backend.monitoring.alerts.records import Notice

    if not receivers(settings):
        raise Refused(NOBODY)
    problems = deliver(Notice("test", "test", "", "this is a test", 0, 0, datetime.now(UTC)), settings)
    if problems:
        raise Refused("; ".join(problems))
    say("the test notice was delivered")


# ``jobwarden health``: one look at everything, for cron, a container probe or a watchdog.

LONGEST_SECONDS = 300.0


@click.command()
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array with an object for each check.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what is not ok; nothing when all is ok.")
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


# ``jobwarden metrics``.


@click.command()
@click.option("--listen", metavar="[HOST:]PORT", help="Serve them at http://HOST:PORT/metrics until ctrl-C.")
def metrics(listen: str | None) -> None:
    """Print the metrics of the installation in Prometheus' text format, or serve them.

    One process for the whole installation is enough. HOST is 127.0.0.1 unless it is given: there is no login.

    Example: jobwarden metrics --listen 9477
    """
    address = None if listen is None else parse_address(listen)
    with open_session() as session:
        if address is None:
            said = _text(session)
            # A program wants it to the byte, and has rules of its own for what a label may hold.
            say(said, end="") if sys.stdout.isatty() else sys.stdout.write(said)
        else:
            _serve(session, *address)


def parse_address(text: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``PORT``; InputError when it is neither."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        raise InputError(f"--listen: {text!a} is no [HOST:]PORT, as in 9477 or 0.0.0.0:9477")
    return host.strip("[]") or "127.0.0.1", int(port)


def _text(session: Session) -> str:
    from prometheus_client import CollectorRegistry, generate_latest

    from jobwarden.backend.monitoring.metrics.collect import Installation

    registry = CollectorRegistry()
    registry.register(Installation(session.engine, session.settings))
    return generate_latest(registry).decode()


def _serve(session: Session, host: str, port: int) -> None:
    from prometheus_client import CollectorRegistry, start_http_server

    from jobwarden.backend.monitoring.metrics.collect import Installation

    registry = CollectorRegistry()
    registry.register(Installation(session.engine, session.settings))
    try:
        start_http_server(port, host, registry)
    except OSError as exc:
        raise Refused(f"cannot listen on {host}:{port}: {exc.strerror or exc}") from exc
    say(f"metrics at http://{host}:{port}/metrics")
    threading.Event().wait()
