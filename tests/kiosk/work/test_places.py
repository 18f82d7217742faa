"""Where an archive and the files beside it go."""

from collections.abc import Mapping
from hashlib import sha256

import pytest

from core.api.results import ArchiveWritten, Companion
from core.errors import FileError
from kiosk.work.places import Standing, place_files

ARCHIVE = "main-kudo-000012-20270201T120000Z.tar.age"
RECEIPT = "pism-receipt-main-kudo-000012.json"
FILES = (("public/roots.pem", False), ("public/a.crl", False), ("next-visit.ics", False), (RECEIPT, True))


def written(*files: tuple[str, bool]) -> ArchiveWritten:
    return ArchiveWritten(
        kind="egress",
        name="main-kudo",
        sequence=12,
        mark="3fa41b9c",
        archive_name=ARCHIVE,
        size_bytes=1,
        sha256=sha256(b"x").hexdigest(),
        companions=tuple(Companion(path=path, data=b"x", numbered=numbered) for path, numbered in files),
    )


class Files:
    """A medium with files; names that differ in case only are one."""

    def __init__(self, files: Mapping[str, bytes] = {}, earlier: bytes = b"earlier") -> None:
        self.files = {path.lower(): data for path, data in files.items()}
        self.earlier = earlier

    def standing(self, path: str, size_bytes: int, sha256: str) -> Standing:
        data = self.files.get(path.lower())
        if data is None:
            return Standing.FREE
        if data == self.earlier:
            return Standing.EARLIER
        return Standing.THERE if _hash(data) == sha256 else Standing.TAKEN

    def names_in(self, folder: str) -> tuple[str, ...]:
        prefix = f"{folder.lower()}/"
        return tuple(path.removeprefix(prefix) for path in self.files if path.startswith(prefix))


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()


def places(files: Mapping[str, bytes] = {}) -> dict[str, str]:
    return {one.file.path: one.place for one in place_files(written(*FILES), Files(files))}


OWN = {ARCHIVE: ARCHIVE, **{path: path for path, _ in FILES}}


def test_on_an_empty_stick_every_file_has_its_own_name_and_the_receipt_is_last() -> None:
    assert places() == OWN
    assert [*places()] == [ARCHIVE, *(path for path, _ in FILES)]
    assert not any(one.is_there for one in place_files(written(*FILES), Files()))


def test_what_stands_there_already_is_not_moved() -> None:
    there = {ARCHIVE: b"x", "public/roots.pem": b"x", "next-visit.ics": b"x"}
    placed = place_files(written(*FILES), Files(there))
    assert {one.place for one in placed if one.is_there} == {*there}
    assert {one.file.path: one.place for one in placed} == OWN


@pytest.mark.parametrize(
    ("taken", "moved"),
    [
        ("Next-Visit.ICS", {"next-visit.ics": "next-visit-main-kudo-000012.ics"}),
        (RECEIPT, {RECEIPT: "pism-receipt-main-kudo-000012-3fa41b9c.json"}),
        (ARCHIVE, {ARCHIVE: "main-kudo-000012-20270201T120000Z-3fa41b9c.tar.age"}),
        *(
            (
                f"public/{name}",
                {
                    "public/roots.pem": "public-main-kudo-000012/roots.pem",
                    "public/a.crl": "public-main-kudo-000012/a.crl",
                },
            )
            for name in ("ROOTS.PEM", "holiday.jpg")
        ),
    ],
)
def test_a_taken_name_gets_what_no_other_archive_of_any_box_has(taken: str, moved: dict[str, str]) -> None:
    assert places({taken: b"of the operator"}) == OWN | moved


def test_an_earlier_file_of_the_box_gives_its_name_to_the_newest() -> None:
    there = {"public/roots.pem": b"earlier", "public/b.crl": b"earlier", "next-visit.ics": b"earlier"}
    placed = place_files(written(*FILES), Files(there))
    assert {one.file.path: one.place for one in placed} == OWN
    assert {one.place for one in placed if one.standing is Standing.EARLIER} == {
        "public/roots.pem", "next-visit.ics",
    }  # fmt: skip


def test_what_has_a_number_is_never_replaced() -> None:
    found = places({RECEIPT: b"earlier", ARCHIVE: b"earlier"})
    assert found[RECEIPT] == "pism-receipt-main-kudo-000012-3fa41b9c.json"
    assert found[ARCHIVE] == "main-kudo-000012-20270201T120000Z-3fa41b9c.tar.age"


def test_what_a_system_leaves_in_a_folder_of_ours_does_not_drive_us_out() -> None:
    assert places({"public/roots.pem": b"earlier", "public/.DS_Store": b"of the system"}) == OWN


def test_an_earlier_file_beside_one_of_the_operators_stays() -> None:
    found = places({"public/roots.pem": b"earlier", "public/a.crl": b"of the operator"})
    assert found["public/roots.pem"] == "public-main-kudo-000012/roots.pem"


def test_a_number_that_came_back_gets_the_mark_of_the_box() -> None:
    there = {"next-visit.ics": b"1", "next-visit-main-kudo-000012.ics": b"of another box"}
    assert places(there)["next-visit.ics"] == "next-visit-main-kudo-000012-3fa41b9c.ics"


def test_a_name_that_was_altered_twice_gets_a_count() -> None:
    found = places({RECEIPT: b"1", "pism-receipt-main-kudo-000012-3fa41b9c.json": b"2"})
    assert found[RECEIPT] == "pism-receipt-main-kudo-000012-3fa41b9c-2.json"


def test_a_stick_without_a_name_left_is_refused() -> None:
    class Full(Files):
        def standing(self, path: str, size_bytes: int, sha256: str) -> Standing:
            return Standing.TAKEN

    with pytest.raises(FileError, match="taken"):
        place_files(written(*FILES), Full())


def test_a_name_without_ending_keeps_none() -> None:
    (_, notes) = place_files(written(("notes", False)), Files({"notes": b""}))
    assert notes.place == "notes-main-kudo-000012"
