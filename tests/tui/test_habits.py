"""What is kept across runs, seen through the application."""

from pathlib import Path

from jobwarden.tui.app.main import JobwardenApp
from jobwarden.tui.config.state import State
from tests.tui.fakes import FakeActionClient, FakeSource


def dashboard(state: State) -> JobwardenApp:
    return JobwardenApp(FakeSource, FakeActionClient(), state=state)


async def test_what_a_screen_put_is_saved_when_the_dashboard_closes(tmp_path: Path) -> None:
    app = dashboard(State.of_home(tmp_path))
    async with app.run_test():
        app.state.put("jobs", "filter", "state:failed")
    assert State.of_home(tmp_path).get("jobs", "filter", "") == "state:failed"


async def test_a_damaged_file_is_named_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "tui").mkdir()
    (tmp_path / "tui" / "state.json").write_text("{")
    app = dashboard(State.of_home(tmp_path))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert any("damaged" in note.message for note in app._notifications)
