"""The files in deploy name what exists: verbs and their options, settings, metrics, options of systemd and compose."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from jobwarden.backend.cli.main import cli as root
from jobwarden.backend.config.settings import NOT_SETTINGS, RULES, Settings
from jobwarden.backend.database.driver import Engine
from jobwarden.backend.database.roles import ROLES
from jobwarden.backend.monitoring.metrics.collect import Installation

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
TEXTS = sorted(path for path in DEPLOY.iterdir() if path.suffix != ".json")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

SERVICE_KEYS = {
    "build", "command", "depends_on", "entrypoint", "environment", "healthcheck", "hostname", "image", "restart",
    "profiles", "stdin_open", "stop_grace_period", "tty", "volumes",
}  # fmt: skip
"""Of the compose specification, those in use here."""


def check_command(words: list[str]) -> None:
    """Fail unless ``jobwarden`` takes these words: the verb exists, and so does every option."""
    context = click.Context(root)
    _, command, rest = root.resolve_command(context, words)
    while isinstance(command, click.Group) and (rest or not command.invoke_without_command):
        _, command, rest = command.resolve_command(click.Context(command), rest)
    assert command is not None
    command.make_context("jobwarden", list(rest))


def commands(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if not line.lstrip().startswith("#") and (found := re.search(r"(?:^|\s|/bin/)jobwarden (.*)", line)):
            yield shlex.split(re.split(r"\s\|\|", found[1])[0])


@pytest.mark.parametrize("path", [DEPLOY / "crontab", DEPLOY / "Dockerfile", *UNITS], ids=lambda path: path.name)
def test_every_command_exists(path: Path) -> None:
    lines = re.sub(r"^(?:ExecStart=|HEALTHCHECK .* CMD )", "", path.read_text(), flags=re.MULTILINE)
    found = [words for words in commands(lines) if words[0] not in ("/var/lib/jobwarden", "&&")]
    assert found
    for words in found:
        check_command(words)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_setting_exists(path: Path) -> None:
    known = {f"JOBWARDEN_{name.upper()}" for name in RULES} | NOT_SETTINGS
    assert set(re.findall(r"JOBWARDEN_[A-Z_]+", path.read_text())) <= known


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    """With a command that exists here; anything else it says is a mistake of ours."""
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/jobwarden/bin/jobwarden", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line] == []


def test_the_worker_unit_leaves_jobs_alone() -> None:
    unit = (DEPLOY / "jobwarden-worker.service").read_text()
    for line in ("KillMode=process", "SendSIGKILL=no", "Delegate=yes", "Restart=always", "OOMPolicy=continue"):
        assert f"\n{line}\n" in unit


def test_compose_holds_together() -> None:
    services: dict[str, dict[str, Any]] = COMPOSE["services"]
    for name, service in services.items():
        assert set(service) <= SERVICE_KEYS, name
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).is_file(), name
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        for wanted, condition in service.get("depends_on", {}).items():
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in services[wanted]
    for words in commands(services["migrate"]["entrypoint"][2].replace(" && ", "\n")):
        check_command(words)
    check_command(services["desk"]["entrypoint"][1:])


def test_no_service_works_as_the_superuser() -> None:
    """Each service logs in as a role that the script makes, and with no more than it needs."""
    logins = {
        name: service["environment"]["DATABASE_URL"].split("//")[1].split(":")[0]
        for name, service in COMPOSE["services"].items()
        if "DATABASE_URL" in service.get("environment", {})
    }
    assert logins == {
        "migrate": "jobwarden",
        "worker-a": "jobwarden_node",
        "worker-b": "jobwarden_node",
        "desk": "jobwarden_desk",
    }
    script = (DEPLOY / "postgres-init.sh").read_text()
    assert "SUPERUSER" not in script.replace("superuser", "").replace("$POSTGRES_USER", "")
    made = dict(re.findall(r"CREATE ROLE (\w+) LOGIN PASSWORD :'\w+'(?: IN ROLE (\w+))?;", script))
    assert made == {"jobwarden": "", "jobwarden_node": "jobwarden_worker", "jobwarden_desk": "jobwarden_operator"}
    assert set(re.findall(r"CREATE ROLE (\w+) NOLOGIN", script)) == set(ROLES)


def test_each_container_worker_has_a_node_and_a_spool_of_its_own() -> None:
    workers = [service for name, service in COMPOSE["services"].items() if name.startswith("worker")]
    assert len(workers) == 2
    assert all(worker["restart"] == "unless-stopped" for worker in workers)
    assert len({worker["environment"]["JOBWARDEN_NODE_NAME"] for worker in workers}) == 2
    assert len({worker["volumes"][0] for worker in workers}) == 2


def test_the_image_starts_the_keeper() -> None:
    entry = re.search(r'ENTRYPOINT \["/opt/jobwarden/(.*)"\]', (DEPLOY / "Dockerfile").read_text())
    assert entry is not None
    script = DEPLOY.parent / entry[1]
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0


def test_the_dashboard_of_grafana_asks_for_metrics_that_exist(engine: Engine, settings: Settings) -> None:
    registry = CollectorRegistry()
    registry.register(Installation(engine, settings))
    page = generate_latest(registry).decode()
    families = set(re.findall(r"^# TYPE (\w+)", page, flags=re.MULTILINE))
    board = json.loads((DEPLOY / "grafana.json").read_text())
    asked = {name for panel in board["panels"] for target in panel["targets"]
             for name in re.findall(r"jobwarden_\w+", target["expr"])}  # fmt: skip
    assert asked
    assert {re.sub("_(count|bucket|sum)$", "", name) for name in asked} <= families
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_prometheus_scrapes_where_the_metrics_are_served() -> None:
    scrape = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]
    [target] = scrape["static_configs"][0]["targets"]
    assert f"--listen {target}" in (DEPLOY / "jobwarden-metrics.service").read_text()


def test_unit_and_keeper_run_the_same_worker() -> None:
    started = re.findall(r"^ExecStart=/opt/jobwarden/bin/(.*)$", UNITS[1].read_text(), flags=re.MULTILINE)
    assert started == ["jobwarden worker"]
    assert f'    {started[0]} "$@" &\n' in (DEPLOY / "keep-worker.sh").read_text()
