"""The part of the application that is no screen's own: preferences, and what is kept across runs."""

from tui.config.settings import Preferences
from tui.config.state import State
from tui.config.themes import THEMES
from tui.habits.safe import SafeApp

SAVE_EVERY = 2.0
"""Seconds between two saves of what changed in the views; what is not saved yet is lost only with ``kill -9``."""


class KeptApp(SafeApp):
    """Has preferences (``app.preferences``) and a memory (``app.state``)."""

    def __init__(self, state: State | None = None, preferences: Preferences | None = None) -> None:
        super().__init__()
        self.state = State() if state is None else state
        self.preferences = Preferences() if preferences is None else preferences
        self.set_keymap(dict(self.preferences.keys))
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = self._first_theme()

    def on_mount(self) -> None:
        """Begin to keep what changes."""
        if self.state.notice:
            self.notify(self.state.notice, severity="warning", markup=False, timeout=8)
        self.set_interval(SAVE_EVERY, self.state.save)
        self.theme_changed_signal.subscribe(self, lambda _: self.call_later(self.paint_in_theme))

    def paint_in_theme(self) -> None:
        """Draw every part anew: Textual tells a part of another theme before it has that theme's colours."""
        for screen in self.screen_stack:
            for part in screen.walk_children():
                part.notify_style_update()
            screen.refresh()

    def on_unmount(self) -> None:
        """Keep what changed last."""
        self.state.save()

    def action_choose_theme(self, name: str) -> None:
        """Take another theme, and remember it."""
        self.theme = name
        self.state.put("app", "theme", name)

    def _first_theme(self) -> str:
        """The theme that is set; where none is, the one chosen on the screen last."""
        chosen = self.state.get("app", "theme", "")
        if chosen in THEMES and "theme" not in self.preferences.model_fields_set:
            return chosen
        return self.preferences.theme
