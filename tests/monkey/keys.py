"""What the monkey types. The same seed types the same keys with the same pauses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from jobwarden.tui.config.keymap import every_group
from jobwarden.tui.keys.model import KeyGroup

NAMED = {
    "escape": "\x1b", "enter": "\r", "tab": "\t", "shift+tab": "\x1b[Z", "up": "\x1b[A", "down": "\x1b[B",
    "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F", "pageup": "\x1b[5~", "pagedown": "\x1b[6~",
    "shift+up": "\x1b[1;2A", "shift+down": "\x1b[1;2B", "space": " ", "slash": "/", "question_mark": "?",
    "ampersand": "&", "number_sign": "#", "plus": "+", "minus": "-", "left_square_bracket": "[",
    "right_square_bracket": "]", "colon": ":", "semicolon": ";", "backspace": "\x7f", "asterisk": "*",
    "full_stop": ".", "percent_sign": "%", "equals_sign": "=", "comma": ",",
}  # fmt: skip
LEFT_OUT = frozenset({"ctrl+z", "ctrl+q", "ctrl+c", "q", "E", "v"})
"""Keys that suspend or leave the dashboard, or give the terminal to another program: they have tests of their own."""
WORDS = ("state:failed\r", "name:m*\r", "jobs\r", "job 3\r", "queue\r", "theme light\r", "theme dark\r", "50%\r", "1\r",
         "line\r", "nodes\r", "bad:filter\r", "\x1b[200~pasted\rtext\x1b[201~")  # fmt: skip
ROUNDS = ("\r\t\x1b", "\r\tz\x1b\x1b", "L\x1b", "1234561", "?\x1b", ":\x1b", "\t/a\r\x1b", "zGg\x1b", "C\x1b", " k\x1b")
"""Short walks that open and close what takes a moment to come and go."""
PAUSES = (0.0, 0.0, 0.002, 0.01, 0.03, 0.1, 0.4, 1.2)
"""Seconds; a person, a fast typist and a burst."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """Some keys, and the pause after them in seconds; or a new size of the terminal."""

    keys: str
    pause: float
    size: tuple[int, int] | None = None


def known(groups: list[KeyGroup]) -> list[str]:
    """The characters of every key in the tables, but those that are left out."""
    names = {name for group in groups for key in group.keys for name in key.keys.split(",")}
    found = (
        NAMED.get(name, name) if not name.startswith("ctrl+") else _control(name) for name in sorted(names - LEFT_OUT)
    )
    return [keys for keys in found if len(keys) == 1 or keys.startswith("\x1b")]


def _control(name: str) -> str:
    letter = name.removeprefix("ctrl+")
    return chr(ord(letter.upper()) - 64) if len(letter) == 1 and letter.isalpha() else name


def strokes(seed: int, columns: int, lines: int) -> Iterator[Stroke]:
    """Strokes without end for a terminal of this size."""
    chance = random.Random(f"{seed} {columns}x{lines}")
    letters = known(all_groups())
    while True:
        pause = chance.choice(PAUSES)
        kind = chance.random()
        if kind < 0.02:
            yield Stroke("", pause, (chance.randint(1, columns + 20), chance.randint(1, lines + 10)))
            yield Stroke("", chance.choice(PAUSES), (columns, lines))
        elif kind < 0.10:
            yield Stroke(chance.choice((":", "/", "\x1b")) + chance.choice(WORDS), pause)
        elif kind < 0.25:
            for letter in chance.choice(ROUNDS):
                yield Stroke(letter, pause)
        elif kind < 0.30:
            x, y = chance.randint(1, columns), chance.randint(1, lines)
            yield Stroke(f"\x1b[<{chance.choice((0, 64, 65))};{x};{y}M\x1b[<0;{x};{y}m", pause)
        else:
            yield Stroke(chance.choice(letters), pause)


def all_groups() -> list[KeyGroup]:
    """Every table of keys there is."""
    return list(every_group())
