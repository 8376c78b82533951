"""The first picture needs no database driver; what is asked before the reading side is loaded is not lost."""

import subprocess
import sys
import threading

import pytest

from backend.errors import InputError
from backend.readmodel.order import Order
from tests.support.processes import wait_until
from tests.tui.fakes import FakeSource
from tui.late import LateSource

HEAVY = ("sqlalchemy", "psycopg2", "redis", "rq", "psutil", "alembic")


def test_the_dashboard_is_drawn_before_any_driver_is_loaded() -> None:
    code = f"import sys, tui.app, tui.screens.jobs; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_was_asked_meanwhile_is_asked_again_in_order() -> None:
    made = FakeSource(lambda news: None)
    gate = threading.Event()

    def make() -> FakeSource:
        gate.wait(10)
        return made

    late = LateSource(make)
    late.start()
    late.show("state:failed", Order("name", False))
    late.look(3, 40)
    assert made.asked == []
    gate.set()
    wait_until(lambda: ("start", None) in made.asked)
    late.watch(7)
    late.stop()
    wanted = ("order", ("state:failed", Order("name", False)))
    assert made.asked == [wanted, ("look", (3, 40)), ("start", None), ("watch", 7), ("stop", None)]


def test_a_wrong_filter_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="no state"):
        LateSource(lambda: FakeSource(lambda news: None)).show("state:nonsense")


def test_what_is_stopped_while_it_loads_never_starts() -> None:
    made = FakeSource(lambda news: None)
    gate, loaded = threading.Event(), threading.Event()

    def make() -> FakeSource:
        gate.wait(10)
        loaded.set()
        return made

    late = LateSource(make)
    late.start()
    late.stop()
    gate.set()
    loaded.wait(10)
    late._thread.join(10)
    assert made.asked == []
