"""Who runs next and where, with real workers on one or two nodes."""

from jobwarden.backend.state import machine
from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, Farm, alive, go

LEADER = """
    SELECT a.application_name FROM jw_lock_holders(19032) l JOIN pg_stat_activity a USING (pid)
"""
ONE_CPU = {"JOBWARDEN_NODE_CPUS": "1"}


def test_two_nodes_share_the_jobs(farm: Farm) -> None:
    farm.worker(node="node1", **ONE_CPU)
    farm.worker(node="node2", **ONE_CPU)
    jobs = [farm.submit_waiting(name=f"go{n}") for n in range(2)]
    for job, _ in jobs:
        farm.started(job)
    assert {farm.job(job).node_name for job, _ in jobs} == {"node1", "node2"}
    for job, file in jobs:
        go(file)
        assert farm.ended(job).state == "COMPLETED"


def test_a_job_goes_to_the_partition_it_asks_for(farm: Farm) -> None:
    farm.worker(node="node1")
    farm.worker(node="node2", JOBWARDEN_PARTITIONS="gpu,main")
    job = farm.submit("exit 0", partition="gpu")
    assert farm.ended(job).node_name == "node2"


def test_higher_priority_goes_first_and_equals_in_order(farm: Farm) -> None:
    jobs = [farm.submit(f"echo {p} >> order", priority=p) for p in (0, 5, -5, 10)]
    jobs += [farm.submit(f"echo {p}b >> order", priority=p) for p in (5, 10)]
    farm.worker(**ONE_CPU)
    for job in jobs:
        farm.ended(job)
    assert (farm.work / "order").read_text().split() == ["10", "10b", "5", "5b", "0", "-5"]


def test_a_raised_priority_counts_from_now_on(farm: Farm) -> None:
    farm.worker(**ONE_CPU)
    blocker, file = farm.submit_waiting()
    farm.started(blocker)
    first, second = (farm.submit(f"echo {n} >> order") for n in (1, 2))
    with farm.engine.begin() as conn:
        assert machine.set_priority(conn, [second], 1, "op@desk", None)
    go(file)
    farm.ended(first), farm.ended(second)
    assert (farm.work / "order").read_text().split() == ["2", "1"]


def test_small_jobs_pass_a_big_one_that_does_not_fit(farm: Farm) -> None:
    farm.worker(JOBWARDEN_NODE_CPUS="2")
    blocker, file = farm.submit_waiting()
    farm.started(blocker)
    big, small = farm.submit("exit 0", cpus=2), farm.submit("exit 0")
    assert farm.ended(small).state == "COMPLETED"
    assert farm.job(big).state == "PENDING"
    go(file)
    assert farm.ended(big).state == "COMPLETED"


def test_a_big_job_that_waited_long_is_not_passed_any_more(farm: Farm) -> None:
    for node, partition in (("node1", "main"), ("node2", "other")):
        farm.worker(
            node=node, JOBWARDEN_NODE_CPUS="2", JOBWARDEN_PARTITIONS=partition, JOBWARDEN_STARVE_SECONDS="0"
        )  # fmt: skip
    blocker, file = farm.submit_waiting()
    farm.started(blocker)
    big, small = farm.submit("echo big >> order", cpus=2), farm.submit("echo small >> order")
    probe = farm.submit("exit 0", partition="other")
    farm.ended(probe)  # so the scheduler has been past both
    assert (farm.job(big).state, farm.job(small).state) == ("PENDING", "PENDING")
    go(file)
    farm.ended(big), farm.ended(small)
    assert (farm.work / "order").read_text().split() == ["big", "small"]


def test_memory_and_gpus_are_counted_as_cpus_are(farm: Farm) -> None:
    farm.worker(JOBWARDEN_NODE_MEMORY_MB="1000", JOBWARDEN_NODE_GPUS="1")
    memory, one = farm.submit_waiting(name="one", memory_mb=600)
    gpu, two = farm.submit_waiting(name="two", gpus=1)
    farm.started(memory), farm.started(gpu)
    more_memory, more_gpu = farm.submit("exit 0", memory_mb=600), farm.submit("exit 0", gpus=1, memory_mb=1)
    probe = farm.submit("exit 0", memory_mb=10)
    farm.ended(probe)
    assert (farm.job(more_memory).state, farm.job(more_gpu).state) == ("PENDING", "PENDING")
    go(one)
    go(two)
    assert (farm.ended(more_memory).state, farm.ended(more_gpu).state) == ("COMPLETED", "COMPLETED")


def test_held_and_impossible_jobs_wait_and_others_pass(farm: Farm) -> None:
    farm.worker()
    held, impossible = farm.submit("exit 0", held=True), farm.submit("exit 0", cpus=512)
    probe = farm.submit("exit 0")
    farm.ended(probe)
    assert (farm.job(held).state, farm.job(impossible).state) == ("PENDING", "PENDING")
    assert "no node has 512 CPUs" in farm.cli("show", impossible).out
    with farm.engine.begin() as conn:
        assert machine.set_held(conn, [held], False, "op@desk", None)
    assert farm.ended(held).state == "COMPLETED"


def test_a_drained_node_gets_nothing_new_until_it_is_resumed(farm: Farm) -> None:
    farm.worker(node="node1")
    running, file = farm.submit_waiting()
    farm.started(running)
    assert farm.cli("drain", "node1", "--reason", "disk").code == 0
    farm.worker(node="node2", JOBWARDEN_PARTITIONS="other")
    waiting, probe = farm.submit("exit 0"), farm.submit("exit 0", partition="other")
    farm.ended(probe)
    assert farm.job(waiting).state == "PENDING"
    go(file)
    assert farm.ended(running).state == "COMPLETED"
    assert farm.cli("resume", "node1").code == 0
    assert farm.ended(waiting).state == "COMPLETED"


def test_the_lead_passes_on_when_the_leader_is_killed(farm: Farm) -> None:
    workers = {f"jobwarden worker {node}": farm.worker(node=node) for node in ("node1", "node2")}
    leading = workers[wait_until(lambda: farm.rows(LEADER), PATIENCE)[0][0]]
    [other] = [worker for worker in workers.values() if worker is not leading]
    orphan, file = farm.submit_waiting()
    farm.started(orphan)
    leading.kill()
    jobs = [farm.submit("exit 0") for _ in range(3)]
    assert [(farm.ended(job).state, farm.job(job).node_name) for job in jobs] == [("COMPLETED", other.node)] * 3
    assert farm.rows(LEADER)[0][0] == f"jobwarden worker {other.node}"
    go(file)


def test_a_worker_leaves_the_jobs_of_another_node_alone(farm: Farm) -> None:
    first = farm.worker(node="node1")
    job, file = farm.submit_waiting("echo $$ > pid")
    farm.started(job)
    script = farm.number("pid")
    first.kill()
    farm.worker(node="node2")
    probe = farm.submit("exit 0")
    assert farm.ended(probe).node_name == "node2"
    assert (farm.job(job).state, farm.allocation(job).worker_id, alive(script)) == ("RUNNING", first.id, True)
    farm.worker(node="node1")
    go(file)
    assert farm.ended(job).state == "COMPLETED"


def test_a_busy_queue_keeps_within_the_nodes(farm: Farm) -> None:
    for node in ("node1", "node2"):
        farm.worker(node=node, JOBWARDEN_NODE_CPUS="4")
    with farm.engine.begin() as conn:
        requests = [farm.request("echo $JOBWARDEN_JOB_ID >> runs", cpus=1 + n % 3) for n in range(60)]
        jobs = machine.submit(conn, requests, "tester")
    assert {farm.ended(job).state for job in jobs} == {"COMPLETED"}
    assert sorted(map(int, (farm.work / "runs").read_text().split())) == jobs
    assert farm.rows("SELECT cpus_allocated, memory_mb_allocated, gpus_allocated FROM nodes") == [(0, 0, 0)] * 2
