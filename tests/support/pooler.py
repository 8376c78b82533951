"""A connection pooler in transaction mode, as pgbouncer is in it: one session for all, for a transaction at a time."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_READY, _QUERY, _TERMINATE = b"Z", b"Q", b"X"


class Pooler:
    """Clients of PostgreSQL's simple protocol by a local socket; no passwords."""

    def __init__(self, folder: Path, url: str, *, takes_options: bool = True) -> None:
        parts = urlsplit(url)
        self._server = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.{parse_qs(parts.query).get('port', ['5432'])[0]}"
        self._who = {"user": parts.username or "postgres", "database": parts.path.strip("/")}
        self._takes_options = takes_options
        self._turn = threading.Lock()
        self._upstream, self._greeting = self._log_in()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.6432"))
        self._listener.listen()
        self.url = f"postgresql://{self._who['user']}@/{self._who['database']}?host={folder}&port=6432"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self._upstream.close()

    def _log_in(self) -> tuple[socket.socket, bytes]:
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(self._server)
        words = b"".join(f"{name}\0{value}\0".encode() for name, value in self._who.items()) + b"\0"
        upstream.sendall(struct.pack("!II", 8 + len(words), 196608) + words)
        greeting, kind = b"", b""
        while kind != _READY:
            kind, body = _message(upstream)
            assert kind != b"E", body
            greeting += kind + struct.pack("!I", 4 + len(body)) + body
        return upstream, greeting

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, EOFError):
            (size,) = struct.unpack("!I", _exactly(client, 4))
            startup = _exactly(client, size - 4)
            if b"\0options\0" in startup and not self._takes_options:
                said = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
                client.sendall(b"E" + struct.pack("!I", 4 + len(said)) + said)
                return
            client.sendall(self._greeting)
            while True:
                with self._transaction(client):
                    pass

    @contextmanager
    def _transaction(self, client: socket.socket) -> Iterator[None]:
        kind, body = _message(client)
        with self._turn:
            while True:
                if kind == _TERMINATE:
                    raise EOFError
                self._upstream.sendall(kind + struct.pack("!I", 4 + len(body)) + body)
                answer, state = b"", b""
                while answer != _READY:
                    answer, state = _message(self._upstream)
                    client.sendall(answer + struct.pack("!I", 4 + len(state)) + state)
                if state == b"I":
                    break
                kind, body = _message(client)
        yield


def _message(side: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(side, 1)
    (size,) = struct.unpack("!I", _exactly(side, 4))
    return kind, _exactly(side, size - 4)


def _exactly(side: socket.socket, size: int) -> bytes:
    text = b""
    while len(text) < size:
        part = side.recv(size - len(text))
        if not part:
            raise EOFError
        text += part
    return text
