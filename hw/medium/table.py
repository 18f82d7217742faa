"""The partition table of a disk, or of an image of one: what parts it has, and of which kind they are.

Owns the reading of an MBR with its chain of logical parts, and of a GPT. Rules:

1. A table comes from a stick that anybody may have made: its length is bounded before it is read, and a part
   that does not lie on the disk is none.
2. A GPT is believed when its checksums hold, the first copy or the last (UEFI 2.10, 5.3).
3. A part's kind is written as udev writes it (ID_PART_ENTRY_TYPE): "0xc", or a GUID in small letters.

On the box the kernel reads the table and udev tells it; this serves images, and nodes of whole disks.
"""

import struct
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

EXTENDED_KINDS = frozenset({"0x5", "0xf", "0x85"})
"""Parts that only hold others."""

SYSTEM_KINDS = frozenset(
    {
        "0xef",  # EFI system, on an MBR
        "0x12",  # a PC maker's diagnostics
        "0x27",  # Windows recovery
        "0xde",  # a PC maker's tools
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",  # EFI system: a Mac makes one on every stick
        "e3c9e316-0b5c-4db8-817d-f92df00215ae",  # Microsoft reserved
        "de94bba4-06d1-4d40-a16a-bfd50179d6ac",  # Windows recovery
        "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3",  # Windows' dynamic disks: their table
        "21686148-6449-6e6f-744e-656564454649",  # BIOS boot
        "426f6f74-0000-11aa-aa11-00306543ecac",  # Apple boot
        "8da63339-0007-60c0-c436-083ac8230908",  # Linux reserved
    }
)
"""Parts that a system keeps for itself: nobody puts files there."""

Read = Callable[[int, int], bytes]
"""read(offset, length), in bytes; fewer at the end."""

_SECTOR_SIZES = (512, 4096)
_BOOT_SIGNATURE = b"\x55\xaa"
_ENTRIES_AT, _ENTRY = 446, struct.Struct("<B3xB3xII")  # status, kind, first sector, sectors
_STATUS = (0x00, 0x80)
_PROTECTIVE = 0xEE
_MAX_LOGICAL = 60
_FIRST_LOGICAL = 5
_GPT = struct.Struct("<8sIIIIQQQQ16sQIII")
_GPT_SIGNATURE = b"EFI PART"
_GPT_CHECKSUM_AT = 16
_GPT_ENTRY = struct.Struct("<16s16sQQ")
_MAX_ENTRIES_BYTES = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a disk.

    Args:
        number: As the table counts.
        kind: Rule 3.
        offset: Where it begins, in bytes.
        size_bytes: How long it is.
    """

    number: int
    kind: str
    offset: int
    size_bytes: int


def read_table(read: Read, disk_bytes: int) -> tuple[Part, ...]:
    """Return the parts of a disk, without those that only hold others; () when it has no table that holds.

    Args:
        read: Reads the disk.
        disk_bytes: Its size.

    Raises:
        StickGoneError, StickIoError: From `read`.
    """
    entries = _read_entries(read, 0)
    if any(kind == _PROTECTIVE for kind, _, _ in entries):
        parts = _read_gpt(read, disk_bytes)
    else:
        parts = list(_read_mbr(read, entries))
    return tuple(
        part
        for part in parts
        if part.kind not in EXTENDED_KINDS and 0 < part.offset < part.offset + part.size_bytes <= disk_bytes
    )


def leave_out_system(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts where somebody may have files; all of them when there is no such."""
    return tuple(part for part in parts if part.kind not in SYSTEM_KINDS) or parts


def _read_entries(read: Read, sector: int) -> list[tuple[int, int, int]]:
    """Return the entries of an MBR or of a link of its chain: kind, first sector, sectors; [] for none."""
    block = read(sector * _SECTOR_SIZES[0], _SECTOR_SIZES[0])
    if len(block) < _SECTOR_SIZES[0] or block[-2:] != _BOOT_SIGNATURE:
        return []
    found = [_ENTRY.unpack_from(block, _ENTRIES_AT + number * _ENTRY.size) for number in range(4)]
    if any(status not in _STATUS for status, _, _, _ in found):
        return []
    return [(kind, first, count) for _, kind, first, count in found]


def _read_mbr(read: Read, entries: list[tuple[int, int, int]]) -> Iterator[Part]:
    """Yield the parts of an MBR, primary ones first."""
    chains = []
    for number, (kind, first, count) in enumerate(entries, 1):
        if kind and count:
            yield _make_part(number, kind, first, count)
            if f"0x{kind:x}" in EXTENDED_KINDS:
                chains.append(first)
    number = _FIRST_LOGICAL
    for chain in chains:
        link = chain
        for _ in range(_MAX_LOGICAL):
            logical, following, *_ = _read_entries(read, link) or [(0, 0, 0), (0, 0, 0)]
            if logical[0] and logical[2]:
                yield _make_part(number, logical[0], link + logical[1], logical[2])
                number += 1
            if f"0x{following[0]:x}" not in EXTENDED_KINDS:
                break
            link = chain + following[1]


def _make_part(number: int, kind: int, first: int, count: int) -> Part:
    """Return the part of an MBR's entry."""
    sector_bytes = _SECTOR_SIZES[0]
    return Part(
        number=number, kind=f"0x{kind:x}", offset=first * sector_bytes, size_bytes=count * sector_bytes
    )


def _read_gpt(read: Read, disk_bytes: int) -> list[Part]:
    """Return the parts of a GPT whose checksums hold; [] when neither copy's do."""
    for sector_bytes in _SECTOR_SIZES:
        for place in (sector_bytes, disk_bytes - sector_bytes):
            entries = _read_gpt_entries(read, place, sector_bytes)
            if entries is not None:
                return entries
    return []


def _read_gpt_entries(read: Read, place: int, sector_bytes: int) -> list[Part] | None:
    """Return the parts of one copy of a GPT; None when it is none."""
    block = read(place, _SECTOR_SIZES[0])
    if len(block) < _GPT.size:
        return None
    signature, _, size, checksum, _, _, _, _, _, _, first, count, entry_bytes, sum_of_all = _GPT.unpack_from(
        block
    )
    if signature != _GPT_SIGNATURE or not _GPT.size <= size <= len(block):
        return None
    header = bytearray(block[:size])
    header[_GPT_CHECKSUM_AT : _GPT_CHECKSUM_AT + 4] = bytes(4)
    if zlib.crc32(header) != checksum:
        return None
    if entry_bytes < _GPT_ENTRY.size or entry_bytes * count > _MAX_ENTRIES_BYTES:
        return None
    table = read(first * sector_bytes, entry_bytes * count)
    if len(table) < entry_bytes * count or zlib.crc32(table) != sum_of_all:
        return None
    parts = []
    for number in range(count):
        kind, _, low, high = _GPT_ENTRY.unpack_from(table, number * entry_bytes)
        if any(kind):
            parts.append(
                Part(
                    number=number + 1,
                    kind=str(uuid.UUID(bytes_le=kind)),
                    offset=low * sector_bytes,
                    size_bytes=(high - low + 1) * sector_bytes,
                )
            )
    return parts
