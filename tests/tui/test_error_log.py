"""The dashboard's own mistakes are kept in a file of the home, never written over the screen."""

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobwarden.tui.app.error_log import keep_diary


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = logging.getLogger()
    before = list(root.handlers)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    keep_diary(tmp_path)
    yield tmp_path
    root.handlers[:] = before


def test_nothing_wrong_leaves_no_file(home: Path) -> None:
    logging.getLogger("backend").info("all is well")
    assert not (home / "log").exists()


def test_an_error_is_kept_with_its_traceback(home: Path) -> None:
    try:
        int("nonsense")
    except ValueError:
        logging.getLogger("jobwarden.backend.readmodel").exception("internal error")
    kept = (home / "log" / "dashboard.log").read_text()
    assert "internal error" in kept
    assert "Traceback" in kept
    assert "ValueError" in kept


def test_a_thread_that_dies_is_kept(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    thread = threading.Thread(target=lambda: sys.exit(int("nonsense")), name="unlucky")
    thread.start()
    thread.join()
    kept = (home / "log" / "dashboard.log").read_text()
    assert "thread unlucky ended" in kept
    assert "Traceback" in kept
    assert capsys.readouterr().err == ""


def test_a_disk_that_cannot_be_written_disturbs_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "log").write_text("in the way")
    logging.getLogger("backend").error("lost")
    assert capsys.readouterr().err == ""
