"""A bulk action acts on what was confirmed and still matches, tells how far it is, and can be stopped."""

import threading

import pytest

from jobwarden.backend.actions.results import LEFT_UNDONE, Context, ItemResult, Step, Undo
from jobwarden.backend.actions.targets import LEFT_THE_FILTER, Scope
from jobwarden.backend.errors import InputError
from jobwarden.backend.state import machine
from tests.support.actions import perform, plan
from tests.support.rows import request
from tests.support.scene import Scene


def context(stage: Scene) -> Context:
    return Context(stage.engine, stage.settings, "op@desk")


def submit(stage: Scene, *names: str) -> list[int]:
    with stage.engine.begin() as conn:
        return machine.submit(conn, [request(name=name) for name in names], "tester@here")


def changed(results: list[ItemResult]) -> list[int]:
    return [result.job_id for result in results if result.changed]


def test_a_filter_is_planned_and_done(stage: Scene) -> None:
    train, other, trained = submit(stage, "train-1", "other", "train-2")
    scope = Scope(filter="name:train* state:pending")
    assert plan(context(stage), "cancel", scope).ids == (train, trained)
    assert changed(perform(context(stage), "cancel", scope)) == [train, trained]
    assert stage.state(other) == "PENDING"


def test_only_what_was_confirmed_and_still_matches_is_acted_on(stage: Scene) -> None:
    left, stays = submit(stage, "train-1", "train-2")
    scope = Scope(filter="name:train*")
    confirmed = scope.pinned(plan(context(stage), "cancel", scope).ids)
    stage.execute("UPDATE jobs SET name = 'precious' WHERE id = :id", id=left)
    [new] = submit(stage, "train-3")
    results = perform(context(stage), "cancel", confirmed)
    assert results[0] == ItemResult(left, True, False, LEFT_THE_FILTER)
    assert changed(results) == [stays]
    assert (stage.state(left), stage.state(new)) == ("PENDING", "PENDING")
    assert plan(context(stage), "cancel", confirmed).ineligible[0] == (left, LEFT_THE_FILTER)


def test_confirming_nothing_is_not_everything(stage: Scene) -> None:
    submit(stage, "train-1")
    assert perform(context(stage), "cancel", Scope(filter="name:train*").pinned(())) == []


def test_ids_work_whatever_they_are_called(stage: Scene) -> None:
    [job_id] = submit(stage, "hidden by the filter of the screen")
    assert changed(perform(context(stage), "cancel", Scope((job_id, job_id)))) == [job_id]


def test_an_unknown_id_in_a_filtered_scope_is_unknown_not_unmatched(stage: Scene) -> None:
    [result] = perform(context(stage), "hold", Scope((999,), "name:x"))
    assert (result.ok, result.message) == (False, "does not exist")


@pytest.mark.parametrize("name", ["cancel", "clean", "hold"])
def test_a_wrong_filter_is_refused_before_anything_is_done(stage: Scene, name: str) -> None:
    submit(stage, "a")
    with pytest.raises(InputError, match="did you mean state"):
        perform(context(stage), name, Scope(filter="stat:failed"))
    with pytest.raises(InputError, match="did you mean state"):
        plan(context(stage), name, Scope(filter="stat:failed"))


def test_clean_takes_the_anomalies_that_match(stage: Scene) -> None:
    dead = stage.worker()
    wanted, other = stage.run(dead, name="train"), stage.run(dead, name="render")
    submit(stage, "train")
    scope = Scope(filter="name:train")
    assert plan(context(stage), "clean", scope).ids == (wanted.id,)
    assert changed(perform(context(stage), "clean", scope)) == [wanted.id]
    assert stage.state(other.id) == "RUNNING"


def test_every_item_is_told_of(stage: Scene) -> None:
    ids = submit(stage, "a", "b", "c")
    steps: list[Step] = []
    results = perform(context(stage), "hold", ids, progress=steps.append)
    assert [(step.done, step.total, step.last) for step in steps] == [
        (number, 3, result) for number, result in enumerate(results, start=1)
    ]


def test_a_stop_leaves_the_rest_undone_and_says_so(stage: Scene) -> None:
    ids = submit(stage, *"abcde")
    steps: list[Step] = []
    results = perform(context(stage), "mark-failed", ids, progress=steps.append, cancelled=lambda: len(steps) >= 2)
    assert changed(results) == ids[:2]
    assert [result.message for result in results[2:]] == [LEFT_UNDONE] * 3
    assert not any(result.ok for result in results[2:])
    assert stage.state(ids[4]) == "PENDING"


def test_a_stop_ends_the_wait_for_a_worker(stage: Scene) -> None:
    job = stage.run(stage.worker(alive=True))
    waiting = threading.Event()

    def watch(step: Step) -> None:
        if "waiting" in step.words:
            waiting.set()

    [result] = perform(context(stage), "cancel", [job.id], progress=watch, cancelled=waiting.is_set)
    assert waiting.is_set()
    assert (result.ok, result.message) == (False, "its worker was asked, not waited for any longer")
    assert stage.execute("SELECT count(*) FROM commands WHERE done_at IS NULL") == 1


def test_a_result_names_what_takes_it_back(stage: Scene) -> None:
    [job_id] = submit(stage, "a")

    def do(name: str, value: int | None = None) -> Undo | None:
        return perform(context(stage), name, [job_id], value=value)[0].undo

    assert do("hold") == Undo("unhold")
    assert do("hold") is None, "nothing was done"
    assert do("unhold") == Undo("hold")
    assert do("priority", 5) == Undo("priority", 0)
    assert do("priority", 9) == Undo("priority", 5)
