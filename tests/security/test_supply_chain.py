"""What is compiled is hardened, and what is installed is exactly what was locked."""

import json
import re
import struct
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jobwarden.backend.process.spawn import shim_path
from tools.sbom import Locked, document, read_lock

ROOT = Path(__file__).parents[2]
RUNTIME, DEV, BUILD = (ROOT / f"requirements{kind}.lock" for kind in ("", "-dev", "-build"))
TEST_TOOLS = {"pytest", "hypothesis", "mypy", "ruff", "syrupy", "execnet", "grimp", "pyyaml", "hatchling", "librt"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

DYN, LOAD, DYNAMIC, STACK, RELRO = 3, 1, 2, 0x6474E551, 0x6474E552
FLAGS, FLAGS_1, BIND_NOW, NOW, PIE = 30, 0x6FFFFFFB, 0x8, 0x1, 0x08000000


class Elf:
    """The headers of a 64-bit little-endian program."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        assert self.data[:6] == b"\x7fELF\x02\x01"
        self.type = struct.unpack_from("<H", self.data, 16)[0]
        start, size, number = *struct.unpack_from("<Q", self.data, 32), *struct.unpack_from("<HH", self.data, 54)
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.data, start + size * place) for place in range(number)]

    def segment(self, kind: int) -> tuple[int, ...]:
        [found] = [segment for segment in self.segments if segment[0] == kind]
        return found

    def dynamic(self) -> dict[int, int]:
        _, _, offset, _, _, size, _, _ = self.segment(DYNAMIC)
        return dict(struct.iter_unpack("<QQ", self.data[offset : offset + size]))


@pytest.fixture
def shim() -> Elf:
    if sys.byteorder != "little" or sys.maxsize < 1 << 32:
        pytest.skip("the reader of this test knows 64-bit little-endian programs")
    return Elf(Path(shim_path()))


@pytest.mark.attempt("shim without PIE or FORTIFY", fault=0)
def test_addresses_of_the_shim_are_known_before_it_runs(shim: Elf) -> None:
    """Code at a fixed address is what return-oriented attacks are made of."""
    assert shim.type == DYN
    assert shim.dynamic().get(FLAGS_1, 0) & PIE


@pytest.mark.attempt("shim without PIE or FORTIFY", fault=0)
def test_data_of_the_shim_are_run(shim: Elf) -> None:
    """Bytes that were written into the stack, or into any segment, are executed."""
    assert not shim.segment(STACK)[1] & 1
    assert not [segment for segment in shim.segments if segment[0] == LOAD and segment[1] & 3 == 3]


@pytest.mark.attempt("shim without PIE or FORTIFY", fault=0)
def test_tables_of_the_shim_are_written_over(shim: Elf) -> None:
    """The table of addresses of functions is written, and the next call goes elsewhere."""
    assert shim.segment(RELRO)
    flags = shim.dynamic()
    assert flags.get(FLAGS, 0) & BIND_NOW or flags.get(FLAGS_1, 0) & NOW


@pytest.mark.attempt("shim without PIE or FORTIFY", fault=0)
def test_a_buffer_of_the_shim_overflows(shim: Elf) -> None:
    """More is written than there is room for."""
    assert b"__stack_chk_fail" in shim.data
    assert re.search(rb"__(?:v?snprintf|v?fprintf|v?dprintf|read|memcpy|strcpy|strncpy|pread|readlink)_chk", shim.data)


def pins(path: Path) -> dict[str, Locked]:
    return {package.name: package for package in read_lock(path)}


@pytest.mark.parametrize("path", [RUNTIME, DEV, BUILD], ids=lambda path: path.name)
def test_another_file_is_put_in_the_place_of_a_locked_one(path: Path) -> None:
    """An index, or whoever is between, answers with another file of the same version."""
    locked = list(read_lock(path))  # refuses a line without version or hash
    assert locked and all(package.hashes for package in locked)
    assert len({package.name for package in locked}) == len(locked)
    assert not re.search(r"https?://|--(?:extra-)?index|--find-links|^-e", path.read_text(), re.MULTILINE)


def test_the_locks_disagree() -> None:
    """Tests run with other versions than production."""
    runtime, dev, build = pins(RUNTIME), pins(DEV), pins(BUILD)
    assert runtime.items() <= dev.items()
    assert build.items() <= dev.items()


def needed(lines: list[str], locked: dict[str, Locked]) -> Iterator[Requirement]:
    """Every package that these requirements lead to, on any Python that is supported."""
    waiting, seen = [Requirement(line) for line in lines], set[tuple[str, str]]()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, str(sorted(requirement.extras))) in seen:
            continue
        seen.add((name, str(sorted(requirement.extras))))
        yield requirement
        try:
            further = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:
            assert locked[name].marker, f"{name} is locked for every Python and not installed"
            continue
        extras = ["", *requirement.extras]
        waiting += [one for one in further if not one.marker or any(one.marker.evaluate({"extra": e}) for e in extras)]


@pytest.mark.attempt("lock installs test tools", fault=0)
@pytest.mark.parametrize(
    ("path", "lines"),
    [
        (RUNTIME, PROJECT["project"]["dependencies"]),
        (BUILD, PROJECT["build-system"]["requires"]),
        (DEV, PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]),
    ],
    ids=["runtime", "build", "dev"],
)
def test_something_unlocked_is_fetched_or_something_needless_installed(path: Path, lines: list[str]) -> None:
    """A package that nobody pinned comes along, or one that production does not need widens what can be attacked."""
    locked = pins(path)
    wanted = {canonicalize_name(requirement.name) for requirement in needed(lines, locked)}
    assert wanted - locked.keys() == set()
    assert {name for name in locked.keys() - wanted if not locked[name].marker} == set()


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        (RUNTIME, PROJECT["project"]["dependencies"]),
        (DEV, PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]),
    ],
    ids=["runtime", "dev"],
)
def test_a_newer_release_of_a_package_with_extras_stops_the_installation(path: Path, lines: list[str]) -> None:
    """pip takes ``coverage==1`` for no answer to ``coverage[toml]``: it looks for the newest one, which has no hash."""
    locked = pins(path)
    short = {
        f"{requirement.name}[{','.join(sorted(requirement.extras))}]"
        for requirement in needed(lines, locked)
        if not requirement.extras <= locked[canonicalize_name(requirement.name)].extras
    }
    assert short == set()


@pytest.mark.attempt("lock installs test tools", fault=0)
def test_test_tools_are_in_production() -> None:
    """What runs the tests can run anything."""
    assert not {name for name in pins(RUNTIME) if name in TEST_TOOLS or name.startswith(("pytest", "types-"))}


@pytest.mark.attempt("`pip install --no-deps .` fetches hatchling unpinned", fault=0)
@pytest.mark.parametrize("path", ["deploy/Dockerfile", "docs/operating.md", "tools/install.sh"])
def test_something_unpinned_is_fetched_while_installing(path: str) -> None:
    """``pip`` builds in isolation with whatever version of the build tool is the newest on that day."""
    text = (ROOT / path).read_text("utf-8").replace("\\\n", " ")
    commands = [part for line in text.splitlines() if not line.lstrip().startswith("#")
                for part in re.split("&&|;", line) if re.search(r"pip (?:install|wheel)\b", part)]  # fmt: skip
    assert commands
    for command in commands:
        locked = "--require-hashes" in command and re.search(r"requirements(?:-\w+)?\.lock", command)
        offline = "--no-deps" in command and ("--no-build-isolation" in command or "--no-index" in command)
        assert locked or offline, command
    assert "requirements-dev.lock" not in text or path == "tools/install.sh"


@pytest.mark.attempt("no .dockerignore", fault=0)
def test_secrets_of_the_builder_are_in_the_image() -> None:
    """``COPY . .`` takes the history, settings files and virtual environments along."""
    first, *rest = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert first == "*"
    for line in rest:
        assert line[0] == "*" or (ROOT / line.removeprefix("!")).exists(), line
    assert not {"!.git", "!.venv", "!tests"} & set(rest)


def test_nobody_can_tell_what_is_installed() -> None:
    """A package is found to be unsafe: the bill of materials has each with version, hashes and license."""
    done = subprocess.run([sys.executable, "-m", "tools.sbom"], cwd=ROOT, capture_output=True, check=True)
    bill = json.loads(done.stdout)
    assert bill == document()
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                        bill["serialNumber"])  # fmt: skip
    listed = {component["name"]: component for component in bill["components"]}
    for name, package in pins(RUNTIME).items():
        component = listed.pop(name)
        assert component["version"] == package.version
        assert component["purl"] == component["bom-ref"] == f"pkg:pypi/{name}@{package.version}"
        [files] = component["externalReferences"]
        assert {(one["alg"], one["content"]) for one in files["hashes"]} == {("SHA-256", h) for h in package.hashes}
        assert component["licenses"][0]["expression"], name
    assert listed == {}
    references = {component["bom-ref"] for component in (bill["metadata"]["component"], *bill["components"])}
    assert {one["ref"] for one in bill["dependencies"]} == references
    assert {ref for one in bill["dependencies"] for ref in one["dependsOn"]} < references
