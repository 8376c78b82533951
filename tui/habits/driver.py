"""Reads the terminal for Textual, which takes the pieces of a torn escape sequence for keys."""

import os
import selectors
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.habits.sequences import ESCAPE, PASTE, Sequences

LOOK_SECONDS, SOON_SECONDS = 0.1, 0.01
"""Between two looks whether to end; while something is held back, whether it is time to let it go."""
READ_SIZE = 4096


class WholeSequences(LinuxDriver):
    """Textual's driver with another reader of the keys."""

    def run_input_thread(self) -> None:
        """Read until told to end, or until the terminal is gone (then whoever watches it ends the program)."""
        selector = selectors.SelectSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        decode = getincrementaldecoder("utf-8")("replace").decode
        reader = _Reader(self._debug)
        with selector:
            while not self.exit_event.is_set():
                ready = selector.select(SOON_SECONDS if reader.waiting else LOOK_SECONDS)
                try:
                    data = os.read(self.fileno, READ_SIZE) if ready else None
                except OSError:
                    return
                if data == b"":
                    return
                for message in reader.read(decode(data) if data else "", time.monotonic()):
                    self.process_message(message)


class _Reader:
    """Makes messages of what is typed."""

    def __init__(self, debug: bool) -> None:
        self._debug = debug
        self._parser = XTermParser(debug)
        self._sequences = Sequences()

    @property
    def waiting(self) -> bool:
        return self._sequences.waiting

    def read(self, text: str, now: float) -> Iterable[Message]:
        """The messages of a text, and of what was held back until now."""
        for piece in (self._sequences.feed(text, now) if text else []) + self._sequences.tick(now):
            yield from [events.Key("escape", ESCAPE)] if piece == ESCAPE else self._parse(piece)
        held = list(self._parser.tick())
        if len(held) == 1:  # alt with a letter; more are the letters of a sequence that Textual does not know
            yield held[0]

    def _parse(self, piece: str) -> list[Message]:
        messages = list(self._parser.feed(piece))
        if not messages and piece.startswith(f"{ESCAPE}[") and piece != PASTE:
            self._forget()
        return messages

    def _forget(self) -> None:
        """A whole sequence that is none of Textual's would be handed on letter by letter: begin anew without it."""
        former, self._parser = self._parser, XTermParser(self._debug)
        for name in ("last_x", "last_y", "mouse_pixels", "terminal_size", "terminal_pixel_size"):
            setattr(self._parser, name, getattr(former, name))
