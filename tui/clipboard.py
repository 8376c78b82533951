"""Text for the clipboard, and the truth about it: a terminal never answers to OSC 52, while tmux says what it took."""

import subprocess
from collections.abc import Callable, Mapping

from textual.app import App

OSC_52 = "sent to the terminal's clipboard (OSC 52)"
IN_TMUX = "in the buffer of tmux (prefix ] pastes it), and sent to the terminal's clipboard (OSC 52)"
DROPPED = "tmux keeps it from the terminal's clipboard: `tmux set -s set-clipboard on` lets it through"
_LONGEST = 5.0
"""Seconds after which tmux is taken for one that does not answer."""

Told = Callable[[str, bool], None]
"""Takes what became of it in words, and whether it went nowhere."""


def send(app: App[None], text: str, env: Mapping[str, str], told: Told) -> None:
    """Send a text to the clipboard, and say what is known of that: at once, under tmux when it has answered."""
    if "TMUX" not in env:
        app.copy_to_clipboard(text)
        told(OSC_52, False)
        return

    def ask() -> None:
        taken = _tmux(env, "load-buffer", "-w", "-", given=text) is not None
        passes = taken or (_tmux(env, "show", "-sv", "set-clipboard") or "").strip() == "on"
        app.call_from_thread(answered, taken, passes)

    def answered(taken: bool, passes: bool) -> None:
        if not taken:
            app.copy_to_clipboard(text)
        told(IN_TMUX if taken else OSC_52 if passes else DROPPED, not passes)

    app.run_worker(ask, thread=True, group="clipboard")


def _tmux(env: Mapping[str, str], *words: str, given: str = "") -> str | None:
    """Return what tmux says; None when it refuses, or there is none that answers."""
    try:
        done = subprocess.run(
            ["tmux", *words], input=given, capture_output=True, text=True, errors="replace", env=dict(env),
            timeout=_LONGEST, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
