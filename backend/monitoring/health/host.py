"""The checks that need no database: Redis, and the disks of this host."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from redis.exceptions import RedisError

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.disk_reserve import room
from jobwarden.backend.domain.units import format_bytes
from jobwarden.backend.embedded import servers
from jobwarden.backend.embedded.home import locate
from jobwarden.backend.embedded.ownership import Elsewhere
from jobwarden.backend.errors import JobwardenError
from jobwarden.backend.monitoring.health.records import Check, degraded, ok, unknown
from jobwarden.backend.queue import doorbell
from jobwarden.backend.queue.redis_errors import advice, code, describe

NO_LIST = "rq:queue:jobwarden:no:node"
"""A queue of no node (the name of one has no colon): adding to a list that is not there adds nothing."""
START_SERVERS = "start the servers: `jobwarden up --no-tui`"


def redis(settings: Settings) -> Check:
    """Whether Redis answers and takes writes. If not, jobs start late, by the workers' sweep: degraded, not unknown."""
    try:
        servers.check_owner(settings)
        [url] = [server.url for server in servers.status(settings) if server.name == "Valkey"]
        with doorbell.connect(settings.redis_url or url) as client:
            started = time.monotonic()
            client.ping()
            took = time.monotonic() - started
            client.lpushx(NO_LIST, "")  # a write, refused as any other, of which nothing remains
            client.delete(NO_LIST, f"{NO_LIST}:2")  # two keys at once, as RQ has them: no cluster takes that
    except (RedisError, OSError) as exc:
        wrong = f"{describe(exc)}; jobs start late"
        here = settings.redis_url is None and not code(exc)
        return degraded("redis", wrong, START_SERVERS if here else advice(exc))
    except Elsewhere as exc:
        return unknown("redis", exc.summary, exc.advice)
    except JobwardenError as exc:
        return unknown("redis", str(exc), START_SERVERS)
    return ok("redis", f"answers in {took * 1000:.0f} ms", took)


def disk(settings: Settings) -> Check:
    """How much is free where the spool, the archives and the data of the embedded servers lie: the fullest of them."""
    home = locate(settings)
    places = [home.path / "spool", settings.archives]
    places += [] if settings.database_url else [home.postgres]
    fullest, free = min(((place, _free_percent(place)) for place in places), key=lambda pair: pair[1])
    summary = f"{free:.0f}% free below {fullest}"
    if free >= settings.disk_free_percent:
        return ok("disk", summary, free)
    return degraded(
        "disk", summary, "free some space: `jobwarden housekeeping --dry-run` shows how much it would free", free
    )


def logs(settings: Settings) -> Check:
    """Whether the logs of this node's jobs may grow: the disk of the spool must have more free than the reserve."""
    now = room(settings, settings.home / "spool" / settings.node_name)
    if not now.reserve:
        return ok("logs", "they grow while there is space: no reserve is kept")
    free, kept = format_bytes(now.free), format_bytes(now.reserve)
    if now.enough:
        return ok("logs", f"they grow: {free} are free, a reserve of {kept} is kept", now.free)
    advice = "free some space: `jobwarden housekeeping`, or kill the jobs that write so much"
    return degraded("logs", f"{free} are free: below {kept} the logs of jobs stop growing", advice, now.free)


def _free_percent(path: Path) -> float:
    """Percent of blocks or of inodes that this user may still take, whichever is less; of the nearest parent there."""
    info = os.statvfs(next(place for place in (path, *path.parents) if place.exists()))
    shares = [100.0 * info.f_bavail / info.f_blocks] if info.f_blocks else []
    shares += [100.0 * info.f_favail / info.f_files] if info.f_files else []
    return min(shares, default=100.0)


CHECKS: tuple[tuple[str, Callable[[Settings], Check]], ...] = (("redis", redis), ("disk", disk), ("logs", logs))
"""Each in a thread of its own: a file system on the network may hang as well as a server."""
