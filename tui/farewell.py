"""What is said when the screen has closed: the work goes on, and how to stop it."""

from backend.domain.states import WorkerState
from backend.readmodel.snapshot import Snapshot

NAMED = 5
"""Workers that are named one by one."""


def farewell(snapshot: Snapshot) -> str:
    """Return the lines to print."""
    if not snapshot.loaded:
        return "The screen is closed."
    alive = [worker for worker in snapshot.workers if worker.state is not WorkerState.DEAD]
    if not alive:
        return "The screen is closed. No worker is running: start one with `jobwarden up`."
    named = ", ".join(f"{worker.node_name} (pid {worker.pid})" for worker in alive[:NAMED])
    more = f" and {len(alive) - NAMED} more" if len(alive) > NAMED else ""
    many = len(alive) > 1
    return (
        f"The screen is closed; worker{'s' if many else ''} {named}{more} keep{'' if many else 's'} running.\n"
        "Open it again with `jobwarden tui`, stop everything here with `jobwarden down`."
    )
