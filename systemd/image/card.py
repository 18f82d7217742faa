"""The card: its partitions, what lies in them, and the map of what of it has to be written.

MBR, since a Pi 3's ROM reads nothing else. p1 says which slot is started; p2 and p3 are boot partitions, p5
and p6 roots, a slot each (2 with 5, 3 with 6); p7 is the state, last, so that it can grow to the card. The
second slot is empty until there is something to put there.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from systemd.image.boot import BOOT_MIB, make_fat
from systemd.image.root import HERE
from systemd.image.tools import fix_times, put, run

STATE_LABEL: Final = "PISM-STATE"
SELECTOR_MIB, ROOT_MIB, STATE_MIB = 8, 160, 64
_FIRST_MIB: Final = 4
_MIB: Final = 1 << 20
_SECTORS: Final = _MIB // 512
_BLOCK_BYTES: Final = 4096
_AUTOBOOT: Final = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"
_STATE_UUID: Final = "70697363-6d00-4000-8000-000000000007"
_HASH_SEED: Final = "70697363-6d00-4000-8000-000000000008"
_SETTINGS: Final = HERE / "mke2fs.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One of the card's.

    Args:
        number: As the kernel counts.
        start_mib: Where it begins.
        size_mib: How long it is.
        kind: Its type, in hexadecimal digits.
    """

    number: int
    start_mib: int
    size_mib: int
    kind: str


def partitions() -> tuple[Partition, ...]:
    """Return the card's table; each logical one has its own sector one MiB before it."""
    first = _FIRST_MIB
    boot_a = first + SELECTOR_MIB
    boot_b = boot_a + BOOT_MIB
    around = boot_b + BOOT_MIB
    root_a = around + 1
    root_b = root_a + ROOT_MIB + 1
    state = root_b + ROOT_MIB + 1
    end = state + STATE_MIB
    return (
        Partition(number=1, start_mib=first, size_mib=SELECTOR_MIB, kind="e"),
        Partition(number=2, start_mib=boot_a, size_mib=BOOT_MIB, kind="c"),
        Partition(number=3, start_mib=boot_b, size_mib=BOOT_MIB, kind="c"),
        Partition(number=4, start_mib=around, size_mib=end - around, kind="5"),
        Partition(number=5, start_mib=root_a, size_mib=ROOT_MIB, kind="83"),
        Partition(number=6, start_mib=root_b, size_mib=ROOT_MIB, kind="83"),
        Partition(number=7, start_mib=state, size_mib=STATE_MIB, kind="83"),
    )


def make_card(boot: Path, root: Path, bootcode: Path, work: Path, *, epoch: int) -> tuple[Path, str]:
    """Make the card's image, and its map.

    Args:
        boot: The boot partition's image.
        root: The root's.
        bootcode: What the ROM of a Pi 3 starts.
        work: Folder for what it is made of.
        epoch: Of the build.

    Returns:
        The image, and its map in bmaptool's form, version 2.0.
    """
    if root.stat().st_size > ROOT_MIB * _MIB:
        raise ValueError(f"the root has {root.stat().st_size} bytes, and its partition {ROOT_MIB} MiB")
    table = {each.number: each for each in partitions()}
    images = {
        1: _make_selector(bootcode, work, epoch),
        2: boot,
        5: root,
        7: make_state(work / "state.img", epoch),
    }
    path = work / "card.img"
    with path.open("wb") as file:
        file.truncate((table[7].start_mib + table[7].size_mib) * _MIB)
    lines = "".join(
        f"{each.number} : start={each.start_mib * _SECTORS}, size={each.size_mib * _SECTORS},"
        f" type={each.kind}{', bootable' if each.number == 1 else ''}\n"
        for each in table.values()
    )
    script = f"label: dos\nlabel-id: 0x7069736d\nunit: sectors\n\n{lines}".encode()
    run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", path], epoch=epoch, given=script)
    with path.open("r+b") as card:
        for number, image in images.items():
            card.seek(table[number].start_mib * _MIB)
            with image.open("rb") as source:
                shutil.copyfileobj(source, card, _MIB)
    tables = [0, *(table[number].start_mib - 1 for number in (5, 6, 7))]
    written = [(place * _MIB, _BLOCK_BYTES) for place in tables]
    written += [(table[number].start_mib * _MIB, image.stat().st_size) for number, image in images.items()]
    return path, make_map(path, sorted(written))


def _make_selector(bootcode: Path, work: Path, epoch: int) -> Path:
    """Make the partition that the ROM and the firmware look at first, which no release has to change."""
    tree = work / "selector"
    tree.mkdir()
    shutil.copyfile(bootcode, tree / "bootcode.bin")
    put(tree / "autoboot.txt", _AUTOBOOT)
    fix_times(tree, epoch)
    path = work / "selector.img"
    make_fat(path, tree, kind=16, mib=SELECTOR_MIB, label="PISM-CARD", number="70697301", epoch=epoch)
    return path


def make_state(path: Path, epoch: int) -> Path:
    """Make the empty state; it is made here, so that a box never formats anything.

    Args:
        path: Of the image.
        epoch: Of the build.
    """
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(STATE_MIB * _MIB)
    room = "lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0,resize=16777216"
    run(
        [
            *("mke2fs", "-q", "-t", "ext4", "-m", "0", "-J", "size=16", "-L", STATE_LABEL, "-U", _STATE_UUID),
            *("-E", f"hash_seed={_HASH_SEED},{room}", path),
        ],
        epoch=epoch,
        MKE2FS_CONFIG=str(_SETTINGS),
    )
    return path


def make_map(image: Path, written: Sequence[tuple[int, int]]) -> str:
    """Return the map of an image: what has to be written of it, each stretch with its hash.

    All of every file system and of the root counts, its zeros too: what an older card left in their place is
    no zero.

    Args:
        image: The whole.
        written: Where each stretch begins, and how long it is, in bytes and in order.
    """
    ranges = [(start // _BLOCK_BYTES, (start + size - 1) // _BLOCK_BYTES) for start, size in written]
    size = image.stat().st_size
    mapped = sum(last - first + 1 for first, last in ranges)
    lines = "".join(f"        {line}\n" for line in _describe(image, ranges))
    empty = "0" * 64

    def fill(checksum: str) -> str:
        return (
            '<?xml version="1.0" ?>\n<bmap version="2.0">\n'
            f"    <ImageSize> {size} </ImageSize>\n    <BlockSize> {_BLOCK_BYTES} </BlockSize>\n"
            f"    <BlocksCount> {size // _BLOCK_BYTES} </BlocksCount>\n"
            f"    <MappedBlocksCount> {mapped} </MappedBlocksCount>\n"
            "    <ChecksumType> sha256 </ChecksumType>\n"
            f"    <BmapFileChecksum> {escape(checksum)} </BmapFileChecksum>\n"
            f"    <BlockMap>\n{lines}    </BlockMap>\n</bmap>\n"
        )

    return fill(sha256(fill(empty).encode()).hexdigest())


def _describe(image: Path, ranges: Iterable[tuple[int, int]]) -> Iterable[str]:
    with image.open("rb") as file:
        for first, last in ranges:
            file.seek(first * _BLOCK_BYTES)
            digest = sha256(file.read((last - first + 1) * _BLOCK_BYTES)).hexdigest()
            yield f'<Range chksum="{digest}"> {first}-{last} </Range>'
