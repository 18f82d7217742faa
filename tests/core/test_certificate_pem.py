import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.certificate import encode_pem


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300))
def test_a_block_is_what_the_standard_library_writes(der: bytes) -> None:
    assert encode_pem(der).decode() == ssl.DER_cert_to_PEM_cert(der)


@pytest.mark.parametrize("size", [1, 47, 48, 49, 96])
def test_no_line_is_longer_than_64_characters(size: int) -> None:
    assert max(map(len, encode_pem(bytes(size), "X509 CRL").splitlines()[1:-1])) <= 64


def test_the_label_stands_on_both_ends() -> None:
    lines = encode_pem(b"x", "X509 CRL").splitlines()
    assert (lines[0], lines[-1]) == (b"-----BEGIN X509 CRL-----", b"-----END X509 CRL-----")
