"""Fixtures for everybody: real servers shared by the run, a database of its own for every test."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.database.engine import make_engine
from tests.support.cli import Cli, clean_environment
from tests.support.cluster import Cluster, new_cluster
from tests.support.groups import remove_groups
from tests.support.order import is_slow
from tests.support.processes import MARK, reap, reap_marked, working_below

CLUSTER = pytest.StashKey[Cluster]()


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process makes the cluster's directory and hands it to its helpers."""
    for name in list(os.environ):
        if name.startswith(("JOBWARDEN_", "PG")) or name in ("DATABASE_URL", "REDIS_URL"):
            del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it for what it runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    given = getattr(config, "workerinput", {}).get("cluster")
    config.stash[CLUSTER] = Cluster(Path(given)) if given else new_cluster()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Whatever happened in the run, its servers end with it."""
    if not hasattr(config, "workerinput") and CLUSTER in config.stash:
        config.stash[CLUSTER].stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first."""
    items.sort(key=is_slow)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each helper of xdist which cluster all share."""
    node.workerinput["cluster"] = str(node.config.stash[CLUSTER].folder)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """The servers of this run, running."""
    shared = request.config.stash[CLUSTER]
    shared.urls()
    return shared


@pytest.fixture
def mark() -> Iterator[str]:
    """A value for the variable MARK; whatever carries it is killed after the test."""
    value = uuid.uuid4().hex
    yield value
    reap_marked(value)


@pytest.fixture
def new_database(cluster: Cluster) -> Iterator[Callable[[], str]]:
    """Makes further migrated databases: call it for a URL."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(cluster.database(f"test_{uuid.uuid4().hex[:16]}"))


@pytest.fixture
def database_url(new_database: Callable[[], str], mark: str) -> str:
    """A migrated, empty database of this test's own. What the test marked is killed before it is dropped."""
    return new_database()


@pytest.fixture
def empty_database_url(cluster: Cluster) -> Iterator[str]:
    """A database without any schema."""
    with cluster.database(f"test_{uuid.uuid4().hex[:16]}", template="template0") as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on ``database_url``."""
    made = make_engine(database_url, application_name="tests")
    yield made
    made.dispose()


@pytest.fixture
def redis_url(cluster: Cluster) -> str:
    """An empty logical database of this test process's own."""
    number = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    url = cluster.urls().redis_url.replace("db=0", f"db={number}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty directory with a path short enough for sockets; afterwards what works in it is killed, and it goes."""
    folder = Path(tempfile.mkdtemp(prefix="jw-"))
    yield folder
    reap(lambda: working_below(folder))
    remove_groups(folder / "spool")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(home: Path, database_url: str, redis_url: str) -> Settings:
    """Settings of a node with this test's home, database and queue."""
    return Settings(home=home, database_url=database_url, redis_url=redis_url, node_name="node1", run_jobs_as="worker")


@pytest.fixture
def cli(settings: Settings, mark: str, tmp_path: Path) -> Cli:
    """The installed ``jobwarden`` on this test's home, database and queue; see tests.support.cli."""
    env = clean_environment(
        JOBWARDEN_HOME=str(settings.home), DATABASE_URL=str(settings.database_url), REDIS_URL=str(settings.redis_url),
        JOBWARDEN_NODE_NAME=settings.node_name, JOBWARDEN_RUN_JOBS_AS="worker", HOME=str(tmp_path), **{MARK: mark},
    )  # fmt: skip
    return Cli(env, tmp_path)
