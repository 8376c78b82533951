"""Faults of workers that no other test of the worker causes."""

from __future__ import annotations

from tests.matrix.row import CODE, Row, shows
from tests.support.processes import wait_until
from tests.worker.farm import PATIENCE, Farm


@shows(
    "Worker",
    fault="four are started with one name at the same moment",
    sees="one has the node, the others say so and end with exit code 1",
)
def test_several_workers_start_at_once(farm: Farm, row: Row) -> None:
    workers = [farm.launch() for _ in range(4)]

    def left() -> list[int]:
        return [worker.pid for worker in workers if worker.process.poll() is None]

    wait_until(lambda: len(left()) == 1, PATIENCE, "three to give up")
    [pid] = left()
    for worker in workers:
        if worker.pid != pid:
            assert worker.wait() == 1
            assert "node node1" in worker.said.splitlines()[-1]
            assert "Traceback" not in worker.said
    jobs = [farm.submit(f"echo run >> runs-$JOBWARDEN_JOB_ID; exit {CODE}") for _ in range(5)]
    for job in jobs:
        row.check(farm.ended(job))
        assert (farm.work / f"runs-{job}").read_text() == "run\n"
    assert farm.scalar("SELECT count(*) FROM workers WHERE ended_at IS NULL") == 1


@shows(
    "Worker",
    fault="told to stop while the database is down and it still recovers",
    sees="it stops within seconds; its jobs run on, and the next worker takes them over",
    operator="`jobwarden up`",
)
def test_told_to_stop_in_the_middle_of_its_recovery(farm: Farm, row: Row) -> None:
    first = farm.worker()
    job, file = farm.submit_waiting()
    farm.started(job)
    first.kill()
    # Its own sessions are cut whenever they begin to write, so that recovery never gets to its end.
    farm.execute(
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END$$"
    )
    farm.execute(
        "CREATE TRIGGER cut BEFORE UPDATE OF worker_id ON resource_allocations FOR EACH ROW EXECUTE FUNCTION cut()"
    )
    second = farm.launch()
    wait_until(lambda: "recovery lost the database" in second.said, PATIENCE, "the worker to recover in vain")
    assert second.term() == 0, second.said
    farm.execute("DROP TRIGGER cut ON resource_allocations")
    farm.worker()
    file.write_text(f"{CODE}\n")
    row.check(farm.ended(job))
