"""What the unit serves is scraped over HTTP and read by Prometheus' own parser."""

from __future__ import annotations

import shlex
import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobwarden.backend.database.driver import Engine
from tests.acceptance.page import block, exec_start
from tests.acceptance.site import Site, Terminal
from tests.support.rows import add_node, pending, running


@pytest.fixture
def port() -> int:
    """One that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_metrics_are_scraped_and_parsed(site: Site, terminal: Terminal, engine: Engine, port: int) -> None:
    with engine.begin() as conn:
        running(conn, add_node(conn))
        pending(conn)
    serve, scrape = block("Measure", of="metrics").replace("9477", str(port)).splitlines()
    assert shlex.split(exec_start("jobwarden-metrics.service").replace("9477", str(port)))[1:] == [
        word for word in shlex.split(serve)[1:] if word != "&"
    ]
    terminal.type(f"{serve.removesuffix('&')} > /dev/null &")
    page = terminal.type(scrape)
    assert page.code == 0, page.out
    families = {family.name: family for family in text_string_to_metric_families(page.out)}
    assert families["jobwarden_up"].samples[0].value == 1
    states = {sample.labels["state"]: sample.value for sample in families["jobwarden_jobs"].samples}
    assert (states["RUNNING"], states["PENDING"]) == (1, 1)
    assert families["jobwarden_job_wait_seconds"].type == "histogram"
