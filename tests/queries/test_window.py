"""The window of the job list against a real table: contiguous, bounded, exact at its ends, nothing missed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobwarden.backend.database.driver import Engine, text
from jobwarden.backend.queries import job_window as windows
from jobwarden.backend.queries.job_window import PAGE, JobWindow
from jobwarden.backend.queries.jobs import compile_filter, count, horizon
from jobwarden.backend.queries.models.job_window import EVERY_JOB
from tests.queries.rows import acting, add_jobs, add_worker, finish, start, typed

MANY = PAGE * 12


@pytest.fixture
def ids(engine: Engine) -> list[int]:
    """A list of jobs that is much longer than a window, newest first."""
    return add_jobs(engine, MANY)[::-1]


def shown(window: JobWindow) -> list[int]:
    return [row.id for row in window.rows]


def is_stretch(window: JobWindow, ids: list[int]) -> bool:
    """Whether the rows are one contiguous piece of the list, at the lines that they say."""
    return shown(window) == ids[window.first : window.end]


def test_no_job_at_all_is_a_loaded_window_without_rows(engine: Engine) -> None:
    with engine.connect() as conn:
        window = windows.open_top(conn, EVERY_JOB)
    assert (window.loaded, window.rows, window.total, window.at_top, window.at_bottom) == (True, (), 0, True, True)


def test_scrolling_down_line_by_line_sees_every_job_once_and_keeps_few(engine: Engine, ids: list[int]) -> None:
    seen: list[int] = []
    with engine.connect() as conn:
        window = windows.open_top(conn, EVERY_JOB)
        line = 0
        while line < MANY:
            window = windows.look(conn, window, line, line + 40)
            assert len(window.rows) <= PAGE * 6
            seen += [row.id for number in range(line, line + 40) if (row := window.row_at(number))]
            line += 40
    assert seen == ids
    assert window.at_bottom
    assert window.total == MANY


def test_scrolling_back_up_comes_to_line_zero(engine: Engine, ids: list[int]) -> None:
    with engine.connect() as conn:
        window = windows.open_bottom(conn, EVERY_JOB, MANY)
        assert is_stretch(window, ids)
        for line in range(MANY - 40, -1, -40):
            window = windows.look(conn, window, line, line + 40)
            assert is_stretch(window, ids)
    assert window.at_top
    assert window.first == 0


def test_a_jump_lands_where_the_scroll_bar_says(engine: Engine, ids: list[int]) -> None:
    with engine.connect() as conn:
        window = windows.with_total(windows.open_top(conn, EVERY_JOB), count(conn, EVERY_JOB))
        window = windows.look(conn, window, MANY // 2, MANY // 2 + 40)
    row = window.row_at(MANY // 2)
    assert row is not None
    assert abs(ids.index(row.id) - MANY // 2) <= PAGE


def test_a_change_replaces_its_row_alone(engine: Engine, ids: list[int]) -> None:
    with engine.connect().autocommit() as conn:
        since = horizon(conn)
        before = windows.open_top(conn, EVERY_JOB)
        typed(engine, f"UPDATE jobs SET priority = 7 WHERE id = {ids[5]}")
        after = windows.refresh(conn, before, since)
    assert after.rows[5].priority == 7
    assert [new is old for new, old in zip(after.rows, before.rows, strict=True)].count(False) == 1


def test_nothing_changed_is_the_same_window(engine: Engine, ids: list[int]) -> None:
    with engine.connect().autocommit() as conn:
        since = horizon(conn)
        before = windows.open_top(conn, EVERY_JOB)
        assert windows.refresh(conn, before, since) is before


def test_a_change_that_commits_late_is_not_missed(engine: Engine, ids: list[int]) -> None:
    """Transactions commit in another order than they begin; a delta by time or sequence would lose the first."""
    with engine.connect().autocommit() as conn, engine.connect() as slow:
        since = horizon(conn)
        window = windows.open_top(conn, EVERY_JOB)
        slow.execute(text(f"UPDATE jobs SET priority = 1 WHERE id = {ids[0]}"))
        typed(engine, f"UPDATE jobs SET priority = 2 WHERE id = {ids[1]}")
        since, asked = horizon(conn), since
        window = windows.refresh(conn, window, asked)
        assert [row.priority for row in window.rows[:2]] == [0, 2]
        slow.commit()
        window = windows.refresh(conn, window, since)
    assert [row.priority for row in window.rows[:2]] == [1, 2]


def test_a_new_job_comes_on_top(engine: Engine, ids: list[int]) -> None:
    with engine.connect().autocommit() as conn:
        since = horizon(conn)
        window = windows.open_top(conn, EVERY_JOB)
        total = window.total
        (new,) = add_jobs(engine, 1)
        window = windows.refresh(conn, window, since)
    assert shown(window)[:2] == [new, ids[0]]
    assert window.total == total + 1


def test_new_jobs_above_the_window_only_shift_its_lines(engine: Engine, ids: list[int]) -> None:
    with engine.connect().autocommit() as conn:
        window = windows.with_total(windows.open_top(conn, EVERY_JOB), MANY)
        for line in range(0, PAGE * 6, 100):
            window = windows.look(conn, window, line, line + 40)
        assert not window.at_top
        since, before = horizon(conn), window
        add_jobs(engine, 25)
        window = windows.refresh(conn, window, since)
    assert window.rows == before.rows
    assert window.first == before.first + 25
    assert window.total == before.total + 25


def test_more_changes_than_a_delta_takes_are_read_anew(engine: Engine, ids: list[int]) -> None:
    with engine.connect().autocommit() as conn:
        since = horizon(conn)
        window = windows.open_top(conn, EVERY_JOB)
        new = add_jobs(engine, windows.CHANGES_AT_ONCE + 50)[::-1]
        window = windows.refresh(conn, window, since)
    assert shown(window) == (new + ids)[: len(window.rows)]


def test_jobs_enter_and_leave_a_filtered_list(engine: Engine) -> None:
    ids = add_jobs(engine, 10)
    worker = add_worker(engine, "node1", 1)
    query = compile_filter("state:running")
    with engine.connect().autocommit() as conn:
        since = horizon(conn)
        window = windows.open_top(conn, query)
        assert shown(window) == []
        start(engine, ids[2:6], worker)
        since, asked = horizon(conn), since
        window = windows.refresh(conn, window, asked)
        assert shown(window) == ids[2:6][::-1]
        finish(engine, [ids[4]])
        window = windows.refresh(conn, window, since)
    assert shown(window) == [ids[5], ids[3], ids[2]]
    assert window.total == 3


def test_reading_again_sees_what_was_deleted(engine: Engine) -> None:
    ids = add_jobs(engine, 5)
    with engine.connect().autocommit() as conn:
        window = windows.open_top(conn, EVERY_JOB)
        finish(engine, [ids[1]], "CANCELLED")
        with engine.begin() as other:
            acting(other, "cleanup")
            other.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": ids[1]})
        window = windows.reread(conn, window)
    assert shown(window) == [ids[4], ids[3], ids[2], ids[0]]
    assert window.total == 4


@given(st.lists(st.integers(0, MANY + 50), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_one_looks_the_rows_are_contiguous_and_bounded(
    engine: Engine, ids: list[int], places: list[int]
) -> None:
    with engine.connect() as conn:
        window = windows.with_total(windows.open_top(conn, EVERY_JOB), MANY)
        for place in places:
            window = windows.look(conn, window, place, place + 50)
            position = ids.index(window.rows[0].id)
            assert shown(window) == ids[position : position + len(window.rows)]
            assert len(window.rows) <= PAGE * 6
            assert window.at_top == (position == 0)
