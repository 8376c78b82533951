"""The first picture needs no database driver; what is asked before the reading side is loaded is not lost."""

import subprocess
import sys
import threading

import pytest

from jobwarden.backend.errors import InputError
from jobwarden.backend.queries.models.sort import Order
from jobwarden.tui.client.lazy import LazySource
from tests.support.processes import wait_until
from tests.tui.fakes import FakeSource

HEAVY = ("sqlalchemy", "psycopg2", "redis", "rq", "psutil", "alembic")


def test_the_dashboard_is_drawn_before_any_driver_is_loaded() -> None:
    code = (
        "import sys, jobwarden.tui.app.main, jobwarden.tui.screens.jobs\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_was_asked_meanwhile_is_asked_again_in_order() -> None:
    made = FakeSource(lambda news: None)
    gate = threading.Event()

    def make() -> FakeSource:
        gate.wait(10)
        return made

    late = LazySource(make)
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
        LazySource(lambda: FakeSource(lambda news: None)).show("state:nonsense")


def test_what_is_stopped_while_it_loads_never_starts() -> None:
    made = FakeSource(lambda news: None)
    gate, loaded = threading.Event(), threading.Event()

    def make() -> FakeSource:
        gate.wait(10)
        loaded.set()
        return made

    late = LazySource(make)
    late.start()
    late.stop()
    gate.set()
    loaded.wait(10)
    late._thread.join(10)
    assert made.asked == []


MISSING = """
import ast, sys, jobwarden.tui.app.main, jobwarden.tui.client.lazy

def inside(module):
    for outer in ast.walk(ast.parse(open(module.__file__).read())):
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(outer):
                if isinstance(node, ast.ImportFrom):
                    yield from (name for alias in node.names for name in (node.module, f"{node.module}.{alias.name}"))
                elif isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)

def ours(name):
    return name.partition(".")[0] in ("tui", "backend") and importlib.util.find_spec(name) is not None

import importlib.util
jobwarden.tui.client.lazy.load_rest()
missing = set()
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] in ("tui", "backend") and module.__file__:
        for wanted in inside(module):
            try:
                if ours(wanted) and wanted not in sys.modules:
                    missing.add((name, wanted))
            except ModuleNotFoundError:
                pass  # a name in a module
print(sorted(missing))
"""


def test_behind_the_first_pictures_all_is_loaded_that_is_ever_needed() -> None:
    """A program that is replaced under the dashboard, or moved away, has nothing left for it to load."""
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_rest_is_loaded_once_the_source_has_started() -> None:
    made, loaded = FakeSource(lambda news: None), threading.Event()
    late = LazySource(lambda: made, loaded.set)
    late.start()
    assert loaded.wait(60)
    assert ("start", None) in made.asked
