"""Free room on a FAT32 volume, counted where it is: in the file allocation table.

Owns the counting, and the reading of the hint that the FS information sector gives. Rules:

1. The hint is believed by nobody: after an unclean pull it is wrong, and a wrong 0 makes an empty stick full
   (Microsoft FAT specification 1.03, section 5: "is not necessarily correct").
2. What is read is bounded by the volume's geometry, and looked at as 32-bit numbers, nothing else.

Left to others: having mtools forget the hint (hw.fat.mtools).
"""

import struct

from hw.errors import StickFormatError
from hw.fat.listing import Geometry
from hw.ports import Medium

_ENTRY_BYTES = 4
_FIRST_ENTRIES = 2  # of no cluster: media byte and flags
_LOW_BITS = bytes(value & 0x0F for value in range(256))  # an entry's upper four are reserved: no part of it
_LEAD, _STRUCTURE = 0x41615252, 0x61417272
_LEAD_AT, _STRUCTURE_AT = 0, 484
_HINT_AT = 488
_UNKNOWN = 0xFFFFFFFF
UNKNOWN_HINT = struct.pack("<I", _UNKNOWN)
"""What the hint is when nobody claims to know."""


def count_free_clusters(medium: Medium, geometry: Geometry, enough: int | None = None) -> int:
    """Return how many clusters no file has, as the FAT says.

    Args:
        medium: Claimed.
        geometry: Of its volume.
        enough: Stop when so many are found; None counts all.

    Raises:
        StickFormatError: The FAT ends too early.
        StickGoneError, StickIoError: It cannot be read.
    """
    first = geometry.fat_offset + _FIRST_ENTRIES * _ENTRY_BYTES
    free, left_bytes, rest = 0, geometry.clusters * _ENTRY_BYTES, b""
    for piece in medium.read(first, left_bytes):
        left_bytes -= len(piece)
        entries = rest + piece
        whole = len(entries) - len(entries) % _ENTRY_BYTES
        free += _count_zeros(entries[:whole])
        rest = entries[whole:]
        if enough is not None and free >= enough:
            return free
    if left_bytes:
        raise StickFormatError("the stick's FAT ends too early")
    return free


def _count_zeros(entries: bytes) -> int:
    """Return how many entries say that their cluster is free; some milliseconds for a MiB."""
    lanes = (entries[0::4], entries[1::4], entries[2::4], entries[3::4].translate(_LOW_BITS))
    together = 0
    for lane in lanes:
        together |= int.from_bytes(lane, "little")
    return together.to_bytes(len(lanes[0]), "little").count(0)


def hint_offset(geometry: Geometry) -> int:
    """Return where the hint stands, in bytes from the volume's start."""
    return geometry.info_offset + _HINT_AT


def read_hint(medium: Medium, geometry: Geometry) -> int | None:
    """Return how many clusters are free, as the FS information sector says.

    Args:
        medium: Claimed.
        geometry: Of its volume.

    Returns:
        None when there is no such sector, or it does not say.

    Raises:
        StickGoneError, StickIoError: It cannot be read.
    """
    if not geometry.info_offset:
        return None
    sector = b"".join(medium.read(geometry.info_offset, _HINT_AT + _ENTRY_BYTES))
    if len(sector) < _HINT_AT + _ENTRY_BYTES:
        return None
    lead, structure, free = (
        int(struct.unpack_from("<I", sector, place)[0]) for place in (_LEAD_AT, _STRUCTURE_AT, _HINT_AT)
    )
    return None if (lead, structure) != (_LEAD, _STRUCTURE) or free == _UNKNOWN else free
