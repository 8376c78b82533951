"""The dashboard in a real terminal: however it ends, the terminal is as it was found."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal
from jobwarden.tui.app.terminal import LEAVING_SECONDS
from tests.support.cli import Cli
from tests.support.processes import wait_until
from tests.support.program import copy_program
from tests.support.tmux import Tmux

ALTERNATE, CURSOR, PASTE, FOCUS, WRAP = 1049, 25, 2004, 1004, 7
MOUSE = (1000, 1003, 1006)
CRASHING = """
from tests.tui.fakes import Screen
class Mistake(Exception): pass
app = Screen().app
def wrong(): raise Mistake("of ours")
app.call_later(lambda: app.set_timer(0.2, wrong))
app.run()
raise SystemExit(app.return_code)
"""


def open_dashboard(cli: Cli, *arguments: str, **env: str) -> Terminal:
    return Terminal([sys.executable, "-m", "jobwarden", "tui", *arguments], {**cli.env, **env})


def assert_clean(terminal: Terminal) -> None:
    """Nothing of the dashboard is left on the terminal."""
    switches = terminal.switches()
    on = {number for number, state in switches.items() if state}
    assert switches[ALTERNATE] is False
    assert not on & {*MOUSE, PASTE, FOCUS}
    assert {CURSOR, WRAP} <= on
    assert terminal.attributes == terminal.before
    assert bytes(terminal.output).rindex(b"\x1b[<u") < bytes(terminal.output).rindex(b"\x1b[?1049l")


def shown(terminal: Terminal) -> None:
    """Wait until it is there and takes keys."""
    terminal.until(lambda: b"no anomalies" in terminal.output or b"workers" in terminal.output)
    terminal.drain(0.5)


def test_leaving_with_q(cli: Cli) -> None:
    with open_dashboard(cli) as terminal:
        shown(terminal)
        assert terminal.switches()[ALTERNATE]
        terminal.press("q")
        assert terminal.wait() == 0
        assert_clean(terminal)
        assert b"The screen is closed" in terminal.output
        assert terminal.output.count(b"\x1b[22;2t") == terminal.output.count(b"\x1b[23;2t") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_as_q_does(cli: Cli, number: signal.Signals) -> None:
    with open_dashboard(cli) as terminal:
        shown(terminal)
        terminal.process.send_signal(number)
        assert terminal.wait() == 128 + number
        assert_clean(terminal)


def test_a_mistake_of_ours_ends_it_cleanly_and_is_said() -> None:
    with Terminal([sys.executable, "-c", CRASHING], dict(os.environ)) as terminal:
        assert terminal.wait() == 1
        assert_clean(terminal)
        assert b"of ours" in bytes(terminal.output).rpartition(b"\x1b[?1049l")[2]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"JOBWARDEN_TUI_THEME": "drak"}, b"no theme 'drak': the nearest known one is 'dark'"),
        ({"JOBWARDEN_TUI_BEL": "1"}, b"the nearest known one is JOBWARDEN_TUI_BELL"),
    ],
)
def test_a_wrong_preference_is_said_before_the_screen_opens(cli: Cli, env: dict[str, str], said: bytes) -> None:
    with open_dashboard(cli, **env) as terminal:
        assert terminal.wait() == 2
        assert said in terminal.output
        assert ALTERNATE not in terminal.switches()
        assert len(bytes(terminal.output).splitlines()) == 1


def test_a_dumb_terminal_is_refused_in_one_line(cli: Cli) -> None:
    command = [sys.executable, "-m", "jobwarden", "tui"]
    with Terminal(["env", "TERM=dumb", *command], cli.env) as terminal:
        assert terminal.wait() == 2
        assert b"TERM=dumb" in terminal.output and len(bytes(terminal.output).splitlines()) == 1
        assert ALTERNATE not in terminal.switches()


def test_without_colours_there_are_none(cli: Cli) -> None:
    with open_dashboard(cli, NO_COLOR="1") as terminal:
        shown(terminal)
        reds = [part for part in bytes(terminal.output).split(b"\x1b[") if part.startswith((b"38;2;", b"48;2;"))]
        channels = {tuple(part.partition(b"m")[0].split(b";")[2:5]) for part in reds}
        assert all(len(set(channel)) == 1 for channel in channels), channels


def test_without_the_mouse_its_modes_are_never_switched_on(cli: Cli) -> None:
    with open_dashboard(cli, JOBWARDEN_TUI_MOUSE="false") as terminal:
        shown(terminal)
        assert not {number for number, state in terminal.switches().items() if state} & set(MOUSE)


@pytest.fixture
def tmux(cli: Cli) -> Iterator[Tmux]:
    made = Tmux({**cli.env, "PS1": "shell$ ", "TERM": "xterm-256color"})
    yield made
    made.close()


def test_suspended_and_back(cli: Cli, tmux: Tmux) -> None:
    tmux.press(f"{sys.executable} -m jobwarden tui", "Enter")
    tmux.until(lambda screen: "no anomalies" in screen)
    tmux.press("C-z")
    stopped = tmux.until(lambda screen: "Stopped" in screen and screen.rstrip().endswith("shell$"))
    assert "no anomalies" not in stopped
    tmux.press("fg", "Enter")
    tmux.until(lambda screen: "no anomalies" in screen)
    tmux.press("?")
    tmux.until(lambda screen: "Esc close" in screen)
    tmux.press("Escape")
    tmux.until(lambda screen: "Esc close" not in screen)
    tmux.press("q")
    tmux.until(lambda screen: "The screen is closed" in screen)


def test_a_script_is_shown_in_the_editor(cli: Cli, tmux: Tmux, tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/sh\necho a line of the script\n")
    job_id = cli("submit", "--hold", script).out.strip()
    tmux.press(f"EDITOR=less {sys.executable} -m jobwarden tui", "Enter")
    tmux.until(lambda screen: "HELD" in screen)
    tmux.press("Enter")
    tmux.until(lambda screen: f"Job {job_id}" in screen)
    tmux.press("E")
    tmux.until(lambda screen: "a line of the script" in screen and f"job_{job_id}.sh" in screen)
    tmux.press("q")
    tmux.until(lambda screen: f"Job {job_id}" in screen and "workers" in screen)
    tmux.press("C-q")
    tmux.until(lambda screen: "The screen is closed" in screen)


def shows_one_of(words: tuple[str, ...], screen: str) -> bool:
    return any(word in screen for word in words)


def test_the_program_is_moved_away_under_the_dashboard(cli: Cli, tmux: Tmux, tmp_path: Path) -> None:
    """What is needed later is loaded behind the first picture; what was not yet, says so in a line. Nothing ends."""
    program, said = copy_program(tmp_path / "program"), "the program was replaced: restart the dashboard"
    (tmp_path / "job.sh").write_text("#!/bin/sh\n")
    cli("submit", "--hold", tmp_path / "job.sh")
    tmux.press(f"cd {program}; {sys.executable} -m jobwarden tui", "Enter")
    tmux.until(lambda screen: "HELD" in screen)
    program.rename(tmp_path / "away")
    for keys, works in ((["Enter"], "Job 1"), (["o"], "Sort by"), ([":", *"export csv", "Enter"], "written to")):
        tmux.press(*("Space" if key == " " else key for key in keys))
        tmux.until(partial(shows_one_of, (said, works)))
        tmux.press("Escape")
        tmux.until(lambda screen: "⏎ open" in screen and "Sort by" not in screen and said not in screen)
    tmux.press("C-q")
    assert "Traceback" not in tmux.until(lambda screen: "The screen is closed" in screen)


def test_a_terminal_that_goes_away_takes_the_dashboard_with_it(cli: Cli) -> None:
    with open_dashboard(cli) as terminal:
        shown(terminal)
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, terminal.master)
        os.close(nowhere)
        wait_until(lambda: terminal.process.poll() is not None, what="the end of the dashboard")


def test_whoever_hangs_while_leaving_ends_all_the_same() -> None:
    hanging = (
        "import threading, jobwarden.tui.app.terminal as terminal\n"
        "terminal.LEAVING_SECONDS = 0.1\nterminal.end_anyway(129)\n"
        "lock = threading.Lock()\nlock.acquire()\nlock.acquire()\n"
    )
    assert subprocess.run([sys.executable, "-c", hanging], timeout=30).returncode == 129


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_a_terminal_that_stops_reading_keeps_nobody(cli: Cli, number: signal.Signals) -> None:
    """As ctrl-S or a hung ssh does, while a busy log wants to be drawn."""
    with open_dashboard(cli) as terminal:
        shown(terminal)
        for _ in range(400):  # more than a terminal holds that nobody reads
            terminal.press("?\x0c")
        time.sleep(2)
        asked = time.monotonic()
        terminal.process.send_signal(number)
        terminal.process.wait(60)
        assert terminal.process.returncode == 128 + number
        assert time.monotonic() - asked < LEAVING_SECONDS + 30  # once it had ended never


def test_a_terminal_that_is_closed_ends_it_though_no_signal_comes(cli: Cli) -> None:
    master, slave = os.openpty()
    command = [sys.executable, "-m", "jobwarden", "tui"]
    process = subprocess.Popen(
        command, env={**cli.env, "TERM": "xterm-256color"}, stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    seen = b""
    while b"no anomalies" not in seen and b"workers" not in seen:
        seen += os.read(master, 65536)
    os.close(master)
    try:
        assert process.wait(60) == 128 + signal.SIGHUP
    finally:
        process.kill()


def test_a_mistake_of_ours_is_one_line_with_the_file_that_has_the_rest(tmp_path: Path) -> None:
    code = CRASHING.replace(
        "app.run()",
        f"from pathlib import Path\nfrom jobwarden.tui.app.error_log import keep_diary\n"
        f"keep_diary(Path({str(tmp_path)!r}))\napp.run()",
    )
    with Terminal([sys.executable, "-c", code], dict(os.environ)) as terminal:
        assert terminal.wait() == 1
        said = bytes(terminal.output).rpartition(b"\x1b[?1049l")[2].decode()
    lines = [line for line in said.replace("\r", "").split("\n") if "jobwarden" in line]
    report = tmp_path / "log/dashboard.log"
    assert len(lines) == 1
    assert "Traceback" not in said
    assert "Mistake: of ours" in lines[0]
    assert str(report) in said.replace("\r\n", "")
    assert "Traceback" in report.read_text()
