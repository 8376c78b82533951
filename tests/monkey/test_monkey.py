"""The monkey in its short form, and that its seed replays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.monkey.keys import all_groups, known, strokes
from tests.monkey.run import SIZES, climb
from tests.monkey.site import Site

SEED = 2026


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("m"), SEED) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_breaks_under_a_monkey(site: Site, size: tuple[int, int]) -> None:
    report = climb(site, SEED, *size, 20.0)
    assert report.wrong == []
    assert report.typed > 20
    log = Path(site.home, "log", "dashboard.log")
    assert "after it had left the screen" not in (log.read_text() if log.exists() else "")


def test_a_seed_replays_its_keys() -> None:
    first, again = (list(islice(strokes(7, 80, 24), 500)) for _ in range(2))
    assert first == again
    assert first != list(islice(strokes(8, 80, 24), 500))


def test_every_key_of_the_tables_is_typed_but_those_that_leave() -> None:
    keys = known(all_groups())
    assert {"C", "K", "F", "R", "z", "\r", "\x1b", "\t", "/"} <= set(keys)
    assert not {"q", "E", "v"} & set(keys)
