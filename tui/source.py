"""What the screen needs of the read model; the collector gives it, tests give something simpler."""

from collections.abc import Callable
from typing import Protocol

from backend.readmodel.feed import DetailView
from backend.readmodel.logs import LogView
from backend.readmodel.overview import Snapshot
from backend.readmodel.records import JobRow
from backend.readmodel.window import Window

News = Snapshot | Window | DetailView | LogView


class Source(Protocol):
    """Delivers news from its own threads; every request returns at once."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def show(self, filter_text: str) -> None: ...
    def look(self, first: int, last: int) -> None: ...
    def watch(self, job_id: int | None) -> None: ...
    def follow(self, job: JobRow | None) -> None: ...


MakeSource = Callable[[Callable[[News], None]], Source]
