import random
from pathlib import Path

import pytest

from hw.errors import (
    StickExistsError,
    StickFormatError,
    StickInUseError,
    StickIoError,
    StickNameError,
    StickReadOnlyError,
    StickVerifyError,
)
from hw.fat.mkfs import MIN_BYTES, format_stick, make_image
from hw.fat.volume import open_volume
from hw.medium.node import NodeMedium
from hw.ports import Tick
from tests.hw.images import make_stick


def test_makes_an_empty_stick_of_that_label(tmp_path: Path) -> None:
    make_image(tmp_path / "a.img", "PISM-EXPORT")
    with open_volume(tmp_path / "a.img") as volume:
        assert (volume.label, volume.list()) == ("PISM-EXPORT", ())
    assert (tmp_path / "a.img").stat().st_blocks * 512 < 4 << 20


@pytest.mark.parametrize("head", [b"", b"\xebv\x90EXFAT   ", random.Random(3).randbytes(1 << 20)])
def test_formats_whatever_was_there(tmp_path: Path, head: bytes) -> None:
    image = tmp_path / "a.img"
    with image.open("wb") as file:
        file.write(head)
        file.truncate(MIN_BYTES)
    format_stick(NodeMedium(image), "PISM-ALL")
    with open_volume(image) as volume:
        assert volume.label == "PISM-ALL"


def test_erases_what_a_stick_held(tmp_path: Path) -> None:
    image = make_stick(tmp_path / "a.img")
    with open_volume(image) as volume:
        volume.put_small("a.txt", b"x")
    format_stick(NodeMedium(image), "PISM-NEW")
    with open_volume(image) as volume:
        assert (volume.label, volume.list()) == ("PISM-NEW", ())


def test_leaves_nothing_when_an_image_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(StickNameError):
        make_image(tmp_path / "a.img", "not a label")
    with pytest.raises(StickFormatError, match="at least"):
        make_image(tmp_path / "a.img", "PISM-ALL", MIN_BYTES - 1)
    with pytest.raises(StickIoError):
        make_image(tmp_path / "none/a.img", "PISM-ALL")
    assert list(tmp_path.iterdir()) == []


def test_never_makes_an_image_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_text("mine")
    with pytest.raises(StickExistsError):
        make_image(tmp_path / "a.img", "PISM-ALL")
    assert (tmp_path / "a.img").read_text() == "mine"


def test_a_protected_or_busy_stick_is_not_formatted(tmp_path: Path) -> None:
    image = make_stick(tmp_path / "a.img")
    with open_volume(image), pytest.raises(StickInUseError):
        NodeMedium(image)
    image.chmod(0o444)
    with pytest.raises(StickReadOnlyError):
        format_stick(NodeMedium(image), "PISM-NEW")


def test_says_when_mkfs_fails(tmp_path: Path) -> None:
    image = make_stick(tmp_path / "a.img")

    class ShrunkMedium(NodeMedium):
        @property
        def size_bytes(self) -> int:
            return MIN_BYTES

    image.write_bytes(b"")
    with pytest.raises(StickFormatError, match="cannot be formatted"):
        format_stick(ShrunkMedium(image), "PISM-NEW")


def test_a_stick_that_did_not_keep_the_new_volume_is_not_formatted(tmp_path: Path) -> None:
    image = make_stick(tmp_path / "a.img")
    old = image.read_bytes()

    class ForgettingMedium(NodeMedium):
        def flush(self, tick: Tick | None = None) -> None:
            image.write_bytes(old)
            super().flush(tick)

    with pytest.raises(StickVerifyError):
        format_stick(ForgettingMedium(image), "PISM-NEW")
