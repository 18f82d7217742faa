"""Check 5: which box is followed, and that whoever has its roots and seals alone is not."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import UNSET

from core.archive.manifest import FORMAT_1
from core.errors import ArchiveTrustError, CaError
from core.receive.opening import check_archive
from core.receive.trust import load_trust, save_trust
from tests.archives import NOW, Box, day, make_box
from tests.receiver import Receiver

DAY = timedelta(days=1)
NEXT = "6a1b2c3d-0000-4000-8000-000000000000"
ZEROS = "00" * 32


def steal(box: Box) -> Box:
    """Return what a thief of a backup and its recipient's key can make of it: all of the box but its key."""
    thief = make_box(identity=box.identity, id=box.id, incarnation=box.incarnation)
    thief.made, thief.past = box.made, {place: dict(made) for place, made in box.past.items()}
    return thief


def restore(box: Box) -> None:
    """Let the box be one that was restored from its backup."""
    box.restored_from, box.incarnation = box.incarnation, NEXT


def make_format_1(box: Box, sequence: int = 1, **head: Any) -> bytes:
    before = box.past.get(("egress", "main-kudo"), {}).get(sequence - 1)
    keys = {"format": FORMAT_1, "earlier": UNSET, "targets": UNSET, "box_key": UNSET, "previous": before}
    made: bytes = box.make(sequence=sequence, head=keys | head)
    return made


# A thief.


def test_a_stolen_backup_feeds_no_receiver_of_the_box(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    roots = [item.x509 for item in box.of("root")]
    thief = steal(box)
    for data in (thief.make(sequence=2), thief.make(sequence=2, name="other")):
        assert receiver.refused_open(data, confirm=None) == "E-ARCHIVE-BOX"
        assert receiver.refused_open(data, confirm=None, trust=roots) == "E-ARCHIVE-BOX"
        assert receiver.refused_open(data, confirm=None, accept_box=box.words) == "E-ARCHIVE-BOX"
        assert receiver.refused_open(data, confirm=lambda q: q.box_words == box.words) == "E-ARCHIVE-BOX"
    receiver.open(box.make(sequence=2), confirm=None)


def test_a_stolen_backup_that_was_restored_feeds_no_receiver_of_the_box(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    thief = steal(box)
    restore(thief)
    data = thief.make(sequence=2)
    assert receiver.refused_open(data, confirm=None, trust=[box.of("root")[0].x509]) == "E-ARCHIVE-BOX"


def test_a_thief_of_the_roots_cannot_sign_as_the_box(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    own = {"box_key": box.box_key.public_key().public_bytes_raw().hex()}
    assert receiver.refused_open(steal(box).make(sequence=2, head=own)) == "E-ARCHIVE-SEAL"


def test_a_thief_does_not_go_back_to_format_1(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    thief = steal(box)
    assert receiver.refused_open(make_format_1(thief, 2)) == "E-ARCHIVE-BOX"
    assert receiver.refused_open(make_format_1(thief, 1, name="other")) == "E-ARCHIVE-BOX"
    restore(thief)
    assert receiver.refused_open(make_format_1(thief, 2)) == "E-ARCHIVE-BOX"


# The first box.


def test_the_operator_is_asked_about_a_first_box_with_its_words(receiver: Receiver, box: Box) -> None:
    asked: list[Any] = []
    assert receiver.refused_open(box.make(), confirm=lambda q: bool(asked.append(q))) == "E-ARCHIVE-BOX"
    assert receiver.refused_open(box.make(), confirm=None) == "E-ARCHIVE-BOX"
    (question,) = asked
    assert (question.authority_name, question.authority_id) == (box.name, box.id)
    assert (question.box_words, question.is_known) == (box.words, False)
    receiver.open(box.make(), confirm=lambda _: True)
    receiver.open(box.make(sequence=2), confirm=None)


def test_a_given_root_does_not_vouch_for_a_first_box(receiver: Receiver, box: Box) -> None:
    roots = [item.x509 for item in box.of("root")]
    assert receiver.refused_open(box.make(), confirm=None, trust=roots) == "E-ARCHIVE-BOX"
    receiver.open(box.make(), confirm=None, trust=roots, accept_box=box.words)


def test_words_of_the_box_are_enough_for_a_first_archive(receiver: Receiver, box: Box) -> None:
    stranger = make_box(identity=box.identity)
    assert receiver.refused_open(box.make(), accept_box=stranger.words) == "E-ARCHIVE-BOX"
    assert receiver.refused_open(box.make(), accept_box=box.words[:6]) == "E-ARCHIVE-BOX"
    assert receiver.refused_open(box.make(), accept_box=()) == "E-ARCHIVE-BOX"
    receiver.open(box.make(), confirm=None, accept_box=box.words)
    assert [item.key for item in load_trust(receiver.out).boxes] == [
        box.box_key.public_key().public_bytes_raw().hex()
    ]


def test_the_words_cover_the_roots(receiver: Receiver, box: Box) -> None:
    words = box.words
    box.made.clear()
    root = box.add("root", start=day(2027), until=day(2028), tail=400)
    box.add("seal", root)
    data = box.make(box_signed=lambda data: data.replace(root.record.sha256.encode(), b"0" * 64))
    assert receiver.refused_open(data, confirm=None, accept_box=words) == "E-ARCHIVE-SEAL"


def test_words_that_are_given_are_compared_every_time(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    data = box.make(sequence=2)
    assert receiver.refused_open(data, accept_box=("zoo",) * 12) == "E-ARCHIVE-BOX"
    receiver.open(data, confirm=None, accept_box=box.words)


# Another box.


def test_a_new_incarnation_is_asked_about_and_ends_the_old_one(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make(sequence=5))
    former = box.incarnation
    restore(box)
    data = box.make(sequence=3, created=NOW + DAY)
    assert receiver.refused_open(data, confirm=None) == "E-ARCHIVE-BOX"
    assert receiver.refused_open(data, confirm=lambda _: False) == "E-ARCHIVE-BOX"
    asked: list[Any] = []
    receiver.open(data, confirm=lambda q: not asked.append(q))
    (question,) = asked
    assert (question.incarnation, question.restored_from) == (NEXT, former)
    assert (question.box_words, question.is_known) == (box.words, True)
    receiver.open(box.make(sequence=4, created=NOW + DAY), confirm=None)
    box.incarnation = former
    assert receiver.refused_open(box.make(sequence=6)) == "E-ARCHIVE-ROLLBACK"
    assert receiver.refused_open(box.make(sequence=1, name="other")) == "E-ARCHIVE-ROLLBACK"
    assert receiver.refused_open(box.make(sequence=6), accept_box=box.words) == "E-ARCHIVE-ROLLBACK"


def test_a_new_incarnation_is_followed_by_the_words_of_its_box(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make(sequence=5))
    former = box.words
    restore(box)
    data = box.make(sequence=3, created=NOW + DAY)
    assert receiver.refused_open(data, confirm=None, accept_box=former) == "E-ARCHIVE-BOX"
    receiver.open(data, confirm=None, accept_box=box.words)


def test_another_key_of_the_same_incarnation_takes_the_place_of_the_one_before(
    receiver: Receiver, box: Box
) -> None:
    """A folder of before there was a box key, put back; only a person can tell that from a thief."""
    receiver.open(box.make())
    first = box.box_key
    box.box_keys[box.incarnation] = Ed25519PrivateKey.generate()
    assert receiver.refused_open(box.make(sequence=2), confirm=None) == "E-ARCHIVE-BOX"
    receiver.open(box.make(sequence=2), confirm=None, accept_box=box.words)
    box.box_keys[box.incarnation] = first
    assert receiver.refused_open(box.make(sequence=3), confirm=None) == "E-ARCHIVE-BOX"


def test_a_box_key_is_pinned_for_one_incarnation(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    box.box_keys[NEXT] = box.box_key
    restore(box)
    assert receiver.refused_open(box.make(sequence=2), confirm=None) == "E-ARCHIVE-BOX"


# The signature.


def test_a_signature_of_the_box_over_other_bytes_is_refused(receiver: Receiver, box: Box) -> None:
    assert receiver.refusal(box.make(box_signed=lambda data: data + b" "))[0] == "E-ARCHIVE-SEAL"


@pytest.mark.parametrize("key", [ZEROS, "01" + "00" * 31, "ff" * 32])
def test_a_weak_box_key_is_refused(receiver: Receiver, box: Box, key: str) -> None:
    assert receiver.refusal(box.make(head={"box_key": key}))[0] == "E-ARCHIVE-SEAL"


def test_the_signature_of_the_box_stands_in_its_place_and_in_format_2_only(
    receiver: Receiver, box: Box
) -> None:
    def without(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        return [item for item in members if item[0] != "box.sig"]

    assert receiver.refusal(box.make(members=without))[0] == "E-ARCHIVE-MEMBER"
    long = box.make(members=lambda all_: [all_[0], ("box.sig", bytes(65)), *all_[2:]])
    assert receiver.refusal(long)[0] == "E-ARCHIVE-MEMBER"
    last = box.make(members=lambda all_: [all_[0], *all_[2:], all_[1]])
    assert receiver.refusal(last)[0] == "E-ARCHIVE-MEMBER"
    keys = {"format": FORMAT_1, "earlier": UNSET, "targets": UNSET, "box_key": UNSET, "previous": None}
    extra = box.make(head=keys, members=lambda all_: [all_[0], ("box.sig", bytes(64)), *all_[1:]])
    assert receiver.refusal(extra)[0] == "E-ARCHIVE-MEMBER"


# Format 1, and what was remembered before.


def test_format_1_opens_as_it_did(receiver: Receiver, box: Box) -> None:
    roots = [item.x509 for item in box.of("root")]
    data = make_format_1(box)
    assert receiver.refused_open(data, confirm=None) == "E-ARCHIVE-TRUST"
    assert receiver.refused_open(data, accept_box=box.words) == "E-ARCHIVE-BOX"
    asked: list[Any] = []
    assert receiver.refused_open(data, confirm=lambda q: bool(asked.append(q))) == "E-ARCHIVE-TRUST"
    assert (asked[0].box_key, asked[0].box_words, len(asked[0].root_words)) == (None, (), 12)
    receiver.open(data, confirm=None, trust=roots)
    receiver.open(make_format_1(box, 2), confirm=None)
    restore(box)
    assert receiver.refused_open(make_format_1(box, 3), confirm=None, trust=roots) == "E-ARCHIVE-TRUST"
    receiver.open(make_format_1(box, 3))


@pytest.mark.parametrize(("make", "whose"), [(Box.make, "the box"), (make_format_1, "the root")])
def test_a_look_that_nobody_vouched_for_says_what_was_to_be_compared(
    tmp_path: Path, box: Box, make: Callable[[Box], bytes], whose: str
) -> None:
    file = tmp_path / "a.tar.age"
    file.write_bytes(make(box))
    for confirm, says in (
        (None, "to compare the words of"),
        (lambda _: False, "Nobody confirmed the words of"),
    ):
        with (
            pytest.raises(ArchiveTrustError, match=f"{says} {whose}"),
            check_archive(file, [box.identity], (), confirm, NOW),
        ):
            pass


def test_a_folder_that_knows_format_1_asks_before_it_pins_a_box(receiver: Receiver, box: Box) -> None:
    receiver.open(make_format_1(box))
    data = box.make(sequence=2)
    assert receiver.refused_open(data, confirm=None, trust=[box.of("root")[0].x509]) == "E-ARCHIVE-BOX"
    receiver.open(data, confirm=None, accept_box=box.words)
    assert receiver.refused_open(make_format_1(box, 3)) == "E-ARCHIVE-BOX"
    receiver.open(box.make(sequence=4), confirm=None)


def test_a_memory_of_before_there_were_box_keys_is_read(receiver: Receiver, box: Box) -> None:
    receiver.open(make_format_1(box))
    memory = receiver.out / "receiver.json"
    older = msgspec.json.decode(memory.read_bytes())
    assert older.pop("boxes") == []
    memory.write_bytes(msgspec.json.encode(older))
    receiver.open(make_format_1(box, 2), confirm=None)


def test_the_newest_box_is_remembered_last(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    restore(box)
    receiver.open(box.make(sequence=2))
    trust = load_trust(receiver.out)
    assert [item.incarnation for item in trust.boxes] == list(trust.incarnations)
    save_trust(receiver.out, trust)
    assert load_trust(receiver.out) == trust


# What is only looked at.


def test_to_verify_a_root_or_the_words_are_enough_and_wrong_words_refuse(
    receiver: Receiver, box: Box
) -> None:
    data = box.make()
    assert receiver.verify(data).sealed_by.box_words == box.words
    assert receiver.verify(data, trust=[], accept_box=box.words).key_count == 1
    for wrong in (("zoo",) * 12, ()):
        with pytest.raises(CaError) as caught:
            receiver.verify(data, accept_box=wrong)
        assert caught.value.code == "E-ARCHIVE-BOX"
    assert receiver.verify(make_format_1(box)).sealed_by.box_words == ()
