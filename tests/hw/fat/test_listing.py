import pytest

from hw.errors import StickFormatError, StickVerifyError
from hw.fat.listing import Extent, Geometry, StickFile, parse_extents, parse_geometry, parse_listing

LISTING = """ Volume in drive P is PISM-ALL   
 Volume Serial Number is E3FE-CDF3
Directory for P:/

hello    txt         3 2026-11-23  15:39 
PISM-R~1 PAR    300000 2026-11-23  15:39  pism-receipt-main-kudo-000001.json.part
public       <DIR>     2026-11-23  15:39 
odd                  0 1980-00-00   0:00 
        4 files             300 003 bytes
"""  # noqa: W291  (as mtools prints it)
EMPTY = """ Volume in drive P has no label
 Volume Serial Number is FF73-15EA
Directory for P:/

No files
"""
SHAPE = """sector size: 512 bytes
cluster size: 1 sectors
reserved (boot) sectors: 32
fats: 2
small size: 0 sectors
sectors per fat: 0
hidden sectors: 0
big size: 131072 sectors
Big fatlen=1024
Extended flags=0x0000
infoSector location=1
"""
SMALL = Geometry(cluster_bytes=1000, data_offset=10_000, clusters=100, fat_offset=1000, info_offset=0)


def test_reads_names_sizes_and_folders() -> None:
    listing = parse_listing(LISTING)
    assert listing.label == "PISM-ALL"
    assert [(item.name, item.size_bytes, item.folder) for item in listing.files] == [
        ("hello.txt", 3, False),
        ("pism-receipt-main-kudo-000001.json.part", 300_000, False),
        ("public", 0, True),
        ("odd", 0, False),
    ]
    assert listing.files[1].short_name == "PISM-R~1.PAR"


def test_reads_an_empty_folder_of_a_volume_without_label() -> None:
    assert parse_listing(EMPTY).files == ()
    assert parse_listing(EMPTY).label == ""


def test_leaves_out_the_folder_itself_and_the_one_above() -> None:
    text = LISTING.replace("public   ", ".        ").replace("odd      ", "..       ")
    assert [item.name for item in parse_listing(text).files] == [
        "hello.txt",
        "pism-receipt-main-kudo-000001.json.part",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing\n",
        LISTING.replace("json.part", "json\npart"),
        LISTING.replace("json.part", "json\nfake     txt         3 2026-11-23  15:39 "),
        LISTING.replace(" 4 files", " 5 files"),
        LISTING.replace("Directory for P:/", "Elsewhere"),
        LISTING.replace("300 003 bytes", "300 003 bites"),
        EMPTY.replace("No files", "No file"),
    ],
)
def test_refuses_a_list_that_a_name_on_the_stick_has_written(text: str) -> None:
    with pytest.raises(StickFormatError):
        parse_listing(text)


def test_a_name_cannot_write_the_label() -> None:
    text = LISTING.replace("json.part", "json\n Volume in drive P is PISM-RESCUE")
    with pytest.raises(StickFormatError):
        parse_listing(text)


def test_reads_where_the_clusters_lie() -> None:
    shape = parse_geometry(SHAPE, 131072 * 512)
    assert shape == Geometry(
        cluster_bytes=512,
        data_offset=(32 + 2048) * 512,
        clusters=131072 - 2080,
        fat_offset=32 * 512,
        info_offset=512,
        copy_offset=(32 + 1024) * 512,
    )
    assert shape.offset(3) == shape.data_offset + 512


@pytest.mark.parametrize(("flags", "fat"), [("0x0001", 0), ("0x0081", 1), ("0x0080", 0), ("0x008f", 0)])
def test_the_fat_in_force_is_the_one_that_is_kept(flags: str, fat: int) -> None:
    shape = parse_geometry(SHAPE.replace("0x0000", flags), 131072 * 512)
    assert shape.fat_offset == (32 + fat * 1024) * 512


@pytest.mark.parametrize("line", ["", "infoSector location=65535", "infoSector location=0"])
def test_a_volume_need_not_have_an_information_sector(line: str) -> None:
    shape = parse_geometry(SHAPE.replace("infoSector location=1", line), 131072 * 512)
    assert shape.info_offset == 0


def test_takes_the_small_size_when_it_is_the_one_that_is_set() -> None:
    text = SHAPE.replace("small size: 0", "small size: 67605").replace("big size: 131072", "big size: 0")
    assert parse_geometry(text, 70000 * 512).clusters == 67605 - 2080


@pytest.mark.parametrize(
    "text",
    [
        "",
        SHAPE.replace("sectors per fat: 0", "sectors per fat: 200"),
        SHAPE.replace("Big fatlen=1024\n", ""),
        SHAPE.replace("sector size: 512", "sector size: 513"),
        SHAPE.replace("cluster size: 1", "cluster size: 0"),
        SHAPE.replace("big size: 131072", "big size: 131073"),
        SHAPE.replace("Big fatlen=1024", "Big fatlen=70000"),
        SHAPE.replace("Big fatlen=1024", "Big fatlen=1007"),
        SHAPE.replace("cluster size: 1", "cluster size: 2"),
    ],
)
def test_refuses_what_is_not_fat32_or_does_not_fit_its_node(text: str) -> None:
    with pytest.raises(StickFormatError) as caught:
        parse_geometry(text, 131072 * 512)
    assert caught.value.code == "E-STICK-FORMAT"


def test_cuts_the_last_cluster_to_the_files_size() -> None:
    assert parse_extents("P:/a <4-5> <9>", SMALL, 2500) == (
        Extent(offset=12_000, length=2000),
        Extent(offset=17_000, length=500),
    )


def test_an_empty_file_has_no_clusters() -> None:
    assert parse_extents("P:/empty Root directory or empty file", SMALL, 0) == ()


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("P:/a <4-5>", 2001), ("P:/a <4-5>", 1000), ("P:/a <1>", 10), ("P:/a <102>", 10), ("P:/a <9-8>", 10)],
)
def test_refuses_clusters_that_do_not_fit(text: str, size_bytes: int) -> None:
    with pytest.raises(StickVerifyError):
        parse_extents(text, SMALL, size_bytes)


def test_a_file_is_a_value() -> None:
    assert StickFile(name="a", short_name="A", size_bytes=1, folder=False).size_bytes == 1
