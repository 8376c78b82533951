"""Whether the files of the program are still those that this worker runs: an upgrade in place changes no process."""

import hashlib
import logging
from pathlib import Path

from sqlalchemy import Engine

import backend
from backend.worker import sql

log = logging.getLogger(__name__)

_Stamps = dict[str, tuple[int, int, int]]


class Program:
    """Remembers the files that were there when it was made. Used from one thread at a time."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(backend.__file__).parent
        self._stamps = self._look()
        self._began_with = self._now = self._contents()
        self._told = False

    def tell(self, engine: Engine, worker_id: int) -> None:
        """Note with the worker whether its program was replaced, when that changes. Raises DBAPIError."""
        outdated = self.replaced()
        if outdated is self._told:
            return
        with engine.begin() as conn:
            conn.execute(sql.SET_OUTDATED, {"worker": worker_id, "outdated": outdated})
        self._told = outdated
        if outdated:
            log.warning("the program in %s was replaced: restart this worker, its jobs go on", self._folder)

    def replaced(self) -> bool:
        """Whether other files lie there now. They are read again only when one of them looks different."""
        stamps = self._look()
        if stamps != self._stamps:
            self._stamps, self._now = stamps, self._contents()
        return self._now != self._began_with

    def _files(self) -> list[Path]:
        return sorted(
            path for path in self._folder.rglob("*") if path.suffix not in (".pyc", ".pyo") and path.is_file()
        )

    def _look(self) -> _Stamps:
        found: _Stamps = {}
        for path in self._files():
            try:
                info = path.stat()
            except FileNotFoundError:
                continue  # it is being replaced: the next look sees what came of it
            found[str(path)] = (info.st_ino, info.st_size, info.st_mtime_ns)
        return found

    def _contents(self) -> bytes:
        found = hashlib.blake2b()
        for path in self._files():
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            found.update(f"{path.relative_to(self._folder)}\0{len(data)}\0".encode() + data)
        return found.digest()
