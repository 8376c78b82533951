"""The folder of one allocation: script, log and exit status. Paths are plain strings because this runs per job."""

import errno
import os
import shutil
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SCRIPT_MODE = 0o700
PRIVATE_MODE = 0o600
# Room for the longest record of shim.c, taken while the disk still has space.
RECORD_SIZE = 128
_PLACEHOLDER = b" " * RECORD_SIZE


class LaunchError(Exception):
    """A job could not be launched; ``step`` says where, the text what a person can do about it."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step
        self.message = message


@dataclass(frozen=True, slots=True)
class Folder:
    """Names of the files of one allocation."""

    path: str
    job_id: int

    @property
    def script(self) -> str:
        """The script, named so that ``ps aux | grep job_12345.sh`` finds its process."""
        return f"{self.path}/job_{self.job_id}.sh"

    @property
    def log(self) -> str:
        """Standard output and error of the job."""
        return log_path(self.path)

    @property
    def record(self) -> str:
        """How the script ended; absent until then."""
        return f"{self.path}/exit_status"


class RecordKind(StrEnum):
    """The first word of a record."""

    EXIT = "exit"
    SIGNAL = "signal"
    NEVER = "never"
    LAUNCH = "launch"


@dataclass(frozen=True, slots=True)
class Record:
    """What the supervisor wrote. ``value`` is the exit code, the signal or the errno; times as their names say.

    ``gone`` is its proof that no process of the job was left; without it, look for yourself.
    """

    kind: RecordKind
    value: int = 0
    end_ns: int = 0
    user_us: int = 0
    system_us: int = 0
    max_rss_kib: int = 0
    core: bool = False
    step: str = ""
    gone: bool = False


def log_path(folder: str) -> str:
    """Path of the log in an allocation's folder."""
    return f"{folder}/output.log"


def prepare_root(root: str) -> None:
    """Make the node's spool directory, private to this user. Raises LaunchError when it cannot be used."""
    try:
        path = Path(root)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o700)
        if not os.access(root, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), root)
    except OSError as error:
        raise _launch_error("folder", f"cannot use the spool directory {root}", error) from error


def create(root: str, allocation_id: int, job_id: int, script: str | bytes) -> Folder:
    """Make the folder of an allocation with its script and the room for its exit status.

    An existing folder is refused: the allocation id is the token of one attempt, so it was attempted before.
    Raises LaunchError (disk full, not permitted ...), leaving nothing behind.
    """
    folder = Folder(f"{root}/{allocation_id}", job_id)
    try:
        os.mkdir(folder.path, 0o700)  # noqa: PTH102 (once per job: no Path objects here)
    except OSError as error:
        raise _launch_error("folder", f"cannot create the job's folder {folder.path}", error) from error
    content = script if isinstance(script, bytes) else script.encode("utf-8", "surrogateescape")
    try:
        _write_new(folder.script, content, SCRIPT_MODE)
        _write_new(f"{folder.path}/exit_status.new", _PLACEHOLDER, PRIVATE_MODE)
    except OSError as error:
        remove(folder.path)
        raise _launch_error("script", f"cannot write the job's script to {folder.path}", error) from error
    return folder


def _write_new(path: str, content: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        while content:
            content = content[os.write(fd, content) :]
    finally:
        os.close(fd)


def _launch_error(step: str, what: str, error: OSError) -> LaunchError:
    return LaunchError(step, f"{what}: {error.strerror or error}")


def read_record(folder: str) -> Record | None:
    """The record in ``folder``; None when there is none, it is not complete, or it is not ours to understand."""
    try:
        fd = os.open(f"{folder}/exit_status", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return parse_record(os.read(fd, 4 * RECORD_SIZE))
    finally:
        os.close(fd)


def parse_record(raw: bytes) -> Record | None:
    """Parse the text that shim.c describes; tolerant, because a crash of the host may leave anything."""
    line, newline, rest = raw.partition(b"\n")
    if not newline:
        return None
    try:
        return _parse_words(line.decode("ascii").split(), rest.startswith(b"gone\n"))
    except (ValueError, IndexError):
        return None


def _parse_words(words: list[str], gone: bool) -> Record:
    kind = RecordKind(words[0])
    if kind is RecordKind.NEVER:
        return Record(kind, end_ns=int(words[1]), gone=gone)
    if kind is RecordKind.LAUNCH:
        return Record(kind, int(words[2]), int(words[3]), step=words[1], gone=gone)
    value, end_ns, user_us, system_us, max_rss = (int(word) for word in words[1:6])
    return Record(kind, value, end_ns, user_us, system_us, max_rss, core=words[6:] == ["core"], gone=gone)


def remove(folder: str) -> None:
    """Delete an allocation's folder; no error when it is gone already. Raises OSError when it cannot be deleted."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
