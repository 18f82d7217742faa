"""core.store.keyslots: the master key under passphrases, bounds before memory."""

import hashlib
import itertools
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from core.errors import PassphraseWrongError, StateDamagedError
from core.store.keyslots import (
    KdfCost,
    OpenSlot,
    add_slot,
    choose_cost,
    count_slots,
    keep_slots,
    make_slots,
    open_slots,
)

KEY, OTHER = bytes(range(32)), bytes(32)


@pytest.fixture(scope="module")
def slots() -> bytes:
    return make_slots([KEY], b"right", KdfCost())


def _change(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the file after a change by someone who makes the check sum fit again."""
    file = json.loads(data)
    change(file)
    file["sha256"] = hashlib.sha256(msgspec.json.encode(file["slots"])).hexdigest()
    return msgspec.json.encode(file)


def test_the_right_passphrase_gives_the_key(slots: bytes) -> None:
    assert open_slots(slots, b"right") == (OpenSlot(position=0, master=KEY),)


@pytest.mark.parametrize("passphrase", [b"", b"Right", b"right "])
def test_a_wrong_passphrase_gives_nothing(slots: bytes, passphrase: bytes) -> None:
    with pytest.raises(PassphraseWrongError):
        open_slots(slots, passphrase)


def test_neither_passphrase_nor_key_stands_in_the_file_or_the_repr(slots: bytes) -> None:
    for secret in (b"right", KEY, KEY.hex().encode()):
        assert secret not in slots
    assert KEY.hex() not in repr(open_slots(slots, b"right"))
    assert repr(KEY) not in repr(open_slots(slots, b"right"))


def test_salt_and_nonce_are_new_each_time(slots: bytes) -> None:
    again = json.loads(make_slots([KEY], b"right", KdfCost()))["slots"][0]
    first = json.loads(slots)["slots"][0]
    assert len(bytes.fromhex(first["salt"])) == 16
    for name in ("salt", "nonce", "wrapped"):
        assert first[name] != again[name]


def test_several_slots_hold_several_keys(slots: bytes) -> None:
    both = add_slot(slots, OTHER, b"right", KdfCost())
    assert [slot.master for slot in open_slots(both, b"right")] == [KEY, OTHER]
    assert count_slots(both) == 2
    assert [slot.master for slot in open_slots(keep_slots(both, [1]), b"right")] == [OTHER]


def test_slots_of_other_passphrases_are_passed_over(slots: bytes) -> None:
    both = add_slot(slots, OTHER, b"another", KdfCost())
    assert open_slots(both, b"another") == (OpenSlot(position=1, master=OTHER),)


def test_there_are_at_most_four(slots: bytes) -> None:
    full = slots
    for _ in range(3):
        full = add_slot(full, OTHER, b"right", KdfCost())
    with pytest.raises(StateDamagedError, match="4 slots"):
        add_slot(full, OTHER, b"right", KdfCost())
    five = _change(full, lambda file: file["slots"].append(file["slots"][0]))
    with pytest.raises(StateDamagedError):
        open_slots(five, b"right")


@pytest.mark.parametrize("masters", [[], [b"short"], [KEY] * 5])
def test_wraps_one_to_four_whole_keys_only(masters: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        make_slots(masters, b"right", KdfCost())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_kib", 65535),
        ("memory_kib", 256 * 1024 + 1),
        ("memory_kib", 1 << 40),
        ("memory_kib", -1),
        ("passes", 2),
        ("passes", 513),
        ("passes", 1 << 62),
        ("lanes", 0),
        ("lanes", 17),
        ("memory_kib", "65536"),
        ("passes", 3.0),
        ("salt", "00" * 15),
        ("salt", "00" * 17),
        ("salt", "zz" * 16),
        ("nonce", "00" * 11),
        ("wrapped", "00" * 47),
        ("kdf", "scrypt"),
        ("version", 16),
        ("aead", "none"),
        ("extra", 1),
    ],
)
def test_a_slot_out_of_bounds_is_refused_before_it_is_used(slots: bytes, name: str, value: object) -> None:
    with pytest.raises(StateDamagedError):
        open_slots(_change(slots, lambda file: file["slots"][0].update({name: value})), b"right")


@pytest.mark.parametrize(
    ("name", "value"),
    [("memory_kib", 65537), ("passes", 4), ("lanes", 3), ("salt", "00" * 16), ("nonce", "00" * 12)],
)
def test_every_parameter_is_bound_to_the_wrapped_key(slots: bytes, name: str, value: object) -> None:
    with pytest.raises(PassphraseWrongError):
        open_slots(_change(slots, lambda file: file["slots"][0].update({name: value})), b"right")


def test_a_slot_with_the_same_key_derivation_but_other_lanes_written_down_is_refused(slots: bytes) -> None:
    assert b'"lanes":4' in slots
    with pytest.raises(StateDamagedError):
        open_slots(slots.replace(b'"lanes":4', b'"lanes":4,"lanes":4'), b"right")


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"null", b"\xff", b"x" * 9000, b'{"format":"pism-keyslots-v2","slots":[],"sha256":""}'],
)
def test_garbage_is_damage(data: bytes) -> None:
    with pytest.raises(StateDamagedError):
        open_slots(data, b"right")


def test_no_slots_are_damage(slots: bytes) -> None:
    with pytest.raises(StateDamagedError):
        count_slots(_change(slots, lambda file: file["slots"].clear()))


def test_any_flipped_bit_is_told_from_a_wrong_passphrase(slots: bytes) -> None:
    for at in range(len(slots)):
        with pytest.raises(StateDamagedError):
            count_slots(slots[:at] + bytes([slots[at] ^ 1]) + slots[at + 1 :])
    for cut in range(len(slots)):
        with pytest.raises(StateDamagedError):
            count_slots(slots[:cut])


@pytest.mark.parametrize(
    "cost",
    [{"memory_kib": 65535}, {"passes": 2}, {"lanes": 0}, {"memory_kib": (256 << 10) + 1}, {"passes": 513}],
)
def test_no_cost_lies_under_the_floor_or_above_the_bound(cost: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="refused"):
        KdfCost(**cost)


@pytest.mark.parametrize(
    ("took_s", "memory_mib", "passes"),
    [
        (10.0, 64, 3),  # a slow device: never under the floor
        (1.0, 64, 3),
        (0.75, 85, 3),
        (0.5, 128, 3),
        (0.25, 128, 6),
        (0.0, 128, 512),  # a timer that stands still
    ],
)
def test_the_cost_fits_the_device(took_s: float, memory_mib: int, passes: int) -> None:
    cost = choose_cost(itertools.count(0, took_s).__next__)
    assert (cost.memory_kib // 1024, cost.passes, cost.lanes) == (memory_mib, passes, 4)


def test_the_chosen_passes_are_bounded() -> None:
    assert choose_cost(lambda: 0.0, target_s=1e6).passes == 512
