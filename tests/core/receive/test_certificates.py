"""Checks 8 and 9: certificates and CRLs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from core.archive.seal import SEAL_EKU
from core.crypto.keys import make_key
from tests.archives import Box, day, kind_extensions, make_box, vars_of
from tests.receiver import Receiver


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
    box.swap("signer", spoil=spoil)
    code, text = receiver.refusal(box.make())
    assert (code, why in text) == ("E-ARCHIVE-CERT", True)


def test_a_signer_lies_inside_its_root(receiver: Receiver, box: Box) -> None:
    box.swap("signer", spoil=None, tail=2000)
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
