"""What is kept across runs: what each view was like when it was left, and what was typed before."""

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from jobwarden.backend.files import Untrusted, check_folder, open_trusted, read_trusted

# What each view was like when it was left (filter, sort, columns, history), kept across runs.
#
# Widgets read and write memory only; :meth:`State.save` brings it to ``<home>/tui/state.json``. Several dashboards of
# one home may run at once: each writes only what it changed itself, over what is in the file at that moment.

_log = logging.getLogger(__name__)

ViewMemory = dict[str, dict[str, Any]]
T = TypeVar("T")

LOCK_SECONDS = 0.5
"""How long a save waits for another dashboard that saves; after that it is left to the next save."""
LIMIT_BYTES = 1 << 20
DEPTH = 20
"""Of values in values: ours have five."""


class State:
    """Values by view and key, anything JSON can hold. Without a path it lives in memory, as tests want it."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.notice = ""
        """One line for the user when the file could not be used; empty when all is well."""
        self._changed: ViewMemory = {}
        self._views: ViewMemory = {}
        if path is not None:
            self._views = self._load(path)

    @classmethod
    def of_home(cls, home: Path) -> "State":
        """Return the state of an installation."""
        return cls(home / "tui" / "state.json")

    def get(self, view: str, key: str, default: T) -> T:
        """Return what was put; ``default`` when nothing was, or when somebody wrote another type into the file."""
        value = self._views.get(view, {}).get(key, default)
        if isinstance(default, tuple) and isinstance(value, list):
            return type(default)(value)
        if default is not None and type(value) is not type(default):
            return default
        return value  # type: ignore[no-any-return]

    def put(self, view: str, key: str, value: object) -> None:
        """Remember a value; what UTF-8 cannot hold is replaced. Raises TypeError at once when JSON cannot hold it."""
        kept = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        if self._views.get(view, {}).get(key, _NOTHING) == kept:
            return
        for views in (self._views, self._changed):
            views.setdefault(view, {})[key] = kept

    def save(self) -> None:
        """Write what was changed, if anything; what fails (full disk, read-only home) is tried again next time."""
        if self.path is None or not self._changed:
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_folder(self.path.parent)
            with _locked(self.path.with_suffix(".lock")) as ours:
                if ours:
                    self._merge(self.path)
        except Untrusted as exc:
            self._note(f"views are not saved: {exc}")
        except OSError as exc:
            self._note(f"views are not saved: {self.path}: {exc.strerror}")

    def _merge(self, path: Path) -> None:
        merged = self._load(path)
        for view, values in self._changed.items():
            merged.setdefault(view, {}).update(values)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        fresh.unlink(missing_ok=True)  # of a process with this number that was killed
        with os.fdopen(open_trusted(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
            file.write(json.dumps(merged, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        fresh.replace(path)
        self._changed = {}

    def _load(self, path: Path) -> ViewMemory:
        """Read the file; a damaged one is set aside, never written over, and what is no file of ours is let be."""
        try:
            return _views(json.loads(read_trusted(path, limit=LIMIT_BYTES)))
        except FileNotFoundError:
            return {}
        except Untrusted as exc:
            self._note(f"the saved views are not used: {exc}")
        except (ValueError, RecursionError) as exc:  # also what is not UTF-8
            aside = path.with_suffix(f".damaged-{time.time_ns()}.json")
            with contextlib.suppress(FileNotFoundError):  # another dashboard was faster
                path.rename(aside)
            self._note(f"the saved views were damaged and start empty; the old file is {aside}", exc)
        except OSError as exc:
            self._note(f"the saved views cannot be read: {path}: {exc.strerror}")
        return {}

    def _note(self, text: str, exc: Exception | None = None) -> None:
        if text != self.notice:
            _log.warning("%s", text, exc_info=exc if isinstance(exc, ValueError) else None)
        self.notice = text


_NOTHING = object()


def _views(found: object) -> ViewMemory:
    """Check shape, depth and text; the values are checked when they are asked for. Raises ValueError."""
    if not isinstance(found, dict) or not all(isinstance(values, dict) for values in found.values()):
        raise ValueError("not an object of objects")
    _check_depth(found)
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode("utf-8")  # no surrogates, no infinity
    return found


def _check_depth(found: object) -> None:
    level = [found]
    for _ in range(DEPTH):
        level = [part for one in level if isinstance(one, dict | list) for part in _parts(one)]
        if not level:
            return
    raise ValueError(f"nested more than {DEPTH} deep")


def _parts(one: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return one.values() if isinstance(one, dict) else one


@contextlib.contextmanager
def _locked(path: Path, clock: Callable[[], float] = time.monotonic) -> Iterator[bool]:
    """Hold the lock file, or yield False after waiting for it in vain."""
    descriptor = open_trusted(path, os.O_RDWR | os.O_CREAT)
    try:
        yield _take(descriptor, clock() + LOCK_SECONDS, clock)
    finally:
        os.close(descriptor)


def _take(descriptor: int, deadline: float, clock: Callable[[], float]) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock() >= deadline:
                return False
            time.sleep(0.01)
        else:
            return True


KEPT = 50


class History:
    """Lines of one kind of prompt, kept across runs."""

    def __init__(self, state: State, name: str) -> None:
        self._state = state
        self._name = name

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines; what somebody else wrote into the file and is no text counts as none."""
        lines: tuple[object, ...] = self._state.get("history", self._name, ())
        return tuple(line for line in lines if isinstance(line, str))

    def add(self, line: str) -> None:
        """Remember a line."""
        others = [other for other in self.lines if other != line]
        self._state.put("history", self._name, [line, *others][:KEPT])
