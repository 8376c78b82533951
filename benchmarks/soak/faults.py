"""Causing the faults of the plan."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import redis

from benchmarks.soak.installation import Installation, send
from benchmarks.soak.plan import Event
from benchmarks.soak.scripts import hostile_fields
from benchmarks.soak.watch import Watch
from jobwarden.backend.database.driver import DatabaseError, text
from jobwarden.backend.domain.request import JobRequest
from jobwarden.backend.embedded import postgres, valkey
from jobwarden.backend.embedded.home import locate
from jobwarden.backend.process.identity import Liveness, ProcessIdentity, liveness
from jobwarden.backend.process.procfs import scan
from jobwarden.backend.state import machine

RUNNING = text(
    "SELECT process_id, process_start, boot_id, pid_namespace FROM resource_allocations"
    " WHERE NOT released AND process_id IS NOT NULL ORDER BY id"
)
SESSIONS = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")

T = TypeVar("T")


@dataclass(slots=True)
class Saboteur:
    """Does one fault after another; counts those that found a victim."""

    installation: Installation
    watch: Watch
    done: Counter[str] = field(default_factory=Counter)
    _suspended: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def cause(self, events: Sequence[Event], began: float) -> None:
        """All of the plan, in its time."""
        for event in events:
            self._wait(began + event.at)
            with contextlib.suppress(DatabaseError, redis.RedisError):  # what is to be broken is down already
                self.done[event.kind] += int(CAUSES[event.kind](self, event))

    def relent(self) -> None:
        """Continue everything that is suspended."""
        for _, go_on in self._suspended:
            go_on()
        self._suspended.clear()

    def _wait(self, until: float) -> None:
        while (now := time.monotonic()) < until:
            for due in [due for due in self._suspended if due[0] <= now]:
                due[1]()
                self._suspended.remove(due)
            time.sleep(min(0.05, max(0.0, until - now)))

    def kill_worker(self, event: Event) -> bool:
        node = _pick([node for node in self.installation.nodes.values() if node.process.poll() is None], event)
        if node is None:
            return False
        self.watch.killed(self.installation.kill(node))
        return True

    def suspend_worker(self, event: Event) -> bool:
        node = _pick([node for node in self.installation.nodes.values() if node.running], event)
        if node is None:
            return False
        process, node.suspended = node.process, True
        process.send_signal(signal.SIGSTOP)

        def go_on() -> None:
            if node.process is process:
                node.suspended = False
            process.send_signal(signal.SIGCONT)

        self._suspended.append((time.monotonic() + event.for_, go_on))
        return True

    def kill_supervisor(self, event: Event) -> bool:
        return _send(_pick(self._supervisors(), event), signal.SIGKILL)

    def kill_script(self, event: Event) -> bool:
        return _send(self._script(event), signal.SIGKILL)

    def suspend_supervisor(self, event: Event) -> bool:
        return self._suspend(_pick(self._supervisors(), event), event)

    def suspend_script(self, event: Event) -> bool:
        return self._suspend(self._script(event), event)

    def kill_postgres(self, event: Event) -> bool:
        return self._break_postgres(signal.SIGKILL)

    def restart_postgres(self, event: Event) -> bool:
        return self._break_postgres(signal.SIGQUIT)

    def cut_sessions(self, event: Event) -> bool:
        with self.installation.engine.begin() as conn:
            pids = sorted(conn.scalars(SESSIONS))
            chosen = [pid for place, pid in enumerate(pids) if (event.luck * (place + 7)) % 1 < 0.4]
            conn.execute(text("SELECT pg_terminate_backend(pid) FROM unnest(CAST(:p AS int[])) pid"), {"p": chosen})
        return bool(chosen)

    def kill_valkey(self, event: Event) -> bool:
        return _send(valkey.running_pid(locate(self.installation.settings)), signal.SIGKILL)

    def empty_valkey(self, event: Event) -> bool:
        with redis.Redis.from_url(valkey.url(locate(self.installation.settings))) as client:
            return bool(client.flushall())

    def hostile_job(self, event: Event) -> bool:
        fields = hostile_fields(event.luck, str(self.installation.starts))
        work = str(self.installation.folder / "work")
        with self.installation.engine.begin() as conn:
            machine.submit(conn, [JobRequest(account="soak", work_dir=work, **fields)], "attacker@soak")
        return True

    def _break_postgres(self, number: signal.Signals) -> bool:
        broken = _send(postgres.running_pid(locate(self.installation.settings)), number)
        if broken:
            threading.Thread(target=self.watch.outage, args=(time.monotonic(),), daemon=True).start()
        return broken

    def _supervisors(self) -> list[int]:
        with self.installation.engine.connect() as conn:
            found = [ProcessIdentity(*row) for row in conn.execute(RUNNING)]
        return [identity.pid for identity in found if liveness(identity) is Liveness.ALIVE]

    def _script(self, event: Event) -> int | None:
        children = scan().children
        return _pick([stat.pid for pid in self._supervisors() for stat in children.get(pid, ())], event)

    def _suspend(self, pid: int | None, event: Event) -> bool:
        if not _send(pid, signal.SIGSTOP):
            return False
        self._suspended.append((time.monotonic() + event.for_, lambda: _send(pid, signal.SIGCONT)))
        return True


Cause = Callable[[Saboteur, Event], bool]
CAUSES: dict[str, Cause] = {
    "kill worker": Saboteur.kill_worker,
    "suspend worker": Saboteur.suspend_worker,
    "kill supervisor": Saboteur.kill_supervisor,
    "kill script": Saboteur.kill_script,
    "suspend supervisor": Saboteur.suspend_supervisor,
    "suspend script": Saboteur.suspend_script,
    "kill PostgreSQL": Saboteur.kill_postgres,
    "restart PostgreSQL at once": Saboteur.restart_postgres,
    "cut database sessions": Saboteur.cut_sessions,
    "kill Valkey": Saboteur.kill_valkey,
    "empty Valkey": Saboteur.empty_valkey,
    "hostile job": Saboteur.hostile_job,
}


def _pick(among: Sequence[T], event: Event) -> T | None:
    return among[int(event.luck * len(among))] if among else None


def _send(pid: int | None, number: signal.Signals) -> bool:
    return pid is not None and send(pid, number)
