"""Users who submit and operators who interfere, all through what the product offers them."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.soak.installation import NODES, Installation
from benchmarks.soak.plan import Event
from benchmarks.soak.scripts import request_fields
from jobwarden.backend.actions import nodes
from jobwarden.backend.actions.results import Context
from jobwarden.backend.actions.run import perform
from jobwarden.backend.actions.targets import ActionRequest, Scope
from jobwarden.backend.anomalies.detect import find
from jobwarden.backend.database.driver import DatabaseError, text
from jobwarden.backend.domain.request import JobRequest
from jobwarden.backend.state import machine

ACTOR = "operator@soak"
OPERATORS = 3
STATES = {
    "cancel": "state IN ('PENDING', 'RUNNING')",
    "kill": "state = 'RUNNING'",
    "mark-failed": "state IN ('PENDING', 'RUNNING')",
    "release": "id IN (SELECT job_id FROM resource_allocations WHERE NOT released)",
    "resubmit": "state IN ('FAILED', 'CANCELLED')",
    "hold": "state = 'PENDING'",
    "unhold": "held",
    "priority": "state = 'PENDING'",
    "typed FAILED": "state IN ('PENDING', 'RUNNING')",
    "typed FAILED and released": "state IN ('PENDING', 'RUNNING')",
}
"""Which jobs an operator would choose for a action."""
TYPED = (
    "UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id={job};",
    "UPDATE resource_allocations SET released=TRUE WHERE job_id={job};",
)


@dataclass(slots=True)
class People:
    """Threads that act until the plan is done."""

    installation: Installation
    done: Counter[str] = field(default_factory=Counter)
    submitted: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _todo: queue.Queue[Event | None] = field(default_factory=queue.Queue)

    @property
    def context(self) -> Context:
        """As whom the operators act."""
        return Context(self.installation.engine, self.installation.settings, ACTOR)

    def submit(self, rate: float, seconds: float, began: float) -> None:
        """Submit ``rate`` jobs a second, some alone and some in bursts."""
        rng = random.Random(f"jobs {self.installation.seed}")
        at = 0.0
        while at < seconds:
            number = rng.choice((1, 1, 2, 5, 20))
            requests = [self._request(rng) for _ in range(number)]
            _sleep_until(began + at)
            with contextlib.suppress(DatabaseError):  # a user whose submit failed; what was committed is counted
                with self.installation.engine.begin() as conn:
                    ids = machine.submit(conn, requests, "user@soak")
                self.submitted += ids
            at += number / rate

    def operate(self, events: Sequence[Event], began: float) -> None:
        """Do the actions of the plan with a few hands, as some of them take a while."""
        hands = [threading.Thread(target=self._hand, daemon=True) for _ in range(OPERATORS)]
        for hand in hands:
            hand.start()
        for event in events:
            _sleep_until(began + event.at)
            self._todo.put(event)
        for _ in hands:
            self._todo.put(None)
        for hand in hands:
            hand.join()

    def clean_all(self) -> int:
        """The one-key clean-up of all that is listed; how many there were."""
        with self.installation.engine.connect() as conn:
            ids = [row.job_id for row in find(conn, self.installation.settings)]
        if ids:
            perform(self.context, ActionRequest("clean", Scope(tuple(ids)), "soak"))
        return len(ids)

    def settle(self) -> None:
        """Let everything go that is held back."""
        for node in NODES:
            nodes.set_drain(self.installation.engine, node, False, ACTOR, None)
        with self.installation.engine.begin() as conn:
            held = list(conn.scalars(text("SELECT id FROM jobs WHERE held AND state = 'PENDING'")))
            machine.set_held(conn, held, False, ACTOR, None)

    def _hand(self) -> None:
        while (event := self._todo.get()) is not None:
            try:
                self.done[event.kind] += int(self._do(event))
            except DatabaseError:
                self.done["(database was down)"] += 1
            except Exception as exc:  # an operator's tool must not break: counted, and the run fails
                self.failures.append(f"{event.kind}: {type(exc).__name__}: {exc}")

    def _do(self, event: Event) -> bool:
        if event.kind == "clean":
            return self.clean_all() > 0
        if event.kind in ("drain", "resume"):
            node = NODES[int(event.luck * len(NODES))]
            nodes.set_drain(self.installation.engine, node, event.kind == "drain", ACTOR, "soak")
            return True
        job = self._choose(STATES[event.kind], event.luck)
        if job is None:
            return False
        if event.kind.startswith("typed"):
            return self._type(job, TYPED if event.kind.endswith("released") else TYPED[:1])
        value = int(event.luck * 10) if event.kind == "priority" else None
        [result] = perform(self.context, ActionRequest(event.kind, Scope((job,)), "soak", value=value))
        return result.changed

    def _choose(self, condition: str, luck: float) -> int | None:
        with self.installation.engine.connect() as conn:
            ids = list(conn.scalars(text(f"SELECT id FROM jobs WHERE {condition} ORDER BY id DESC LIMIT 50")))
        return ids[int(luck * len(ids))] if ids else None

    def _type(self, job: int, statements: Sequence[str]) -> bool:
        for statement in statements:
            try:
                with self.installation.engine.begin() as conn:
                    conn.execute_script(statement.format(job=job))
            except DatabaseError as exc:
                if not str(exc.code).startswith("JW"):
                    raise
                return False  # it ended meanwhile, and its end stands
        return True

    def _request(self, rng: random.Random) -> JobRequest:
        fields = request_fields(rng, str(self.installation.starts))
        return JobRequest(account="soak", work_dir=str(self.installation.folder / "work"), **fields)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
