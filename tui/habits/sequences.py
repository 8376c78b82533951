"""Escape sequences are whole or nothing.

A slow line may deliver the ESC of a cursor key, a mouse report or a paste some time before the rest. The rest then
looks like letters that somebody typed, and letters kill jobs. So what has begun is waited for, and what comes too late
is dropped, as is every answer of a terminal that nobody asked for.
"""

import re

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
