"""Check 10: keys and passphrases."""

import json
from typing import Any

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

from core.crypto.keys import make_key, sign_bytes, verify_bytes
from core.errors import CaError
from core.receive import private_keys
from tests.archives import Box, vars_of
from tests.receiver import Receiver


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

    box.swap("signer", spoil=same_key)
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
    private_keys._check_key(encrypted(first, "x"), b"x", first.public_key(), "k")
    with pytest.raises(CaError, match="not the key of its certificate") as caught:
        private_keys._check_key(encrypted(spoilt, "x"), b"x", first.public_key(), "k")
    assert caught.value.code == "E-ARCHIVE-CERT"
    point = ec.generate_private_key(ec.SECP256R1())
    private_keys._check_key(encrypted(point, "x"), b"x", point.public_key(), "k")


def test_an_rsa_key_that_signs_well_but_whose_numbers_do_not_fit_together_is_refused() -> None:
    sound = rsa.generate_private_key(65537, 3072)
    numbers = sound.private_numbers()
    parts = (numbers.p, numbers.q, numbers.d, numbers.dmp1, numbers.dmq1 ^ 1 << 700, numbers.iqmp)
    spoilt = rsa.RSAPrivateNumbers(*parts, numbers.public_numbers).private_key(
        unsafe_skip_rsa_key_validation=True
    )
    verify_bytes(sound.public_key(), sign_bytes(spoilt, b"proof"), b"proof")
    with pytest.raises(CaError, match="not the key of its certificate"):
        private_keys._check_key(encrypted(spoilt, "x"), b"x", sound.public_key(), "k")
