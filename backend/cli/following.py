"""When ``logs -f`` has seen everything: the job is final, or nobody is left who could write to its log."""

import time

from backend.anomalies.attempts import LATEST_OF_JOBS, Attempt, read_attempts
from backend.anomalies.evidence import Look
from backend.cli.say import say
from backend.cli.session import Session
from backend.domain.states import WorkerState
from backend.process.identity import Liveness
from backend.readmodel.workers import read_workers


class Watch:
    """Asks now and then whether the job has ended; says on stderr when its worker is dead, and when one is back."""

    def __init__(self, session: Session, job_id: int) -> None:
        self._session, self._job_id = session, job_id
        self._ended = False
        self._told: int | None = None
        self._next = 0.0

    def ended(self) -> bool:
        """Whether the log grew no more when it was last asked for."""
        if not self._ended and time.monotonic() >= self._next:
            self._ended = self._ask()
            self._next = time.monotonic() + self._session.settings.poll_seconds / 4
        return self._ended

    def _ask(self) -> bool:
        with self._session.reading() as conn:
            attempt = next(iter(read_attempts(conn, LATEST_OF_JOBS, ids=[self._job_id])), None)
            states = {worker.id: worker.state for worker in read_workers(conn)}
        if attempt is None or attempt.state.final:
            return True  # without an attempt it was archived meanwhile
        if attempt.released:
            return False  # it went back to PENDING, and will write to another log
        if states.get(attempt.worker_id, WorkerState.DEAD) is not WorkerState.DEAD:
            self._tell_alive(attempt)
            return False
        if Look().at(attempt).alive is Liveness.GONE:
            self._say("its worker is dead and its processes are gone: this is all there is; see `jobwarden clean`")
            return True
        self._tell_dead(attempt)
        return False

    def _tell_dead(self, attempt: Attempt) -> None:
        if self._told != attempt.worker_id:
            self._told = attempt.worker_id
            self._say(
                f"worker {attempt.worker_id} of {attempt.node_name} is dead; its processes live, and are followed"
            )

    def _tell_alive(self, attempt: Attempt) -> None:
        if self._told is not None and self._told != attempt.worker_id:
            self._told = None
            self._say(f"worker {attempt.worker_id} of {attempt.node_name} has taken it over")

    def _say(self, words: str) -> None:
        say(f"jobwarden: job {self._job_id}: {words}", err=True)
