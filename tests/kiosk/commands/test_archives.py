"""An archive and its sidecars in a folder."""

import io
from pathlib import Path

import pytest

from core.api.results import ArchiveWritten, Companion
from core.errors import FileError
from kiosk.commands.archives import _place


def written(*paths: str) -> ArchiveWritten:
    return ArchiveWritten(
        kind="egress",
        name="main-kudo",
        sequence=1,
        mark="3fa41b9c",
        archive_name="main-kudo-000001-20270201T120000Z.tar.age",
        size_bytes=1,
        sha256="0" * 64,
        companions=tuple(Companion(path=path, data=b"x", numbered=False) for path in paths),
    )


def test_what_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        _place(written("public/a.crl", "next-visit.ics", "no/such/folder"), io.BytesIO(b"x"), tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "public").symlink_to(tmp_path / "nowhere")
    (tmp_path / "next-visit.ics").symlink_to(tmp_path / "elsewhere")
    places = _place(written("public/a.crl", "next-visit.ics"), io.BytesIO(b"x"), tmp_path)
    assert [str(place.relative_to(tmp_path)) for place in places] == [
        "main-kudo-000001-20270201T120000Z.tar.age",
        "public-main-kudo-000001/a.crl",
        "next-visit-main-kudo-000001.ics",
    ]
    assert not (tmp_path / "nowhere").exists()
