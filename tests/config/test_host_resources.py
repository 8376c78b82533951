"""What the host has to give, with and without a control group around us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobwarden.backend.config import host_resources


@pytest.fixture
def cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(host_resources, "CGROUP", tmp_path)
    return tmp_path


def test_without_limits_all_of_the_host_counts(cgroup: Path) -> None:
    assert host_resources.cpus() == len(os.sched_getaffinity(0))
    total_kib = int(Path("/proc/meminfo").read_text().split()[1])
    assert host_resources.memory_mb() == total_kib // 1024


def test_max_is_no_limit(cgroup: Path) -> None:
    unlimited = host_resources.cpus(), host_resources.memory_mb()
    (cgroup / "cpu.max").write_text("max 100000\n")
    (cgroup / "memory.max").write_text("max\n")
    assert (host_resources.cpus(), host_resources.memory_mb()) == unlimited


def test_limits_of_the_control_group_count(cgroup: Path) -> None:
    (cgroup / "cpu.max").write_text("150000 100000\n")
    (cgroup / "memory.max").write_text(f"{300 << 20}\n")
    assert host_resources.cpus() == 1
    assert host_resources.memory_mb() == 300


def test_a_tiny_share_is_still_one_cpu_and_one_mib(cgroup: Path) -> None:
    (cgroup / "cpu.max").write_text("10000 100000\n")
    (cgroup / "memory.max").write_text("4096\n")
    assert (host_resources.cpus(), host_resources.memory_mb()) == (1, 1)


def test_affinity_counts(cgroup: Path) -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert host_resources.cpus() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_gpus_are_numbered_devices_only(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidia12", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert host_resources.gpus(tmp_path) == 3


@pytest.mark.parametrize("quota", [b"100 0", b"\xff", b"\xc2\xb2 100000", b"9" * 5000 + b" 1", b""])
def test_a_limit_that_makes_no_sense_limits_nothing(cgroup: Path, quota: bytes) -> None:
    unlimited = host_resources.cpus(), host_resources.memory_mb()
    (cgroup / "cpu.max").write_bytes(quota)
    (cgroup / "memory.max").write_bytes(quota.split(b" ")[0] if quota[:3] != b"100" else b"max")
    assert (host_resources.cpus(), host_resources.memory_mb()) == unlimited
