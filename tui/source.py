"""What the screen needs of the read model; the collector gives it, tests give something simpler."""

from collections.abc import Callable, Sequence
from typing import Protocol

from backend.readmodel.hold import Hold
from backend.readmodel.news import News
from backend.readmodel.order import NEWEST, Order
from backend.readmodel.records import JobRow
from backend.readmodel.wanted import Wanted

__all__ = ["Deliver", "MakeSource", "News", "Source"]


class Source(Protocol):
    """Delivers news from its own threads; every request returns at once."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def show(self, filter_text: str, order: Order = NEWEST) -> None: ...
    def hold(self, hold: Hold) -> None: ...
    def words(self) -> None: ...
    def look(self, first: int, last: int) -> None: ...
    def watch(self, job_id: int | None) -> None: ...
    def follow(self, job: JobRow | None) -> None: ...
    def want(self, wanted: Sequence[Wanted]) -> None: ...


Deliver = Callable[[News], None]
MakeSource = Callable[[Deliver], Source]
