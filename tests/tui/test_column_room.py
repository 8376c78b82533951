"""Who gets the room of a line: the reason first, columns that hold nothing last; no number is cut beside free room."""

from dataclasses import replace

import pytest

from jobwarden.backend.domain.states import JobState
from jobwarden.backend.queries.models.jobs import JobRow
from jobwarden.backend.queries.models.pages import QueueWanted
from jobwarden.tui.columns.jobs import JOB_COLUMNS
from jobwarden.tui.columns.lists import evidence
from jobwarden.tui.widgets.table.columns import Moment, held_by, place
from tests.tui.fakes import NOW, Screen, job, jobs, snapshot, window, worker
from tests.tui.scenes import dead_worker, queue
from tests.tui.test_jobs_screen import shown, text_of
from tests.tui.test_readable import SIZES, settled

WHY = "no node has 512 CPUs and 9 GPUs"


def held(*rows: JobRow, **waiting: str) -> dict[str, int]:
    """What these jobs hold, when they wait for a reason."""
    moment = Moment(NOW, waiting={4: WHY, 9: WHY})
    return {column.name: max(held_by(column.cell(row, moment)) for row in rows) for column in JOB_COLUMNS}


def test_the_reason_comes_before_columns_that_could_be_left_out() -> None:
    pending = [job(number, JobState.PENDING) for number in (4, 9)]
    for width in (80, 120):
        placed = {each.column.name: each.width for each in place(JOB_COLUMNS, width, held(*pending))}
        assert placed["note"] >= len(WHY), (width, placed)


def test_what_holds_nothing_gives_way_first() -> None:
    pending = [job(number, JobState.PENDING) for number in (4, 9)]
    at_100 = [each.column.name for each in place(JOB_COLUMNS, 100, held(*pending))]
    assert "cpus" in at_100 and not {"gpus", "pid", "node", "elapsed"} & set(at_100)
    running = [job(number) for number in (4, 9)]
    at_120 = [each.column.name for each in place(JOB_COLUMNS, 120, held(*running))]
    assert {"pid", "node", "elapsed"} <= set(at_120) and "gpus" not in at_120
    with_gpus = [replace(row, gpus=2) for row in running]
    assert "gpus" in [each.column.name for each in place(JOB_COLUMNS, 160, held(*with_gpus))]


@pytest.mark.parametrize("width", [*range(40, 220, 7)])
def test_the_columns_never_take_more_than_there_is(width: int) -> None:
    known = held(job(4, JobState.PENDING), job(9))
    placed = place(JOB_COLUMNS, width, known)
    least = 1 + sum(column.width + 1 for column in JOB_COLUMNS if column.rank == 0)
    assert 1 + sum(each.width + 1 for each in placed) <= max(width, least)


@pytest.mark.parametrize("size", [size for size in SIZES if size[0] >= 80])
async def test_the_reason_is_read_on_every_list(size: tuple[int, int]) -> None:
    screen = Screen()
    async with screen.app.run_test(size=size) as pilot:
        screen.source.answers[QueueWanted()] = queue()
        waits = window([job(9, JobState.PENDING), *jobs(8, 4)], waiting={9: WHY})
        await shown(pilot, screen, dead_worker(), waits)
        await settled(pilot)
        assert WHY in text_of(screen)
        for key, said in (("2", "the spool says: exit code 3"), ("4", "for resources, 1 job ahead")):
            await pilot.press(key)
            await settled(pilot)
            assert said in text_of(screen)


async def test_numbers_of_nodes_are_whole_where_there_is_room() -> None:
    big = replace(
        worker(), cpus=300, cpus_allocated=300, memory_mb=390 * 1024 + 500, memory_mb_allocated=300, node_name="vm"
    )
    screen = Screen()
    async with screen.app.run_test(size=(120, 36)) as pilot:
        await shown(pilot, screen, snapshot(workers=(big,)), window(jobs(9, 4)))
        await pilot.press("3")
        await settled(pilot)
        row = next(line for line in text_of(screen).splitlines() if "ONLINE" in line)
        assert "300/300" in row and "300M/390.5G" in row and "…" not in row


def test_the_evidence_begins_with_what_differs() -> None:
    common = "worker 5 is dead, last heartbeat 28s ago"
    assert evidence(f"{common}; pid 7 alive") == f"pid 7 alive; {common}"
    assert evidence("pid 4 survives KILL (state D)") == "pid 4 survives KILL (state D)"
