"""The card that the box runs from: whether its state is there, and what its system is verified by."""

from pathlib import Path

import pytest

from hw.errors import CardDamagedError, CardError, CardOtherError, CardStateError
from hw.system.card import read_root_hash, require_state

HASH = "0123456789abcdef" * 4


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """The root of a card, before anybody has looked at its state."""
    for name in ("usr/lib/pism", "run/pism-card", "proc/self", "sys/dev/block/254:0/dm"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "usr/lib/pism/card-state").touch()
    (tmp_path / "proc/self/mountinfo").write_text(
        "22 1 254:0 / / ro - squashfs /dev/mapper/root ro\n23 22 0:21 / /var rw - tmpfs tmpfs rw\n"
    )
    (tmp_path / "sys/dev/block/254:0/dm/uuid").write_text(f"PISM-VERITY-{HASH}\n")
    return tmp_path


def test_another_system_is_asked_for_no_state_and_has_no_hash(tmp_path: Path) -> None:
    require_state(tmp_path)
    assert read_root_hash(tmp_path) is None


def test_a_card_with_its_state_starts(card: Path) -> None:
    (card / "run/pism-card/mounted").touch()
    require_state(card)


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ("E-CARD-STATE the card has no partition 7", CardStateError),
        ("E-CARD-DAMAGED e2fsck: it asks", CardDamagedError),
        ("E-CARD-OTHER the card is that of the board 1", CardOtherError),
        ("E-CARD it could not be looked at", CardError),
        ("E-NOBODY-KNOWS \x1b[31m\udcff", CardError),
        ("", CardError),
        (None, CardError),
    ],
)
def test_a_card_without_its_state_is_refused_with_what_was_found(
    card: Path, told: str | None, error: type[CardError]
) -> None:
    if told is not None:
        (card / "run/pism-card/refused").write_bytes(told.encode(errors="surrogateescape"))
    with pytest.raises(CardError) as refused:
        require_state(card)
    assert type(refused.value) is error
    assert str(refused.value)


def test_the_hash_is_that_of_the_device_that_the_root_is_on(card: Path) -> None:
    assert read_root_hash(card) == HASH


@pytest.mark.parametrize("name", ["", "CRYPT-VERITY-1", f"PISM-VERITY-{HASH[1:]}", f"x PISM-VERITY-{HASH}"])
def test_a_root_that_is_not_verified_has_no_hash_and_is_not_called_another_system(
    card: Path, name: str
) -> None:
    (card / "sys/dev/block/254:0/dm/uuid").write_text(name)
    assert read_root_hash(card) == ""


@pytest.mark.parametrize("mounts", ["", "22 1 8:2 / / rw - ext4 /dev/sda2 rw\n", "22 1\n"])
def test_a_card_that_runs_from_something_else_is_not_verified(card: Path, mounts: str) -> None:
    (card / "proc/self/mountinfo").write_text(mounts)
    assert read_root_hash(card) == ""
