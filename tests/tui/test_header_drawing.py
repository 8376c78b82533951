"""The header is drawn only when it says something else: nothing is painted while nothing happens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from textual.app import App, ComposeResult
from textual.visual import VisualType

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.queries.models.snapshot import Health, Link, Snapshot
from jobwarden.tui.widgets.header.header import Header

TAKEN = datetime(2026, 3, 4, 12, tzinfo=UTC)
SNAPSHOT = Snapshot(
    1, Link.LIVE, Health(True, 1.0), Health(True, 1.0), taken_at=TAKEN, counts=dict.fromkeys(JobState, 3)
)


class Counted(Header):
    """Counts what is drawn."""

    DEFAULT_CSS = "Counted { height: 2; }"
    drawn = 0

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        self.drawn += 1
        super().update(content, layout=layout)


class Headers(App[None]):
    def compose(self) -> ComposeResult:
        yield Counted()


async def test_a_snapshot_that_says_the_same_is_not_drawn() -> None:
    async with Headers().run_test(size=(160, 10)) as pilot:
        header = pilot.app.query_one(Counted)
        header.show(SNAPSHOT)
        before = header.drawn
        header.show(replace(SNAPSHOT, number=2, taken_at=TAKEN + timedelta(seconds=1), database=Health(True, 2.0)))
        assert header.drawn == before
        header.show(replace(SNAPSHOT, number=3, database=Health(False, message="gone")))
        assert header.drawn == before + 1
        assert "db down" in str(header.content)


async def test_another_width_is_drawn() -> None:
    async with Headers().run_test(size=(160, 10)) as pilot:
        header = pilot.app.query_one(Counted)
        header.show(SNAPSHOT)
        before = header.drawn
        await pilot.resize_terminal(100, 10)
        await pilot.pause()
        assert header.drawn == before + 1
