"""The middle of a log is cut out under the job that writes it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from jobwarden.backend.process import log_truncation
from jobwarden.backend.process.log_truncation import Cut, CutError, TruncatedLogReader, read_cut, trim

MIB = 1 << 20


def blocks(path: Path) -> int:
    return path.stat().st_blocks * 512


def lines(first: int, count: int) -> bytes:
    """Numbered lines of 32 bytes."""
    return b"".join(b"line %026d\n" % number for number in range(first, first + count))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An allocation's folder with a log of 4 MiB."""
    (tmp_path / "output.log").write_bytes(lines(0, 4 * MIB // 32))
    return tmp_path


def whole(folder: Path, position: int = 0, most: int = 100_000) -> bytes:
    """What a reader shows."""
    with (folder / "output.log").open("rb") as file:
        reader = TruncatedLogReader(file.fileno(), str(folder), position)
        return b"".join(iter(lambda: reader.read(most), b""))


def test_head_and_tail_stay_and_a_line_says_what_was_cut(folder: Path) -> None:
    log = folder / "output.log"
    cut = trim(str(folder), MIB)
    assert cut is not None
    assert read_cut(str(folder)) == cut
    assert log.stat().st_size == 4 * MIB
    assert blocks(log) <= MIB
    shown = whole(folder)
    head, notice, tail = shown.partition("… 3.3 MiB cut here: the log was over its limit …\n".encode())
    assert notice
    assert head == lines(0, cut.start // 32)
    assert tail == lines(cut.end // 32, (4 * MIB - cut.end) // 32)
    assert cut.start % 32 == cut.end % 32 == 0
    assert len(head) >= MIB // 8
    assert len(tail) >= MIB // 4


def test_a_log_within_its_limit_is_not_touched(folder: Path) -> None:
    assert trim(str(folder), 5 * MIB) is None
    assert sorted(path.name for path in folder.iterdir()) == ["output.log"]
    assert whole(folder) == lines(0, 4 * MIB // 32)


def test_a_job_that_goes_on_writing_is_bounded_and_notices_nothing(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    script = (
        "i=0; while [ $i -lt 60 ]; do head -c 500000 /dev/zero | tr '\\0' x; echo; i=$((i+1)); done; echo end; exit 3"
    )
    with log.open("ab") as output:
        job = subprocess.Popen(["sh", "-c", script], stdout=output, stderr=output)
    cuts = 0
    while job.poll() is None:
        cuts += trim(str(tmp_path), 4 * MIB) is not None
    cuts += trim(str(tmp_path), 4 * MIB) is not None
    assert job.returncode == 3
    assert cuts > 0
    assert log.stat().st_size == 60 * 500_001 + 4
    assert blocks(log) <= 4 * MIB
    shown = whole(tmp_path)
    assert shown.startswith(b"x" * 1000)
    assert shown.endswith(b"xxx\nend\n")
    assert b"\0" not in shown
    assert shown.count(b"cut here") == 1


def test_the_cut_grows_and_begins_where_it_began(folder: Path) -> None:
    first = trim(str(folder), MIB)
    with (folder / "output.log").open("ab") as log:
        log.write(lines(4 * MIB // 32, 2 * MIB // 32))
    second = trim(str(folder), MIB)
    assert first is not None
    assert second is not None
    assert (second.start, second.end > first.end) == (first.start, True)
    assert trim(str(folder), MIB) is None


def test_lines_of_megabytes_are_cut_within(tmp_path: Path) -> None:
    (tmp_path / "output.log").write_bytes(b"x" * 4 * MIB)
    assert trim(str(tmp_path), MIB) == Cut(MIB // 4, 4 * MIB - MIB // 2)
    assert whole(tmp_path).startswith(b"x" * (MIB // 4) + b"\n" + "… 3.2 MiB".encode())


def test_a_reader_inside_what_is_cut_goes_on_behind_it(folder: Path) -> None:
    with (folder / "output.log").open("rb") as file:
        reader = TruncatedLogReader(file.fileno(), str(folder), MIB)
        assert reader.read(32) == lines(MIB // 32, 1)
        cut = trim(str(folder), MIB)
        assert cut is not None
        assert b"cut here" in reader.read(32)
        assert reader.read(32) == lines(cut.end // 32, 1)


def test_a_log_that_the_job_empties_is_whole_again(folder: Path) -> None:
    trim(str(folder), MIB)
    os.truncate(folder / "output.log", 0)
    with (folder / "output.log").open("ab") as log:
        log.write(b"anew\n")
    assert trim(str(folder), MIB) is None
    assert read_cut(str(folder)) is None
    assert whole(folder) == b"anew\n"


def test_a_crash_between_the_name_and_the_cut_is_finished_by_the_next(folder: Path) -> None:
    (folder / "output.log.cut").write_text(f"{MIB // 4} {2 * MIB}\n")
    assert b"\0" not in whole(folder)
    cut = trim(str(folder), MIB)
    assert cut is not None
    assert (cut.start, blocks(folder / "output.log") <= MIB) == (MIB // 4, True)


@pytest.mark.parametrize("text", ["", "x y", "5", "9 3", "-1 5", "1 2 3", "1 2" * 100])
def test_a_damaged_note_of_the_cut_hides_nothing(folder: Path, text: str) -> None:
    (folder / "output.log.cut").write_text(text)
    assert read_cut(str(folder)) is None
    assert whole(folder) == lines(0, 4 * MIB // 32)


def test_what_a_job_puts_in_place_of_its_log_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"x" * 2 * MIB)
    for number, make in enumerate((Path.symlink_to, Path.hardlink_to)):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder / "output.log", precious)
        assert trim(str(folder), MIB) is None
    fifo = tmp_path / "fifo"
    fifo.mkdir()
    os.mkfifo(fifo / "output.log")
    assert trim(str(fifo), MIB) is None
    assert trim(str(tmp_path / "gone"), MIB) is None
    assert precious.read_bytes() == b"x" * 2 * MIB


def test_a_file_system_that_cannot_leaves_the_log_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        log_truncation, "KEEP_SIZE", 0x40
    )  # an unknown mode: the kernel's own "Operation not supported"
    with pytest.raises(CutError, match="not supported"):
        trim(str(folder), MIB)
    assert read_cut(str(folder)) is None
    assert whole(folder) == lines(0, 4 * MIB // 32)


def test_the_log_follower_never_shows_zeroes(tmp_path: Path) -> None:
    """Reading while the cut moves: what a reader gets is of the job, or the notice."""
    log = tmp_path / "output.log"
    with log.open("ab") as output:
        job = subprocess.Popen(["sh", "-c", "yes abcdefg | head -c 40000000"], stdout=output)
    with log.open("rb") as file:
        reader = TruncatedLogReader(file.fileno(), str(tmp_path))
        ended = False
        while (piece := reader.read(4096)) or not ended:
            assert b"\0" not in piece
            ended = job.poll() is not None
            trim(str(tmp_path), MIB)


def test_a_cut_between_the_question_and_the_read_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pread = os.pread

    def late(fd: int, count: int, offset: int) -> bytes:
        monkeypatch.setattr(os, "pread", pread)
        assert trim(str(folder), MIB) is not None
        return pread(fd, count, offset)

    with (folder / "output.log").open("rb") as file:
        reader = TruncatedLogReader(file.fileno(), str(folder), 2 * MIB)
        monkeypatch.setattr(os, "pread", late)
        assert b"cut here" in reader.read(4096)
