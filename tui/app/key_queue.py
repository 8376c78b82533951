"""Keys that come faster than the screen answers go where they would have gone one by one.

Textual hands a key to the part that has the focus when the key is read, and what the key before it did to the focus
comes later. A burst, as a slow line or a fast typist makes, would then type half a filter into the list of jobs, whose
keys kill.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

LONGEST = 0.5
"""Seconds to wait for a part that does not answer, because it went away with the key or is at work, before going on."""


@runtime_checkable
class ChoosesKeys(Protocol):
    """A screen that does not take everything that is typed."""

    def takes(self, event: events.Event) -> bool:
        """Whether a key or a paste may have an effect here and now."""


class KeyQueueApp(App[None]):
    """Gives a key away only when the one before it has had its effect."""

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[events.Event] = deque()
        self._effect: asyncio.Task[None] | None = None

    async def on_event(self, event: events.Event) -> None:
        """Keep what is typed while the key before is at work."""
        if not isinstance(event, (events.Key, events.Paste)):
            await super().on_event(event)
        elif not self.screen_stack:
            event.stop()  # the program is leaving: what is still typed is for nobody
        elif event.is_forwarded:
            await super().on_event(event)
        elif self._effect is not None or self._typed:
            self._typed.append(event)
        else:
            await self._give(event)

    async def _give(self, event: events.Event) -> None:
        """Give a key away, unless the screen that would get it refuses it."""
        if isinstance(self.screen, ChoosesKeys) and not self.screen.takes(event):
            event.stop()
            self.call_later(self._next)
            return
        target = self.focused or self.screen
        way = target.ancestors_with_self
        await super().on_event(event)
        self._effect = asyncio.create_task(self._after(way))

    async def _after(self, way: Sequence[MessagePump]) -> None:
        """Follow a key up to the app, then let the app move the focus, and a screen that came up take it."""
        for pump in way:
            await _reached(pump)
        await _reached(self)
        if not self.screen_stack:
            return
        await _reached(self.screen)
        await _reached(self)
        self.call_later(self._next)

    async def _next(self) -> None:
        self._effect = None
        if self._typed and self.screen_stack:
            await self._give(self._typed.popleft())


async def _reached(pump: MessagePump) -> None:
    """Wait until a part has done all that it was given until now."""
    done = asyncio.Event()
    if not pump.call_later(done.set):
        return
    try:
        await asyncio.wait_for(done.wait(), LONGEST)
    except TimeoutError:
        return
