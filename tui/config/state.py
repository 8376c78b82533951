"""What each view was like when it was left (filter, sort, columns, history), kept across runs.

Widgets read and write memory only; :meth:`State.save` brings it to ``<home>/tui/state.json``. Several dashboards of one
home may run at once: each writes only what it changed itself, over what is in the file at that moment.
"""

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

_log = logging.getLogger(__name__)

Views = dict[str, dict[str, Any]]
T = TypeVar("T")

LOCK_SECONDS = 0.5
"""How long a save waits for another dashboard that saves; after that it is left to the next save."""


class State:
    """Values by view and key, anything JSON can hold. Without a path it lives in memory, as tests want it."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.notice = ""
        """One line for the user when the file could not be used; empty when all is well."""
        self._changed: Views = {}
        self._views: Views = {}
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
        """Remember a value. Raises TypeError at once when JSON cannot hold it."""
        kept = json.loads(json.dumps(value))
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
            with _locked(self.path.with_suffix(".lock")) as ours:
                if ours:
                    self._merge(self.path)
        except OSError as exc:
            self._note(f"views are not kept: {self.path}: {exc.strerror}")

    def _merge(self, path: Path) -> None:
        merged = self._load(path)
        for view, values in self._changed.items():
            merged.setdefault(view, {}).update(values)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps(merged, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
        fresh.replace(path)
        self._changed = {}

    def _load(self, path: Path) -> Views:
        """Read the file; a damaged one is set aside, never written over."""
        try:
            return _views(json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return {}
        except ValueError as exc:  # also what is not UTF-8
            aside = path.with_suffix(f".damaged-{time.time_ns()}.json")
            with contextlib.suppress(FileNotFoundError):  # another dashboard was faster
                path.rename(aside)
            self._note(f"the kept views were damaged and begin anew; the old file is {aside}", exc)
        except OSError as exc:
            self._note(f"the kept views cannot be read: {path}: {exc.strerror}")
        return {}

    def _note(self, text: str, exc: Exception | None = None) -> None:
        if text != self.notice:
            _log.warning("%s", text, exc_info=exc)
        self.notice = text


_NOTHING = object()


def _views(found: object) -> Views:
    """Check the outer shape; values are checked when they are asked for. Raises ValueError."""
    if not isinstance(found, dict) or not all(isinstance(values, dict) for values in found.values()):
        raise ValueError("not an object of objects")
    return found


@contextlib.contextmanager
def _locked(path: Path, clock: Callable[[], float] = time.monotonic) -> Iterator[bool]:
    """Hold the lock file, or yield False after waiting for it in vain."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
