"""What lies on a stick, read in the sandbox: the kind of file system, its label, the kind of a part.

On the box udev looks at no stick (systemd/udev): nothing but the kernel reads one outside the sandbox. Rules:

1. The answer has the names and forms of udev's properties (libblkid), so that hw.sticks reads both alike.
2. Every length that the stick gives is bounded before it is read; what does not fit is no file system.
3. Labels are read of what a PC gives its owner: FAT, exFAT, NTFS, ext. Others have their kind only.
4. It runs in a confined child (hw.fat.sandbox): what that says is as trustworthy as the stick.

Sources: Microsoft FAT specification 1.03; Microsoft exFAT specification 1.00; the kernel's fat_read_bpb and
libblkid, where these are stricter or more lenient than the papers.
"""

import struct
from collections.abc import Callable, Iterator

from hw.medium.table import read_table

Read = Callable[[int, int], bytes]
"""read(offset, length), in bytes; fewer at the end."""

_SECTOR_BYTES = 512
_SECTOR_SIZES = (512, 1024, 2048, 4096)
_MAX_FOLDER_BYTES = 1 << 16
"""So much of a root folder is looked through for a label; programs write it first."""

_ENTRY_BYTES = 32
_FAT_VOLUME, _FAT_FOLDER, _FAT_LONG = 0x08, 0x10, 0x0F
_FAT_DELETED, _FAT_KANJI = 0xE5, 0x05
_FAT_MEDIA = (0xF0, *range(0xF8, 0x100))
_FAT_JUMPS = (0xEB, 0xE9)
_BLANKS = b" \t\n\v\f\r"
_FIRST_CLUSTER, _LAST_CLUSTER = 2, 0x0FFFFFF6
_CLUSTER_BITS, _CLUSTER_BYTES = 0x0FFFFFFF, 4
_EXFAT_SECTOR_SHIFTS, _EXFAT_CLUSTER_SHIFT = range(9, 13), 25  # exFAT specification 3.1.14, 3.1.15
_EXFAT_LABEL, _EXFAT_LABEL_LETTERS = 0x83, 11
_NTFS_VOLUME, _NTFS_NAME, _NTFS_RECORD, _NTFS_RECORD_BYTES = 3, 0x60, b"FILE", (512, 1024, 2048, 4096)
_NTFS_NAME_BYTES = 24
"""So much is told of a name that may be longer: the panel has fewer columns."""
_EXT_BLOCK, _EXT_LABEL, _EXT_LABEL_BYTES = 1024, 0x78, 16

_MAGIC = (
    (0x03, b"EXFAT   ", "exfat"),
    (0x03, b"NTFS    ", "ntfs"),
    (0x438, b"\x53\xef", "ext"),
    (0x8001, b"CD001", "iso9660"),
    (0x400, b"H+", "hfsplus"),
    (0x400, b"HX", "hfsplus"),
    (0x20, b"NXSB", "apfs"),
    (0x00, b"XFSB", "xfs"),
    (0x10040, b"_BHRfS_M", "btrfs"),
    (0x00, b"LUKS\xba\xbe", "luks"),
)


def look(read: Read, disk_bytes: int, offset: int, size_bytes: int) -> dict[str, str]:
    """Return what lies at a place of a disk, as udev would call it.

    Args:
        read: Reads the disk.
        disk_bytes: Its size.
        offset: Where the place begins, in bytes; 0 for the disk itself.
        size_bytes: How long it is.

    Returns:
        ID_FS_USAGE, ID_FS_TYPE, ID_FS_LABEL_ENC and ID_FS_UUID as far as there is such, and of a part
        ID_PART_ENTRY_TYPE.

    Raises:
        OSError: From `read`.
    """

    def read_here(place: int, length: int) -> bytes:
        return read(offset + place, max(0, min(length, size_bytes - place)))

    found = _find_filesystem(read_here)
    if offset:
        kind = next((part.kind for part in read_table(read, disk_bytes) if part.offset == offset), None)
        if kind is not None:
            found["ID_PART_ENTRY_TYPE"] = kind
    return found


def _find_filesystem(read: Read) -> dict[str, str]:
    """Return the properties of a file system that begins at the first byte; {} for none that is known."""
    boot = read(0, _SECTOR_BYTES)
    if len(boot) < _SECTOR_BYTES:
        return {}
    fat = _read_fat(read, boot)
    if fat is not None:
        return {"ID_FS_USAGE": "filesystem", "ID_FS_TYPE": "vfat", **fat}
    for place, magic, kind in _MAGIC:
        if read(place, len(magic)) == magic:
            read_label = _LABELS.get(kind)
            label = read_label(read) if read_label else b""
            return {"ID_FS_USAGE": "filesystem", "ID_FS_TYPE": kind, **_encode(label)}
    return {}


def _read_fat(read: Read, boot: bytes) -> dict[str, str] | None:
    """Return label and serial number of a FAT; None where the sector does not begin one."""
    sector_bytes, per_cluster, reserved, fats, root_entries, _, media, per_fat_16 = struct.unpack_from(
        "<HBHBHHBH", boot, 11
    )
    sound = (
        boot[0] in _FAT_JUMPS
        and sector_bytes in _SECTOR_SIZES
        and per_cluster.bit_count() == 1
        and reserved > 0
        and fats > 0
        and media in _FAT_MEDIA
    )
    per_fat, root_cluster = struct.unpack_from("<I4xI", boot, 36)
    if not sound or not (per_fat_16 or per_fat):
        return None
    if per_fat_16:
        folder = read((reserved + fats * per_fat_16) * sector_bytes, _bound(root_entries * _ENTRY_BYTES))
        number = boot[39:43]
    else:
        folder = _read_chain(
            read,
            table=reserved * sector_bytes,
            data=(reserved + fats * per_fat) * sector_bytes,
            cluster_bytes=per_cluster * sector_bytes,
            first=root_cluster,
        )
        number = boot[67:71]
    serial = number[::-1].hex().upper()
    return {"ID_FS_UUID": f"{serial[:4]}-{serial[4:]}"} | _encode(_find_fat_label(folder))


def _find_fat_label(folder: bytes) -> bytes:
    """Return the label that a FAT's root folder has, b"" for none."""
    for entry in _split(folder):
        if entry[0] == 0:
            break
        attributes, cluster = entry[11], (*entry[20:22], *entry[26:28])
        if entry[0] == _FAT_DELETED or attributes & _FAT_LONG == _FAT_LONG or any(cluster):
            continue
        if attributes & (_FAT_VOLUME | _FAT_FOLDER) == _FAT_VOLUME:
            first = _FAT_DELETED if entry[0] == _FAT_KANJI else entry[0]
            return (bytes([first]) + entry[1:11]).partition(b"\0")[0].rstrip(_BLANKS)  # as libblkid
    return b""


def _read_exfat_label(read: Read) -> bytes:
    """Return the label of an exFAT in UTF-8 (exFAT specification 7.3)."""
    table, _, data, _, root = struct.unpack("<5I", read(80, 20))
    sector_shift, cluster_shift = read(108, 2)
    if sector_shift not in _EXFAT_SECTOR_SHIFTS or sector_shift + cluster_shift > _EXFAT_CLUSTER_SHIFT:
        return b""
    folder = _read_chain(
        read,
        table=table << sector_shift,
        data=data << sector_shift,
        cluster_bytes=1 << (sector_shift + cluster_shift),
        first=root,
    )
    for entry in _split(folder):
        if entry[0] == 0:
            break
        if entry[0] == _EXFAT_LABEL:
            letters = entry[2 : 2 + 2 * min(entry[1], _EXFAT_LABEL_LETTERS)]
            return letters.decode("utf-16-le", "replace").encode()
    return b""


def _read_ext_label(read: Read) -> bytes:
    """Return the label of an ext2, ext3 or ext4."""
    return read(_EXT_BLOCK + _EXT_LABEL, _EXT_LABEL_BYTES).partition(b"\0")[0]


def _read_ntfs_label(read: Read) -> bytes:
    """Return the label of an NTFS in UTF-8: the name attribute of its file record 3, $Volume."""
    sector_bytes, per_cluster = struct.unpack("<HB", read(11, 3))
    table, size = struct.unpack("<Q8xb", read(48, 17))
    cluster_bytes = sector_bytes * per_cluster
    record_bytes = size * cluster_bytes if size > 0 else 1 << min(-size, 31)
    if record_bytes not in _NTFS_RECORD_BYTES:
        return b""
    record = read(table * cluster_bytes + _NTFS_VOLUME * record_bytes, record_bytes)
    if len(record) < record_bytes or record[:4] != _NTFS_RECORD:
        return b""
    (place,) = struct.unpack_from("<H", record, 20)
    while place + 24 <= record_bytes:
        kind, length, is_elsewhere, value_bytes, value_at = struct.unpack_from("<IIB7xIH", record, place)
        if kind == _NTFS_NAME and not is_elsewhere:
            value = record[place + value_at :][:value_bytes]
            return value.decode("utf-16-le", "replace").encode("utf-8", "replace")[:_NTFS_NAME_BYTES]
        place += max(length, 24)
    return b""


_LABELS = {"exfat": _read_exfat_label, "ntfs": _read_ntfs_label, "ext": _read_ext_label}


def _read_chain(read: Read, *, table: int, data: int, cluster_bytes: int, first: int) -> bytes:
    """Return the first bytes of a chain of clusters; it ends where it leaves the volume, or at the bound."""
    found, cluster = b"", first
    wanted = _bound(cluster_bytes)
    while _FIRST_CLUSTER <= cluster <= _LAST_CLUSTER and len(found) < _MAX_FOLDER_BYTES:
        piece = read(data + (cluster - _FIRST_CLUSTER) * cluster_bytes, wanted)
        following = read(table + cluster * _CLUSTER_BYTES, _CLUSTER_BYTES)
        found += piece
        if len(piece) < wanted or len(following) < _CLUSTER_BYTES:
            break
        cluster = int.from_bytes(following, "little") & _CLUSTER_BITS
    return found


def _split(folder: bytes) -> Iterator[bytes]:
    """Yield the whole entries of a folder."""
    for place in range(0, len(folder) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        yield folder[place : place + _ENTRY_BYTES]


def _encode(label: bytes) -> dict[str, str]:
    r"""Return the property of a label, every byte as \xNN; none for none."""
    return {"ID_FS_LABEL_ENC": "".join(f"\\x{byte:02x}" for byte in label)} if label else {}


def _bound(length: int) -> int:
    return min(length, _MAX_FOLDER_BYTES)
