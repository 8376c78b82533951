"""What is measured. Each contender runs the same script a number of times and says how long it took in seconds."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg2
from redis import Redis
from rq import Queue

from benchmarks.rq_job import run_script
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, Engine, text
from jobwarden.backend.database.engine import Listener, listening, make_engine
from jobwarden.backend.domain.request import JobRequest
from jobwarden.backend.embedded.home import locate, prepare, sole
from jobwarden.backend.embedded.servers import Urls, setup_url
from jobwarden.backend.services.lifecycle import start_worker
from jobwarden.backend.state import machine

SCRIPT = "#!/bin/sh\necho done\n"
LIMIT = "raw posix_spawn + wait, 2 threads"
FORKING_RQ = "RQ Worker (forks), 1 process"
TIMEOUT_SECONDS = 60.0
REPOSITORY = Path(__file__).resolve().parent.parent
PEER_PYTHON, PEER_PROGRAM = REPOSITORY / ".bench" / "bin" / "python", str(REPOSITORY / "benchmarks" / "peers.py")
PEERS = (
    ("HyperQueue (in memory), 64 cores", "hyperqueue", 1500),
    ("Huey, 2 processes", "huey", 400),
    ("Dramatiq, 2 processes of 4 threads", "dramatiq", 600),
    ("Procrastinate, 8 at once", "procrastinate", 400),
    ("PgQueuer, 8 at once", "pgqueuer", 400),
    ("task-spooler, 8 at once", "task_spooler", 400),
    ("Slurm", "slurm", 400),
)
"""Name in the table, in `benchmarks.peers`, and jobs of a round. Those that are not installed are left out."""

Run = Callable[[int], float]
"""Runs that many jobs, all known from the start; the seconds until the last one's end was known."""


@dataclass(frozen=True, slots=True)
class Contender:
    """``open`` prepares it (workers up, connections made) and gives what to measure; ``jobs`` is for one round."""

    name: str
    jobs: int
    open: Callable[[], AbstractContextManager[Run]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all contenders share: servers, and one script on disk."""

    settings: Settings
    urls: Urls
    script: Path

    def contenders(self) -> list[Contender]:
        """All of them; the first is the limit that the others are measured against."""
        return [
            Contender(LIMIT, 2000, lambda: self._raw(2)),
            Contender("raw posix_spawn + wait, 1 thread", 2000, lambda: self._raw(1)),
            Contender("jobwarden, 1 node of 64 CPUs", 1500, lambda: self.jobwarden(64)),
            Contender("jobwarden, 1 node of 256 CPUs", 1500, lambda: self.jobwarden(256)),
            Contender(FORKING_RQ, 100, lambda: self._rq("rq.Worker", 1)),
            Contender("RQ Worker (forks), 2 processes", 150, lambda: self._rq("rq.Worker", 2)),
            Contender("RQ SimpleWorker, 1 process", 400, lambda: self._rq("rq.SimpleWorker", 1)),
            *(Contender(name, jobs, partial(self._peer, peer)) for name, peer, jobs in PEERS if _is_there(peer)),
        ]

    @contextmanager
    def _raw(self, threads: int) -> Iterator[Run]:
        yield lambda jobs: _raw(str(self.script), jobs, threads)

    @contextmanager
    def _rq(self, worker_class: str, processes: int) -> Iterator[Run]:
        url = self.urls.redis_url.replace("db=0", "db=1")
        with ExitStack() as stack:
            redis = stack.enter_context(Redis.from_url(url))
            redis.flushdb()
            for _ in range(processes):
                stack.enter_context(_rq_worker(worker_class, url))
            _wait_until(lambda: redis.scard("rq:workers") == processes)
            yield lambda jobs: _rq(redis, str(self.script), jobs)

    @contextmanager
    def _peer(self, peer: str) -> Iterator[Run]:
        """A peer of `benchmarks.peers`, with a database of its own."""
        with closing(psycopg2.connect(setup_url(self.settings))) as admin:
            admin.autocommit = True
            for command in ("DROP DATABASE IF EXISTS peer WITH (FORCE)", "CREATE DATABASE peer"):
                admin.cursor().execute(command)
        database = re.sub(r"/[^/?]+\?", "/peer?", setup_url(self.settings), count=1)
        words = [str(PEER_PYTHON), PEER_PROGRAM, peer, str(self.script), self.urls.redis_url.replace("db=0", "db=2")]
        with subprocess.Popen(
            [*words, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.script.parent
        ) as process:
            assert process.stdin is not None and process.stdout is not None

            def run(jobs: int) -> float:
                print(jobs, file=process.stdin, flush=True)
                return float(_line(process))

            while _line(process) != "ready":
                pass
            try:
                yield run
            finally:
                process.stdin.close()
                _end(process)

    @contextmanager
    def jobwarden(self, cpus: int) -> Iterator[Run]:
        """Ours, with a worker of its own on a node of so many CPUs."""
        variables = {"JOBWARDEN_NODE_CPUS": str(cpus), "JOBWARDEN_NODE_MEMORY_MB": str(1 << 20)}
        engine = make_engine(self.urls.database_url, application_name="bench")
        home = locate(self.settings)
        prepare(home)
        with sole(home) as lock:
            worker = start_worker(engine, self.settings, lock, variables=variables)
        try:
            with listening(engine) as listener:
                yield lambda jobs: _jobwarden(engine, listener, jobs)
        finally:
            os.kill(worker.pid, 15)
            os.waitpid(worker.pid, 0)
            engine.dispose()


def _is_there(peer: str) -> bool:
    command = {"task_spooler": "tsp", "slurm": "sbatch"}.get(peer)
    return PEER_PYTHON.exists() if command is None else shutil.which(command) is not None


def _line(process: subprocess.Popen[str]) -> str:
    """The next line of a peer. Raises RuntimeError when it has ended."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended with {process.wait()}")
    return line.strip()


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()


def _raw(script: str, jobs: int, threads: int) -> float:
    null = "/dev/null"
    actions = [(os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0)]

    def some() -> None:
        for _ in range(jobs // threads):
            os.waitpid(os.posix_spawn("/bin/sh", ["/bin/sh", script], os.environ, file_actions=actions), 0)

    pool = [threading.Thread(target=some) for _ in range(threads)]
    begin = time.perf_counter()
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    return time.perf_counter() - begin


def _rq(redis: Redis, script: str, jobs: int) -> float:
    queue = Queue("bench", connection=redis)
    redis.delete("rq:finished:bench")
    begin = time.perf_counter()
    queue.enqueue_many([Queue.prepare_data(run_script, (script,), result_ttl=600) for _ in range(jobs)])
    _wait_until(lambda: redis.zcard("rq:finished:bench") == jobs)
    return time.perf_counter() - begin


@contextmanager
def _rq_worker(worker_class: str, url: str) -> Iterator[None]:
    command = [sys.executable, "-m", "rq.cli", "worker", "bench", "--url", url, "--worker-class", worker_class]
    with subprocess.Popen([*command, "--logging_level", "ERROR", "--quiet"], cwd=REPOSITORY) as process:
        try:
            yield
        finally:
            process.terminate()


_DONE = text("SELECT sum(pending) + sum(running) = 0 FROM job_counts")
_FAILED = text("SELECT count(*) FROM jobs WHERE state <> 'COMPLETED'")


def _jobwarden(engine: Engine, listener: Listener, jobs: int) -> float:
    request = JobRequest(script=SCRIPT, work_dir="/", account="bench", memory_mb=1)
    with engine.connect() as conn:
        begin = time.perf_counter()
        with conn.begin():
            machine.submit(conn, [request] * jobs, "bench")
        while not _ask(conn):
            listener.wait(1.0)
        seconds = time.perf_counter() - begin
        failed = conn.scalar(_FAILED)
        assert not failed, f"{failed} jobs did not complete"
    return seconds


def _ask(conn: Connection) -> bool:
    done = bool(conn.scalar(_DONE))
    conn.rollback()
    return done


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + TIMEOUT_SECONDS
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError("the comparison does not get on: is the machine very busy?")
        time.sleep(0.001)
