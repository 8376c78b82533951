"""The launch server of a worker (launch.h): its life, what it is told and what it answers, and the gates it holds."""

import errno
import fcntl
import logging
import mmap
import os
import signal
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from jobwarden.backend import faults
from jobwarden.backend.domain.states import REPLACED
from jobwarden.backend.errors import FolderTaken, LaunchError, Postponed
from jobwarden.backend.process.identity import ProcessIdentity, this_host
from jobwarden.backend.process.spawn import HEAD, Launch, shim_is_there, shim_path

log = logging.getLogger(__name__)


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


ANSWER_SECONDS = 30.0
"""A folder on a slow disk may take so long, and no more."""
_END_SECONDS = 5.0
_SOCKET_FD, _PLACES_FD = 3, 4  # agreed with message.h
_PLACES = 256
_OPEN, _SHUT = 2, 3
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
        """Start a shim for each, its gate shut; in the place of one that cannot be, the error; in all of
        their places, when there can be no server. Raises Refused when that was never built.
        """
        found: list[Gated | LaunchError | None] = [None] * len(launches)
        sent: dict[int, int] = {}
        messages: list[bytes] = []
        try:
            server = self._started()
        except LaunchError as error:
            return [error] * len(launches)
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
            # One by one: each may take as long as the patience, for all the folders before it are made meanwhile.
            for message in messages:
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
            server.sendall(HEAD.pack(kind, len(body), 0, 0, 0, 0, 0, 0) + body)
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
