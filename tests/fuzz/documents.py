"""Targets that read documents: settings, key maps, kept views, archives, messages, records, and what /proc says."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobwarden.backend.config import host_resources
from jobwarden.backend.config.settings import RULES, describe, load_settings
from jobwarden.backend.config.settings_file import exposed, read_toml
from jobwarden.backend.errors import Refused
from jobwarden.backend.housekeeping.archive_file import Written, verify
from jobwarden.backend.process.cgroup import owner_in
from jobwarden.backend.process.exit_status import EndCause, judge
from jobwarden.backend.process.identity import parse_stat, this_host
from jobwarden.backend.process.record import RecordKind, parse_record, seal
from jobwarden.backend.queue.message import LAUNCH, LaunchMessage, NotOursError, allocation_ids
from jobwarden.backend.worker.systemd import unit_of
from jobwarden.tui.columns.lists import TABLES
from jobwarden.tui.config.keymap import check_keys, every_group, remapped
from jobwarden.tui.config.preferences import Preferences, load_preferences
from jobwarden.tui.config.state import History, State
from jobwarden.tui.dialogs.saved_views import SavedViews
from tests.fuzz.maker import Maker
from tests.fuzz.target import Target

KEY = "0123456789abcdef" * 2
_SETTINGS = tuple(RULES)
_BINDINGS = tuple(sorted({key.id for group in every_group() for key in group.keys}))
_COLUMNS = tuple(sorted({*TABLES, *(name for table in TABLES.values() for name in table)}))
_VALUES = (
    "postgresql://u:p@h/d?sslmode=require",
    "redis://h:6379/0",
    "unix:///tmp/s",
    "http://[::1",
    "auto",
    "DEBUG",
    "2",
)
_STATE = (
    '{"jobs": {"filter": "x", "sort": ["id", true], "columns": [["id", "shown", 8]]}, "history": {"filter": ["a"]}}'
)
_VIEWS = (
    '{"views": {"jobs": {"mine": {"filter": "", "sort": ["id", true], "columns": null}}}, "app": {"theme": "dark"}}'
)
_ARCHIVE = '{"format": 1}\n{"job": {"id": 1, "name": "a"}}\n{"event": {"job_id": 1}}\n{"job": {"id": 2}}\n'
_STAT = "4711 (sh) S 1 4711 4711 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 123456 1000000 200 18446744073709551615 1 1 0"
_CGROUP = f"0::/user.slice/jobwarden.service/jobwarden-00ff/12.{KEY}\n", "12:pids:/a\n1:name=systemd:/x/a.service/b\n"


def _settings(data: bytes, folder: Path) -> None:
    file = folder / "jobwarden.toml"
    file.write_bytes(data)
    env = {"JOBWARDEN_CONFIG": str(file), "HOME": str(folder)}
    for line in describe(load_settings(env)):
        assert line.doc
    exposed(file, read_toml(file))


def _environment(made: list[tuple[str, str]], folder: Path) -> None:
    env = {f"JOBWARDEN_{name.upper()}": value for name, value in made} | {"HOME": str(folder)}
    describe(load_settings(env))


def _named_texts(names: tuple[str, ...], maker: Maker) -> list[tuple[str, str]]:
    """Pairs as an environment or a table has them; the name is known more often than not."""
    return [
        (maker.random.choice(names) if maker.chance(90) else maker.word(), maker.text().replace("\0", "")[:60_000])
        for _ in range(maker.random.randrange(4))
    ]


def _dashboard(data: bytes, folder: Path) -> None:
    (folder / "dashboard.toml").write_bytes(data)
    load_preferences(folder, {}, tables=lambda: TABLES)


def _keys(made: list[tuple[str, str]], _: Path) -> None:
    remapped(every_group(), check_keys(dict(made)))


def _state(data: bytes, folder: Path) -> None:
    """Whatever the file says, views are read and written again."""
    path = folder / "tui" / "state.json"
    path.parent.mkdir(exist_ok=True)
    for old in path.parent.iterdir():
        old.unlink()
    path.write_bytes(data)
    state = State(path)
    SavedViews(state).all()
    History(state, "filter").add("x")
    defaults: tuple[object, ...] = ("", (), {}, [], 0, True)
    for default in defaults:
        state.get("jobs", "filter", default)
    state.save()
    kept: tuple[str, ...] = State(path).get("history", "filter", ())
    assert kept[:1] == ("x",)


def _archive(made: tuple[bytes, bytes, bool], folder: Path) -> None:
    """An archive whose sum is right, so that all of it is read; and one that was changed on the disk."""
    text, raw, packed = made
    content = gzip.compress(text, 1) if packed else raw
    file = folder / "jobs-1.jsonl.gz"
    file.write_bytes(content)
    verify(Written(file, hashlib.sha256(content).hexdigest(), len(content), text.count(b"\n")), {1, 2})


def _archive_made(maker: Maker) -> tuple[bytes, bytes, bool]:
    lines = [maker.json({"job": maker.value()} if maker.chance(70) else maker.value()) for _ in range(3)]
    text = b"\n".join(lines) if maker.chance(60) else maker.data()
    if maker.chance(1):
        text += b" " * (1 << 20)
    raw = bytearray(gzip.compress(_ARCHIVE.encode(), 1))
    raw[maker.random.randrange(len(raw))] ^= 1 << maker.random.randrange(8)
    return text, bytes(raw), maker.chance(80)


def _message(fields: list[tuple[bytes, bytes]], _: Path) -> None:
    """Nothing but our own launch is ever run, and restoring it never fails."""
    job = LaunchMessage.__new__(LaunchMessage)
    job.restore(dict(fields))
    assert job._func_name == LAUNCH
    assert isinstance(job._args, list)
    assert job.refusal or all(type(item) is int for item in job._args[0])
    allocation_ids(dict(fields))


def _message_made(maker: Maker) -> list[tuple[bytes, bytes]]:
    call: list[object] = [LAUNCH, None, [[maker.random.choice((1, 2**63, maker.value()))]], {}]
    if maker.chance(60):
        call[maker.random.randrange(4)] = maker.value()
    data = maker.json(call) if maker.chance(80) else maker.data()
    if maker.chance(70):
        data = _packed(data, 200 if maker.chance(0.02) else 0)
    fields = [(b"data", data)]
    if maker.chance(20):
        fields.append((maker.random.choice((b"status", b"success_callback_name", b"meta", maker.data())), maker.data()))
    return fields


def _packed(data: bytes, more: int) -> bytes:
    """Compressed, with ``more`` MiB behind it: a few bytes that stand for many."""
    packer = zlib.compressobj(1)
    return b"".join([packer.compress(data), *(packer.compress(bytes(1 << 20)) for _ in range(more)), packer.flush()])


def _record(made: tuple[bytes, bool, int], _: Path) -> None:
    raw, keyed, cause = made
    record = parse_record(raw, KEY if keyed else None)
    causes = (None, None, *EndCause)
    verdict = judge(
        record, cause=causes[cause % len(causes)], out_of_memory=cause > 9, script="/nonexistent/s", doubt="x"
    )
    assert verdict.exit_code is None or 0 <= verdict.exit_code <= 255


def _record_made(maker: Maker) -> tuple[bytes, bool, int]:
    """Often with a seal that fits: what else stands there is then read to the last word."""
    line = maker.data().replace(b"\n", b" ")
    if maker.chance(50):
        kind = maker.random.choice([*RecordKind, "exit"])
        line = " ".join([kind, *(maker.word() for _ in range(maker.random.randrange(8)))]).encode("utf-8", "replace")
    sealed = line + b" " + seal(line, KEY).encode() if maker.chance(70) else line
    return sealed + maker.random.choice((b"\n", b"\n", b"", b"\ngone\n")), maker.chance(70), maker.random.randrange(14)


def _stat(data: bytes, _: Path) -> None:
    parse_stat(data)


def _command_name(data: bytes, _: Path) -> None:
    """A process may call itself anything; the other fields are the kernel's and must come out right."""
    head, tail = _STAT.split("(sh)")
    stat = parse_stat(head.encode() + b"(" + data[:15] + b")" + tail.encode())
    assert (stat.pid, stat.state, stat.ppid, stat.start_ticks) == (4711, "S", 1, 123456)


def _groups(text: str, _: Path) -> None:
    owner_in(text)
    unit_of(text)


def _hardware(made: tuple[bytes, bytes], folder: Path) -> None:
    former, host_resources.CGROUP = host_resources.CGROUP, folder
    try:
        (folder / "cpu.max").write_bytes(made[0])
        (folder / "memory.max").write_bytes(made[1])
        assert 1 <= host_resources.cpus() <= (os.cpu_count() or 1)
        assert host_resources.memory_mb() >= 1
    finally:
        host_resources.CGROUP = former


def _state_made(maker: Maker) -> bytes:
    value: Any = {maker.word()[:50]: maker.value() for _ in range(3)}
    if maker.chance(50):
        names = ("jobs", "views", "history", "app")
        value = {maker.random.choice(names): {maker.random.choice(("filter", *names)): maker.value()} for _ in range(3)}
    return maker.json(value) if maker.chance(60) else maker.data()


def _toml_of(names: Mapping[str, Any]) -> Any:
    return lambda maker: maker.toml(tuple(names)) if maker.chance(75) else maker.data()


DOCUMENTS = (
    Target(
        "settings file",
        _toml_of(RULES),
        _settings,
        words=(*_SETTINGS, *_VALUES, "[", "]", '"""', "=", "\n"),
        examples=('database_url = "postgresql://h/d"\nnode_cpus = 4\npartitions = ["main"]\n',),
    ),
    Target(
        "settings in the environment",
        lambda maker: _named_texts(_SETTINGS, maker),
        _environment,
        words=_VALUES,
        examples=(*_VALUES, "main,gpu", "~/x"),
    ),
    Target(
        "dashboard file",
        _toml_of(Preferences.model_fields),
        _dashboard,
        words=(*Preferences.model_fields, *_BINDINGS, *_COLUMNS, "[keys]\n", "[columns]\n"),
        examples=('theme = "nord"\n[keys]\n"jobs.kill" = "K,ctrl+k"\n[columns]\njobs = ["id", "state"]\n',),
    ),
    Target(
        "key map",
        lambda maker: _named_texts(_BINDINGS, maker),
        _keys,
        (ValueError,),
        words=("ctrl+", "shift+", "f1", ",", "+", "question_mark", "up", "K"),
        examples=("ctrl+x,question_mark", "F"),
    ),
    Target(
        "remembered views",
        _state_made,
        _state,
        (),
        words=("jobs", "filter", "sort", "columns", "views", "mine"),
        examples=(_STATE, _VIEWS),
        share=0.3,
    ),
    Target(
        "archive", _archive_made, _archive, (Refused,), words=("job", "event", "id"), examples=(_ARCHIVE,), share=0.3
    ),
    Target(
        "message in Redis",
        _message_made,
        _message,
        (NotOursError,),
        words=(LAUNCH, "builtins.print", "os.system"),
        examples=(f'["{LAUNCH}", null, [[1, 2]], {{}}]',),
    ),
    Target(
        "record of an end",
        _record_made,
        _record,
        (),
        words=("exit", "signal", "never", "launch", "exec", "chdir", "core"),
        examples=("exit 3 1700000000000000000 10 20 300", "signal 11 1 2 3 4 core", "never 5", "launch exec 2 7"),
    ),
    Target("/proc/PID/stat", Maker.data, _stat, (ValueError,), words=(")", "(", "R", "Z"), examples=(_STAT,)),
    Target("name of a process", Maker.data, _command_name, (), words=(")", "(", " R 1 ", "\n")),
    Target(
        "/proc/PID/cgroup",
        Maker.text,
        _groups,
        (),
        words=("/", "jobwarden-0f", ".service", "12.", KEY),
        examples=_CGROUP,
    ),
    Target(
        "limits of a control group",
        lambda maker: (maker.data(), maker.data()),
        _hardware,
        (),
        words=("max", "100000", "0"),
        examples=("max 100000", "200000 100000", "1073741824"),
    ),
)
assert this_host()
