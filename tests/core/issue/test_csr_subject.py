"""Requests whose subject nobody wrote by the book: judged by their key, shown escaped."""

import warnings
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.der import encode_element
from core.errors import RequestError, RequestProofError
from core.issue.csr import MAX_SUBJECT, parse_csr
from tests.judges import run

COMMON_NAME, COUNTRY, ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x06", b"\x55\x04\x0a"
MAIL = bytes.fromhex("2a864886f70d010901")
ED25519 = encode_element(0x30, encode_element(0x06, b"\x2b\x65\x70"))
UTF8, PRINTABLE, T61, IA5, UNIVERSAL, BMP = 0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E
KEY = Ed25519PrivateKey.generate()
LATIN = "T\u00fcr 2".encode("latin-1")


def name(*attributes: tuple[bytes, int, bytes]) -> bytes:
    """Return a subject: identifier, tag and octets of each attribute."""
    groups = (
        encode_element(0x31, encode_element(0x30, encode_element(0x06, oid) + encode_element(tag, value)))
        for oid, tag, value in attributes
    )
    return encode_element(0x30, b"".join(groups))


def request(subject: bytes, attributes: bytes = b"\xa0\x00", version: int = 0) -> bytes:
    """Return a request in DER that its key has signed, whatever its subject is."""
    info = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    body = encode_element(0x30, encode_element(0x02, bytes([version])) + subject + info + attributes)
    return encode_element(0x30, body + ED25519 + encode_element(0x03, b"\0" + KEY.sign(body)))


ODD = {
    "plain": (request(name((COMMON_NAME, UTF8, b"gate 1"))), "CN=gate 1"),
    "umlaut as PrintableString": (request(name((COMMON_NAME, PRINTABLE, LATIN))), r"CN=T\xfcr 2"),
    "Latin-1 as T61String": (request(name((COMMON_NAME, T61, LATIN))), r"CN=T\xfcr 2"),
    "UTF-8 as PrintableString": (request(name((COMMON_NAME, PRINTABLE, "\u00fc".encode()))), r"CN=\xc3\xbc"),
    "wildcard": (request(name((COMMON_NAME, PRINTABLE, b"*.worlds.example"))), "CN=*.worlds.example"),
    "BMPString": (request(name((COMMON_NAME, BMP, "T\u00fcr".encode("utf-16-be")))), r"CN=T\xfcr"),
    "UniversalString": (request(name((COMMON_NAME, UNIVERSAL, "\u03a9".encode("utf-32-be")))), r"CN=\u03a9"),
    "mail": (request(name((MAIL, IA5, b"t\xfcr@x"))), r"1.2.840.113549.1.9.1=t\xfcr@x"),
    "country of three": (request(name((COUNTRY, PRINTABLE, b"USA"))), "C=USA"),
    "empty value": (request(name((ORGANIZATION, UTF8, b""), (COMMON_NAME, UTF8, b"x"))), "CN=x,O="),
    "empty subject": (request(name()), "(empty)"),
    "no attributes": (request(name((COMMON_NAME, UTF8, b"x")), attributes=b""), "CN=x"),
}
NOT_BY_OPENSSL = {
    "version 2": (request(name((COMMON_NAME, UTF8, b"x")), version=2), "CN=x"),  # taken up to OpenSSL 3.0
    "broken UTF-8": (request(name((COMMON_NAME, UTF8, LATIN))), r"CN=T\xfcr 2"),
    "odd BMPString": (request(name((COMMON_NAME, BMP, b"\0T\0"))), r"CN=\x00T\x00"),
    "no name at all": (request(encode_element(0x30, b"\x01\x02?")), r"\x01\x02?"),
    "two, reversed": (
        request(name((ORGANIZATION, PRINTABLE, LATIN), (COMMON_NAME, UTF8, b"x"))), r"CN=x,O=T\xfcr 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", [*ODD, *NOT_BY_OPENSSL])
def test_a_request_is_judged_by_its_key_and_its_subject_shown_escaped(tmp_path: Path, case: str) -> None:
    data, subject = (ODD | NOT_BY_OPENSSL)[case]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        csr = parse_csr(data)
    assert not told  # no library's warning reaches a person
    assert csr.subject == subject
    assert csr.public_key == KEY.public_key()
    if case in ODD:
        (tmp_path / "request").write_bytes(data)
        judged = run("openssl", "req", "-inform", "DER", "-in", tmp_path / "request", "-noout", "-verify")
        assert "verify OK" in judged.stdout + judged.stderr


@pytest.mark.parametrize("case", [*ODD, *NOT_BY_OPENSSL])
def test_an_odd_subject_is_no_excuse_for_another_signature(case: str) -> None:
    data, _ = (ODD | NOT_BY_OPENSSL)[case]
    with pytest.raises(RequestProofError):
        parse_csr(data[:-1] + bytes([data[-1] ^ 1]))


def test_what_an_odd_subject_says_is_cut_and_printable() -> None:
    csr = parse_csr(request(name((COMMON_NAME, PRINTABLE, b"\x1b[2J\xff" * 100))))
    assert len(csr.subject) <= MAX_SUBJECT
    assert csr.subject.isascii()
    assert csr.subject.isprintable()


@pytest.mark.parametrize(
    "data",
    [
        request(b"", attributes=b""),
        request(name(), attributes=b"\xa1\x00"),
        request(name(), attributes=b"\xa0\x00\xa0\x00"),
        request(encode_element(0x31, b"")),
    ],
)
def test_refuses_what_has_not_the_elements_of_a_request(data: bytes) -> None:
    with pytest.raises(RequestError):
        parse_csr(data)
