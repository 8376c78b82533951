"""``jobwarden logs`` of a log that is emptied, rotated or replaced while it is followed: all of it, and a word."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobwarden.backend.cli.log_output import EMPTIED, REPLACED
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.process.spool import log_path
from tests.support.cli import Cli
from tests.support.scene import Scene, scene

BEFORE = "".join(f"line {number} before the cut\n" for number in range(200))
AFTER = "".join(f"new {number} after\n" for number in range(9))


@pytest.fixture
def stage(engine: Engine, settings: Settings, mark: str) -> Iterator[Scene]:
    with scene(engine, settings, mark) as made:
        yield made


class Followed:
    """A running job with a log of its own, and `logs -f` that has printed what was there."""

    def __init__(self, cli: Cli, stage: Scene) -> None:
        self.stage = stage
        self.job = stage.run(stage.worker(alive=True), "exec sleep 600\n")
        where = stage.execute("SELECT spool_dir FROM resource_allocations WHERE job_id = :id", id=self.job.id)
        self.log = Path(log_path(where))
        self.append(BEFORE)
        self.follower = cli.start("logs", "-f", str(self.job.id))
        self.reads(BEFORE)

    def append(self, text: str) -> None:
        with self.log.open("a") as file:
            file.write(text)

    def reads(self, text: str) -> None:
        assert self.follower.stdout is not None
        assert "".join(self.follower.stdout.readline() for _ in text.splitlines()) == text

    def says(self, words: str) -> None:
        assert self.follower.stderr is not None
        assert self.follower.stderr.readline() == f"jobwarden: job {self.job.id}: {words}\n"

    def ends(self) -> tuple[str, str]:
        self.stage.execute("UPDATE jobs SET state = 'FAILED' WHERE id = :id", id=self.job.id)
        ended = self.follower.communicate(timeout=60)
        assert self.follower.returncode == 0
        return ended


@pytest.fixture
def followed(cli: Cli, stage: Scene) -> Followed:
    return Followed(cli, stage)


def emptied(log: Path) -> None:
    os.truncate(log, 0)


def shortened(log: Path) -> None:
    os.truncate(log, len("line 0 before the cut\n"))


def rewritten(log: Path) -> None:
    """Emptied, and longer again before anybody looked."""
    log.write_text(AFTER * 1000)


@pytest.mark.parametrize(
    ("cut", "kept"), [(emptied, ""), (shortened, "line 0 before the cut\n"), (rewritten, AFTER * 1000)]
)
def test_a_log_that_is_cut_goes_on_from_its_beginning(
    followed: Followed, cut: Callable[[Path], None], kept: str
) -> None:
    cut(followed.log)
    followed.says(EMPTIED)
    followed.append(AFTER)
    followed.reads(kept + AFTER)
    assert followed.ends() == ("", "")


def test_a_torn_line_is_no_beginning_of_the_next(followed: Followed) -> None:
    followed.append("torn")
    assert followed.follower.stdout is not None
    followed.stage.execute("SELECT 1")
    assert followed.follower.stdout.read(4) == "torn"
    emptied(followed.log)
    followed.says(EMPTIED)
    followed.append(AFTER)
    followed.reads("\n" + AFTER)
    assert followed.ends() == ("", "")


def test_a_log_that_is_rotated_is_read_to_its_end_and_then_its_successor(followed: Followed) -> None:
    """The job still writes to the file it had: that is read on as well."""
    former = followed.log.with_suffix(".1")
    followed.append("the last of the former\n")
    followed.log.rename(former)
    followed.log.write_text(AFTER)
    followed.says(REPLACED)
    followed.reads("the last of the former\n" + AFTER)
    with former.open("a") as file:
        file.write("the job goes on\n")
    followed.reads("the job goes on\n")
    followed.append("and so does the successor\n")
    followed.reads("and so does the successor\n")
    assert followed.ends() == ("", "")


def test_what_is_no_log_in_its_place_is_said(followed: Followed) -> None:
    followed.log.rename(followed.log.with_suffix(".1"))
    followed.log.mkdir()
    followed.says("what has taken the place of the log cannot be read: it is a directory, not a regular file")
    assert followed.ends() == ("", "")


def test_the_middle_cut_out_of_a_log_is_no_new_beginning(followed: Followed) -> None:
    """A hole has zeroes where there were lines; the reader goes on where it is."""
    size = followed.log.stat().st_size
    subprocess.run(["fallocate", "--punch-hole", "-o", "0", "-l", str(size), followed.log], check=True)
    followed.append(AFTER)
    followed.reads(AFTER)
    assert followed.ends() == ("", "")
