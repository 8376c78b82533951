"""The scheduler's decision: order, first fit, backfilling, and nobody starved."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from jobwarden.backend.scheduler.plan import (
    NodeCapacity,
    PendingJob,
    RunningJob,
    Size,
    _may_start,
    _reserve,
    _take,
    plan,
)

PATIENCE = 300.0


def room(
    name: str = "a", cpus: int = 4, free: int | None = None, running: tuple[tuple[int, float], ...] = ()
) -> NodeCapacity:
    used = sum(size for size, _ in running)
    return NodeCapacity(
        node_name=name,
        worker_id=1,
        partitions=frozenset({"main"}),
        total=Size(cpus, 1000, 0),
        free=Size(cpus - used if free is None else free, 1000, 0),
        running=[RunningJob(Size(size, 0, 0), left) for size, left in running],
    )


def waiting(job_id: int, cpus: int = 1, limit: float | None = None, waited: float = 0.0) -> PendingJob:
    return PendingJob(job_id, "main", Size(cpus, 1, 0), limit, waited)


def placed(queue: list[PendingJob], rooms: list[NodeCapacity]) -> list[tuple[int, str]]:
    return [(placement.job_id, placement.node_name) for placement in plan(queue, rooms, PATIENCE)]


def test_fills_nodes_in_queue_order() -> None:
    assert placed([waiting(i, 2) for i in range(5)], [room("a"), room("b", cpus=2)]) == [(0, "a"), (1, "a"), (2, "b")]


def test_a_small_job_passes_one_that_does_not_fit() -> None:
    assert placed([waiting(1, 4), waiting(2, 1)], [room(running=((2, inf),))]) == [(2, "a")]


def test_memory_gpus_and_partition_count_too() -> None:
    rich = PendingJob(1, "main", Size(1, 2000, 0), None, 0)
    gpu = PendingJob(2, "main", Size(1, 1, 1), None, 0)
    elsewhere = PendingJob(3, "gpu", Size(1, 1, 0), None, 0)
    assert placed([rich, gpu, elsewhere, waiting(4)], [room()]) == [(4, "a")]


def test_a_patient_big_job_gets_its_node_even_if_nothing_running_has_a_limit() -> None:
    queue = [waiting(1, 4, waited=PATIENCE), waiting(2, 1), waiting(3, 1, limit=1)]
    assert placed(queue, [room(running=((2, inf),))]) == []
    assert placed(queue[1:], [room(running=((2, inf),))]) == [(2, "a"), (3, "a")]


def test_short_jobs_still_pass_a_reservation_that_they_cannot_delay() -> None:
    queue = [waiting(1, 4, waited=PATIENCE), waiting(2, 1, limit=60), waiting(3, 1, limit=200), waiting(4, 1)]
    assert placed(queue, [room(running=((2, 100.0),))]) == [(2, "a")]


def test_what_the_reservation_leaves_over_is_free_for_all() -> None:
    queue = [waiting(1, 3, waited=PATIENCE), waiting(2, 1), waiting(3, 1)]
    assert placed(queue, [room(running=((2, 100.0),))]) == [(2, "a")]


def test_a_reservation_takes_one_node_and_leaves_the_others() -> None:
    queue = [waiting(1, 4, waited=PATIENCE), waiting(2, 1), waiting(3, 1)]
    rooms = [room("a", running=((3, 500.0),)), room("b", running=((3, 100.0),))]
    assert placed(queue, rooms) == [(2, "a")]


def test_a_job_no_node_can_ever_hold_reserves_nothing() -> None:
    assert placed([waiting(1, 512, waited=1e9), waiting(2, 1)], [room()]) == [(2, "a")]


jobs = st.lists(st.tuples(st.integers(1, 8), st.none() | st.integers(1, 500), st.integers(0, 600)), max_size=30)
nodes = st.lists(
    st.tuples(st.integers(1, 8), st.lists(st.integers(1, 500) | st.just(inf), max_size=8)), min_size=1, max_size=4
)


@given(jobs, nodes)
def test_never_over_capacity_never_twice_and_the_head_starts_whenever_it_fits(
    asked: list[tuple[int, int | None, int]], given_nodes: list[tuple[int, list[float]]]
) -> None:
    rooms = [
        room(str(index), cpus, running=tuple((1, left) for left in ends[:cpus]))
        for index, (cpus, ends) in enumerate(given_nodes)
    ]
    free = {room.node_name: room.free.cpus for room in rooms}
    queue = [waiting(index, cpus, limit, waited) for index, (cpus, limit, waited) in enumerate(asked)]
    placements = plan(queue, rooms, PATIENCE)
    assert len({placement.job_id for placement in placements}) == len(placements)
    used = dict.fromkeys(free, 0)
    for placement in placements:
        used[placement.node_name] += asked[placement.job_id][0]
    assert all(used[name] <= free[name] for name in free)
    if queue and any(queue[0].size.cpus <= cpus for cpus in free.values()):
        assert placements
        assert placements[0].job_id == 0


@given(jobs, nodes)
def test_backfilling_never_delays_the_first_patient_job(
    asked: list[tuple[int, int | None, int]], given_nodes: list[tuple[int, list[float]]]
) -> None:
    """On each node that can hold it: once what was running then, and the backfilled, have ended, the big job fits."""
    rooms = [room(str(i), cpus, running=tuple((1, left) for left in ends[:cpus])) for i, (cpus, ends) in
             enumerate(given_nodes)]  # fmt: skip
    big = waiting(99, 8, waited=PATIENCE)
    if not any(big.size.cpus <= one.total.cpus for one in rooms):
        return
    queue = [big, *(waiting(index, cpus, limit) for index, (cpus, limit, _) in enumerate(asked))]
    if any(placement.job_id == 99 for placement in plan(queue, rooms, PATIENCE)):
        return
    [reserved] = [(one, claim) for one in rooms for claim in one.reservations]
    node, claim = reserved
    late = sum(end.size.cpus for end in node.running if end.left > claim.after)
    assert claim.after == inf or late + big.size.cpus <= node.total.cpus


def plainly(queue: list[PendingJob], rooms: list[NodeCapacity]) -> list[tuple[int, str]]:
    """The rule without what saves time: every job is tried on every node."""
    placements = []
    for job in queue:
        able = [one for one in rooms if job.partition in one.partitions and job.size.fits(one.total)]
        found = next((one for one in able if _may_start(job, one)), None)
        if found is not None:
            _take(job, found)
            placements.append((job.job_id, found.node_name))
        elif job.waited >= PATIENCE:
            _reserve(job, able)
    return placements


@given(jobs, nodes)
def test_passing_over_what_cannot_fit_changes_no_decision(
    asked: list[tuple[int, int | None, int]], given_nodes: list[tuple[int, list[float]]]
) -> None:
    def rooms() -> list[NodeCapacity]:
        return [room(str(i), cpus, running=tuple((1, left) for left in ends[:cpus])) for i, (cpus, ends) in
                enumerate(given_nodes)]  # fmt: skip

    queue = [waiting(index, cpus, limit, waited) for index, (cpus, limit, waited) in enumerate(asked)]
    assert placed(queue, rooms()) == plainly(queue, rooms())
