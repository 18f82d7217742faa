"""Which disks are the system's, in made-up trees of sysfs and mount tables: whatever is not known is."""

import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "systemd/is-system-disk"
BOOT = "23 22 8:1 / /boot/firmware rw shared:2 - vfat /dev/sda1 rw"
MEMORY = "24 22 0:21 / /run rw - tmpfs tmpfs rw"


class Machine:
    """Disks sda and sdb, each with two partitions; what is on top of them comes by `stack`.

    Args:
        root: Gets sys and proc.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._sys = root / "sys"
        (root / "proc/self").mkdir(parents=True)
        for disk, minor in (("sda", 0), ("sdb", 16)):
            folder = self._sys / "devices/usb1/block" / disk
            (folder / "slaves").mkdir(parents=True)
            (folder / "device").mkdir()
            self._number(folder, 8, minor)
            for part in (1, 2):
                (folder / f"{disk}{part}").mkdir()
                (folder / f"{disk}{part}/partition").write_text(str(part))
                self._number(folder / f"{disk}{part}", 8, minor + part)

    def _number(self, folder: Path, major: int, minor: int) -> None:
        link = self._sys / f"dev/block/{major}:{minor}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)

    def stack(self, name: str, number: tuple[int, int], *under: str) -> None:
        """Put a device without hardware of its own on others, named by their place under block/."""
        folder = self._sys / "devices/virtual/block" / name
        (folder / "slaves").mkdir(parents=True)
        self._number(folder, *number)
        for each in under:
            place = next(found for found in self._sys.glob(f"devices/*/block/{each}"))
            (folder / "slaves" / place.name).symlink_to(place)

    def mount(self, *lines: str) -> None:
        """Write the mount table."""
        (self.root / "proc/self/mountinfo").write_text("".join(f"{line}\n" for line in lines))

    def ask(self, place: str) -> str:
        """Return what is said of a device, named by its place under block/."""
        done = subprocess.run(
            [PROGRAM, f"/devices/usb1/block/{place}", self.root],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def mount(number: str, place: str = "/", kind: str = "ext4") -> str:
    return f"22 1 {number} / {place} rw shared:1 - {kind} none rw"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("sda", "system"),
        ("sda/sda1", "system"),
        ("sda/sda2", "system"),
        ("sdb", "stick"),
        ("sdb/sdb1", "stick"),
    ],
)
def test_the_disk_that_the_system_runs_from_is_no_stick(machine: Machine, place: str, said: str) -> None:
    machine.mount(mount("8:2"), BOOT, MEMORY)
    assert machine.ask(place) == said


def test_a_disk_that_only_the_boot_files_lie_on_is_the_systems(machine: Machine) -> None:
    machine.mount(mount("8:18"), BOOT)
    assert machine.ask("sda") == "system"


def test_a_disk_that_anything_is_mounted_from_is_no_stick(machine: Machine) -> None:
    machine.mount(mount("8:2"), mount("8:17", "/var/lib/pism"))
    assert machine.ask("sdb/sdb1") == "system"


@pytest.mark.parametrize("layers", [("dm-0",), ("md0", "dm-0"), ("dm-0", "dm-1")])
def test_encryption_raid_and_volume_groups_are_seen_through(
    machine: Machine, layers: tuple[str, ...]
) -> None:
    under = "sda/sda2"
    for count, layer in enumerate(layers):
        machine.stack(layer, (254, count), under)
        under = layer
    machine.mount(mount(f"254:{len(layers) - 1}"))
    assert (machine.ask("sda"), machine.ask("sdb")) == ("system", "stick")


@pytest.mark.parametrize(
    "root",
    [
        mount("0:25", kind="overlay"),
        mount("0:26", kind="tmpfs"),
        mount("0:27", kind="btrfs"),
        mount("7:0", kind="squashfs"),
        mount("254:7"),
        mount("254:8"),
        mount("259:9"),
    ],
    ids=["overlay", "in memory", "btrfs", "loop", "dm on a loop", "dm on nothing", "no such device"],
)
def test_while_the_roots_disk_is_not_known_every_disk_is_the_systems(machine: Machine, root: str) -> None:
    machine.stack("loop0", (7, 0))
    machine.stack("dm-7", (254, 7), "loop0", "sda/sda2")
    machine.stack("dm-8", (254, 8))
    machine.mount(root, MEMORY)
    assert machine.ask("sdb") == "system"


@pytest.mark.parametrize("place", ["/usr", "/boot", "/boot/firmware"])
def test_what_else_the_system_needs_to_start_must_be_known_too(machine: Machine, place: str) -> None:
    machine.mount(mount("8:2"), mount("0:40", place, "autofs"))
    assert machine.ask("sdb") == "system"


def test_a_second_root_over_the_first_must_be_known_too(machine: Machine) -> None:
    machine.mount(mount("8:2"), mount("0:25", kind="overlay"))
    assert machine.ask("sdb") == "system"


@pytest.mark.parametrize("lines", [(), (MEMORY,)], ids=["an empty table", "no root in it"])
def test_a_mount_table_without_a_root_is_not_believed(machine: Machine, lines: tuple[str, ...]) -> None:
    machine.mount(*lines)
    assert machine.ask("sdb") == "system"


def test_what_cannot_be_read_is_the_systems(machine: Machine) -> None:
    assert machine.ask("sdb") == "system"  # no mount table
    machine.mount(mount("8:2"))
    assert machine.ask("sdz") == "system"  # gone meanwhile
    machine.stack("loop0", (7, 0))
    assert machine.ask("../../virtual/block/loop0") == "system"
