"""The words by which an operator knows a box: only this card and this beginning give them."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from mnemonic import Mnemonic

from core.authority.passphrase import recognize
from core.crypto.passphrase import begin
from core.crypto.process import read_boot
from core.errors import StateDamagedError
from core.store.folder import KEYSLOTS, STORE
from core.store.keyslots import RECOGNITION_WORDS, make_slots
from tests.authorities import COST, NOW, PASSPHRASE, Founded, found

BEGINNING = b"abandon ability able"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    return found(tmp_path_factory.mktemp("box") / "state", top_up=False)


def test_the_same_card_and_beginning_give_the_same_two_words(founded: Founded) -> None:
    words = recognize(founded.state, BEGINNING)
    assert len(words) == RECOGNITION_WORDS == 2
    assert words == recognize(founded.state, BEGINNING + b" and what is typed later")
    assert words != recognize(founded.state, b"abandon ability about")


def test_another_card_gives_others_for_the_same_passphrase(founded: Founded, tmp_path: Path) -> None:
    other = found(tmp_path / "state", top_up=False)
    assert recognize(founded.state, BEGINNING) != recognize(other.state, BEGINNING)


def test_a_change_of_the_passphrase_changes_them(tmp_path: Path) -> None:
    box = found(tmp_path / "state", top_up=False)
    before = recognize(box.state, BEGINNING)
    with box.open() as authority:
        authority.change_passphrase(
            PASSPHRASE, b"summer ribbon planet nature market harbor engine cabin", COST, NOW, read_boot()
        )
    assert recognize(box.state, BEGINNING) != before


@pytest.mark.parametrize("passphrase", [b"", b"one", b"one two"])
def test_fewer_than_three_words_give_none(founded: Founded, passphrase: bytes) -> None:
    assert begin(passphrase) == b""
    assert recognize(founded.state, passphrase) == ()


def test_an_empty_box_gives_none(tmp_path: Path) -> None:
    assert recognize(tmp_path / "state", BEGINNING) == ()


def test_they_cost_what_a_guess_at_the_passphrase_costs_and_stand_nowhere(founded: Founded) -> None:
    """Worked out a second time, by the library that others use."""
    data = (founded.state / STORE / KEYSLOTS).read_bytes()
    slot = json.loads(data)["slots"][0]
    salt = hashlib.sha256(b"pism-recognition-v1" + bytes.fromhex(slot["salt"])).digest()[:16]
    derived = Argon2id(
        salt=salt,
        length=32,
        iterations=slot["passes"],
        lanes=slot["lanes"],
        memory_cost=slot["memory_kib"],
    ).derive(BEGINNING)
    words = recognize(founded.state, BEGINNING)
    numbers = (derived[0] << 3 | derived[1] >> 5, (derived[1] & 31) << 6 | derived[2] >> 2)
    assert words == tuple(Mnemonic("english").wordlist[number] for number in numbers)
    assert not all(word.encode() in data for word in words)  # one may be "salt", which is a field's name
    assert derived.hex()[:6].encode() not in data


def test_damaged_keyslots_are_refused(tmp_path: Path) -> None:
    store = tmp_path / "state" / STORE
    store.mkdir(parents=True)
    (store / KEYSLOTS).write_bytes(make_slots([bytes(32)], b"right", COST)[:-1])
    with pytest.raises(StateDamagedError):
        recognize(tmp_path / "state", BEGINNING)
