"""One line that appears when what is shown is not the present."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from textual.message import Message
from textual.widgets import Static

from backend.readmodel.snapshot import Snapshot
from tui.text import Text
from tui.widgets.header.lines import banner, is_stale


class Banner(Static):
    """Hidden while all is well; counts down to the next attempt while a server is away."""

    @dataclass
    class Aged(Message):
        """What is shown is of the past from now on, or is the present again."""

        stale: bool

    def __init__(self, clock: Callable[[], datetime], *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._clock = clock
        self._snapshot = Snapshot()
        self._said = ""
        self._stale = False
        self.display = False

    def on_mount(self) -> None:
        """Count the seconds."""
        self.set_interval(0.5, self._draw)

    def show(self, snapshot: Snapshot) -> None:
        """Judge another snapshot."""
        self._snapshot = snapshot
        self._draw()

    def _draw(self) -> None:
        taken = self._snapshot.taken_at
        age = None if taken is None else (self._clock() - taken).total_seconds()
        stale, said = is_stale(self._snapshot, age), banner(self._snapshot, age, time.monotonic())
        if stale != self._stale:
            self._stale = stale
            self.post_message(self.Aged(stale))
        if said != self._said:
            self._said = said
            self.display = bool(said)
            self.update(Text(f" ⚠ {said}", no_wrap=True), layout=False)
