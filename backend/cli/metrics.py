"""``jobwarden metrics``."""

import sys
import threading

import click

from backend.cli.say import say
from backend.cli.session import Session, open_session
from backend.errors import InputError, Refused


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

    from backend.metrics.collect import Installation

    registry = CollectorRegistry()
    registry.register(Installation(session.engine, session.settings))
    return generate_latest(registry).decode()


def _serve(session: Session, host: str, port: int) -> None:
    from prometheus_client import CollectorRegistry, start_http_server

    from backend.metrics.collect import Installation

    registry = CollectorRegistry()
    registry.register(Installation(session.engine, session.settings))
    try:
        start_http_server(port, host, registry)
    except OSError as exc:
        raise Refused(f"cannot listen on {host}:{port}: {exc.strerror or exc}") from exc
    say(f"metrics at http://{host}:{port}/metrics")
    threading.Event().wait()
