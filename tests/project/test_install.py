"""What `make install` does on machines that lack something, and in awkward places."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.cli import clean_environment

ROOT = Path(__file__).parents[2]
NEEDED = ("sh", "cat", "cksum", "dirname", "sed", "rm", "mkdir", "env")


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A directory for PATH with only the plainest tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what is needed to install, below a path with a space, a quote and a letter outside ASCII."""
    return copy(tmp_path / "it's ä clone")


def copy(target: Path) -> Path:
    shutil.copytree(
        ROOT,
        target,
        symlinks=True,
        ignore=shutil.ignore_patterns(".*", "__pycache__", "tests", "screenshots", "jobwarden-shim"),
    )
    return target


def install(clone: Path, path: Path | str, **env: str) -> subprocess.CompletedProcess[str]:
    sh = str(shutil.which("sh"))
    env = clean_environment() | {"PATH": str(path)} | env
    return subprocess.run(
        [sh, "tools/install.sh"], cwd=clone, capture_output=True, text=True, env=env, check=False, timeout=600
    )


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert done.stderr.startswith("jobwarden: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_no_python(clone: Path, bare_path: Path) -> None:
    program(bare_path / "cc", "exit 0")
    line = refusal(install(clone, bare_path))
    assert "needs Python 3.11 or newer" in line
    assert "found: none" in line


def test_python_too_old(clone: Path, bare_path: Path) -> None:
    program(bare_path / "cc", "exit 0")
    program(bare_path / "python3", 'case "$2" in *platform*) echo 3.9.2;; *) exit 1;; esac')
    assert "found: python3 3.9.2" in refusal(install(clone, bare_path))
    assert not (clone / ".venv").exists()


def test_no_compiler(clone: Path, bare_path: Path) -> None:
    assert "no C compiler found: install one" in refusal(install(clone, bare_path))


def test_path_in_which_command_scripts_break(tmp_path: Path, bare_path: Path) -> None:
    assert "cannot be installed below a path" in refusal(install(copy(tmp_path / "a$b"), bare_path))


@pytest.mark.slow
def test_install_twice_in_an_awkward_path(clone: Path) -> None:
    done = install(clone, os.environ["PATH"])
    assert done.returncode == 0, done.stderr
    command = clone / ".venv" / "bin" / "jobwarden"
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "submit" in shown
    stamp = (clone / ".venv" / "installed").stat().st_mtime_ns
    again = install(clone, os.environ["PATH"])
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert (clone / ".venv" / "installed").stat().st_mtime_ns == stamp


@pytest.fixture
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shim_is_compiled_and_runs(hook: ModuleType, tmp_path: Path) -> None:
    target = tmp_path / "shim"
    hook.compile_shim(ROOT / "backend" / "process" / "shim.c", target)
    assert target.stat().st_mode & stat.S_IXUSR
    assert subprocess.run([target], capture_output=True, stdin=subprocess.DEVNULL).returncode != 0  # no arguments
    assert [path.name for path in tmp_path.iterdir()] == ["shim"]


def test_without_a_static_library_the_shim_is_linked_dynamically(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "mycc", 'for a; do case $a in -static*) exit 1;; esac; done; exec cc "$@"')
    monkeypatch.setenv("CC", str(tmp_path / "mycc"))
    hook.compile_shim(ROOT / "backend" / "process" / "shim.c", tmp_path / "shim")
    assert os.access(tmp_path / "shim", os.X_OK)


def test_a_compiler_that_fails_leaves_the_old_shim(hook: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "shim").write_text("old")
    (tmp_path / "bad.c").write_text("int main( {")
    with pytest.raises(SystemExit, match="could not compile"):
        hook.compile_shim(tmp_path / "bad.c", tmp_path / "shim")
    assert (tmp_path / "shim").read_text() == "old"


def test_no_compiler_is_one_line(hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"^jobwarden: no C compiler found: install one \(.*\)$"):
        hook.find_compiler()


def test_a_wheel_carries_the_shim_the_sql_and_its_platform(tmp_path: Path) -> None:
    code = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    clone = copy(tmp_path / "source")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=clone, capture_output=True, text=True, check=True
    )
    name = done.stdout.split()[-1]
    assert name.startswith("jobwarden-")
    assert "-py3-none-linux_" in name
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(tmp_path / name)], capture_output=True, text=True, check=True
    ).stdout
    for part in ("backend/process/jobwarden-shim", "0001_tables.sql", "tui/__init__.py", "backend/cli/main.py"):
        assert part in listed


def test_every_dependency_is_locked_and_hashed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    lock = (ROOT / "requirements-dev.lock").read_text().replace("\\\n", "")
    locked = {line.split("==")[0]: line for line in lock.splitlines() if line[:1].isalnum()}
    for requirement in wanted:
        name = requirement.replace(">", "=").split("=")[0].lower()
        assert name in locked, f"{name} is not in requirements-dev.lock"
    assert all("--hash=sha256:" in line for line in locked.values())
    assert locked["rq"].startswith("rq==3.0.0 ")
