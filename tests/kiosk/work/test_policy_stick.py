"""What is read off a stick that brings a policy, and what is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hw.errors import HardwareError, StickMissingError
from hw.fat.volume import FatVolume, open_volume
from kiosk.work.policy_stick import MAX_CONFIG_BYTES, MAX_KEY_BYTES, MAX_KEYS, read_policy_stick
from tests.hw.images import make_stick, mtools
from tests.kiosk.live import CONFIG

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


def naming(*recipients: str) -> bytes:
    """Return a config.yaml whose backup has these recipients."""
    return CONFIG.replace("[keys/backup.pub]", f"[{', '.join(map(repr, recipients))}]").encode()


def test_only_what_the_config_names_is_read_wherever_it_lies(lay: Lay, tmp_path: Path) -> None:
    config = naming(
        "keys/a.pub", "beside.pub", "other/Long name of b.pub", r"keys\back.pub", "./keys/CASE.pub"
    )
    named = ("keys/a.pub", "beside.pub", "other/Long name of b.pub", "keys/back.pub")
    files = {"config.yaml": config, **dict.fromkeys(named, b"age1"), "keys/case.PUB": b"age1"}
    left = {
        "photo.jpg": b"x", "keys/Thumbs.db": b"x" * 30_000, "keys/offer.pdf": b"x" * 90_000,
        "keys/private.key": b"-----BEGIN PRIVATE KEY-----", "keys/.DS_Store": b"x" * 20_000,
    }  # fmt: skip
    with lay(files | left) as volume:
        read, keys = read_policy_stick(volume)
    assert read == config
    assert keys == dict.fromkeys((*named, "keys/CASE.pub"), b"age1")


def test_a_key_may_lie_in_folders_of_folders(lay: Lay, tmp_path: Path) -> None:
    lay({"config.yaml": naming("keys/servers/main.pub")}).close()
    image = tmp_path / "stick.img"
    (tmp_path / "main.pub").write_bytes(b"age1")
    for folder in ("::keys", "::keys/servers"):
        mtools(image, "mmd", folder)
    mtools(image, "mcopy", str(tmp_path / "main.pub"), "::keys/servers/main.pub")
    with open_volume(image) as volume:
        assert read_policy_stick(volume)[1] == {"keys/servers/main.pub": b"age1"}


def test_what_is_not_there_and_what_is_no_config_is_for_the_vault_to_say(lay: Lay, tmp_path: Path) -> None:
    names = ("keys/a.pub", "none/b.pub", "../a.pub", "/etc/pism/keys/a.pub", "a/" * 9 + "a.pub", "keys")
    with lay({"config.yaml": naming(*names), "keys/b.pub": b"x", "a.pub": b"x"}) as volume:
        assert read_policy_stick(volume)[1] == {}
    (tmp_path / "stick.img").unlink()
    with lay({"config.yaml": b"x", "keys/a.pub": b"x"}) as volume:
        assert read_policy_stick(volume) == (b"x", {})


CROWD = (
    CONFIG.replace(
        "  main-backup: {recipients: [keys/backup.pub]}\n",
        "".join(f"  b{n}: {{recipients: [{n}a.pub, {n}b.pub]}}\n" for n in range(MAX_KEYS // 2 + 1)),
    )
    .replace(", backup main-backup", "")
    .encode()
)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "E-STICK-MISSING"),
        ({"config.yaml/none": b""}, "E-STICK-MISSING"),
        ({"config.yaml": b"#" * (MAX_CONFIG_BYTES + 1)}, "E-STICK-SIZE"),
        ({"config.yaml": naming("a.pub"), "a.pub": b"#" * (MAX_KEY_BYTES + 1)}, "E-STICK-SIZE"),
        ({"config.yaml": CROWD}, "E-STICK-SIZE"),
    ],
)
def test_what_is_missing_or_too_large_is_refused(lay: Lay, files: dict[str, bytes], code: str) -> None:
    assert refusal(lay(files)) == code


@pytest.mark.parametrize("name", ["config.yaml.txt", "Config.yml", "config (1).yaml"])
def test_a_config_under_another_name_is_named(lay: Lay, name: str) -> None:
    with (
        lay({name: b"a: 1", "keys/config.pub": b"age1"}) as volume,
        pytest.raises(StickMissingError) as refused,
    ):
        read_policy_stick(volume)
    assert str(refused.value) == f"there is no file config.yaml on the stick; rename {name}"
