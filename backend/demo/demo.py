"""What ``up --demo`` does: fill the first node's queue, and lose a second node with jobs on it."""

from collections.abc import Iterator

from sqlalchemy import Connection

from backend.actions.actor import current_actor
from backend.cli.session import Session, open_session
from backend.demo import catalog
from backend.demo.lost_node import NODE, lose_node
from backend.settings import Settings
from backend.state import machine


def start(settings: Settings) -> Iterator[str]:
    """Submit the demonstration to a running installation; lines that say what was done, as it is done.

    Every call adds jobs. Orphans that an earlier call left are kept and no further ones made. Raises Refused when
    the second worker does not start.
    """
    with open_session(settings) as session:
        with session.engine.begin() as conn:
            jobs = _fill(conn, settings)
        yield f"demo: submitted {len(jobs)} jobs (`jobwarden jobs account:{catalog.ACCOUNT}`)"
        yield _lose(session)


def _fill(conn: Connection, settings: Settings) -> list[int]:
    requests = catalog.requests(catalog.ORDINARY, partition=settings.partitions[0], cpus=settings.cpus)
    return machine.submit(conn, requests, current_actor())


def _lose(session: Session) -> str:
    lost = lose_node(session)
    if lost is None:
        return f"demo: node {NODE} still has the orphans of the last time (`jobwarden orphans`)"
    return (
        f"demo: killed worker {lost.worker_pid} of node {NODE} while it ran {lost.jobs} jobs: see `jobwarden orphans`"
    )
