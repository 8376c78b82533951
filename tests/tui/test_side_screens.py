"""Orphans, nodes, queue and audit over a read model that says what the test tells it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from jobwarden.backend.actions.preview import EvidenceView
from jobwarden.backend.actions.targets import Scope
from jobwarden.backend.domain.states import AnomalyKind, JobState
from jobwarden.backend.feeds.updates import News
from jobwarden.backend.queries.models.jobs import EventRow
from jobwarden.backend.queries.models.pages import (
    EventsPage,
    EventsWanted,
    EvidenceWanted,
    JobMatches,
    MatchesWanted,
    QueueWanted,
    Wanted,
)
from jobwarden.backend.queries.models.snapshot import Health, Link
from jobwarden.backend.queries.queue import Bells, QueueView
from jobwarden.backend.queries.workers import node_rows
from jobwarden.tui.dialogs.confirm import Confirm
from jobwarden.tui.screens.base.list import ListScreen
from jobwarden.tui.screens.job import JobScreen
from jobwarden.tui.screens.jobs_table import JobTable
from tests.tui.fakes import NOW, Screen, job, orphan, snapshot, window, worker
from tests.tui.scenes import KINDS, anomalies, audit, dead_worker, evidence, queue
from tests.tui.test_jobs_screen import shown, text_of
from tests.tui.waiting import asks, until

SIZE = (120, 40)


async def opened(pilot: Pilot[None], screen: Screen, key: str, *news: News) -> ListScreen:
    """Open a side screen over these news."""
    await shown(pilot, screen, window([job(9)]), *news)
    await pilot.press(key)
    await until(pilot, lambda: isinstance(screen.app.screen, ListScreen))
    await pilot.pause()
    side = screen.app.screen
    assert isinstance(side, ListScreen)
    return side


def wanted(screen: Screen) -> tuple[Wanted, ...]:
    """What the screen asked for last."""
    last = [what for name, what in screen.source.asked if name == "want"][-1]
    assert isinstance(last, tuple)
    return last


# orphans -----------------------------------------------------------------------------------------------------------
async def test_anomalies_are_listed_worst_first_with_their_evidence() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers = {EvidenceWanted(number): evidence(number) for number, _, _ in KINDS}
        await opened(pilot, screen, "2", dead_worker())
        await until(pilot, lambda: "train.py --epochs" in text_of(screen))
        text = text_of(screen)
    places = [text.index(f"⚠ {kind}") for _, kind, _ in KINDS]
    assert places == sorted(places)
    assert "TERM, grace, KILL" in text and "✗ DEAD 2 on beta" in text and "none in the spool" in text
    assert "98     812M" in text


async def test_the_evidence_follows_the_cursor_and_that_of_another_job_is_never_shown() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "2", dead_worker())
        await until(pilot, lambda: wanted(screen) == (EvidenceWanted(946),))
        await pilot.press("j")
        await until(pilot, lambda: wanted(screen) == (EvidenceWanted(941),))
        screen.source.deliver(replace(evidence(946), would="must not show"))
        await pilot.pause()
        assert "must not show" not in text_of(screen) and "reading processes" in text_of(screen)
        screen.source.deliver(EvidenceView(941, would="this is the one"))
        await until(pilot, lambda: "this is the one" in text_of(screen))


async def test_without_anomalies_the_screen_says_so() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "2", snapshot())
        await until(pilot, lambda: "no job's record and processes disagree" in text_of(screen))
        assert wanted(screen) == ()


async def test_a_job_with_two_wrong_attempts_is_one_line_under_the_worse() -> None:
    screen = Screen()
    stray = replace(orphan(946), kind=KINDS[4][1], allocation_id=7)
    async with screen.app.run_test(size=SIZE) as pilot:
        side = await opened(pilot, screen, "2", snapshot(anomalies=(orphan(946), stray)))
        await until(pilot, lambda: side.table.listed)
        assert [row.kind for row in side.table.listed] == ["ORPHAN"]


async def test_thousands_of_anomalies_are_listed_and_marked_at_once() -> None:
    screen = Screen()
    many = tuple(orphan(number) for number in range(1, 5001))
    async with screen.app.run_test(size=SIZE) as pilot:
        side = await opened(pilot, screen, "2", snapshot(anomalies=many))
        await pilot.press("asterisk", "G")
        await until(pilot, lambda: "5,000 of 5,000" in text_of(screen) and "5,000 marked" in text_of(screen))
        assert len(side.table.targets().ids) == 5000 and side.table.targets().filter is None


async def test_marks_go_with_what_is_cleaned_up() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        side = await opened(pilot, screen, "2", dead_worker())
        await pilot.press("space", "space")
        await until(pilot, lambda: len(side.table.marks.keys) == 2)
        await shown(pilot, screen, snapshot(anomalies=anomalies()[1:]))
        await until(pilot, lambda: side.table.marks.keys == {941})


async def test_enter_opens_the_job_of_an_anomaly() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "2", dead_worker())
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(screen.app.screen, JobScreen))
        assert isinstance(screen.app.screen, JobScreen) and screen.app.screen.job_id == 946


# nodes -------------------------------------------------------------------------------------------------------------
async def test_nodes_show_liveness_capacity_and_why_they_are_drained() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "3", dead_worker())
        await pilot.press("G", "k")
        await until(pilot, lambda: "Drained" in text_of(screen))
        text = text_of(screen)
    assert "● ONLINE" in text and "✗ DEAD" in text and "◔ DRAINING" in text
    assert "5/8" in text and "2/64" in text and "disk is being replaced" in text


def test_a_former_worker_is_listed_only_while_it_has_jobs_left() -> None:
    former = replace(worker(1), running_jobs=0)
    assert [row.id for row in node_rows((former, worker(2)))] == [2]
    busy = replace(former, running_jobs=3)
    assert [(row.id, row.newest) for row in node_rows((busy, worker(2)))] == [(2, True), (1, False)]


async def test_escape_leads_back_from_the_jobs_of_a_node() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "3", dead_worker())
        await pilot.press("enter")
        await until(pilot, lambda: screen.app.current_mode == "jobs")
        wanted = screen.app.context.way.filter
        await until(pilot, lambda: screen.app.screen.query_one(JobTable).asked_filter == wanted)
        await pilot.press("escape")
        await until(pilot, lambda: screen.app.current_mode == "nodes")
        await pilot.press("1", "escape")
        await until(pilot, lambda: screen.app.current_mode == "jobs")


async def test_no_node_says_how_to_start_one() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        await opened(pilot, screen, "3", snapshot(workers=()))
        await until(pilot, lambda: "jobwarden up" in text_of(screen))


# queue -------------------------------------------------------------------------------------------------------------
async def test_the_queue_says_why_jobs_wait_and_how_redis_is() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[QueueWanted()] = queue()
        await opened(pilot, screen, "4", snapshot())
        await until(pilot, lambda: "no node has 512 CPUs" in text_of(screen))
        text = text_of(screen)
    assert "1,234 pending, 1 of them held; the first 5 are listed" in text
    assert "Valkey 8.1.0" in text and "‖ HELD" in text
    assert any(line.split()[:3] == ["beta", "7", "4m"] for line in text.splitlines())


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (QueueView(), "no job is waiting"),
        (QueueView(bells=Bells(error="Connection refused")), "Redis does not answer: Connection refused"),
    ],
)
async def test_an_empty_queue_and_a_lost_redis_are_told(view: QueueView, words: str) -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[QueueWanted()] = view
        await opened(pilot, screen, "4", snapshot())
        await until(pilot, lambda: words in text_of(screen))


async def test_a_lost_database_keeps_the_list_and_says_that_it_is_old() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[QueueWanted()] = queue()
        await opened(pilot, screen, "4", snapshot())
        await shown(pilot, screen, snapshot(link=Link.LOST, database=Health(False, message="gone")))
        await until(pilot, lambda: "STALE" in text_of(screen))
        assert "no node has 512 CPUs" in text_of(screen)


# events ------------------------------------------------------------------------------------------------------------
def events(numbers: Sequence[int], asked: EventsWanted, *, more: bool = False) -> EventsPage:
    """A page of these events."""
    rows = tuple(EventRow(n, NOW, n, "bob@build", "submit", None, JobState.PENDING, f"note {n}") for n in numbers)
    return EventsPage(asked, rows, more)


async def test_the_audit_is_listed_newest_first() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[EventsWanted()] = audit()
        await opened(pilot, screen, "5", snapshot())
        await until(pilot, lambda: "the node died" in text_of(screen))
        text = text_of(screen)
    assert text.index("clean ") < text.index("drain ") < text.index("submit ")
    assert "✗ FAILED" in text and "gamma" in text and "03-12" in text


async def test_a_new_event_appears_on_top() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[EventsWanted()] = audit()
        side = await opened(pilot, screen, "5", snapshot())
        screen.source.deliver(events([12], EventsWanted()))
        await until(pilot, lambda: "note 12" in text_of(screen))
        assert side.table.selected is not None
        assert side.table.selected.id == 12


async def test_older_pages_come_as_one_goes_down() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[EventsWanted()] = events(range(400, 200, -1), EventsWanted(), more=True)
        older = EventsWanted(below=201)
        screen.source.answers[older] = events(range(200, 0, -1), older)
        side = await opened(pilot, screen, "5", snapshot())
        await until(pilot, lambda: len(side.table.listed) == 200)
        await pilot.press("G")
        await until(pilot, lambda: len(side.table.listed) == 400)
        assert wanted(screen) == (EventsWanted(),)
        assert side.table.selected is not None
        assert side.table.selected.id == 201


async def test_the_audit_is_filtered_and_a_wrong_filter_is_explained_where_it_is_typed() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        only = EventsWanted("job:7")
        screen.source.answers = {EventsWanted(): audit(), only: events([7], only)}
        await opened(pilot, screen, "5", snapshot())
        await pilot.press("slash", *"jop:7", "enter")
        await until(pilot, lambda: "did you mean job?" in text_of(screen))
        await pilot.press("backspace", "backspace", "backspace", *"b:7", "enter")
        await until(pilot, lambda: "note 7" in text_of(screen) and "the node died" not in text_of(screen))
        assert "job:7" in text_of(screen)
        await pilot.press("escape")
        await until(pilot, lambda: "the node died" in text_of(screen))


async def test_the_events_of_one_job_and_the_job_itself_are_a_key_away() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[EventsWanted()] = audit()
        await opened(pilot, screen, "5", snapshot())
        await until(pilot, lambda: "the node died" in text_of(screen))
        await pilot.press("f")
        await until(pilot, lambda: wanted(screen) == (EventsWanted("job:946"),))
        await pilot.press("escape", "enter")
        await until(pilot, lambda: isinstance(screen.app.screen, JobScreen))


async def test_a_search_that_took_too_long_is_told() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        screen.source.answers[EventsWanted()] = EventsPage(EventsWanted(), error="took longer than 5s")
        await opened(pilot, screen, "5", snapshot())
        await until(pilot, lambda: "took longer than 5s" in text_of(screen))


# filters -----------------------------------------------------------------------------------------------------------
def asked_about(screen: Screen) -> tuple[tuple[int, AnomalyKind], ...]:
    """The anomalies of which the screen asks whether they match."""
    question = wanted(screen)[-1]
    assert isinstance(question, MatchesWanted)
    return question.anomalies


def matches(screen: Screen, side: ListScreen, *ids: int) -> JobMatches:
    """The answer to what the screen asks now."""
    question = next(what for what in wanted(screen) if isinstance(what, MatchesWanted))
    assert question.filter == side.filter
    return JobMatches(question, frozenset(ids))


async def test_anomalies_are_filtered_and_clean_up_is_for_what_is_listed() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        side = await opened(pilot, screen, "2", dead_worker())
        await pilot.press("slash", *"kind:lo", "tab", "enter")
        await until(pilot, lambda: side.filter == "kind:lost")
        assert "reading …" in text_of(screen)
        screen.source.deliver(matches(screen, side, 936))
        await until(pilot, lambda: [row.job_id for row in side.table.listed] == [936])
        assert "1 of 1" in text_of(screen) and "⚠ 9" in text_of(screen)
        await pilot.press("C")
        await until(pilot, lambda: asks(screen.app, Confirm))
        assert screen.client.scopes == [Scope((936,))]
        await pilot.press("escape")
        await until(pilot, lambda: screen.app.screen is side)
        await pilot.press("escape")
        await until(pilot, lambda: len(side.table.listed) == len(KINDS))


async def test_an_anomaly_that_comes_is_listed_once_it_is_known_to_match() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        side = await opened(pilot, screen, "2", snapshot(anomalies=anomalies()[:2]))
        await pilot.press("slash", *"kind:orphan", "enter")
        await until(pilot, lambda: side.filter == "kind:orphan")
        screen.source.deliver(matches(screen, side, 941, 946))
        await until(pilot, lambda: len(side.table.listed) == 2)
        await shown(pilot, screen, snapshot(anomalies=(*anomalies()[:2], orphan(900))))
        await until(pilot, lambda: (900, AnomalyKind.ORPHAN) in asked_about(screen))
        assert len(side.table.listed) == 2
        screen.source.deliver(matches(screen, side, 941, 946, 900))
        await until(pilot, lambda: len(side.table.listed) == 3)


async def test_marks_stay_with_rows_that_a_filter_hides_and_are_counted() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        side = await opened(pilot, screen, "2", dead_worker())
        await pilot.press("space", "space")
        await until(pilot, lambda: side.table.marks.keys == {946, 941})
        await pilot.press("slash", *"kind:lost", "enter")
        await until(pilot, lambda: side.filter == "kind:lost")
        screen.source.deliver(matches(screen, side, 941, 936))
        await until(pilot, lambda: "2 marked, 1 of them hidden" in text_of(screen))
        await pilot.press("K")
        await until(pilot, lambda: asks(screen.app, Confirm))
        assert set(screen.client.scopes[-1].ids) == {946, 941}


async def test_a_wrong_filter_is_explained_and_one_without_a_match_told() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        side = await opened(pilot, screen, "2", dead_worker())
        await pilot.press("slash", *"kind:lots", "enter")
        await until(pilot, lambda: "did you mean lost?" in text_of(screen))
        await pilot.press("ctrl+u", *"kind:leaked", "enter")
        await until(pilot, lambda: side.filter == "kind:leaked")
        screen.source.deliver(matches(screen, side))
        await until(pilot, lambda: "no anomaly matches  kind:leaked" in text_of(screen))
        await pilot.press("C")
        await until(pilot, lambda: any("nothing to clean up" in note.message for note in screen.app._notifications))
        assert not screen.client.scopes


async def test_nodes_are_filtered_where_they_are() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        side = await opened(pilot, screen, "3", dead_worker())
        await pilot.press("slash", *"state:de", "tab", "enter")
        await until(pilot, lambda: [row.worker.node_name for row in side.table.listed] == ["beta", "gamma"])
        await pilot.press("slash", "ctrl+u", *"nowhere", "enter")
        await until(pilot, lambda: "no node matches  nowhere" in text_of(screen))
        await pilot.press("escape")
        await until(pilot, lambda: len(side.table.listed) == 4)


async def test_the_queue_is_filtered_by_the_database() -> None:
    screen = Screen()
    async with screen.app.run_test(size=SIZE) as pilot:
        only = QueueWanted("state:held")
        screen.source.answers = {
            QueueWanted(): queue(),
            only: replace(queue(), rows=queue().rows[2:3], wanted=only),
        }
        side = await opened(pilot, screen, "4", snapshot())
        await until(pilot, lambda: len(side.table.listed) == 5)
        await pilot.press("slash", *"state:held", "enter")
        await until(pilot, lambda: len(side.table.listed) == 1)
        assert "1,234 pending, 1 of them held; 1 that match are listed" in text_of(screen)
        screen.source.deliver(queue())  # an answer to the question before
        await pilot.pause()
        assert len(side.table.listed) == 1
        screen.source.deliver(QueueView(error="took longer than 5s", wanted=only))
        await until(pilot, lambda: "took longer than 5s" in text_of(screen))
        assert "1,234 pending" in text_of(screen) and "Valkey 8.1.0" in text_of(screen)


async def test_help_has_the_words_of_the_screens_own_filter() -> None:
    screen = Screen()
    async with screen.app.run_test(size=(120, 140)) as pilot:
        await opened(pilot, screen, "5", snapshot())
        await pilot.press("question_mark")
        await until(pilot, lambda: "actor" in text_of(screen))
        assert "time since it ended" not in text_of(screen)
