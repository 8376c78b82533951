"""Start the shims of jobs behind their gates, by the launch server: the program, what it is told, what it answers."""

import errno
import fcntl
import logging
import mmap
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from os import X_OK, access
from pathlib import Path

from jobwarden.backend import faults
from jobwarden.backend.domain.states import REPLACED
from jobwarden.backend.errors import FolderTaken, LaunchError, Postponed, Refused
from jobwarden.backend.process.environment import MARKS, OPEN_FILES
from jobwarden.backend.process.identity import ProcessIdentity, this_host
from jobwarden.backend.process.spool import Folder
from jobwarden.backend.process.user import JobUser

log = logging.getLogger(__name__)

SHIM_NAME = "jobwarden-shim"
PT_INTERP = 3
"""The kind of an ELF segment that names the loader."""


@lru_cache(maxsize=1)
def runs_without_loader() -> bool:
    """Whether the supervisor is linked statically: a loader would obey variables such as LD_PRELOAD, which are the
    job's, before the supervisor has given up the rights of its worker."""
    image = Path(shim_path()).read_bytes()
    width, start, size, count = (8, 32, 54, 56) if image[4] == 2 else (4, 28, 42, 44)  # elf(5): e_phoff, sizes
    table = int.from_bytes(image[start : start + width], sys.byteorder)
    entry, entries = (int.from_bytes(image[at : at + 2], sys.byteorder) for at in (size, count))
    kinds = (image[table + entry * index : table + entry * index + 4] for index in range(entries))
    return all(int.from_bytes(kind, sys.byteorder) != PT_INTERP for kind in kinds)


def shim_is_there() -> bool:
    """Whether the supervisor lies where it was: the program may be moved away or replaced under a running worker."""
    return access(shim_path(), X_OK)


@lru_cache(maxsize=1)
def shim_path() -> str:
    """Path of the supervisor that is every job's parent (see ``shim.c``).

    Raises Refused when it was not built, which only happens in a source tree that was never installed.
    """
    path = str(files("jobwarden.backend.process").joinpath(SHIM_NAME))
    if not access(path, X_OK):
        raise Refused(f"the job supervisor {path} is not built: run `make install`")
    return path


# What a job is started with, and what comes of it.


@dataclass(frozen=True, slots=True)
class Orders:
    """What the supervisor is told before its script may start.

    ``record_key`` seals its record. ``umask`` and ``processes`` (the most that the user of the job may have) are None
    where the worker's own stay; so is ``user``. ``open_files`` is the soft limit. A log of more than ``log_bytes`` on
    the disk grows slowly until it was cut; None for no such ceiling.
    """

    record_key: str
    umask: int | None = None
    processes: int | None = None
    user: JobUser | None = None
    open_files: int = OPEN_FILES
    log_bytes: int | None = None

    def line(self) -> bytes:
        """As orders.h reads it."""
        umask = "-" if self.umask is None else f"{self.umask:o}"
        most = "-" if self.processes is None else str(self.processes)
        who = "- - -"
        if self.user is not None:
            who = f"{self.user.uid} {self.user.gid} {','.join(map(str, self.user.groups))}"
        ceiling = "-" if self.log_bytes is None else str(self.log_bytes)
        return f"{self.record_key} {umask} {most} {ceiling} {who}".encode("ascii")


@dataclass(frozen=True, slots=True)
class Launch:
    """One attempt to start a job, in a folder that is made for it. ``group``: path of its control group, if any."""

    folder: Folder
    allocation_id: int
    cookie: str
    script: str | bytes
    arguments: Sequence[str]
    environment: Mapping[str, str]
    work_dir: str
    orders: Orders
    group: str = ""

    def message(self, place: int) -> bytes:
        """As message.h reads it. Raises LaunchError for what no process can be given."""
        marks = [f"{name}={self.environment[name]}" for name in MARKS if name in self.environment]
        others = [f"{name}={value}" for name, value in self.environment.items() if name not in MARKS]
        if not all(isinstance(text, str) for text in (*self.arguments, *self.environment.values())):
            raise LaunchError("environment", "arguments or environment of the job are unusable: one is no text")
        if any(not name or "=" in name for name in self.environment):
            raise LaunchError("environment", "the environment of the job is unusable: a name is empty or has a '='")
        host, folder = this_host(), self.folder
        named = f"{folder.job_id} {self.allocation_id} {self.cookie}"
        texts = [
            folder.path, self.work_dir, folder.script, folder.script_name, named,
            f"{host.boot_id} {host.pid_namespace}", self.group, *self.arguments, *marks, *others,
        ]  # fmt: skip
        script = self.script if isinstance(self.script, bytes) else self.script.encode("utf-8", "surrogateescape")
        body = b"%b\0%b\0" % (self.orders.line(), os.fsencode("\0".join(texts)))
        if body.count(b"\0") != len(texts) + 1:
            raise LaunchError("environment", "arguments or environment of the job are unusable: one has a NUL byte")
        counts = (len(self.arguments), len(self.environment), len(marks), len(script))
        return _HEAD.pack(_LAUNCH, len(body) + len(script), place, *counts, self.orders.open_files) + body + script


@dataclass(slots=True)
class Gated:
    """A started shim whose script waits. Owns a descriptor and a gate: give both back with the methods below."""

    pid: int
    pidfd: int
    identity: ProcessIdentity
    place: int
    server: "LaunchServer"

    def open_gate(self) -> bool:
        """Let the script run; False when the shim was killed meanwhile, so that it never will."""
        return self.pid in (self.server.open([self]) or ())

    def give_up(self) -> None:
        """Close the gate of a shim that nobody will watch, and reap it: it ends at once."""
        self.close_gate()
        os.close(self.pidfd)
        os.waitpid(self.pid, 0)

    def close_gate(self) -> None:
        """Close the gate, if it is not yet. A script that was not let through is recorded as never started."""
        self.server.shut([self])


# The launch server (launch.h).

ANSWER_SECONDS = 30.0
"""A folder on a slow disk may take so long, and no more."""
_END_SECONDS = 5.0
_SOCKET_FD, _PLACES_FD = 3, 4  # agreed with message.h
_PLACES = 256
_LAUNCH, _OPEN, _SHUT = 1, 2, 3
_HEAD = struct.Struct("=7Ii")
_ANSWER = struct.Struct("=IIiiQ")
_PLACE = struct.Struct("=ii")
_ROOM = (" " * 4096, " " * 1024)
"""Where a shim shows the arguments and the marks of its job: longer ones are cut there, and nowhere else."""
_DONE, _ORDERS, _FOLDER, _TAKEN, _SCRIPT, _LOG, _GROUP, _DESCRIPTORS, _FORK, _IDENTITY = range(10)
_WORDS = {
    _ORDERS: ("orders", "the launch server does not take the order for {folder}"),
    _FOLDER: ("folder", "cannot create the job's folder {folder}"),
    _SCRIPT: ("script", "cannot write the job's script to {folder}"),
    _LOG: ("log", "cannot create the log {folder}/output.log"),
    _GROUP: ("group", "cannot write the job's control group to {folder}"),
    _DESCRIPTORS: ("descriptors", "the launch server cannot open the job's gate"),
    _FORK: ("fork", "the host cannot start another process"),
    _IDENTITY: ("identity", "cannot write to {folder}"),
}
_ALL_SIGNALS = tuple(signal.valid_signals())


class LaunchServer:
    """Starts shims, as children of this process. For one thread at a time; it ends with the one that started it.

    Lost at any moment it costs nothing: shims whose gates are open go on, the other gates shut, and the next launch
    starts another server.
    """

    def __init__(self, patience: float = ANSWER_SECONDS) -> None:
        """``patience``: seconds for which it may do nothing before it counts as hung."""
        self._patience = patience
        self._socket: socket.socket | None = None
        self._pid = 0
        self._free = list(range(_PLACES))
        self._shut: dict[int, Gated] = {}
        self._pids = mmap.mmap(-1, 1)
        self._fault = os.environ.get(faults.VARIABLE)

    def launch(self, launches: Sequence[Launch]) -> list[Gated | LaunchError]:
        """Start a shim for each, its gate shut; in the place of one that cannot be, the error.

        Raises LaunchError when there can be no server, Refused when it was never built.
        """
        found: list[Gated | LaunchError | None] = [None] * len(launches)
        sent: dict[int, int] = {}
        messages: list[bytes] = []
        server = self._started()
        for index, launch in enumerate(launches):
            try:
                messages.append(launch.message(self._free[-1]))
                sent[self._free.pop()] = index
            except LaunchError as error:
                found[index] = error
            except Exception as error:
                log.critical("internal error in the order to launch %s", launch.folder.path, exc_info=True)
                found[index] = LaunchError("orders", f"the worker could not start it: {type(error).__name__}: {error}")
        self._forget_pids(sent)
        with self._losing():
            for (
                message
            ) in messages:  # each may take as long as its patience: all the folders before it are made meanwhile
                server.sendall(message)
            for place, *answer in self._answers(server, list(sent)):
                found[sent[place]] = self._result(launches[sent[place]], place, *answer)
        for place, index in sent.items():
            if found[index] is None:
                found[index] = self._unanswered(place)
        return [result for result in found if result is not None]

    def open(self, gated: Iterable[Gated]) -> set[int] | None:
        """Let the scripts of these run: the pids of those that were still there. None when the server was lost over it:
        only their records tell."""
        return self._settle(_OPEN, gated)

    def shut(self, gated: Iterable[Gated]) -> None:
        """Shut the gates of these, where they are not yet."""
        self._settle(_SHUT, gated)

    @property
    def pid(self) -> int:
        """Its process, 0 before there was one."""
        return self._pid

    def stop(self) -> None:
        """End it: gates that are not open yet shut."""
        if self._socket is not None:
            self._lose("it was stopped")
        self._pids = mmap.mmap(-1, 1)  # gives a descriptor back

    def _settle(self, kind: int, gated: Iterable[Gated]) -> set[int] | None:
        waiting = {one.place: one for one in gated if self._shut.get(one.place) is one}
        server = self._socket
        if not waiting or server is None:
            return set()
        done: set[int] = set()
        with self._losing():
            body = struct.pack(f"={len(waiting)}I", *waiting)
            server.sendall(_HEAD.pack(kind, len(body), 0, 0, 0, 0, 0, 0) + body)
            for place, _, let_go, *_ in self._answers(server, list(waiting)):
                self._free_place(place)
                if let_go:
                    done.add(waiting[place].pid)
        return done if self._socket is not None else None

    def _free_place(self, place: int) -> None:
        self._shut.pop(place, None)
        self._free.append(place)

    # Its life ---------------------------------------------------------------------------------------------------

    def _started(self) -> socket.socket:
        if self._socket is not None and self._died():
            self._lose("it had ended")
        if self._socket is not None:
            return self._socket
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise LaunchError("descriptors", f"the worker cannot talk to a launch server: {error.strerror}") from error
        try:
            self._pid = self._spawn(theirs.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.settimeout(self._patience)
        self._socket = ours
        return ours

    def _spawn(self, end: int) -> int:
        own = {"ROOM": _ROOM[1]} | ({faults.VARIABLE: self._fault} if self._fault else {})
        self._fault = None  # it goes off once, also where it ends the server
        high: list[int] = []
        try:
            shared = os.memfd_create("places", os.MFD_CLOEXEC)
            high.append(shared)
            os.ftruncate(shared, _PLACES * _PLACE.size)
            self._pids = mmap.mmap(shared, _PLACES * _PLACE.size)
            # Out of the way of what goes to fixed numbers.
            for fd in (end, shared):
                high.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _PLACES_FD + 1))
            actions = [
                (os.POSIX_SPAWN_DUP2, high[1], _SOCKET_FD),
                (os.POSIX_SPAWN_DUP2, high[2], _PLACES_FD),
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ]
            # Signals are blocked from its first instruction on, as they are in every shim.
            argv = [shim_path(), "--serve", _ROOM[0]]
            return os.posix_spawn(argv[0], argv, own, file_actions=actions, setsid=True, setsigmask=_ALL_SIGNALS)
        except OSError as error:
            if not shim_is_there():
                raise Postponed("supervisor", REPLACED) from error
            step = "descriptors" if error.errno in (errno.EMFILE, errno.ENFILE) else "supervisor"
            raise LaunchError(step, f"cannot run the launch server {shim_path()}: {error.strerror}") from error
        finally:
            for fd in high:
                os.close(fd)

    def _died(self) -> bool:
        return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    @contextmanager
    def _losing(self) -> Iterator[None]:
        """What goes wrong in talking to it means that it is lost."""
        try:
            yield
        except OSError as error:
            self._lose("it hung" if isinstance(error, TimeoutError) else "it ended")

    def _lose(self, why: str) -> None:
        """Make sure that it is no more, and with it every gate that it held."""
        log.log(logging.INFO if "stopped" in why else logging.ERROR, "the launch server is gone: %s", why)
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        _reap(self._pid)
        self._free = list(range(_PLACES))
        self._shut.clear()

    # Its answers ------------------------------------------------------------------------------------------------

    def _answers(self, server: socket.socket, places: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """The answers for these places, in their order. Raises OSError when there are no more."""
        text = b""
        for place in places:
            while len(text) < _ANSWER.size:
                part = server.recv(1 << 16)
                if not part:
                    raise ConnectionResetError
                text += part
            answer = _ANSWER.unpack_from(text)
            text = text[_ANSWER.size :]
            if answer[0] != place:
                raise ConnectionAbortedError
            yield answer

    def _result(self, launch: Launch, place: int, step: int, pid: int, error: int, ticks: int) -> Gated | LaunchError:
        if step == _DONE:
            return self._gated(place, pid, ticks)
        self._free.append(place)
        if pid:  # its gate is shut: it ends at once
            _reap(pid)
        folder = launch.folder.path
        if step == _TAKEN:
            return FolderTaken("folder", f"{folder} is there already, of another job with this id")
        name, words = _WORDS[step]
        return LaunchError(name, f"{words.format(folder=folder)}: {os.strerror(error)}")

    def _gated(self, place: int, pid: int, ticks: int) -> Gated | LaunchError:
        host = this_host()
        gated = Gated(pid, -1, ProcessIdentity(pid, ticks, host.boot_id, host.pid_namespace), place, self)
        self._shut[place] = gated
        try:
            gated.pidfd = os.pidfd_open(pid)
        except OSError as error:
            self.shut([gated])
            _reap(pid)
            return LaunchError("descriptors", f"the worker cannot watch another job: {error.strerror}")
        return gated

    def _unanswered(self, place: int) -> LaunchError:
        """An order that the server was lost over; the shim that it may have got has its gate shut, and ends."""
        pid, _ = _PLACE.unpack_from(self._pids, place * _PLACE.size)
        if pid:
            _reap(pid)
        return Postponed("server", "the launch server was lost before it had answered")

    def _forget_pids(self, places: Iterable[int]) -> None:
        for place in places:
            _PLACE.pack_into(self._pids, place * _PLACE.size, 0, 0)


def _reap(pid: int) -> None:
    """Wait for a child that is about to end; one that cannot yet is left to whoever looks after the worker."""
    until = time.monotonic() + _END_SECONDS
    with suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG)[0] == 0 and time.monotonic() < until:
            time.sleep(0.001)
