"""What becomes of an allocation that nobody watches, from the evidence alone."""

from types import SimpleNamespace
from typing import Any

import pytest

from jobwarden.backend.process.identity import HostIdentity, Liveness
from jobwarden.backend.process.record import Record, RecordKind
from jobwarden.backend.worker.recovery import (
    CLAIM_PATIENCE_SECONDS,
    RING_PATIENCE_SECONDS,
    Fate,
    ProcessEvidence,
    decide,
)
from jobwarden.backend.worker.registration import Registration

ME = Registration(worker_id=7, node_id=1, node_name="node1", spool="/spool")
HOST = HostIdentity(machine_id="here", boot_id="now", pid_namespace=1, hostname="host")
EXITED, EXITED_AND_GONE = Record(RecordKind.EXIT, 0), Record(RecordKind.EXIT, 0, gone=True)
NEVER = Record(RecordKind.NEVER, gone=True)


def fate(alive: Liveness = Liveness.ALIVE, record: Record | None = None, **changes: Any) -> Fate:
    """Of an allocation of a former worker with a process on this host, but for ``changes``."""
    row = {
        "process_id": 100, "worker_id": 6, "machine_id": "here", "boot_id": "now", "hostname": "host", "spool_dir": "/",
        "claimed": True, "age": 0.0,
        **changes,
    }  # fmt: skip
    return decide(SimpleNamespace(**row), ME, HOST, lambda _: ProcessEvidence(alive, record))


@pytest.mark.parametrize(
    ("alive", "record", "expected"),
    [
        (Liveness.ALIVE, None, Fate.ADOPT),
        (Liveness.ALIVE, EXITED, Fate.ADOPT),  # a daemon of the job goes on: its supervisor waits for it
        (Liveness.ALIVE, EXITED_AND_GONE, Fate.CONCLUDE),
        (Liveness.GONE, None, Fate.CONCLUDE),
        (Liveness.GONE, EXITED, Fate.CONCLUDE),
        (Liveness.GONE, EXITED_AND_GONE, Fate.CONCLUDE),
        (Liveness.UNKNOWN, None, Fate.UNKNOWN),
        (Liveness.UNKNOWN, EXITED, Fate.UNKNOWN),
        (Liveness.UNKNOWN, EXITED_AND_GONE, Fate.CONCLUDE),
        (Liveness.ALIVE, NEVER, Fate.REQUEUE),
        (Liveness.GONE, NEVER, Fate.REQUEUE),
    ],
)
def test_a_process_of_this_boot(alive: Liveness, record: Record | None, expected: Fate) -> None:
    assert fate(alive, record) is expected


@pytest.mark.parametrize("alive", list(Liveness))
def test_nothing_outlives_a_reboot(alive: Liveness) -> None:
    assert fate(alive, boot_id="before") is Fate.CONCLUDE


@pytest.mark.parametrize(
    "other", [{"hostname": "clone"}, {"spool_dir": "/no/such/folder"}, {"machine_id": "there"}], ids=str
)
def test_another_boot_of_a_clone_is_another_machine(other: dict[str, str]) -> None:
    assert fate(Liveness.GONE, None, boot_id="theirs", **other) is Fate.FOREIGN


def test_nothing_is_known_of_a_process_on_another_machine() -> None:
    assert fate(Liveness.GONE, machine_id="there", boot_id="theirs") is Fate.FOREIGN


def test_a_clone_with_another_machine_id_but_the_same_boot_is_this_host() -> None:
    assert fate(machine_id="there") is Fate.ADOPT


@pytest.mark.parametrize("claimed", [True, False])
def test_what_another_worker_never_started_goes_back(claimed: bool) -> None:
    assert fate(process_id=None, claimed=claimed) is Fate.REQUEUE


@pytest.mark.parametrize(
    ("claimed", "age", "expected"),
    [
        (False, 0.0, Fate.WAIT),  # its message is on the way
        (False, RING_PATIENCE_SECONDS + 0.1, Fate.LAUNCH),
        (True, RING_PATIENCE_SECONDS + 0.1, Fate.WAIT),  # being launched
        (True, CLAIM_PATIENCE_SECONDS + 0.1, Fate.REQUEUE),
    ],
)
def test_what_this_worker_has_not_started_yet(claimed: bool, age: float, expected: Fate) -> None:
    assert fate(process_id=None, worker_id=ME.worker_id, claimed=claimed, age=age) is expected
