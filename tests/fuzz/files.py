"""Targets that read folders in which a job, or somebody else, may have put anything."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

from jobwarden.backend.embedded import postgres
from jobwarden.backend.embedded.home import Home
from jobwarden.backend.embedded.workers import named_in_files
from jobwarden.backend.errors import Refused
from jobwarden.backend.logs.line_breaks import PIECE
from jobwarden.backend.logs.reader import LogReader
from jobwarden.backend.logs.requests import Copy, Follow, Go, Near, Number, Save
from jobwarden.backend.process import log_truncation
from jobwarden.backend.process.cgroup import POINTER, group_of
from jobwarden.backend.process.exit_status import EndCause, judge, shebang_interpreter
from jobwarden.backend.process.identity import this_host
from jobwarden.backend.process.record import NAME, doubt, read_record
from jobwarden.backend.process.spool import log_path
from jobwarden.backend.process.tree import remove_tree
from tests.fuzz.documents import KEY
from tests.fuzz.maker import Maker
from tests.fuzz.target import Target
from tests.fuzz.texts import SCRIPTS

KINDS = ("file", "file", "file", "file", "nothing", "FIFO", "folder", "loop", "zeroes", "socket", "huge", "link")
HUGE = 1 << 40
"""Bytes of a file that has only a hole."""
STEPS = 40
"""Looks at one log."""

Thing = tuple[str, bytes]


def put(path: Path, thing: Thing) -> None:
    """Make what an input says at ``path``. Raises OSError when something is there: no link is followed."""
    kind, data = thing
    match kind:
        case "file" | "huge":
            with path.open("xb") as file:
                file.write(data)
                if kind == "huge":
                    file.truncate(HUGE)
        case "FIFO":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path.name)
        case "zeroes":
            path.symlink_to("/dev/zero")
        case "link":
            path.symlink_to(path.parent / "elsewhere")
        case "socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(os.path.relpath(path))


def fresh(folder: Path) -> Path:
    """An empty folder in ``folder``."""
    inside = folder / "inside"
    if inside.exists():
        shutil.rmtree(inside)
    inside.mkdir()
    return inside


def _thing(maker: Maker) -> Thing:
    return maker.random.choice(KINDS), maker.data()


def _allocation(made: list[Thing], folder: Path) -> None:
    inside = fresh(folder)
    for name, thing in zip((NAME, POINTER, "script", "output.log", "output.log.cut"), made, strict=False):
        put(inside / name, thing)
    where = str(inside)
    judge(read_record(where, KEY), doubt=doubt(where, KEY), cause=EndCause.KILLED)
    judge(read_record(where, None), script=f"{where}/script")
    assert group_of(where, KEY) is None
    shebang_interpreter(f"{where}/script")
    log_truncation.read_cut(where)
    log_truncation.trim(where, 4096)


def _log(made: tuple[bytes, Any, list[Any], int], folder: Path) -> None:
    """A log that is looked at, asked about, changed under the reader and looked at again."""
    content, cut, asked, when = made
    inside = fresh(folder)
    path = Path(log_path(str(inside)))
    put(path, ("file", content))
    put(inside / f"{path.name}.cut", cut)
    reader = LogReader(1, path)
    try:
        reader.step()
        for number, (kind, value) in enumerate(asked):
            _ask(reader, kind, value)
            _steps(reader)
            if number == 1:
                path.write_bytes(content[: len(content) // 2])
                os.utime(path, (when, when))
            if number == 2:
                with path.open("ab") as file:
                    file.write(content)
            _steps(reader)
    finally:
        reader.close()


def _steps(reader: LogReader) -> None:
    for _ in range(STEPS):
        view = reader.step()
        if not reader.busy:
            return
    assert not view.task, f"still at it: {view.task}"


def _ask(reader: LogReader, kind: int, value: str) -> None:
    number = sum(map(ord, value[:100])) * 37
    request = (Near(number), Go(value), Follow(number % 2 == 0), Number(number % 2 == 0), Copy(number), Save("copy"))[
        kind % 6
    ]
    Path("copy").unlink(missing_ok=True)
    reader.handle(request)


def _log_made(maker: Maker) -> tuple[bytes, Any, list[Any], int]:
    content = b"\n".join(maker.data() for _ in range(maker.random.randrange(5)))
    if maker.chance(20):
        content = (content or b"x") * (maker.random.randrange(4) * PIECE // max(1, len(content)) + 1)
    size = max(1, len(content))
    start, end = maker.random.randrange(-1, size + 1), maker.random.randrange(-1, size + 2)
    cut = ("file", b"%d %d\n" % (start, end)) if maker.chance(60) else _thing(maker)
    places = (
        "line 3",
        "50%",
        "100%",
        "0%",
        "14:30",
        "-10m",
        "line 999999999",
        "2026-03-14 14:30:05",
        maker.text()[:300],
    )
    asked = [(maker.random.randrange(6), maker.random.choice(places)) for _ in range(maker.random.randrange(5))]
    return content, cut, asked, maker.random.choice((0, 1700000000, -(2**40), 2**40, 2**33, 2**62))


def _tree(made: list[Any], folder: Path) -> None:
    """All of it goes, and nothing that it only points to."""
    inside, kept = fresh(folder), folder / "kept"
    kept.mkdir(exist_ok=True)
    (kept / "file").write_text("kept")
    here, top = inside / "top", inside / "top"
    here.mkdir()
    for name, kind, deeper in made:
        path = here / name
        try:
            if kind == "out":
                path.symlink_to(kept)
            else:
                put(path, (kind, b"x"))
        except OSError:
            continue  # a name that no file can have, or has already
        if path.is_dir() and not path.is_symlink() and deeper:
            here = path
    remove_tree(str(top))
    assert not top.exists()
    assert (kept / "file").read_text() == "kept"


def _tree_made(maker: Maker) -> list[Any]:
    kinds = (*(kind for kind in KINDS if kind not in ("socket", "nothing")), "out", "folder", "folder", "folder")
    count = 400 if maker.chance(1) else maker.random.randrange(20)
    return [(_file_name(maker), maker.random.choice(kinds), maker.chance(60)) for _ in range(count)]


def _file_name(maker: Maker) -> str:
    name = maker.word().encode("utf-8", "replace").replace(b"/", b"_").replace(b"\0", b"_")[:80]
    return os.fsdecode(name) if name not in (b"", b".", b"..") else f"n{maker.random.randrange(9)}"


def _home_files(made: tuple[Thing, Thing, Thing], folder: Path) -> None:
    inside = fresh(folder)
    for name in ("run", "postgres"):
        (inside / name).mkdir(mode=0o700)
    put(inside / "run" / "worker-a.pid", made[0])
    put(inside / "run" / "worker-b c.pid", made[1])
    put(inside / "postgres" / "postmaster.pid", made[2])
    home = Home(inside, inside / "run")
    postgres._reports_ready(home)
    postgres._recorded_pid(home)
    list(named_in_files(inside))


_BOOT = this_host().boot_id
_PID_FILE = f"1 2 {_BOOT} {this_host().pid_namespace} node1\n"

FILES = (
    Target(
        "folder of an allocation",
        lambda maker: [_thing(maker) for _ in range(5)],
        _allocation,
        (),
        share=0.3,
        words=("exit", "gone", "#!", "/bin/sh", "/sys/fs/cgroup/jobwarden-0f/1.", KEY, "x/", "0"),
        examples=("exit 0 1 2 3 4\n", "#!/usr/bin/env python3\n", f"/sys/fs/cgroup/jobwarden-00ff/12.{KEY}", "0 100\n"),
    ),
    Target(
        "log that is looked at",
        _log_made,
        _log,
        (),
        share=0.3,
        words=("\n", "\n", "\x1b[31m", "2026-03-14 03:00:05 "),
        examples=(*SCRIPTS, "2026-03-14 03:00:05 a\n2026-03-14 03:00:06 b\n", "é" * 9000),
    ),
    Target("tree of a job", _tree_made, _tree, (), words=("a", "b", "c" * 70), share=0.3),
    Target(
        "process ids of a home",
        lambda maker: (_thing(maker), _thing(maker), _thing(maker)),
        _home_files,
        (Refused,),
        words=(_BOOT, str(this_host().pid_namespace), "\n", " ", "1"),
        share=0.3,
        examples=(_PID_FILE, "4711\n/home/postgres\n1700000000\n5432\n/run\n\n  1 2\nready   \n"),
    ),
)
