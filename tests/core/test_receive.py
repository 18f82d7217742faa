"""The receiver's numbered checks, one by one, against archives that `tests.archives` spoils."""

import hashlib
import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyrage
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import journal, key_match
from core.errors import ArchiveRollbackError, CaError
from core.keys import KEY_ALGORITHMS, make_key
from core.profile import SEAL_EKU
from core.receive import Received, open_archive, verify_archive
from core.recipients import fingerprint_words
from core.trust import Trust, load_roots, load_trust, save_trust
from tests.archives import NOW, Box, day, kind_extensions, make_box, make_journal

DAY = timedelta(days=1)


@pytest.fixture
def box() -> Box:
    return make_box()


class Receiver:
    """A server with its folder; archives are handed to it as bytes."""

    def __init__(self, folder: Path, box: Box) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.box = box
        self.file = folder / "a.tar.age"

    def open(
        self, data: bytes, *, confirm: Any = lambda _: True, trust: Any = (), **options: Any
    ) -> Received:
        self.file.write_bytes(data)
        given: dict[str, Any] = {"now": NOW, "out": self.out} | options
        return open_archive(self.file, [self.box.identity], tuple(trust), confirm=confirm, **given)

    def verify(self, data: bytes, *, trust: Any = None, now: Any = NOW) -> Received:
        self.file.write_bytes(data)
        roots = [self.box.of("root")[0].x509] if trust is None else trust
        return verify_archive(self.file, [self.box.identity], roots, now)

    def refusal(self, data: bytes, **options: Any) -> tuple[str, str]:
        """Both ways must refuse with one code; a folder that was not there must not be there after."""
        with pytest.raises(CaError) as verified:
            self.verify(data)
        before = sorted(self.folder.rglob("*"))
        with pytest.raises(CaError) as caught:
            self.open(data, **options)
        assert sorted(self.folder.rglob("*")) == before
        assert caught.value.code == verified.value.code
        return caught.value.code, str(caught.value)

    def refused_open(self, data: bytes, **options: Any) -> str:
        self.file.write_bytes(data)
        memory = (self.out / "receiver.json").read_bytes() if self.out.exists() else b""
        before = sorted(self.folder.rglob("*"))
        with pytest.raises(CaError) as caught:
            self.open(data, **options)
        assert sorted(self.folder.rglob("*")) == before
        assert memory == ((self.out / "receiver.json").read_bytes() if self.out.exists() else b"")
        return caught.value.code


@pytest.fixture
def receiver(tmp_path: Path, box: Box) -> Receiver:
    return Receiver(tmp_path, box)


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# What a sound archive becomes.


def test_open_writes_the_members_as_they_are_and_points_at_them(receiver: Receiver, box: Box) -> None:
    received = receiver.open(box.make())
    assert received.folder == receiver.out / "main-kudo-000001-20270201T120000Z"
    signer = box.of("signer")[0]
    assert (received.folder / f"signers/services/mongo/{signer.record.id}.pem").read_bytes() == (
        signer.pem + box.of("root")[0].pem
    )
    assert tree(received.folder) == {"manifest.json"} | {
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


# 1 and 2: decryption and members. Their own tests are in test_archive.


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
        lambda data: data.replace(b"pism-archive-v1", b"pism-archive-v2"),
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


# 4: seal.


def reseal(box: Box, **options: Any) -> None:
    """Put another seal in place of the first one."""
    box.made.remove(box.of("seal")[0])
    box.add("seal", **options)


def test_a_look_alike_seal_minted_under_a_signer_is_refused(receiver: Receiver, box: Box) -> None:
    root, signer = box.of("root")[0], box.of("signer")[0]
    box.made.remove(box.of("seal")[0])
    forged = box.add("seal", signer, start=root.record.not_before, until=day(2028))
    # It claims the root as its issuer in the manifest, and even in its name.
    forged.record = replace(forged.record, issuer=root.record.id)
    assert receiver.refusal(box.make())[0] == "E-ARCHIVE-SEAL"
    box.made.remove(forged)
    named = box.add(
        "seal",
        signer,
        start=root.record.not_before,
        until=day(2028),
        spoil=lambda builder, extensions: (
            (builder.issuer_name(root.x509.subject), extensions)
            if builder._issuer_name is None
            else (
                x509.CertificateBuilder(**{**vars_of(builder), "issuer_name": root.x509.subject}),
                extensions,
            )
        ),
    )
    named.record = replace(named.record, issuer=root.record.id)
    assert receiver.refusal(box.make())[0] == "E-ARCHIVE-SEAL"


def vars_of(builder: x509.CertificateBuilder) -> dict[str, Any]:
    """The fields of a builder, which refuses to have one set twice."""
    names = (
        "issuer_name",
        "subject_name",
        "public_key",
        "serial_number",
        "not_valid_before",
        "not_valid_after",
    )
    return {name: getattr(builder, f"_{name}") for name in names}


SEAL_PROFILES: dict[str, Callable[[list[Any]], list[Any]]] = {
    "CA": lambda e: [(x509.BasicConstraints(ca=True, path_length=None), True), *e[1:]],
    "usage": lambda e: [e[0], kind_extensions("root")[1], e[2]],
    "purpose not critical": lambda e: [*e[:2], (x509.ExtendedKeyUsage([SEAL_EKU]), False)],
    "another purpose": lambda e: [*e[:2], (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), True)],
    "one purpose more": lambda e: [
        *e[:2],
        (x509.ExtendedKeyUsage([SEAL_EKU, ExtendedKeyUsageOID.SERVER_AUTH]), True),
    ],
    "no purpose": lambda e: e[:2],
}


@pytest.mark.parametrize("what", SEAL_PROFILES)
def test_a_seal_is_for_sealing_only(receiver: Receiver, box: Box, what: str) -> None:
    reseal(box, spoil=lambda builder, extensions: (builder, SEAL_PROFILES[what](extensions)))
    assert receiver.refusal(box.make())[0] == "E-ARCHIVE-SEAL"


def test_a_signature_over_other_bytes_is_refused(receiver: Receiver, box: Box) -> None:
    assert receiver.refusal(box.make(sealed=lambda data: data + b" "))[0] == "E-ARCHIVE-SEAL"


def test_an_archive_of_strangers_is_refused(receiver: Receiver, box: Box) -> None:
    stranger = make_box(identity=box.identity, id=box.id, incarnation=box.incarnation)
    data = stranger.make()
    with pytest.raises(CaError) as caught:
        receiver.verify(data)  # trusts the root of `box`
    assert caught.value.code == "E-ARCHIVE-SEAL"
    assert receiver.refused_open(data, trust=[box.of("root")[0].x509]) == "E-ARCHIVE-SEAL"
    receiver.open(box.make())
    assert receiver.refused_open(stranger.make(sequence=2)) == "E-ARCHIVE-SEAL"


def test_a_revoked_seal_is_refused(receiver: Receiver, box: Box) -> None:
    box.revoked.add(box.of("seal")[0].record.id)
    assert receiver.refusal(box.make())[0] == "E-ARCHIVE-SEAL"


def test_a_root_without_its_crl_seals_nothing(receiver: Receiver, box: Box) -> None:
    assert receiver.refusal(box.make(crls=False))[0] == "E-ARCHIVE-SEAL"


def test_a_revoked_root_seals_nothing_whoever_pinned_it(receiver: Receiver, box: Box) -> None:
    box.revoked.add(box.of("root")[0].record.id)
    assert receiver.refusal(box.make())[0] == "E-ARCHIVE-SEAL"
    # A receiver that remembers the revocation does not believe an archive that is silent about it.
    late = box.add("root", start=day(2027), until=day(2029), tail=400)
    box.add("seal", late)
    receiver.open(box.make())
    box.revoked.clear()
    box.made.remove(late)
    box.made = [item for item in box.made if item.record.issuer != late.record.id]
    data = box.make(sequence=2, previous=box.manifest_sha256)
    assert receiver.refused_open(data, trust=[box.of("root")[0].x509]) == "E-ARCHIVE-SEAL"


def test_an_expired_root_seals_nothing(receiver: Receiver, box: Box) -> None:
    data = box.make()
    late = box.of("root")[0].record.not_after + timedelta(seconds=1)
    with pytest.raises(CaError) as caught:
        receiver.verify(data, now=late)
    assert caught.value.code == "E-ARCHIVE-SEAL"
    assert receiver.verify(data, now=late - timedelta(seconds=1)).key_count == 1


def test_created_may_be_a_day_ahead_and_no_more(receiver: Receiver, box: Box) -> None:
    assert receiver.verify(box.make(created=NOW + DAY)).key_count == 1
    assert receiver.refusal(box.make(created=NOW + DAY + timedelta(seconds=1)))[0] == "E-ARCHIVE-SEAL"


def test_a_future_root_seals_for_a_receiver_that_pinned_it(receiver: Receiver, box: Box) -> None:
    late = box.add("root", start=day(2028), until=day(2029), tail=400)
    box.add("seal", late)
    received = receiver.verify(box.make(), trust=[late.x509])
    assert received.sealed_by.root_id == late.record.id


def test_a_root_that_is_no_certificate_is_passed_over(receiver: Receiver, box: Box) -> None:
    def spoil(parts: dict[str, bytes]) -> None:
        parts[f"roots/{box.of('root')[0].record.id}.pem"] = b"nonsense"

    assert receiver.refusal(box.make(parts=spoil))[0] == "E-ARCHIVE-SEAL"


# 5: trust.


def test_the_operator_is_asked_about_a_first_root_with_its_words(receiver: Receiver, box: Box) -> None:
    asked: list[Any] = []
    assert receiver.refused_open(box.make(), confirm=lambda q: bool(asked.append(q))) == "E-ARCHIVE-TRUST"
    assert receiver.refused_open(box.make(), confirm=None) == "E-ARCHIVE-TRUST"
    (question,) = asked
    assert (question.authority_name, question.authority_id) == (box.name, box.id)
    assert len(question.root_words) == 12
    receiver.open(box.make(), confirm=None, trust=[box.of("root")[0].x509])


def test_the_root_in_use_is_the_one_that_is_asked_about(receiver: Receiver, box: Box) -> None:
    late = box.add("root", start=day(2028), until=day(2029), tail=400)
    box.add("seal", late)
    box.made.sort(key=lambda item: item.record.issue_from, reverse=True)
    asked: list[Any] = []
    receiver.open(box.make(), confirm=lambda q: not asked.append(q))
    assert asked[0].certificate.not_valid_before_utc == day(2027)


def test_a_new_incarnation_is_asked_about_and_ends_the_old_one(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make(sequence=5))
    former, box.incarnation, box.restored_from = box.incarnation, "6a1b2c3d-0000-4000-8000-000000000000", None
    box.restored_from = former
    data = box.make(sequence=3, created=NOW + DAY)
    assert receiver.refused_open(data, confirm=None) == "E-ARCHIVE-TRUST"
    asked: list[Any] = []
    receiver.open(data, confirm=lambda q: not asked.append(q))
    assert (asked[0].incarnation, asked[0].restored_from) == (box.incarnation, former)
    box.incarnation = former
    assert receiver.refused_open(box.make(sequence=6)) == "E-ARCHIVE-ROLLBACK"
    assert receiver.refused_open(box.make(sequence=1, name="other")) == "E-ARCHIVE-ROLLBACK"


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


# 6: order.


def test_what_is_not_newer_is_a_rollback(receiver: Receiver, box: Box) -> None:
    old, data = box.make(sequence=2), box.make(sequence=3)
    receiver.open(data)
    assert receiver.refused_open(old) == "E-ARCHIVE-ROLLBACK"
    assert receiver.refused_open(data) == "E-ARCHIVE-ROLLBACK"


def test_another_archive_of_the_same_sequence_is_a_fork(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make(sequence=3))
    assert receiver.refused_open(box.make(sequence=3, created=NOW + DAY)) == "E-ARCHIVE-FORK"


def test_the_next_sequence_names_the_one_before_and_holes_are_normal(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make(sequence=3))
    first = box.manifest_sha256
    assert receiver.refused_open(box.make(sequence=4, previous="7" * 64)) == "E-ARCHIVE-FORK"
    assert receiver.refused_open(box.make(sequence=4)) == "E-ARCHIVE-FORK"
    receiver.open(box.make(sequence=4, previous=first))
    receiver.open(box.make(sequence=9, previous="7" * 64))


def test_an_older_crl_is_a_rollback(receiver: Receiver, box: Box) -> None:
    box.crl_number = 10
    receiver.open(box.make())
    box.crl_number = 9
    data = box.make(sequence=2, previous=box.manifest_sha256)
    assert receiver.refused_open(data) == "E-ARCHIVE-ROLLBACK"


# 7: files.


def test_a_file_that_the_manifest_does_not_mean_is_refused(receiver: Receiver, box: Box) -> None:
    def spoil(content: list[Any]) -> list[Any]:
        return [(path, data + b" " if path == "journal.jsonl" else data) for path, data in content]

    assert receiver.refusal(box.make(members=spoil))[0] == "E-ARCHIVE-DAMAGED"


def test_an_altered_file_of_the_same_size_is_refused(receiver: Receiver, box: Box) -> None:
    def spoil(content: list[Any]) -> list[Any]:
        return [(path, data[::-1] if path.startswith("keys/") else data) for path, data in content]

    assert receiver.refusal(box.make(members=spoil))[0] == "E-ARCHIVE-DAMAGED"


# 8: certificates.


def entry_change(**fields: Any) -> Callable[[list[Any]], list[Any]]:
    """Change the signer's entry of the manifest, before it is sealed."""

    def change(entries: list[Any]) -> list[Any]:
        return [
            msgspec.structs.replace(entry, **fields) if entry.kind == "signer" else entry for entry in entries
        ]

    return change


ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "hash": ({"sha256": "0" * 64}, "not the one"),
    "serial": ({"serial": f"{5:040x}"}, "serial number"),
    "start": ({"not_before": day(2027, 1, 2)}, "dates are others"),
    "end": ({"not_after": day(2027, 5)}, "dates are others"),
    "period before validity": ({"issue_from": day(2026)}, "issuing period"),
    "period after validity": ({"issue_until": day(2029)}, "issuing period"),
    "empty period": ({"issue_until": day(2027)}, "issuing period"),
    "algorithm": ({"algorithm": "p256"}, "algorithm"),
    "status": ({"status": "future"}, "do not make it future"),
    "unknown status": ({"status": "expired"}, "do not make it expired"),
    "revoked": ({"status": "revoked"}, "CRL does not"),
}


@pytest.mark.parametrize("what", ENTRIES)
def test_a_certificate_is_what_its_entry_says(receiver: Receiver, box: Box, what: str) -> None:
    fields, why = ENTRIES[what]
    code, text = receiver.refusal(box.make(entries=entry_change(**fields)))
    assert (code, why in text) == ("E-ARCHIVE-CERT", True)


def test_statuses_follow_from_the_dates(receiver: Receiver, box: Box) -> None:
    box.add("signer", start=day(2027, 4), until=day(2027, 7))
    box.add("signer", start=day(2027), until=day(2027, 1, 15), tail=60)
    box.add("signer", start=day(2027), until=day(2027, 1, 15))
    received = receiver.verify(box.make(keys_of=()))
    statuses = [entry.status for entry in received.manifest.certificates if entry.kind == "signer"]
    assert statuses == ["active", "future", "retired", "expired"]


def respoil(box: Box, spoil: Any, **options: Any) -> None:
    """Put another signer in place of the first one."""
    box.made.remove(box.of("signer")[0])
    box.add("signer", spoil=spoil, **options)


def with_subject(builder: x509.CertificateBuilder, extensions: Any) -> Any:
    name = x509.Name([x509.NameAttribute(NameOID.SERIAL_NUMBER, "another")])
    return x509.CertificateBuilder(**{**vars_of(builder), "subject_name": name}), extensions


CERTIFICATES: dict[str, tuple[Any, str]] = {
    "no CA": (lambda b, e: (b, [(x509.BasicConstraints(ca=False, path_length=None), True), e[1]]), "basic"),
    "basic constraints not critical": (
        lambda b, e: (b, [(x509.BasicConstraints(ca=True, path_length=0), False), e[1]]),
        "basic",
    ),
    "usage": (lambda b, e: (b, [e[0], kind_extensions("seal")[1]]), "key usage"),
    "no usage": (lambda b, e: (b, e[:1]), "cannot be read"),
    "critical unknown": (
        lambda b, e: (b, [*e, (x509.UnrecognizedExtension(SEAL_EKU, b"\x05\x00"), True)]),
        "critical extension",
    ),
    "id": (with_subject, "another id"),
}


@pytest.mark.parametrize("what", CERTIFICATES)
def test_a_signer_is_a_certificate_authority_and_no_more(receiver: Receiver, box: Box, what: str) -> None:
    spoil, why = CERTIFICATES[what]
    respoil(box, spoil)
    code, text = receiver.refusal(box.make())
    assert (code, why in text) == ("E-ARCHIVE-CERT", True)


def test_a_signer_lies_inside_its_root(receiver: Receiver, box: Box) -> None:
    respoil(box, None, tail=2000)
    code, text = receiver.refusal(box.make())
    assert (code, "inside its root's" in text) == ("E-ARCHIVE-CERT", True)


def test_a_signer_of_another_root_is_refused(receiver: Receiver, box: Box) -> None:
    other = box.add("root", start=day(2027), until=day(2028), tail=400)
    signer = box.add("signer", other)
    signer.record = replace(signer.record, issuer=box.of("root")[0].record.id)
    code, text = receiver.refusal(box.make())
    assert (code, "did not sign" in text) == ("E-ARCHIVE-CERT", True)


def test_a_certificate_of_the_same_name_and_another_key_is_refused(receiver: Receiver, box: Box) -> None:
    box.of("root")[0].key, kept = make_key(box.algorithm), box.of("root")[0].key
    box.add("signer")  # signed by the wrong key under the right name
    box.of("root")[0].key = kept
    code, text = receiver.refusal(box.make())
    assert (code, "did not sign" in text) == ("E-ARCHIVE-CERT", True)


def test_a_root_of_another_algorithm_signs_nothing_of_ours(receiver: Receiver, box: Box) -> None:
    other = make_box(algorithm="p256")
    root = box.of("root")[0]
    root.key, kept, box.algorithm = make_key("p256"), root.key, "p256"
    box.add("signer")
    root.key, box.algorithm = kept, "ed25519"
    assert other.algorithm == "p256"
    assert receiver.refusal(box.make())[0] == "E-ARCHIVE-CERT"


@pytest.mark.parametrize("what", ["alone", "twice", "text", "none"])
def test_a_signer_file_is_the_signer_and_its_root(receiver: Receiver, box: Box, what: str) -> None:
    signer, root = box.of("signer")[0], box.of("root")[0]
    content = {
        "alone": signer.pem,
        "twice": signer.pem * 2,
        "text": b"note\n" + signer.pem + root.pem,
        "none": b"",
    }

    def spoil(parts: dict[str, bytes]) -> None:
        parts[f"signers/services/mongo/{signer.record.id}.pem"] = content[what]

    assert receiver.refusal(box.make(parts=spoil))[0] == "E-ARCHIVE-CERT"


# 9: CRLs.


def test_a_revoked_signer_is_on_the_crl_and_called_so(receiver: Receiver, box: Box) -> None:
    box.revoked.add(box.of("signer")[0].record.id)
    assert receiver.verify(box.make()).key_count == 0
    code, text = receiver.refusal(box.make(entries=entry_change(status="active")))
    assert (code, "does not say so" in text) == ("E-ARCHIVE-CERT", True)


def test_what_expired_may_have_left_the_crl(receiver: Receiver, box: Box) -> None:
    gone = box.add("signer", start=day(2027), until=day(2027, 1, 15))
    change = entry_change(status="revoked")

    def only_gone(entries: list[Any]) -> list[Any]:
        return [change([entry])[0] if entry.id == gone.record.id else entry for entry in entries]

    assert receiver.verify(box.make(entries=only_gone, keys_of=())).key_count == 0


def test_a_crl_that_is_not_its_roots_is_refused(receiver: Receiver, box: Box) -> None:
    other = box.add("root", start=day(2027), until=day(2028), tail=400)

    def swap(parts: dict[str, bytes]) -> None:
        parts[f"crls/{other.record.id}.crl"] = box.crl(box.of("root")[0])

    def forge(parts: dict[str, bytes]) -> None:
        kept, other.key = other.key, box.of("root")[0].key
        parts[f"crls/{other.record.id}.crl"] = box.crl(other)
        other.key = kept

    def spoil(parts: dict[str, bytes]) -> None:
        parts[f"crls/{other.record.id}.crl"] = b"nonsense"

    for parts in (swap, forge, spoil):
        code, text = receiver.refusal(box.make(parts=parts))
        assert (code, "CRL of its root" in text) == ("E-ARCHIVE-CERT", True)


def test_a_root_that_seals_nothing_may_have_no_crl_yet(receiver: Receiver, box: Box) -> None:
    other = box.add("root", start=day(2028), until=day(2029), tail=400)

    def drop(parts: dict[str, bytes]) -> None:
        del parts[f"crls/{other.record.id}.crl"]

    assert receiver.verify(box.make(parts=drop)).key_count == 1


# 10: keys.


def key_file(box: Box, kind: str = "signer") -> str:
    return f"keys/{box.of(kind)[0].record.id}.pem"


def encrypted(key: Any, passphrase: str) -> bytes:
    secret = BestAvailableEncryption(passphrase.encode())
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
    return pem


def seal_to(box: Box, text: bytes) -> bytes:
    return bytes(pyrage.encrypt(text, [box.identity.to_public()]))  # type: ignore[attr-defined]


def test_each_key_opens_with_its_passphrase_and_is_its_certificates(receiver: Receiver, box: Box) -> None:
    id_ = box.of("signer")[0].record.id

    def other_key(parts: dict[str, bytes]) -> None:
        parts[key_file(box)] = encrypted(make_key("ed25519"), box.passphrases[id_])

    def other_passphrase(parts: dict[str, bytes]) -> None:
        parts[key_file(box)] = encrypted(box.of("signer")[0].key, "another")

    def plain(parts: dict[str, bytes]) -> None:
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        parts[key_file(box)] = box.of("signer")[0].key.private_bytes(*form)  # type: ignore[attr-defined]

    def not_age(parts: dict[str, bytes]) -> None:
        parts["passphrases.age"] = b"nonsense"

    codes = [
        receiver.refusal(box.make(parts=parts))[0] for parts in (other_key, other_passphrase, plain, not_age)
    ]
    assert codes == ["E-ARCHIVE-CERT"] * 3 + ["E-ARCHIVE-DAMAGED"]


@pytest.mark.parametrize("what", ["none", "too many", "twice", "spaces", "numbers", "garbage"])
def test_passphrases_name_exactly_the_keys(receiver: Receiver, box: Box, what: str) -> None:
    id_ = box.of("signer")[0].record.id

    def spoil(parts: dict[str, bytes]) -> None:
        sound = json.dumps(box.passphrases, separators=(",", ":"))
        text = {
            "none": "{}",
            "too many": json.dumps(box.passphrases | {"x": "y"}, separators=(",", ":")),
            "twice": f'{{"{id_}":"x",' + sound[1:],
            "spaces": json.dumps(box.passphrases, indent=1),
            "numbers": f'{{"{id_}":1}}',
            "garbage": "garbage",
        }[what]
        parts["passphrases.age"] = seal_to(box, text.encode())

    assert receiver.refusal(box.make(parts=spoil))[0] == "E-ARCHIVE-CERT"


def test_no_egress_holds_a_roots_key_under_a_signers_name(receiver: Receiver, box: Box) -> None:
    root = box.of("root")[0]

    def same_key(builder: x509.CertificateBuilder, extensions: Any) -> Any:
        return x509.CertificateBuilder(
            **{**vars_of(builder), "public_key": root.x509.public_key()}
        ), extensions

    respoil(box, same_key)
    box.of("signer")[0].key = root.key
    code, text = receiver.refusal(box.make())
    assert (code, "no egress may hold" in text) == ("E-ARCHIVE-CERT", True)


def test_keys_whose_halves_do_not_belong_together_are_refused() -> None:
    first, second = (rsa.generate_private_key(65537, 3072) for _ in range(2))
    numbers, other = first.private_numbers(), second.private_numbers()
    mixed = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, other.d, other.dmp1, other.dmq1, numbers.iqmp, numbers.public_numbers
    )
    spoilt = mixed.private_key(unsafe_skip_rsa_key_validation=True)
    key_match._check_key(encrypted(first, "x"), b"x", first.public_key(), "k")
    with pytest.raises(CaError, match="not the key of its certificate") as caught:
        key_match._check_key(encrypted(spoilt, "x"), b"x", first.public_key(), "k")
    assert caught.value.code == "E-ARCHIVE-CERT"
    point = ec.generate_private_key(ec.SECP256R1())
    key_match._check_key(encrypted(point, "x"), b"x", point.public_key(), "k")


# 11: journal.


def test_the_journal_is_one_chain_that_ends_in_the_manifests_head(receiver: Receiver, box: Box) -> None:
    lines, _ = make_journal(("init", "issue", "export"))
    spoilt = {
        "another head": lines,
        "cut": b"".join(lines.splitlines(keepends=True)[1:]),
        "empty": b"",
        "endless": b"x" * (journal.MAX_LINE_BYTES + 200_000),
        "garbage": b"{}\n",
    }
    for what, data in spoilt.items():
        code, _ = receiver.refusal(box.make(parts=lambda parts: parts.update({"journal.jsonl": data})))  # noqa: B023  called here
        assert (what, code) == (what, "E-JOURNAL")


# 12: place.


def test_an_open_or_foreign_folder_is_refused(receiver: Receiver, box: Box) -> None:
    receiver.out.mkdir(mode=0o777)
    receiver.out.chmod(0o777)
    with pytest.raises(CaError, match="nobody else") as caught:
        receiver.open(box.make())
    assert caught.value.code == "E-FILE"
    receiver.out.rmdir()
    receiver.out.write_bytes(b"a file")
    with pytest.raises(CaError) as caught:
        receiver.open(box.make())
    assert caught.value.code == "E-FILE"


def test_a_folder_that_cannot_be_made_is_refused(receiver: Receiver, box: Box) -> None:
    with pytest.raises(CaError) as caught:
        receiver.open(box.make(), out=receiver.folder / "missing" / "out")
    assert caught.value.code == "E-FILE"


def test_two_processes_do_not_open_into_one_folder(receiver: Receiver, box: Box) -> None:
    receiver.out.mkdir(mode=0o700)

    def second(_: object) -> bool:
        with pytest.raises(CaError, match="Another process") as caught:
            open_archive(receiver.file, [box.identity], (), NOW, out=receiver.out, confirm=None)
        assert caught.value.code == "E-FILE"
        return True

    receiver.open(box.make(), confirm=second)


def test_two_processes_that_make_the_folder_do_not_mix(receiver: Receiver, box: Box) -> None:
    def second(_: object) -> bool:
        open_archive(receiver.file, [box.identity], (), NOW, out=receiver.out, confirm=lambda _: True)
        return True

    with pytest.raises(CaError, match="try again") as caught:
        receiver.open(box.make(), confirm=second)
    assert caught.value.code == "E-ARCHIVE-TRUST"
    assert receiver.refused_open(box.make(), confirm=None) == "E-ARCHIVE-FORK"


def test_what_stands_in_the_way_is_left_alone(receiver: Receiver, box: Box) -> None:
    name = "main-kudo-000001-20270201T120000Z"
    for make in (
        lambda path: path.write_text("mine"),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("/nowhere"),
    ):
        receiver.out.mkdir(mode=0o700, exist_ok=True)
        make(receiver.out / name)
        with pytest.raises(CaError, match="move it away") as caught:
            receiver.open(box.make())
        assert caught.value.code == "E-FILE"
        (receiver.out / name).rmdir() if make.__code__.co_names == ("mkdir",) else (
            receiver.out / name
        ).unlink()


def test_a_folder_that_a_killed_process_finished_is_taken_over(receiver: Receiver, box: Box) -> None:
    data = box.make()
    folder = receiver.open(data).folder
    assert folder is not None
    (receiver.out / "receiver.json").unlink()
    inode = folder.stat().st_ino
    assert receiver.open(data).folder == folder
    assert folder.stat().st_ino == inode


@pytest.mark.parametrize("change", ["bytes", "size", "link", "missing", "more"])
def test_a_folder_that_differs_is_not_taken_over(receiver: Receiver, box: Box, change: str) -> None:
    data = box.make()
    folder = receiver.open(data).folder
    assert folder is not None
    (receiver.out / "receiver.json").unlink()
    file = folder / "journal.jsonl"
    content = file.read_bytes()
    if change == "bytes":
        file.write_bytes(content[::-1])
    elif change == "size":
        file.write_bytes(content + b" ")
    elif change == "more":
        (folder / "more").write_bytes(b"")
    else:
        file.unlink()
    if change == "link":
        file.symlink_to("manifest.json")
    assert "move it away" in refused(receiver, data)


def refused(receiver: Receiver, data: bytes) -> str:
    with pytest.raises(CaError) as caught:
        receiver.open(data)
    return str(caught.value)


def test_leftovers_of_killed_processes_are_swept_and_nothing_else(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    ours = [
        receiver.out / ".main-kudo-000002-20270201T120000Z.0011aabb.part",
        receiver.out / "receiver.json.0011aabb.part",
        receiver.out / "current" / ".main-kudo.0011aabb.part",
    ]
    ours[0].mkdir()
    (ours[0] / "x").write_bytes(b"")
    ours[1].write_bytes(b"")
    ours[2].symlink_to("nowhere")
    theirs = receiver.out / "notes.part"
    theirs.write_bytes(b"")
    (receiver.out / "current" / "notes").write_bytes(b"")
    receiver.open(box.make(sequence=3))
    assert not any(os.path.lexists(path) for path in ours)
    assert theirs.exists()


def test_a_link_that_a_killed_process_did_not_move_is_put_right(receiver: Receiver, box: Box) -> None:
    data = box.make()
    receiver.open(data)
    link = receiver.out / "current" / "main-kudo"
    link.unlink()
    with pytest.raises(CaError):
        receiver.open(data)
    assert str(link.readlink()) == "../main-kudo-000001-20270201T120000Z"


def test_a_full_disk_leaves_the_folder_as_it_was(receiver: Receiver, box: Box) -> None:
    receiver.open(box.make())
    box.incarnation = "6a1b2c3d-0000-4000-8000-000000000000"  # so that it asks once all is unpacked
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(_: object) -> bool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        return True

    try:
        code = receiver.refused_open(box.make(sequence=2), confirm=fill_the_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == "E-FILE"


KILLER = """
import os, signal, sys
from pathlib import Path
from core.identities import load_identities
from core.receive import open_archive
from tests.archives import NOW
archive, out = Path(sys.argv[1]), Path(sys.argv[2])
identity = load_identities(sys.stdin.buffer.read())
WRITES = {"os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.link", "open"}
point = 0
while True:
    point += 1
    child = os.fork()
    if child == 0:
        left = point
        def hook(event, args):
            global left
            if event in WRITES and str(out) in str(args[0] if event != "os.symlink" else args[1]):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        folder = out / str(point)
        folder.mkdir(mode=0o700)
        open_archive(archive, identity, (), NOW, out=folder / "out", confirm=lambda _: True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
print(point - 1)
"""


def test_a_kill_at_any_write_leaves_before_or_after(receiver: Receiver, box: Box, tmp_path: Path) -> None:
    data = box.make()
    receiver.file.write_bytes(data)
    out = tmp_path / "killed"
    out.mkdir(mode=0o700)
    command = [sys.executable, "-c", KILLER, receiver.file, out]
    done = subprocess.run(
        command,
        input=str(box.identity).encode(),
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    points = int(done.stdout)
    assert points > 30
    outcomes = set()
    for point in range(1, points + 1):
        receiver.out = out / str(point) / "out"
        if not receiver.out.parent.exists():
            continue  # killed before anything
        try:
            receiver.open(data)  # before: it opens as if nothing had been
            outcomes.add("before")
        except ArchiveRollbackError:  # after: it is open already
            outcomes.add("after")
        folder = (receiver.out / "current" / "main-kudo").resolve()
        assert len(tree(folder)) == 9
        assert sorted(path.name for path in receiver.out.iterdir()) == [
            "current",
            "main-kudo-000001-20270201T120000Z",
            "receiver.json",
        ]
    assert outcomes == {"before", "after"}


# What is remembered.


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
