"""The part of the application that is no screen's own: what is kept across runs."""

from textual.app import App

from tui.config.state import State

SAVE_EVERY = 2.0
"""Seconds between two saves of what changed in the views; what is not saved yet is lost only with ``kill -9``."""


class HabitsApp(App[None]):
    """Base of the dashboard; screens use ``app.state``."""

    def __init__(self, state: State | None = None) -> None:
        super().__init__()
        self.state = State() if state is None else state

    def on_mount(self) -> None:
        """Begin to keep what changes."""
        if self.state.notice:
            self.notify(self.state.notice, severity="warning", markup=False, timeout=8)
        self.set_interval(SAVE_EVERY, self.state.save)

    def on_unmount(self) -> None:
        """Keep what changed last."""
        self.state.save()
