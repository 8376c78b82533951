"""Listed rows in a file, for a spreadsheet or a script."""

import csv
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TextIO

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.embedded import servers
from jobwarden.backend.errors import InputError, Refused
from jobwarden.backend.harmless import FORMAT, escaped, json_escaped
from jobwarden.backend.queries.export import stream_jobs
from jobwarden.backend.queries.jobs import compile_filter
from jobwarden.backend.services.session import open_engine

ExportRow = Mapping[str, Any]
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
OWNER_ONLY = 0o600
"""Environments of jobs hold passwords."""
NEWLINE = "\n"
_FORMULA = re.compile(
    rf"[\s\x00-\x20\x7f-\xa0{FORMAT}]*[=+\-@\uff1d\uff0b\uff0d\uff20]"  # the last four: the same in full width
)


def export_jobs(settings: Settings, filter_text: str, path: Path) -> int:
    """Write all jobs that match, with all their columns, newest first; returns how many. Takes as long as they are.

    Raises InputError for a wrong filter or a file that is there, Refused when the disk or the database says no.
    """
    query = compile_filter(filter_text)
    url = servers.attach(settings).database_url
    with open_engine(url, settings, program="export", read_only=True) as engine, engine.connect() as conn:
        return write_rows(path, stream_jobs(conn, query))


def write_rows(path: Path, rows: Iterable[ExportRow]) -> int:
    """Write rows into a new file: JSON when its name ends so, else CSV; returns how many.

    A file that is there is never written over. What was begun and failed is removed.
    """
    try:
        with os.fdopen(os.open(path, NEW, OWNER_ONLY), "w", encoding="utf-8", newline="") as file:
            try:
                return _as_json(file, rows) if path.suffix == ".json" else _as_csv(file, rows)
            except BaseException:
                path.unlink()
                raise
    except FileExistsError as exc:
        raise InputError(f"{path} exists: name another file") from exc
    except OSError as exc:
        raise Refused(f"cannot write {path}: {exc.strerror}") from exc


def as_row(record: object) -> ExportRow:
    """Return a frozen record as a row: its fields, those of records in it under their own names."""
    row: dict[str, Any] = {}
    assert is_dataclass(record)
    for field in fields(record):
        value = getattr(record, field.name)
        row.update(as_row(value) if is_dataclass(value) else {field.name: value})
    return row


def _as_json(file: TextIO, rows: Iterable[ExportRow]) -> int:
    number = 0
    for number, row in enumerate(rows, start=1):
        document = json.dumps(row, default=_plain, ensure_ascii=False)
        file.write(("[\n" if number == 1 else ",\n") + json_escaped(document))
    file.write("\n]\n" if number else "[]\n")
    return number


def _as_csv(file: TextIO, rows: Iterable[ExportRow]) -> int:
    number, writer = 0, csv.writer(file)
    for number, row in enumerate(rows, start=1):
        if number == 1:
            writer.writerow(row)
        writer.writerow(list(_cells(row)))
    return number


def _cells(row: ExportRow) -> Iterator[object]:
    """Cells of a line; a text that a spreadsheet would take for a formula gets a quote before it."""
    for value in row.values():
        plain = json.dumps(value, default=_plain, ensure_ascii=False) if isinstance(value, dict | list) else value
        text = "" if plain is None else str(_plain(plain)) if not isinstance(plain, str | int | float) else plain
        yield _harmless(text) if isinstance(text, str) else text


def _harmless(text: str) -> str:
    """Escape what drives a terminal, and quote what may become a formula, also behind blanks and control characters."""
    formula = text[:1] in ("\t", "\r", "\n") or _FORMULA.match(text)
    return f"'{escaped(text, keep=NEWLINE)}" if formula else escaped(text, keep=NEWLINE)


def _plain(value: object) -> object:
    """What JSON has no form for: times as ISO 8601, sets and tuples as lists, the rest as text."""
    isoformat = getattr(value, "isoformat", None)
    if isoformat is not None:
        return isoformat()
    if isinstance(value, frozenset | set | tuple):
        return list(value)
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
