"""Targets that read what people, and the authors of scripts, type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobwarden.backend.domain import request, units
from jobwarden.backend.domain.directives import parse_directives
from jobwarden.backend.domain.filters.completion import ANOMALIES, EVENTS, JOBS, NODES, complete
from jobwarden.backend.domain.filters.jobs import FIELDS, KIND_WORDS, OPERATORS, REASON_WORDS, STATE_WORDS, parse_filter
from jobwarden.backend.domain.filters.simple import parse_event_filter, parse_node_filter
from jobwarden.backend.domain.options import OPTION_NAMES, Options, build_request, parse_options
from jobwarden.backend.domain.request import check_reason
from jobwarden.backend.domain.script import check_script
from jobwarden.backend.harmless import dotted, escaped, is_harmless, json_escaped, one_line
from jobwarden.backend.logs import ansi, line_index, sanitize, timestamps
from jobwarden.backend.logs.search import Pattern
from jobwarden.backend.logs.search_process import Plain
from jobwarden.backend.queries.filter_sql import to_sql
from tests.fuzz.maker import Maker
from tests.fuzz.target import Target

MOST_SHOWN = 1 << 17
"""Characters before a terminal at once: it all goes through half a dozen functions here."""
NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
SCRIPTS = (
    "#!/bin/sh\n#JOBWARDEN --name train --cpus 4 --memory 2G\n#JOBWARDEN --time 1:30:00 --env A=B # why\n\necho\n",
    "#JOBWARDEN --hold --priority=5\n#JOBWARDEN --env 'A=a b' --gpus 1\n#JOBWARDEN --work-dir . --partition x\n:\n",
)
_NUMBERS = (
    "90",
    "10m",
    "1h30m",
    "2d",
    "1:30:00",
    "2-03:00:00",
    "512M",
    "1.5g",
    "2GiB",
    "unlimited",
    "s",
    "m",
    "k",
    "t",
)
_FIELDS = (*FIELDS, "job", "actor", "action", "host")
_FILTERS = (
    "state:failed node:gpu* age>1h exit!=0 text !text",
    "name:'a b',c* memory>=2G",
    "job:12 !retry kind:lost,orphan",
)


def _filters(text: str, _: Path) -> None:
    parse_filter(text, anomalies=True)
    to_sql(parse_filter(text))


def _complete(made: Any, _: Path) -> None:
    line, cursor = made
    for grammar in (JOBS, ANOMALIES, EVENTS, NODES):
        done = complete(line, cursor % (len(line) + 1), {"node": ("n1", 'a"b', "x y"), "name": (line[:9],)}, grammar)
        for option in done.options:
            done.apply(line, option)


def _options(pairs: Sequence[Any], folder: Path) -> None:
    asked = parse_options([(name, text) for name, text in pairs], {"HOME": "x"})
    build_request(
        "true\n",
        [text for _, text in pairs],
        asked.over(Options(work_dir=str(folder))),
        account="fuzz",
        memory_mb=1,
        time_limit=None,
    )


def _pairs(maker: Maker) -> list[tuple[str, str]]:
    names = [name for name in OPTION_NAMES if name != "hold"]
    return [(maker.random.choice(names), maker.text()) for _ in range(maker.random.randrange(5))]


def _script(data: bytes, _: Path) -> None:
    parse_directives(check_script(data))


def _pattern(made: Any, _: Path) -> None:
    text, line = made
    Pattern(text, regex=True).check()
    plain = Plain(text[:1000].encode("utf-8", "replace").decode() or "x", fold=True)
    list(plain.hits(bytearray(line), len(line)))
    plain.marks(line.decode("utf-8", "replace"))


def _shown(text: str, _: Path) -> None:
    """Whatever comes out must be harmless, and as long as was allowed."""
    text = text[:MOST_SHOWN]
    assert is_harmless(dotted(text)) and is_harmless(escaped(text)) and is_harmless(one_line(text, 200))
    assert len(dotted(text, 40)) <= 40
    assert len(one_line(text, 200)) <= 200
    json_escaped(text)
    request.storable(text, 100).encode()
    units.shorten(text).encode("utf-8", "backslashreplace")


_LEFT = re.compile("[\0-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\ud800-\udfff]|\x1b(?!\\[[0-9;]*m)")


def _log_line(data: bytes, _: Path) -> None:
    shown = sanitize.show_bytes(data)
    assert not _LEFT.search(shown)
    assert "".join(text for text, _ in ansi.runs(shown)) == ansi.plain(shown)
    timestamps.stamp_of(data, NOW)


def _memory(text: str, _: Path) -> None:
    units.format_memory(units.parse_memory(text))


def _duration(text: str, _: Path) -> None:
    seconds = units.parse_duration(text)
    units.format_duration(seconds)
    units.format_age(seconds)


TEXTS = (
    Target(
        "filter",
        Maker.text,
        _filters,
        words=(*_FIELDS, *OPERATORS, *STATE_WORDS, *REASON_WORDS, *KIND_WORDS, *_NUMBERS),
        examples=_FILTERS,
    ),
    Target(
        "event filter",
        Maker.text,
        lambda text, _: (parse_event_filter(text), None)[1],
        words=_FIELDS,
        examples=_FILTERS,
    ),
    Target(
        "node filter", Maker.text, lambda text, _: (parse_node_filter(text), None)[1], words=_FIELDS, examples=_FILTERS
    ),
    Target(
        "completion of a filter",
        lambda maker: (maker.text(), maker.random.randrange(200)),
        _complete,
        words=_FIELDS,
        examples=_FILTERS,
    ),
    Target(
        "directives",
        lambda maker: maker.text() if maker.chance(50) else "#JOBWARDEN " + maker.text(),
        lambda text, _: (parse_directives(text), None)[1],
        words=("#JOBWARDEN", "\n#JOBWARDEN --env ", "A=B", "#", *(f"--{name}" for name in OPTION_NAMES), *_NUMBERS),
        examples=SCRIPTS,
    ),
    Target("script", Maker.data, _script, words=("#!", "\ufeff", "\r\n"), examples=SCRIPTS),
    Target("options", _pairs, _options, words=(*_NUMBERS, "A=B", "main", "."), examples=("A=B", "1:30:00", "train")),
    Target("memory", Maker.text, _memory, words=_NUMBERS, examples=_NUMBERS),
    Target("length of time", Maker.text, _duration, words=_NUMBERS, examples=_NUMBERS),
    Target("reason", Maker.text, lambda text, _: check_reason(text)),
    Target(
        "place in a log",
        Maker.text,
        lambda text, _: (line_index.parse(text, NOW, NOW), None)[1],
        words=("line", "%", "-", "d", ":", "2026-03-14", "14:30"),
        examples=("line 1200", "50%", "2026-03-14 14:30:05", "-10m"),
    ),
    Target(
        "search in a log",
        lambda maker: (maker.text(), maker.data()),
        _pattern,
        words=("(", ")", "[", "]", "{", "}", "(?:", "(?P<a>", "\\", "|", "{9999}", "[^", "a+", ".*"),
        examples=("(a+)+$",),
    ),
    Target("text before a terminal", Maker.text, _shown, words=("\x1b", "[", "\u0301", "\u3164", "\U000e0041")),
    Target(
        "line of a log",
        Maker.data,
        _log_line,
        words=("\x1b[", "38;5;", "31", "m", ";", ":", "\x1b]", "\x1b\\", "\r"),
        examples=(
            "2026-03-14 03:00:05,123 \x1b[1;31mred\x1b[0m",
            "[14:30:05] a\rb",
            "Mar 14 03:00:05 x",
            "1773457205.5 y",
        ),
    ),
)
