"""A receiver that keeps what it is sent, and the settings that point to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.processes import wait_until


@dataclass
class Receiver:
    """A web server. ``status`` is what it answers, ``location`` where it sends to; ``hang`` makes it take the request
    and say nothing, ``drip`` a byte of an endless header now and then."""

    url: str = ""
    status: int = 204
    location: str = ""
    hang: bool = False
    drip: bool = False
    gets: list[str] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    """Set when the client has hung up on what drips."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """The first ``count`` bodies, as soon as they are there."""
        wait_until(lambda: len(self.bodies) >= count, 60, f"{count} notices, got {self.bodies}")
        return self.bodies[:count]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver at an address of its own."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.hang:
                kept.released.wait(60)
                return
            if kept.drip:
                self._drip()
                return
            kept.bodies.append(json.loads(body))
            self.send_response(kept.status)
            if kept.location:
                self.send_header("Location", kept.location)
            self.end_headers()

        def do_GET(self) -> None:
            kept.gets.append(self.path)
            self.send_response(200)
            self.end_headers()

        def _drip(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            try:
                while not kept.released.wait(0.02):
                    self.wfile.write(b"a")
            except OSError:
                kept.left.set()

        def log_message(self, *_: object) -> None:
            """Say nothing in the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/alerts"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kept
    kept.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
