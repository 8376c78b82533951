"""What a view was like is there again in the next run, whatever happens to the file."""

import fcntl
import json
from pathlib import Path

import pytest

from jobwarden.tui.config import state as module
from jobwarden.tui.config.state import State


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tui" / "state.json"


def test_what_is_put_is_there_in_the_next_run(tmp_path: Path) -> None:
    first = State.of_home(tmp_path)
    first.put("jobs", "columns", ("id", "name"))
    first.put("jobs", "filter", "state:failed name:日本")
    first.save()
    again = State.of_home(tmp_path)
    columns: tuple[str, ...] = again.get("jobs", "columns", ())
    assert columns == ("id", "name")
    assert again.get("jobs", "filter", "") == "state:failed name:日本"


def test_nothing_is_written_until_something_changed(path: Path) -> None:
    state = State(path)
    assert state.get("jobs", "sort", "id") == "id"
    state.save()
    assert not path.parent.exists()


def test_two_dashboards_keep_each_other_s_changes(path: Path) -> None:
    one, two = State(path), State(path)
    one.put("jobs", "filter", "node:a")
    two.put("jobs", "sort", "priority")
    two.put("events", "filter", "actor:bob")
    one.save()
    two.save()
    again = State(path)
    assert [again.get("jobs", key, "") for key in ("filter", "sort")] == ["node:a", "priority"]
    assert again.get("events", "filter", "") == "actor:bob"


def test_saving_again_does_not_bring_back_what_another_has_changed_since(path: Path) -> None:
    one, two = State(path), State(path)
    one.put("jobs", "filter", "old")
    one.save()
    two.put("jobs", "filter", "new")
    two.save()
    one.put("nodes", "sort", "name")
    one.save()
    assert State(path).get("jobs", "filter", "") == "new"


@pytest.mark.parametrize("damage", [b'{"jobs": {"filter"', b"[1, 2]", b'{"jobs": 7}', b"\xff\xfe\x00", b""])
def test_a_damaged_file_is_set_aside(path: Path, damage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    state = State(path)
    assert "damaged" in state.notice
    (aside,) = path.parent.glob("*damaged*")
    assert aside.read_bytes() == damage
    assert str(aside) in state.notice
    state.put("jobs", "filter", "x")
    state.save()
    assert json.loads(path.read_text()) == {"jobs": {"filter": "x"}}


def test_a_file_damaged_while_we_run_is_set_aside_when_saving(path: Path) -> None:
    state = State(path)
    state.put("jobs", "filter", "x")
    path.parent.mkdir()
    path.write_text("{")
    state.save()
    assert State(path).get("jobs", "filter", "") == "x"
    assert "damaged" in state.notice


@pytest.mark.parametrize(("kept", "default"), [(7, "text"), ("text", 7), (None, ()), ("text", ()), (1, True)])
def test_a_value_of_another_type_counts_as_none(path: Path, kept: object, default: object) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"jobs": {"key": kept}}))
    assert State(path).get("jobs", "key", default) is default


def test_a_home_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "tui").write_text("a file where the directory should be")
    state = State.of_home(tmp_path)
    state.put("jobs", "filter", "x")
    state.save()
    assert state.get("jobs", "filter", "") == "x"
    assert "not saved" in state.notice


def test_one_that_saves_and_hangs_holds_up_nobody(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.02)
    state = State(path)
    state.put("jobs", "filter", "x")
    path.parent.mkdir()
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state.save()
        assert not path.exists()
    state.save()
    assert State(path).get("jobs", "filter", "") == "x"


def test_what_json_cannot_hold_is_refused_where_it_is_put() -> None:
    with pytest.raises(TypeError):
        State().put("jobs", "columns", {object()})


def test_no_half_written_file_is_left(path: Path) -> None:
    state = State(path)
    state.put("jobs", "filter", "x" * 10_000)
    state.save()
    assert sorted(file.name for file in path.parent.iterdir()) == ["state.json", "state.lock"]
