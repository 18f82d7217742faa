"""The receiver: sound archives, and the checks that no other module owns."""

import hashlib
import stat
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.archive.manifest import make_entry
from core.crypto.keys import KEY_ALGORITHMS
from core.crypto.recipients import fingerprint_words
from core.errors import CaError
from core.receive.opening import verify_archive
from core.receive.trust import load_trust
from core.store import journal
from tests.archives import NOW, Box, day, extract, make_box, make_journal
from tests.receiver import Receiver, tree

DAY = timedelta(days=1)


# What a sound archive becomes.


def test_open_writes_the_members_as_they_are_and_points_at_them(receiver: Receiver, box: Box) -> None:
    received = receiver.open(box.make())
    assert received.folder == receiver.out / "main-kudo-000001-20270201T120000Z"
    signer = box.of("signer")[0]
    assert (received.folder / f"signers/services/mongo/{signer.record.id}.pem").read_bytes() == (
        signer.pem + box.of("root")[0].pem
    )
    assert tree(received.folder) == {"manifest.json", "box.sig"} | {
        f"seals/{received.sealed_by.root_id}/manifest.sig",
        *(entry.path for entry in received.manifest.files),
    }
    for entry in received.manifest.files:
        digest = hashlib.sha256((received.folder / entry.path).read_bytes()).hexdigest()
        assert digest == entry.sha256
    current = receiver.out / "current" / "main-kudo"
    assert current.resolve() == received.folder
    assert str(current.readlink()) == "../main-kudo-000001-20270201T120000Z"
    for path in (receiver.out, *receiver.out.rglob("*")):
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert received.key_count == 1


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_archives_of_every_algorithm_open(tmp_path: Path, algorithm: str) -> None:
    box = make_box(algorithm=algorithm)
    assert Receiver(tmp_path, box).open(box.make()).key_count == 1


def test_a_backup_may_hold_the_keys_of_roots_and_seals(receiver: Receiver, box: Box) -> None:
    data = box.make(kind="backup", name="main-backup", keys_of=("root", "seal", "signer"))
    received = receiver.open(data)
    assert received.key_count == 3
    assert received.folder is not None
    assert (received.folder / "state.json").read_bytes() == b"{}"


def test_verify_writes_nothing_and_needs_a_root(receiver: Receiver, box: Box) -> None:
    received = receiver.verify(box.make())
    assert received.folder is None
    assert received.sealed_by.root_words == fingerprint_words(
        hashlib.sha256(box.of("root")[0].x509.public_bytes(Encoding.DER)).digest()
    )
    with pytest.raises(CaError) as caught:
        receiver.verify(box.make(), trust=[])
    assert caught.value.code == "E-ARCHIVE-TRUST"
    assert list(receiver.folder.iterdir()) == [receiver.file]


def test_a_newer_archive_moves_the_link_and_brings_new_roots(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    first = box.manifest_sha256
    late = box.add("root", start=day(2028), until=day(2029), tail=400)
    box.add("seal", late)
    receiver.open(box.make(sequence=2, previous=first), confirm=None)
    assert str((receiver.out / "current" / "main-kudo").readlink()).startswith("../main-kudo-000002-")
    memory = load_trust(receiver.out)
    assert len(memory.roots) == 2
    # The first root is revoked: what the new one seals is believed, and the old one is dropped for good.
    box.revoked.add(box.of("root")[0].record.id)
    box.made = [
        item for item in box.made if item.record.kind != "seal" or item.record.issuer == late.record.id
    ]
    receiver.open(box.make(sequence=3, previous=box.manifest_sha256), confirm=None)
    memory = load_trust(receiver.out)
    assert memory.roots == (late.pem.decode(),)
    assert len(memory.revoked) == 1


def test_names_and_kinds_have_sequences_of_their_own(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make(sequence=7))
    receiver.open(box.make(sequence=1, name="other"), confirm=None)
    receiver.open(box.make(sequence=1, kind="backup", name="main-kudo", created=NOW + DAY), confirm=None)
    assert sorted(path.name for path in (receiver.out / "current").iterdir()) == ["main-kudo", "other"]
    assert len(load_trust(receiver.out).seen) == 3


# 1 and 2: decryption and members. Their own tests are in test_archive and test_archive_damage.


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    share=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
    how=st.sampled_from(["flip", "cut", "add"]),
)
def test_damage_anywhere_is_refused_and_leaves_nothing(
    receiver: Receiver, box: Box, share: float, bit: int, how: str
) -> None:
    data = box.make()
    at = int(len(data) * share)
    damaged = {
        "flip": data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :],
        "cut": data[:at],
        "add": data + data[: at + 1],
    }[how]
    code, _ = receiver.refusal(damaged)
    assert code in ("E-ARCHIVE-DAMAGED", "E-ARCHIVE-IDENTITY")


def test_an_identity_that_does_not_fit_is_refused(receiver: Receiver, box: Box) -> None:
    data = box.make(recipients=(pyrage.x25519.Identity.generate().to_public(),))
    assert receiver.refusal(data)[0] == "E-ARCHIVE-IDENTITY"


def test_an_archive_that_is_not_there_is_a_file_error(receiver: Receiver) -> None:
    with pytest.raises(CaError) as caught:
        verify_archive(receiver.folder / "none", [], [], NOW)
    assert caught.value.code == "E-FILE"


MEMBERS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "unknown": lambda content: [*content, ("notes.txt", b"")],
    "dots": lambda content: [*content, ("roots/../../x", b"")],
    "absolute": lambda content: [("/etc/passwd", b""), *content],
    "one missing": lambda content: content[:-1],
    "manifest missing": lambda content: content[1:],
    "nothing": lambda _: [],
    "one more": lambda content: [*content, ("state.json", b"{}")],
    "another order": lambda content: [*content[:-2], content[-1], content[-2]],
}


@pytest.mark.parametrize("what", MEMBERS)
def test_members_are_exactly_those_of_the_manifest(receiver: Receiver, box: Box, what: str) -> None:
    assert receiver.refusal(box.make(members=MEMBERS[what]))[0] == "E-ARCHIVE-MEMBER"


def test_members_of_one_rule_keep_the_order_of_the_manifest(receiver: Receiver, box: Box) -> None:
    box.add("signer", start=day(2027, 4), until=day(2027, 7))

    def swap(content: list[Any]) -> list[Any]:
        at = next(n for n, (path, _) in enumerate(content) if path.startswith("signers/"))
        content[at], content[at + 1] = content[at + 1], content[at]
        return content

    code, text = receiver.refusal(box.make(members=swap))
    assert (code, "their order" in text) == ("E-ARCHIVE-MEMBER", True)


# 3: manifest.


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"pism-archive-v2", b"pism-archive-v3"),
        lambda data: data + b"\n",
        lambda data: data[:-1],
        lambda data: b'{"extra":1,' + data[1:],
        lambda data: data.replace(b'"sequence":1', b'"sequence":-1'),
        lambda _: b"\xff",
    ],
)
def test_a_manifest_of_another_version_or_form_is_refused(
    receiver: Receiver, box: Box, spoil: Callable[[bytes], bytes]
) -> None:
    assert receiver.refusal(box.make(manifest=spoil))[0] == "E-ARCHIVE-FORMAT"


# 7: files.


def test_a_file_that_the_manifest_does_not_mean_is_refused(receiver: Receiver, box: Box) -> None:
    def spoil(content: list[Any]) -> list[Any]:
        return [(path, data + b" " if path == "journal.jsonl" else data) for path, data in content]

    assert receiver.refusal(box.make(members=spoil))[0] == "E-ARCHIVE-DAMAGED"


def test_an_altered_file_of_the_same_size_is_refused(receiver: Receiver, box: Box) -> None:
    def spoil(content: list[Any]) -> list[Any]:
        return [(path, data[::-1] if path.startswith("keys/") else data) for path, data in content]

    assert receiver.refusal(box.make(members=spoil))[0] == "E-ARCHIVE-DAMAGED"


# 11: journal.


def put_journal(data: bytes, parts: dict[str, bytes]) -> None:
    parts["journal.jsonl"] = data


def test_the_journal_of_a_backup_is_one_chain_that_ends_in_the_manifests_head(
    receiver: Receiver, box: Box
) -> None:
    lines, _ = make_journal(("init", "issue", "export"))
    spoilt = {
        "another head": lines,
        "cut": b"".join(lines.splitlines(keepends=True)[1:]),
        "empty": b"",
        "endless": b"x" * (journal.MAX_LINE_BYTES + 200_000),
        "garbage": b"{}\n",
    }
    for what, data in spoilt.items():
        code, _ = receiver.refusal(box.make(kind="backup", parts=partial(put_journal, data)))
        assert (what, code) == (what, "E-JOURNAL")


def test_the_journal_of_an_egress_is_its_own_extract(receiver: Receiver, box: Box) -> None:
    others = [make_entry(each.record, "active", with_key=False) for each in make_box().made]
    for data in (make_journal()[0], extract([])[0], extract(others)[0], b"", b"{}\n"):
        assert receiver.refusal(box.make(parts=partial(put_journal, data)))[0] == "E-JOURNAL"
