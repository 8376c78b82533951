"""The one event loop that watches every job of the node by pidfd, and ends those that have to end."""

import logging
import os
import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.faults import point
from jobwarden.backend.process.exit_status import EndCause, Verdict
from jobwarden.backend.process.identity import boot_clock
from jobwarden.backend.process.procfs import ProcessSnapshot, scan
from jobwarden.backend.process.record import Record
from jobwarden.backend.process.termination import Termination, TerminationResult, tell_survivors
from jobwarden.backend.worker.crash_guard import contained, told
from jobwarden.backend.worker.recorder import EndedJob, NeverStarted, RecordEntry, Stuck, Unstuck
from jobwarden.backend.worker.watched_job import EndRequest, WatchedJob

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often jobs are looked at that no event announces: a script that ended while processes of its own go on."""
STUCK_RETRY_SECONDS = 30.0
SECOND_LOOKS = (1.0, 2.0, 4.0, 8.0)
"""Pauses before what could not be ended counts as stuck: most of it is gone by then, and a drained node is dear."""
AFTER_ERROR_SECONDS = 10.0
"""Pause after an internal error with one job, before it is taken up again."""


class Monitor:
    """Runs in the worker's main thread; other threads reach it through :meth:`watch`, :meth:`end` and :meth:`settled`.

    ``record`` takes what is to be written, ``looking`` is called about once a second while jobs are really watched;
    neither may block.
    """

    def __init__(
        self,
        record: Callable[[RecordEntry], None],
        actor: str,
        grace_seconds: float,
        looking: Callable[[], None] = lambda: None,
    ) -> None:
        self._record, self._actor, self._grace, self._looking = record, actor, grace_seconds, looking
        self._jobs: dict[int, WatchedJob] = {}
        self._by_fd: dict[int, WatchedJob] = {}
        self._by_job: dict[int, int] = {}
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._poll = select.epoll()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll.register(self._wake_fd, select.EPOLLIN)
        self._next_look = boot_clock() + LOOK_SECONDS
        self._stopping = False

    # For other threads ------------------------------------------------------------------------------------------

    def watch(self, watched: WatchedJob) -> None:
        """Take a job into care."""
        self._tell(lambda: self._add(watched))

    def end(self, job_id: int, request: EndRequest) -> None:
        """End a watched job; nothing happens when it is not watched here or is being ended already."""
        self._tell(lambda: self._request_end(job_id, request))

    def settled(self, allocation_ids: Sequence[int]) -> None:
        """Forget what is written down."""
        self._tell(lambda: self._forget(allocation_ids))

    def stop(self) -> None:
        """Leave the loop; the jobs run on. Safe in a signal handler."""
        self._stopping = True
        os.eventfd_write(self._wake_fd, 1)

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    def tracked(self) -> frozenset[int]:
        """Allocation ids in care, from watching to settled."""
        return frozenset(tuple(self._jobs))

    # The loop ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Watch until stopped."""
        while not self._stopping:
            for fd, _ in self._poll.poll(self._pause()):
                if fd == self._wake_fd:
                    os.eventfd_read(self._wake_fd)
                else:
                    self._process_ended(fd)
            self._read_inbox()
            now = boot_clock()
            self._check_limits(now)
            self._look_for_leftovers(now)
            self._step_endings(now)

    @contextmanager
    def _caring(self, job: WatchedJob) -> Iterator[None]:
        """An internal error in the care for one job is told with that job, which is taken up again after a while.

        Its allocation is kept meanwhile: nobody knows yet that its processes are gone.
        """
        try:
            yield
        except Exception as exc:
            log.critical("internal error in the care for job %d: the worker goes on", job.job_id, exc_info=True)
            job.ending, job.due, job.flagged = None, boot_clock() + AFTER_ERROR_SECONDS, True
            self._record(Stuck(job.allocation_id, f"its worker failed to deal with it: {told(exc)}", drain=False))
        else:
            if job.flagged:
                job.flagged = False
                self._record(Unstuck(job.allocation_id))

    def _tell(self, message: Callable[[], None]) -> None:
        self._inbox.put(message)
        os.eventfd_write(self._wake_fd, 1)

    def _read_inbox(self) -> None:
        with suppress(Empty):
            while True:
                message = self._inbox.get_nowait()
                with contained("the loop that watches jobs"):
                    message()

    def _pause(self) -> float:
        due = [job.due for job in self._jobs.values() if job.due is not None]
        return max(0.0, min([self._next_look, *due]) - boot_clock())

    # One job ----------------------------------------------------------------------------------------------------

    def _add(self, job: WatchedJob) -> None:
        if job.allocation_id in self._jobs:  # the sweep and a launch met: one watch is enough
            if job.pidfd >= 0:
                os.close(job.pidfd)
            return
        self._jobs[job.allocation_id] = job
        self._by_job[job.job_id] = job.allocation_id
        if job.pidfd >= 0:
            self._by_fd[job.pidfd] = job
            self._poll.register(job.pidfd, select.EPOLLIN)
        with self._caring(job):
            point("watch")
            if job.pidfd < 0:
                self._supervisor_gone(job)

    def _process_ended(self, fd: int) -> None:
        job = self._by_fd.pop(fd)
        self._poll.unregister(fd)
        before = boot_clock()  # until it is reaped its pid is its own, and so is the number of its session
        ours, job.wait_status = _reap(fd)
        job.gone_since = before if ours else None
        os.close(fd)
        job.pidfd = -1
        with self._caring(job):
            point("exit-seen")
            self._supervisor_gone(job)

    def _supervisor_gone(self, job: WatchedJob) -> None:
        """Our own child that ended by its own will, with a record that says so, proves that nothing is left. Without
        that proof, look, and end what is found."""
        record = job.record()
        vouched = record is not None and record.gone and job.wait_status is not None and not job.group_populated()
        if job.ending is None and (vouched or job.rebooted):
            self._conclude(job, record)
        else:
            self._begin_ending(job)

    def _conclude(self, job: WatchedJob, record: Record | None) -> None:
        """Nothing of it is left: say how it ended."""
        job.concluded, job.due, job.ending, job.deadline = True, None, None, None
        try:
            job.heed_order(record)
            verdict = job.judge(record)
        except Exception as exc:
            log.critical("internal error in judging job %d: the worker goes on", job.job_id, exc_info=True)
            verdict = Verdict(JobState.FAILED, FailureReason.WORKER_LOST, message=f"nobody can say how: {told(exc)}")
        if verdict.state is JobState.PENDING:
            self._record(NeverStarted(job.allocation_id, "its script never started"))
            return
        outcome = job.outcome(verdict, record)
        request = job.request
        if request is None or request.actor is None:
            self._record(EndedJob(outcome, self._actor))
        else:
            action = "cancel" if request.cause is EndCause.CANCELLED else "kill"
            self._record(EndedJob(outcome, request.actor, action, request.reason))

    def _forget(self, allocation_ids: Iterable[int]) -> None:
        for allocation_id in allocation_ids:
            job = self._jobs.get(allocation_id)
            if job is not None and job.concluded:
                if (group := job.group) is not None:
                    group.remove()
                del self._jobs[allocation_id]
                if self._by_job.get(job.job_id) == allocation_id:
                    del self._by_job[job.job_id]

    # Ending -----------------------------------------------------------------------------------------------------

    def _request_end(self, job_id: int, request: EndRequest) -> None:
        job = self._jobs.get(self._by_job.get(job_id, -1))
        if job is None or job.concluded or job.request is not None:
            return
        with self._caring(job):
            if job.record() is None:
                job.request = request
            self._begin_ending(job)

    def _begin_ending(self, job: WatchedJob) -> None:
        if job.ending is None:
            point("kill")
            job.ending = self._new_ending(job)
        job.due = boot_clock()

    def _is_well(self, job: WatchedJob) -> bool:
        """Whether its script still runs and nobody wants its end."""
        return job.pidfd >= 0 and job.request is None and job.record() is None

    def _new_ending(self, job: WatchedJob) -> Termination:
        return Termination(job.target, self._grace, clock=boot_clock, gone_since=job.gone_since)

    def _check_limits(self, now: float) -> None:
        for job in self._jobs.values():
            if job.deadline is not None and job.deadline <= now:
                job.deadline = None
                self._request_end(job.job_id, EndRequest(EndCause.TIMEOUT))

    def _look_for_leftovers(self, now: float) -> None:
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        self._looking()
        for job in self._by_fd.values():
            if job.ending is None and job.due is None:
                with self._caring(job):
                    if job.record() is not None:
                        self._begin_ending(job)

    def _step_endings(self, now: float) -> None:
        due = [job for job in self._jobs.values() if job.due is not None and job.due <= now]
        if not due:
            return
        with contained("the look at all processes"):
            snapshot = scan()
            for job in due:
                with self._caring(job):
                    self._step_ending(job, now, snapshot)

    def _step_ending(self, job: WatchedJob, now: float, snapshot: ProcessSnapshot) -> None:
        if job.ending is None:
            if self._is_well(job):  # there was an error in the care for it, not with it
                job.due = None
                return
            job.ending = self._new_ending(job)  # it could not be ended before: try again
        pause = job.ending.step(now, snapshot)
        point("signalled")
        if pause is not None:
            job.due = boot_clock() + pause
        elif job.ending.result is not None:
            self._ending_done(job, job.ending.result)

    def _ending_done(self, job: WatchedJob, result: TerminationResult) -> None:
        job.signalled.update(result.signalled)
        if result.proven_gone:
            if result.already_ended or not job.signalled:
                job.request = None  # it ended by itself before anything was sent
            self._conclude(job, job.record())
            return
        job.ending = None
        if not result.waited and job.looks < len(SECOND_LOOKS):
            job.due, job.looks = boot_clock() + SECOND_LOOKS[job.looks], job.looks + 1
            return
        job.due = boot_clock() + STUCK_RETRY_SECONDS
        detail = describe(result, job.identity.pid)
        log.error("job %d: %s", job.job_id, detail)
        self._record(Stuck(job.allocation_id, detail))


def describe(result: TerminationResult, supervisor: int) -> str:
    """Why an ending failed, with the processes that are left: for the operator who has to deal with them."""
    left = tell_survivors(result.survivors, supervisor)
    return f"{result.detail}: {left}" if left else result.detail


def _reap(pidfd: int) -> tuple[bool, int | None]:
    """Collect our own child: whether it was ours, not an adopted process, whose parent is another; and its exit code,
    None when a signal ended it."""
    with suppress(ChildProcessError):
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        if result is not None:
            return True, result.si_status if result.si_code == os.CLD_EXITED else None
    return False, None
