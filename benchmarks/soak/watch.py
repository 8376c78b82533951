"""How long it takes until a loss is noticed, and until it is made good."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from benchmarks.soak.installation import Installation
from jobwarden.backend.database.driver import DatabaseError, text
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.queries.workers import read_workers

POLL_SECONDS = 0.1
OWNS = text("SELECT count(*) FROM resource_allocations WHERE worker_id = :worker AND NOT released")


@dataclass(slots=True)
class Watch:
    """Looks at the workers as a dashboard does, and times each loss. Times are seconds."""

    installation: Installation
    noticed: list[float] = field(default_factory=list)
    taken_over: list[float] = field(default_factory=list)
    outages: list[float] = field(default_factory=list)
    _dead: dict[int, float] = field(default_factory=dict)
    _orphaned: dict[int, float] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch in the background."""
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def killed(self, pid: int) -> None:
        """A worker was killed just now."""
        self._dead[pid] = time.monotonic()

    def outage(self, began: float) -> None:
        """The database was broken just now: time until it answers again."""
        time.sleep(0.05)
        self.installation.insist(self._ask)
        self.outages.append(time.monotonic() - began)

    def _ask(self) -> None:
        with self.installation.engine.connect() as conn:
            conn.execute(text("SELECT 1"))

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self._look()
            except DatabaseError:
                continue  # it is down by design: the next look may be luckier

    def _look(self) -> None:
        with self.installation.engine.connect() as conn:
            for worker in read_workers(conn):
                if worker.state is WorkerState.DEAD and worker.pid in self._dead:
                    killed = self._dead.pop(worker.pid)
                    self.noticed.append(time.monotonic() - killed)
                    self._orphaned[worker.id] = killed
            for worker_id, killed in list(self._orphaned.items()):
                if conn.scalar(OWNS, {"worker": worker_id}) == 0:
                    del self._orphaned[worker_id]
                    self.taken_over.append(time.monotonic() - killed)
