"""Signing requests as bytes: what is taken, what is refused and how, and that nothing else happens."""

import base64
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from core.api.csr_files import MAX_REQUEST_BYTES
from core.certificate import encode_pem
from core.crypto.keys import KEY_ALGORITHMS, make_key
from core.errors import CaError, RequestError
from core.issue.csr import MAX_SUBJECT, parse_csr, show_text
from tests.judges import run
from tests.signing_requests import OPENSSL_KEYS, make_request, make_with_openssl

EC_KEY = make_key("p256")
REQUEST = make_request(EC_KEY)
ED_REQUEST = make_request()


def pem(der: bytes = REQUEST, label: str = "CERTIFICATE REQUEST") -> bytes:
    return encode_pem(der, label)


def code_of(data: bytes) -> str:
    with pytest.raises(CaError) as raised:
        parse_csr(data)
    assert isinstance(raised.value, RequestError)
    return raised.value.code


@pytest.mark.parametrize("algorithm", OPENSSL_KEYS)
def test_reads_what_openssl_makes_and_names_its_key_as_openssl_does(algorithm: str, tmp_path: Path) -> None:
    csr = parse_csr(make_with_openssl(tmp_path, algorithm))
    assert csr.algorithm == algorithm
    assert csr.subject == "CN=gate 7,O=Visitors & Sons"
    key = load_pem_private_key((tmp_path / "request.key").read_bytes(), None)
    assert csr.public_key == key.public_key()
    text = run("openssl", "req", "-in", tmp_path / "request.csr", "-noout", "-pubkey").stdout
    (tmp_path / "public.pem").write_text(text)
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", tmp_path / "public.pem", "-outform", "DER"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    (tmp_path / "public.der").write_bytes(der)
    assert csr.key_sha256 in run("openssl", "dgst", "-sha256", tmp_path / "public.der").stdout


@pytest.mark.parametrize("algorithm", [name for name in KEY_ALGORITHMS if name.startswith("mldsa")])
def test_reads_post_quantum_requests(algorithm: str) -> None:
    """This machine's OpenSSL makes none."""
    key = make_key(algorithm)
    csr = parse_csr(pem(make_request(key)))
    assert (csr.algorithm, csr.public_key) == (algorithm, key.public_key())


def test_reads_what_gnutls_makes_with_its_text_and_its_label(tmp_path: Path) -> None:
    (tmp_path / "template").write_text('cn = "gate 7"\n')
    run("certtool", "--generate-privkey", "--key-type", "ed25519", "--outfile", tmp_path / "key")
    command = ("certtool", "--generate-request", "--load-privkey", tmp_path / "key", "--template")
    text = run(*command, tmp_path / "template").stdout
    assert "-----BEGIN NEW CERTIFICATE REQUEST-----" in text
    assert "Information" in text
    assert parse_csr(text.encode()).subject == "CN=gate 7"


@pytest.mark.parametrize(
    "write",
    [
        lambda: REQUEST,
        pem,
        lambda: pem().replace(b"\n", b"\r\n"),
        lambda: pem().removesuffix(b"\n"),
        lambda: b"Dear authority,\n\n" + pem() + b"\nYours, the gate\n",
        lambda: pem(label="NEW CERTIFICATE REQUEST"),
    ],
)
def test_der_and_pem_are_the_same_request(write: Callable[[], bytes]) -> None:
    assert parse_csr(write()) == parse_csr(REQUEST)


def test_attributes_and_extensions_do_no_harm() -> None:
    key = make_key("ed25519")
    wanted = (
        x509.BasicConstraints(ca=True, path_length=99),
        x509.SubjectAlternativeName([x509.DNSName("*")]),
    )
    csr = parse_csr(make_request(key, extensions=wanted))
    assert csr == parse_csr(make_request(key))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "E-REQUEST"),
        (b"0", "E-REQUEST"),
        (b"hello", "E-REQUEST"),
        (pem() + pem(), "E-REQUEST"),
        (pem() + pem(ED_REQUEST), "E-REQUEST"),
        (REQUEST + b"\0", "E-REQUEST"),
        (REQUEST[:-1], "E-REQUEST"),
        (pem(REQUEST + b"\0"), "E-REQUEST"),
        (pem(label="CERTIFICATE"), "E-REQUEST"),
        (pem().replace(b"-----END CERT", b"-----END NEW CERT"), "E-REQUEST"),
        (pem().replace(b"\n-----END", b"A\n-----END"), "E-REQUEST"),
        (pem()[:-20], "E-REQUEST"),
        (pem().decode().encode("utf-16"), "E-REQUEST"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n", "E-REQUEST"),
        (REQUEST.ljust(MAX_REQUEST_BYTES + 1, b"\0"), "E-REQUEST"),
    ],
)
def test_refuses_what_is_not_one_request(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_refuses_a_file_with_a_private_key(tmp_path: Path) -> None:
    made = make_with_openssl(tmp_path, "ed25519")
    private = (tmp_path / "request.key").read_bytes()
    assert code_of(made + private) == code_of(private) == "E-REQUEST-PRIVATE"
    der = load_pem_private_key(private, None).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert code_of(der) == "E-REQUEST-PRIVATE"


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 2048),
        lambda: rsa.generate_private_key(3, 3072),
        lambda: rsa.generate_private_key(65537, 3200),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: dsa.generate_private_key(2048),
    ],
)
def test_refuses_keys_of_other_kinds_sizes_and_exponents(make: Callable[[], rsa.RSAPrivateKey]) -> None:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    assert code_of(builder.sign(make(), hashes.SHA256()).public_bytes(Encoding.DER)) == "E-REQUEST-KEY"


def test_refuses_a_curve_that_the_library_knows_and_pism_does_not() -> None:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    der = builder.sign(ed448.Ed448PrivateKey.generate(), None).public_bytes(Encoding.DER)
    assert code_of(der) == "E-REQUEST-KEY"


def test_refuses_a_point_of_low_order_under_which_anything_verifies() -> None:
    raw = ed25519.Ed25519PrivateKey.generate()
    der = make_request(raw)
    zero = raw.public_key().public_bytes_raw()
    assert code_of(der.replace(zero, bytes([1]) + bytes(31))) == "E-REQUEST-KEY"


def test_refuses_a_key_that_is_written_in_another_way_than_the_usual_one() -> None:
    """A compressed point: the certificate would hold other bytes than the requester has hashed."""
    key = EC_KEY.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    whole = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    pressed = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    der = bytearray(REQUEST)
    place = der.index(whole)
    assert der[1] == 0x81  # lengths of one byte follow
    der[place : place + len(whole)] = pressed
    missing = len(whole) - len(pressed)
    for length in (2, 4 if der[4] != 0x81 else 5, der.index(b"\x30\x59\x30\x13") + 1, place - 2):
        der[length] -= missing
    assert code_of(bytes(der)) == "E-REQUEST-KEY"


@pytest.mark.parametrize("request_", [REQUEST, ED_REQUEST, make_request(make_key("mldsa44"))])
def test_refuses_a_request_that_another_key_signed(request_: bytes) -> None:
    """The subject is altered: whoever did it does not hold the key."""
    assert code_of(request_.replace(b"gate 7", b"gate 8")) == "E-REQUEST-PROOF"


def test_refuses_a_proof_with_a_broken_hash(tmp_path: Path) -> None:
    make_with_openssl(tmp_path, "rsa3072")
    for digest, code in (("-sha1", "E-REQUEST-PROOF"), ("-md5", "E-REQUEST-PROOF")):
        run("openssl", "req", "-new", "-key", tmp_path / "request.key", digest, "-subj", "/CN=x",
            "-out", tmp_path / "weak.csr")  # fmt: skip
        assert code_of((tmp_path / "weak.csr").read_bytes()) == code


def test_takes_sound_proofs_of_other_hashes_and_paddings(tmp_path: Path) -> None:
    """A P-384 key signs with SHA-256 unless OpenSSL is told otherwise, and RSA may use PSS."""
    assert parse_csr(make_request(make_key("p384"), digest=hashes.SHA256())).algorithm == "p384"
    key = make_key("rsa3072")
    assert isinstance(key, rsa.RSAPrivateKey)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    signed = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .sign(key, hashes.SHA256(), rsa_padding=pss)
    )
    assert parse_csr(signed.public_bytes(Encoding.DER)).algorithm == "rsa3072"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CN=gate 7", "CN=gate 7"),
        ("a\x00b\x1b[2Jc\n", r"a\x00b\x1b[2Jc\x0a"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("Ünder \u202eevil", r"\xdcnder \u202eevil"),
        ("\ud800", r"\ud800"),
        ("", ""),
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 18 + ".."),
        ("日" * 21, r"\u65e5\u65e5\u65e5.."),
    ],
)
def test_hostile_text_is_shown_in_printable_ascii_and_cut(text: str, shown: str) -> None:
    assert show_text(text, 20) == shown


@given(st.text(max_size=300))
def test_any_subject_is_shown_printable_and_short(text: str) -> None:
    shown = show_text(text, MAX_SUBJECT)
    assert len(shown) <= MAX_SUBJECT
    assert re.fullmatch(r"[ -~]*", shown)


@pytest.mark.parametrize("name", ["gate\n#sign  *leave", "\x1b[31mred", "a" * 64, "Ω≈ç√"])
def test_a_hostile_subject_is_harmless(name: str) -> None:
    subject = parse_csr(make_request(common_name=name)).subject
    assert re.fullmatch(r"[ -~]{1,128}", subject)
    assert subject.startswith("CN=")


def test_an_empty_subject_is_said_to_be_empty() -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    der = builder.sign(make_key("ed25519"), None).public_bytes(Encoding.DER)
    assert parse_csr(der).subject == "(empty)"


MOTHERS = [REQUEST, ED_REQUEST, make_request(make_key("rsa3072")), make_request(make_key("mldsa44"))]


@settings(max_examples=400)
@given(
    mother=st.sampled_from(MOTHERS),
    flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=4),
    armoured=st.booleans(),
)
def test_an_altered_request_is_refused_and_nothing_else(
    mother: bytes, flips: list[tuple[int, int]], *, armoured: bool
) -> None:
    data = bytearray(mother)
    for place, mask in flips:
        data[place % len(data)] ^= mask
    if data == mother:
        return
    try:
        csr = parse_csr(pem(bytes(data)) if armoured else bytes(data))
    except RequestError:
        return
    # What is taken all the same has a signature of its key: a second ECDSA or a longer encoding of it.
    assert csr.key_sha256 in {parse_csr(each).key_sha256 for each in MOTHERS}


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda tail: b"\x30" + tail)))
def test_any_bytes_are_refused(data: bytes) -> None:
    for each in (data, pem(data), base64.b64encode(data)):
        with pytest.raises(RequestError):
            parse_csr(each)


@given(cut=st.integers(0, 400), mother=st.sampled_from(MOTHERS[:2]))
def test_a_cut_request_is_refused(cut: int, mother: bytes) -> None:
    if cut < len(mother):
        with pytest.raises(RequestError):
            parse_csr(mother[:cut])


def test_the_key_is_not_shown_in_a_repr() -> None:
    assert "public_key" not in repr(parse_csr(REQUEST))
