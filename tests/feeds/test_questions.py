"""What single screens ask for besides the snapshot, from real servers."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
import redis

from jobwarden.backend.actions.preview import EvidenceView, read_evidence
from jobwarden.backend.anomalies.process_tree import ProcessReader
from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection, Engine, text
from jobwarden.backend.domain.states import AnomalyKind, JobState
from jobwarden.backend.embedded import servers
from jobwarden.backend.feeds.questions import QuestionAnswer, QuestionFeed
from jobwarden.backend.queries.events import read_events_page
from jobwarden.backend.queries.models.pages import (
    EventsPage,
    EventsWanted,
    EvidenceWanted,
    JobMatches,
    MatchesWanted,
    QueueWanted,
)
from jobwarden.backend.queries.queue import QueueView, read_queue
from jobwarden.backend.queries.workers import read_workers
from tests.queries.rows import add_jobs, add_worker, typed
from tests.support.processes import wait_until
from tests.support.scene import Scene, scene

A = TypeVar("A", bound=QuestionAnswer)


class Heard:
    """Answers as they come."""

    def __init__(self) -> None:
        self.answers: list[QuestionAnswer] = []
        self._lock = threading.Lock()

    def __call__(self, answer: QuestionAnswer) -> None:
        with self._lock:
            self.answers.append(answer)

    def until(self, kind: type[A], so: Callable[[A], object]) -> A:
        """Wait for an answer that is so."""

        def found() -> A | None:
            with self._lock:
                return next((item for item in self.answers if isinstance(item, kind) and so(item)), None)

        answer = wait_until(found, what=f"an answer of {kind.__name__}")
        assert answer is not None
        return answer


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def feed(settings: Settings, engine: Engine, heard: Heard) -> Iterator[QuestionFeed]:
    with redis.Redis.from_url(servers.attach(settings).redis_url) as client:
        made = QuestionFeed(settings, heard)
        made.start()
        made.use(engine, client)
        yield made
        made.stop()


def test_the_queue_is_in_the_schedulers_order_with_places_and_reasons(
    feed: QuestionFeed, heard: Heard, engine: Engine
) -> None:
    first, second, third = add_jobs(engine, 3)
    typed(engine, f"UPDATE jobs SET priority = 9 WHERE id = {third}")
    typed(engine, f"UPDATE jobs SET held = true WHERE id = {first}")
    feed.want([QueueWanted()])
    view = heard.until(QueueView, lambda view: len(view.rows) == 3)
    assert [(row.id, row.place) for row in view.rows] == [(third, 1), (first, 0), (second, 2)]
    assert [row.why for row in view.rows] == ["no worker has joined yet", "held", "no worker has joined yet"]
    assert (view.pending, view.held) == (3, 1)


def test_the_queue_is_filtered_and_places_stay_those_of_the_whole_queue(
    feed: QuestionFeed, heard: Heard, engine: Engine
) -> None:
    first, second, third = add_jobs(engine, 3)
    typed(engine, f"UPDATE jobs SET priority = 9 WHERE id = {third}")
    asked = QueueWanted(f"id:{first},{second}")
    feed.want([asked])
    view = heard.until(QueueView, lambda view: view.rows)
    assert [(row.id, row.place) for row in view.rows] == [(first, 2), (second, 3)]
    assert (view.pending, view.wanted) == (3, asked)


def test_anomalies_are_matched_by_the_job_and_by_what_is_wrong(
    feed: QuestionFeed, heard: Heard, engine: Engine
) -> None:
    first, second, third = add_jobs(engine, 3)
    typed(engine, f"UPDATE jobs SET priority = 9 WHERE id IN ({second}, {third})")
    pairs = ((first, AnomalyKind.LOST), (second, AnomalyKind.LOST))
    feed.want([MatchesWanted("kind:lost priority:9", pairs)])
    assert heard.until(JobMatches, lambda answer: True).ids == {second}


def test_redis_is_told_of_and_each_node_has_its_queue(feed: QuestionFeed, heard: Heard, engine: Engine) -> None:
    add_worker(engine, "node1", os.getpid())
    feed.want([QueueWanted()])
    bells = heard.until(QueueView, lambda view: view.bells.queues).bells
    assert [(bell.node_name, bell.messages, bell.listeners) for bell in bells.queues] == [("node1", 0, 0)]
    assert bells.version and bells.memory_mb > 0 and not bells.error


def test_a_redis_that_is_away_leaves_the_queue_readable(engine: Engine) -> None:
    add_jobs(engine, 1)
    nowhere = redis.Redis(port=1, socket_connect_timeout=0.2)
    with engine.connect() as conn:
        view = read_queue(conn, [], nowhere)
    assert len(view.rows) == 1 and view.bells.error


def test_events_come_newest_first_and_by_pages(engine: Engine) -> None:
    jobs = add_jobs(engine, 5)
    with engine.connect() as conn:
        newest = read_events_page(conn, EventsWanted(limit=2))
        older = read_events_page(conn, EventsWanted(limit=10, below=newest.rows[-1].id))
    assert [row.job_id for row in newest.rows] == jobs[::-1][:2] and newest.more
    assert [row.job_id for row in older.rows] == jobs[::-1][2:] and not older.more


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("job:{0},{1}", (0, 1)),
        ("!job:{0}", (1, 2)),
        ("{2}", (2,)),
        ("action:sub*", (0, 1, 2)),
        ("action:kill", ()),
        ("state:failed", ()),
        ("state:pending actor:*", (0, 1, 2)),
        ("%", ()),
        ("node:node1", ()),
    ],
)
def test_the_audit_is_filtered(engine: Engine, said: str, expected: tuple[int, ...]) -> None:
    jobs = add_jobs(engine, 3)
    with engine.connect() as conn:
        page = read_events_page(conn, EventsWanted(said.format(*jobs)))
    assert sorted({row.job_id for row in page.rows if row.job_id}) == [jobs[index] for index in expected]


def test_a_new_event_arrives_by_itself_and_a_wrong_filter_is_explained(
    feed: QuestionFeed, heard: Heard, engine: Engine
) -> None:
    feed.want([EventsWanted(), EventsWanted("jop:1")])
    wrong = heard.until(EventsPage, lambda page: page.error)
    assert "did you mean job?" in wrong.error
    (job_id,) = add_jobs(engine, 1)
    typed(engine, f"UPDATE jobs SET state='FAILED', end_time=NOW() WHERE id={job_id}")
    feed.changed([])
    page = heard.until(EventsPage, lambda page: page.rows and page.rows[0].to_state is JobState.FAILED)
    assert page.rows[0].job_id == job_id


def test_what_nobody_wants_any_more_is_not_read(feed: QuestionFeed, heard: Heard, engine: Engine) -> None:
    feed.want([QueueWanted()])
    heard.until(QueueView, lambda view: view.pending == 0)
    feed.want([EventsWanted()])
    heard.until(EventsPage, lambda page: True)
    add_jobs(engine, 1)
    feed.changed([])
    heard.until(EventsPage, lambda page: page.rows)
    assert not any(isinstance(answer, QueueView) and answer.pending for answer in heard.answers)


def test_a_job_that_never_started_has_no_processes(feed: QuestionFeed, heard: Heard, engine: Engine) -> None:
    (job_id,) = add_jobs(engine, 1)
    feed.want([EvidenceWanted(job_id)])
    view = heard.until(EvidenceView, lambda view: view.job_id == job_id)
    assert view.kind is None and view.tree.unseen and not view.tree.rows


@pytest.fixture
def played(engine: Engine, settings: Settings, mark: str) -> Iterator[Scene]:
    with scene(engine, settings, mark) as made:
        yield made


def look(played: Scene, job_id: int) -> EvidenceView:
    with played.engine.connect() as conn:
        workers = read_workers(conn)
        return read_evidence(conn, played.settings, job_id, workers, ProcessReader())


def test_the_evidence_about_an_orphan_names_worker_processes_and_what_clean_up_would_do(played: Scene) -> None:
    job = played.run(played.worker(), "echo up; sleep 600 & wait\n")
    job.said("up")
    view = look(played, job.id)
    assert view.kind is AnomalyKind.ORPHAN and view.here and "KILL" in view.would
    assert view.worker is not None and view.process_id == job.pid
    assert f"job_{job.id}.sh" in view.command
    assert any("sleep 600" in row.cmdline for row in view.tree.own) and view.tree.rows[0].supervisor


def test_the_evidence_about_a_finished_job_tells_what_the_spool_says(played: Scene) -> None:
    job = played.run(played.worker(), "exit 3\n")
    job.has_record()
    job.ended()
    view = look(played, job.id)
    assert view.kind is AnomalyKind.UNRECORDED and "3" in view.record and not view.tree.rows


def test_a_search_that_nobody_waits_for_any_more_is_given_up(
    feed: QuestionFeed, heard: Heard, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()

    def slow(conn: Connection, wanted: EventsWanted) -> EventsPage:
        if wanted.filter:
            began.set()
            conn.execute(text("SELECT pg_sleep(600)"))
        return read_events_page(conn, wanted)

    monkeypatch.setattr("jobwarden.backend.feeds.questions.read_events_page", slow)
    monkeypatch.setattr("jobwarden.backend.feeds.questions.LONGEST_QUERY", "600s")
    feed.want([EventsWanted("needle")])
    assert began.wait(20)
    with engine.connect().autocommit() as conn:
        asleep = text(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND wait_event = 'PgSleep'"
        )
        wait_until(lambda: conn.scalar(asleep) == 1)
    feed.want([EventsWanted()])
    heard.until(EventsPage, lambda page: page.wanted == EventsWanted())
    assert not [page for page in heard.answers if isinstance(page, EventsPage) and page.wanted.filter]
