"""Post a notice to a webhook: delivered is what the address itself took, in ten seconds all in all."""

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urljoin

from jobwarden.backend.harmless import hide_beyond_host
from jobwarden.backend.monitoring.alerts.records import DeliveryError, Notice

WEBHOOK_SECONDS = 10.0


def post(url: str, _: Notice, body: bytes, seconds: float = WEBHOOK_SECONDS) -> None:
    """POST ``body`` as JSON. Raises DeliveryError when the address does not take it within ``seconds``.

    A time-out of a socket begins anew with each byte, and looking up a name has none: so the attempt is a thread, and
    what is not over in time loses its connection.
    """
    attempt = _Attempt(url, body, seconds)
    attempt.start()
    attempt.join(seconds)
    if attempt.is_alive() or isinstance(attempt.error, TimeoutError):  # whichever clock was first
        attempt.abandon()
        raise DeliveryError(f"alert_webhook did not take it: no answer within {seconds:g} s")
    if attempt.error is not None:
        raise DeliveryError(f"alert_webhook did not take it: {_line(attempt.error, url)}") from attempt.error


class _Attempt(threading.Thread):
    def __init__(self, url: str, body: bytes, seconds: float) -> None:
        super().__init__(name="alert-webhook", daemon=True)
        headers = {"Content-Type": "application/json", "User-Agent": "jobwarden"}
        self._request, self._seconds = urllib.request.Request(url, body, headers), seconds
        self._connections: list[HTTPConnection] = []
        self.error: Exception | None = None

    def run(self) -> None:
        """Send, and read the status: it is all that matters."""
        opener = urllib.request.build_opener(_Http(self._connections), _Https(self._connections), _NoRedirects())
        try:
            opener.open(self._request, timeout=self._seconds).close()
        except (OSError, HTTPException, ValueError) as exc:
            self.error = exc
            if isinstance(exc, urllib.error.HTTPError):
                exc.close()

    def abandon(self) -> None:
        """Cut the connection, so that the thread ends soon."""
        for connection in self._connections:
            if (sock := connection.sock) is not None:
                with suppress(OSError):  # it is closed already
                    sock.shutdown(socket.SHUT_RDWR)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Of most redirects a POST comes out as a GET without its body: none is followed, each is an error."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


class _Http(urllib.request.HTTPHandler):
    def __init__(self, kept: list[HTTPConnection]) -> None:
        super().__init__()
        self._kept = kept

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_keeping(HTTPConnection, self._kept), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, kept: list[HTTPConnection]) -> None:
        super().__init__()
        self._kept = kept

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_keeping(HTTPSConnection, self._kept), req)


def _keeping(make: Callable[..., HTTPConnection], kept: list[HTTPConnection]) -> Callable[..., HTTPConnection]:
    def connection(*args: Any, **options: Any) -> HTTPConnection:
        made = make(*args, **options)
        kept.append(made)
        return made

    return connection


def _line(exc: Exception, url: str) -> str:
    if isinstance(exc, urllib.error.HTTPError):
        if exc.code in (301, 302, 303, 307, 308) and (target := exc.headers.get("Location")):
            where = hide_beyond_host(urljoin(url, target))
            return f"it answers {exc.code} and points to {where}, which would lose the notice: set the final address"
        return f"HTTP Error {exc.code}: {exc.reason}".strip().partition("\n")[0]
    reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
    return hide_beyond_host(str(reason)).strip().partition("\n")[0] or type(exc).__name__
