"""What is wrong with Redis, in words: it cannot be reached, or it answers and says no. Said once, not once a second."""

import logging
import re
import threading
import time

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    RedisError,
    ResponseError,
)

from jobwarden.backend.domain.units import format_age

log = logging.getLogger(__name__)

STEADY_SECONDS = 10.0
"""So long it must be well before that is said: a server that comes and goes is one trouble, not many."""

_ANSWERS = (ResponseError, AuthenticationError, AuthorizationError, BusyLoadingError)
_PIPELINE = re.compile(r"^Command # \d+ \(.*\) of pipeline caused error: ", re.DOTALL)
_CODE = re.compile(r"[A-Z]{2,}\b")
_ADVICE = {
    "OOM": "its memory is full: raise maxmemory, or remove other data",
    "READONLY": "it is a replica: point REDIS_URL to the primary, or promote it",
    "NOAUTH": "put its password into REDIS_URL",
    "WRONGPASS": "put the right password into REDIS_URL",
    "MISCONF": "it cannot save to its disk: make room there, and see its log",
    "NOPERM": "give this user the commands of lists, sets, hashes and keys (ACL SETUSER)",
    "CLUSTERDOWN": "a Redis cluster is not supported: point REDIS_URL to a single server",
    "MOVED": "a Redis cluster is not supported: point REDIS_URL to a single server",
    "CROSSSLOT": "a Redis cluster is not supported: point REDIS_URL to a single server",
    "LOADING": "it is loading its data and will be ready soon",
    "WRONGTYPE": "other data uses the keys of jobwarden (rq:*): give jobwarden a Redis database of its own",
}

_CERTIFICATE = "CERTIFICATE_VERIFY_FAILED"
"""In the words of OpenSSL, which redis-py passes on without their cause."""
UNTRUSTED = "put the file of the authority that signed its certificate into REDIS_URL: ?ssl_ca_certs=/path/ca.pem"


def code(exc: Exception) -> str:
    """Redis' own first word for an error it answers with (OOM, READONLY, ...); "" when it does not answer."""
    if not isinstance(exc, _ANSWERS):
        return ""
    found = _CODE.match(_words(exc))
    return str(getattr(exc, "status_code", None) or (found[0] if found else "ERR"))


def _words(exc: Exception) -> str:
    """Redis' own, without the command that redis-py puts before them."""
    return (_PIPELINE.sub("", str(exc)).splitlines() or [type(exc).__name__])[0]


def describe(exc: Exception) -> str:
    """What Redis does, as the end of a sentence about it, in one line."""
    line, word = _words(exc), code(exc)
    if not word:
        return f"cannot be reached: {line}"
    return f"answers with an error: {line if line.startswith(word) else f'{word} {line}'}"


def advice(exc: Exception) -> str:
    """What to do about it."""
    word = code(exc)
    if word:
        return _ADVICE.get(word, "see the log of that server")
    return UNTRUSTED if _CERTIFICATE in str(exc) else "check REDIS_URL and that server"


class Outage:
    """Writes one line when Redis begins to fail and one when it is well again, whoever notices. Safe for threads.

    A connection that is lost once, and made anew at once, is no trouble.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._well_since: float | None = None
        self._said: set[str] = set()

    def failed(self, exc: RedisError | OSError) -> None:
        """Note a failure; said from the second on, each kind once until it is over."""
        with self._lock:
            self._well_since = None
            if self._since is None:
                self._since = time.monotonic()
                return
            kind = advice(exc)  # what comes by turns, as MOVED and CROSSSLOT of one cluster, has one remedy
            if kind not in self._said:
                self._said.add(kind)
                log.warning("Redis %s; jobs start without it meanwhile; %s", describe(exc), kind)

    def answered(self) -> bool:
        """Note that Redis does what is asked of it; whether it does so steadily. Said when it did not before."""
        with self._lock:
            if self._since is None:
                return True
            now = time.monotonic()
            if self._well_since is None:
                self._well_since = now
            if now - self._well_since < STEADY_SECONDS:
                return False
            if self._said:
                log.warning("Redis works again, after %s", format_age(self._well_since - self._since))
            self._since = self._well_since = None
            self._said.clear()
            return True
