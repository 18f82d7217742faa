import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from core.crypto.keys import KEY_ALGORITHMS, encode_key, make_key
from core.crypto.pkcs8 import encrypt_key

PASSPHRASE = b"QUFB" * 22


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_the_library_opens_it(algorithm: str) -> None:
    pkcs8 = encode_key(make_key(algorithm))
    opened = load_pem_private_key(encrypt_key(pkcs8, PASSPHRASE), PASSPHRASE)
    assert encode_key(opened) == pkcs8  # type: ignore[arg-type]  # one of the eight


def test_openssl_opens_it() -> None:
    pkcs8 = encode_key(make_key("ed25519"))
    done = subprocess.run(
        [
            "openssl",
            "pkcs8",
            "-passin",
            f"pass:{PASSPHRASE.decode()}",
            "-outform",
            "DER",
            "-topk8",
            "-nocrypt",
        ],
        input=encrypt_key(pkcs8, PASSPHRASE),
        capture_output=True,
        check=True,
    )
    assert done.stdout == pkcs8


def test_openssl_names_the_algorithms() -> None:
    pem = encrypt_key(encode_key(make_key("p256")), PASSPHRASE)
    done = subprocess.run(["openssl", "asn1parse"], input=pem, capture_output=True, check=True)
    for name in (b":PBES2", b":PBKDF2", b":hmacWithSHA256", b":aes-256-cbc", b":03E8"):
        assert name in done.stdout


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 70_000))
def test_any_length_is_wrapped_as_der(length: int) -> None:
    pem = encrypt_key(bytes(length), PASSPHRASE)
    done = subprocess.run(["openssl", "asn1parse"], input=pem, capture_output=True, check=True)
    assert f"{length // 16 * 16 + 16} prim: OCTET STRING".encode() in done.stdout.replace(b"  ", b" ")


def test_no_two_are_equal() -> None:
    assert len({encrypt_key(b"key", PASSPHRASE) for _ in range(8)}) == 8
