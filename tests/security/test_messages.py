"""Whoever can write to Redis can wake a worker, and nothing else."""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.callbacks import Callback
from rq.job import Dependency, Job, Retry
from rq.serializers import JSONSerializer, PickleSerializer

from jobwarden.backend.queue import doorbell
from jobwarden.backend.queue.message import LAUNCH, LONGEST, NotOursError, allocation_ids
from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, Farm


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.path, "w"))


def queue_of(redis_url: str, serializer: Any = JSONSerializer) -> Queue:
    return Queue(doorbell.queue_name("node1"), connection=Redis.from_url(redis_url), serializer=serializer)


def told(redis_url: str) -> list[list[int]]:
    """What the launcher is told, once everything in the queue is worked off."""
    heard: list[list[int]] = []

    def receive(ids: Sequence[int]) -> None:
        heard.append(list(ids))

    doorbell.answer(redis_url, "node1", "test", receive).work(burst=True, logging_level="ERROR")
    return heard


def callback(name: str) -> dict[str, Any]:
    return {name: Callback("builtins.print")}


EXTRAS: dict[str, dict[str, Any]] = {
    "success callback": {"on_success": Callback("builtins.print")},
    "failure callback": {"on_failure": Callback("builtins.print")},
    "stopped callback": {"on_stopped": Callback("builtins.print")},
    "meta": {"meta": {"a": 1}},
    "retry": {"retry": Retry(max=3)},
    "a bare name as callback": {"on_success": "this"},
}


@pytest.mark.attempt("RQ callbacks, retries and meta beside a good launch message", fault=11)
@pytest.mark.parametrize("what", EXTRAS)
def test_extras_beside_a_good_message(redis_url: str, capsys: pytest.CaptureFixture[str], what: str) -> None:
    """A message names a function to be called before, after or around ours: any importable name ran in the worker."""
    before = doorbell.dropped("node1")
    queue_of(redis_url).enqueue_call(LAUNCH, args=([1],), **EXTRAS[what])
    doorbell.ring(doorbell.connect(redis_url), "node1", [7])
    capsys.readouterr()
    assert told(redis_url) == [[7]]
    assert capsys.readouterr().out == ""
    assert doorbell.dropped("node1") == before + 1
    assert list(Redis.from_url(redis_url).scan_iter("rq:job:*")) == []


@pytest.mark.attempt("a field that asks RQ for something, written past its API", fault=11)
@pytest.mark.parametrize(
    "field",
    ["success_callback_name", "failure_callback_name", "stopped_callback_name", "dependency_ids", "dependency_id",
     "meta", "retries_left", "retry_intervals", "repeats_left", "webhooks", "group_id", "worker_pid", "instance"],
)  # fmt: skip
def test_a_field_in_the_hash(redis_url: str, field: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody adds a field to the hash of a good message."""
    client = Redis.from_url(redis_url)
    doorbell.ring(doorbell.connect(redis_url), "node1", [1])
    [key] = client.scan_iter("rq:job:*")
    client.hset(key, field, "builtins.print")
    doorbell.ring(doorbell.connect(redis_url), "node1", [7])
    assert told(redis_url) == [[7]]
    assert "<Job" not in capsys.readouterr().out


@pytest.mark.attempt("pickle, foreign function, method, class, arguments of other shapes")
@pytest.mark.parametrize("data", [
    ["os.mkdir", None, ["/tmp/never"], {}],
    [LAUNCH, {"a": 1}, [[1]], {}],
    [LAUNCH, None, [[1]], {"timeout": 1}],
    [LAUNCH, None, [[1], [2]], {}],
    [LAUNCH, None, [], {}],
    [LAUNCH, None, [["1"]], {}],
    [LAUNCH, None, [[True]], {}],
    [LAUNCH, None, [[-1]], {}],
    [LAUNCH, None, [[10**30]], {}],
    [LAUNCH, None, [[1.5]], {}],
    [LAUNCH, None],
    {"a": 1},
    "text",
    7,
])  # fmt: skip
def test_data_of_another_shape(redis_url: str, data: Any) -> None:
    """The data of a message name another function, or give ours what it never takes."""
    _with_data(redis_url, zlib.compress(json.dumps(data).encode()))
    doorbell.ring(doorbell.connect(redis_url), "node1", [7])
    assert told(redis_url) == [[7]]


@pytest.mark.attempt("zip bomb, deep nesting, no JSON at all")
@pytest.mark.parametrize("raw", [
    zlib.compress(b"0" * (50 << 20)),
    zlib.compress(b"[" * 100_000),
    b"[" * 100_000,
    b"\x80\x04",
    b"",
    b"\xff" * 1000,
    b"x" * (LONGEST + 1),
])  # fmt: skip
def test_data_that_no_reader_survives(redis_url: str, raw: bytes) -> None:
    """A few bytes stand for gigabytes, or for a stack without end."""
    _with_data(redis_url, raw)
    doorbell.ring(doorbell.connect(redis_url), "node1", [7])
    assert told(redis_url) == [[7]]


@pytest.mark.attempt("pickle, foreign function, method, class, arguments of other shapes")
def test_pickled_data_are_never_unpickled(redis_url: str, tmp_path: Path) -> None:
    """Pickled data run code when they are read."""
    made = tmp_path / "made"
    _with_data(redis_url, zlib.compress(pickle.dumps((LAUNCH, None, (Evil(str(made)),), {}))))
    queue_of(redis_url, PickleSerializer).enqueue_call("builtins.open", args=(str(made), "w"))
    assert told(redis_url) == []
    assert not made.exists()


@pytest.mark.attempt("dependencies and dependents of other jobs", fault=11)
def test_dropping_a_message_touches_nothing_else(redis_url: str) -> None:
    """A message to be dropped names others that would be deleted, or started, with it."""
    queue = queue_of(redis_url)
    first = queue.enqueue_call("os.getpid")
    queue.enqueue_call("os.getppid", depends_on=Dependency(jobs=[first]))
    other = Queue("somebody-else", connection=queue.connection, serializer=JSONSerializer)
    theirs = other.enqueue_call("os.getpid")
    assert told(redis_url) == []
    assert Job.exists(theirs.id, connection=queue.connection)


@pytest.mark.attempt("a key of another kind in the place of a message or of the queue")
def test_a_key_of_another_kind_costs_a_message(farm: Farm, redis_url: str) -> None:
    """Somebody puts a string where RQ expects a hash or a list: its loop ends with an error."""
    worker = farm.worker()
    client = Redis.from_url(redis_url)
    client.set("rq:job:odd", "x")
    client.rpush("rq:queue:jobwarden:node1", "odd")
    assert farm.ended(farm.submit("exit 0")).state == "COMPLETED"
    client.delete("rq:queue:jobwarden:node1")
    client.set("rq:queue:jobwarden:node1", "x")
    job = farm.submit("exit 0")
    assert farm.ended(job).state == "COMPLETED", "the sweep finds it"
    assert worker.process.poll() is None
    assert "Traceback" not in worker.said


@pytest.mark.attempt("a flood of messages that are none of ours", fault=11)
def test_a_flood_is_dropped_and_counted(redis_url: str) -> None:
    """Hundreds of foreign messages before a good one."""
    before = doorbell.dropped("node1")
    queue = queue_of(redis_url)
    for number in range(300):
        queue.enqueue_call("os.getpid", args=(number,))
    doorbell.ring(doorbell.connect(redis_url), "node1", [7])
    assert told(redis_url) == [[7]]
    assert doorbell.dropped("node1") == before + 300


@pytest.mark.attempt("a flood of messages that are none of ours", fault=11)
def test_what_was_dropped_is_in_the_audit(farm: Farm, redis_url: str) -> None:
    """Somebody who writes to the queue of a node goes unnoticed."""
    farm.worker()
    for _ in range(3):
        queue_of(redis_url).enqueue_call("os.getpid")
    noted = "SELECT coalesce(sum((detail ->> 'messages')::int), 0) FROM events WHERE action = 'messages-dropped'"
    wait_until(lambda: farm.scalar(noted) == 3, PATIENCE, "the event")


def test_ids_of_our_own_message_are_read(redis_url: str) -> None:
    doorbell.ring(doorbell.connect(redis_url), "node1", [1, 2, 2**63 - 1])
    [key] = Redis.from_url(redis_url).scan_iter("rq:job:*")
    assert allocation_ids(Redis.from_url(redis_url).hgetall(key)) == [1, 2, 2**63 - 1]
    with pytest.raises(NotOursError, match="list of allocation ids"):
        allocation_ids({b"data": json.dumps([LAUNCH, None, [[0]], {}]).encode()})


def _with_data(redis_url: str, raw: bytes) -> None:
    client = Redis.from_url(redis_url)
    doorbell.ring(doorbell.connect(redis_url), "node1", [1])
    [key] = client.scan_iter("rq:job:*")
    client.hset(key, "data", raw)
