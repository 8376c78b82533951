"""The spool on a node's disk: folders and files of the attempts, their size and age, and their removal."""

import errno
import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobwarden.backend.domain.units import is_id
from jobwarden.backend.errors import LaunchError
from jobwarden.backend.process.tree import remove_tree, walk


@dataclass(frozen=True, slots=True)
class FolderUsage:
    """One allocation's folder; ``age`` is seconds since the last change in it, ``bytes`` what it takes on the disk."""

    name: str
    bytes: int
    age: float

    @property
    def allocation_id(self) -> int:
        """The allocation it is named after."""
        return int(self.name)


def node_directories(spool: Path) -> tuple[list[Path], list[str]]:
    """The nodes' directories in the spool, and names of what is none of them."""
    try:
        entries = sorted(os.scandir(spool), key=lambda entry: entry.name)
    except FileNotFoundError:
        return [], []
    nodes = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return nodes, [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]


def allocation_folders(root_fd: int) -> tuple[list[str], list[str]]:
    """Names in a node's directory that are an allocation's folder, by id, and names of what is not."""
    folders: list[str] = []
    others: list[str] = []
    with os.scandir(root_fd) as entries:
        for entry in entries:
            ours = entry.is_dir(follow_symlinks=False) and _is_id(entry.name)
            (folders if ours else others).append(entry.name)
    return sorted(folders, key=int), sorted(others)


def _is_id(name: str) -> bool:
    return is_id(name) and str(int(name)) == name


def measure(name: str, root_fd: int) -> FolderUsage:
    """Size and age of a folder; what vanishes while it is looked at counts nothing."""
    size, newest = 0, 0.0
    with suppress(FileNotFoundError):
        for seen in walk(name, root_fd):
            size += seen.st_blocks * 512
            newest = max(newest, seen.st_mtime)
    return FolderUsage(name, size, max(0.0, time.time() - newest))


# The folder of one allocation, which the launch server makes (folder.h): script, log and exit status. Paths are plain
# strings because this runs per job.

PASSAGE_MODE = 0o711
"""Of a folder of ours that leads to what belongs to somebody else: to be passed through, not to be listed."""
PRIVATE_MODE = 0o600
LOG = "output.log"


@dataclass(frozen=True, slots=True)
class Folder:
    """Names of the files of one allocation."""

    path: str
    job_id: int

    @property
    def script_name(self) -> str:
        """Such that ``ps aux | grep job_12345.sh`` finds the job's process."""
        return script_name(self.job_id)

    @property
    def script(self) -> str:
        """The copy of the script that runs."""
        return f"{self.path}/{self.script_name}"

    @property
    def log(self) -> str:
        """Standard output and error of the job."""
        return log_path(self.path)


def script_name(job_id: int | str) -> str:
    """Such that ``ps aux | grep job_12345.sh`` finds the job's process."""
    return f"job_{job_id}.sh"


def log_path(folder: str) -> str:
    """Path of the log in an allocation's folder."""
    return f"{folder}/{LOG}"


def job_of(folder: str) -> int | None:
    """The job whose script lies in an allocation's folder; None where there is none to be read."""
    try:
        names = [path.name for path in Path(folder).glob(script_name("*"))]
    except OSError:
        return None
    ids = [name.removeprefix("job_").removesuffix(".sh") for name in names]
    return max((int(id_) for id_ in ids if id_.isascii() and id_.isdecimal() and len(id_) < 19), default=None)


def prepare_root(root: str, *, shared: bool = False) -> None:
    """Make the node's spool directory, private to this user. Raises LaunchError when it cannot be used.

    ``shared``: jobs of other users may pass through it to their own scripts, and see nothing of it.
    """
    mode = PASSAGE_MODE if shared else 0o700
    try:
        path = Path(root)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)
        if not os.access(root, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), root)
    except OSError as error:
        raise _launch_error("folder", f"cannot use the spool directory {root}", error) from error


def _launch_error(step: str, what: str, error: OSError) -> LaunchError:
    return LaunchError(step, f"{what}: {error.strerror or error}")


def remove(folder: str) -> None:
    """Delete an allocation's folder; no error when it is gone already. Raises OSError when it cannot be deleted."""
    remove_tree(folder)
