"""The very image starts, and says no to what it must not start from: `make image-boot`.

tests/conftest.py leaves it out unless PISM_CARD names the image.
"""

import re
from pathlib import Path

from tests.card.machine import MIB, find_partitions
from tests.card.release import GROWN_BYTES, Release


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
    assert sum(find_partitions(card)[7]) == GROWN_BYTES
    assert told["interfaces"] == ["lo"]
    assert told["sockets"] == 0
    assert told["swaps"] == []
    assert told["zeroes_memory"]
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
