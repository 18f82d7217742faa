"""The very image starts, and says no to what it must not start from: `make image-boot`.

tests/conftest.py leaves it out unless PISM_CARD names the image.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from systemd.deb.wheels import ROOT
from systemd.image.packages import fetch, read_lock, unpack
from tests.card.machine import MIB, Run, find_partitions, start

_GROWN_BYTES = 1 << 30
_LONG_S = float(os.environ.get("PISM_CARD_TIMEOUT_S", "900"))


@dataclass(frozen=True, slots=True)
class Release:
    """What was built: the image, what it comes with, and its kernel's modules, all of them."""

    image: Path
    published: str
    modules: Path
    consoles: Path

    def lay(self, folder: Path) -> Path:
        """Return a copy of the image on a card of a GiB."""
        card = folder / "card.img"
        subprocess.run(["cp", "--sparse=always", self.image, card], check=True)
        os.truncate(card, _GROWN_BYTES)
        return card

    def run(self, card: Path, name: str) -> Run:
        """Start a card, and leave what its console said where a person finds it."""
        found = start(card, self.modules, card.parent / name, timeout_s=_LONG_S)
        (self.consoles / f"{name}.console").write_text(found.console, encoding="utf-8")
        return found


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release that PISM_CARD names."""
    packed = Path(os.environ["PISM_CARD"])
    folder = tmp_path_factory.mktemp("release")
    image = folder / packed.stem
    with image.open("wb") as file:
        subprocess.run(["xz", "-dc", packed], check=True, stdout=file)
    (kernel,) = (each for each in read_lock() if each.name.startswith("linux-image-"))
    (deb,) = fetch([kernel], ROOT / "build/image/packages").values()
    unpack(deb, folder / "kernel")
    (modules,) = (folder / "kernel/usr/lib/modules").iterdir()
    published = packed.with_name(f"{image.name}.sha256").read_text().rpartition(" ")[2].strip()
    consoles = ROOT / "build/image-boot"
    consoles.mkdir(parents=True, exist_ok=True)
    return Release(image, published, modules, consoles)


def test_a_new_card_starts_verified_shut_and_grown_and_keeps_its_state(
    release: Release, tmp_path: Path
) -> None:
    card = release.lay(tmp_path)
    first = release.run(card, "first")
    told = first.told
    assert told is not None, first.console[-3000:]
    assert told["root_hash"] == release.published
    assert told["kiosk"] == "active success"
    assert told["failed"] == []
    assert told["tools"] == "work"
    assert "mounted" in told["card"]
    assert told["state_bytes"] > 500 * MIB
    assert sum(find_partitions(card)[7]) == _GROWN_BYTES
    assert told["interfaces"] == ["lo"]
    assert told["sockets"] == 0
    assert told["swaps"] == []
    assert told["writable"] == []
    assert told["module_files"] <= 60
    disks = {place: source for source, place, _ in told["mounts"] if source.startswith("/dev/")}
    assert disks["/"] == "/dev/mapper/root"
    assert {place for place, source in disks.items() if source == "/dev/vda7"} == {
        *(
            "/state",
            "/var/lib/pism",
            "/var/lib/pism-kiosk",
            "/var/cache/pism",
            "/var/lib/systemd",
            "/etc/pism",
        )
    }
    assert not any(re.search(r"getty|login$|sshd|dhc|network|resolve", each) for each in told["processes"])


def test_a_damaged_state_is_refused_and_said_and_nothing_takes_its_place(
    release: Release, tmp_path: Path
) -> None:
    card = release.lay(tmp_path)
    with card.open("r+b") as file:
        file.seek(find_partitions(card)[7][0] + 4096)
        file.write(b"\xff" * 4096 * 199)
    found = release.run(card, "damaged")
    told = found.told
    assert told is not None, found.console[-3000:]
    assert told["card"]["refused"].startswith("E-CARD-DAMAGED ")
    assert told["state_bytes"] == 0
    assert not told["kiosk"].startswith("active success")
    assert "error E-CARD-DAMAGED" in found.console


def test_a_root_with_another_bit_does_not_start(release: Release, tmp_path: Path) -> None:
    card = release.lay(tmp_path)
    begins = find_partitions(card)[5][0]
    with card.open("r+b") as file:
        for mib in range(1, 50):
            file.seek(begins + mib * MIB)
            (old,) = file.read(1)
            file.seek(begins + mib * MIB)
            file.write(bytes([old ^ 1]))
    found = release.run(card, "flipped")
    assert found.told is None
    assert re.search(r"verity.*(corrupt|panic)", found.console), found.console[-3000:]
