"""What is read off a stick that brings a policy, and what is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hw.errors import HardwareError
from hw.fat.listing import StickFile
from hw.fat.volume import FatVolume, open_volume
from kiosk.work.policy_stick import MAX_CONFIG_BYTES, MAX_KEY_BYTES, MAX_KEYS, read_policy_stick
from tests.hw.images import make_stick

Lay = Callable[[dict[str, bytes]], FatVolume]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Return a function that opens a stick with files."""

    def open_stick(files: dict[str, bytes]) -> FatVolume:
        image = make_stick(tmp_path / "stick.img", "PISM-CONFIG")
        with open_volume(image) as volume:
            for path, data in files.items():
                volume.put_small(path, data)
        return open_volume(image)

    return open_stick


def refusal(volume: FatVolume) -> str:
    with volume, pytest.raises(HardwareError) as refused:
        read_policy_stick(volume)
    return refused.value.code


def test_the_config_and_the_files_of_its_keys_are_read_and_nothing_else(lay: Lay) -> None:
    files = {"config.yaml": b"authority: {}\n", "keys/a.pub": b"age1", "keys/Long name of b.pub": b""}
    left = {"photo.jpg": b"x", "keys/._a.pub": b"x", "keys/.DS_Store": b"x" * 20_000, "more/c.pub": b"x"}
    with lay(files | left) as volume:
        assert read_policy_stick(volume) == (
            b"authority: {}\n",
            {"keys/a.pub": b"age1", "keys/Long name of b.pub": b""},
        )


def test_a_stick_needs_no_key_files(lay: Lay) -> None:
    with lay({"config.yaml": b"x"}) as volume:
        assert read_policy_stick(volume) == (b"x", {})


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "E-STICK-MISSING"),
        ({"config.yaml/none": b""}, "E-STICK-MISSING"),
        ({"config.yaml": b"#" * (MAX_CONFIG_BYTES + 1)}, "E-STICK-SIZE"),
        ({"config.yaml": b"", "keys/a.pub": b"#" * (MAX_KEY_BYTES + 1)}, "E-STICK-SIZE"),
    ],
)
def test_what_is_missing_or_too_large_is_refused(lay: Lay, files: dict[str, bytes], code: str) -> None:
    assert refusal(lay(files)) == code


class _Crowded(FatVolume):
    """A stick with a crowd of key files, which nothing may read."""

    def __init__(self) -> None:
        pass

    def close(self) -> None:
        pass

    def get(self, name: str, max_bytes: int) -> bytes:
        assert name == "config.yaml"
        assert max_bytes == MAX_CONFIG_BYTES
        return b""

    def list(self, folder: str = "") -> tuple[StickFile, ...]:
        return tuple(
            StickFile(name=f"{folder}-{n}.pub", short_name="", size_bytes=1, folder=False)
            for n in range(MAX_KEYS + 1)
        )


def test_a_crowd_of_key_files_is_refused_before_one_is_read() -> None:
    assert refusal(_Crowded()) == "E-STICK-SIZE"
