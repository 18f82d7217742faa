"""Checks 5 and 6: trust and order, and the memory that they rest on."""

import warnings
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.archive.manifest import Earlier
from core.errors import CaError
from core.receive.trust import Trust, load_roots, load_trust, save_trust
from tests.archives import NOW, Box, day, make_box
from tests.authorities import snapshot
from tests.judges import run
from tests.receiver import Receiver

DAY = timedelta(days=1)


def test_the_root_in_use_is_the_one_that_is_asked_about(receiver: Receiver, box: Box) -> None:
    late = box.add("root", start=day(2028), until=day(2029), tail=400)
    box.add("seal", late)
    box.made.sort(key=lambda item: item.record.issue_from, reverse=True)
    asked: list[Any] = []
    receiver.open(box.make(), confirm=lambda q: not asked.append(q))
    assert asked[0].certificate.not_valid_before_utc == day(2027)


def test_a_folder_belongs_to_one_authority(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    stranger = make_box(identity=box.identity, name="Strangers")
    data = stranger.make(sequence=9)
    assert receiver.refused_open(data, trust=[stranger.of("root")[0].x509]) == "E-ARCHIVE-TRUST"


def test_trusted_roots_are_roots_in_pem(box: Box) -> None:
    bundle = b"".join(item.pem for item in box.of("root")) * 2
    assert len(load_roots(bundle, "roots.pem")) == 2
    for data in (
        b"",
        b"garbage",
        box.of("signer")[0].pem,
        box.of("seal")[0].pem,
        b" " * (16 * 1024 * 1024 + 1),
    ):
        with pytest.raises(CaError, match=r"roots\.pem") as caught:
            load_roots(data, "roots.pem")
        assert caught.value.code == "E-ARCHIVE-TRUST"


def test_the_roots_of_a_file_are_taken_and_what_else_it_holds_is_not_trusted(box: Box) -> None:
    signer, root = box.of("signer")[0], box.of("root")[0]
    for file in (signer.pem + root.pem, root.pem + signer.pem + box.of("seal")[0].pem):
        assert load_roots(file, "chain.pem") == (root.x509,)


def test_a_root_with_a_negative_serial_number_is_read_without_a_librarys_warning(tmp_path: Path) -> None:
    made = (
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ed25519",
        "-noenc",
        "-set_serial",
        "-5",
        "-subj",
        "/CN=old",
    )
    ca = ("-addext", "basicConstraints=critical,CA:true")
    done = run(*made, *ca, "-keyout", tmp_path / "key", "-out", tmp_path / "root.pem")
    assert done.returncode == 0, done.stderr
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        (root,) = load_roots((tmp_path / "root.pem").read_bytes(), "root.pem")
    assert not told
    assert root.subject.rfc4514_string() == "CN=old"


# 6: order.


def test_what_is_not_newer_is_a_rollback(receiver: Receiver, box: Box) -> None:
    old, data = box.make(sequence=2), box.make(sequence=3)
    receiver.open(data)
    assert receiver.refused_open(old) == "E-ARCHIVE-ROLLBACK"


def test_the_archive_that_is_open_already_is_no_rollback_and_changes_nothing(
    receiver: Receiver, box: Box
) -> None:
    data = box.make(sequence=3)
    first = receiver.open(data)
    assert not first.was_open
    receiver.open(box.make(sequence=1, kind="egress", name="other", created=NOW + DAY), now=NOW + DAY)
    before = snapshot(receiver.out)
    again = receiver.open(data, confirm=None, now=NOW + DAY)
    assert again == replace(first, was_open=True)
    assert snapshot(receiver.out) == before
    receiver.open(box.make(sequence=4, created=NOW + DAY), now=NOW + DAY)
    assert receiver.refused_open(data, now=NOW + DAY) == "E-ARCHIVE-ROLLBACK"


def test_newer_lists_under_another_name_do_not_make_it_one(receiver: Receiver, box: Box) -> None:
    data = box.make(sequence=3)
    receiver.open(data)
    box.crl_number += 1
    receiver.open(box.make(sequence=1, name="other"))
    assert receiver.open(data).was_open


def test_another_archive_of_the_same_sequence_is_a_fork(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make(sequence=3))
    assert receiver.refused_open(box.make(sequence=3, created=NOW + DAY)) == "E-ARCHIVE-FORK"


def test_the_next_sequence_names_the_one_before_and_holes_are_normal(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make(sequence=3))
    first = box.manifest_sha256
    assert receiver.refused_open(box.make(sequence=4, previous="7" * 64)) == "E-ARCHIVE-FORK"
    assert receiver.refused_open(box.make(sequence=4, earlier=())) == "E-ARCHIVE-FORK"
    receiver.open(box.make(sequence=4, previous=first))
    receiver.open(box.make(sequence=9, previous="7" * 64))


def test_an_old_state_put_back_is_a_fork_whatever_was_missed_since(receiver: Receiver, box: Box) -> None:
    box.make(sequence=1)
    kept = dict(box.past["egress", "main-kudo"])  # the folder that is put back later
    receiver.open(box.make(sequence=2))
    box.past["egress", "main-kudo"] = kept
    for sequence in (2, 3, 4):  # the box goes on from it; none of these is seen
        box.make(sequence=sequence, created=NOW + DAY)
    assert receiver.refused_open(box.make(sequence=5, created=NOW + DAY)) == "E-ARCHIVE-FORK"


def test_a_list_without_the_archive_that_is_remembered_is_a_fork(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make(sequence=1))
    hash_of_first = box.manifest_sha256
    assert (
        receiver.refused_open(box.make(sequence=9, earlier=(Earlier(sequence=8, sha256="7" * 64),)))
        == "E-ARCHIVE-FORK"
    )
    assert receiver.refused_open(box.make(sequence=9, earlier=())) == "E-ARCHIVE-FORK"
    listed = Earlier(sequence=1, sha256=hash_of_first)
    receiver.open(box.make(sequence=9, earlier=(listed,)))


def test_an_older_crl_is_a_rollback(receiver: Receiver, box: Box) -> None:
    box.crl_number = 10
    receiver.open(box.make())
    box.crl_number = 9
    data = box.make(sequence=2, previous=box.manifest_sha256)
    assert receiver.refused_open(data) == "E-ARCHIVE-ROLLBACK"


@pytest.mark.parametrize(
    "text", ["", "{}x", '{"format":"pism-receiver-v2"}', '{"more":1}', '{"roots":["x"]}']
)
def test_a_memory_that_is_not_to_its_format_is_refused(receiver: Receiver, box: Box, text: str) -> None:
    receiver.out.mkdir(mode=0o700)
    (receiver.out / "receiver.json").write_text(text)
    with pytest.raises(CaError, match=r"receiver\.json") as caught:
        receiver.open(box.make())
    assert caught.value.code == "E-ARCHIVE-TRUST"


def test_a_memory_grows_within_its_bound(tmp_path: Path) -> None:
    with pytest.raises(CaError) as caught:
        save_trust(tmp_path, Trust(roots=("x" * (17 * 1024 * 1024),)))
    assert caught.value.code == "E-FILE"
    assert list(tmp_path.iterdir()) == []


def test_expired_roots_are_not_kept(receiver: Receiver, box: Box) -> None:
    box.add("root", start=day(2026), until=day(2027))
    receiver.open(box.make())
    assert load_trust(receiver.out).roots == (box.of("root")[0].pem.decode(),)


def test_a_file_of_too_many_roots_is_refused() -> None:
    block = b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
    with pytest.raises(CaError, match="more than 10000") as refused:
        load_roots(block * 10_001, "roots.pem")
    assert refused.value.code == "E-ARCHIVE-TRUST"
