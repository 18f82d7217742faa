"""Where the papers beside an archive go."""

from core.api.results import ArchiveWritten, Companion
from kiosk.work.sidecars import place_companions


def written(*paths: tuple[str, bool]) -> ArchiveWritten:
    return ArchiveWritten(
        kind="egress",
        name="main-kudo",
        sequence=12,
        archive_name="main-kudo-000012-20270201T120000Z.tar.age",
        size_bytes=1,
        sha256="0" * 64,
        companions=tuple(Companion(path=path, data=b"x", numbered=numbered) for path, numbered in paths),
    )


PAPERS = written(
    ("public/roots.pem", False),
    ("public/a.crl", False),
    ("next-visit.ics", False),
    ("pism-receipt-main-kudo-000012.json", True),
)


def test_on_an_empty_stick_every_paper_has_its_own_name() -> None:
    places = place_companions(PAPERS, ())
    assert all(path == place for path, place in places.items())
    assert [*places] == [item.path for item in PAPERS.companions]


def test_a_taken_name_gets_the_number_of_the_archive_whatever_its_case() -> None:
    assert place_companions(PAPERS, ("PUBLIC", "Next-Visit.ICS", "other.txt")) == {
        "public/roots.pem": "public-main-kudo-000012/roots.pem",
        "public/a.crl": "public-main-kudo-000012/a.crl",
        "next-visit.ics": "next-visit-main-kudo-000012.ics",
        "pism-receipt-main-kudo-000012.json": "pism-receipt-main-kudo-000012.json",
    }


def test_a_name_without_ending_keeps_none() -> None:
    assert place_companions(written(("notes", False)), ("notes",)) == {"notes": "notes-main-kudo-000012"}
