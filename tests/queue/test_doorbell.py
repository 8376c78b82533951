"""The doorbell: launch messages arrive once each, and nothing else gets through."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest
from redis import Redis
from redis.exceptions import ConnectionError
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from jobwarden.backend.queue import doorbell
from jobwarden.backend.queue.message import LAUNCH


def answer_all(redis_url: str, node: str = "node1") -> list[list[int]]:
    """What a worker of ``node`` is told, once everything in its queue is worked off."""
    told: list[list[int]] = []

    def receive(ids: Sequence[int]) -> None:
        told.append(list(ids))

    worker = doorbell.answer(redis_url, node, "test", receive)
    worker.work(burst=True, logging_level="ERROR")
    assert worker.trouble is None
    return told


def test_messages_reach_their_node_in_order(redis_url: str) -> None:
    client = doorbell.connect(redis_url)
    doorbell.ring(client, "node1", [1, 2, 3])
    doorbell.ring(client, "node2", [9])
    doorbell.ring(client, "node1", [4])
    assert answer_all(redis_url) == [[1, 2, 3], [4]]
    assert answer_all(redis_url) == []
    assert answer_all(redis_url, "node2") == [[9]]


@pytest.mark.parametrize("arguments", [("os",), ([1, "2"],), ([True],), ({"a": 1},)])
def test_malformed_arguments_launch_nothing(redis_url: str, arguments: tuple[object, ...]) -> None:
    queue = Queue(doorbell.queue_name("node1"), connection=Redis.from_url(redis_url), serializer=JSONSerializer)
    queue.enqueue_call(LAUNCH, args=arguments)
    doorbell.ring(doorbell.connect(redis_url), "node1", [7])
    assert answer_all(redis_url) == [[7]]


def test_a_message_of_the_version_before_is_answered(redis_url: str) -> None:
    """It lay in Redis while the program was replaced: the function has another name by now."""
    queue = Queue(doorbell.queue_name("node1"), connection=Redis.from_url(redis_url), serializer=JSONSerializer)
    queue.enqueue_call("backend.queue.bell.launch", args=([5],))
    assert answer_all(redis_url) == [[5]]


def test_another_function_is_refused_and_dropped(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    victim = tmp_path_factory.mktemp("victim") / "made"
    queue = Queue(doorbell.queue_name("node1"), connection=Redis.from_url(redis_url), serializer=JSONSerializer)
    queue.enqueue_call("os.mkdir", args=(str(victim),))
    assert answer_all(redis_url) == []
    assert not victim.exists()
    assert len(queue) == 0


def test_a_message_leaves_nothing_behind_in_redis(redis_url: str) -> None:
    client = doorbell.connect(redis_url)
    doorbell.ring(client, "node1", [1])
    answer_all(redis_url)
    assert list(client.scan_iter("rq:job:*")) == []


def test_a_server_lost_in_the_middle_ends_the_loop_quietly(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def lost(*_: object) -> None:
        raise ConnectionError("Connection closed by server.")

    monkeypatch.setattr(SimpleWorker, "execute_job", lost)
    doorbell.ring(doorbell.connect(redis_url), "node1", [1])
    worker = doorbell.answer(redis_url, "node1", "test", lambda _: None)
    with caplog.at_level("ERROR"):
        worker.work(burst=True, logging_level="ERROR")
    assert caplog.text == ""
    assert isinstance(worker.trouble, ConnectionError)


def test_a_redis_emptied_under_a_message_costs_one_line(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    told: list[list[int]] = []
    client = doorbell.connect(redis_url)

    def receive(ids: Sequence[int]) -> None:
        told.append(list(ids))
        client.flushall()

    doorbell.ring(client, "node1", [1])
    with caplog.at_level("WARNING"):
        doorbell.answer(redis_url, "node1", "test", receive).work(burst=True, logging_level="ERROR")
    assert told == [[1]]
    assert "Traceback" not in caplog.text
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    doorbell.ring(client, "node1", [2])
    assert answer_all(redis_url) == [[2]]


def test_a_server_lost_between_two_messages_costs_a_line(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ConnectionError("Connection refused.")
    except ConnectionError:
        with caplog.at_level("ERROR"):
            logging.getLogger("rq.worker").error("Worker %s: quitting", "w", exc_info=True)
    assert "Worker w: quitting (Connection refused.)" in caplog.text
    assert "Traceback" not in caplog.text


def test_nobody_suspends_the_bell(redis_url: str) -> None:
    client = doorbell.connect(redis_url)
    client.set("rq:suspended", 1)
    doorbell.ring(client, "node1", [1])
    assert answer_all(redis_url) == [[1]]
