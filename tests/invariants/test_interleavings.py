"""Users, operators, schedulers, workers, crashes and typed SQL in any order, against a real database.

Where a real worker does something in two steps (looks and then acts, commits and then opens the gate), so do the
rules: everybody else may come in between. ``INVARIANTS_SEED`` and ``INVARIANTS_EXAMPLES`` search elsewhere and longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from jobwarden.backend.database.driver import DatabaseError, Engine, text
from jobwarden.backend.database.engine import WORKER_LOCK, release_session_lock, try_session_lock
from jobwarden.backend.domain.states import FailureReason, JobState
from jobwarden.backend.process.exit_status import EndCause, judge
from jobwarden.backend.process.identity import HostIdentity
from jobwarden.backend.process.record import Record, RecordKind
from jobwarden.backend.scheduler.cycle import run_cycle
from jobwarden.backend.state import machine
from jobwarden.backend.state.records import Outcome
from jobwarden.backend.worker import sql
from jobwarden.backend.worker.recovery import Fate, decide
from jobwarden.backend.worker.registration import Registration
from tests.invariants import typed
from tests.invariants.checks import FINAL, check_all, read
from tests.invariants.world import Attempt, Daemon, World
from tests.support.rows import ACTOR, add_node, add_worker, request

SEED = os.environ.get("INVARIANTS_SEED")
SETTINGS = settings(
    max_examples=int(os.environ.get("INVARIANTS_EXAMPLES", "35")),
    stateful_step_count=80,
    deadline=None,
    derandomize=SEED is None,
    database=None,
    print_blob=True,
    # A failure is made smaller only for who asks for a seed: that takes minutes.
    phases=[Phase.generate] if SEED is None else [Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
HOST = HostIdentity("machine", "boot", 1, "host")
NODES = {"node1": 2, "node2": 3}
WIPE = """
    SET LOCAL session_replication_role = replica;
    TRUNCATE jobs, resource_allocations, commands, events, nodes, workers RESTART IDENTITY CASCADE
"""
NODE = st.sampled_from(sorted(NODES))
RARELY = st.integers(0, 4).map(lambda number: number == 4)
CAUSES = {"cancel": EndCause.CANCELLED, "kill": EndCause.KILLED}

T = TypeVar("T")


class Draw(Protocol):
    """Chooses one of what a strategy offers."""

    def __call__(self, strategy: st.SearchStrategy[T], /) -> T: ...


class Interleavings(RuleBasedStateMachine):
    """One life of a small installation: two nodes, one partition."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine, self.world = engine, World()
        with engine.begin() as conn:
            conn.execute(text(WIPE))
            workers = {name: add_node(conn, name, cpus=cpus) for name, cpus in NODES.items()}
        self.locks = engine.connect().autocommit()
        self.daemons = {name: self._daemon(name, worker) for name, worker in workers.items()}
        self.suspended: list[Daemon] = []
        with engine.connect() as conn:
            self.before = read(conn)

    def teardown(self) -> None:
        """End the session that stands for those of all workers."""
        self.locks.invalidate()
        self.locks.close()

    def _daemon(self, node: str, worker_id: int) -> Daemon:
        try_session_lock(self.locks, WORKER_LOCK, worker_id)
        return Daemon(Registration(worker_id, 0, node, f"/spool/{node}"))

    def check_invariants(self, *args: Any, **kwargs: Any) -> None:
        """Hypothesis calls this after every step."""
        seen = read(self.locks)
        check_all(self.before, seen, self.world)
        self.before = seen

    def _do(self, action: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        with self.engine.begin() as conn:
            return action(conn, *args, **kwargs)

    def _job(self, draw: Draw) -> int:
        """Any job, as what does not apply must change nothing; counted from the newest, which are the busy ones."""
        newest = sorted(self.before.jobs, reverse=True)
        return newest[draw(st.integers(0, min(len(newest), 12) - 1))]

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        """One thing that can happen now. Chosen here and not by Hypothesis, so that the deep steps come up often."""
        possible = [name for name, (weight, applies) in STEPS.items() if applies(self) for _ in range(weight)]
        getattr(self, data.draw(st.sampled_from(possible)))(data.draw)

    # Users and operators ----------------------------------------------------------------------------------------

    def submit(self, draw: Draw) -> None:
        cpus, priority, held = draw(st.integers(1, 3)), draw(st.integers(0, 2)), draw(RARELY)
        wanted = [request(cpus=cpus, priority=priority, held=held and i == 0) for i in range(draw(st.integers(1, 3)))]
        assert len(self._do(machine.submit, wanted, ACTOR)) == len(wanted)

    def end(self, draw: Draw) -> None:
        """As the actions do it: at once when nothing runs, else the worker is asked."""
        job, action = self._job(draw), draw(st.sampled_from(("cancel", "kill")))
        if not self._do(machine.end_unstarted, [job], action, ACTOR, "why not"):
            self._do(machine.request_end, [job], action, ACTOR, "why not")

    def resubmit(self, draw: Draw) -> None:
        job = self._job(draw)
        made = self._do(machine.resubmit, job, ACTOR)
        assert (made is not None) == JobState(self.before.jobs[job]["state"]).final

    def reorder(self, draw: Draw) -> None:
        job = self._job(draw)
        self._do(machine.set_held, [job], not self.before.jobs[job]["held"], ACTOR, None)
        self._do(machine.set_priority, [job], draw(st.integers(0, 9)), ACTOR, None)

    def mark_failed(self, draw: Draw) -> None:
        job = self._job(draw)
        self._do(machine.fail, job, ACTOR, "by decree", release=all(map(self._gone, self.before.live(job))))

    def release(self, draw: Draw) -> None:
        job = draw(st.sampled_from(self.leaking()))
        live = self.before.live(job)
        if all(map(self._gone, live)):
            self._do(machine.release, job, ACTOR, "checked")
        elif draw(st.booleans()):
            self.world.by_hand.update(allocation["id"] for allocation in live)
            self._do(machine.release, job, ACTOR, "I know better")

    def drain(self, draw: Draw) -> None:
        self._do(machine.set_drain, draw(NODE), draw(RARELY), ACTOR, "maintenance")

    def clean(self, draw: Draw) -> None:
        """The one-key clean-up of what a dead worker left."""
        node = draw(st.sampled_from(self.deserted()))
        for allocation in [a for a in self.live() if a["node_name"] == node]:
            attempt = self.world.attempts.get(allocation["id"])
            if allocation["process_id"] is None:
                self._do(machine.requeue, [allocation["id"]], ACTOR, "worker died", uncommitted=True)
            elif attempt is not None:
                cause = EndCause.KILLED if attempt.alive else None
                self._kill(attempt)
                self._conclude(attempt, ACTOR, cause, "clean")

    # Scheduler --------------------------------------------------------------------------------------------------

    def schedule(self, draw: Draw) -> None:
        """A message may be lost: then the sweep launches."""
        for node, allocations in self._do(run_cycle, 3600.0).items():
            if not draw(RARELY):
                self.world.mail.setdefault(node, []).extend(allocations)

    # Workers ----------------------------------------------------------------------------------------------------

    def launch(self, draw: Draw) -> None:
        """Claim and spawn; messages are not used up, so that each may come again."""
        daemon = draw(st.sampled_from(self.minds()))
        mail = self.world.mail.get(daemon.me.node_name, [])
        for order in self._do(machine.claim, daemon.me.worker_id, mail[-4:]):
            assert order.allocation_id not in self.world.attempts, f"allocation {order.allocation_id} claimed twice"
            attempt = self.world.attempts[order.allocation_id] = Attempt(order)
            daemon.gated.append(attempt)

    def commit(self, draw: Draw) -> None:
        """Commit the pids. Without the answer a worker must take all of them for refused."""
        daemon = draw(st.sampled_from([daemon for daemon in self.minds() if daemon.gated]))
        started = [attempt.started(daemon.me.spool) for attempt in daemon.gated]
        opened = self._do(machine.commit_start, daemon.me.worker_id, started, daemon.me.actor)
        answered = not draw(RARELY)
        for attempt in daemon.gated:
            if answered and attempt.order.allocation_id in opened:
                daemon.committed.append(attempt)
            else:
                attempt.close_gate()
                daemon.watched.append(attempt)
        daemon.gated = []

    def open_gates(self, draw: Draw) -> None:
        daemon = draw(st.sampled_from([daemon for daemon in self.minds() if daemon.committed]))
        for attempt in daemon.committed:
            attempt.open_gate()
        daemon.watched += daemon.committed
        daemon.committed = []

    def script_ends(self, draw: Draw) -> None:
        """By itself, or (None) with a KILL that takes its supervisor along."""
        attempt = self.world.attempts[draw(st.sampled_from(self.running()))]
        code = draw(st.sampled_from((0, 0, 1, None)))
        attempt.end(None if code is None else Record(RecordKind.EXIT, code, end_ns=1, gone=True))

    def record(self, draw: Draw) -> None:
        """Write down what has ended."""
        daemon = draw(st.sampled_from([daemon for daemon in self.minds() if daemon.ended()]))
        for attempt in daemon.ended():
            self._conclude(attempt, daemon.me.actor, None, "finish")
            daemon.watched.remove(attempt)

    def obey(self, draw: Draw) -> None:
        """Carry out the commands of the node."""
        daemon = draw(st.sampled_from([daemon for daemon in self.minds() if daemon.watched]))
        with self.engine.connect() as conn:
            commands = conn.execute(sql.OPEN_COMMANDS, {"node": daemon.me.node_name}).all()
        for command in commands:
            for attempt in [a for a in daemon.watched if a.order.job_id == command.job_id and a.alive]:
                self._kill(attempt)
                self._conclude(attempt, command.actor, CAUSES[command.action], command.action)
                daemon.watched.remove(attempt)

    def look(self, draw: Draw) -> None:
        """The first half of a recovery or sweep: read, and decide what becomes of what nobody watches."""
        self._look(self.daemons[draw(st.sampled_from(sorted(self.daemons)))], age=draw(st.sampled_from((0.0, 100.0))))

    def act(self, draw: Draw) -> None:
        """The second half: carry it out, whatever has happened meanwhile."""
        daemon = draw(st.sampled_from([daemon for daemon in self.minds() if daemon.decided]))
        fates, daemon.decided = daemon.decided, []
        node, actor, known = daemon.me.node_name, daemon.me.actor, daemon.in_hand()
        requeued = [(a, unstarted) for a, fate, unstarted in fates if fate is Fate.REQUEUE]
        self._do(machine.requeue, [a for a, unstarted in requeued if unstarted], actor, "no pid", uncommitted=True)
        self._do(machine.requeue, [a for a, unstarted in requeued if not unstarted], actor, "recorded so")
        adopted = [allocation for allocation, fate, _ in fates if fate is Fate.ADOPT]
        self._do(machine.adopt, daemon.me.worker_id, adopted, actor)
        daemon.watched += [
            self.world.attempts[a] for a, fate, _ in fates if fate in (Fate.ADOPT, Fate.CONCLUDE) and a not in known
        ]
        self.world.mail.setdefault(node, []).extend(a for a, fate, _ in fates if fate is Fate.LAUNCH)

    def crash(self, draw: Draw) -> None:
        self._leave(draw(st.sampled_from(sorted(self.daemons)))).die()

    def suspend(self, draw: Draw) -> None:
        """Stopped past its lease: the node goes to another, which has a look, and this one wakes up not knowing."""
        node = draw(st.sampled_from(sorted(self.daemons)))
        self.suspended.append(self._leave(node))
        if not draw(RARELY):
            self._look(self._boot(node), age=0.0)

    def boot(self, draw: Draw) -> None:
        """A new worker takes the node."""
        self._boot(draw(st.sampled_from(self.deserted())))

    def fence(self, draw: Draw) -> None:
        """A suspended worker learns that it was superseded, and stops."""
        self.suspended.pop(draw(st.integers(0, len(self.suspended) - 1))).die()

    # Typed SQL --------------------------------------------------------------------------------------------------

    def type_the_procedure(self, draw: Draw) -> None:
        job = self._job(draw)
        if self.before.jobs[job]["state"] in ("PENDING", "RUNNING", "FAILED"):
            self._type(typed.FAIL, job)
            if draw(st.booleans()):
                self.world.by_hand.update(allocation["id"] for allocation in self.before.live(job))
                self._type(typed.RELEASE, job)

    def type_nonsense(self, draw: Draw) -> None:
        job, statement = self._job(draw), draw(st.sampled_from(typed.REFUSED))
        try:
            touched = self._type(statement, job)
        except DatabaseError:
            return
        assert touched == 0, f"the database took: {statement.format(job=job)}"

    # What is possible -------------------------------------------------------------------------------------------

    def minds(self) -> list[Daemon]:
        """The workers that serve their nodes, and those that only think so."""
        return [*self.daemons.values(), *self.suspended]

    def deserted(self) -> list[str]:
        """Nodes without a worker."""
        return sorted(NODES.keys() - self.daemons.keys())

    def live(self) -> list[Any]:
        """Allocations that are not released."""
        return [allocation for allocation in self.before.allocations.values() if not allocation["released"]]

    def leaking(self) -> list[int]:
        """Final jobs that hold something."""
        return [job for job, row in self.before.jobs.items() if row["state"] in FINAL and self.before.live(job)]

    def running(self) -> list[int]:
        """Allocations whose script runs."""
        return [allocation for allocation in self.world.attempts if self.world.runs(allocation)]

    def rung(self) -> list[int]:
        """Allocations that a message announced and nobody has claimed."""
        announced = {allocation for mail in self.world.mail.values() for allocation in mail}
        return [a["id"] for a in self.live() if a["claimed_at"] is None and a["id"] in announced]

    def waiting(self) -> int:
        """How many jobs wait for the scheduler."""
        return sum(job["state"] == "PENDING" and not job["held"] for job in self.before.jobs.values())

    # ------------------------------------------------------------------------------------------------------------

    def _type(self, statement: str, job: int) -> int:
        with self.engine.begin() as conn:
            return int(conn.execute(text(statement.format(job=job))).rowcount)

    def _leave(self, node: str) -> Daemon:
        daemon = self.daemons.pop(node)
        release_session_lock(self.locks, WORKER_LOCK, daemon.me.worker_id)
        return daemon

    def _boot(self, node: str) -> Daemon:
        with self.engine.begin() as conn:
            conn.execute(sql.SUPERSEDE, {"name": node, "reason": "superseded"})
            worker_id = add_worker(conn, node)
        self.daemons[node] = self._daemon(node, worker_id)
        return self.daemons[node]

    def _look(self, daemon: Daemon, age: float) -> None:
        with self.engine.connect() as conn:
            found = conn.execute(sql.LIVE_ON_NODE, {"node": daemon.me.node_name}).all()
        rows = [SimpleNamespace(**{**row.asdict(), "age": age}) for row in found]
        daemon.decided = [
            (row.allocation_id, decide(row, daemon.me, HOST, self._evidence), row.process_id is None)
            for row in rows
            if row.allocation_id not in daemon.in_hand()
        ]

    def _gone(self, allocation: Any) -> bool:
        """What the actions take for proof that nothing of it lives."""
        if allocation["process_id"] is None:
            return allocation["worker_id"] not in {daemon.me.worker_id for daemon in self.daemons.values()}
        return not self.world.alive(allocation["id"])

    def _evidence(self, row: Any) -> Any:
        return self.world.attempts[row.allocation_id].evidence()

    def _kill(self, attempt: Attempt) -> None:
        if attempt.alive:
            kind = RecordKind.SIGNAL if attempt.ran else RecordKind.NEVER
            attempt.end(Record(kind, 15 if attempt.ran else 0, end_ns=1, gone=True))

    def _conclude(self, attempt: Attempt, actor: str, cause: EndCause | None, action: str) -> None:
        order, verdict = attempt.order, judge(attempt.record, cause=cause)
        if verdict.state is JobState.PENDING:
            self._do(machine.requeue, [order.allocation_id], actor, "never started")
            return
        reason = None if verdict.reason is None else FailureReason(verdict.reason)
        outcome = Outcome(
            order.allocation_id, order.job_id, verdict.state, reason, verdict.exit_code, verdict.exit_signal
        )
        self._do(machine.finish, [outcome], actor, action)


Applies = Callable[[Interleavings], object]
STEPS: dict[str, tuple[int, Applies]] = {
    "submit": (3, lambda m: m.waiting() < 4),
    "end": (1, lambda m: m.before.jobs),
    "resubmit": (1, lambda m: m.before.jobs),
    "reorder": (1, lambda m: m.before.jobs),
    "mark_failed": (1, lambda m: m.before.jobs),
    "release": (1, lambda m: m.leaking()),
    "drain": (1, lambda m: True),
    "clean": (2, lambda m: m.deserted()),
    "schedule": (6, lambda m: m.waiting()),
    "launch": (8, lambda m: m.minds() and m.rung()),
    "commit": (5, lambda m: any(daemon.gated for daemon in m.minds())),
    "open_gates": (5, lambda m: any(daemon.committed for daemon in m.minds())),
    "script_ends": (2, lambda m: m.running()),
    "record": (3, lambda m: any(daemon.ended() for daemon in m.minds())),
    "obey": (2, lambda m: any(daemon.watched for daemon in m.minds())),
    "look": (2, lambda m: m.daemons and m.live()),
    "act": (4, lambda m: any(daemon.decided for daemon in m.minds())),
    "crash": (1, lambda m: m.daemons),
    "suspend": (2, lambda m: m.daemons),
    "boot": (4, lambda m: m.deserted()),
    "fence": (1, lambda m: m.suspended),
    "type_the_procedure": (1, lambda m: m.before.jobs),
    "type_nonsense": (2, lambda m: m.before.jobs),
}
"""What can happen: how often it is chosen, and when it can be."""


@pytest.mark.slow
def test_nothing_breaks_an_invariant(engine: Engine) -> None:
    """The same search every time, unless told otherwise."""
    print(f"seed: {SEED or 'fixed'}")

    class Seeded(Interleavings):
        def __init__(self) -> None:
            super().__init__(engine)

    run_state_machine_as_test(Seeded if SEED is None else seed(int(SEED))(Seeded), settings=SETTINGS)
