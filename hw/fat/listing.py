"""What mtools prints of a volume: its folders (mdir), its geometry (minfo), where a file lies (mshowfat).

Owns the reading of those three texts. Rules: the texts come from a stick that anybody may have made,
so each line fits its pattern or the stick is refused, every number is bounded by the volume, and a
file name never passes for a line of its own (mtools prints control characters as they are).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hw.errors import StickFormatError, StickVerifyError

_ENTRY = re.compile(
    r"(?P<stem>.{8}) (?P<extension>.{3}) +(?P<size><DIR>|\d+) +\d{4}-\d\d-\d\d +\d?\d:\d\d (?: (?P<long>.*))?"
)
_COUNT = re.compile(r" *(\d+) files? +[\d ]+ bytes")
_LABEL = re.compile(r" Volume in drive P is (.*?) *(\(abbr=.*\))?")
_EXTENT = re.compile(r"<(\d+)(?:-(\d+))?>")
_NUMBERS = {
    "sector_bytes": re.compile(r"^sector size: (\d+) bytes$", re.MULTILINE),
    "cluster_sectors": re.compile(r"^cluster size: (\d+) sectors$", re.MULTILINE),
    "reserved_sectors": re.compile(r"^reserved \(boot\) sectors: (\d+)$", re.MULTILINE),
    "fats": re.compile(r"^fats: (\d+)$", re.MULTILINE),
    "fat_sectors": re.compile(r"^Big fatlen=(\d+)$", re.MULTILINE),
    "sectors": re.compile(r"^big size: (\d+) sectors$", re.MULTILINE),
}
_INFO_SECTOR = re.compile(r"^infoSector location=(\d+)$", re.MULTILINE)
_ROOT_CLUSTER = re.compile(r"^rootCluster=(\d+)$", re.MULTILINE)
_FLAGS = re.compile(r"^Extended flags=0x([0-9a-fA-F]+)$", re.MULTILINE)
_ONE_FAT, _WHICH_FAT = 0x80, 0x0F  # of the flags: only one FAT is kept, and which one
_SMALL_SECTORS = re.compile(r"^small size: (\d+) sectors$", re.MULTILINE)
_SMALL_FAT = re.compile(r"^sectors per fat: (\d+)$", re.MULTILINE)
_SECTOR_SIZES = (512, 1024, 2048, 4096)
_FIRST_CLUSTER = 2
_LEAST_CLUSTERS = 65_525  # Microsoft FAT specification 1.03, 3.5; with fewer mtools reads a FAT of 16 bits
_ENTRY_BYTES = 4  # of a cluster, in a FAT of 32 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class StickFile:
    """A file or folder on a stick.

    Args:
        name: Its long name, or its short one when it has no other.
        short_name: The 8.3 name, which is taken as well.
        size_bytes: 0 for a folder.
        folder: Whether it is one.
    """

    name: str
    short_name: str
    size_bytes: int
    folder: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One folder.

    Args:
        label: The volume's, "" when it has none.
        files: In the stick's order, without `.` and `..`.
    """

    label: str
    files: tuple[StickFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """Where a FAT32 volume keeps its clusters; offsets are in bytes from the volume's start.

    Args:
        cluster_bytes: Size of a cluster.
        data_offset: Of the first cluster.
        clusters: How many there are.
        fat_offset: Of the FAT in force.
        info_offset: Of the FS information sector, 0 when there is none.
        copy_offset: Of the second FAT where both are kept, else 0.
        root_cluster: Where the root begins.
    """

    cluster_bytes: int
    data_offset: int
    clusters: int
    fat_offset: int
    info_offset: int
    copy_offset: int = 0
    root_cluster: int = _FIRST_CLUSTER

    def offset(self, cluster: int) -> int:
        """Return where a cluster begins, in bytes from the volume's start."""
        return self.data_offset + (cluster - _FIRST_CLUSTER) * self.cluster_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A run of bytes on the volume."""

    offset: int
    length: int


def parse_listing(text: str) -> Listing:
    """Return what `mdir -a -f` says of a folder.

    Raises:
        StickFormatError: The folder holds a name that breaks the list, or nothing that is a list.
    """
    lines = text.rstrip().split("\n")
    titles = [place for place, line in enumerate(lines) if line.startswith("Directory for P:")]
    if not titles:
        raise StickFormatError("a folder on the stick cannot be listed")
    # the frame is mtools' own: what stands between, a name on the stick could have written
    header, body = lines[: titles[0]], [line for line in lines[titles[0] + 1 :] if line.strip()]
    files: list[StickFile] = []
    if body != ["No files"]:
        count = _COUNT.fullmatch(body[-1]) if body else None
        entries = [_ENTRY.fullmatch(line) for line in body[:-1]]
        files = [_read_entry(entry) for entry in entries if entry is not None]
        if count is None or not int(count[1]) == len(files) == len(entries):
            raise StickFormatError("a folder on the stick holds a name that is none")
    return Listing(
        label=next((found[1] for line in header if (found := _LABEL.fullmatch(line))), ""),
        files=tuple(item for item in files if item.name not in {".", ".."}),
    )


def _read_entry(found: re.Match[str]) -> StickFile:
    """Return the file that a line names."""
    stem, extension = found["stem"].rstrip(), found["extension"].rstrip()
    short_name = f"{stem}.{extension}" if extension else stem
    folder = found["size"] == "<DIR>"
    return StickFile(
        name=found["long"] or short_name,
        short_name=short_name,
        size_bytes=0 if folder else int(found["size"]),
        folder=folder,
    )


def parse_geometry(text: str, volume_bytes: int) -> Geometry:
    """Return what `minfo` says of a volume.

    Args:
        text: Printed by minfo.
        volume_bytes: Size of the node.

    Raises:
        StickFormatError: It is FAT12 or FAT16, or its numbers do not fit the node.
    """
    small_fat = _SMALL_FAT.search(text)
    if small_fat and int(small_fat[1]) != 0:
        raise StickFormatError("the stick is FAT12 or FAT16; FAT32 is taken")
    numbers = {name: int(found[1]) for name, pattern in _NUMBERS.items() if (found := pattern.search(text))}
    small = _SMALL_SECTORS.search(text)
    if small and int(small[1]):
        numbers["sectors"] = int(small[1])
    if len(numbers) < len(_NUMBERS) or numbers["sector_bytes"] not in _SECTOR_SIZES:
        raise StickFormatError("the stick is not FAT32")
    data_sector = numbers["reserved_sectors"] + numbers["fats"] * numbers["fat_sectors"]
    clusters = (numbers["sectors"] - data_sector) // max(numbers["cluster_sectors"], 1)
    fits = numbers["sectors"] * numbers["sector_bytes"] <= volume_bytes
    if not fits or clusters <= 0 or numbers["cluster_sectors"] == 0:
        raise StickFormatError("the stick's FAT32 does not fit its size")
    if clusters < _LEAST_CLUSTERS:
        raise StickFormatError(f"the stick's FAT32 has {clusters} clusters; {_LEAST_CLUSTERS} are the least")
    if numbers["fat_sectors"] * numbers["sector_bytes"] < (clusters + _FIRST_CLUSTER) * _ENTRY_BYTES:
        raise StickFormatError("the stick's FAT is too short for its clusters")
    return Geometry(
        cluster_bytes=numbers["cluster_sectors"] * numbers["sector_bytes"],
        data_offset=data_sector * numbers["sector_bytes"],
        clusters=clusters,
        fat_offset=(numbers["reserved_sectors"] + _find_fat(text, numbers["fats"]) * numbers["fat_sectors"])
        * numbers["sector_bytes"],
        info_offset=_find_info(text, numbers["reserved_sectors"]) * numbers["sector_bytes"],
        copy_offset=_find_copy(text, numbers) * numbers["sector_bytes"],
        root_cluster=int(found[1]) if (found := _ROOT_CLUSTER.search(text)) else _FIRST_CLUSTER,
    )


def _find_fat(text: str, fats: int) -> int:
    """Return the number of the FAT in force, as mtools takes it: the first, unless only another is kept."""
    found = _FLAGS.search(text)
    flags = int(found[1], 16) if found else 0
    return flags & _WHICH_FAT if flags & _ONE_FAT and flags & _WHICH_FAT < fats else 0


def _find_copy(text: str, numbers: dict[str, int]) -> int:
    """Return the sector of the second FAT, 0 where only one is kept."""
    found = _FLAGS.search(text)
    is_kept = numbers["fats"] > 1 and not (found and int(found[1], 16) & _ONE_FAT)
    return numbers["reserved_sectors"] + numbers["fat_sectors"] if is_kept else 0


def _find_info(text: str, reserved_sectors: int) -> int:
    """Return the sector of the FS information, 0 for none."""
    found = _INFO_SECTOR.search(text)
    sector = int(found[1]) if found else 0
    return sector if sector < reserved_sectors else 0


def parse_extents(text: str, geometry: Geometry, size_bytes: int) -> tuple[Extent, ...]:
    """Return where a file lies, cut to its size, as `mshowfat` says.

    Args:
        text: Printed by mshowfat for one file.
        geometry: Of the volume.
        size_bytes: Of the file, as its folder says.

    Raises:
        StickVerifyError: The chain of clusters leaves the volume or does not fit the size.
    """
    extents = list(_find_extents(text, geometry))
    whole = sum(extent.length for extent in extents)
    if whole != -(-size_bytes // geometry.cluster_bytes) * geometry.cluster_bytes:
        raise StickVerifyError("a file's clusters do not fit its size")
    if extents:
        last = extents.pop()
        extents.append(Extent(offset=last.offset, length=last.length - (whole - size_bytes)))
    return tuple(extents)


def _find_extents(text: str, geometry: Geometry) -> Iterator[Extent]:
    """Yield each run of clusters."""
    for found in _EXTENT.finditer(text):
        first, last = int(found[1]), int(found[2] or found[1])
        if not _FIRST_CLUSTER <= first <= last < geometry.clusters + _FIRST_CLUSTER:
            raise StickVerifyError("a file's clusters lie outside the volume")
        yield Extent(offset=geometry.offset(first), length=(last - first + 1) * geometry.cluster_bytes)
