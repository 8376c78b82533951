"""From allocation ids to running scripts, in batches: claim, spawn behind gates, commit the pids, open the gates."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from jobwarden.backend.database.driver import DatabaseError, Engine
from jobwarden.backend.database.engine import first_line
from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.errors import FolderTaken, LaunchError, Postponed
from jobwarden.backend.faults import point
from jobwarden.backend.process import spool
from jobwarden.backend.process.cgroup import ControlGroup, Groups
from jobwarden.backend.process.environment import job_environment
from jobwarden.backend.process.identity import boot_clock, elapsed_seconds
from jobwarden.backend.process.launch_server import Gated, LaunchServer
from jobwarden.backend.process.spawn import Launch
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import LaunchOrder, Outcome, Started
from jobwarden.backend.worker.accounts import Accounts
from jobwarden.backend.worker.crash_guard import contained, told
from jobwarden.backend.worker.node_check import OF_THE_NODE, Fitness
from jobwarden.backend.worker.recorder import EndedJob, Recorder
from jobwarden.backend.worker.registration import Registration, raise_past_spool
from jobwarden.backend.worker.watched_job import WatchedJob

log = logging.getLogger(__name__)

BATCH = 64
"""Jobs a pid-commit carries: large enough to share its cost, small enough that the first need not wait long."""


class Launcher(threading.Thread):
    """Launches what it is given, in batches that grow while it is busy.

    ``watch`` hands started jobs over, ``follow_log`` the log of one that is about to start.
    """

    def __init__(
        self,
        engine: Engine,
        registration: Registration,
        groups: Groups,
        accounts: Accounts,
        recorder: Recorder,
        watch: Callable[[WatchedJob], None],
        follow_log: Callable[[WatchedJob], None],
    ) -> None:
        super().__init__(name="launcher", daemon=True)
        self._engine, self._me, self._groups, self._accounts = engine, registration, groups, accounts
        self._recorder, self._watch, self._follow_log = recorder, watch, follow_log
        self._server = LaunchServer()
        self._news = threading.Condition()
        self._waiting: dict[int, None] = {}
        self._batch: frozenset[int] = frozenset()
        self._postponed: dict[int, str] = {}
        self._collided = False
        self._fitness = Fitness(engine, registration)
        self._stopped = False

    def put(self, allocation_ids: Iterable[int]) -> None:
        """Start what can be claimed of these; never blocks. With the database down nothing comes of it: the
        sweep comes back to them."""
        with self._news:
            self._waiting.update((allocation, None) for allocation in allocation_ids if allocation not in self._batch)
            self._news.notify()

    @property
    def in_flight(self) -> frozenset[int]:
        """Allocations that it was given and has not dealt with."""
        with self._news:
            return self._batch | self._waiting.keys()

    def begin(self) -> None:
        """Take back what a worker before this one said of the program. Raises DatabaseError."""
        self._fitness.begin()

    def stop(self) -> None:
        """Launch nothing any more; returns when the batch under way is done."""
        with self._news:
            self._stopped = True
            self._news.notify()
        if self.is_alive():  # it is not yet when the worker fails before it serves
            self.join()
        self._server.stop()

    def run(self) -> None:
        """Launch until stopped. What goes wrong with one job is its own failure, and a batch that breaks goes back to
        the queue."""
        while batch := self._take():
            with contained("a batch of launches"):
                self._launch_batch(batch)

    def _take(self) -> list[int]:
        """Wait for something to launch: as much as makes a batch; nothing once it is stopped."""
        with self._news:
            self._batch = frozenset()
            self._news.wait_for(lambda: self._waiting or self._stopped)
            taken = [] if self._stopped else list(self._waiting)[:BATCH]
            for allocation_id in taken:
                del self._waiting[allocation_id]
            self._batch = frozenset(taken)
            return taken

    def _launch_batch(self, allocation_ids: Sequence[int]) -> None:
        try:
            if not self._fitness.program_there():
                return  # not claimed yet: the sweep comes back to them
            self._fitness.look_again()
            with self._engine.begin() as conn:
                orders = machine.claim(conn, self._me.worker_id, allocation_ids)
            point("claimed")
            self._start(self._spawn(orders))
            self._fitness.settle()  # first, or the scheduler gives back what is given back
            self._give_back()
        except DatabaseError as exc:
            log.warning("launch postponed: %s", first_line(exc))

    def _spawn(self, orders: Sequence[LaunchOrder]) -> list[tuple[WatchedJob, Gated]]:
        """The jobs behind their gates, without those that could not be started: each is recorded as its own failure."""
        launches: dict[int, tuple[LaunchOrder, Launch]] = {}
        for order in orders:
            if self._fitness.spent:
                self._postponed[order.allocation_id] = self._fitness.reason
                continue
            with self._failing(order):
                launches[order.allocation_id] = order, self._prepared(order)
        spawned: list[tuple[WatchedJob, Gated]] = []
        results = self._server.launch([launch for _, launch in launches.values()]) if launches else []
        for (order, launch), result in zip(launches.values(), results, strict=True):
            with self._failing(order):
                if isinstance(result, LaunchError):
                    raise result
                spawned.append((_behind_gate(order, launch, result), result))
                self._fitness.succeeded()
        return spawned

    @contextmanager
    def _failing(self, order: LaunchOrder) -> Iterator[None]:
        """What goes wrong here with a job is its own failure, unless it is none of its faults."""
        try:
            yield
            return
        except Postponed as error:
            self._collided = self._collided or isinstance(error, FolderTaken)
            self._postponed[order.allocation_id] = error.message
            return
        except LaunchError as error:
            if self._fitness.spent and error.step in OF_THE_NODE:  # enough jobs have failed for that
                self._postponed[order.allocation_id] = self._fitness.reason
                return
            self._fitness.failed(error.step, error.message)
            message = error.message
        except Exception as error:
            log.critical("internal error in the launch of job %d: it fails", order.job_id, exc_info=True)
            message = f"the worker could not start it: {told(error)}"
        self._recorder.put(EndedJob(_launch_failure(order, message), self._me.actor))

    def _give_back(self) -> None:
        """Jobs that could not be launched for no fault of theirs. What is not given back now, the sweep will."""
        postponed, self._postponed = self._postponed, {}
        if not postponed:
            return
        with self._engine.begin() as conn:
            if self._collided:
                raise_past_spool(conn, self._me)
            self._collided = False
            for allocation_id, why in postponed.items():
                machine.requeue(conn, [allocation_id], self._me.actor, why, uncommitted=True)

    def _prepared(self, order: LaunchOrder) -> Launch:
        user = self._accounts.of(order)
        group, limited = self._groups.add(order.allocation_id, order.cookie, order.memory_mb)
        environment = job_environment(
            order.environment,
            job_id=order.job_id,
            allocation_id=order.allocation_id,
            cookie=order.cookie,
            node=self._me.node_name,
            user=user,
            installation=self._accounts.installation(user),
        )
        return Launch(
            spool.Folder(f"{self._me.spool}/{order.allocation_id}", order.job_id),
            order.allocation_id,
            order.cookie,
            order.script,
            order.arguments,
            environment,
            order.work_dir,
            self._accounts.orders(order.record_key, user, limited=limited),
            group,
        )

    def _start(self, spawned: Sequence[tuple[WatchedJob, Gated]]) -> None:
        """Commit the identities, then let go exactly those that were committed.

        Whatever goes wrong, every gate is closed and every supervisor is watched to its end: one whose gate never
        opened records that it never started, and its job goes back to the queue if it is still ours.
        """
        may_run: set[int] = set()
        try:
            with self._engine.begin() as conn:
                started = [_started(watched) for watched, _ in spawned]
                committed = machine.commit_start(conn, self._me.worker_id, started, self._me.actor)
            may_run = committed
            point("pid-committed")
        finally:
            with contained("the opening of gates"):
                self._let_go(spawned, may_run)
            for watched, _ in spawned:
                self._watch(watched)

    def _let_go(self, spawned: Sequence[tuple[WatchedJob, Gated]], may_run: Collection[int]) -> None:
        """Open the gates of those that may run, and shut the others, whatever goes wrong."""
        going = [(watched, gated) for watched, gated in spawned if watched.allocation_id in may_run]
        for watched, _ in spawned:
            watched.never_ran = watched.allocation_id not in may_run
        try:
            for watched, _ in going:
                with contained(f"the log of job {watched.job_id}"):
                    self._follow_log(watched)  # before it can write the first byte
            running = self._server.open([gated for _, gated in going])
        finally:
            self._server.shut([gated for _, gated in spawned])  # those that are not open
        for watched, gated in going:
            # A server that is lost in the middle of it says nothing: then the record of each tells.
            watched.never_ran = running is not None and gated.pid not in running
            point("gate-opened")
            log.info("job %d started, supervisor pid %d", watched.job_id, gated.pid, extra=_fields(watched))


def _launch_failure(order: LaunchOrder, message: str) -> Outcome:
    return Outcome(order.allocation_id, order.job_id, JobState.FAILED, FailureReason.LAUNCH_ERROR, error_msg=message)


def _fields(watched: WatchedJob) -> dict[str, int]:
    return {"job_id": watched.job_id, "allocation_id": watched.allocation_id}


def _behind_gate(order: LaunchOrder, launch: Launch, gated: Gated) -> WatchedJob:
    try:
        point("spawn")
        return _watched(order, gated, launch)
    except Exception:
        gated.give_up()
        raise


def _watched(order: LaunchOrder, gated: Gated, launch: Launch) -> WatchedJob:
    watched = WatchedJob(
        allocation_id=order.allocation_id,
        job_id=order.job_id,
        identity=gated.identity,
        cookie=order.cookie,
        spool_dir=launch.folder.path,
        record_key=order.record_key,
        work_dir=order.work_dir,
        pidfd=gated.pidfd,
        group=ControlGroup(launch.group) if launch.group else None,
    )
    watched.deadline = deadline(order.time_limit, gated.identity.start_ticks)
    return watched


def deadline(time_limit: float | None, start_ticks: int) -> float | None:
    """When a process that started at ``start_ticks`` has used up its limit (seconds), on the boot clock."""
    return None if time_limit is None else boot_clock() + time_limit - elapsed_seconds(start_ticks)


def _started(watched: WatchedJob) -> Started:
    identity = watched.identity
    return Started(
        allocation_id=watched.allocation_id,
        process_id=identity.pid,
        process_start=identity.start_ticks,
        boot_id=identity.boot_id,
        pid_namespace=identity.pid_namespace,
        spool_dir=watched.spool_dir,
    )
