"""Inputs from a seed: good ones spoilt, odd ones put together, and bytes as they fall."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

ODD = (
    "", " ", "\t", "\n", "\r\n", "\0", "\x1b[2J", "\x1b]52;c;eA==\x07", "\x7f", "\x9b31m", "\u2028", "\u3000", "\u00a0",
    "\u202e", "\u2066", "\u200d", "\ud800", "\udcff", "\ufeff", "e" + "\u0301" * 9, "\u00b2", "\u0663", "é", "😀",
    "'", '"', "\\", "`", "$(id)", "%s", "{}", "[bold]", "*", "?", ",", ":", "=", "!", "#", "-", "--", "~", "~nosuch/x",
    "/", "..", "./", "0", "-0", "1", "-1", "--5", "+1", "1_0", "1e3", "1e999", "-1e999", "nan", "inf", "0x10", "1.5",
    "255", "256", "4096", "65536", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
    "99999999999999999999", "9" * 400, "9" * 5000, "0x" + "f" * 5000, "0" * 5000 + "1", "null", "true", "None", "[]",
    "[" * 40, "{" * 40, "(" * 40, "[" * 5000, '{"a":' * 2000, "a." * 300, "a/" * 300, "A" * 300, "0000-00-00 00:00",
    "0001-01-01 00:00:00", "9999-12-31 23:59:59", "2026-03-14T03:00:05Z", "+23:59", "-999999d",
)  # fmt: skip
"""Words that have broken programs, whatever these were to read."""
JOINTS = ("", "", " ", " ", "\n", ",", "=", ":", "/", "\t")
LONG = 1 << 17
"""Characters of a long input; some readers have to take as much, none may choke on it."""
ENDLESS = 3 << 20
"""The same of the rare input that is longer than any reader may want it."""


class Maker:
    """Makes the inputs of one target, whose own ``words`` and good ``examples`` it uses."""

    def __init__(self, random: Random, words: Sequence[str] = (), examples: Sequence[str] = ()) -> None:
        self.random, self.words, self.examples = random, tuple(words), tuple(examples)

    def chance(self, percent: float) -> bool:
        """Whether something that happens so often happens now."""
        return self.random.random() * 100 < percent

    def word(self) -> str:
        """One of the target's own words, or an odd one."""
        return self.random.choice(self.words if self.words and self.chance(60) else ODD)

    def text(self) -> str:
        """A text of any kind."""
        dice = self.random.random()
        if dice < 0.5 and self.examples:
            return self.spoilt(self.random.choice(self.examples))
        if dice < 0.9:
            joint = self.random.choice(JOINTS)
            return joint.join(self.word() for _ in range(self.random.randrange(9)))
        if dice < 0.98:
            return "".join(map(chr, self._codes()))
        return self.long()

    def _codes(self) -> list[int]:
        top = self.random.choice((0x80, 0x100, 0x3000, 0x10000, 0x110000))
        return [self.random.randrange(top) for _ in range(self.random.randrange(60))]

    def long(self) -> str:
        """A few words over and over, with a tail that does not fit."""
        size = ENDLESS if self.chance(1) else self.random.randrange(1, LONG)
        unit = self.random.choice(JOINTS).join(self.word() for _ in range(self.random.randrange(1, 4))) or "x"
        return (unit * (size // len(unit) + 1))[:size] + self.word()

    def spoilt(self, text: str) -> str:
        """A good text after a few mistakes."""
        for _ in range(self.random.randrange(5)):
            text = self._mistake(text)
        return text

    def _mistake(self, text: str) -> str:
        low, high = sorted(self.random.randrange(len(text) + 1) for _ in range(2))
        match self.random.randrange(6):
            case 0:
                return text[:low] + self.word() + text[low:]
            case 1:
                return text[:low] + text[high:]
            case 2:
                return text[:high] + text[low:high] * self.random.randrange(1, 4) + text[high:]
            case 3:
                return text[:low] + self.word() + text[high:]
            case 4:
                return (
                    text[:low] + chr(self.random.choice((self.random.randrange(128), 0xD800, 0x661))) + text[low + 1 :]
                )
            case _:
                return text[:low] + self.random.choice(self.examples or ODD)[low:]

    def data(self) -> bytes:
        """Bytes of any kind."""
        if self.chance(10):
            return self.random.randbytes(self.random.randrange(200))
        data = bytearray(self.text().encode("utf-8", "surrogatepass"))
        if data and self.chance(25):
            for _ in range(self.random.randrange(1, 8)):
                data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        return bytes(data)

    def value(self, depth: int = 0) -> Any:
        """Anything that JSON can say, with the target's words as names."""
        match self.random.randrange(9 if depth < 6 else 6):
            case 0:
                return None
            case 1:
                return self.chance(50)
            case 2:
                return self.random.choice((0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**400, self.random.randrange(1000)))
            case 3:
                return self.random.choice((0.5, -0.0, 1e308, float("inf"), float("nan")))
            case 4 | 5:
                return self.text()[:2000]
            case 6:
                return [self.value(depth + 1) for _ in range(self.random.randrange(5))]
            case 7:
                return {self.word()[:300]: self.value(depth + 1) for _ in range(self.random.randrange(5))}
            case _:
                return self._deep()

    def _deep(self) -> Any:
        found: Any = self.word()[:20]
        for _ in range(self.random.choice((3, 19, 21, 60, 300))):
            found = [found] if self.chance(50) else {"a": found}
        return found

    def json(self, value: Any) -> bytes:
        """A document with ``value``, now and then spoilt or torn off."""
        text = json.dumps(value, ensure_ascii=self.chance(50))
        if self.chance(3):
            depth = self.random.choice((500, 990, 1100, 30_000))
            text = text.replace("null", "[" * depth + "]" * depth, 1)
        if self.chance(30):
            text = self.spoilt(text)
        return text.encode("utf-8", "surrogatepass")

    def toml(self, names: Sequence[str]) -> bytes:
        """A file of settings with a few of ``names``, now and then spoilt."""
        lines = [
            f"{self.random.choice((*names, self.word()))} = {self._toml_value()}"
            for _ in range(self.random.randrange(6))
        ]
        if self.chance(20):
            lines.insert(self.random.randrange(len(lines) + 1), f"[{self.word()}]")
        text = "\n".join(lines)
        return (self.spoilt(text) if self.chance(40) else text).encode("utf-8", "surrogatepass")

    def _toml_value(self) -> str:
        match self.random.randrange(8):
            case 0:
                return json.dumps(self.text()[:500])
            case 1:
                return json.dumps(self.word())
            case 2:
                return str(self.random.choice((0, 1, -1, 2**64, 10**30)))
            case 3:
                return self.random.choice(("nan", "-inf", "1e400", "1979-05-27", "07:32:00", "true", "0x" + "f" * 5000))
            case 4:
                return "[" + ", ".join(json.dumps(self.word()) for _ in range(self.random.randrange(4))) + "]"
            case 5:
                return (
                    "{ " + ", ".join(f"{json.dumps(self.word())} = {json.dumps(self.word())}" for _ in range(2)) + " }"
                )
            case 6:
                depth = self.random.choice((2, 50, 150, 300, 2000))
                return "[" * depth + "]" * depth
            case _:
                return self.word()
