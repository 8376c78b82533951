"""A list that is held back: what moves is counted and comes later, what is shown stays where it stands."""

import pytest

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.domain.states import JobState
from jobwarden.backend.feeds.snapshot import SnapshotFeed
from jobwarden.backend.queries.models.job_window import Hold, JobWindow
from jobwarden.backend.queries.models.pages import Words
from jobwarden.backend.queries.models.snapshot import Snapshot
from jobwarden.backend.queries.models.sort import Order
from tests.feeds.listening import collecting
from tests.queries.rows import add_jobs, add_worker, finish, start, typed
from tests.support.processes import wait_until
from tests.support.scene import scene


def ids(window: JobWindow) -> list[int]:
    return [row.id for row in window.rows]


def hold_back(collector: SnapshotFeed, hold: Hold) -> None:
    """Ask for it and wait until the feed goes by it: what it reads before that is still shown."""
    collector.hold(hold)
    wait_until(lambda: not collector._feed._asked, what="the feed to take the request")


def test_a_pause_counts_changes_and_shows_them_when_it_ends(settings: Settings, engine: Engine) -> None:
    jobs = add_jobs(engine, 5)
    with collecting(settings) as (collector, heard):
        before = heard.window(lambda window: len(window.rows) == 5)
        hold_back(collector, Hold.ALL)
        typed(engine, f"UPDATE jobs SET priority = 9 WHERE id = {jobs[0]}")
        typed(engine, f"UPDATE jobs SET priority = 8 WHERE id = {jobs[0]}")
        (new,) = add_jobs(engine, 1)
        paused = heard.window(lambda window: window.pending == 2)
        assert paused.rows == before.rows
        collector.hold(Hold.NONE)
        after = heard.window(lambda window: not window.pending and len(window.rows) == 6)
    assert ids(after) == [new, *jobs[::-1]]
    assert after.rows[-1].priority == 8


def test_while_the_order_stands_still_rows_change_in_their_places(settings: Settings, engine: Engine) -> None:
    jobs = add_jobs(engine, 4)
    worker = add_worker(engine, "node1", 1)
    start(engine, jobs, worker)
    with collecting(settings) as (collector, heard):
        collector.show("state:running", Order("priority", True))
        heard.window(lambda window: window.query.filter and len(window.rows) == 4)
        hold_back(collector, Hold.ORDER)
        finish(engine, jobs[3:])
        typed(engine, f"UPDATE jobs SET priority = 5 WHERE id = {jobs[0]}")
        held = heard.window(lambda window: window.pending == 2)
        assert ids(held) == jobs[::-1]
        assert (held.rows[0].state, held.rows[3].priority) == (JobState.COMPLETED, 5)
        collector.hold(Hold.NONE)
        after = heard.window(lambda window: not window.pending and len(window.rows) == 3)
    assert ids(after) == [jobs[0], jobs[2], jobs[1]]


def test_a_change_that_is_taken_back_is_not_pending_any_more(settings: Settings, engine: Engine) -> None:
    (job,) = add_jobs(engine, 1, priority=3)
    with collecting(settings) as (collector, heard):
        collector.show("priority:3")
        heard.window(lambda window: window.query.filter and len(window.rows) == 1)
        hold_back(collector, Hold.ORDER)
        typed(engine, f"UPDATE jobs SET priority = 4 WHERE id = {job}")
        heard.window(lambda window: window.pending == 1)
        typed(engine, f"UPDATE jobs SET priority = 3 WHERE id = {job}")
        heard.window(lambda window: window.pending == 0)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [({"cpus": 65_536}, "no node has 65,536 CPUs"), ({"partition": "gpu"}, "no node in partition gpu"),
     ({"held": True}, "held"), ({}, "no worker is alive on node1")],
)  # fmt: skip
def test_waiting_jobs_say_why(settings: Settings, engine: Engine, columns: dict[str, object], reason: str) -> None:
    typed(engine, "INSERT INTO nodes (name, cpus, memory_mb) VALUES ('node1', 4, 4096)")
    (job,) = add_jobs(engine, 1, **columns)
    with collecting(settings) as (_, heard):
        window = heard.window(lambda window: window.waiting)
    assert window.waiting == {job: reason}


def test_no_worker_is_called_dead_before_the_workers_were_read(settings: Settings, engine: Engine) -> None:
    """Over many jobs the first snapshot takes seconds; the list is there before it, with the reasons."""
    with scene(engine, settings, "no job of this one runs") as stage:
        stage.worker(alive=True)
        (job,) = add_jobs(engine, 1)
        with engine.begin() as conn:
            conn.execute(text("LOCK TABLE job_counts IN ACCESS EXCLUSIVE MODE"))
            with collecting(settings) as (_, heard):
                window = heard.window(lambda window: window.waiting)
                assert heard.last(Snapshot) is None
                conn.rollback()
    assert window.waiting == {job: "for its turn"}


def test_the_words_of_a_filter(settings: Settings, engine: Engine) -> None:
    for account in ("bob", "alice", "Carol", "bob"):
        add_jobs(engine, 2, account=account)
    typed(engine, "INSERT INTO nodes (name, cpus, memory_mb, partitions) VALUES ('n1', 1, 1, '{main,gpu}')")
    with collecting(settings) as (collector, heard):
        collector.words()
        wait_until(lambda: heard.last(Words))
    assert heard.last(Words) == Words(("Carol", "alice", "bob"), ("n1",), ("gpu", "main"))
