"""One import name: nobody's own ``backend`` package gets in our way, and we overwrite nobody's."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.project.test_install import ROOT, copy
from tests.support.cli import COMMAND, Cli, clean_environment

STRANGER = "raise RuntimeError('the package of somebody else')\n"


def built(what: str, source: Path, target: Path) -> Path:
    """What hatchling builds from a folder."""
    code = f"from hatchling.build import build_{what} as build; import sys; print(build(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True)
    return target / done.stdout.split()[-1]


@pytest.fixture(scope="module", params=["checkout", "sdist"])
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, or of the source distribution made from it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = copy(folder / "source")
    if request.param == "sdist":
        with tarfile.open(built("sdist", source, folder)) as archive:
            archive.extractall(folder / "unpacked", filter="data")
        [source] = (folder / "unpacked").iterdir()
    return built("wheel", source, folder)


def unpack(wheel: Path, site: Path) -> None:
    """Install it there as pip does, without a compiler in reach."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        str(wheel),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment() | {"PATH": "/nonexistent"})
    assert done.returncode == 0, done.stderr


def stranger(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(STRANGER)


def test_the_installed_program_is_one_package(wheel: Path, tmp_path: Path) -> None:
    unpack(wheel, tmp_path / "site")
    installed = {path.name for path in (tmp_path / "site").iterdir() if not path.name.endswith(".dist-info")}
    assert installed - {"bin"} == {"jobwarden"}
    assert (tmp_path / "site" / "jobwarden" / "py.typed").exists()
    for source in (path for name in ("backend", "tui") for path in (ROOT / name).rglob("*.[pst][yqc]*")):
        if "__pycache__" not in source.parts:
            assert (tmp_path / "site" / "jobwarden" / source.relative_to(ROOT)).exists(), source
    assert os.access(tmp_path / "site" / "jobwarden" / "backend" / "process" / "jobwarden-shim", os.X_OK)
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from jobwarden.__main__ import main"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; sys.argv[0] = 'jobwarden'; main()", tmp_path / "site", "--help"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, "submit" in done.stdout) == (0, True), done.stderr


def test_installing_overwrites_nobody(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    stranger(site, "backend", "tui")
    unpack(wheel, site)
    for name in ("backend", "tui"):
        assert [path.name for path in (site / name).iterdir()] == ["__init__.py"]
        assert (site / name / "__init__.py").read_text() == STRANGER


@pytest.mark.parametrize("command", [[str(COMMAND)], [sys.executable, "-m", "jobwarden"]], ids=["script", "module"])
def test_a_project_with_packages_of_our_names_is_no_hindrance(cli: Cli, tmp_path: Path, command: list[str]) -> None:
    """Nor are its modules: the code of a project lies first on the path of whatever is started in it."""
    stranger(tmp_path / "project", "backend", "tui", "tests")
    env = {**cli.env, "PYTHONPATH": "."}
    done = subprocess.run(
        [*command, "jobs"], cwd=tmp_path / "project", env=env, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "no jobs yet: `jobwarden submit SCRIPT` makes one\n"), done


def test_the_module_is_the_command(cli: Cli) -> None:
    done = subprocess.run([sys.executable, "-m", "jobwarden", "--version"], env=cli.env, capture_output=True, text=True)
    assert done.stdout == cli("--version").out != ""
