"""Writes what an installation consists of as a CycloneDX document (JSON, version 1.6) to standard output.

Versions and hashes come from ``requirements.lock``, licenses from the metadata of what is installed. The document is
the same for the same lock: it has no time in it, and its serial number is made from the lock.
"""

import hashlib
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
SPDX_OF_CLASSIFIER = {
    "Apache Software License": "Apache-2.0", "MIT License": "MIT", "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0-or-later",
}  # fmt: skip
"""Those that mean one license; "BSD License" does not."""
ABSENT = {"async-timeout": "Apache-2.0"}
"""Licenses of what only other Pythons need, so that it may not be installed here."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock: ``marker`` says where it is needed, empty for everywhere."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    extras: frozenset[str] = frozenset()


def read_lock(path: Path) -> Iterator[Locked]:
    """Yield the packages of a lock. Raises ValueError for a line that is none."""
    text = path.read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = re.fullmatch(
            r"([A-Za-z0-9._-]+)(?:\[([A-Za-z0-9._,-]+)\])?==(\S+)(?:\s*;\s*(.*?))?((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*",
            line,
        )
        if found is None:
            raise ValueError(f"{path.name}: no pinned requirement with hashes: {line[:80]}")
        name, extras, version, marker, hashes = found.groups()
        digests = tuple(re.findall(r"sha256:(\S+)", hashes))
        yield Locked(
            canonicalize_name(name), version, marker or "", digests, frozenset((extras or "").split(",")) - {""}
        )


def document() -> dict[str, Any]:
    """Return the document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    locked = {package.name: package for package in read_lock(LOCK)}
    own = f"pkg:pypi/{project['name']}@{project['version']}"
    direct = sorted(_reference(locked[canonicalize_name(Requirement(line).name)]) for line in project["dependencies"])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.UUID(bytes=hashlib.sha256(LOCK.read_bytes()).digest()[:16], version=4).urn,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "purl": own,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": [_component(package) for package in locked.values()],
        "dependencies": [
            {"ref": own, "dependsOn": direct},
            *({"ref": _reference(one), "dependsOn": _needs(one, locked)} for one in locked.values()),
        ],
    }


def _component(package: Locked) -> dict[str, Any]:
    """Return a package. Its hashes are those of the files it may be installed from: one of them, by platform."""
    return {
        "type": "library",
        "bom-ref": _reference(package),
        "name": package.name,
        "version": package.version,
        "purl": _reference(package),
        "licenses": [{"expression": found}] if (found := license_of(package.name)) else [],
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{package.name}/{package.version}/#files",
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.hashes],
            }
        ],
        **({"properties": [{"name": "jobwarden:marker", "value": package.marker}]} if package.marker else {}),
    }


def _reference(package: Locked) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def _needs(package: Locked, locked: dict[str, Locked]) -> list[str]:
    try:
        lines = requires(package.name) or []
    except PackageNotFoundError:  # not for this Python: its marker says so
        return []
    names = {canonicalize_name(Requirement(line).name) for line in lines if "extra ==" not in line}
    return sorted(_reference(locked[name]) for name in names if name in locked)


def license_of(name: str) -> str:
    """Return the license of an installed package as SPDX knows it; empty when nothing says."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ABSENT.get(name, "")
    return _field(told, "License-Expression") or _of_classifiers(told) or _of_words(_field(told, "License"))


def _field(told: PackageMetadata, name: str) -> str:
    return told[name].strip() if name in told else ""


def _of_classifiers(told: PackageMetadata) -> str:
    names = (line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or () if line.startswith("License ::"))
    return " OR ".join(sorted({SPDX_OF_CLASSIFIER[name] for name in names if name in SPDX_OF_CLASSIFIER}))


def _of_words(words: str) -> str:
    return words if re.fullmatch(r"[A-Za-z0-9.+-]+", words) else ""


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2)
    sys.stdout.write("\n")
