"""Why a job waits: the most lasting obstacle is named."""

from dataclasses import replace
from typing import Any

import pytest

from jobwarden.backend.domain.pending_reason import NodeFacts, why_pending
from jobwarden.backend.domain.request import JobRequest

NODE = NodeFacts("n1", ("main",), 4, 8192, 0, 0, 0, 0, drained=False, alive=True)
BIG = replace(NODE, name="n2", cpus=64, memory_mb=1024)


def job(**changes: Any) -> JobRequest:
    return JobRequest(**{"script": "x", "work_dir": "/", "account": "a", **changes})


@pytest.mark.parametrize(
    ("changes", "nodes", "words"),
    [
        ({"held": True}, [NODE], "held"),
        ({}, [], "waiting: no worker has joined yet"),
        ({"partition": "gpu"}, [NODE], "waiting: no node in partition gpu"),
        ({"cpus": 512}, [NODE, BIG], "waiting: no node has 512 CPUs"),
        ({"memory_mb": 2**20}, [NODE], "waiting: no node has 1T of memory"),
        ({"gpus": 1}, [NODE], "waiting: no node has 1 GPU"),
        ({"cpus": 32, "memory_mb": 4096}, [NODE, BIG], "waiting: no single node has 32 CPUs and 4G of memory"),
        ({}, [replace(NODE, alive=False)], "waiting: no worker is alive on n1"),
        ({}, [replace(NODE, drained=True)], "waiting: n1 drained"),
        ({"cpus": 2}, [replace(NODE, cpus_allocated=3)], "waiting for resources, 12 jobs ahead"),
        ({}, [NODE], "waiting for its turn, 12 jobs ahead"),
        ({"cpus": 512}, [replace(NODE, alive=False)], "waiting: no node has 512 CPUs"),
    ],
)
def test_reason(changes: dict[str, Any], nodes: list[NodeFacts], words: str) -> None:
    assert why_pending(job(**changes), nodes, ahead=12) == words


def test_alone_in_the_queue_there_is_nobody_ahead() -> None:
    assert why_pending(job(), [NODE]) == "waiting for its turn"
    assert why_pending(job(), [NODE], 1).endswith("1 job ahead")
