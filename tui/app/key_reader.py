"""Reads the terminal for Textual: escape sequences are whole or nothing, and no piece of a torn one is a key."""

import os
import re
import selectors
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

# Escape sequences are whole or nothing.
#
# A slow line may deliver the ESC of a cursor key, a mouse report or a paste some time before the rest. The rest then
# looks like letters that somebody typed, and letters kill jobs. So what has begun is waited for, and what comes too
# late is dropped, as is every answer of a terminal that nobody asked for.

ESCAPE_SECONDS = 0.025
"""An ESC that is alone for so long is the key; the rest of a sequence that comes later is dropped."""
GAP_SECONDS = 1.0
"""The rest of a sequence is waited for, or dropped, so long after its last piece."""
PASTE_SECONDS = 5.0
"""A paste that says nothing for so long has lost its end."""
LONGEST = 1 << 16
"""Characters of one sequence; a longer one is dropped."""

ESCAPE = "\x1b"
PASTE, PASTED = "\x1b[200~", "\x1b[201~"

_REST = r"\[[A-E]|M[\s\S]{3}|(?![M\[])[0-?]*[ -/]*[@-~]"
_WHOLE = re.compile(
    rf"\x1b(?:\[(?:{_REST})"  # CSI, with the function keys of the Linux console and the mouse of old
    r"|O[0-9;]*[@-~ ]"  # SS3
    r"|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # an answer: OSC, DCS, SOS, PM, APC
    r"|[^\[O\]PX^_\x1b])"  # alt with a letter
)
_BEGUN = re.compile(r"\x1b(?:\[(?:\[|M[\s\S]{0,2}|[0-?]*[ -/]*)?|O[0-9;]*|[\]PX^_][^\x07\x1b]*\x1b?)?\Z")
_LATE = re.compile(rf"\[(?:{_REST})|O[0-9;]*[@-~ ]|[\]PX^_][^\x07\x1b]+(?:\x07|\x1b\\)")
_LATE_BEGUN = re.compile(r"(?:\[(?:\[|M[\s\S]{0,2}|[0-?]*[ -/]*)?|O[0-9;]*)\Z")
_ANSWER = re.compile(r"\x1b[\]PX^_]")


class Sequences:
    """Cuts what comes from the terminal into pieces: plain text, whole sequences, and the escape key. Times are seconds
    of one clock."""

    def __init__(self) -> None:
        self._held = ""
        self._at = 0.0
        self._late = False
        self._escaped = False
        """Whether the escape key was the last, and nothing was seen to be typed for a while since: a look that comes
        late itself proves nothing."""
        self._pasting = self._dropping = False

    @property
    def waiting(self) -> bool:
        """Whether a piece is held that somebody should ask for soon."""
        return bool(self._held) or self._pasting

    def feed(self, data: str, now: float) -> list[str]:
        """The pieces that are whole by now."""
        late = self._late if self._held else self._escaped
        text, self._held, self._at = self._held + data, "", now
        if late:
            text = self._drop_late(text)
        self._escaped = False
        pieces: list[str] = []
        while text:
            text = self._paste(text, pieces) if self._pasting else self._next(text, pieces)
        return pieces

    def tick(self, now: float) -> list[str]:
        """What is let go when nothing more comes: the escape key; of a torn sequence nothing."""
        if self._pasting:
            return self._end_lost_paste(now)
        if self._held == ESCAPE and now - self._at >= ESCAPE_SECONDS:
            self._held, self._escaped, self._at = "", True, now
            return [ESCAPE]
        if self._escaped and now - self._at >= GAP_SECONDS:
            self._escaped = False
        if self._held and now - self._at >= GAP_SECONDS:
            self._held, self._late = "", False
        return []

    def _end_lost_paste(self, now: float) -> list[str]:
        if now - self._at < PASTE_SECONDS:
            return []
        pieces = [] if self._dropping else [PASTED]
        self._held, self._pasting, self._dropping = "", False, False
        return pieces

    def _drop_late(self, text: str) -> str:
        """Drop the rest of a sequence whose ESC has been taken for the key; what comes after it."""
        found = _LATE.match(text)
        if found is None:
            self._late = text[:1] in ("[", "O") and _LATE_BEGUN.match(text) is not None
            if not self._late:
                return text
            self._held = text
            return ""
        self._late = False
        self._pasting = self._dropping = found[0] == PASTE[1:]
        return text[found.end() :]

    def _next(self, text: str, pieces: list[str]) -> str:
        start = text.find(ESCAPE)
        if start != 0:
            end = len(text) if start < 0 else start
            pieces.append(text[:end])
            return text[end:]
        whole = _WHOLE.match(text)
        if whole is not None:
            if not _ANSWER.match(whole[0]):
                pieces.append(whole[0])
            self._pasting = whole[0] == PASTE
            return text[whole.end() :]
        if _BEGUN.match(text):
            self._held = text if len(text) <= LONGEST else ""
            return ""
        if text.startswith(ESCAPE * 2):
            pieces.append(ESCAPE)
            return text[1:]
        return text[2:]  # a sequence with a letter in it that none may have

    def _paste(self, text: str, pieces: list[str]) -> str:
        content, end, rest = text.partition(PASTED)
        keep = 0 if end else next((n for n in range(len(PASTED) - 1, 0, -1) if content.endswith(PASTED[:n])), 0)
        self._held = content[len(content) - keep :]
        passed = content[: len(content) - keep] + end
        if passed and not self._dropping:
            pieces.append(passed)
        if end:
            self._pasting = self._dropping = False
        return rest


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
