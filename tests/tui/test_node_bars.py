"""The bars of the nodes are read on every line, also on the one under the cursor."""

from dataclasses import replace

import pytest

from jobwarden.backend.domain.states import WorkerState
from tests.tui.fakes import Screen, snapshot, worker
from tests.tui.test_jobs_screen import shown, text_of
from tests.tui.test_readable import settled


@pytest.mark.parametrize("state", [WorkerState.ONLINE, WorkerState.DEAD])
@pytest.mark.parametrize(("used", "drawn"), [(8, "■■■■■■ 8/8"), (1, "▪····· 1/8"), (0, "······ 0/8")])
@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_no_bar_is_a_hole_in_the_selected_row(
    size: tuple[int, int], used: int, drawn: str, state: WorkerState
) -> None:
    """A block that fills its cell has there the colour of the background."""
    screen = Screen()
    async with screen.app.run_test(size=size) as pilot:
        node = replace(worker(1, "alpha", state), cpus_allocated=used)
        await shown(pilot, screen, snapshot(workers=(node,)))
        await pilot.press("3")
        await settled(pilot)
        [row] = [line for line in text_of(screen).splitlines() if f"{used}/8" in line and "cpu" not in line]
        assert drawn in row and not set(row) & set("▏▎▍▌▋▊▉█"), row
