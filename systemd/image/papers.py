"""What comes with an image: its bill of materials, in CycloneDX's form, with a hash of all that went in."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from systemd.image.packages import Package

_VERSION: Final = "1.5"
_BUILDS_ONLY: Final = "twin"


def make_bill(
    version: str, packages: Iterable[Package], wheels: Iterable[Path], images: Mapping[str, Path], epoch: int
) -> str:
    """Return the bill of materials of an image.

    Args:
        version: PiSM's.
        packages: Debian's, of the lock; the twin's are marked as left out, since no file of theirs is on the
            card.
        wheels: Python's.
        images: What was made, by name: card, boot and root.
        epoch: Of the build.
    """
    parts = [_describe_package(package) for package in packages]
    parts += [_describe_wheel(wheel) for wheel in sorted(wheels)]
    made = [
        {
            "type": "file",
            "name": name,
            "version": version,
            "hashes": _hashes(sha256(path.read_bytes()).hexdigest()),
        }
        for name, path in images.items()
    ]
    whole = sha256(json.dumps([parts, made], sort_keys=True).encode()).digest()
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": _VERSION,
        "serialNumber": f"urn:uuid:{UUID(bytes=whole[:16], version=4)}",
        "version": 1,
        "metadata": {
            "timestamp": f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "component": {
                "type": "operating-system",
                "name": "pism-card",
                "version": version,
                "components": made,
            },
        },
        "components": parts,
    }
    return json.dumps(bill, indent=1, sort_keys=True) + "\n"


def _describe_package(package: Package) -> dict[str, Any]:
    architecture = package.file_name.removesuffix(".deb").rpartition("_")[2]
    return {
        "type": "library",
        "bom-ref": f"{package.section}/{package.file_name}",
        "name": package.name,
        "version": package.version,
        "purl": f"pkg:deb/debian/{package.name}@{package.version}?arch={architecture}",
        "scope": "excluded" if package.section == _BUILDS_ONLY else "required",
        "hashes": _hashes(package.sha256),
    }


def _describe_wheel(path: Path) -> dict[str, Any]:
    name, version = path.name.split("-")[:2]
    return {
        "type": "library",
        "bom-ref": path.name,
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name.replace('_', '-').lower()}@{version}",
        "scope": "required",
        "hashes": _hashes(sha256(path.read_bytes()).hexdigest()),
    }


def _hashes(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]
