"""Waiting for what an app under test shall show: as long as a loaded machine takes, and never met too early."""

import time
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.css.query import NoMatches
from textual.pilot import Pilot

from jobwarden.tui.dialogs.dialog import ModalWindow

PATIENCE = 60.0
"""Seconds after which a wait is in vain, also on a loaded machine."""


def screen_text(app: App[None]) -> str:
    """Return what is on the terminal."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def until(pilot: Pilot[None], condition: Callable[[], object], what: str = "that") -> None:
    """Let the app work until it is so. A widget that a condition asks for and that is not there yet: it is not so."""
    deadline, said = time.monotonic() + PATIENCE, dict[str, None]()
    while not _met(condition):
        said.update((note.message, None) for note in pilot.app._notifications)
        where = f"on {pilot.app.screen}, focus on {pilot.app.focused}"
        assert time.monotonic() < deadline, f"waited in vain for {what}, {where} {[*said]}\n{screen_text(pilot.app)}"
        await pilot.pause(0.01)


def _met(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except NoMatches:
        return False


def asks(app: App[None], kind: type[ModalWindow[Any]]) -> bool:
    """Whether a window of that kind is over the screen and was drawn: a key that acts is refused before."""
    return isinstance(app.screen, kind) and app.screen.drawn
