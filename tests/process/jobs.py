"""Start jobs as a worker would, without a worker."""

import contextlib
import os
import signal
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from jobwarden.backend.process.cgroup import ControlGroup, Groups, group_of
from jobwarden.backend.process.environment import job_environment
from jobwarden.backend.process.launch_server import Gated, LaunchServer
from jobwarden.backend.process.members import Target
from jobwarden.backend.process.record import Record, read_record
from jobwarden.backend.process.spawn import Launch, Orders
from jobwarden.backend.process.spool import Folder, prepare_root
from tests.support.launching import KEY, launched
from tests.support.processes import MARK, wait_until


@dataclass
class Job:
    """A started job of a test."""

    folder: Folder
    gated: Gated
    cookie: str
    status: int | None = None

    @property
    def pid(self) -> int:
        return self.gated.pid

    @property
    def target(self) -> Target:
        return Target(self.gated.identity, self.cookie, self.folder.path, KEY)

    @property
    def group(self) -> ControlGroup | None:
        return group_of(self.folder.path, self.cookie)

    @property
    def log(self) -> bytes:
        return Path(self.folder.log).read_bytes()

    @property
    def record(self) -> Record | None:
        return read_record(self.folder.path, KEY)

    def reap(self) -> int:
        """Wait for the supervisor; its raw wait status."""
        if self.status is None:
            self.status = wait_until(self._poll, what="the supervisor")[1]
        return self.status

    def _poll(self) -> tuple[int, int] | None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return (pid, status) if pid else None

    def end(self) -> Record:
        """Wait for the supervisor; its record."""
        self.reap()
        record = self.record
        assert record is not None, "the supervisor is gone without a record"
        return record

    def said(self, text: str) -> None:
        """Wait until the log holds ``text``."""
        wait_until(lambda: text.encode() in self.log, what=f"{text!r} in {self.log!r}")

    def numbers(self, word: str) -> list[int]:
        """Numbers that the job wrote as lines ``WORD NUMBER``."""
        lines = [line.split() for line in self.log.decode().splitlines()]
        return [int(line[1]) for line in lines if line[:1] == [word]]

    def kill_supervisor(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.reap()


@dataclass
class Jobs:
    """All jobs of one test."""

    root: Path
    mark: str
    groups: Groups = field(default_factory=lambda: Groups(None))
    all: list[Job] = field(default_factory=list)
    server: LaunchServer = field(default_factory=LaunchServer)

    def start(
        self,
        script: str | bytes,
        *arguments: str,
        env: dict[str, str] | None = None,
        work_dir: str = "/",
        gate: bool = True,
        orders: Orders | None = None,
    ) -> Job:
        prepare_root(str(self.root))
        number = len(self.all) + 1
        cookie = uuid.uuid4().hex
        environment = job_environment(
            {MARK: self.mark, **(env or {})}, job_id=number, allocation_id=number, cookie=cookie, node="here"
        )
        folder = Folder(f"{self.root}/{number}", number)
        group, _ = self.groups.add(number, cookie, 0)
        launch = Launch(folder, number, cookie, script, arguments, environment, work_dir, orders or Orders(KEY), group)
        job = Job(folder, launched(self.server, launch), cookie)
        self.all.append(job)
        if gate:
            assert job.gated.open_gate()
        return job

    def clean_up_processes(self) -> None:
        for job in self.all:
            job.gated.close_gate()
            if job.status is None:
                _kill_hard(job)

    def clean_up(self) -> None:
        self.clean_up_processes()
        self.server.stop()
        for job in self.all:
            os.close(job.gated.pidfd)
            if job.group is not None:
                job.group.kill()
                wait_until(job.group.remove, what="the removal of a control group")


def _kill_hard(job: Job) -> None:
    """By other means than the code under test."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(job.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    with contextlib.suppress(ProcessLookupError):
        os.kill(job.pid, signal.SIGKILL)
    job.reap()
