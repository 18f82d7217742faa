"""Check 4: which seals are believed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from core.archive.seal import SEAL_EKU
from core.errors import CaError
from tests.archives import NOW, Box, day, kind_extensions, make_box, vars_of
from tests.receiver import Receiver

DAY = timedelta(days=1)


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
    box.swap("seal", spoil=lambda builder, extensions: (builder, SEAL_PROFILES[what](extensions)))
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
    assert receiver.refusal(box.make(created=NOW + DAY + timedelta(seconds=1)))[0] == "E-ARCHIVE-DATE"


def test_a_future_root_seals_for_a_receiver_that_pinned_it(receiver: Receiver, box: Box) -> None:
    late = box.add("root", start=day(2028), until=day(2029), tail=400)
    box.add("seal", late)
    received = receiver.verify(box.make(), trust=[late.x509])
    assert received.sealed_by.root_id == late.record.id


def test_a_root_that_is_no_certificate_is_passed_over(receiver: Receiver, box: Box) -> None:
    def spoil(parts: dict[str, bytes]) -> None:
        parts[f"roots/{box.of('root')[0].record.id}.pem"] = b"nonsense"

    assert receiver.refusal(box.make(parts=spoil))[0] == "E-ARCHIVE-SEAL"
