"""One worker put together: start order, stop order, and what happens in between."""

import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from jobwarden.backend import disk_reserve
from jobwarden.backend.actions.results import user_name
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import DatabaseError, Engine
from jobwarden.backend.database.engine import first_line, make_engine
from jobwarden.backend.domain.units import counted
from jobwarden.backend.embedded import servers, workers
from jobwarden.backend.errors import JobwardenError
from jobwarden.backend.faults import point
from jobwarden.backend.monitoring.alerts.monitor import AlertMonitor
from jobwarden.backend.process.cgroup import Groups, make_groups
from jobwarden.backend.process.spool import prepare_root
from jobwarden.backend.queries.models.jobs import SUBMITTERS
from jobwarden.backend.queue import doorbell
from jobwarden.backend.queue.redis_errors import Outage
from jobwarden.backend.scheduler.leader import Leader
from jobwarden.backend.state import machine
from jobwarden.backend.worker import registration, sql, systemd
from jobwarden.backend.worker.accounts import PROCESSES, Accounts, open_way
from jobwarden.backend.worker.commands import CommandListener
from jobwarden.backend.worker.crash_guard import CrashGuard, contained, exit_at_the_latest
from jobwarden.backend.worker.disk_guard import LogLimiter, ReserveKeeper
from jobwarden.backend.worker.heartbeat import Heartbeat
from jobwarden.backend.worker.launch_listener import BellRinger, LaunchListener
from jobwarden.backend.worker.launcher import Launcher
from jobwarden.backend.worker.monitor import Monitor
from jobwarden.backend.worker.node_check import Program
from jobwarden.backend.worker.recorder import Recorder
from jobwarden.backend.worker.recovery import Fate, Recovery, summary
from jobwarden.backend.worker.registration import raise_past_spool
from jobwarden.backend.worker.watched_job import WatchedJob

log = logging.getLogger(__name__)

FLUSH_SECONDS = 10.0
DRAIN_LOOK_SECONDS = 0.2
RETRY_SECONDS = 0.5


class Service:
    """A running worker. Make it, :meth:`run` it in the main thread; TERM or INT stop it and leave the jobs running."""

    def __init__(self, settings: Settings, urls: servers.Urls, *, drain_on_exit: bool) -> None:
        """Take the node. Raises Refused when it has a live worker, DatabaseError when the database is down."""
        self._settings, self._urls, self._drain_on_exit = settings, urls, drain_on_exit
        self._exit_code = 0
        self._program = Program()
        self._dropped = 0
        self._guard = CrashGuard(self._fenced)
        self._engine: Engine = make_engine(
            urls.database_url, by_key=True, application_name=f"jobwarden worker {settings.node_name}"
        )
        self._outage = Outage()
        self._ringer = BellRinger(urls.redis_url, self._outage)
        self._not_mended = ""
        spool = str(Path(settings.home) / "spool" / settings.node_name)
        accounts = Accounts(settings)
        if accounts.separate:
            open_way(Path(os.path.realpath(settings.home)), spool)
        prepare_root(spool, shared=accounts.separate)
        conn = self._engine.connect().autocommit()
        self._me = registration.register(conn, settings, spool, SUBMITTERS if accounts.separate else user_name())
        raise_past_spool(conn, self._me)
        self._pulse = Heartbeat(self._engine, conn, self._me, settings.heartbeat_seconds, self._fenced)
        self._recorder = Recorder(self._engine, self._me.actor, lambda ids: self._supervisor.settled(ids))
        self._supervisor = Monitor(
            self._recorder.put, self._me.actor, settings.kill_grace_seconds, lambda: systemd.notify("WATCHDOG=1")
        )
        self._logs = LogLimiter(
            settings.log_limit_mb, self._supervisor.tracked, lambda: disk_reserve.room(settings, Path(spool))
        )
        self._spare = ReserveKeeper(settings)
        most = PROCESSES if settings.pids_limit is None else settings.pids_limit
        groups = make_groups(spool, settings.limit_memory, most) if settings.cgroup == "auto" else Groups(None)
        self._launcher = Launcher(
            self._engine, self._me, groups, accounts, self._recorder, self._watch, self._logs.follow
        )
        self._recovery = Recovery(self._engine, self._me, groups, self._watch, self._launcher.put)
        self._leader = Leader(self._engine, settings, self._me.node_name, self._ring)
        self._alerts = AlertMonitor(self._engine, settings, lambda: self._leader.leads)
        self._doorbell = LaunchListener(
            urls.redis_url,
            self._me.node_name,
            self._me.worker_id,
            self._launcher.put,
            self._mend,
            self._outage,
        )
        self._commands = CommandListener(
            self._engine,
            self._me.node_name,
            settings.poll_seconds,
            wake_scheduler=self._leader.wake,
            launch=self._launcher.put,
            end=self._supervisor.end,
            sweep=self._sweep,
            mend=self._mend,
        )

    def run(self) -> int:
        """Recover, then schedule, then answer the bell; watch until told to stop. The exit status."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self._guard.install()
        self._pulse.start()
        self._recorder.start()
        self._launcher.start()
        try:
            self._serve()
        except Exception as exc:
            self._guard.failed("the main thread", exc)
        return self._shut_down()

    def _serve(self) -> None:
        fates = self._recover()
        log.info(
            "worker %d has node %s: %s", self._me.worker_id, self._me.node_name, summary(fates), extra={"counts": fates}
        )
        self._leader.start()
        self._commands.start()
        self._alerts.start()
        self._doorbell.start()
        self._ringer.start()
        systemd.notify("READY=1")
        self._logs.start()
        self._spare.start()
        self._supervisor.run()

    def _recover(self) -> Counter[Fate]:
        """Recover, over and over while the database is lost in the middle of it: every pass starts from what is.

        What goes wrong with one allocation, recovery itself contains; what is left to the sweep is tried again by it.
        """
        while not self._supervisor.stopping:
            try:
                self._launcher.begin()
                return self._recovery.run(self._in_hand)
            except DatabaseError as exc:
                log.warning("recovery lost the database, will try again: %s", first_line(exc))
                self._mend()
                time.sleep(RETRY_SECONDS)
        return Counter()

    # Stopping ---------------------------------------------------------------------------------------------------

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        if self._drain_on_exit:
            self._drain_on_exit = False  # a second signal stops at once
            threading.Thread(target=self._drain, name="drain", daemon=True).start()
        else:
            self._supervisor.stop()

    def _drain(self) -> None:
        """Take no new jobs, wait for those there are, then stop."""
        log.info("draining: waiting for the running jobs")
        while not self._set_draining() or self._busy():
            time.sleep(DRAIN_LOOK_SECONDS)
        self._supervisor.stop()

    def _set_draining(self) -> bool:
        try:
            with self._engine.begin() as conn:
                registration.set_draining(conn, self._me.worker_id)
        except DatabaseError as exc:
            log.warning("draining waits for the database: %s", first_line(exc))
            return False
        return True

    def _busy(self) -> bool:
        try:
            with self._engine.connect() as conn:
                live = conn.execute(sql.LIVE_ON_NODE, {"node": self._me.node_name}).first()
        except DatabaseError:
            return True  # unknown is busy: nothing is given up for a database that is down
        return live is not None or bool(self._supervisor.tracked())

    def _fenced(self) -> None:
        """End without a goodbye: the node is a successor's, or to be taken over as after a crash."""
        self._exit_code = 1
        self._supervisor.stop()

    def _shut_down(self) -> int:
        """Leave jobs running, give back what was not started, say goodbye. Nothing here may hang on a dead database."""
        exit_at_the_latest()
        self._alerts.stop()
        self._logs.stop()
        self._spare.stop()
        self._doorbell.stop()
        self._ringer.stop()
        self._launcher.stop()
        self._leader.stop()
        self._commands.stop()
        if not self._recorder.stop(FLUSH_SECONDS):
            log.error("the database is down: outcomes stay in the spool for the next worker")
        self._alerts.wait()
        running = len(self._supervisor.tracked())
        if self._exit_code == 0:
            self._say_goodbye()
        log.info("worker %d stopped, %d jobs go on without it", self._me.worker_id, running)
        return self._exit_code

    def _say_goodbye(self) -> None:
        try:
            self._give_back()
            workers.remove_pid_file(self._settings.home, self._me.node_name)
            self._pulse.stop("stopped")
        except DatabaseError as exc:
            log.warning("stopped without telling the database: %s", first_line(exc))

    def _give_back(self) -> None:
        with self._engine.begin() as conn:
            rows = conn.execute(sql.LIVE_ON_NODE, {"node": self._me.node_name}).all()
            unstarted = [row.allocation_id for row in rows if row.process_id is None]
            why = "its worker stopped before the script started"
            machine.requeue(conn, unstarted, self._me.actor, why, uncommitted=True)

    # In between -------------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        with contained("the sweep"):
            self._sweep_once()

    def _sweep_once(self) -> None:
        point("sweep")
        self._note_dropped()
        self._program.tell(self._engine, self._me.worker_id)
        fates = self._recovery.run(self._in_hand)
        if acted := {fate: count for fate, count in fates.items() if fate not in (Fate.WAIT, Fate.FOREIGN)}:
            log.info("sweep: %s", ", ".join(f"{count} {fate}" for fate, count in acted.items()))

    def _in_hand(self) -> frozenset[int]:
        return self._supervisor.tracked() | self._launcher.in_flight

    def _watch(self, watched: WatchedJob) -> None:
        self._supervisor.watch(watched)
        self._logs.follow(watched)

    def _note_dropped(self) -> None:
        """Write down that somebody else's messages were in our queue, at most once a sweep, however many they were."""
        name, count = self._me.node_name, doorbell.dropped(self._me.node_name)
        if count > self._dropped:
            why = f"{counted(count - self._dropped, 'foreign message')} in Redis dropped unread"
            with self._engine.begin() as conn:
                machine.note_node(
                    conn, name, self._me.actor, "messages-dropped", why, {"messages": count - self._dropped}
                )
            self._dropped = count

    def _ring(self, node_name: str, allocation_ids: Sequence[int]) -> None:
        """Tell a node what it has to launch; our own needs no bell."""
        if node_name == self._me.node_name:
            self._launcher.put(allocation_ids)
        else:
            self._ringer.put(node_name, allocation_ids)
        point("ring")

    def _mend(self) -> None:
        """Recover embedded servers that died; foreign ones are only waited for. What fails is said once."""
        said = ""
        with contained("the recovery of the servers"):
            try:
                servers.attach(self._settings)
            except JobwardenError as exc:
                said = str(exc)
                if said != self._not_mended:
                    log.warning("%s", said)
        self._not_mended = said
