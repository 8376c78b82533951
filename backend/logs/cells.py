"""One line of a terminal: text is written over what is there, as progress bars do."""

import re
import unicodedata

from jobwarden.backend.harmless import MARKS
from jobwarden.backend.logs.ansi import PLAIN, SGR, Pen, applied, sequence

FARTHEST = 512
"""Columns that the cursor moves to where nothing is written yet; a terminal stops it at its edge."""
_MARK = re.compile(f"[{MARKS}]")


class Cells:
    """A cursor over cells; a letter of two columns has an empty cell behind it. Takes only harmless text and moves."""

    def __init__(self, tab: int) -> None:
        self._tab = tab
        self._cells: list[str] = []
        self._pens: list[Pen] = []
        self._pen = PLAIN
        self._column = 0

    def write(self, text: str) -> None:
        """Write harmless text, with its colours and tabs, where the cursor is."""
        begin = 0
        for match in SGR.finditer(text):
            self._write(text[begin : match.start()])
            self._pen, begin = applied(self._pen, match[1]), match.end()
        self._write(text[begin:])

    def control(self, letter: str, number: str = "") -> None:
        """Obey CR, backspace, or the CSI that ends in ``letter``."""
        count = int(number or 0)
        steps = max(1, count)
        match letter:
            case "\r":
                self._column = 0
            case "\b" | "D":
                self._move(self._column - steps)
            case "C":
                self._move(self._column + steps)
            case "G" | "`":
                self._move(steps - 1)
            case "K" if count == 0:
                self._put(self._column, [], len(self._cells))
            case "K" if count == 1:
                self._put(0, [" "] * (self._column + 1), self._column + 1)
            case "K" if count == 2:
                self._put(0, [], len(self._cells))
            case "X":
                self._put(self._column, [" "] * min(steps, len(self._cells) - self._column), self._column + steps)
            case "P":
                self._put(self._column, [], self._column + steps)
            case "@" if self._column < len(self._cells):
                self._put(self._column, [" "] * min(steps, FARTHEST), self._column)
            case _:
                pass

    def text(self) -> str:
        """Return the line with its colours."""
        parts, pen = [], PLAIN
        for cell, look in zip(self._cells, self._pens, strict=True):
            if look is not pen and look != pen:
                parts.append(sequence(look))
                pen = look
            parts.append(cell)
        return "".join(parts)

    def _move(self, column: int) -> None:
        self._column = max(0, min(column, max(len(self._cells), FARTHEST)))

    def _write(self, text: str) -> None:
        if "\t" in text:
            first, *rest = text.split("\t")
            self._write(first)
            for part in rest:
                self._column += self._tab - self._column % self._tab
                self._write(part)
        elif text.isascii():
            self._over(list(text))
        else:
            for letter in text:
                if _MARK.match(letter) and self._marked(letter):
                    continue
                self._over([letter, ""] if unicodedata.east_asian_width(letter) in "WF" else [letter])

    def _marked(self, mark: str) -> bool:
        """Put a mark over the letter before the cursor, if there is one."""
        before = self._column - 1
        while before >= 0 and before < len(self._cells) and not self._cells[before]:
            before -= 1
        if not 0 <= before < len(self._cells):
            return False
        self._cells[before] += mark
        return True

    def _over(self, letters: list[str]) -> None:
        if letters:
            self._put(self._column, letters, self._column + len(letters))
            self._column += len(letters)

    def _put(self, start: int, letters: list[str], stop: int) -> None:
        """Put letters in the place of the cells from ``start`` to ``stop``; half a letter that is left is a blank."""
        cells, pens = self._cells, self._pens
        if start > len(cells):
            pens += [PLAIN] * (start - len(cells))
            cells += [" "] * (start - len(cells))
        if 0 < start < len(cells) and not cells[start]:
            cells[start - 1] = cells[start] = " "
        if stop < len(cells) and not cells[stop]:
            cells[stop] = " "
        cells[start:stop] = letters
        pens[start:stop] = [self._pen] * len(letters)
