"""When ``logs -f`` has seen everything: the job is final, or nobody is left who could write to its log."""

import time

from jobwarden.backend.anomalies.attempts import LATEST_OF_JOBS, Attempt, read_attempts
from jobwarden.backend.anomalies.evidence import HostSurvey
from jobwarden.backend.cli.waiting import Patience
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.domain.states import WorkerState
from jobwarden.backend.process.identity import Liveness
from jobwarden.backend.queries.workers import read_workers


class Watch:
    """Asks now and then whether the job has ended; says on stderr when its worker is dead, and when one is back."""

    def __init__(self, patience: Patience, job_id: int, pause: float) -> None:
        """``pause``: seconds between two looks at the database, which may be away while the log is followed."""
        self._patience, self._job_id, self._pause = patience, job_id, pause
        self._ended = False
        self._told: int | None = None
        self._next = 0.0

    def ended(self) -> bool:
        """Whether the log grew no more when it was last asked for."""
        if not self._ended and time.monotonic() >= self._next:
            self._ended = self._ask()
            self._next = time.monotonic() + self._pause
        return self._ended

    def _ask(self) -> bool:
        found = self._patience.look(self._read)
        if found is None:
            return False
        attempt, states = found
        if attempt is None:
            self._patience.say("was archived or removed meanwhile: this is all there is")
            return True
        if attempt.state.final:
            return True
        if attempt.released:
            return False  # it went back to PENDING, and will write to another log
        if states.get(attempt.worker_id, WorkerState.DEAD) is not WorkerState.DEAD:
            self._tell_alive(attempt)
            return False
        if not self._patience.settled:
            return False
        if HostSurvey().at(attempt).alive is Liveness.GONE:
            self._patience.say(
                "its worker is dead and its processes are gone: this is all there is; see `jobwarden clean`"
            )
            return True
        self._tell_dead(attempt)
        return False

    def _read(self, conn: Connection) -> tuple[Attempt | None, dict[int, WorkerState]]:
        attempt = next(iter(read_attempts(conn, LATEST_OF_JOBS, ids=[self._job_id])), None)
        return attempt, {worker.id: worker.state for worker in read_workers(conn)}

    def _tell_dead(self, attempt: Attempt) -> None:
        if self._told != attempt.worker_id:
            self._told = attempt.worker_id
            self._patience.say(
                f"worker {attempt.worker_id} of {attempt.node_name} is dead; its processes live, and are followed"
            )

    def _tell_alive(self, attempt: Attempt) -> None:
        if self._told is not None and self._told != attempt.worker_id:
            self._told = None
            self._patience.say(f"worker {attempt.worker_id} of {attempt.node_name} has taken it over")
