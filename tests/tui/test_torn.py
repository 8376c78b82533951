"""An escape sequence that arrives in pieces acts as nothing: neither a key of it, nor a report, nor a paste."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.terminal import Terminal
from jobwarden.tui.app.key_reader import (
    ESCAPE,
    ESCAPE_SECONDS,
    GAP_SECONDS,
    PASTE,
    PASTE_SECONDS,
    PASTED,
    Sequences,
)
from tests.support.cli import Cli
from tests.tui.test_terminal import open_dashboard, shown

SEQUENCES = {
    "right": "\x1b[C", "home": "\x1b[H", "end": "\x1b[F", "shift tab": "\x1b[Z", "F1": "\x1bOP", "F3": "\x1bOR",
    "ctrl right": "\x1b[1;5C", "F5": "\x1b[15~", "console F1": "\x1b[[A", "mouse": "\x1b[<0;10;5M",
    "old mouse": "\x1b[MC!F", "attributes": "\x1b[?1;2C", "unknown": "\x1b[99;9H", "unknown key": "\x1b[99~",
    "colour": "\x1b]11;rgb:CCCC/FFFF/KKKK\x07", "status": "\x1bP1$rCFK\x1b\\",
    "paste": "\x1b[200~Kaput\rCFKq\x1b[201~",
}  # fmt: skip


@pytest.fixture
def terminal(cli: Cli) -> Iterator[Terminal]:
    assert cli("submit", "--hold", "-", input="exit 0\n").code == 0
    with open_dashboard(cli) as opened:
        shown(opened)
        opened.until(lambda: b"HELD" in opened.output)
        yield opened


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_torn_sequence_acts_as_nothing(terminal: Terminal, cli: Cli, name: str) -> None:
    """Torn at each of the first places, with a gap that ends the wait for the rest."""
    sequence = SEQUENCES[name].encode()
    for at in range(1, min(len(sequence), 5)):
        os.write(terminal.master, sequence[:at])
        time.sleep(0.2)
        os.write(terminal.master, sequence[at:])
        terminal.drain(0.3)
        time.sleep(GAP_SECONDS)
    said = bytes(terminal.output)
    for word in (b"Hold 1 job", b"Mark failed", b"no anomaly", b"cannot ", b"Kill ", b"undo", b"nothing to"):
        assert word not in said, (name, word)
    assert terminal.process.poll() is None
    assert "mark-failed" not in cli("events").out


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("gap", [0.0, 0.2, 3.0])
def test_nothing_of_a_torn_sequence_comes_out_in_pieces(name: str, gap: float) -> None:
    sequence = SEQUENCES[name]
    for at in range(1, len(sequence)):
        sequences, pieces, now = Sequences(), [], 100.0
        pieces += sequences.feed(sequence[:at], now)
        for _ in range(100):
            now += gap / 100
            pieces += sequences.tick(now)
        pieces += sequences.feed(sequence[at:] if gap < GAP_SECONDS or at == 0 else "", now)
        pieces += sequences.feed("x", now + 2 * GAP_SECONDS)
        assert pieces[-1].endswith("x")
        out = "".join(pieces)[:-1]
        assert out in ("", ESCAPE, sequence) or (out.startswith(PASTE) and sequence.startswith(out)), (at, pieces)


@given(st.lists(st.sampled_from([*SEQUENCES.values(), "a", "Z", "[", "O", "\x1b", "é", "\r"]), max_size=12), st.data())
def test_whatever_comes_at_once_comes_out_the_same_however_it_is_cut(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    whole = Sequences().feed(text, 0.0)
    sequences, pieces = Sequences(), []
    while text:
        size = data.draw(st.integers(1, len(text)))
        pieces += sequences.feed(text[:size], 0.0)
        text = text[size:]
    assert "".join(pieces) == "".join(whole)


def test_a_paste_without_an_end_does_not_keep_the_keys() -> None:
    sequences = Sequences()
    assert sequences.feed(f"{PASTE}abc", 0.0) == [PASTE, "abc"]
    assert sequences.tick(PASTE_SECONDS) == [PASTED]
    assert sequences.feed("x", PASTE_SECONDS) == ["x"]


def test_the_escape_key_is_told_soon_and_letters_that_follow_it_count() -> None:
    sequences = Sequences()
    assert sequences.feed(ESCAPE, 0.0) == []
    assert sequences.tick(ESCAPE_SECONDS) == [ESCAPE]
    assert sequences.feed("H", 0.2) == ["H"]
    assert sequences.feed("[", 0.4) == ["["]
