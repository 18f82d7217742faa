"""A folder that a pull left open: its chain leads to a cluster that is free, where every tool stops.

Where a folder grows, mtools writes the link to the new cluster into the first FAT, later the end of the chain
behind it, and only then the second FAT. Rules:

1. Mended is just what a pull in between leaves: the first FAT leads to a cluster that both FATs call free,
   where the second FAT still has the end. That end, four bytes, goes into the first one, and the folder
   is what it was before it grew; nothing lies in a cluster that was never taken.
2. Every other damage is left to whoever checks the stick on a PC.
3. What is read is bounded, and looked at as 32-bit numbers, nothing else.

Left to others: writing it (hw.fat.mtools).
"""

import struct

from hw.fat.listing import Geometry
from hw.ports import Medium

_ENTRY_BYTES = 4
_CLUSTER_BITS = 0x0FFFFFFF  # the upper four are reserved
_END = 0x0FFFFFF8  # and all above it
_END_MARK = struct.pack("<I", _CLUSTER_BITS)
_FIRST_CLUSTER = 2
_MOST_CLUSTERS = 4096  # a folder has at most 2 MiB (Microsoft FAT specification 1.03, section 6)


def find_open_end(medium: Medium, geometry: Geometry, first: int) -> tuple[int, bytes] | None:
    """Return where the end of a folder's chain is to be written, and its four bytes.

    Args:
        medium: Claimed.
        geometry: Of its volume.
        first: Cluster in which the folder begins.

    Returns:
        The place is in bytes from the volume's start; None where it is not left open so.

    Raises:
        StickGoneError, StickIoError: It cannot be read.
    """
    clusters = range(_FIRST_CLUSTER, geometry.clusters + _FIRST_CLUSTER)
    if not geometry.copy_offset or first not in clusters:
        return None
    cluster = first
    for _ in range(_MOST_CLUSTERS):
        link = _follow(medium, geometry.fat_offset, cluster)
        if link not in clusters:
            return None
        if _follow(medium, geometry.fat_offset, link) == 0:
            end = _read(medium, geometry.copy_offset, cluster)
            is_free = _follow(medium, geometry.copy_offset, link) == 0
            is_end = _follow(medium, geometry.copy_offset, cluster) >= _END
            return (geometry.fat_offset + cluster * _ENTRY_BYTES, end) if is_free and is_end else None
        cluster = link
    return None


def end_of(geometry: Geometry, cluster: int) -> tuple[tuple[int, bytes], ...]:
    """Return where it is to be written that a chain ends at a cluster, and the four bytes.

    Args:
        geometry: Of the volume.
        cluster: The last of a chain of ours, which the FAT calls free.

    Returns:
        One place for each FAT, in bytes from the volume's start; nothing for what is no cluster.
    """
    if cluster not in range(_FIRST_CLUSTER, geometry.clusters + _FIRST_CLUSTER):
        return ()
    offsets = (geometry.fat_offset, geometry.copy_offset)
    return tuple((offset + cluster * _ENTRY_BYTES, _END_MARK) for offset in offsets if offset)


def _follow(medium: Medium, fat_offset: int, cluster: int) -> int:
    """Return what a FAT says of a cluster: the next one, an end, or 0 where it is free."""
    (entry,) = struct.unpack("<I", _read(medium, fat_offset, cluster))
    return int(entry) & _CLUSTER_BITS


def _read(medium: Medium, fat_offset: int, cluster: int) -> bytes:
    """Return the four bytes of a cluster's entry; a FAT that ends too early calls it free."""
    return b"".join(medium.read(fat_offset + cluster * _ENTRY_BYTES, _ENTRY_BYTES)).ljust(_ENTRY_BYTES, b"\0")
