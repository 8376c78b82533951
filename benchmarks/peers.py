"""Other systems running the same script, in an environment of their own: `python peers.py NAME SCRIPT REDIS DATABASE`.

Says ``ready``, then runs as many jobs as each line of its input says, and answers with the seconds that took: from
handing over the first until the last one's end was known. It imports nothing of jobwarden's, and is started by
`benchmarks.contenders`. Each peer runs as its own manual starts it, with two processes or eight jobs at once.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

PROCESSES, AT_ONCE = 2, 8
LOOK_SECONDS = 0.001


def run_script(script: str) -> None:
    """Run it with /bin/sh, as every contender does."""
    subprocess.run(["/bin/sh", script], stdout=subprocess.DEVNULL, check=True)


async def run_script_async(script: str) -> None:
    """The same without a thread."""
    process = await asyncio.create_subprocess_exec("/bin/sh", script, stdout=subprocess.DEVNULL)
    await process.wait()


def answer(run: Callable[[int], None]) -> None:
    """Speak with whoever measures."""
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        run(int(line))
        print(time.perf_counter() - began, flush=True)


@contextmanager
def children(serve: Callable[[], None]) -> Iterator[None]:
    """So many processes that serve, ended afterwards."""
    pids = []
    for _ in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            with suppress(KeyboardInterrupt):
                serve()
            os._exit(0)
        pids.append(pid)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def hyperqueue(script: str, redis_url: str, database_url: str) -> None:
    """HyperQueue: a Rust server and worker in this process, nothing durable. It tells of the end once a second."""
    from hyperqueue import Job, LocalCluster
    from hyperqueue.cluster import WorkerConfig

    with LocalCluster() as cluster, Path(os.devnull).open("w") as quiet:
        cluster.start_worker(WorkerConfig(cores=64))
        client = cluster.client()

        def run(jobs: int) -> None:
            job = Job()
            for _ in range(jobs):
                job.program(["/bin/sh", script], stdout=None, stderr=None)
            sys.stderr, kept = quiet, sys.stderr  # its bar
            client.wait_for_jobs([client.submit(job)])
            sys.stderr = kept

        answer(run)


def huey(script: str, redis_url: str, database_url: str) -> None:
    """Huey on Redis, process workers."""
    from huey import RedisHuey

    queue = RedisHuey("bench", url=redis_url)
    queue.flush()

    @queue.task()
    def job() -> int:
        run_script(script)
        return 1

    consumer = queue.create_consumer(
        workers=PROCESSES, worker_type="process", periodic=False, initial_delay=0.01, max_delay=0.01
    )
    consumer.start()

    def run(jobs: int) -> None:
        for result in _many(job, jobs):
            result(blocking=True, backoff=1.0, max_delay=LOOK_SECONDS)

    try:
        answer(run)
    finally:
        consumer.stop()


def _many(job: Callable[[], Any], jobs: int) -> list[Any]:
    return [job() for _ in range(jobs)]


def dramatiq(script: str, redis_url: str, database_url: str) -> None:
    """Dramatiq on Redis, its workers in two processes."""
    import dramatiq as library
    import redis
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(url=redis_url)
    broker.flush_all()
    library.set_broker(broker)
    counter = redis.Redis.from_url(redis_url)

    @library.actor(queue_name="bench", max_retries=0)
    def job() -> None:
        run_script(script)
        counter.incr("bench:done")

    def serve() -> None:
        library.Worker(broker, worker_threads=AT_ONCE // PROCESSES, worker_timeout=10).start()
        time.sleep(1 << 20)

    def run(jobs: int) -> None:
        counter.set("bench:done", 0)
        _many(job.send, jobs)
        while int(counter.get("bench:done") or 0) < jobs:
            time.sleep(LOOK_SECONDS)

    with children(serve):
        answer(run)


def procrastinate(script: str, redis_url: str, database_url: str) -> None:
    """Procrastinate on PostgreSQL, eight jobs at once."""
    from procrastinate import App, PsycopgConnector

    app = App(connector=PsycopgConnector(conninfo=database_url))

    @app.task(queue="bench")
    async def job() -> None:
        await run_script_async(script)

    @asynccontextmanager
    async def worker() -> AsyncIterator[None]:
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            task = asyncio.create_task(
                app.run_worker_async(queues=["bench"], concurrency=AT_ONCE, install_signal_handlers=False)
            )
            yield
            task.cancel()

    async def run(jobs: int) -> None:
        await job.batch_defer_async(*[{}] * jobs)
        left = "SELECT count(*) AS left FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        while (await app.connector.execute_query_one_async(left))["left"]:
            await asyncio.sleep(LOOK_SECONDS)

    asyncio.run(_answer_async(worker, run))


def pgqueuer(script: str, redis_url: str, database_url: str) -> None:
    """PgQueuer on PostgreSQL, eight jobs at once."""
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.queries import Queries

    held: dict[str, Any] = {}

    @asynccontextmanager
    async def worker() -> AsyncIterator[None]:
        own, other = [await asyncpg.connect(database_url) for _ in range(2)]
        queue = PgQueuer(AsyncpgDriver(own))
        held["queries"] = Queries(AsyncpgDriver(other))
        await held["queries"].install()

        @queue.entrypoint("job", concurrency_limit=AT_ONCE)
        async def job(_: Any) -> None:
            await run_script_async(script)

        task = asyncio.create_task(queue.run(batch_size=AT_ONCE))
        yield
        task.cancel()

    async def run(jobs: int) -> None:
        queries = held["queries"]
        await queries.enqueue(["job"] * jobs, [b""] * jobs, [0] * jobs)
        while sum(entry.count for entry in await queries.queue_size()):
            await asyncio.sleep(LOOK_SECONDS)

    asyncio.run(_answer_async(worker, run))


async def _answer_async(worker: Callable[[], Any], run: Callable[[int], Any]) -> None:
    async with worker():
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            began = time.perf_counter()
            await run(int(line))
            print(time.perf_counter() - began, flush=True)


def task_spooler(script: str, redis_url: str, database_url: str) -> None:
    """task-spooler: a command for each job, as there is no other way in."""
    os.environ["TS_SOCKET"] = f"{os.environ.get('TMPDIR', '/tmp')}/ts-{os.getpid()}"
    subprocess.run(["tsp", "-S", str(AT_ONCE)], check=True)

    def run(jobs: int) -> None:
        for _ in range(jobs):
            subprocess.run(["tsp", "-n", "/bin/sh", script], stdout=subprocess.DEVNULL, check=True)
        while b"running" in (listed := subprocess.check_output(["tsp"])) or b"queued" in listed:
            time.sleep(LOOK_SECONDS)
        subprocess.run(["tsp", "-C"], check=True)

    try:
        answer(run)
    finally:
        subprocess.run(["tsp", "-K"], check=False)


def slurm(script: str, redis_url: str, database_url: str) -> None:
    """Slurm, where it is installed and runs: one array of jobs."""

    def run(jobs: int) -> None:
        array = ["sbatch", "--wait", "--quiet", f"--array=1-{jobs}", "--output=/dev/null", script]
        subprocess.run(array, check=True)

    answer(run)


PEERS = {one.__name__: one for one in (hyperqueue, huey, dramatiq, procrastinate, pgqueuer, task_spooler, slurm)}

if __name__ == "__main__":
    PEERS[sys.argv[1]](*sys.argv[2:])
